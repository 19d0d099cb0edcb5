"""Kernels of DART: classify voxels, choose the free ones at the borders, and smooth them.

Layouts are those of :mod:`napari_snpore.tomography._kernels`: images ``(z, x, slice)`` inside a rim
of one voxel, flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel

Floats = NDArray[np.float32]


@kernel
def classify(image: Floats, levels: Floats, classes: Any) -> None:
    """Give every voxel the number of the nearest grey level; ``levels`` rise."""
    for i in range(len(image)):
        found = 0
        for k in range(1, len(levels)):
            if image[i] >= np.float32(0.5) * (levels[k - 1] + levels[k]):
                found = k
        classes[i] = found


@kernel
def free_voxels(
    lanes: int,
    classes: Any,
    levels: Floats,
    image: Floats,
    free: Floats,
    shape: tuple[int, int],
    place: tuple[int, int],
    seed: int,
    share: float,
) -> None:
    """Mark with 1 the voxels that may change: those beside another class, and a random share; set
    all others to their level.

    ``place`` is (first slice, all slices): the draw hangs on seed and position alone, not on how
    slices are cut into blocks.
    """
    depth, width = shape
    row = (width + 2) * lanes
    bound = np.uint32(share * 4294967295.0)
    for z in range(depth):
        for x in range(width):
            here = ((z + 1) * (width + 2) + x + 1) * lanes
            for lane in range(lanes):
                i = here + lane
                own = classes[i]
                edge = False
                for dz in range(-1, 2):
                    for dx in range(-1, 2):
                        inside = 0 <= z + dz < depth and 0 <= x + dx < width
                        if inside and classes[i + dz * row + dx * lanes] != own:
                            edge = True
                index = (
                    np.uint64(z) * np.uint64(place[1]) + np.uint64(place[0] + lane)
                ) * np.uint64(width) + np.uint64(x)
                if edge or _draw(index, seed) < bound:
                    free[i] = np.float32(1)
                else:
                    free[i] = np.float32(0)
                    image[i] = levels[own]


@part_of_kernel
def _draw(index: Any, seed: int) -> Any:
    """Return 32 random bits of a position (the finaliser of SplitMix64, doi
    10.1145/2714064.2660195).
    """
    state = (index + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(
        0xD1342543DE82EF95
    )
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.uint32((state ^ (state >> np.uint64(31))) >> np.uint64(32))


@kernel
def hold_fixed(image: Floats, kept: Floats, free: Floats) -> None:
    """Give the voxels that are not free their value in ``kept`` back."""
    for i in range(len(image)):
        if free[i] == np.float32(0):
            image[i] = kept[i]


@kernel
def smooth_free(
    lanes: int,
    image: Floats,
    free: Floats,
    shape: tuple[int, int],
    strength: float,
    smoothed: Floats,
) -> None:
    """Mix free voxels with the mean of their eight neighbours, from ``image`` into ``smoothed``."""
    depth, width = shape
    row = (width + 2) * lanes
    mix = np.float32(strength)
    own = np.float32(1) - mix
    eighth = np.float32(0.125)
    for z in range(depth):
        for x in range(width):
            here = ((z + 1) * (width + 2) + x + 1) * lanes
            for lane in range(lanes):
                i = here + lane
                if free[i] == np.float32(0):
                    smoothed[i] = image[i]
                    continue
                around = (
                    image[i - row - lanes]
                    + image[i - row]
                    + image[i - row + lanes]
                    + image[i - lanes]
                    + image[i + lanes]
                    + image[i + row - lanes]
                    + image[i + row]
                    + image[i + row + lanes]
                )
                smoothed[i] = own * image[i] + mix * eighth * around


@kernel
def paint_levels(image: Floats, levels: Floats) -> None:
    """Set every voxel to its nearest grey level; ``levels`` rise."""
    for i in range(len(image)):
        found = 0
        for k in range(1, len(levels)):
            if image[i] >= np.float32(0.5) * (levels[k - 1] + levels[k]):
                found = k
        image[i] = levels[found]
