"""The position of the window stays where it is while something is added to the scene or moved in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from napari.components import ViewerModel


@contextmanager
def still_position(viewer: ViewerModel) -> Iterator[None]:
    """Put ``viewer.dims.point`` back: napari snaps it to new steps when the extent of all layers changes."""
    dims, point = viewer.dims.ndim, viewer.dims.point
    yield
    if viewer.dims.ndim == dims and viewer.dims.point != point:
        viewer.dims.set_point(range(dims), point)
