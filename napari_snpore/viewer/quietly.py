"""Things of ours come into the scene and move in it, and the window stays as the user left it: position and selection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pint
from napari.components import ViewerModel
from napari.layers import Layer

from napari_snpore.viewer.layers import to_nm


@contextmanager
def still_position(viewer: ViewerModel) -> Iterator[None]:
    """Put ``viewer.dims.point`` back: napari snaps it to new steps when the extent of all layers changes."""
    dims, point = viewer.dims.ndim, viewer.dims.point
    yield
    if viewer.dims.ndim == dims and viewer.dims.point != point:
        viewer.dims.set_point(range(dims), point)


def add_quietly(viewer: ViewerModel, layer: Layer) -> None:
    """Add a layer that the user did not ask to work on: what is selected stays selected, and nobody is told otherwise.

    Telling would also make napari look up what lies under a mouse that may not have moved since the switch to 3D, which fails.
    """
    selection = viewer.layers.selection
    chosen, active = set(selection), selection.active
    if active is None:
        with still_position(viewer):
            viewer.layers.append(layer)
        return
    with still_position(viewer), selection.events.active.blocker():
        viewer.layers.append(layer)
        selection.clear()
        selection.update(chosen)
        selection.active = active


def count_in_nm(viewer: ViewerModel, layer: Layer) -> None:
    """Count a layer of another length unit in nm; the window stays at its point of the specimen."""
    dims, point, before = viewer.dims.ndim, viewer.dims.point, viewer.layers.extent.units
    to_nm(layer)
    after = viewer.layers.extent.units
    if before == after or before is None or after is None or viewer.dims.ndim != dims:
        return
    quantity = pint.get_application_registry().Quantity
    moved = [float(quantity(p, a).to(b).magnitude) for p, a, b in zip(point, before, after, strict=True)]
    viewer.dims.set_point(range(dims), moved)
