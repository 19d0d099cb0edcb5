"""Sums, boxes, surface crossings and row ends of the objects in one block of labels: serial kernels.

A run is a row's longest stretch of one label; what a run adds to sums and crossings has a closed
form or is one counting loop.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]

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
def mark_labels(flat: NDArray[np.uint32], present: NDArray[np.uint8]) -> None:
    """Write 1 at each label that occurs."""
    for i in range(flat.size):
        present[flat[i]] = 1


@kernel
def scan_box(
    flat: NDArray[np.uint32],
    shape: tuple[int, int, int],
    box: Ints,
    index: NDArray[np.int32],
    last_row: Ints,
    table: Ints,
) -> None:
    """Add the statistics of the labels in a box to a table of zeros, shape (object, COLUMNS).

    flat: labels (z, y, x) in C order, with the voxels around the box as far as the volume has them.
    box (3, 3): first and last index + 1 of the box in them, and the volume's index of their first
    plane, row and column. index (label + 1,): row of the table. last_row (object,): −1 before.
    """
    depth, height, width = shape
    rows, left, right = box[1, 1] - box[1, 0], box[2, 0], box[2, 1]
    for line in range((box[0, 1] - box[0, 0]) * rows):
        layer, y = box[0, 0] + line // rows, box[1, 0] + line % rows
        first = (layer * height + y) * width
        at, end = first + left, first + right
        while True:
            # most rows are nearly empty, so 16 are read at once
            while at + 16 <= end:
                some = flat[at]
                for k in range(1, 16):
                    some |= flat[at + k]
                if some != 0:
                    break
                at += 16
            while at < end and flat[at] == 0:
                at += 1
            if at == end:
                break
            label, begin = flat[at], at
            while at < end and flat[at] == label:
                at += 1
            own = index[label]
            n, start, stop = at - begin, begin - first, at - 1 - first
            # indices of the volume
            zz, yy, x0, x1 = layer + box[0, 2], y + box[1, 2], start + box[2, 2], stop + box[2, 2]
            if last_row[own] < 0:
                table[own, LOW], table[own, LOW + 1], table[own, LOW + 2] = zz, yy, x0
                table[own, HIGH], table[own, HIGH + 1], table[own, HIGH + 2] = zz, yy, x1
            if last_row[own] != line:
                last_row[own] = line
                table[own, ROWS] += 1
            sum_x = n * (x0 + x1) // 2
            # Σ k² up to m is m (m + 1)(2 m + 1) / 6
            sum_xx = x1 * (x1 + 1) * (2 * x1 + 1) - (x0 - 1) * x0 * (2 * x0 - 1)
            table[own, COUNT] += n
            table[own, SUMS] += n * zz
            table[own, SUMS + 1] += n * yy
            table[own, SUMS + 2] += sum_x
            table[own, MOMENTS] += n * zz * zz
            table[own, MOMENTS + 1] += n * yy * yy
            table[own, MOMENTS + 2] += sum_xx // 6
            table[own, MOMENTS + 3] += n * zz * yy
            table[own, MOMENTS + 4] += zz * sum_x
            table[own, MOMENTS + 5] += yy * sum_x
            # rows come in order of z, then y
            table[own, HIGH] = zz
            if yy < table[own, LOW + 1]:
                table[own, LOW + 1] = yy
            if x0 < table[own, LOW + 2]:
                table[own, LOW + 2] = x0
            if yy > table[own, HIGH + 1]:
                table[own, HIGH + 1] = yy
            if x1 > table[own, HIGH + 2]:
                table[own, HIGH + 2] = x1
            # voxels of the run with a neighbour of another label: x + 1 in its own row; x − 1, x,
            # x + 1 in the next row, and in the three of the next plane
            table[own, EXITS] += int(stop + 1 == width or flat[at] != label)
            for k in range(4):
                column = EXITS + 1 + 3 * k
                beyond, beside = (layer, y + 1) if k == 0 else (layer + 1, y - 2 + k)
                same = before = after = leftmost = rightmost = 0
                if beyond < depth and beside >= 0 and beside < height:
                    row = (beyond * height + beside) * width
                    for i in range(row + start, row + stop + 1):
                        same += flat[i] == label
                    leftmost = int(flat[row + start] == label)
                    rightmost = int(flat[row + stop] == label)
                    before = int(start > 0 and flat[row + start - 1] == label)
                    after = int(stop + 1 < width and flat[row + stop + 1] == label)
                table[own, column] += n - (same - rightmost + before)
                table[own, column + 1] += n - same
                table[own, column + 2] += n - (same - leftmost + after)


@kernel
def fill_rows(
    flat: NDArray[np.uint32],
    shape: tuple[int, int, int],
    box: Ints,
    index: NDArray[np.int32],
    last_row: Ints,
    cursor: Ints,
    ends: NDArray[np.int32],
) -> None:
    """Write (z, y, smallest x, greatest x) of each object's rows in a box from
    ``ends[cursor[object]]`` on; the cursor moves on.

    flat, shape, box, index: as in :func:`scan_box`. last_row (object,): −1 before.
    """
    height, width = shape[1], shape[2]
    rows, left, right = box[1, 1] - box[1, 0], box[2, 0], box[2, 1]
    for line in range((box[0, 1] - box[0, 0]) * rows):
        layer, y = box[0, 0] + line // rows, box[1, 0] + line % rows
        first = (layer * height + y) * width
        at, end = first + left, first + right
        while True:
            # most rows are nearly empty, so 16 are read at once
            while at + 16 <= end:
                some = flat[at]
                for k in range(1, 16):
                    some |= flat[at + k]
                if some != 0:
                    break
                at += 16
            while at < end and flat[at] == 0:
                at += 1
            if at == end:
                break
            label, begin = flat[at], at
            while at < end and flat[at] == label:
                at += 1
            own = index[label]
            place = cursor[own]
            if last_row[own] != line:
                last_row[own] = line
                ends[place, 0], ends[place, 1] = layer + box[0, 2], y + box[1, 2]
                ends[place, 2] = begin - first + box[2, 2]
                place += 1
                cursor[own] = place
            ends[place - 1, 3] = at - 1 - first + box[2, 2]


@kernel
def mark_hull_rows(
    rows: NDArray[np.int32], starts: Ints, chain: Ints, kept: NDArray[np.uint8]
) -> None:
    """Write 1 for each row that has a corner of the 2D convex hull of its object's plane.

    A corner of the 3D hull of an object, of its voxels or of their boxes, lies on one of these: the
    hull of a sum of sets (voxel centres, and the box of a voxel) is the sum of their hulls. rows
    (n, 4): z, y, smallest x, greatest x, each object's sorted by z and y, those of object o from
    ``starts[o]`` on. chain: scratch for the rows of an object. kept (n,): zeros before.
    """
    for o in range(starts.size - 1):
        after = starts[o]
        while after < starts[o + 1]:
            first = after
            while after < starts[o + 1] and rows[after, 0] == rows[first, 0]:
                after += 1
            # the monotone chain of hull_candidates, on the least and on the greatest x of each row
            for side in range(2):
                size = 0
                column, sign = 2 + side, 2 * side - 1
                for i in range(first, after):
                    y, end = np.int64(rows[i, 1]), np.int64(sign * rows[i, column])
                    while size > 1:
                        a, b = chain[size - 2], chain[size - 1]
                        middle = np.int64(sign * rows[b, column])
                        if (middle - sign * rows[a, column]) * (y - rows[b, 1]) > (end - middle) * (
                            rows[b, 1] - rows[a, 1]
                        ):
                            break
                        size -= 1
                    chain[size] = i
                    size += 1
                for i in range(size):
                    kept[chain[i]] = 1
