"""The object under the mouse, and the place of an object."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Labels
from numpy.typing import NDArray

from napari_snpore.viewer.shared.layers import array_from_layer

_STILL_PX = 4
"""A click that moves less is no drag."""

_LARGEST_BOX = 1 << 22
"""Voxels of an object's box that are looked through for its middle; more would stop the window."""


class ObjectPicker:
    """Reports clicks into the canvas of a viewer, until ``close``.

    Parameters
    ----------
    viewer : ViewerModel
    clicked : bound method
        ``clicked(event)``, with napari's mouse event; held weakly.
    """

    def __init__(self, viewer: Any, clicked: Callable[[Any], None]) -> None:
        self._viewer = weakref.ref(viewer)
        target: weakref.WeakMethod[Any] = weakref.WeakMethod(clicked)

        def on_press(_: Any, event: Any) -> Iterator[None]:
            if event.button != 1 or event.modifiers:
                return
            start = np.asarray(event.pos)
            yield
            moved = 0.0
            while event.type == "mouse_move":
                moved = max(moved, float(np.abs(np.asarray(event.pos) - start).max()))
                yield
            call = target()
            if moved < _STILL_PX and call is not None:
                call(event)

        self._callback = on_press
        viewer.mouse_drag_callbacks.append(on_press)

    def close(self) -> None:
        """Report no more clicks."""
        viewer = self._viewer()
        if viewer is not None and self._callback in viewer.mouse_drag_callbacks:
            viewer.mouse_drag_callbacks.remove(self._callback)


def is_drawing(layer: Any) -> bool:
    """Say whether a click on a layer paints, erases or moves something."""
    return str(getattr(layer, "mode", "pan_zoom")) not in ("pan_zoom", "pick")


def object_at(layer: Labels, event: Any, kept: NDArray[np.bool_]) -> int:
    """Return the number of the object under the mouse; 0 where there is none.

    In 3D it is the first one along the line of sight that is not hidden.

    Parameters
    ----------
    layer : Labels
        Objects 1..N.
    event : mouse event of napari
    kept : bool array of length N
        Objects that are visible.
    """
    if len(event.dims_displayed) == 2:
        return object_in_slice(layer, event.position, kept)
    near, far = layer.get_ray_intersections(
        event.position, event.view_direction, list(event.dims_displayed), world=True
    )
    if near is None or far is None:
        return 0
    steps = 2 * math.ceil(float(np.abs(np.subtract(far, near)).max())) + 1
    return _first_of(layer, np.round(np.linspace(near, far, steps)), kept)


def object_in_slice(layer: Labels, position: Any, kept: NDArray[np.bool_]) -> int:
    """Return the number of the object at a position in the world; 0 where there is none.

    Parameters
    ----------
    layer : Labels
        Objects 1..N.
    position : three numbers or more
        In the units of the window; the last three are z, y and x.
    kept : bool array of length N
        Objects that are visible.
    """
    return _first_of(layer, np.round(np.asarray(layer.world_to_data(position)))[None], kept)


def _first_of(layer: Labels, places: NDArray[Any], kept: NDArray[np.bool_]) -> int:
    """Return the first object at some voxels that is not hidden."""
    data = np.asarray(array_from_layer(layer))
    inside = ((places >= 0) & (places < data.shape)).all(axis=1)
    found = data[tuple(places[inside].astype(np.intp).T)].astype(np.intp)
    found = found[(found > 0) & (found <= len(kept))]
    found = found[kept[found - 1]]
    return int(found[0]) if len(found) else 0


def voxel_of(layer: Labels, row: pd.Series, label: int) -> tuple[int, int, int]:
    """Return the voxel of an object that lies nearest to its centroid.

    Parameters
    ----------
    layer : Labels
    row : Series
        Of the object in the table, with its box.
    label : int
        Its number.
    """
    low = np.array([int(row[f"{axis}_min"]) for axis in "zyx"])
    high = np.array([int(row[f"{axis}_max"]) + 1 for axis in "zyx"])
    center = (low + high - 1) / 2
    if all(f"centroid_{axis}_nm" in row for axis in "zyx"):
        world = np.array([float(row[f"centroid_{axis}_nm"]) for axis in "zyx"])
        center = (world - np.asarray(layer.translate)) / np.asarray(layer.scale)
    if np.prod(high - low) > _LARGEST_BOX:
        middle = int(np.clip(round(center[0]), low[0], high[0] - 1))
        low[0], high[0] = middle, middle + 1
    part = np.asarray(array_from_layer(layer))[tuple(map(slice, low, high))]
    voxels = np.argwhere(part == label) + low
    if not len(voxels):
        z, y, x = np.round(center).astype(int).tolist()
        return z, y, x
    z, y, x = voxels[np.argmin(((voxels - center) ** 2).sum(axis=1))].tolist()
    return z, y, x
