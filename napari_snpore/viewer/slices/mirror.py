"""Layers of the window mirrored in a second viewer: shared arrays, synchronized contrast, colors
and visibility.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.experimental import link_layers, unlink_layers
from napari.layers import Image, Labels, Layer, Points
from qtpy.QtCore import QObject, QTimer

from napari_snpore.viewer.shared.events import breathe, connect_while_alive
from napari_snpore.viewer.shared.layers import kind_of, same_array

_PLACE = ("scale", "translate", "rotate", "shear", "affine", "units")
_LINKED: dict[type[Layer], tuple[str, ...]] = {
    Image: (
        "contrast_limits",
        "colormap",
        "gamma",
        "opacity",
        "visible",
        "blending",
        "interpolation2d",
        *_PLACE,
    ),
    Labels: (
        "opacity",
        "visible",
        "blending",
        "show_selected_label",
        "selected_label",
        "contour",
        *_PLACE,
    ),
    Points: ("opacity", "visible", "blending", *_PLACE),
}

_ONE_LAYER = ("inserted", "removed")
_HIDDEN_MS = 500  # a layer that comes hidden is often shown a moment later
_POINT_LOOK = ("size", "symbol", "face_color", "border_color", "border_width")


def can_be_sliced(layer: Layer) -> bool:
    """Say whether the ortho slices show a layer: volumes, labels and points of three axes; no tilt
    series, no planes.
    """
    return isinstance(layer, (Image, Labels, Points)) and layer.ndim == 3 and kind_of(layer) not in (
        "series", "frames", "scene plane", "box handles",
    )  # fmt: skip


def _concerns(event: Any) -> bool:
    """Say whether a layer that came or went can be sliced, or nothing is known of it."""
    layer = getattr(event, "value", None) if getattr(event, "type", "") in _ONE_LAYER else None
    return not isinstance(layer, Layer) or can_be_sliced(layer)


def _is_hidden(event: Any) -> bool:
    """Say whether an event says that a hidden layer came."""
    return getattr(event, "type", "") == "inserted" and not event.value.visible


class LayerMirror:
    """Keeps the layers of ``target`` the same as those of ``source`` that can be sliced.

    A hidden layer is copied when it is shown for the first time: each copy costs three canvases,
    and twice when it goes.

    Parameters
    ----------
    source : ViewerModel
        The window.
    target : ViewerModel
        The second viewer.
    owner : QObject
        The mirror ends with it.
    filled : callable
        Called when layers came, went or changed their order.
    """

    def __init__(
        self, source: ViewerModel, target: ViewerModel, owner: QObject, filled: Callable[[], None]
    ) -> None:
        self._source, self._target, self._owner, self._filled = source, target, owner, filled
        self.filling = self._closed = False
        self._waits_for_batch = self._missed_in_batch = False
        self._copies: dict[Layer, Layer] = {}
        self._thick: str | None = None
        self._pinned: list[Layer] = []
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._later = QTimer(owner)
        self._later.setSingleShot(True)
        self._later.setInterval(_HIDDEN_MS)
        self._later.timeout.connect(self._on_later)
        events = source.layers.events
        connect_while_alive(owner, events.inserted, self._refresh)
        connect_while_alive(owner, events.removed, self._refresh)
        connect_while_alive(owner, events.reordered, self._refresh)
        connect_while_alive(owner, events.begin_batch, self._begin_batch)
        connect_while_alive(owner, events.end_batch, self._end_batch)
        self._refresh()

    def closed(self) -> None:
        """End the ties of all copies: napari's would hold them, and their arrays, as long as the
        layers live.

        They stay in the second viewer, which goes as a whole: napari collects garbage for each
        layer that is taken out.
        """
        self.filling = True
        self._closed = True
        for layer, copy in self._copies.items():
            unlink_layers([layer, copy])
        self._copies.clear()

    def project(self, mode: str | None) -> None:
        """Show thick slices of images as ``"mean"`` or ``"max"``; None shows single ones. Labels
        stay single slices.
        """
        self._thick = mode
        for copy in self._copies.values():
            if isinstance(copy, Image):
                copy.projection_mode = mode or "none"

    def pin(self, layers: Sequence[Layer]) -> None:
        """Show some layers here though they are hidden in the window; none lets all follow the
        window again.
        """
        for layer in self._pinned:
            if layer in self._copies:
                copy = self._copies[layer]
                copy.visible = layer.visible
                link_layers([layer, copy], ("visible",))
        self._pinned = [
            layer for layer in layers if can_be_sliced(layer) and layer in self._source.layers
        ]
        if any(layer not in self._copies for layer in self._pinned):
            self._refresh()
        for layer in self._pinned:
            copy = self._copies[layer]
            unlink_layers([layer, copy], ("visible",))
            copy.visible = True

    def _begin_batch(self, event: Any = None) -> None:
        self._waits_for_batch = True

    def _end_batch(self, event: Any = None) -> None:
        self._waits_for_batch = False
        if self._missed_in_batch:
            self._missed_in_batch = False
            self._refresh()

    def _refresh(self, event: Any = None) -> None:
        if self._closed or not _concerns(event):
            return
        if self._waits_for_batch:  # as napari's own canvas does
            self._missed_in_batch = True
            return
        if _is_hidden(event):
            self._wanted()  # follows it from now on
            self._later.start()
            return
        self.filling = (
            True  # napari moves camera and sliders of its own accord while the first layer comes
        )
        try:
            self._fill(self._wanted())
        finally:
            self.filling = False
        self._filled()

    def _on_later(self) -> None:
        self._refresh()
        breathe(self._source)  # the timers of the other views end with this one

    def _wanted(self) -> list[Layer]:
        """Return the layers that are shown, or were shown before, in their order; all of them where
        none is.
        """
        known = [layer for layer in self._source.layers if can_be_sliced(layer)]
        for layer in known:
            if layer not in self._watched:
                self._watched.add(layer)
                connect_while_alive(self._owner, layer.events.visible, self._on_visible)
        shown = [
            layer
            for layer in known
            if layer.visible or layer in self._copies or layer in self._pinned
        ]
        return shown or known

    def _on_visible(self, event: Any) -> None:
        if event.source.visible and event.source not in self._copies:
            self._refresh()
            breathe(self._source)  # the other views copy it after this one was drawn

    def _fill(self, wanted: list[Layer]) -> None:
        gone = [layer for layer in self._copies if layer not in wanted]
        if gone:
            with self._target.layers.batched_update():  # else garbage is collected for each of them
                for layer in gone:
                    copy = self._copies.pop(layer)
                    unlink_layers([layer, copy])
                    if copy in self._target.layers:
                        self._target.layers.remove(copy)
        for layer in wanted:
            if layer not in self._copies:
                self._add(layer)
        order = [self._copies[layer] for layer in wanted]
        if list(self._target.layers) != order:
            for place, copy in enumerate(order):
                self._target.layers.move(self._target.layers.index(copy), place)

    def _add(self, layer: Layer) -> None:
        data, meta, kind = layer.as_layer_data_tuple()
        copy = Layer.create(data, {**meta, "projection_mode": "none"}, kind)
        for overlay in getattr(copy, "_overlays", {}).values():
            overlay.visible = False  # napari's tools to draw, which no slice has, cost 50 ms each
        if self._thick is not None and isinstance(copy, Image):
            copy.projection_mode = self._thick
        self._copies[layer] = copy
        self._target.layers.append(copy)
        attributes = next(names for known, names in _LINKED.items() if isinstance(layer, known))
        link_layers([layer, copy], attributes)
        # methods, which are held weakly: a closure here would outlive the window, and the canvas
        # with it
        for name in ("data", "name", "features", "paint", "labels_update", "colormap"):
            if hasattr(layer.events, name):
                connect_while_alive(self._owner, getattr(layer.events, name), self._on_change)

    def _on_change(self, event: Any) -> None:
        layer = event.source
        copy = self._copies.get(layer)
        if copy is None:
            return
        if event.type == "name":
            copy.name = layer.name
        elif event.type == "colormap":
            if isinstance(
                layer, Labels
            ):  # napari's tie would compare dictionaries of arrays, which fails
                copy.colormap = layer.colormap
        elif event.type in ("paint", "labels_update"):
            copy.refresh()
        elif event.type == "data" or isinstance(layer, Points):
            self._take_data(layer)

    def _take_data(self, layer: Layer) -> None:
        copy = self._copies.get(layer)
        if copy is not None:
            if same_array(copy, layer):
                copy.refresh()
            else:
                copy.data = layer.data
            if isinstance(layer, Points) and len(layer.features) == len(copy.data):
                copy.features = layer.features
                for name in _POINT_LOOK:  # new points get napari's defaults
                    setattr(copy, name, getattr(layer, name))
