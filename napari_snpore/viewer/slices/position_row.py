"""Row of the Ortho slices form for named positions."""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.layers.base import ActionType
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.slices.positions import name_new_points, position_names, positions_layer


class PositionRow(QWidget):
    """A list of the kept positions, in which a new name is typed, and a button.

    Parameters
    ----------
    viewer : ViewerModel
        The window.

    Signals
    -------
    keep_asked : str
        The name under which to keep the present position; empty: a number.
    chosen : str
        The name of the position to return to.
    """

    keep_asked = Signal(str)
    chosen = Signal(str)

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self.names = QComboBox()
        self.names.setEditable(True)
        self.names.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.names.setToolTip(
            "Type a name to keep this position under, or choose one to return to."
        )
        edit = self.names.lineEdit()
        if isinstance(edit, QLineEdit):
            edit.setPlaceholderText("name, or empty")
        self.names.activated.connect(self._on_chosen)
        self.keep_button = QPushButton("Keep")
        self.keep_button.setToolTip(
            "Keeps this position under the name, with field of view and thickness; a position that has the name\n"
            "already is moved here. A cross marks it in the picture."
        )
        self.keep_button.clicked.connect(self._on_keep)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.names, 1)
        line.addWidget(self.keep_button)
        connect_while_alive(self, viewer.layers.events.inserted, self.list_positions)
        connect_while_alive(self, viewer.layers.events.removed, self.list_positions)
        self.list_positions()

    def list_positions(self, event: Any = None) -> None:
        """List what is kept now."""
        del event
        layer = positions_layer(self._viewer)
        if layer is not None and layer not in self._watched:
            self._watched.add(layer)
            connect_while_alive(self, layer.events.data, self._on_points)
        text = self.names.currentText()
        blocked = self.names.blockSignals(True)
        self.names.clear()
        self.names.addItems(position_names(self._viewer))
        self.names.setEditText(text)
        self.names.blockSignals(blocked)

    def _on_points(self, event: Any) -> None:
        if event.action == ActionType.ADDED and len(event.source.features) == len(
            event.source.data
        ):
            name_new_points(event.source, event.data_indices)
        self.list_positions()

    def _on_keep(self) -> None:
        name = self.names.currentText().strip()
        self.names.setEditText("")  # the next one gets a name of its own
        self.keep_asked.emit(name)

    def _on_chosen(self, index: int) -> None:
        name = self.names.itemText(index)
        if name in position_names(self._viewer):
            self.chosen.emit(name)
