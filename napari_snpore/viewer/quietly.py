"""Things of ours come into the scene and move in it, and the window stays as the user left it: position and selection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer

from napari_snpore.viewer.layers import nm_a_unit


@contextmanager
def still_position(viewer: ViewerModel) -> Iterator[None]:
    """Put ``viewer.dims.point`` back: napari snaps it to new steps when the extent of all layers changes.

    A layer in nm beside one in µm makes nm the unit of the window: the point is then the same in the new unit.
    """
    dims, point, units = viewer.dims.ndim, viewer.dims.point, viewer.layers.units
    yield
    if viewer.layers.units != units:
        point = tuple(np.array(point) * nm_a_unit(units, dims) / nm_a_unit(viewer.layers.units, dims))
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
