"""Kernels of projection (rays sum voxels) and backprojection (voxels sum rays), with the same
weights.

Joseph's interpolation (doi 10.1109/TMI.1982.4307572) has one closed form. A voxel whose centre
falls on detector coordinate ``u`` contributes to the ray at ``s`` with the weight ``max(0, 1 - |s -
u| / c) / c``, where ``c = max(|cos θ|, |sin θ|)``: it never touches more than two rays. Forward, a
ray steps through the planes that it crosses most steeply and interpolates between two voxels in
each; backward, a voxel interpolates between its two rays. Both are gathers, so a sum stays in
registers and no two threads write the same place, and both evaluate the same weight, so one is the
transpose of the other.

Layout: ``(z, x, slice)`` for the image with a rim of one zero voxel, ``(tilt, detector, slice)``
for the sinogram with a rim of zero bins wide enough that every voxel of the image falls inside.
Arrays are passed flat. Which slices are side by side is the callers' matter; see
:mod:`napari_snpore.tomography._lanes`.

Cache: forward, a strip of ``STRIP`` planes is swept once by bundles of ``BUNDLE`` neighbouring
tilts, whose rays run close together, in windows of ``WINDOW`` voxels that fit the second-level
cache. Backward, a tile of ``TILE`` × ``TILE`` voxels is completed for ``GROUP`` tilts at a time,
whose bins fit the first-level cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel
from napari_snpore.tomography._lanes import LaneCount, add_scaled, load, store, zero

STRIP = 16
BUNDLE = 4
WINDOW = 32
TILE = 8
AREA = TILE * TILE
GROUP = 4
BIAS = np.float32(64)

NARROW, MIDDLE, WIDE = LaneCount(8), LaneCount(32), LaneCount(64)
"""Slices side by side. A kernel holds the innermost loops for each of them: everything around these
is compiled once.
"""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


@part_of_kernel
def _weigh_ray(
    start: float, slope: float, weight: float, end: int, cells: Any, weights: Floats
) -> int:
    """Work out where one ray meets the planes of a strip: cell of the voxel pair, both weights;
    zero outside the image.

    The start is split into a whole cell, which is returned, and a rest of a few voxels, which
    float32 holds to 1e-6 voxels; ``cells`` count from it. ``BIAS`` makes cutting off decimals the
    same as rounding down.
    """
    first = int(np.floor(start))
    rest = np.float32(start - first)
    fall = np.float32(slope)
    full = np.float32(weight)
    lowest, highest = np.float32(-first), np.float32(end - first)
    for row in range(STRIP):
        position = rest + np.float32(row) * fall
        below = np.float32(np.int32(position + BIAS)) - BIAS
        upper = (position - below) * full
        inside = (below >= lowest) & (below < highest)
        cells[row] = np.int32(below if inside else lowest)
        weights[row] = full - upper if inside else np.float32(0)
        weights[STRIP + row] = upper if inside else np.float32(0)
    return first


@part_of_kernel
def _sum_ray(
    count: Any,
    image: Floats,
    sinogram: Floats,
    index: int,
    corner: int,
    rows: int,
    walk: tuple[int, int, int],
    table: Any,
    weights: Floats,
) -> None:
    """Add the voxels of a ray in a strip, from ``image[corner]`` on, to its bin."""
    total = load(count, sinogram, index)
    for row in range(rows):
        voxel = corner + row * walk[1] + table[row] * walk[2]
        total = add_scaled(total, weights[row], image, voxel)
        total = add_scaled(total, weights[STRIP + row], image, voxel + walk[2])
    store(total, sinogram, index)


@kernel
def gather_rays(
    lanes: int,
    image: Floats,
    sinogram: Floats,
    rays: Doubles,
    bins: Integers,
    planes: int,
    cells: int,
    walk: tuple[int, int, int],
    room: tuple[Integers, Any, Floats],
) -> None:
    """Add the projections of an image to a sinogram, for tilts that cross the same set of planes.

    Parameters
    ----------
    lanes : int
        Slices side by side: 8, 32 or 64.
    image, sinogram : float32, flat
        Layouts of the module docstring; only the sinogram is changed.
    rays : float64, shape (tilt, 4)
        Position (voxels from the first rim voxel) of bin 0 in plane 0, its change per bin
        (positive) and per plane, and the weight of a whole voxel.
    bins : int64, shape (tilt, 3)
        Index into ``sinogram`` of bin 0, its change per bin, number of bins.
    planes, cells : int
        Planes that the rays step through, and voxels within one of them (both without rim).
    walk : (int, int, int)
        Index into ``image`` of the rim voxel of plane 0, and its change per plane and per voxel
        within a plane.
    room : arrays
        Working memory: int64 and int32, 2 ``BUNDLE`` and ``STRIP`` values, and float32, 2
        ``STRIP``.
    """
    end = cells + 1
    bounds, table, weights = room
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
                    begin = min(max(int(np.ceil((low - origin) / per_bin)), 0), bound)
                    end_bin = min(max(int(np.ceil((low + WINDOW - origin) / per_bin)), 0), bound)
                    bounds[k], bounds[BUNDLE + k] = begin, end_bin
                    longest = max(longest, end_bin - begin)
                for step in range(longest):
                    for k in range(tilts):
                        bin_ = bounds[k] + step
                        if bin_ >= bounds[BUNDLE + k]:
                            continue
                        slope = rays[first + k, 2]
                        start = rays[first + k, 0] + bin_ * rays[first + k, 1]
                        enter = start + rows[0] * slope
                        leave = start + (rows[1] - 1) * slope
                        if (enter < 0.0 and leave < 0.0) or (enter >= end and leave >= end):
                            continue
                        cell = _weigh_ray(enter, slope, rays[first + k, 3], end, table, weights)
                        index = bins[first + k, 0] + bin_ * bins[first + k, 1]
                        corner = walk[0] + rows[0] * walk[1] + cell * walk[2]
                        deep = rows[1] - rows[0]
                        if lanes == 64:
                            _sum_ray(
                                WIDE, image, sinogram, index, corner, deep, walk, table, weights
                            )
                        elif lanes == 32:
                            _sum_ray(
                                MIDDLE, image, sinogram, index, corner, deep, walk, table, weights
                            )
                        else:
                            _sum_ray(
                                NARROW, image, sinogram, index, corner, deep, walk, table, weights
                            )


@part_of_kernel
def _weigh_tile(
    corner: float,
    cos: float,
    sin: float,
    whole: float,
    fall: float,
    k: int,
    cells: Any,
    weights: Floats,
) -> int:
    """Work out where the voxels of a tile fall on the detector at one tilt: cell of the bin pair,
    both weights.
    """
    first = int(corner)
    rest = np.float32(corner - first)
    along, across = np.float32(cos), np.float32(sin)
    top, per_bin = np.float32(whole), np.float32(fall)
    for place in range(AREA):
        coordinate = rest + np.float32(place % TILE) * along + np.float32(place // TILE) * across
        below = np.float32(np.int32(coordinate + BIAS)) - BIAS
        part = coordinate - below
        lower = top - part * per_bin
        upper = top - (np.float32(1) - part) * per_bin
        cells[k * AREA + place] = np.int32(below)
        weights[2 * k * AREA + place] = lower if lower > np.float32(0) else np.float32(0)
        weights[(2 * k + 1) * AREA + place] = upper if upper > np.float32(0) else np.float32(0)
    return first


@part_of_kernel
def _sum_voxels(
    count: Any,
    lanes: int,
    sinogram: Floats,
    tile: Floats,
    goes_on: bool,
    cells: Any,
    weights: Floats,
    bases: Integers,
) -> None:
    """Add the bins of ``GROUP`` tilts to the voxels of a tile, which ``goes_on`` or is begun."""
    for place in range(AREA):
        total = zero(count)
        if goes_on:
            total = load(count, tile, place * lanes)
        for k in range(GROUP):
            index = (bases[k] + cells[k * AREA + place]) * lanes
            total = add_scaled(total, weights[2 * k * AREA + place], sinogram, index)
            total = add_scaled(total, weights[(2 * k + 1) * AREA + place], sinogram, index + lanes)
        store(total, tile, place * lanes)


@part_of_kernel
def _gather_tile(
    lanes: int,
    sinogram: Floats,
    tile: Floats,
    tilts: Doubles,
    bins: int,
    corner: tuple[int, int],
    cells: Any,
    weights: Floats,
    bases: Integers,
) -> None:
    """Backproject into one tile; see :func:`gather_voxels`."""
    for first in range(0, tilts.shape[1], GROUP):
        for k in range(GROUP):
            cos, sin = tilts[0, first + k], tilts[1, first + k]
            whole, fall = tilts[3, first + k], tilts[4, first + k]
            start = tilts[2, first + k] + corner[1] * cos + corner[0] * sin
            bases[k] = (first + k) * bins + _weigh_tile(
                start, cos, sin, whole, fall, k, cells, weights
            )
        if lanes == 64:
            _sum_voxels(WIDE, 64, sinogram, tile, first > 0, cells, weights, bases)
        elif lanes == 32:
            _sum_voxels(MIDDLE, 32, sinogram, tile, first > 0, cells, weights, bases)
        else:
            _sum_voxels(NARROW, 8, sinogram, tile, first > 0, cells, weights, bases)


@kernel
def gather_voxels(
    lanes: int,
    sinogram: Floats,
    image: Floats,
    tilts: Doubles,
    bins: int,
    shape: tuple[int, int],
    weights: Floats,
    lowest: float,
    planes: tuple[int, int],
    room: tuple[Integers, Any, Floats],
) -> None:
    """Add a weighted backprojection to an image: ``image = max(lowest, image + weights * Aᵀ
    sinogram)``.

    Parameters
    ----------
    lanes : int
        Slices side by side: 8, 32 or 64.
    sinogram, image : float32, flat
        Layouts of the module docstring; only the image is changed.
    tilts : float64, shape (5, tilt), tilts a multiple of GROUP
        cos θ, sin θ, position of voxel (0, 0) counted from the first rim bin, 1/c and 1/c² with c
        of the module docstring.
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
    room : arrays
        Working memory: int64, int32 and float32, ``GROUP`` values, ``GROUP * AREA`` and ``(2 *
        GROUP + lanes) * AREA``.
    """
    bases, cells, values = room
    shares, tile = values[: 2 * GROUP * AREA], values[2 * GROUP * AREA :]
    floor = np.float32(lowest)
    for z0 in range(planes[0], planes[1], TILE):
        for x0 in range(0, shape[1], TILE):
            _gather_tile(lanes, sinogram, tile, tilts, bins, (z0, x0), cells, shares, bases)
            for z in range(z0, min(z0 + TILE, planes[1])):
                for x in range(x0, min(x0 + TILE, shape[1])):
                    index = ((z + 1) * (shape[1] + 2) + x + 1) * lanes
                    place = ((z - z0) * TILE + x - x0) * lanes
                    weight = weights[z * shape[1] + x]
                    for lane in range(lanes):
                        value = image[index + lane] + weight * tile[place + lane]
                        image[index + lane] = value if value > floor else floor


@kernel
def interleave(lanes: int, rows: Any, flat: Floats, rim: tuple[int, int]) -> None:
    """Lay rows ``(row, slice, x)`` out as ``(row, x, slice)`` inside a rim of ``rim`` rows and
    columns.

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
def separate(
    lanes: int, flat: Floats, rows: Any, part: tuple[int, int], rim: tuple[int, int]
) -> None:
    """Undo :func:`interleave`: copy ``(row, x, slice)`` inside its rim to the slices ``part``
    (first, last) of rows ``(row, slice, x)``.

    A part of an array is no contiguous one, for which the kernel would be compiled once more.
    """
    count, _, columns = rows.shape
    first, last = part
    width = columns + 2 * rim[1]
    for row in range(count):
        start = ((row + rim[0]) * width + rim[1]) * lanes
        for x0 in range(0, columns, TILE):
            x1 = min(x0 + TILE, columns)
            for lane in range(last - first):
                line = rows[row, first + lane]
                for x in range(x0, x1):
                    line[x] = flat[start + x * lanes + lane]


@kernel
def weigh_residual(
    lanes: int, sinogram: Floats, weights: Floats, rows: int, bins: int, rim: int, squares: Doubles
) -> None:
    """Add the squares of each slice of a residual to ``squares`` and multiply the residual by one
    weight per bin.

    ``weights`` is flat, (tilt, bin) without rim; ``squares`` holds one sum a lane, in a fixed order
    of additions.
    """
    wide = bins + 2 * rim
    for row in range(rows):
        for cell in range(bins):
            index = (row * wide + rim + cell) * lanes
            weight = weights[row * bins + cell]
            for lane in range(lanes):
                value = sinogram[index + lane]
                squares[lane] += np.float64(value) * np.float64(value)
                sinogram[index + lane] = value * weight
