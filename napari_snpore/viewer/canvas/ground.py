"""The ground of napari's canvas: dark behind a dark volume in 3D, and behind phases that lie on no
volume, whatever the theme.

A maximum along the line of sight is drawn over the whole volume: in a light theme its vacuum would
stand as a black lump on white. Pores are white: on white they would end nowhere.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from qtpy.QtCore import QObject

from napari_snpore.viewer.shared.events import connect_while_alive, plain_viewer
from napari_snpore.viewer.shared.layers import kind_of

_DARK = "black"
_DARKEST_LIGHT = 0.35
"""Luma below which a colour counts as dark."""
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_OF_LAYER = ("visible", "colormap", "blending")


class CanvasGround(QObject):
    """One for a window; get it with :func:`keep_ground`. A ground that somebody else chose stays."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self._darkened = False
        connect_while_alive(self, viewer.canvas.events.background_color, self._on_ground)
        connect_while_alive(self, viewer.canvas.events.background_color_override, self._on_ground)
        connect_while_alive(self, viewer.events.theme, self._on_ground)
        connect_while_alive(self, viewer.dims.events.ndisplay, self._on_change)
        connect_while_alive(self, viewer.layers.events.inserted, self._on_inserted)
        connect_while_alive(self, viewer.layers.events.removed, self._on_change)
        for layer in viewer.layers:
            self._watch(layer)
        self._on_change()
        self._on_ground()

    def _on_inserted(self, event: Any) -> None:
        self._watch(event.value)
        self._on_change()

    def _watch(self, layer: Layer) -> None:
        if isinstance(layer, Labels):
            connect_while_alive(self, layer.events.visible, self._on_change)
        if isinstance(layer, Image):
            for name in _OF_LAYER:
                connect_while_alive(self, layer.events.emitters[name], self._on_change)

    def _on_change(self, event: Any = None) -> None:
        del event
        viewer = self._viewer()
        if viewer is None:
            return
        in_3d = viewer.dims.ndisplay == 3 and any(map(_is_dark_ended, viewer.layers))
        dark = in_3d or (viewer.dims.ndisplay == 2 and _has_bare_phases(viewer.layers))
        canvas = viewer.canvas
        if dark and canvas.background_color_override is None:
            canvas.background_color_override = _DARK
            self._darkened = True
        elif not dark and self._darkened:
            canvas.background_color_override = None
            self._darkened = False

    def _on_ground(self, event: Any = None) -> None:
        """Draw the triad in colours on dark grounds alone: on white, yellow and cyan are lost."""
        del event
        viewer = self._viewer()
        if viewer is not None:
            ground = np.asarray(viewer.canvas.background_color, float)
            viewer.canvas.overlays.axes.colored = not np.dot(_LUMA, ground[:3]) > 0.5


def keep_ground(viewer: Any) -> CanvasGround:
    """Keep the ground of a window fit for what it shows from now on; return what does."""
    plain = plain_viewer(viewer)
    found = _OF.get(id(plain))
    if found is None:
        found = _OF[id(plain)] = CanvasGround(plain)
        weakref.finalize(plain, _OF.pop, id(plain), None)
    return found


def _has_bare_phases(layers: Iterable[Layer]) -> bool:
    """Say whether phases are visible, and no image is below or over them."""
    shown = [layer for layer in layers if layer.visible]
    return any(kind_of(layer) == "phases" for layer in shown) and not any(
        isinstance(layer, Image) for layer in shown
    )


def _is_dark_ended(layer: Layer) -> bool:
    """Say whether a layer is a visible volume whose lowest grey values are drawn dark and opaque."""
    if not isinstance(layer, Image) or not layer.visible or layer.rgb or layer.ndim < 3:
        return False
    if layer.blending == "additive":  # black adds nothing to any ground
        return False
    red, green, blue, alpha = np.asarray(layer.colormap.map(np.zeros(1)), float).ravel()[:4]
    return bool(alpha > 0.5 and np.dot(_LUMA, (red, green, blue)) < _DARKEST_LIGHT)


_OF: dict[int, CanvasGround] = {}
