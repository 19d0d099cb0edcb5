"""List from which the input layer of a widget is chosen; it follows the layer selected in
napari.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QWidget

from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.layer_hint import LayerHint
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.view_kept import count_in_nm, is_users_choice
from napari_snpore.viewer.shared.worker import InUse


class LayerChoice(QComboBox):
    """A list of the layers that fit; selecting a fitting layer in napari chooses it here.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers.
    fits : callable
        ``fits(layer)``: whether a layer belongs into the list.
    empty : str
        What to do when there is none, such as "Drop a volume here".
    what : str
        The noun, for refusals: "volume".
    """

    layer_changed = Signal(object)
    scale_changed = Signal()
    """The chosen layer got a voxel size."""

    def __init__(
        self,
        viewer: ViewerModel,
        fits: Callable[[Layer], bool],
        *,
        empty: str,
        what: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._fits, self._empty, self._what = viewer, fits, empty, what
        self._hint: LayerHint | None = None
        self._layers: list[Layer] = []
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._current: Layer | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        self.setToolTip(f"The {what}; the choice follows the layer selected in napari.")
        self.currentIndexChanged.connect(self._on_index)
        events = viewer.layers.events
        for emitter in (events.inserted, events.removed, events.reordered):
            connect_while_alive(self, emitter, self._refresh)
        connect_while_alive(self, events.inserted, self._watch_name)
        connect_while_alive(self, viewer.layers.selection.events.active, self._follow_selection)
        for layer in viewer.layers:
            connect_while_alive(self, layer.events.name, self._refresh)
        self._refresh()
        self._follow_selection()

    @property
    def layer(self) -> Layer | None:
        """The chosen layer; None while there is none that fits."""
        return self._current

    @layer.setter
    def layer(self, layer: Layer | None) -> None:
        if layer is not None and layer not in self._layers:
            raise InputError(f"The layer '{layer.name}' is not a {self._what} of this viewer.")
        if layer is not None:
            self.setCurrentIndex(self._layers.index(layer))

    def hint(self) -> LayerHint:
        """Return the row below: what to do while there is no layer, and the voxel size where the
        chosen one has none.
        """
        if self._hint is None:
            self._hint = LayerHint(self._viewer, self._empty, self)
            self._hint.show_layer(self._current)
        return self._hint

    def required(self) -> Layer:
        """Return the chosen layer, or refuse."""
        if self._current is None:
            raise InputError(
                f"There is no {self._what} yet." + (f" {self._empty}." if self._empty else "")
            )
        return self._current

    def in_use(self, layer: Layer, end: str) -> InUse:
        """Return a layer as what a step works on; ``end`` as in :class:`InUse`."""
        return InUse(self._viewer, (layer,), end)

    def _watch_name(self, event: Any) -> None:
        connect_while_alive(self, event.value.events.name, self._refresh)

    def _refresh(self, event: Any = None) -> None:
        del event
        self._layers = [layer for layer in self._viewer.layers if self._fits(layer)]
        before = self.blockSignals(True)
        self.clear()
        self.addItems([layer.name for layer in self._layers] or [f"no {self._what} yet"])
        self.setEnabled(bool(self._layers))
        if self._layers:
            chosen = self._current if self._current in self._layers else self._layers[-1]
            self.setCurrentIndex(self._layers.index(chosen))
        self.blockSignals(before)
        self._on_index(self.currentIndex())

    def _follow_selection(self, event: Any = None) -> None:
        del event
        active = self._viewer.layers.selection.active
        if active in self._layers and is_users_choice(self._viewer):
            self.setCurrentIndex(self._layers.index(active))

    def _on_index(self, index: int) -> None:
        layer = self._layers[index] if 0 <= index < len(self._layers) else None
        if layer is not self._current:
            self._current = layer
            if layer is not None:
                count_in_nm(self._viewer, layer)
            if self._hint is not None:
                self._hint.show_layer(layer)
            if layer is not None and layer not in self._watched:
                self._watched.add(layer)
                connect_while_alive(self, layer.events.units, self._on_units)
            self.layer_changed.emit(layer)

    def _on_units(self, event: Any) -> None:
        if event.source is self._current:
            if self._hint is not None:
                self._hint.show_layer(self._current)
            self.scale_changed.emit()
