"""Part of the Measure form that shows objects: what is coloured and by what, filter, table, and the
object that is chosen in picture or table.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Labels, Layer
from numpy.typing import NDArray
from qtpy.compat import isalive
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.errors import InputError
from napari_snpore.files import write_table
from napari_snpore.measurement.columns import column_of
from napari_snpore.measurement.filters import ObjectFilter
from napari_snpore.viewer.forms.form import number
from napari_snpore.viewer.measure.filter_row import FilterRow
from napari_snpore.viewer.measure.object_colors import color_choices, color_objects
from napari_snpore.viewer.measure.object_table import ObjectTable
from napari_snpore.viewer.measure.picking import (
    ObjectPicker,
    is_drawing,
    object_at,
    object_in_slice,
    voxel_of,
)
from napari_snpore.viewer.measure.shown_layers import ShownLayers
from napari_snpore.viewer.shared.docking import place_below
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import kind_of, object_table
from napari_snpore.viewer.slices.clicks import slice_clicks


class ObjectPanel(QWidget):
    """Rows *Show* and *colour*, *Filter*, and the object that is chosen.

    Signals
    -------
    refused : InputError
    chosen : int
        Number of the object that was clicked; 0: none.
    wants_rows
        The rows that the filter leaves are asked for as a file.
    layer_shown : Labels
        Other objects were chosen in the list *Show*.
    """

    refused = Signal(object)
    chosen = Signal(int)
    wants_rows = Signal()
    layer_shown = Signal(object)

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._layer: Labels | None = None
        self._table: pd.DataFrame | None = None
        self._chosen: int | None = None
        self._view: ObjectTable | None = None
        self.shown = ShownLayers(viewer)
        self._build()
        self._picker: ObjectPicker | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._offer_shown)
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._on_layers)

    @property
    def filter(self) -> ObjectFilter:
        """The conditions that hold."""
        return self.filter_row.objects

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Which objects meet the conditions, bool, one a row."""
        return np.ones(0, np.bool_) if self._table is None else self.filter.mask(self._table)

    @property
    def chosen_object(self) -> int | None:
        """Number of the object that is chosen; None without one."""
        return self._chosen

    def show_objects(self, layer: Labels, table: pd.DataFrame) -> None:
        """Show a layer of objects 1..N and its table, alone over the grey volume."""
        another = layer is not self._layer
        self._layer, self._table = layer, table
        if another or self._chosen is None or self._chosen > len(table):
            self._chosen = None
        if self._picker is None:
            self._picker = ObjectPicker(self._viewer, self._on_clicked)
            slice_clicks(self._viewer).clicked.connect(self._on_slice_clicked)
        self._offer_colors(keep=not another)
        self.filter_row.show_table(table)
        if another:
            self.shown.show_made(layer, self.shown_words(layer))
        self._offer_shown()
        self._paint()
        self._show_table()
        self._say_chosen()
        self.setVisible(True)

    def shown_words(self, layer: Layer) -> str:
        """Return what the list *Show* calls a layer."""
        choices = self.shown.choices(layer)
        return next((words for words, one in choices.items() if one is layer), "")

    def close_picture(self) -> None:
        """Report no more clicks, and close the table."""
        if self._picker is not None:
            self._picker.close()
            self._picker = None
            slice_clicks(self._viewer).clicked.disconnect(self._on_slice_clicked)
        if self._view is not None and isalive(self._view):
            window = getattr(self._viewer, "window", None)
            if window is not None:
                window.remove_dock_widget(self._view)
        self._view = None

    def choose(self, label: int | None, *, go_there: bool = True) -> None:
        """Make one object stand out in picture and table; ``go_there`` moves the slices to it."""
        if self._layer is None or self._table is None:
            return
        self._chosen = label if label else None
        if self._chosen is not None:
            self._layer.selected_label = self._chosen
            if go_there:
                self._go_to(self._chosen)
        self._paint()
        if self._view is not None and isalive(self._view):
            self._view.choose(self._chosen)
        self._say_chosen()
        self.chosen.emit(self._chosen or 0)

    def open_table(self) -> None:
        """Dock the table of the objects below the picture."""
        if self._layer is None:
            return
        if self._view is None or not isalive(self._view) or self._view.parentWidget() is None:
            self._view = ObjectTable()
            self._view.chosen.connect(self.choose)
        self._show_table()
        window = getattr(self._viewer, "window", None)
        if window is not None:
            if self._view.parentWidget() is None:
                window.add_dock_widget(self._view, name="Table of objects", area="bottom")
            place_below(self._view)
        self._view.choose(self._chosen)

    @property
    def table_view(self) -> ObjectTable | None:
        """The table below the picture; None before it was opened."""
        return self._view

    def save_rows(self, path: str | Path) -> Path:
        """Write the rows that are left, with the filter in a column of its own.

        Raises
        ------
        InputError
            There are no objects.
        OutputError
            The file cannot be written.
        """
        if self._table is None:
            raise InputError("There is no table yet; press Measure first.")
        write_table(Path(path), self.filter.apply(self._table))
        return Path(path)

    def _build(self) -> None:
        self.show_box = QComboBox()
        self.show_box.setToolTip(
            "What is coloured over the grey volume, one thing at a time; 'as it was' brings back what was visible before."
        )
        self.show_box.activated.connect(self._on_show)
        self.color_box = QComboBox()
        self.color_box.setToolTip("Colour the objects by one of their quantities.")
        self.color_box.currentIndexChanged.connect(self._on_color)
        self.table_button = QPushButton("Table")
        self.table_button.setToolTip("Open the table of the objects below the picture.")
        self.table_button.setVisible(hasattr(self._viewer, "window"))
        self.table_button.clicked.connect(self.open_table)
        self.filter_row = FilterRow()
        self.filter_row.changed.connect(self._on_filter)
        self.filter_row.wants_rows.connect(self.wants_rows)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setToolTip("The object that was clicked, in the picture or in the table.")
        for box in (self.show_box, self.color_box):  # long entries must not widen the window
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(5)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(QLabel("Show"))
        line.addWidget(self.show_box, 5)
        line.addWidget(QLabel("colour"))
        line.addWidget(self.color_box, 6)  # "each its own" is to fit
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(4)
        self.column.addLayout(line)
        self.column.addWidget(self.filter_row)
        self.column.addWidget(self.about)

    def _offer_colors(self, *, keep: bool) -> None:
        earlier = self.color_box.currentData() if keep else None
        blocked = self.color_box.blockSignals(True)
        self.color_box.clear()
        for words, column in color_choices(self._table):
            self.color_box.addItem(words, column)
        self.color_box.setCurrentIndex(max(0, self.color_box.findData(earlier)))
        self.color_box.blockSignals(blocked)

    def _offer_shown(self) -> None:
        choices = self.shown.choices(self._layer)
        blocked = self.show_box.blockSignals(True)
        self.show_box.clear()
        self.show_box.addItems(list(choices))
        self.show_box.setCurrentIndex(
            self.show_box.findText(self.shown.shown(self._layer)) if choices else -1
        )
        self.show_box.blockSignals(blocked)

    def _on_layers(self, event: Any) -> None:
        del event
        if self._layer is not None:
            self._soon.start()

    def _on_show(self) -> None:
        if self._layer is not None:
            shown = self.shown.show(self._layer, self.show_box.currentText())
            if isinstance(shown, Labels) and kind_of(shown) == "objects":
                self.show_objects(shown, object_table(shown.features))
                self.layer_shown.emit(shown)
            self._offer_shown()

    def _on_color(self) -> None:
        if self._layer is None or self._layer not in self._viewer.layers:
            self.refused.emit(
                InputError("The layer of objects is gone; press Measure to make it again.")
            )
            return
        self._paint()

    def _on_filter(self, found: ObjectFilter) -> None:
        del found
        self._paint()
        self._show_table()

    def _on_clicked(self, event: Any) -> None:
        layer = self._layer
        if layer is None or not layer.visible or layer not in self._viewer.layers:
            return
        if is_drawing(self._viewer.layers.selection.active):
            return
        self.choose(object_at(layer, event, self.kept), go_there=False)

    def _on_slice_clicked(self, position: Any) -> None:
        layer = self._layer
        if layer is not None and layer.visible and layer in self._viewer.layers:
            self.choose(object_in_slice(layer, position, self.kept), go_there=False)

    def _go_to(self, label: int) -> None:
        """Move the sliders to an object, and in 3D the middle of the view."""
        assert self._layer is not None
        assert self._table is not None
        voxel = voxel_of(self._layer, self._table.iloc[label - 1], label)
        place = self._layer.data_to_world(voxel)
        dims = self._viewer.dims
        first = dims.ndim - len(place)
        dims.set_point(range(first, dims.ndim), [float(one) for one in place])

    def _paint(self) -> None:
        if self._layer is not None and self._table is not None:
            color_objects(
                self._layer, self._table, self.color_box.currentData(), self.kept, self._chosen
            )

    def _show_table(self) -> None:
        if self._view is not None and isalive(self._view) and self._table is not None:
            self._view.show_table(self._table, self.kept)
            self._view.choose(self._chosen)

    def _say_chosen(self) -> None:
        self.about.setText("" if self._chosen is None else self._about(self._chosen))
        self.about.setVisible(bool(self.about.text()))

    def _about(self, label: int) -> str:
        assert self._table is not None
        row = self._table.iloc[label - 1]
        words = [
            f"{column_of(name).words} {number(float(row[name]))} {column_of(name).unit}".strip()
            for name in ("length_nm", "width_nm", "volume_nm3", "depth_nm")
            if name in row
        ]
        marks = [] if row["resolved"] else ["not resolved"]
        if row["touches_border"]:
            marks.append("cut by the box")
        return ", ".join([f"Object {label}: {words[0]}", *words[1:], *marks])
