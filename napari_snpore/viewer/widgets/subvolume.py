"""The Subvolumes widget: named boxes, their fractions at once in one or several states, presets by the envelope, and the cut."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import napari.components
import numpy as np
import pandas as pd
from napari.layers import Layer
from qtpy.QtCore import QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QApplication, QFileDialog, QHBoxLayout, QPushButton

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.files import write_table
from napari_snpore.subvolume import centre_and_edge_boxes, fibre_width
from napari_snpore.viewer.box_handles import BoxHandles
from napari_snpore.viewer.box_parts import Parts, Whole, cut_box
from napari_snpore.viewer.boxes import NamedBox, boxes_of
from napari_snpore.viewer.events import plain_viewer
from napari_snpore.viewer.latest import LatestWork
from napari_snpore.viewer.layers import LayerData, is_phases, put_layer, volume_from_layer
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.box_counting import BoxCounting, Counted
from napari_snpore.viewer.widgets.box_fields import BoxFields
from napari_snpore.viewer.widgets.box_table import BoxTable
from napari_snpore.viewer.widgets.cut_list import CutList
from napari_snpore.viewer.widgets.form import Fold, MainButton, NumberBox, ResultText, StepForm, caveat
from napari_snpore.viewer.widgets.layer_choice import LayerChoice
from napari_snpore.viewer.widgets.measured import cut_axes_of
from napari_snpore.volume import Triple, Volume

_EMPTY = "Make phases first (Threshold, Apply), or open a run; a grey volume alone can be cut too"
_PLUGIN, _SLICES = "napari-snpore", "Ortho slices"
_USUAL_CUBE = 0.3
"""Edge of a new cube as a share of the fibre's width: 0.6 of its radius, as in a run."""


class SubvolumeWidget(StepForm):
    """Named boxes in nm: shown in 3D and on the ortho slices, moved there or typed here, measured at once, cut on demand.

    Parameters
    ----------
    viewer : ViewerModel
        napari passes its own.

    Examples
    --------
    In napari's console::

        widget = SubvolumeWidget(viewer)
        widget.layer = viewer.layers["needle · phases"]
        widget.place_presets(20.0)
        widget.fractions
        widget.extract()
    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = plain_viewer(viewer)
        self.boxes = boxes_of(self._viewer)
        self._parts: list[LayerData] = []
        self._said = ""
        self._cube_chosen = False
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._put_next)
        self._sizing = LatestWork(self)
        self._sizing.done.connect(self._on_sized)
        self._build()
        self.counting = BoxCounting(self._wanted, self)
        self.counting.counted.connect(self._on_counted)
        self.counting.failed.connect(lambda words: self.status.say(words, problem=True))
        self.handles = BoxHandles(self._viewer, self.boxes, self)
        self.handles.refused.connect(self.status.say)
        self._phases.layer_changed.connect(self._on_layer)
        self._phases.scale_changed.connect(self._on_scale)
        self.boxes.changed.connect(self._on_boxes)
        self.cut_list.changed.connect(self._on_ticks)
        QShortcut(QKeySequence.StandardKey.Undo, self, self.undo)
        QShortcut(QKeySequence.StandardKey.Redo, self, self.redo)
        self._on_layer(self._phases.layer)

    @property
    def layer(self) -> Layer | None:
        """The phases whose envelope places the cubes; they stand in the table, and with them all phases that are ticked."""
        return self._phases.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._phases.layer = layer

    @property
    def fractions(self) -> pd.DataFrame | None:
        """One row a box, layer and phase: ``layer, box, name, voxel_count, volume_nm3, fraction_percent …``, and the box."""
        found = self.counting.result()
        return None if found is None or found.table.empty else found.table

    def put(self, name: str, *, center_nm: Triple, size_nm: float | Triple) -> None:
        """Add a box, or move the one of that name.

        Parameters
        ----------
        name : str
            Unique.
        center_nm : (float, float, float)
            World coordinates (z, y, x).
        size_nm : float or (float, float, float)
            Edges.
        """
        size = (size_nm,) * 3 if isinstance(size_nm, (int, float)) else size_nm
        if not all(math.isfinite(value) for value in center_nm) or not all(value > 0 for value in size):
            raise InputError(
                f"The box '{name}' has centre {center_nm} and size {size} nm; finite, positive sizes are needed."
            )
        self.boxes.remember()
        self.boxes.put(NamedBox(name, tuple(center_nm), tuple(size)))  # type: ignore[arg-type]

    def place_presets(self, size_nm: float | None = None) -> None:
        """Place the centre and the edge cube by the envelope of the chosen phases; the window stays alive meanwhile."""
        if size_nm is not None:
            self.size.setValue(size_nm)
        self._sizing.wait()
        self._place_presets(("centre", "edge"))
        self.status.wait()

    def undo(self) -> None:
        """Go back to the boxes before the last drag, typed number or preset."""
        self.boxes.undo()

    def redo(self) -> None:
        """Take back an undo."""
        self.boxes.redo()

    def extract(self, name: str | None = None) -> list[Layer]:
        """Cut one box (the selected one) out of the ticked layers; the window stays alive meanwhile.

        Returns
        -------
        list of Layer
            The new layers, where they were cut.
        """
        if name is not None:
            self.boxes.selected = list(self.boxes).index(self.boxes.named(name))
        before = list(self._viewer.layers)
        self._extract()
        self.status.wait()
        while self._parts:
            QApplication.processEvents()
        return [layer for layer in self._viewer.layers if layer not in before]

    def save_csv(self, path: str | Path) -> Path:
        """Write the fractions of every box in every layer of the table as CSV; the window stays alive meanwhile.

        Raises
        ------
        InputError
            There are no boxes or no phases, or the place cannot be written.
        """
        return _write(self.counting.result(), path)

    def state(self) -> Mapping[str, Any]:
        """Return the layer, the size of new cubes and what is ticked; the boxes themselves are a layer."""
        ticked = [layer.name for layer in self.cut_list.ticked]
        return {
            "layer": None if self.layer is None else self.layer.name,
            "cube_nm": self.size.value(),
            "ticked": ticked,
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.size.setValue(float(state.get("cube_nm", self.size.value())))
        if state.get("layer") in layers:
            self.layer = layers[state["layer"]]
        if "ticked" in state:
            for layer in self.cut_list.layers:
                self.cut_list.tick(layer, layer.name in state["ticked"])

    def closed(self) -> None:
        """Stop what runs and take the handles out of the scene; the boxes stay."""
        self.status.drop()
        self._parts.clear()
        self.counting.drop()
        self._sizing.drop()
        self.draw_button.setChecked(False)
        self.handles.close()

    def _build(self) -> None:
        self._phases = LayerChoice(self._viewer, is_phases, empty=_EMPTY, what="layer of phases")
        self._phases.setToolTip(
            "Whose envelope places the cubes, and whose fractions stand in the table; those of other states stand there too "
            "where they are ticked under 'Cut out of'."
        )
        rows = self.rows()
        rows.addRow("Phases", self._phases)
        rows.addRow(self._phases.hint())
        self.size = NumberBox(
            20.0, 0.01, 1e6, step=1.0, tip="Edge of a new cube in nm; at first 0.6 of the fibre's radius."
        )
        self.size.valueChanged.connect(self._on_cube)
        rows.addRow("Cube (nm)", self.size)
        self.column.addLayout(self._preset_buttons())
        self.table = BoxTable()
        self.table.picked.connect(self._pick)
        self.column.addWidget(self.table)
        self.caveats = ResultText()
        self.column.addWidget(self.caveats)
        self.fields = BoxFields()
        self.fields.edited.connect(self._edit)
        self.name_box, self.center_boxes, self.size_boxes = (
            self.fields.name_box,
            self.fields.center_boxes,
            self.fields.size_boxes,
        )
        self.column.addWidget(self.fields)
        self.cut_list = CutList(self._viewer)
        fold = Fold("Cut out of")
        fold.form.addRow(self.cut_list)
        self.column.addWidget(fold)
        self.main_button = MainButton(
            "Extract", "Cut the selected box out of the ticked layers; the parts keep their place."
        )
        self.main_button.clicked.connect(self._extract)
        self.column.addWidget(self.main_button)
        self.save_button = QPushButton("Save CSV …")
        self.save_button.setToolTip(
            "Fractions of all boxes in all layers of the table, one row a box, layer and phase; no error is estimated."
        )
        self.save_button.clicked.connect(self._ask_path)
        self.column.addWidget(self.save_button)
        self.status = StepStatus()
        self.status.busy_changed.connect(lambda busy: self._enable())
        self.column.addWidget(self.status)
        self.column.addStretch(1)

    def _preset_buttons(self) -> QHBoxLayout:
        self.preset_button = QPushButton("Centre and edge")
        self.preset_button.setToolTip(
            "Place one cube on the fibre's axis and one just below its surface, across the beam, by the envelope of the phases."
        )
        self.preset_button.clicked.connect(lambda: self._place_presets(("centre", "edge")))
        self.add_button = QPushButton("At cross-hair")
        self.add_button.setToolTip("Add a cube where the ortho slices cross.")
        self.add_button.clicked.connect(self._add_here)
        self.draw_button = QPushButton("Draw")
        self.draw_button.setCheckable(True)
        self.draw_button.setToolTip(
            "Drag a rectangle on one of the ortho slices; it becomes a box. Opens them if need be."
        )
        self.draw_button.toggled.connect(self._draw)
        self.remove_button = QPushButton("Remove")
        self.remove_button.setToolTip("Take the selected box away.")
        self.remove_button.clicked.connect(self._remove)
        self.undo_button = QPushButton("↶")
        self.undo_button.setToolTip("Back to the boxes before (Ctrl+Z); again with Ctrl+Shift+Z.")
        self.undo_button.clicked.connect(self.undo)
        self.undo_button.setMaximumWidth(32)
        line = QHBoxLayout()
        for button in (self.preset_button, self.add_button, self.draw_button, self.remove_button, self.undo_button):
            line.addWidget(button)
        return line

    def _wanted(self) -> tuple[Sequence[Layer], Sequence[NamedBox]]:
        """Return what is counted: the chosen phases and all others that are ticked, in the order of the window."""
        chosen, ticked = self._phases.layer, self.cut_list.ticked
        counted = [layer for layer in self._viewer.layers if layer is chosen or (layer in ticked and is_phases(layer))]
        return counted, list(self.boxes)

    def _on_layer(self, layer: Layer | None) -> None:
        """Take other phases: what is shown of the ones before goes at once."""
        self.table.show_shares(None)
        if layer is not None and not self._cube_chosen:
            self._ask_cube(layer)
        self._on_boxes()

    def _on_scale(self) -> None:
        self._on_layer(self._phases.layer)

    def _on_ticks(self) -> None:
        self._on_boxes()

    def _on_boxes(self) -> None:
        """Show the boxes as they are now: rows, the selected one's numbers; count again."""
        layers, boxes = self._wanted()
        index = self.boxes.selected
        self.table.show_boxes(boxes, [layer.name for layer in layers], index)
        self.fields.show_box(self.boxes[index] if index >= 0 else None)
        self._enable()
        self.counting.ask()

    def _enable(self) -> None:
        chosen, busy = self.boxes.selected >= 0, self.status.busy
        layer, several = self._phases.layer, self.cut_list.count() > 0
        self.preset_button.setEnabled(layer is not None and not busy)
        self.add_button.setEnabled(several)
        self.draw_button.setEnabled(several)
        self.remove_button.setEnabled(chosen)
        self.undo_button.setEnabled(self.boxes.history.can_go_back)
        self.main_button.setEnabled(chosen and several and not busy)
        self.save_button.setEnabled(len(self.boxes) > 0 and layer is not None and not busy)

    def _on_counted(self, found: Counted | None) -> None:
        notes = self.table.show_shares(None) if found is None else self.table.show_shares(found.table, found.phases)
        several = len({layer for _, layer, _ in notes}) > 1 or len(self._wanted()[0]) > 1
        lines = [f"{box}, {layer}: {note}" if several else f"{box}: {note}" for box, layer, note in notes]
        lines += [] if found is None else found.refused
        self.caveats.show_lines([caveat(html.escape(line, quote=False)) for line in lines])

    def _ask_cube(self, layer: Layer) -> None:
        """Ask for the usual edge of a cube: a share of the fibre's width."""
        try:
            phases = volume_from_layer(layer)
        except InputError:
            return  # said where it is counted
        self._sizing.ask(lambda should_stop: _USUAL_CUBE * _width_of(phases))

    def _on_sized(self, edge_nm: float) -> None:
        if not self._cube_chosen:
            self.size.blockSignals(True)
            self.size.setValue(float(f"{edge_nm:.2g}"))
            self.size.blockSignals(False)

    def _on_cube(self) -> None:
        self._cube_chosen = True

    def _pick(self, index: int) -> None:
        self.boxes.selected = index

    def _edit(self, box: NamedBox) -> None:
        self.boxes.remember()
        self.boxes.change(self.boxes.selected, box)

    def _remove(self) -> None:
        self.boxes.remember()
        self.boxes.remove(self.boxes.selected)

    def _add_here(self) -> None:
        point = self._viewer.dims.point[-3:]
        self.put(self.boxes.new_name(), center_nm=(point[0], point[1], point[2]), size_nm=self.size.value())

    def _place_presets(self, names: tuple[str, ...]) -> None:
        try:
            layer = self._phases.required()
            phases = volume_from_layer(layer)
        except InputError as error:
            self.status.refuse(error)
            return
        size = self.size.value()

        def work(progress: Progress, should_stop: ShouldStop) -> dict[str, Triple]:
            envelope = np.asarray(phases.data) > 0
            check_stop(should_stop)
            return centre_and_edge_boxes(
                envelope, spacing=phases.spacing, origin=phases.origin, size_nm=size, fibre_axis=_fibre_axis(phases)
            )

        def done(found: dict[str, Triple]) -> None:
            self.boxes.remember()
            for name in names:
                self.boxes.put(NamedBox(name, found[name], (size,) * 3))
            self.status.say(f"Placed by the envelope of '{layer.name}'.")

        self.status.run("Place cubes", work, done)

    def _draw(self, on: bool) -> None:
        """Let a drag on any slice draw a box; slices that are opened later know of it too."""
        from napari_snpore.viewer.widgets.ortho_slices import open_slices_of

        self.boxes.drawing = on
        if not on or open_slices_of(self._viewer) is not None:
            return
        window = getattr(self._viewer, "window", None)
        if window is None:
            self.draw_button.setChecked(False)
            self.status.refuse(
                InputError("Boxes are drawn on the ortho slices, and there is no window to open them in.")
            )
            return
        dock, _ = window.add_plugin_dock_widget(_PLUGIN, _SLICES)
        dock.show()

    def _extract(self) -> None:
        layers = self.cut_list.ticked
        try:
            if self.boxes.selected < 0:
                raise InputError("There is no box yet; place one first.")
            if not layers:
                raise InputError("No layer is ticked under 'Cut out of'.")
        except InputError as error:
            self.status.refuse(error)
            return
        box, wholes = self.boxes[self.boxes.selected], [_whole(layer) for layer in layers]

        def done(parts: Parts) -> None:
            self._parts, self._said = list(parts.layers), parts.words(box.name)
            self._put_next()

        self.status.run("Extract", partial(cut_box, box, wholes), done)

    def _put_next(self) -> None:
        """Add one part a turn of the event loop: each costs napari up to 0.1 s."""
        if not self._parts:
            return
        part = self._parts.pop(0)
        active, phases = self._viewer.layers.selection.active, self._phases.layer
        self._phases.blockSignals(
            True
        )  # those whose fractions are shown stay chosen, though the part is selected for a moment
        put_layer(self._viewer, part)
        if active is not None and active in self._viewer.layers:
            self._viewer.layers.selection.active = active
        self._phases.layer = phases
        self._phases.blockSignals(False)
        if self._parts:
            self._next.start()
        else:
            self.status.say(self._said)

    def _ask_path(self) -> None:
        dialog = QFileDialog(self, "Save the fractions of the boxes", "boxes.csv", "Table (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.setModal(False)
        dialog.fileSelected.connect(self._save)
        dialog.show()

    def _save(self, path: str) -> None:
        """Write what is counted already; what is not yet is waited for with the window alive."""
        found = self.counting.result()
        self.status.run("Save CSV", lambda progress, should_stop: _write(found, path), self._on_saved)

    def _on_saved(self, path: Path) -> None:
        self.status.say(f"Wrote {path}.")


def _write(found: Counted | None, path: str | Path) -> Path:
    if found is None or found.table.empty:
        reasons = "" if found is None else " ".join(found.refused)
        raise InputError(reasons or "There is no fraction to save; boxes and phases are needed.")
    return write_table(Path(path), found.table)


def _whole(layer: Layer) -> Whole:
    try:
        return Whole(layer, layer.name, volume_from_layer(layer))
    except InputError as error:
        return Whole(layer, layer.name, error)


def _fibre_axis(phases: Volume) -> int:
    axes = cut_axes_of(phases)
    return axes[0] if axes else 1


def _width_of(phases: Volume) -> float:
    """Return how wide (nm) the fibre is half way along; only there its voxels are read."""
    axis = _fibre_axis(phases)
    middle = phases.shape[axis] // 2
    planes = [slice(None)] * 3
    planes[axis] = slice(max(0, middle - 2), middle + 3)
    return fibre_width(np.asarray(phases.data[tuple(planes)]) > 0, spacing=phases.spacing, fibre_axis=axis)
