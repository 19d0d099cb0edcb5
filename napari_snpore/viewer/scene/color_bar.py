"""A colour bar on napari's canvas: what the colours of the volume or of the objects mean."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer
from vispy.scene.visuals import Image, Text

from napari_snpore.figures.plate_spec import ColorScale
from napari_snpore.viewer.forms.histogram_plot import round_ticks
from napari_snpore.viewer.scene.color_scale import scale_of_scene
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.theme import ink_of

_WIDTH, _HEIGHT, _MARGIN = 16, 150, 14
_ABOVE = 2_000


class SceneColorBar(QObject):
    """Follows what is coloured while it is switched on.

    It is part of the canvas, so that screenshots and movies have it; a plate draws its own.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    canvas : QtViewer
        Its canvas; the bar ends with it.
    """

    def __init__(self, viewer: ViewerModel, canvas: QtViewer) -> None:
        super().__init__(canvas)
        self._viewer = viewer
        self._view = canvas.canvas.view
        self._on = False
        self.scale: ColorScale | None = None
        self._bar = Image(np.zeros((2, 2, 3), np.uint8), parent=self._view)
        self._words = Text("", parent=self._view, font_size=8, anchor_x="right")
        for visual in (self._bar, self._words):
            visual.order = _ABOVE
            visual.visible = False
            visual.set_gl_state("translucent", depth_test=False)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(40)
        self._soon.timeout.connect(self.refresh)
        connect_while_alive(self, viewer.canvas.events.size, self._place)
        connect_while_alive(self, viewer.events.theme, self._later)
        for emitter in (viewer.layers.events.inserted, viewer.layers.events.removed):
            connect_while_alive(self, emitter, self._on_layers)
        for layer in viewer.layers:
            self._watch(layer)

    def belongs_to(self, viewer: ViewerModel) -> bool:
        """Say whether it is that of a window."""
        return self._viewer is viewer

    @property
    def shown(self) -> bool:
        """Whether it is switched on."""
        return self._on

    def show(self, on: bool) -> None:
        """Switch it on or off."""
        self._on = on
        self.refresh()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Draw nothing while a picture is taken that gets a bar of its own."""
        before = self._bar.visible
        self._bar.visible = self._words.visible = False
        try:
            yield
        finally:
            self._bar.visible = self._words.visible = before

    def refresh(self) -> None:
        """Draw the scale of what is coloured now."""
        self.scale = scale_of_scene(self._viewer.layers) if self._on else None
        visible = self.scale is not None and self.scale.high > self.scale.low
        self._bar.visible = self._words.visible = visible
        if visible and self.scale is not None:
            self._bar.set_data(np.ascontiguousarray(self.scale.colors[::-1, None, :3]))
            self._words.color = ink_of(self._viewer)
            self._place()

    def _place(self, event: Any = None) -> None:
        del event
        scale = self.scale
        if scale is None or not self._bar.visible:
            return
        width = float(self._viewer.canvas.size[1])
        left, top = width - _MARGIN - _WIDTH, float(_MARGIN + 16)
        self._bar.transform = _placed(left, top, _WIDTH, _HEIGHT / len(scale.colors))
        values = round_ticks(scale.low, scale.high, at_most=4)
        words = [scale.title, *(f"{value:g}".replace("-", "\N{MINUS SIGN}") for value in values)]
        span = scale.high - scale.low
        heights = [top + _HEIGHT * (1 - (value - scale.low) / span) for value in values]
        places = [(width - _MARGIN, top - 10), *((left - 6, height) for height in heights)]
        self._words.text = words
        self._words.pos = np.array(places, np.float32)

    def _later(self, event: Any = None) -> None:
        del event
        if self._on:
            self._soon.start()

    def _on_layers(self, event: Any) -> None:
        if event.type == "inserted":
            self._watch(event.value)
        self._later()

    def _watch(self, layer: Layer) -> None:
        for name in ("visible", "colormap", "contrast_limits", "gamma", "features"):
            if hasattr(layer.events, name):
                connect_while_alive(self, getattr(layer.events, name), self._later)


def color_bar_on(viewer: ViewerModel, canvas: QtViewer) -> SceneColorBar:
    """Return the colour bar of a canvas, which is made when first asked for."""
    found = color_bar_of(viewer)
    if found is None:
        found = SceneColorBar(viewer, canvas)
        _OF[id(viewer)] = weakref.ref(found)
    return found


def color_bar_of(viewer: ViewerModel) -> SceneColorBar | None:
    """Return the colour bar of a window; None where it was never asked for."""
    kept = _OF.get(id(viewer))
    found = None if kept is None else kept()
    return found if found is not None and isalive(found) and found.belongs_to(viewer) else None


_OF: dict[int, weakref.ref[SceneColorBar]] = {}


def _placed(left: float, top: float, across: float, down: float) -> Any:
    from vispy.visuals.transforms import STTransform

    return STTransform(scale=(across, down), translate=(left, top))
