"""Positions of the window on the voxels of a layer: what is shown at a position is the voxel that
holds it, and its centre is the position that is stated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.layers import refuse_turned
from napari_snpore.volume import Triple

_FUZZ = 1e-6
"""Share of a voxel by which rounding may miss a face."""


def on_voxel(
    layer: Layer | None, point: Any, limits: tuple[Triple, Triple] | None = None
) -> Triple:
    """Return the centre of the voxel that holds a point, on the grid of a layer continued beyond
    its ends.

    Parameters
    ----------
    layer : Layer or None
        An image or labels of three axes. None, and one that is turned against the axes, leaves
        the point as it is.
    point : sequence of three float
        World coordinates (z, y, x).
    limits : (low, high), optional
        Outer faces in world coordinates; the voxel lies between them.

    Returns
    -------
    (float, float, float)
        World coordinates (z, y, x). A point on the face between two voxels belongs to the latter,
        as in figures.
    """
    z, y, x = (float(value) for value in point)
    if layer is None or layer.ndim != 3 or not has_axes_along_world(layer):
        return z, y, x
    found = []
    for axis, place in enumerate((z, y, x)):
        step, start = float(layer.scale[axis]), float(layer.translate[axis])
        index = math.floor((place - start) / step + 0.5 + _FUZZ)
        if limits is not None:
            first, last = voxels_between(layer, axis, limits[0][axis], limits[1][axis])
            index = min(max(index, first), last)
        found.append(start + index * step)
    z, y, x = found
    return z, y, x


def has_axes_along_world(layer: Layer) -> bool:
    """Return whether the axes of a layer are those of the window, forwards."""
    try:
        refuse_turned(layer, layer.name)
    except InputError:
        return False
    return bool(np.all(np.asarray(layer.scale) > 0))


def voxels_between(layer: Layer, axis: int, low: float, high: float) -> tuple[int, int]:
    """Return first and last index of the voxels of a layer, its grid continued beyond its ends,
    that lie between two faces along an axis.
    """
    step, start = float(layer.scale[axis]), float(layer.translate[axis])
    first = math.ceil((low - start) / step - _FUZZ)
    return first, max(first, math.floor((high - start) / step + _FUZZ))
