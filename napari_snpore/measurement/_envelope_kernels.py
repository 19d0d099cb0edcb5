"""Voxels just outside an envelope, and the distance of given places to the nearest of them: serial
kernels.

Strategy. The nearest voxel outside always shares a face with one inside, and only a few places are
asked for: no map of all distances is needed. The voxels are put in an order that keeps neighbours
together, and boxes around each 64 of them, and around each 64 boxes, rule out all but a few.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Floats = NDArray[np.float64]

FAN = 64
"""Voxels in a box, and boxes in a box of boxes."""


@kernel
def voxels_outside(inside: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the voxels (z, y, x), shape (n, 3), that are 0 but share a face with one that is 1.

    inside (planes + 2, y + 2, x + 2) uint8: its rim is only looked at as a neighbour; indices count
    from the voxel after it.
    """
    planes, height, width = inside.shape
    found = np.empty((1024, 3), np.int32)
    count = 0
    for z in range(1, planes - 1):
        for y in range(1, height - 1):
            if count + width > found.shape[0]:
                found = np.concatenate((found, np.empty((found.shape[0] + width, 3), np.int32)))
            row, up, down = inside[z, y], inside[z, y - 1], inside[z, y + 1]
            front, back = inside[z - 1, y], inside[z + 1, y]
            for x in range(1, width - 1):
                if row[x] == 0 and row[x - 1] | row[x + 1] | up[x] | down[x] | front[x] | back[x]:
                    found[count, 0], found[count, 1], found[count, 2] = z - 1, y - 1, x - 1
                    count += 1
    return found[:count].copy()


@kernel
def place_codes(points: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Return the bits of z, y and x of each point in turn: points of near codes lie near each other
    (Morton order).
    """
    codes = np.zeros(points.shape[0], np.uint64)
    for i in range(points.shape[0]):
        for bit in range(21):
            for k in range(3):
                codes[i] |= np.uint64((points[i, k] >> bit) & 1) << np.uint64(3 * bit + 2 - k)
    return codes


@kernel
def boxes_around(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Return the lowest and highest corner (n / 64, 3) around each 64 boxes in turn."""
    count = (low.shape[0] + FAN - 1) // FAN
    least, most = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    for i in range(low.shape[0]):
        for k in range(3):
            least[i // FAN, k] = min(least[i // FAN, k], low[i, k])
            most[i // FAN, k] = max(most[i // FAN, k], high[i, k])
    return least, most


@kernel
def squared_gap(place: Floats, low: Floats, high: Floats, i: int) -> float:
    """Return the squared distance of a place to a box, 0 within it."""
    total = 0.0
    for k in range(3):
        gap = max(low[i, k] - place[k], place[k] - high[i, k], 0.0)
        total += gap * gap
    return total


@kernel
def distances_to_nearest(
    places: Floats, points: Floats, low: Floats, high: Floats, group_low: Floats, group_high: Floats
) -> Floats:
    """Return the distance of each place (m, 3) to the nearest of the points (n, 3), at least one,
    all in nm.
    """
    out = np.empty(places.shape[0], np.float64)
    for i in range(places.shape[0]):
        place = places[i]
        start, closest = 0, np.inf
        for g in range(group_low.shape[0]):
            gap = squared_gap(place, group_low, group_high, g)
            if gap < closest:
                closest, start = gap, g
        best = np.inf
        for turn in range(
            -1, group_low.shape[0]
        ):  # the most promising group first: it leaves little to the others
            g = start if turn < 0 else turn
            if squared_gap(place, group_low, group_high, g) >= best:
                continue
            for b in range(g * FAN, min((g + 1) * FAN, low.shape[0])):
                if squared_gap(place, low, high, b) >= best:
                    continue
                for p in range(b * FAN, min((b + 1) * FAN, points.shape[0])):
                    best = min(best, squared_gap(place, points, points, p))
        out[i] = np.sqrt(best)
    return out
