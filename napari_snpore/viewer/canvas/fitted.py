"""Keeps the picture fitted into napari's canvas while docks open and sizes change, until the user
zooms or moves it by hand.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer

from napari_snpore.viewer.canvas.hand import keep_hand
from napari_snpore.viewer.canvas.short_bar import keep_scale_bar_short
from napari_snpore.viewer.shared.events import connect_while_alive, plain_viewer
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.slider_steps import DRAWN_OVER

_SOON_MS = 40
"""Docks that open change the size of the canvas several times."""

_SAME = 1e-6


class FittedCanvas(QObject):
    """One for a window; get it with :func:`keep_fitted`.

    The picture counts as fitted while camera zoom and centre are those that the last fit gave it;
    turning it in 3D changes neither. napari reports each fit, also its own and those of its home
    button.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self._fitted: tuple[float, ...] | None = None
        self._shown: Any = None
        self._size: tuple[int, ...] = ()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self.fit_again)
        self._take_first()
        connect_while_alive(self, viewer.events.reset_view, self._on_fitted)
        connect_while_alive(self, viewer.canvas.events.size, self._on_size)
        connect_while_alive(self, viewer.dims.events.ndisplay, self._on_size)
        connect_while_alive(self, viewer.layers.events.inserted, self._on_layers)
        connect_while_alive(self, viewer.layers.events.removed, self._on_layers)

    @property
    def moved_by_hand(self) -> bool:
        """Whether camera zoom or centre are no longer those of the last fit."""
        viewer = self._viewer()
        if viewer is None or self._fitted is None:
            return True
        return not np.allclose(self._fitted, _camera(viewer), rtol=_SAME, atol=1e-9)

    def fit_again(self) -> None:
        """Fit what is shown, unless the user has moved it."""
        viewer = self._viewer()
        if viewer is None or self.moved_by_hand or not len(viewer.layers):
            return
        same = self._size == _size(viewer) and _same_extent(self._shown, _extent(viewer))
        if not same:  # a picture of another size was taken meanwhile, and all is as it was
            fit_shown(viewer)

    def _take_first(self) -> None:
        """Find out whether the picture is fitted now: a fit changes nothing then."""
        viewer = self._viewer()
        if viewer is None or not len(viewer.layers):
            return
        self._shown, self._size = _extent(viewer), _size(viewer)
        camera = viewer.scene.camera
        before, center, zoom = _camera(viewer), tuple(camera.center), float(camera.zoom)
        viewer.reset_view(reset_camera_angle=False)
        fitted = _camera(viewer)
        if np.allclose(before, fitted, rtol=1e-3, atol=1e-6):
            self._fitted = fitted
        else:
            camera.center, camera.zoom = center, zoom

    def _on_fitted(self, event: Any) -> None:
        del event
        viewer = self._viewer()
        if viewer is not None:
            self._fitted = _camera(viewer)
            self._shown, self._size = _extent(viewer), _size(viewer)

    def _on_size(self, event: Any) -> None:
        del event
        if not self.moved_by_hand:
            self._soon.start()

    def _on_layers(self, event: Any) -> None:
        """Fit again where what is shown reaches elsewhere now; not for what is drawn over it."""
        viewer = self._viewer()
        if viewer is None or kind_of(event.value) in DRAWN_OVER or self.moved_by_hand:
            return
        if not _same_extent(self._shown, _extent(viewer)):
            self._soon.start()


def keep_fitted(viewer: Any) -> FittedCanvas:
    """Keep the picture of a window fitted from now on; return what does."""
    plain = plain_viewer(viewer)
    found = _OF.get(id(plain))
    if found is None:
        found = _OF[id(plain)] = FittedCanvas(plain)
        keep_scale_bar_short(plain)
        keep_hand(plain)
        weakref.finalize(plain, _OF.pop, id(plain), None)
    return found


def fit_shown(viewer: ViewerModel) -> None:
    """Fit the visible layers into the window; what is hidden may be anywhere."""
    shown = [layer for layer in viewer.layers if layer.visible]
    in_one_unit = bool(shown) and viewer.layers.get_extent(shown).units == viewer.layers.units
    viewer.reset_view(layers=shown if in_one_unit else None, reset_camera_angle=False)


_OF: dict[int, FittedCanvas] = {}


def _camera(viewer: ViewerModel) -> tuple[float, ...]:
    """Return zoom and centre along the two axes that 2D and 3D share."""
    camera = viewer.scene.camera
    return float(camera.zoom), float(camera.center[-2]), float(camera.center[-1])


def _size(viewer: ViewerModel) -> tuple[int, ...]:
    """Return the size of the canvas, and whether it shows 2D or 3D."""
    return (*viewer.canvas.size, viewer.dims.ndisplay)


def _extent(viewer: ViewerModel) -> Any:
    shown: list[Layer] = [
        layer for layer in viewer.layers if layer.visible and kind_of(layer) not in DRAWN_OVER
    ]
    return np.asarray(viewer.layers.get_extent(shown).world) if shown else None


def _same_extent(one: Any, two: Any) -> bool:
    if one is None or two is None or one.shape != two.shape:
        return one is two
    return bool(np.allclose(one, two))
