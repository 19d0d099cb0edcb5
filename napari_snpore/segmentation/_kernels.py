"""Serial kernels of the segmentation: counting, classifying, and the sweep of ambient occlusion. Dispatched by the steps."""

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
    """Add the integers of a flat array to ``counts[value - offset]``; four sub-histograms break the chain of equal values."""
    parts = np.zeros((4, counts.size), np.int64)
    whole = values.size - values.size % 4
    for i in range(0, whole, 4):
        for j in range(4):
            parts[j, np.int64(values[i + j]) - offset] += 1
    for i in range(whole, values.size):
        parts[0, np.int64(values[i]) - offset] += 1
    for j in range(4):
        for k in range(counts.size):
            counts[k] += parts[j, k]


@kernel
def count_floats(values: NDArray[Any], low: float, per_unit: float, counts: Integers) -> None:
    """Add the values of a flat array to equal bins from ``low``; the last bin holds its upper edge."""
    last = counts.size - 1
    for i in range(values.size):
        k = int((values[i] - low) * per_unit)
        counts[min(max(k, 0), last)] += 1


@kernel
def count_masked_floats(values: NDArray[Any], mask: Flags, low: float, per_unit: float, counts: Integers) -> None:
    """As :func:`count_floats`, where the mask is true."""
    last = counts.size - 1
    for i in range(values.size):
        if mask[i]:
            k = int((values[i] - low) * per_unit)
            counts[min(max(k, 0), last)] += 1


@kernel
def classify(values: NDArray[Any], thresholds: NDArray[np.float64], labels: NDArray[np.uint8]) -> int:
    """Write 1 + the number of thresholds that each value reaches; return how many values are NaN."""
    broken = 0
    if thresholds.size == 2:
        first, second = thresholds[0], thresholds[1]
        for i in range(values.size):
            v = values[i]
            labels[i] = 1 + (v >= first) + (v >= second)
            broken += v != v
        return broken
    for i in range(values.size):
        v = values[i]
        label = 1
        for t in thresholds:
            label += v >= t
        labels[i] = label
        broken += v != v
    return broken


@kernel
def sweep(
    solid: Flags, row_shifts: Integers, column_shifts: Integers, reach: int, rest: Any, forward: bool, hits: Any
) -> None:
    """Add one direction to ``hits``: 1 where a void voxel meets solid within ``reach`` steps along a digital line.

    ``solid`` (0 or 1) and ``hits`` are (plane, row, column), swept plane by plane; ``row_shifts[i]`` and ``column_shifts[i]``
    lead from plane i to plane i + 1 along the line. Each voxel hands on for how many steps solid is still within
    reach, so that the length of a ray costs nothing.
    ``rest`` is (2, row, column): two planes of that number in the smallest dtype that holds it.
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
