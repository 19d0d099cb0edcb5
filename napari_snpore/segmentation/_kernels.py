"""Serial kernels of the segmentation: histogram counts, thresholds, ambient occlusion, majority
filter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@kernel
def count_integers(values: NDArray[Any], offset: int, counts: Integers) -> None:
    """Add the integers of a flat array to ``counts[value - offset]``; at most 2³² of them.

    Four sub-histograms break the chain of equal values; unsigned indices spare the check for
    negative ones.
    """
    parts = np.zeros((4, counts.size), np.uint32)
    first, second, third, fourth = parts[0], parts[1], parts[2], parts[3]
    one = np.uint32(1)
    quarter = values.size // 4
    for n in range(quarter):
        i = 4 * n
        first[np.uint64(np.int64(values[i]) - offset)] += one
        second[np.uint64(np.int64(values[i + 1]) - offset)] += one
        third[np.uint64(np.int64(values[i + 2]) - offset)] += one
        fourth[np.uint64(np.int64(values[i + 3]) - offset)] += one
    for i in range(4 * quarter, values.size):
        first[np.uint64(np.int64(values[i]) - offset)] += one
    for j in range(4):
        for k in range(counts.size):
            counts[k] += np.int64(parts[j, k])


@kernel
def extent(values: NDArray[Any]) -> tuple[float, float, float]:
    """Return minimum, maximum and sum of a flat array that is not empty; the sum is NaN if a value
    is.

    Sixteen lanes, so that the loop runs on whole vectors; their order is fixed, so that the sum is
    too.
    """
    lanes = 16
    lowest, highest = np.empty(lanes, values.dtype), np.empty(lanes, values.dtype)
    total = np.empty(lanes, np.float64)
    for j in range(lanes):
        lowest[j], highest[j], total[j] = values[0], values[0], 0.0
    whole = values.size // lanes
    for n in range(whole):
        for j in range(lanes):
            v = values[lanes * n + j]
            lowest[j] = v if v < lowest[j] else lowest[j]
            highest[j] = v if v > highest[j] else highest[j]
            total[j] += v
    for i in range(lanes * whole, values.size):
        v = values[i]
        lowest[0] = v if v < lowest[0] else lowest[0]
        highest[0] = v if v > highest[0] else highest[0]
        total[0] += v
    # loops over indices: reductions of numpy take longer to compile than all the rest
    least, most, whole_sum = lowest[0], highest[0], 0.0
    for j in range(lanes):
        least = lowest[j] if lowest[j] < least else least
        most = highest[j] if highest[j] > most else most
        whole_sum += total[j]
    return np.float64(least), np.float64(most), whole_sum


@kernel
def count_floats(
    values: NDArray[Any], low: float, high: float, per_unit: float, counts: Integers
) -> int:
    """Add the values of a flat array, all between low and high, to equal bins; return how many are
    ``high``.

    The last bin holds its upper edge. Bins are worked out for a block at a time, on whole vectors,
    and counted after it. What lies outside, or is no number, goes into the nearest end bin or the
    first: the array may be a file that another program writes, and no index may leave the bins.
    """
    parts = np.zeros((4, counts.size), np.uint32)
    first, second, third, fourth = parts[0], parts[1], parts[2], parts[3]
    one, last = np.uint32(1), np.float64(counts.size - 1)
    places = np.empty(1024, np.uint32)
    at_top = 0
    for start in range(0, values.size, places.size):
        block = values[start : start + places.size]
        for i in range(block.size):
            place = (np.float64(block[i]) - low) * per_unit
            place = place if place > 0.0 else np.float64(0.0)  # NaN compares as false
            places[i] = np.uint32(np.int32(place if place < last else last))
            at_top += block[i] == high
        quarter = block.size // 4
        for n in range(quarter):
            first[places[4 * n]] += one
            second[places[4 * n + 1]] += one
            third[places[4 * n + 2]] += one
            fourth[places[4 * n + 3]] += one
        for i in range(4 * quarter, block.size):
            first[places[i]] += one
    for j in range(4):
        for k in range(counts.size):
            counts[k] += np.int64(parts[j, k])
    return at_top


@kernel
def classify(values: NDArray[Any], thresholds: NDArray[Any], labels: Bytes) -> None:
    """Write 1 + the number of thresholds, of the values' own dtype, that each value reaches."""
    one = np.uint8(1)
    if thresholds.size == 2:
        first, second = thresholds[0], thresholds[1]
        for i in range(values.size):
            labels[i] = one + np.uint8(values[i] >= first) + np.uint8(values[i] >= second)
        return
    for i in range(values.size):
        label = one
        for t in thresholds:
            label += np.uint8(values[i] >= t)
        labels[i] = label


@kernel
def count_nan(values: NDArray[Any]) -> int:
    """Return how many values are not a number."""
    broken = 0
    for v in values:
        broken += v != v
    return broken


@kernel
def sweep(
    solid: Flags,
    row_shifts: Integers,
    column_shifts: Integers,
    reach: int,
    rest: Any,
    forward: bool,
    hits: Any,
) -> None:
    """Add one direction to ``hits``: 1 where a void voxel meets solid within ``reach`` steps along
    a digital line.

    ``solid`` (0 or 1) and ``hits`` are (plane, row, column), swept plane by plane;
    ``row_shifts[i]`` and ``column_shifts[i]`` lead from plane i to plane i + 1 along the line.

    Walking along every ray of every voxel would cost its length. Instead each plane passes a
    counter to the next: ``reach`` on solid, one less per step in void. A void voxel is hit while
    the counter of the voxel behind it is above 0, so that the length of a ray costs nothing.
    Example: ``reach`` 2 and a line solid, void, void, void has the counters 2, 1, 0, 0 and the hits
    0, 1, 1, 0.

    ``rest`` (2, row, column) holds the counters of two planes, in the smallest dtype that fits.
    """
    planes, rows, columns = solid.shape
    rest[:] = 0
    nothing = rest.dtype.type(0)
    full = rest.dtype.type(reach)
    for n in range(planes):
        plane = planes - 1 - n if forward else n
        now, before = rest[n % 2], rest[(n + 1) % 2]
        dr, dc = 0, 0
        if n > 0:
            dr = row_shifts[plane] if forward else -row_shifts[plane - 1]
            dc = column_shifts[plane] if forward else -column_shifts[plane - 1]
        first, last = min(max(0, -dc), columns), max(0, min(columns, columns - dc))
        for r in range(rows):
            there = r + dr
            walls, left, found = solid[plane, r], now[r], hits[plane, r]
            if there < 0 or there >= rows or n == 0 or first >= last:
                for c in range(columns):
                    left[c] = full if walls[c] else nothing
                continue
            for c in range(first):
                left[c] = full if walls[c] else nothing
            for c in range(last, columns):
                left[c] = full if walls[c] else nothing
            behind = before[there, first + dc : last + dc]
            wall, passed, count = walls[first:last], left[first:last], found[first:last]
            for c in range(last - first):
                # arithmetic in place of branches: the loop runs on whole vectors of bytes
                is_wall = np.uint8(wall[c])
                met = np.uint8(behind[c] > 0)
                count[c] = count[c] + (met & (is_wall ^ np.uint8(1)))
                further = behind[c] - met
                passed[c] = full if is_wall else further


@kernel
def majority(phases: Any, out: Any, z: int, radius: int, count: int) -> None:
    """Write one plane of the majority filter: per row, votes of a column of the cube enter and
    leave as it moves along x.
    """
    depth, height, width = phases.shape
    votes = np.zeros(count, np.int64)
    z0, z1 = max(0, z - radius), min(depth, z + radius + 1)
    for y in range(height):
        y0, y1 = max(0, y - radius), min(height, y + radius + 1)
        votes[:] = 0
        for x in range(-radius, width):
            ahead = x + radius
            if ahead < width:
                for k in range(z0, z1):
                    for j in range(y0, y1):
                        votes[phases[k, j, ahead]] += 1
            behind = x - radius - 1
            if behind >= 0:
                for k in range(z0, z1):
                    for j in range(y0, y1):
                        votes[phases[k, j, behind]] -= 1
            if x < 0:
                continue
            own = phases[z, y, x]
            best = own
            if own > 0:
                for phase in range(1, count):
                    if votes[phase] > votes[best]:
                        best = phase
            out[z, y, x] = best
