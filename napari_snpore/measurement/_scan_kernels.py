"""Sums, boxes, surface crossings and row ends of all objects, from one reading of the labels:
serial kernels.

A run is a row's longest stretch of one label; what a run adds to sums and crossings has a closed
form or is one counting loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

COUNT, ROWS = 0, 1
SUMS, MOMENTS, LOW, HIGH, EXITS = 2, 5, 11, 14, 17
"""First columns of: Σ(z, y, x); Σ(zz, yy, xx, zy, zx, yx); smallest and greatest index; exits along
13 directions.
"""
COLUMNS = 30

DIRECTIONS = ((0, 0, 1), (0, 1, -1), (0, 1, 0), (0, 1, 1), (1, -1, -1), (1, -1, 0), (1, -1, 1), (1, 0, -1), (1, 0, 0), (1, 0, 1),
              (1, 1, -1), (1, 1, 0), (1, 1, 1))  # fmt: skip
"""The 13 directions (z, y, x) of the 3 × 3 × 3 neighbourhood, in the order of the exit columns."""


@kernel
def label_range(labels: NDArray[np.uint32]) -> tuple[int, int]:
    """Return the least label above 0 and the greatest of a flat array; 0 and 0 without any."""
    least, most = np.uint32(0), np.uint32(0)
    for label in labels:
        if label > most:
            most = label
        if label > 0 and (least == 0 or label < least):
            least = label
    return int(least), int(most)


@kernel
def next_object(row: NDArray[np.uint32], x: Any) -> Any:
    """Return the first place from x on where a row is not 0, or its end; most rows are nearly
    empty, so 16 are read at once.
    """
    while x + 16 <= row.size:
        some = np.uint32(0)
        for k in range(16):
            some |= row[x + k]
        if some != 0:
            break
        x += 16
    while x < row.size and row[x] == 0:
        x += 1
    return x


@kernel
def scan_slab(labels: NDArray[np.uint32], first: int, planes: int, base: int, top: int) -> Ints:
    """Return one row of int64 statistics per label from ``base`` to ``top``, shape (top - base + 1,
    COLUMNS).

    labels (planes or planes + 1, y, x) uint32 starts at plane ``first`` of the volume; a further
    plane is only looked at as the next neighbour, without it the volume ends there.
    """
    height, width = labels.shape[1:]
    table = np.zeros((top - base + 1, COLUMNS), np.int64)
    last_row = np.full(top - base + 1, -1, np.int64)
    for layer in range(planes):
        z = first + layer
        for y in range(height):
            row = labels[layer, y]
            x = next_object(row, np.int64(0))
            while x < width:
                label = row[x]
                start = x
                while x < width and row[x] == label:
                    x += 1
                own = label - base
                entry = table[own]
                if last_row[own] < 0:
                    entry[LOW], entry[LOW + 1], entry[LOW + 2] = z, y, start
                    entry[HIGH], entry[HIGH + 1], entry[HIGH + 2] = z, y, x - 1
                if last_row[own] != layer * height + y:
                    last_row[own] = layer * height + y
                    entry[ROWS] += 1
                _add_run(entry, z, y, start, x - 1)
                entry[EXITS] += 1
                _add_exits(entry, EXITS + 1, labels, layer, y + 1, start, x - 1, label)
                for side in range(3):
                    _add_exits(
                        entry,
                        EXITS + 4 + 3 * side,
                        labels,
                        layer + 1,
                        y - 1 + side,
                        start,
                        x - 1,
                        label,
                    )
                x = next_object(row, x)
    return table


@kernel
def _add_run(entry: Ints, z: int, y: int, start: int, stop: int) -> None:
    """Add the voxels start..stop (inclusive) of row (z, y) to counts, sums, moments and box."""
    n = stop - start + 1
    sum_x = n * (start + stop) // 2
    # Σ k² up to m is m (m + 1)(2 m + 1) / 6
    sum_xx = stop * (stop + 1) * (2 * stop + 1) // 6 - (start - 1) * start * (2 * start - 1) // 6
    entry[COUNT] += n
    entry[SUMS] += n * z
    entry[SUMS + 1] += n * y
    entry[SUMS + 2] += sum_x
    entry[MOMENTS] += n * z * z
    entry[MOMENTS + 1] += n * y * y
    entry[MOMENTS + 2] += sum_xx
    entry[MOMENTS + 3] += n * z * y
    entry[MOMENTS + 4] += z * sum_x
    entry[MOMENTS + 5] += y * sum_x
    entry[LOW] = min(entry[LOW], z)
    entry[LOW + 1] = min(entry[LOW + 1], y)
    entry[LOW + 2] = min(entry[LOW + 2], start)
    entry[HIGH] = max(entry[HIGH], z)
    entry[HIGH + 1] = max(entry[HIGH + 1], y)
    entry[HIGH + 2] = max(entry[HIGH + 2], stop)


@kernel
def _add_exits(
    entry: Ints,
    column: int,
    labels: NDArray[np.uint32],
    layer: int,
    y: int,
    start: int,
    stop: int,
    label: int,
) -> None:
    """Add how many voxels of a run have a neighbour of another label in row (layer, y), for x − 1,
    x, x + 1.
    """
    n = stop - start + 1
    if layer >= labels.shape[0] or y < 0 or y >= labels.shape[1]:
        for side in range(3):
            entry[column + side] += n
        return
    row = labels[layer, y]
    same = 0
    for x in range(start, stop + 1):
        same += row[x] == label
    before = start > 0 and row[start - 1] == label
    after = stop + 1 < row.size and row[stop + 1] == label
    entry[column] += n - (same - (row[stop] == label) + before)
    entry[column + 1] += n - same
    entry[column + 2] += n - (same - (row[start] == label) + after)


@kernel
def fill_rows(
    labels: NDArray[np.uint32],
    first: int,
    planes: int,
    base: int,
    cursor: Ints,
    rows: NDArray[np.int32],
) -> None:
    """Write (z, y, smallest x, greatest x) of each object's rows from ``rows[cursor[label -
    base]]`` on; the cursor moves on.
    """
    height, width = labels.shape[1:]
    last_row = np.full(cursor.size, -1, np.int64)
    for layer in range(planes):
        for y in range(height):
            row = labels[layer, y]
            x = next_object(row, np.int64(0))
            while x < width:
                label = row[x]
                start = x
                while x < width and row[x] == label:
                    x += 1
                own = label - base
                if last_row[own] != layer * height + y:
                    last_row[own] = layer * height + y
                    entry = rows[cursor[own]]
                    entry[0], entry[1], entry[2] = first + layer, y, start
                    cursor[own] += 1
                rows[cursor[own] - 1, 3] = x - 1
                x = next_object(row, x)


@kernel
def sum_gray(labels: NDArray[np.uint32], gray: NDArray[Any], base: int, top: int) -> Floats:
    """Return the sum (float64) of the flat array ``gray`` over each label from ``base`` to ``top``,
    shape (top - base + 1,).
    """
    sums = np.zeros(top - base + 1, np.float64)
    for i in range(labels.size):
        if labels[i] > 0:
            sums[labels[i] - base] += gray[i]
    return sums
