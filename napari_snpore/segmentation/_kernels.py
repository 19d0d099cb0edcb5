"""Serial kernels of the segmentation: counting, classifying, and the sweep of ambient occlusion. Dispatched by the steps."""

from __future__ import annotations

import numpy as np

from napari_snpore.compute import kernel


@kernel
def count_integers(values, offset, counts):  # type: ignore[no-untyped-def]
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
def count_floats(values, low, per_unit, counts):  # type: ignore[no-untyped-def]
    """Add the values of a flat array to equal bins from ``low``; the last bin holds its upper edge."""
    last = counts.size - 1
    for i in range(values.size):
        k = int((values[i] - low) * per_unit)
        counts[min(max(k, 0), last)] += 1


@kernel
def count_masked_floats(values, mask, low, per_unit, counts):  # type: ignore[no-untyped-def]
    """As :func:`count_floats`, where the mask is true."""
    last = counts.size - 1
    for i in range(values.size):
        if mask[i]:
            k = int((values[i] - low) * per_unit)
            counts[min(max(k, 0), last)] += 1


@kernel
def classify(values, thresholds, labels):  # type: ignore[no-untyped-def]
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
def sweep(solid, row_shifts, column_shifts, reach, forward, occluded):  # type: ignore[no-untyped-def]
    """Add one direction to ``occluded``: 1 where a void voxel meets solid within ``reach`` steps along a digital line.

    ``solid`` and ``occluded`` are (plane, row, column), swept plane by plane; ``row_shifts[i]`` and ``column_shifts[i]`` lead
    from plane i to plane i + 1 along the line. The number of steps to the next solid is handed from plane to plane, so that the
    length of the ray costs nothing.
    """
    planes, rows, columns = solid.shape
    far = reach + 1
    steps = np.full((rows, columns), far, np.int32)
    before = np.full((rows, columns), far, np.int32)
    for n in range(planes):
        plane = planes - 1 - n if forward else n
        steps, before = before, steps
        if n > 0:
            dr = row_shifts[plane] if forward else -row_shifts[plane - 1]
            dc = column_shifts[plane] if forward else -column_shifts[plane - 1]
        else:
            dr, dc = 0, 0
        first, last = max(0, -dc), min(columns, columns - dc)
        for r in range(rows):
            there = r + dr
            if there < 0 or there >= rows or n == 0:
                for c in range(columns):
                    steps[r, c] = 0 if solid[plane, r, c] else far
                continue
            for c in range(0, first):
                steps[r, c] = 0 if solid[plane, r, c] else far
            for c in range(max(last, 0), columns):
                steps[r, c] = 0 if solid[plane, r, c] else far
            for c in range(first, last):
                going = before[there, c + dc] + 1
                going = min(going, far)
                free = not solid[plane, r, c]
                steps[r, c] = going * free
                occluded[plane, r, c] += free and going <= reach
