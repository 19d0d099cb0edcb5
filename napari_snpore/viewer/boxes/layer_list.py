"""List of the layers that boxes crop and whose phases are counted in them."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem

from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layer_history import has_step, is_part
from napari_snpore.viewer.shared.layers import kind_of, stem_of

_KINDS = ("volume", "phases", "objects", "envelope", "dead pores", None)
_USUAL = ("volume", "phases", None)
"""Kinds that are ticked from the start."""


class CutList(QListWidget):
    """The layers of a window that can be cut, each with a tick; it follows when one comes, goes or
    is renamed.

    Parameters
    ----------
    viewer : ViewerModel
        The window.

    Signals
    -------
    changed
        Other layers are listed or ticked, or one has another name.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._layers: list[Layer] = []
        self._filling = False
        self.setFixedHeight(90)
        self.setToolTip(
            "Extract cuts the selected box out of the ticked layers; the parts become layers that keep their place.\n"
            "Ticked phases are also counted in the table above, with one row per box and layer."
        )
        self.itemChanged.connect(self._on_item)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            connect_while_alive(self, emitter, self._fill)
        connect_while_alive(self, events.inserted, self._watch_name)
        for layer in viewer.layers:
            connect_while_alive(self, layer.events.name, self._fill)
        self._fill()

    @property
    def layers(self) -> list[Layer]:
        """All layers that are listed."""
        return list(self._layers)

    @property
    def ticked(self) -> list[Layer]:
        """The layers that are ticked, in the order of the window."""
        return [
            layer for k, layer in enumerate(self._layers) if self._state(k) == Qt.CheckState.Checked
        ]

    def tick(self, layer: Layer, on: bool = True) -> None:
        """Tick a layer, or take the tick away."""
        item = self.item(self._layers.index(layer))
        if item is not None:
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)

    def _fill(self, event: Any = None) -> None:
        del event
        before = [(layer, self._state(k)) for k, layer in enumerate(self._layers)]
        self._filling = True
        self.clear()
        self._layers = [layer for layer in self._viewer.layers if can_be_cut(layer)]
        for layer in self._layers:
            item = QListWidgetItem(layer.name)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled)
            item.setCheckState(
                next((state for known, state in before if known is layer), self._first_state(layer))
            )
            self.addItem(item)
        self._filling = False
        self.changed.emit()

    def _first_state(self, layer: Layer) -> Qt.CheckState:
        """Tick volumes and phases that are no parts; planted phases only where their specimen has
        no others.
        """
        usual = kind_of(layer) in _USUAL and not is_part(layer)
        if usual and has_step(layer, "planted phases"):
            stem = stem_of(layer.name)
            mine = [
                one
                for one in self._layers
                if kind_of(one) == "phases" and stem_of(one.name) == stem
            ]
            usual = all(has_step(one, "planted phases") for one in mine)
        return Qt.CheckState.Checked if usual else Qt.CheckState.Unchecked

    def _state(self, row: int) -> Qt.CheckState:
        item = self.item(row)
        return Qt.CheckState.Unchecked if item is None else item.checkState()

    def _watch_name(self, event: Any) -> None:
        connect_while_alive(self, event.value.events.name, self._fill)

    def _on_item(self, item: QListWidgetItem) -> None:
        del item
        if not self._filling:
            self.changed.emit()


def can_be_cut(layer: Layer) -> bool:
    """Say whether boxes are cut out of a layer: grey volumes, phases, objects and envelopes."""
    return (
        isinstance(layer, (Image, Labels))
        and layer.ndim == 3
        and not getattr(layer, "rgb", False)
        and kind_of(layer) in _KINDS
    )
