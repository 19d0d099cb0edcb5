"""Signal for changes of layers, and the order in which layers were changed.

Histories do not record painted phases or voxels set from the console; the order of napari's events
does, as long as the window is open.
"""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, Signal

from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import KEY


class LayerWatch(QObject):
    """Watches the layers of one window for as long as ``parent`` lives.

    Signals
    -------
    changed
        Layers were inserted, removed, reordered, renamed, given other data, features or metadata,
        or painted on.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QObject) -> None:
        super().__init__(parent)
        self._count = 0
        self._made: weakref.WeakKeyDictionary[Layer, int] = weakref.WeakKeyDictionary()
        self._edited: weakref.WeakKeyDictionary[Layer, tuple[int, Any]] = (
            weakref.WeakKeyDictionary()
        )
        events = viewer.layers.events
        connect_while_alive(self, events.inserted, self._on_inserted)
        for emitter in (events.removed, events.reordered):
            connect_while_alive(self, emitter, self._tell)
        for layer in viewer.layers:
            self._watch(layer)

    def edited_since(self, source: Layer, result: Layer) -> bool:
        """Return whether the voxels of ``source`` were changed by hand after ``result`` was made
        from it.

        Voxels that came together with a new record were made again by a step of ours; then
        histories show what changed.
        """
        when, record = self._edited.get(source, (-1, None))
        return when > self._made.get(result, 0) and source.metadata.get(KEY) is record

    def _on_inserted(self, event: Any) -> None:
        self._made[event.value] = self._next()
        self._watch(event.value)
        self.changed.emit()

    def _watch(self, layer: Layer) -> None:
        for name in ("name", "metadata", "features"):
            if name in layer.events.emitters:
                connect_while_alive(self, layer.events.emitters[name], self._tell)
        owner = weakref.ref(layer)
        for name in ("data", "paint"):
            if name in layer.events.emitters:
                connect_while_alive(
                    self, layer.events.emitters[name], lambda event: self._on_voxels(owner())
                )

    def _on_voxels(self, layer: Layer | None) -> None:
        if layer is not None:
            now = self._next()
            self._edited[layer] = now, layer.metadata.get(KEY)
            self._made[layer] = now
            self.changed.emit()

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _tell(self, event: Any) -> None:
        del event
        self.changed.emit()
