"""The two inner loops of tomography: rays gather voxels, voxels gather rays, with the same weights.

Joseph's interpolation (doi 10.1109/TMI.1982.4307572) has one closed form. A voxel whose centre falls on detector coordinate ``u``
contributes to the ray at ``s`` with the weight ``max(0, 1 - |s - u| / c) / c``, where ``c = max(|cos θ|, |sin θ|)``: it never
touches more than two rays. Forward, a ray steps through the planes that it crosses most steeply and interpolates between
two voxels in each; backward, a voxel interpolates between its two rays. Both are gathers, so a sum stays in registers and
no two threads write the same place, and both evaluate the same weight, so one is the transpose of the other.

Layout: ``(z, x, slice)`` for the image with a rim of one zero voxel, ``(tilt, detector, slice)`` for the sinogram with a rim
of zero bins wide enough that every voxel of the image falls inside. Arrays are passed flat. Which slices are side by side
is the callers' matter; see :mod:`napari_snpore.tomography._lanes`.

Cache: forward, a strip of ``STRIP`` planes is swept once by bundles of ``BUNDLE`` neighbouring tilts, whose rays run close
together, in windows of ``WINDOW`` voxels that fit the second-level cache. Backward, a tile of ``TILE`` × ``TILE`` voxels is
completed for ``GROUP`` tilts at a time, whose bins fit the first-level cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel
from napari_snpore.tomography._lanes import add_scaled, load, store, zero

STRIP = 16
BUNDLE = 4
WINDOW = 64
TILE = 8
GROUP = 8

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


@kernel
def _trace(
    count: Any, image: Floats, total: Any, weight: float, start: float, slope: float, rows: tuple[int, int], walk: Any
) -> Any:
    """Add to ``total`` the part of one ray in planes ``rows``, every interpolation pair known to lie in the image."""
    base, across, along = walk
    for row in range(rows[0], rows[1]):
        position = start + row * slope
        cell = int(position)
        upper = np.float32(position - cell) * np.float32(weight)
        index = base + row * across + cell * along
        total = add_scaled(total, np.float32(weight) - upper, image, index)
        total = add_scaled(total, upper, image, index + along)
    return total


@kernel
def _trace_edge(
    count: Any,
    image: Floats,
    total: Any,
    weight: float,
    start: float,
    slope: float,
    rows: tuple[int, int],
    walk: Any,
    end: int,
) -> Any:
    """Like :func:`_trace` for a ray that enters or leaves the image within the strip."""
    base, across, along = walk
    for row in range(rows[0], rows[1]):
        position = start + row * slope
        if position >= 0.0 and position < end:
            cell = int(position)
            upper = np.float32(position - cell) * np.float32(weight)
            index = base + row * across + cell * along
            total = add_scaled(total, np.float32(weight) - upper, image, index)
            total = add_scaled(total, upper, image, index + along)
    return total


@kernel
def gather_rays(
    count: Any,
    image: Floats,
    sinogram: Floats,
    rays: Doubles,
    bins: Integers,
    planes: int,
    cells: int,
    walk: tuple[int, int, int],
) -> None:
    """Add the projections of an image to a sinogram, for tilts that cross the same set of planes.

    Parameters
    ----------
    count : LaneCount
        Slices side by side.
    image, sinogram : float32, flat
        Layouts of the module docstring; only the sinogram is changed.
    rays : float64, shape (tilt, 4)
        Position (voxels from the first rim voxel) of bin 0 in plane 0, its change per bin (positive) and per plane, and the
        weight of a whole voxel.
    bins : int64, shape (tilt, 3)
        Index into ``sinogram`` of bin 0, its change per bin, number of bins.
    planes, cells : int
        Planes that the rays step through, and voxels within one of them (both without rim).
    walk : (int, int, int)
        Index into ``image`` of the rim voxel of plane 0, and its change per plane and per voxel within a plane.
    """
    end = cells + 1
    next_bin = np.empty(BUNDLE, np.int64)
    last_bin = np.empty(BUNDLE, np.int64)
    for top in range(0, planes, STRIP):
        rows = (top, min(top + STRIP, planes))
        middle = 0.5 * (rows[0] + rows[1] - 1)
        windows = (cells + 2 * STRIP) // WINDOW + 1
        for window in range(windows):
            low = float(window * WINDOW - STRIP)
            for first in range(0, rays.shape[0], BUNDLE):
                tilts = min(BUNDLE, rays.shape[0] - first)
                longest = 0
                for k in range(tilts):
                    origin = rays[first + k, 0] + middle * rays[first + k, 2]
                    per_bin = rays[first + k, 1]
                    bound = bins[first + k, 2]
                    next_bin[k] = min(max(int(np.ceil((low - origin) / per_bin)), 0), bound)
                    last_bin[k] = min(max(int(np.ceil((low + WINDOW - origin) / per_bin)), 0), bound)
                    longest = max(longest, last_bin[k] - next_bin[k])
                for step in range(longest):
                    for k in range(tilts):
                        bin_ = next_bin[k] + step
                        if bin_ >= last_bin[k]:
                            continue
                        slope = rays[first + k, 2]
                        weight = rays[first + k, 3]
                        start = rays[first + k, 0] + bin_ * rays[first + k, 1]
                        enter = start + rows[0] * slope
                        leave = start + (rows[1] - 1) * slope
                        index = bins[first + k, 0] + bin_ * bins[first + k, 1]
                        if min(enter, leave) >= 0.0 and max(enter, leave) < end:
                            total = load(count, sinogram, index)
                            total = _trace(count, image, total, weight, start, slope, rows, walk)
                            store(total, sinogram, index)
                        elif max(enter, leave) >= 0.0 and min(enter, leave) < end:
                            total = load(count, sinogram, index)
                            total = _trace_edge(count, image, total, weight, start, slope, rows, walk, end)
                            store(total, sinogram, index)


@kernel
def _gather_tile(
    count: Any, lanes: int, sinogram: Floats, tile: Floats, tilts: Doubles, bins: int, box: tuple[int, int, int, int]
) -> None:
    """Backproject into one tile; ``tilts`` rows: cos θ, sin θ, detector index of voxel (0, 0), 1/c, 1/c²."""
    for first in range(0, tilts.shape[0], GROUP):
        last = min(first + GROUP, tilts.shape[0])
        place = 0
        for z in range(box[0], box[1]):
            for x in range(box[2], box[3]):
                total = zero(count)
                if first > 0:
                    total = load(count, tile, place)
                for tilt in range(first, last):
                    coordinate = tilts[tilt, 2] + x * tilts[tilt, 0] + z * tilts[tilt, 1]
                    cell = int(coordinate)
                    part = np.float32(coordinate - cell)
                    whole = np.float32(tilts[tilt, 3])
                    fall = np.float32(tilts[tilt, 4])
                    index = (tilt * bins + cell) * lanes
                    lower = max(np.float32(0), whole - part * fall)
                    upper = max(np.float32(0), whole - (np.float32(1) - part) * fall)
                    total = add_scaled(total, lower, sinogram, index)
                    total = add_scaled(total, upper, sinogram, index + lanes)
                store(total, tile, place)
                place += lanes


@kernel
def gather_voxels(
    count: Any,
    lanes: int,
    sinogram: Floats,
    image: Floats,
    tilts: Doubles,
    bins: int,
    shape: tuple[int, int],
    weights: Floats,
    lowest: float,
    planes: tuple[int, int],
) -> None:
    """Add a weighted backprojection to an image: ``image = max(lowest, image + weights * Aᵀ sinogram)``.

    Parameters
    ----------
    count, lanes : LaneCount, int
        Slices side by side, as a type and as a number.
    sinogram, image : float32, flat
        Layouts of the module docstring; only the image is changed.
    tilts : float64, shape (tilt, 5)
        cos θ, sin θ, position of voxel (0, 0) counted from the first rim bin, 1/c and 1/c² with c of the module docstring.
    bins : int
        Detector bins of the sinogram, rim included.
    shape : (int, int)
        Voxels (z, x) of the image without rim.
    weights : float32, flat, z * x values
        A factor per voxel, the same for all slices.
    lowest : float
        Values below it are raised to it: 0 for a non-negative image, minus infinity for none.
    planes : (int, int)
        First and last (excluded) z that this call updates.
    """
    tile = np.empty(TILE * TILE * lanes, np.float32)
    floor = np.float32(lowest)
    for z0 in range(planes[0], planes[1], TILE):
        for x0 in range(0, shape[1], TILE):
            box = (z0, min(z0 + TILE, planes[1]), x0, min(x0 + TILE, shape[1]))
            _gather_tile(count, lanes, sinogram, tile, tilts, bins, box)
            place = 0
            for z in range(box[0], box[1]):
                for x in range(box[2], box[3]):
                    index = ((z + 1) * (shape[1] + 2) + x + 1) * lanes
                    weight = weights[z * shape[1] + x]
                    for lane in range(lanes):
                        image[index + lane] = max(floor, image[index + lane] + weight * tile[place + lane])
                    place += lanes


@kernel
def interleave(lanes: int, rows: Any, flat: Floats, rim: tuple[int, int]) -> None:
    """Lay rows ``(row, slice, x)`` out as ``(row, x, slice)`` inside a rim of ``rim`` rows and columns.

    Lanes beyond the slices that there are, and the rim, are left as they are.
    """
    count, slices, columns = rows.shape
    width = columns + 2 * rim[1]
    for row in range(count):
        start = ((row + rim[0]) * width + rim[1]) * lanes
        for x0 in range(0, columns, TILE):
            x1 = min(x0 + TILE, columns)
            for lane in range(slices):
                for x in range(x0, x1):
                    flat[start + x * lanes + lane] = rows[row, lane, x]


@kernel
def separate(lanes: int, flat: Floats, rows: Any, rim: tuple[int, int]) -> None:
    """Undo :func:`interleave`: copy ``(row, x, slice)`` inside its rim to rows ``(row, slice, x)``."""
    count, slices, columns = rows.shape
    width = columns + 2 * rim[1]
    for row in range(count):
        start = ((row + rim[0]) * width + rim[1]) * lanes
        for x0 in range(0, columns, TILE):
            x1 = min(x0 + TILE, columns)
            for lane in range(slices):
                for x in range(x0, x1):
                    rows[row, lane, x] = flat[start + x * lanes + lane]
