"""Picture of what napari's own canvas shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.viewer.shared.events import plain_viewer


def canvas_picture(viewer: Any, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Return the picture of the canvas, shape (row, column, 3).

    Parameters
    ----------
    viewer : napari.Viewer
    size : (int, int), optional
        Height and width in pixels of the screen. Default: those of the canvas, also while it is hidden:
        its widget can be without height then, and napari has no picture of it.
    """
    if size is None:
        ratio = plain_viewer(viewer).window._qt_window.devicePixelRatio()
        height, width = (math.ceil(n * ratio) for n in viewer.canvas.size)
        size = (height, width)
    picture = viewer.screenshot(canvas_only=True, flash=False, size=size)
    return np.ascontiguousarray(np.asarray(picture)[..., :3])
