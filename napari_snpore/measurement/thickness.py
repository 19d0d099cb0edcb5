"""Local thickness of a phase, and chord lengths along the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.history import LocalThicknessStep
from napari_snpore.measurement._thickness_kernels import mark_ridge, paint_balls
from napari_snpore.measurement.face_distance import depth_below_faces
from napari_snpore.measurement.inputs import checked_mask
from napari_snpore.volume import Volume, VolumeOrArray, spacing_of, volume_like

_SLAB = 16


@stops_at_once
def local_thickness(
    mask: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return for each voxel of a phase the diameter (nm) of the largest ball in the phase that
    holds it.

    Parameters
    ----------
    mask : Volume or bool array, shape (z, y, x)
        The phase. Faces of the box are not boundary: what extends beyond it has the width inside
        the box.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or float32 array, shape (z, y, x)
        0 outside the phase. The radius of a ball is the distance from a voxel's centre to the
        nearest centre outside the phase, less half an edge; where voxels are no cubes, to the
        nearest face. A ball contains at least its own voxel's centre. Where the middle lies between
        voxels the value is up to two voxels too small: 9 for a slab of 9 voxels, 7 for one of 8.

    Notes
    -----
    Hildebrand and Rüegsegger, J. Microsc. 185 (1997) 67; exact radii, no bins. Only balls that lie in no neighbour's are painted.

    Examples
    --------
    A slab five voxels of 2 nm thick:

    >>> slab = np.zeros((9, 9, 9), bool)
    >>> slab[2:7] = True
    >>> thickness = local_thickness(slab, spacing=2.0)
    >>> float(thickness.min()), float(thickness.max())
    (0.0, 10.0)
    """
    inside = checked_mask(mask)
    voxel = spacing_of(mask, spacing)
    out = np.zeros(inside.shape, np.float32)
    if not inside.any():
        return volume_like(mask, out, LocalThicknessStep())
    if inside.all():
        raise InputError("The phase fills the box: its thickness has no end.")
    radius = depth_below_faces(inside, voxel, should_stop=should_stop)
    radius[inside] = np.maximum(radius[inside], np.float32(min(voxel) / 2))
    ridge = np.zeros(inside.shape, np.uint8)
    steps = np.array(voxel)
    ways = (np.arange(-1, 2) * steps[:, None]) ** 2
    to_neighbors = np.sqrt(ways[0][:, None, None] + ways[1][:, None] + ways[2])
    to_neighbors[1, 1, 1] = np.nan
    planes = [(z, min(z + _SLAB, len(inside))) for z in range(0, len(inside), _SLAB)]
    run_blocks(
        lambda slab: mark_ridge(radius, to_neighbors, *slab, ridge), planes, should_stop=should_stop
    )
    centers = np.argwhere(ridge)
    radii = radius[ridge > 0]
    order = np.argsort(radii, kind="stable")
    centers, radii = centers[order], radii[order]

    def paint(slab: tuple[int, int]) -> None:
        reach = radii / voxel[0]
        near = (centers[:, 0] + reach >= slab[0]) & (centers[:, 0] - reach < slab[1])
        paint_balls(centers[near], radii[near].astype(np.float64), steps, *slab, out)

    run_blocks(paint, planes, progress=progress, should_stop=should_stop)
    out *= 2
    out[~inside] = 0
    return volume_like(mask, out, LocalThicknessStep())


def chord_lengths(
    mask: Volume | NDArray[np.bool_],
    *,
    axis: int,
    spacing: float | Sequence[float] | None = None,
    cut: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float64]:
    """Return the lengths (nm) of all runs of a phase's voxels along an axis.

    Parameters
    ----------
    mask : Volume or bool array, shape (z, y, x)
        The phase.
    axis : int
        0 z, 1 y, 2 x.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    cut : bool
        Keep runs that reach a face of the box, which are too short; default: leave them out.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Examples
    --------
    >>> chord_lengths(np.array([[[False, True, True, False, True, False]]]), axis=2, spacing=0.5)
    array([1. , 0.5])
    """
    inside = checked_mask(mask)
    if axis not in (0, 1, 2):
        raise InputError(f"axis is {axis}; 0 (z), 1 (y) and 2 (x) exist.")
    rows = np.moveaxis(inside, axis, 2)
    lengths = run_blocks(
        lambda plane: _runs(plane, cut), list(rows), progress=progress, should_stop=should_stop
    )
    runs: NDArray[np.float64] = (
        np.concatenate([np.zeros(0), *lengths]) * spacing_of(mask, spacing)[axis]
    )
    return runs


def _runs(plane: NDArray[np.bool_], cut: bool) -> NDArray[np.float64]:
    padded = np.zeros((plane.shape[0], plane.shape[1] + 2), np.int8)
    padded[:, 1:-1] = plane
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    _, stop = np.nonzero(change == -1)
    kept = np.ones(len(row), bool) if cut else (start > 0) & (stop < plane.shape[1])
    lengths: NDArray[np.float64] = (stop - start)[kept].astype(np.float64)
    return lengths


def size_distribution(
    sizes: NDArray[Any], *, weights: NDArray[Any] | None = None, bin_nm: float | None = None
) -> pd.DataFrame:
    """Return a distribution of sizes: share by number (or by the given weights) and by size times
    that.

    Returns
    -------
    DataFrame
        ``size_from_nm, size_to_nm, share_percent, weighted_share_percent``; bins of ``bin_nm``,
        default a twentieth of the largest.
    """
    values = np.asarray(sizes, np.float64).ravel()
    values, counted = (
        values[values > 0],
        None if weights is None else np.asarray(weights)[np.asarray(sizes).ravel() > 0],
    )
    if not values.size:
        return pd.DataFrame(
            columns=["size_from_nm", "size_to_nm", "share_percent", "weighted_share_percent"]
        )
    width = float(values.max() / 20) if bin_nm is None else bin_nm
    if not (math.isfinite(width) and width > 0):
        raise InputError(f"bin_nm is {bin_nm}; a positive length in nm is needed.")
    edges = np.arange(0, values.max() + width, width)
    number, _ = np.histogram(values, edges, weights=counted)
    weighted, _ = np.histogram(
        values, edges, weights=values if counted is None else values * counted
    )
    return pd.DataFrame(
        {
            "size_from_nm": edges[:-1],
            "size_to_nm": edges[1:],
            "share_percent": 100 * number / number.sum(),
            "weighted_share_percent": 100 * weighted / weighted.sum(),
        }
    )
