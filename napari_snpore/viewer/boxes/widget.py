"""The Subvolumes form: named boxes, presets by the envelope, fractions per state, extraction."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import napari.components
import pandas as pd
from napari.layers import Layer
from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QApplication, QHBoxLayout, QPushButton

from napari_snpore.errors import InputError
from napari_snpore.figures.intervals import Intervals
from napari_snpore.files import write_table
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.boxes.counting import BoxCounting, CountedBoxes
from napari_snpore.viewer.boxes.fields import BoxFields
from napari_snpore.viewer.boxes.fractions import with_error_columns
from napari_snpore.viewer.boxes.handles import BoxHandles
from napari_snpore.viewer.boxes.layer_list import CutList
from napari_snpore.viewer.boxes.parts import Parts, Whole, cut_box
from napari_snpore.viewer.boxes.placing import BoxPlacing
from napari_snpore.viewer.boxes.table import BoxTable
from napari_snpore.viewer.canvas.main_canvas import main_canvas_around
from napari_snpore.viewer.errors.lines import fraction_intervals_of
from napari_snpore.viewer.forms.form import Fold, MainButton, ResultText, caveat
from napari_snpore.viewer.forms.path_dialogs import ask_place
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import (
    LayerData,
    is_phases,
    put_layer,
    select,
    volume_from_layer,
)
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.slices.marks.main_marks import marks_on
from napari_snpore.volume import Triple

_INPUTS = InputLayers(
    is_phases,
    what="layer of phases",
    empty="Make phases first (Threshold, Apply), or open a run; a grey volume alone can be cut too",
    tip=(
        "The phases that the boxes belong to: their envelope places the cubes, and their fractions are in the\n"
        "table. Those of other states are added where they are ticked under 'Cut out of'."
    ),
)


class SubvolumeWidget(LayerForm):
    """Named boxes in nm: shown in 3D and on the ortho slices, moved there or typed here, measured
    at once, cut on demand.

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
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Extract",
                "Cuts the selected box out of the ticked layers. The parts become layers that keep their place.",
            ),
        )
        self.boxes = boxes_of(self._viewer)
        self._parts: list[LayerData] = []
        self._said = ""
        self._put: list[Layer] = []
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._put_next)
        self._build()
        self.counting = BoxCounting(self._wanted, self)
        self.counting.counted.connect(self._on_counted)
        self.counting.failed.connect(lambda words: self.status.say(words, problem=True))
        self.handles = BoxHandles(self._viewer, self.boxes, self)
        self.handles.refused.connect(self.status.say)
        self._layer_choice.layer_changed.connect(self._on_layer)
        self._layer_choice.scale_changed.connect(self._on_scale)
        self.boxes.changed.connect(self._on_boxes)
        self.cut_list.changed.connect(self._on_ticks)
        self._undo_keys = QShortcut(QKeySequence.StandardKey.Undo, self, self.undo)
        self._redo_keys = QShortcut(QKeySequence.StandardKey.Redo, self, self.redo)
        self._on_layer(self._layer_choice.layer)

    @property
    def fractions(self) -> pd.DataFrame | None:
        """One row a box, layer and phase: ``layer, box, name, voxel_count, volume_nm3,
        fraction_percent …``, and the box.
        """
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
        if not all(math.isfinite(value) for value in center_nm) or not all(
            value > 0 for value in size
        ):
            raise InputError(
                f"The box '{name}' has centre {center_nm} and size {size} nm; finite, positive sizes are needed."
            )
        self.boxes.remember()
        self.boxes.put(NamedBox(name, tuple(center_nm), tuple(size)))  # type: ignore[arg-type]

    def place_presets(self, size_nm: float | None = None) -> None:
        """Place the centre and the edge cube by the envelope of the chosen phases; the window stays
        alive meanwhile.
        """
        if size_nm is not None:
            self.cube_size.setValue(size_nm)
        self.placing.wait()
        self.placing.place_presets()
        self.status.wait()

    def undo(self) -> None:
        """Go back to the boxes before the last drag, typed number or preset."""
        self.boxes.undo()

    def redo(self) -> None:
        """Take back an undo."""
        self.boxes.redo()

    def extract(self, name: str | None = None) -> list[Layer]:
        """Cut one box (the selected one) out of the ticked layers; the window stays alive
        meanwhile.

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
        """Write the fractions of every box in every layer of the table as CSV; the window stays
        alive meanwhile.

        Raises
        ------
        InputError
            There are no boxes or no phases, or the place cannot be written.
        """
        return _write(self.counting.result(), self._intervals(), path)

    def state(self) -> Mapping[str, Any]:
        """Return the layer, the size of new cubes and what is ticked; the boxes themselves are a
        layer.
        """
        ticked = [layer.name for layer in self.cut_list.ticked]
        return {
            "layer": self.layer_name,
            "cube_nm": self.cube_size.value(),
            "ticked": ticked,
        }

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.cube_size.setValue(float(state.get("cube_nm", self.cube_size.value())))
        self.choose_saved(state, layers)
        if "ticked" in state:
            for layer in self.cut_list.layers:
                self.cut_list.tick(layer, layer.name in state["ticked"])

    def closed(self) -> None:
        """Stop what runs and take the handles out of the scene; the boxes stay."""
        super().closed()
        self._parts.clear()
        self.counting.drop()
        self.placing.closed()
        self.handles.close()

    def _on_docked(self) -> None:
        super()._on_docked()
        canvas = main_canvas_around(self, self._viewer)
        if canvas is not None:
            marks_on(self._viewer, canvas)  # boxes on napari's own slice, too

    def _build(self) -> None:
        rows = self.rows()
        rows.addRow("Phases", self._layer_choice)
        rows.addRow(self._layer_choice.hint())
        self.placing = BoxPlacing(self._viewer, self.boxes, self._layer_choice, self.status)
        self.cube_size, self.draw_button = self.placing.cube_size, self.placing.draw_button
        rows.addRow("Cube (nm)", self.cube_size)
        self.column.addWidget(self.placing)
        self.table = BoxTable()
        self.table.picked.connect(self._pick)
        self.results.addWidget(self.table)
        self.caveats = ResultText()
        self.results.addWidget(self.caveats)
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
        self.main_button.clicked.connect(self._extract)
        self.save_button = QPushButton("Save CSV …")
        self.save_button.setToolTip(
            "Saves the fractions with one row per box, layer and phase: counts of voxels, and beside them the corrected\n"
            "value and its interval where errors were estimated (Measure, Errors)."
        )
        self.save_button.clicked.connect(self._ask_path)
        buttons = QHBoxLayout()
        buttons.addWidget(self.main_button, 2)
        buttons.addWidget(self.save_button, 1)
        self.footer.addLayout(buttons)
        self.status.busy_changed.connect(lambda busy: self._enable())
        self.footer.addWidget(self.status)
        self.column.addStretch(1)

    def _wanted(self) -> tuple[Sequence[Layer], Sequence[NamedBox]]:
        """Return what is counted: the chosen phases and all others that are ticked, in the order of
        the window.
        """
        chosen, ticked = self._layer_choice.layer, self.cut_list.ticked
        counted = [
            layer
            for layer in self._viewer.layers
            if layer is chosen or (layer in ticked and is_phases(layer))
        ]
        return counted, list(self.boxes)

    def _on_layer(self, layer: Layer | None) -> None:
        """Take other phases: what is shown of the ones before goes at once."""
        self.table.show_shares(None)
        self.placing.show_layer(layer)
        self._on_boxes()

    def _on_scale(self) -> None:
        self._on_layer(self._layer_choice.layer)

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
        can_cut = self.cut_list.count() > 0
        self.placing.enable(can_cut=can_cut)
        self._undo_keys.setEnabled(
            self.boxes.history.can_go_back
        )  # else they are napari's own, for what was painted
        self._redo_keys.setEnabled(self.boxes.history.can_go_forth)
        self.main_button.setEnabled(chosen and can_cut and not busy)
        self.save_button.setEnabled(
            len(self.boxes) > 0 and self._layer_choice.layer is not None and not busy
        )

    def _on_counted(self, found: CountedBoxes | None) -> None:
        notes = (
            self.table.show_shares(None)
            if found is None
            else self.table.show_shares(found.table, found.phases, self._intervals())
        )
        several = len({layer for _, layer, _ in notes}) > 1 or len(self._wanted()[0]) > 1
        lines = [
            f"{box}, {layer}: {note}" if several else f"{box}: {note}" for box, layer, note in notes
        ]
        if found is not None:
            lines += [*found.refused, *self._not_calibrated()]
        self.caveats.show_lines([caveat(html.escape(line, quote=False)) for line in lines])

    def _not_calibrated(self) -> list[str]:
        """Say whose errors were not proved on phantoms of known truth."""
        names = [
            name
            for name, known in self._intervals().items()
            if any(not one.calibrated for of_box in known.values() for one in of_box.values())
        ]
        return [f"{name}: errors that are not calibrated; Measure says why." for name in names]

    def _intervals(self) -> dict[str, Intervals]:
        """Return the errors that the counted layers keep."""
        return {layer.name: fraction_intervals_of(layer) for layer in self._wanted()[0]}

    def _pick(self, index: int) -> None:
        self.boxes.selected = index

    def _edit(self, box: NamedBox) -> None:
        self.boxes.remember()
        self.boxes.change(self.boxes.selected, box)

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
            self._parts, self._said, self._put = list(parts.layers), parts.words(box.name), []
            self._put_next()

        of = InUse(self._viewer, tuple(layers), "nothing was cut out")
        self.status.run("Extract", partial(cut_box, box, wholes), done, of=of)

    def _put_next(self) -> None:
        """Add one part a turn of the event loop: each costs napari up to 0.1 s."""
        if not self._parts:
            return
        part = self._parts.pop(0)
        active, phases = self._viewer.layers.selection.active, self._layer_choice.layer
        with QSignalBlocker(
            self._layer_choice
        ):  # those whose fractions are shown stay, though the part is selected for a moment
            self._put.append(put_layer(self._viewer, part))
            if active is not None and active in self._viewer.layers:
                select(self._viewer, active)
            self._layer_choice.layer = phases
        if self._parts:
            self._next.start()
        else:
            self.status.say(self._said, of=InUse(self._viewer, tuple(self._put)))

    def _ask_path(self) -> None:
        ask_place(self, "Save the fractions of the boxes", "boxes.csv", "Table (*.csv)", self._save)

    def _save(self, path: str) -> None:
        """Write what is counted already; what is not yet is waited for with the window alive."""
        found, intervals = self.counting.result(), self._intervals()
        self.status.run(
            "Save CSV",
            lambda progress, should_stop: _write(found, intervals, path),
            self._on_saved,
        )

    def _on_saved(self, path: Path) -> None:
        self.status.say(f"Wrote {path}.")


def _write(
    found: CountedBoxes | None, intervals: Mapping[str, Intervals], path: str | Path
) -> Path:
    if found is None or found.table.empty:
        reasons = "" if found is None else " ".join(found.refused)
        raise InputError(reasons or "There is no fraction to save; boxes and phases are needed.")
    return write_table(Path(path), with_error_columns(found.table, intervals))


def _whole(layer: Layer) -> Whole:
    try:
        return Whole(layer, layer.name, volume_from_layer(layer))
    except InputError as error:
        return Whole(layer, layer.name, error)
