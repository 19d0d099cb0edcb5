"""The Subvolumes widget: named boxes, their fractions at once, presets by the envelope, and the cut itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import napari.components
import numpy as np
import pandas as pd
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
)

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.files import write_table
from napari_snpore.subvolume import centre_and_edge_boxes, extract_subvolume
from napari_snpore.viewer.box_handles import KIND as HANDLES
from napari_snpore.viewer.box_handles import BoxHandles
from napari_snpore.viewer.boxes import NamedBox, boxes_of, colour_of
from napari_snpore.viewer.events import connect_while_alive, plain_viewer
from napari_snpore.viewer.latest import LatestWork
from napari_snpore.viewer.layers import (
    SEPARATOR,
    LayerData,
    is_phases,
    kind_of,
    phases_data,
    put_layer,
    scheme_of,
    volume_data,
    volume_from_layer,
)
from napari_snpore.viewer.tasks import StepStatus
from napari_snpore.viewer.widgets.box_fractions import box_fractions, fraction_row
from napari_snpore.viewer.widgets.form import Fold, MainButton, NumberBox, ResultText, StepForm, number
from napari_snpore.viewer.widgets.layer_choice import LayerChoice
from napari_snpore.viewer.widgets.measured import cut_axes_of
from napari_snpore.volume import Triple, Volume

_EMPTY = "Make phases first (Threshold, Apply), or open a run; a grey volume alone can be cut too"


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
        self._fractions: pd.DataFrame | None = None
        self._showing = False
        self._parts: list[tuple[Layer, Volume, str]] = []
        self._said = ""
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._put_next)
        self._counting = LatestWork(self)
        self._counting.done.connect(self._on_counted)
        self._counting.failed.connect(lambda words: self.status.say(words, problem=True))
        self._build()
        self.handles = BoxHandles(self._viewer, self.boxes, self)
        self._phases.layer_changed.connect(self._on_layer)
        self._phases.scale_changed.connect(self._count)
        self.boxes.changed.connect(self._on_boxes)
        for emitter in (self._viewer.layers.events.inserted, self._viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._list_layers)
        self._list_layers()
        self._on_layer(self._phases.layer)
        self._on_boxes()

    @property
    def layer(self) -> Layer | None:
        """The phases whose fractions are shown."""
        return self._phases.layer

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        self._phases.layer = layer

    @property
    def fractions(self) -> pd.DataFrame | None:
        """One row a box and phase: ``layer, box, name, voxel_count, volume_nm3, fraction_percent …``, and the box."""
        self._counting.wait()
        return self._fractions

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
        self.boxes.put(NamedBox(name, tuple(center_nm), tuple(size)))  # type: ignore[arg-type]

    def place_presets(self, size_nm: float | None = None) -> None:
        """Place the centre and the edge cube by the envelope of the chosen phases; the window stays alive meanwhile."""
        if size_nm is not None:
            self.size.setValue(size_nm)
        self._place_presets(("centre", "edge"))
        self.status.wait()

    def extract(self, name: str | None = None) -> list[Layer]:
        """Cut one box (the selected one) out of the ticked layers; the window stays alive meanwhile.

        Returns
        -------
        list of Layer
            The new layers, where they were cut.
        """
        if name is not None:
            self.boxes.selected = [box.name for box in (self.boxes[k] for k in range(len(self.boxes)))].index(
                self.boxes.named(name).name
            )
        before = list(self._viewer.layers)
        self._extract()
        self.status.wait()
        while self._parts:
            QApplication.processEvents()
        return [layer for layer in self._viewer.layers if layer not in before]

    def save_csv(self, path: str | Path) -> Path:
        """Write the fractions of every box in every phases layer of the window as CSV.

        Raises
        ------
        InputError
            There are no boxes or no phases, or the place cannot be written.
        """
        layers = [layer for layer in self._viewer.layers if is_phases(layer)]
        boxes = [self.boxes[k] for k in range(len(self.boxes))]
        if not layers or not boxes:
            raise InputError("There is no fraction to save; boxes and phases are needed.")
        parts = [box_fractions(volume_from_layer(layer), layer.name, scheme_of(layer).names, boxes) for layer in layers]
        return write_table(Path(path), pd.concat(parts, ignore_index=True))

    def state(self) -> Mapping[str, Any]:
        """Return the layer and the size of new cubes; the boxes themselves are a layer."""
        return {"layer": None if self.layer is None else self.layer.name, "cube_nm": self.size.value()}

    def set_state(self, state: Mapping[str, Any], layers: Mapping[str, Layer]) -> None:
        """Take what ``state()`` returned once."""
        self.size.setValue(float(state.get("cube_nm", self.size.value())))
        if state.get("layer") in layers:
            self.layer = layers[state["layer"]]

    def closed(self) -> None:
        """Stop what runs and take the handles out of the scene; the boxes stay."""
        self.status.drop()
        self._parts.clear()
        self._counting.drop()
        self._draw(False)
        self.handles.close()

    def _build(self) -> None:
        self._phases = LayerChoice(self._viewer, is_phases, empty=_EMPTY, what="layer of phases")
        self._phases.setToolTip("Whose fractions stand in the table, and whose envelope places the cubes.")
        rows = self.rows()
        rows.addRow("Phases", self._phases)
        rows.addRow(self._phases.hint())
        self.size = NumberBox(20.0, 0.01, 1e6, step=1.0, tip="Edge of a new cube in nm.")
        rows.addRow("Cube (nm)", self.size)
        self.column.addLayout(self._preset_buttons())
        self.table = self._make_table()
        self.column.addWidget(self.table)
        self.caveats = ResultText()
        self.column.addWidget(self.caveats)
        self.column.addWidget(self._box_fold())
        self.column.addWidget(self._layer_fold())
        self.main_button = MainButton(
            "Extract", "Cut the selected box out of the ticked layers; the parts keep their place."
        )
        self.main_button.clicked.connect(self._extract)
        self.column.addWidget(self.main_button)
        self.save_button = QPushButton("Save CSV …")
        self.save_button.setToolTip(
            "Fractions of all boxes in all phases layers of the window, one row a box and phase."
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
        self.remove_button.clicked.connect(lambda: self.boxes.remove(self.boxes.selected))
        line = QHBoxLayout()
        for button in (self.preset_button, self.add_button, self.draw_button, self.remove_button):
            line.addWidget(button)
        return line

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(0, 2)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setToolTip(
            "Share of each phase of the envelope inside the box: pore / (pore + C + Sn). Pick a row to edit its box."
        )
        table.itemSelectionChanged.connect(self._on_row)
        rows_header = table.verticalHeader()
        if rows_header is not None:
            rows_header.setVisible(False)
        table.setFixedHeight(130)
        return table

    def _box_fold(self) -> Fold:
        fold = Fold("Selected box")
        self.name_box = QLineEdit()
        self.name_box.editingFinished.connect(self._rename)
        fold.form.addRow("Name", self.name_box)
        self.center_boxes = [NumberBox(0, -1e7, 1e7, step=1.0, tip=f"{axis} of the centre, nm.") for axis in "zyx"]
        self.size_boxes = [NumberBox(1, 0.01, 1e7, step=1.0, tip=f"Edge along {axis}, nm.") for axis in "zyx"]
        for words, boxes in (("Centre z, y, x (nm)", self.center_boxes), ("Size z, y, x (nm)", self.size_boxes)):
            line = QHBoxLayout()
            for box in boxes:
                box.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
                box.setMinimumWidth(60)
                box.valueChanged.connect(self._type_box)
                line.addWidget(box, 1)
            fold.form.addRow(words, line)
        fold.expand(animate=False)
        return fold

    def _layer_fold(self) -> Fold:
        fold = Fold("Cut out of")
        self.layer_list = QListWidget()
        self.layer_list.setFixedHeight(90)
        self.layer_list.setToolTip("Ticked layers are cut; the parts become layers of their own, where they were.")
        fold.form.addRow(self.layer_list)
        return fold

    def _list_layers(self, event: Any = None) -> None:
        del event
        before = {
            self.layer_list.item(k).text(): self.layer_list.item(k).checkState() for k in range(self.layer_list.count())
        }
        self.layer_list.clear()
        for layer in self._viewer.layers:
            if not can_be_cut(layer):
                continue
            item = QListWidgetItem(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            usual = kind_of(layer) in ("volume", "phases", None) and f"{SEPARATOR}box " not in layer.name
            item.setCheckState(before.get(layer.name, Qt.CheckState.Checked if usual else Qt.CheckState.Unchecked))
            self.layer_list.addItem(item)
        self._enable()

    def _on_layer(self, layer: Layer | None) -> None:
        if layer is not None:
            connect_while_alive(self, layer.events.data, self._count)
            connect_while_alive(self, layer.events.paint, self._count)
        self._count()
        self._enable()

    def _on_boxes(self) -> None:
        """Show the boxes as they are now: rows, the selected one's numbers; count again."""
        self._showing = True
        layer = self._phases.layer
        names = [] if layer is None else list(scheme_of(layer).names)
        heads = ["box", "size (nm)", *(f"{name} %" for name in names)]
        if [self._head(k) for k in range(self.table.columnCount())] != heads:
            self.table.setColumnCount(len(heads))
            self.table.setHorizontalHeaderLabels(heads)
            header = self.table.horizontalHeader()
            if header is not None:
                header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setRowCount(len(self.boxes))
        for k in range(len(self.boxes)):
            box = self.boxes[k]
            size = f"{number(box.size_nm[0])}" if len(set(box.size_nm)) == 1 else " × ".join(map(number, box.size_nm))
            for column, words in enumerate((box.name, size)):
                item = QTableWidgetItem(words)
                if column == 0:
                    item.setForeground(QColor(colour_of(k)))
                self.table.setItem(k, column, item)
        if self.boxes.selected >= 0:
            box = self.boxes[self.boxes.selected]
            self.table.selectRow(self.boxes.selected)
            self.name_box.setText(box.name)
            for fields, values in ((self.center_boxes, box.center_nm), (self.size_boxes, box.size_nm)):
                for field, value in zip(fields, values, strict=True):
                    field.setValue(value)
        self._showing = False
        self._enable()
        self._count()

    def _head(self, column: int) -> str:
        item = self.table.horizontalHeaderItem(column)
        return "" if item is None else item.text()

    def _enable(self) -> None:
        chosen, busy = self.boxes.selected >= 0, self.status.busy
        layer = self._phases.layer
        self.preset_button.setEnabled(layer is not None and not busy)
        self.add_button.setEnabled(self.layer_list.count() > 0)
        self.draw_button.setEnabled(self.layer_list.count() > 0)
        self.remove_button.setEnabled(chosen)
        self.main_button.setEnabled(chosen and self.layer_list.count() > 0 and not busy)
        self.save_button.setEnabled(len(self.boxes) > 0 and layer is not None)
        for field in (self.name_box, *self.center_boxes, *self.size_boxes):
            field.setEnabled(chosen)

    def _count(self, event: Any = None) -> None:
        """Count the phases in every box; what does not fit says so."""
        del event
        layer = self._phases.layer
        boxes = [self.boxes[k] for k in range(len(self.boxes))]
        if layer is None or not boxes:
            self._fractions = None
            self.caveats.show_lines([])
            return
        try:
            phases, names, name = volume_from_layer(layer), scheme_of(layer).names, layer.name
        except InputError as error:
            self.status.say(str(error), problem=True)
            return
        self._counting.ask(lambda should_stop: box_fractions(phases, name, names, boxes, should_stop))

    def _on_counted(self, table: pd.DataFrame) -> None:
        self._fractions = table
        notes = []
        for k in range(min(len(self.boxes), self.table.rowCount())):
            shares, note = fraction_row(table, self.boxes[k].name)
            for column, words in enumerate(shares, 2):
                item = QTableWidgetItem(words)
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                self.table.setItem(k, column, item)
            if note:
                notes.append(note)
        self.caveats.show_lines(notes)

    def _on_row(self) -> None:
        rows = {index.row() for index in self.table.selectedIndexes()}
        if not self._showing and rows:
            self.boxes.selected = rows.pop()

    def _rename(self) -> None:
        index, name = self.boxes.selected, self.name_box.text().strip()
        if not self._showing and index >= 0 and name and name != self.boxes[index].name:
            self.boxes.change(index, replace(self.boxes[index], name=name))

    def _type_box(self) -> None:
        index = self.boxes.selected
        if self._showing or index < 0:
            return
        center, size = ([float(box.value()) for box in boxes] for boxes in (self.center_boxes, self.size_boxes))
        self.boxes.change(
            index, NamedBox(self.boxes[index].name, (center[0], center[1], center[2]), (size[0], size[1], size[2]))
        )

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
            axes = cut_axes_of(phases)
            envelope = np.asarray(phases.data) > 0
            check_stop(should_stop)
            return centre_and_edge_boxes(
                envelope, spacing=phases.spacing, origin=phases.origin, size_nm=size, fibre_axis=axes[0] if axes else 1
            )

        def done(found: dict[str, Triple]) -> None:
            for name in names:
                self.boxes.put(NamedBox(name, found[name], (size,) * 3))
            self.status.say(f"Placed by the envelope of '{layer.name}'.")

        self.status.run("Place cubes", work, done)

    def _draw(self, on: bool) -> None:
        from napari_snpore.viewer.widgets.ortho_slices import open_slices_of

        slices = open_slices_of(self._viewer)
        if slices is None and on:
            self.draw_button.setChecked(False)
            self.status.refuse(InputError("Boxes are drawn on the ortho slices; open Ortho slices first."))
            return
        for view in [] if slices is None else slices.linked.views.values():
            view.boxes.drawing = on

    def _extract(self) -> None:
        ticked = [
            self.layer_list.item(k).text()
            for k in range(self.layer_list.count())
            if self.layer_list.item(k).checkState() == Qt.CheckState.Checked
        ]
        try:
            if self.boxes.selected < 0:
                raise InputError("There is no box yet; place one first.")
            if not ticked:
                raise InputError("No layer is ticked under 'Cut out of'.")
            box = self.boxes[self.boxes.selected]
            layers = [self._viewer.layers[name] for name in ticked]
            sources = [(layer, volume_from_layer(layer)) for layer in layers]
        except InputError as error:
            self.status.refuse(error)
            return

        def work(progress: Progress, should_stop: ShouldStop) -> list[tuple[Layer, Volume]]:
            parts = []
            for layer, volume in sources:
                check_stop(should_stop)
                part = extract_subvolume(volume, center_nm=box.center_nm, size_nm=box.size_nm)
                parts.append((layer, Volume(np.array(part.data), part.spacing, part.origin, part.history)))
                progress(len(parts), len(sources))
            return parts

        def done(parts: list[tuple[Layer, Volume]]) -> None:
            self._parts = [(layer, part, f"{box.name} box{SEPARATOR}{layer.name}") for layer, part in parts]
            self._said = (
                f"Cut '{box.name}' out of {len(parts)} layers, {' × '.join(map(str, parts[0][1].shape))} voxels."
            )
            self._put_next()

        self.status.run("Extract", work, done)

    def _put_next(self) -> None:
        """Add one part a turn of the event loop: each costs napari up to 0.1 s."""
        if not self._parts:
            return
        layer, part, name = self._parts.pop(0)
        active = self._viewer.layers.selection.active
        put_layer(self._viewer, part_data(layer, part, name))
        if active is not None and active in self._viewer.layers:
            self._viewer.layers.selection.active = active  # whose fractions are shown, not those of the part
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
        try:
            self.status.say(f"Wrote {self.save_csv(path)}.")
        except InputError as error:
            self.status.refuse(error)


def can_be_cut(layer: Layer) -> bool:
    """Say whether boxes are cut out of a layer: grey volumes, phases, objects and envelopes."""
    known = ("volume", "phases", "objects", "envelope", "dead pores", None)
    return (
        isinstance(layer, (Image, Labels))
        and layer.ndim == 3
        and not getattr(layer, "rgb", False)
        and kind_of(layer) in known
        and kind_of(layer) != HANDLES
    )


def part_data(layer: Layer, part: Volume, name: str) -> LayerData:
    """Return the layer data of a part of a layer, in its look."""
    if isinstance(layer, Labels):
        if is_phases(layer):
            return phases_data(part, name, scheme_of(layer))
        data, meta, _ = volume_data(part, name)
        return data, {**meta, "colormap": layer.colormap, "metadata": {**layer.metadata}}, "labels"
    look = {"colormap": layer.colormap.name, "contrast_limits": tuple(layer.contrast_limits), "gamma": layer.gamma}
    return volume_data(part, name, **look)
