"""Keeps napari's scale bar within a narrow canvas: it is up to 150 px long, whatever room there
is.
"""

from __future__ import annotations

import math
import weakref
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject, QTimer

from napari_snpore.numerals import round_length
from napari_snpore.viewer.canvas.main_canvas import has_canvas
from napari_snpore.viewer.shared.events import connect_while_alive, plain_viewer

_LONGEST_PX = 150.0
"""napari's own bar at its longest."""
_PLACED_MS = 60
"""After a change of size, when napari has drawn: it may have placed the bar by the size before."""
_SHARE = 0.75
"""Share of the width of a narrow canvas that the bar takes at most; the rest are margins."""


class ShortScaleBar(QObject):
    """One for a window; get it with :func:`keep_scale_bar_short`.

    Where the canvas is wide enough napari chooses the length, and where the user has set one that
    length stays.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self._length: float | None = None
        self._placed = QTimer(self)
        self._placed.setSingleShot(True)
        self._placed.setInterval(_PLACED_MS)
        self._placed.timeout.connect(self._place)
        connect_while_alive(self, viewer.canvas.events.size, self._on_size)
        connect_while_alive(self, viewer.scene.camera.events.zoom, self.fit)
        self.fit()

    def _on_size(self, event: Any) -> None:
        self.fit(event)
        self._placed.start()

    def _place(self) -> None:
        """Let napari put the bar in its corner again."""
        viewer = self._viewer()
        if viewer is not None and has_canvas(viewer):
            bar = viewer.canvas.overlays.scale_bar
            bar.events.position.emit(bar.position)

    def fit(self, event: Any = None) -> None:
        """Give the bar a round length that has room, or leave it to napari."""
        del event
        viewer = self._viewer()
        if viewer is None:
            return
        bar = viewer.canvas.overlays.scale_bar
        if bar.length != self._length:
            return  # the user's
        length = _length_for(float(viewer.canvas.size[1]), float(viewer.scene.camera.zoom))
        if length == self._length:
            return
        self._length = length
        bar.length = length
        bar.events.font_size.emit(bar.font_size)  # napari draws a new length with a new zoom only


def keep_scale_bar_short(viewer: Any) -> None:
    """Keep the scale bar of a window within its canvas from now on."""
    plain = plain_viewer(viewer)
    if id(plain) not in _OF:
        _OF[id(plain)] = ShortScaleBar(plain)
        weakref.finalize(plain, _OF.pop, id(plain), None)


_OF: dict[int, ShortScaleBar] = {}


def _length_for(width_px: float, zoom: float) -> float | None:
    """Return a length in world units from width (px) and zoom (px per unit); None for napari's."""
    room = _SHARE * width_px
    if room >= _LONGEST_PX or not (math.isfinite(room / zoom) and room > 0):
        return None
    return round_length(room / zoom)
