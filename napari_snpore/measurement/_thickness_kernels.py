"""Kernels of the local thickness: choice of the balls' centers, and painting of the balls."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_snpore.compute import kernel


@kernel
def mark_ridge(radius: Any, steps: Any, first: int, last: int, ridge: Any) -> None:
    """Mark the voxels of planes ``first`` to ``last`` whose ball lies in no neighbour's: only those
    are painted.

    The ball about p lies in that about its neighbour q where r(q) >= r(p) + |p - q|. Example:
    across a slab the radii are 0.5, 1.5, 2.5, 1.5, 0.5 voxels, and only the middle one is marked.

    ``steps`` (3, 3, 3) holds |p - q|, and no number for p itself, which compares as false.
    """
    depth, height, width = radius.shape
    for z in range(first, last):
        for y in range(height):
            for x in range(width):
                own = radius[z, y, x]
                if own <= 0:
                    continue
                hidden = False
                for dz in range(-1, 2):
                    for dy in range(-1, 2):
                        for dx in range(-1, 2):
                            k, j, i = z + dz, y + dy, x + dx
                            if not (0 <= k < depth and 0 <= j < height and 0 <= i < width):
                                continue
                            step = steps[dz + 1, dy + 1, dx + 1]
                            if radius[k, j, i] >= own + step - 1e-6 * step:
                                hidden = True
                if not hidden:
                    ridge[z, y, x] = 1


@kernel
def paint_balls(centers: Any, radii: Any, spacing: Any, first: int, last: int, out: Any) -> None:
    """Write into planes ``first`` to ``last`` of ``out`` the largest radius of the balls that reach
    each voxel's centre.

    The centres are sorted by rising radius, so that the last value written is the largest.
    """
    _, height, width = out.shape
    for n in range(len(radii)):
        r = radii[n]
        reach = int(r / spacing[0])
        z0, z1 = max(first, centers[n, 0] - reach), min(last, centers[n, 0] + reach + 1)
        for z in range(z0, z1):
            rest_z = r * r - ((z - centers[n, 0]) * spacing[0]) ** 2
            if rest_z < 0:
                continue
            reach_y = int(np.sqrt(rest_z) / spacing[1])
            for y in range(
                max(0, centers[n, 1] - reach_y), min(height, centers[n, 1] + reach_y + 1)
            ):
                rest_y = rest_z - ((y - centers[n, 1]) * spacing[1]) ** 2
                if rest_y < 0:
                    continue
                reach_x = int(np.sqrt(rest_y) / spacing[2])
                for x in range(
                    max(0, centers[n, 2] - reach_x), min(width, centers[n, 2] + reach_x + 1)
                ):
                    out[z, y, x] = r
