"""The triad of axes in a corner of napari's canvas."""

from __future__ import annotations

import weakref
from typing import Any

from qtpy.QtCore import QObject

from napari_snpore.viewer.shared.events import connect_while_alive, plain_viewer

_SIZE_PX, _WIDE_FROM_PX = 170.0, 520.0
"""Side of the axes as napari draws them in 3D, and of the smallest canvas in which they are."""
_SMALL_PX = 90.0
_MARGIN_PX = 20.0
"""Left free beside the axes in a canvas that is smaller than them."""
_SMALLEST_PX = 40.0


def show_axes(viewer: Any, on: bool = True) -> None:
    """Show or hide the directions of the axes with their letters.

    They stand above on the left, away from the scale bars of window and plate, and without the box
    that napari draws behind them, which would cover the scene. In a small canvas they are smaller,
    also while the scene is turned.
    """
    axes = viewer.canvas.overlays.axes
    if on and not axes.visible:
        axes.position, axes.box, axes.size = "top_left", False, _SIZE_PX
    axes.visible = on
    plain = plain_viewer(viewer)
    if on and id(plain) not in _OF:
        _OF[id(plain)] = _AxesSize(plain)
        weakref.finalize(plain, _OF.pop, id(plain), None)
    if on:
        _OF[id(plain)].fit()


def axes_shown(viewer: Any) -> bool:
    """Return whether the axes are shown."""
    return bool(viewer.canvas.overlays.axes.visible)


def axes_size(height_px: float, width_px: float) -> float:
    """Return the side (px) of the axes in a canvas of a height and width (px)."""
    side = min(height_px, width_px)
    if side >= _WIDE_FROM_PX:
        return _SIZE_PX
    return max(min(_SMALL_PX, side - _MARGIN_PX), _SMALLEST_PX)


class _AxesSize(QObject):
    """Keeps the size of the axes of a window: napari gives them 170 px at every turn of the
    camera, and with every theme and colour.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        connect_while_alive(self, viewer.canvas.events.size, self.fit)
        camera, dims = viewer.scene.camera.events, viewer.dims.events
        for emitter in (
            camera.angles,
            camera.orientation,
            dims.ndisplay,
            dims.order,
            viewer.events.theme,
        ):
            emitter.connect(self.fit, position="last")  # after napari
        # in the order of connecting: napari was first
        viewer.canvas.overlays.axes.events.colored.connect(self.fit)

    def fit(self, event: Any = None) -> None:
        """Give the axes the size that there is room for."""
        del event
        viewer = self._viewer()
        if viewer is None or not axes_shown(viewer):
            return
        axes = viewer.canvas.overlays.axes
        axes.size = axes_size(*(float(side) for side in viewer.canvas.size))
        axes.events.size.emit(axes.size)


_OF: dict[int, _AxesSize] = {}
