"""Keeps the axes of a 3D scene in their own order, z, y, x, which is right-handed.

napari draws surfaces and shapes in 3D by that order alone: after its buttons *roll* or *transpose*
they lie elsewhere than the volume they belong to, and a transposed volume is its own mirror image.
"""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject

from napari_snpore.viewer.shared.events import plain_viewer


class OrderIn3D(QObject):
    """One for a window; get it with :func:`keep_hand`.

    The order that 2D had, or that the user chose in 3D, is shown again with 2D.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self._of_2d: tuple[int, ...] | None = None
        for emitter in (viewer.dims.events.ndisplay, viewer.dims.events.order):
            emitter.connect(self._on_dims, position="last")  # after napari
        self._on_dims()

    def _on_dims(self, event: Any = None) -> None:
        del event
        viewer = self._viewer()
        if viewer is None:
            return
        dims = viewer.dims
        order = tuple(dims.order)
        if dims.ndisplay == 3:
            in_turn = (*dims.not_displayed, *sorted(dims.displayed))
            if order != in_turn:
                self._of_2d = order
                dims.order = in_turn
        elif self._of_2d is not None:
            of_2d, self._of_2d = self._of_2d, None
            if len(of_2d) == dims.ndim:
                dims.order = of_2d


def keep_hand(viewer: Any) -> None:
    """Keep the axes of a window in their own order in 3D from now on."""
    plain = plain_viewer(viewer)
    if id(plain) not in _OF:
        _OF[id(plain)] = OrderIn3D(plain)
        weakref.finalize(plain, _OF.pop, id(plain), None)


_OF: dict[int, OrderIn3D] = {}
