"""Choice of a shapes layer with drawn rectangles, and a button that adds one."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_snpore.viewer.ahead.kernels_ahead import shapes_prepared_alive
from napari_snpore.viewer.in_situ.layers import DRAWN, drawing_data
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import add_layer, kind_of


class DrawnRectangles(QWidget):
    """Which shapes layer holds the rectangles, or none of them; *Draw* adds one and selects the
    rectangle tool.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    none : str
        What it means to choose none, such as "whole image".
    name, color : str
        Of the layer that *Draw* adds.
    tip : str
        What the rectangles are for.

    Signals
    -------
    changed
        Another layer was chosen, or one was drawn in.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, *, none: str, name: str, color: str, tip: str) -> None:
        super().__init__()
        self._viewer, self._none, self._name, self._color = viewer, none, name, color
        self._layers: list[Shapes] = []
        self._current: Shapes | None = None
        self._images: Layer | None = None
        self.choice = QComboBox()
        self.choice.setToolTip(tip)
        self.choice.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.choice.setMinimumContentsLength(10)
        self.choice.currentIndexChanged.connect(self._on_index)
        self.draw_button = QPushButton("Draw")
        self.draw_button.setToolTip("Add a layer to draw rectangles in: drag on the images.")
        self.draw_button.clicked.connect(self.draw)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.choice, 1)
        line.addWidget(self.draw_button)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed):
            connect_while_alive(self, emitter, self._refresh)
        self._refresh()

    @property
    def layer(self) -> Shapes | None:
        """The chosen shapes layer; None when none is chosen."""
        return self._current

    @layer.setter
    def layer(self, layer: Shapes | None) -> None:
        self.choice.setCurrentIndex(0 if layer is None else 1 + self._layers.index(layer))

    def follow(self, images: Layer | None) -> None:
        """Draw on these images."""
        self._images = images
        self.draw_button.setEnabled(images is not None and images.ndim == 3)

    def draw(self) -> None:
        """Draw in the chosen layer, or in a new one."""
        if self._images is None:
            return
        if self._current is None:
            shapes_prepared_alive()
            layer = add_layer(self._viewer, drawing_data(self._images, self._name, self._color))
            self.layer = layer
        self._viewer.layers.selection.active = self._current
        if self._current is not None:
            self._current.mode = "add_rectangle"

    def _refresh(self, event: Any = None) -> None:
        del event
        known = set(self._layers)
        self._layers = [
            layer
            for layer in self._viewer.layers
            if isinstance(layer, Shapes) and kind_of(layer) in (None, DRAWN)
        ]
        for layer in self._layers:
            if layer not in known:
                connect_while_alive(self, layer.events.data, self._on_drawn)
                connect_while_alive(self, layer.events.name, self._refresh)
        blocked = self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItems([self._none, *(layer.name for layer in self._layers)])
        self.choice.setCurrentIndex(
            1 + self._layers.index(self._current) if self._current in self._layers else 0
        )
        self.choice.blockSignals(blocked)
        self._on_index(self.choice.currentIndex())

    def _on_drawn(self, event: Any) -> None:
        if event.source is self._current:
            self.changed.emit()

    def _on_index(self, index: int) -> None:
        layer = self._layers[index - 1] if index > 0 else None
        if layer is not self._current:
            self._current = layer
            self.changed.emit()
