"""Kernel of non-local means: what one shift of the volume against itself adds to all voxels.

The distances of all patches under one shift are the box sums of one squared difference, so that the
size of the patch costs nothing (Darbon et al., doi 10.1109/ISBI.2008.4541250). Rows are worked on
in loops that the compiler turns into vector instructions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

FLOAT32 = NDArray[np.float32]

_FARTHEST = np.float32(5.0)
"""Distance from which on a patch counts for nothing: its weight is below 0.7 %."""


@kernel
def _weigh(distances: FLOAT32, weights: FLOAT32) -> None:
    """Write exp(−distance), to 1e-7, of distances from 0 to 5; 0 beyond.

    The series is that of the eighth part, where seven terms and a few are enough.
    """
    one, eighth = np.float32(1), np.float32(-0.125)
    for i in range(len(distances)):
        x = max(distances[i], np.float32(0))
        y = x * eighth
        e = one + y * np.float32(1 / 9)
        e = one + y * np.float32(1 / 8) * e
        e = one + y * np.float32(1 / 7) * e
        e = one + y * np.float32(1 / 6) * e
        e = one + y * np.float32(1 / 5) * e
        e = one + y * np.float32(1 / 4) * e
        e = one + y * np.float32(1 / 3) * e
        e = one + y * np.float32(1 / 2) * e
        e = one + y * e
        e = e * e
        e = e * e
        weights[i] = e * e if x <= _FARTHEST else np.float32(0)


@kernel
def _plane_sums(
    one: FLOAT32, two: FLOAT32, variance: float, across: FLOAT32, sums: FLOAT32
) -> None:
    """Write, for 2 × 2 pixels from each on, the sum of (one − two)² − 2 ``variance``; the last row
    and column are not written.

    across : scratch of the plane's shape.
    """
    height, width = one.shape
    both = np.float32(2 * variance)
    difference = np.empty(width, np.float32)
    for y in range(height):
        first, second, row = one[y], two[y], across[y]
        for x in range(width):
            d = first[x] - second[x]
            difference[x] = d * d - both
        left, right = difference[:-1], difference[1:]
        for x in range(width - 1):
            row[x] = left[x] + right[x]
    for y in range(height - 1):
        here, below, row = across[y], across[y + 1], sums[y]
        for x in range(width - 1):
            row[x] = here[x] + below[x]


@kernel
def add_shift(
    gray: FLOAT32,
    shift: tuple[int, int, int],
    variance: float,
    scale: float,
    values: FLOAT32,
    weights: FLOAT32,
    scratch: FLOAT32,
) -> None:
    """Add to each voxel its likeness to the one at ``shift`` from it, and to that one the same.

    Parameters
    ----------
    gray : float32, shape (z, y, x)
        A slab with a margin.
    shift : (int, int, int)
    variance : float
        Of the noise.
    scale : float
        What sums of squares over a patch are multiplied by.
    values, weights : float32, shape of gray
        Sums of weight times grey value, and of weights; changed.
    scratch : float32, shape (3, y, x)
    """
    dz, dy, dx = shift
    depth, height, width = gray.shape
    y0, y1 = max(0, -dy), min(height, height - dy)
    x0, x1 = max(0, -dx), min(width, width - dx)
    z0, z1 = max(0, -dz), min(depth, depth - dz)
    across = scratch[2, y0:y1, x0:x1]
    distances, weight = np.empty(x1 - x0 - 1, np.float32), np.empty(x1 - x0 - 1, np.float32)
    factor = np.float32(scale)
    for z in range(z0, z1):
        _plane_sums(
            gray[z, y0:y1, x0:x1],
            gray[z + dz, y0 + dy : y1 + dy, x0 + dx : x1 + dx],
            variance,
            across,
            scratch[z % 2, y0:y1, x0:x1],
        )
        if z == z0:
            continue
        before = z - 1
        here, there = slice(x0, x1 - 1), slice(x0 + dx, x1 + dx - 1)
        for y in range(y0, y1 - 1):
            one, two = scratch[0, y, here], scratch[1, y, here]
            for x in range(len(distances)):
                distances[x] = (one[x] + two[x]) * factor
            _weigh(distances, weight)
            _add(weight, gray[before + dz, y + dy, there], values[before, y, here])
            _add(weight, gray[before, y, here], values[before + dz, y + dy, there])
            _count(weight, weights[before, y, here])
            _count(weight, weights[before + dz, y + dy, there])


@kernel
def _add(weight: FLOAT32, gray: FLOAT32, values: FLOAT32) -> None:
    for x in range(len(weight)):
        values[x] += weight[x] * gray[x]


@kernel
def _count(weight: FLOAT32, weights: FLOAT32) -> None:
    for x in range(len(weight)):
        weights[x] += weight[x]
