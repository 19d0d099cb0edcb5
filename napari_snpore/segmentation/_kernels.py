"""Serial kernels of the segmentation: histogram counts, thresholds, ambient occlusion, majority
filter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]


@kernel
def count_integers(values: NDArray[Any], parts: NDArray[np.uint32]) -> None:
    """Add the values of a flat array, without a sign, to four histograms, one after the other in
    ``parts``; at most 2³² of them.

    Four break the chain of equal values; unsigned indices spare the check for negative ones.
    """
    one = np.uint32(1)
    bins = np.uint64(parts.size // 4)
    second, third, fourth = bins, bins + bins, bins + bins + bins
    quarter = values.size // 4
    for n in range(quarter):
        i = 4 * n
        parts[np.uint64(values[i])] += one
        parts[second + np.uint64(values[i + 1])] += one
        parts[third + np.uint64(values[i + 2])] += one
        parts[fourth + np.uint64(values[i + 3])] += one
    for i in range(4 * quarter, values.size):
        parts[np.uint64(values[i])] += one


@kernel
def extent(
    values: NDArray[Any], lowest: NDArray[Any], highest: NDArray[Any], total: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return minimum, maximum and sum of a flat array that is not empty; the sum is NaN if a value
    is.

    Sixteen lanes, so that the loop runs on whole vectors; their order is fixed, so that the sum is
    too. ``lowest``, ``highest`` (of the values' own dtype) and ``total`` have one place a lane.
    """
    lanes = 16
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
def folded_sums(
    values: NDArray[Any],
    scale: float,
    fold: float,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
) -> None:
    """Add to 16 lanes the whole part of each value times ``scale``, and ``fold`` times what is left,
    rounded: integers in float64, whose sums are exact.
    """
    lanes = first.size
    whole = 6755399441055744.0  # 1.5 * 2**52: adding it rounds to an integer, on whole vectors
    count = values.size // lanes
    for n in range(count):
        for j in range(lanes):
            scaled = np.float64(values[lanes * n + j]) * scale
            rounded = (scaled + whole) - whole
            first[j] += rounded
            second[j] += ((scaled - rounded) * fold + whole) - whole
    for i in range(lanes * count, values.size):
        scaled = np.float64(values[i]) * scale
        rounded = (scaled + whole) - whole
        first[0] += rounded
        second[0] += ((scaled - rounded) * fold + whole) - whole


@kernel
def count_floats(
    values: NDArray[Any],
    low: float,
    high: float,
    per_unit: float,
    parts: NDArray[np.uint32],
    places: NDArray[np.uint32],
) -> int:
    """Add the values of a flat array, all between low and high, to equal bins; return how many are
    ``high``.

    ``parts`` holds four histograms, as those of :func:`count_integers`. The last bin holds its
    upper edge. Bins are worked out for a block at a time, on whole vectors, into ``places``, and
    counted after it. What lies outside, or is no number, goes into the nearest end bin or the
    first: the array may be a file that another program writes, and no index may leave the bins.
    """
    bins = np.uint64(parts.size // 4)
    second, third, fourth = bins, bins + bins, bins + bins + bins
    one, last = np.uint32(1), np.float64(parts.size // 4 - 1)
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
            parts[np.uint64(places[4 * n])] += one
            parts[second + np.uint64(places[4 * n + 1])] += one
            parts[third + np.uint64(places[4 * n + 2])] += one
            parts[fourth + np.uint64(places[4 * n + 3])] += one
        for i in range(4 * quarter, block.size):
            parts[np.uint64(places[i])] += one
    return at_top


@kernel
def classify(
    values: NDArray[Any], first: Any, second: Any, begins: bool, both: bool, labels: Bytes
) -> None:
    """Add to each label how many of two thresholds, of the values' own dtype, its value reaches.

    ``begins``: the labels are 1 before, whatever they hold. ``both``: else the first counts alone.
    """
    kept, base = np.uint8(0 if begins else 255), np.uint8(1 if begins else 0)
    more = np.uint8(1 if both else 0)
    for i in range(values.size):
        reached = np.uint8(values[i] >= first) + (np.uint8(values[i] >= second) & more)
        labels[i] = (labels[i] & kept) + base + reached


@kernel
def count_nan(values: NDArray[Any]) -> int:
    """Return how many values are not a number."""
    broken = 0
    for v in values:
        broken += v != v
    return broken


@kernel
def first_voxels(labels: NDArray[np.uint32], first: Integers) -> None:
    """Write where each label 1, 2, ... of a flat array occurs first; they begin in this order."""
    found = 0
    for i in range(labels.size):
        if found < first.size and labels[i] > found:
            first[found] = i
            found += 1


@kernel
def count_pieces(
    labels: NDArray[np.uint32], phases: Bytes, phase: np.uint8, counts: Integers
) -> None:
    """Add to ``counts``, by label, the voxels of one phase; both arrays are flat."""
    for i in range(labels.size):
        if phases[i] == phase:
            counts[labels[i]] += 1


@kernel
def sweep(
    solid: Bytes,
    shape: tuple[int, int, int],
    row_shifts: Integers,
    column_shifts: Integers,
    reach: int,
    rest: Any,
    forward: bool,
    hits: Any,
) -> None:
    """Add one direction to ``hits``: 1 where a void voxel meets solid within ``reach`` steps along
    a digital line.

    ``solid`` (0 or 1) and ``hits`` are (plane, row, column), flat, swept plane by plane;
    ``row_shifts[i]`` and ``column_shifts[i]`` lead from plane i to plane i + 1 along the line.

    Walking along every ray of every voxel would cost its length. Instead each plane passes a
    counter to the next: ``reach`` on solid, one less per step in void. A void voxel is hit while
    the counter of the voxel behind it is above 0, so that the length of a ray costs nothing.
    Example: ``reach`` 2 and a line solid, void, void, void has the counters 2, 1, 0, 0 and the hits
    0, 1, 1, 0.

    ``rest`` (2, row, column), flat, holds the counters of two planes, in the smallest dtype that
    fits.
    """
    planes, rows, columns = shape
    area = rows * columns
    nothing = rest.dtype.type(0)
    full = rest.dtype.type(reach)
    for n in range(planes):
        plane = planes - 1 - n if forward else n
        dr, dc = 0, 0
        if n > 0:
            dr = row_shifts[plane] if forward else -row_shifts[plane - 1]
            dc = column_shifts[plane] if forward else -column_shifts[plane - 1]
        for r in range(rows):
            there = r + dr
            first, last = min(max(0, -dc), columns), max(0, min(columns, columns - dc))
            if there < 0 or there >= rows or n == 0 or first >= last:
                first, last = columns, columns
            here, now = plane * area + r * columns, n % 2 * area + r * columns
            before = (n + 1) % 2 * area + there * columns + dc
            for side in range(2):  # voxels with none behind them
                begin, end = (0, first) if side == 0 else (last, columns)
                for c in range(begin, end):
                    rest[now + c] = full if solid[here + c] else nothing
            if first == columns:
                continue
            wall, count = solid[here + first : here + last], hits[here + first : here + last]
            passed, behind = rest[now + first : now + last], rest[before + first : before + last]
            for c in range(last - first):
                # arithmetic in place of branches: the loop runs on whole vectors of bytes
                is_wall = np.uint8(wall[c])
                met = np.uint8(behind[c] > 0)
                count[c] = count[c] + (met & (is_wall ^ np.uint8(1)))
                further = behind[c] - met
                passed[c] = full if is_wall else further


@kernel
def majority(phases: Any, out: Any, z: int, radius: int, votes: Integers) -> None:
    """Write one plane of the majority filter: per row, votes of a column of the cube enter and
    leave as it moves along x. ``votes`` has a place per phase.
    """
    depth, height, width = phases.shape
    count = len(votes)
    z0, z1 = max(0, z - radius), min(depth, z + radius + 1)
    for y in range(height):
        y0, y1 = max(0, y - radius), min(height, y + radius + 1)
        for phase in range(count):
            votes[phase] = 0
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
