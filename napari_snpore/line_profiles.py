"""Grey values along a straight line through a volume, of single slices or of a projected slab."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.subvolume import Projection, slab_of_voxels
from napari_snpore.volume import Triple, Volume

_SAMPLES_PER_VOXEL = 2
"""Of the finest axis: linear interpolation has no detail that twice as many samples as voxels would
miss.
"""


_MOST_SAMPLES = 10_000_000
"""Of a line: one that ends far outside of the volume has no more to show."""


@dataclass(frozen=True, eq=False)
class LineProfile:
    """Grey values along a line.

    Parameters
    ----------
    distances_nm : array, float64, shape (n,)
        Distances from the start of the line; the last one is its length.
    values : array, float64, shape (n,)
        Grey values there, in the units of the volume; NaN outside of it.
    """

    distances_nm: NDArray[np.float64]
    values: NDArray[np.float64]


def line_profile(
    volume: Volume,
    *,
    start_nm: Sequence[float],
    end_nm: Sequence[float],
    projection: Projection | None = None,
    axis: int = 0,
    thickness_nm: float = 0.0,
    should_stop: ShouldStop | None = None,
) -> LineProfile:
    """Return the grey values along a line, interpolated linearly between voxel centres.

    Parameters
    ----------
    volume : Volume
        Grey values; of a lazy volume only the box around the line is computed.
    start_nm, end_nm : (float, float, float)
        Ends of the line, world coordinates ``(z, y, x)`` in nm.
    projection : {"mean", "max"}, optional
        Reads a projection of the whole voxels of a slab across ``axis``, as thick slices show it.
        Default: single voxels.
    axis : int
        Array axis across the slab: 0 z, 1 y, 2 x. The line has to lie in one slice across it.
    thickness_nm : float
        Thickness of the slab around the line; the nearest number of whole voxels is taken, at least
        one.
    should_stop : callable, optional
        Asked before every slice of the slab; true raises :class:`~napari_snpore.errors.Stopped`.

    Returns
    -------
    LineProfile
        At least two samples per voxel of the finest axis, or per voxel that the line passes where
        these are fewer.

    Raises
    ------
    InputError
        Ends that are not three finite numbers, a projection of another name, an axis that does not
        exist, or a line that leaves its slab.

    Examples
    --------
    >>> ramp = Volume(np.indices((2, 2, 4))[2].astype(float), 0.5)  # the grey value is the index along x
    >>> line_profile(ramp, start_nm=(0, 0, 0), end_nm=(0, 0, 1.0)).values.tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    start, end = _position(start_nm, "start_nm"), _position(end_nm, "end_nm")
    length = math.dist(start, end)
    origin, spacing = np.array(volume.origin), np.array(volume.spacing)
    first, last = (np.array(start) - origin) / spacing, (np.array(end) - origin) / spacing
    # of the finest axis, but no more than the line passes voxels: linear between them, that is all
    voxels = min(length / min(volume.spacing), float(np.abs(last - first).sum()))
    if voxels * _SAMPLES_PER_VOXEL > _MOST_SAMPLES:
        raise InputError(
            f"The line of {length:.4g} nm passes {voxels:,.0f} voxels; {_MOST_SAMPLES // _SAMPLES_PER_VOXEL:,} are possible."
        )
    count = max(2, math.ceil(voxels * _SAMPLES_PER_VOXEL - 1e-9) + 1)
    share = np.linspace(0.0, 1.0, count)
    where = first[:, None] + (last - first)[:, None] * share  # (3, count), in voxels
    low = np.clip(np.floor(where.min(axis=1)).astype(int), 0, np.array(volume.shape) - 1)
    high = np.clip(np.ceil(where.max(axis=1)).astype(int) + 1, low + 1, volume.shape)
    if projection is None:
        part = np.asarray(volume.data[tuple(map(slice, low, high))], np.float64)
    else:
        _check_slab(start, end, projection, axis, volume.spacing)
        slab, many = slab_of_voxels(float(first[axis]), thickness_nm / volume.spacing[axis])
        if -many < slab < volume.shape[axis]:  # what of the slab lies inside is projected
            low[axis], high[axis] = max(slab, 0), min(slab + many, volume.shape[axis])
            where[axis] = low[axis]
        part = _projected(volume.data, low, high, axis, projection, should_stop)
    values = scipy.ndimage.map_coordinates(
        part, where - low[:, None], order=1, mode="constant", cval=np.nan
    )
    return LineProfile(share * length, values)


def _projected(
    data: Any,
    low: NDArray[np.int_],
    high: NDArray[np.int_],
    axis: int,
    projection: Projection,
    should_stop: ShouldStop | None,
) -> NDArray[np.float64]:
    """Return the box ``low`` to ``high`` of an array, projected along an axis, which keeps one
    voxel.
    """
    found: NDArray[np.float64] | None = None
    for index in range(low[axis], high[axis]):
        check_stop(should_stop)
        place = [slice(a, b) for a, b in zip(low, high, strict=True)]
        place[axis] = slice(index, index + 1)
        plane = np.asarray(data[tuple(place)], np.float64)
        if found is None:
            found = plane
        elif projection == "mean":
            found = found + plane
        else:
            found = np.maximum(found, plane)
    assert found is not None  # a box holds at least one slice
    return found / (high[axis] - low[axis]) if projection == "mean" else found


def _check_slab(start: Triple, end: Triple, projection: str, axis: int, spacing: Triple) -> None:
    if projection not in ("mean", "max"):
        raise InputError(f"projection is {projection!r}; 'mean' or 'max' is needed.")
    if axis not in (0, 1, 2):
        raise InputError(f"axis is {axis}; axes 0 (z), 1 (y) and 2 (x) exist.")
    if not math.isclose(start[axis], end[axis], abs_tol=spacing[axis] / 2):
        raise InputError(
            f"The line goes from {start[axis]:.4g} to {end[axis]:.4g} nm along axis {axis}; it has to lie in one slice across it."
        )


def _position(values: Sequence[float], name: str) -> Triple:
    try:
        z, y, x = (float(value) for value in values)
    except (TypeError, ValueError):
        raise InputError(
            f"{name} is {values}; three finite numbers (z, y, x) in nm are needed."
        ) from None
    if not all(map(math.isfinite, (z, y, x))):
        raise InputError(f"{name} is {values}; three finite numbers (z, y, x) in nm are needed.")
    return z, y, x
