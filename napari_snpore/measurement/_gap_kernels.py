"""Kernel of the gaps between labelled objects: the nearest surface voxel of another object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

LONGS = NDArray[np.int64]
INTS = NDArray[np.int32]


@kernel
def nearest_gaps(
    places: INTS,
    owners: INTS,
    cells: LONGS,
    order: LONGS,
    grid: LONGS,
    edges: LONGS,
    spacing: NDArray[np.float64],
    first: int,
    last: int,
    gaps: NDArray[np.float64],
    nearest: INTS,
) -> None:
    """Find, for the owners of the surface voxels ``first`` to ``last``, the least squared gap to a
    voxel of another owner.

    Voxels are sorted into cells. A voxel looks into rings of cells around its own until a ring is
    farther than the least gap so far of its owner, so that all but the first few voxels of an owner
    look into few cells.

    Parameters
    ----------
    places : int32, shape (voxel, 3)
        Indices (z, y, x), owners one after another.
    owners : int32, shape (voxel,)
    cells, order : int64, shape (cell + 1,) and (voxel,)
        Voxels of cell ``c`` are ``order[cells[c]:cells[c + 1]]``.
    grid, edges : int64, shape (3,)
        Number of cells, and voxels along the edge of a cell, along each axis.
    spacing : float64, shape (3,)
        Voxel size in nm.
    gaps, nearest : float64 and int32, shape (owners of this range,)
        From the owner of voxel ``first`` on: receive squared gap (inf at first) and the other owner
        (−1 at first; the smaller number of two that are as near).
    """
    base = owners[first]
    for voxel in range(first, last):
        own = owners[voxel]
        z, y, x = places[voxel, 0], places[voxel, 1], places[voxel, 2]
        cz, cy, cx = z // edges[0], y // edges[1], x // edges[2]
        best, other = gaps[own - base], nearest[own - base]
        farthest = max(
            max(cz, grid[0] - 1 - cz), max(cy, grid[1] - 1 - cy), max(cx, grid[2] - 1 - cx)
        )
        for ring in range(farthest + 1):
            if ring > 1:
                least = (ring - 1) * min(
                    edges[0] * spacing[0], edges[1] * spacing[1], edges[2] * spacing[2]
                )
                if least * least > best:
                    break
            for kz in range(max(0, cz - ring), min(grid[0], cz + ring + 1)):
                for ky in range(max(0, cy - ring), min(grid[1], cy + ring + 1)):
                    # inside the ring only its first and last cell along x
                    rim = abs(kz - cz) == ring or abs(ky - cy) == ring
                    step = 1 if rim or ring == 0 else 2 * ring
                    for kx in range(cx - ring, cx + ring + 1, step):
                        if kx < 0 or kx >= grid[2]:
                            continue
                        cell = (kz * grid[1] + ky) * grid[2] + kx
                        for k in range(cells[cell], cells[cell + 1]):
                            near = order[k]
                            if owners[near] == own:
                                continue
                            dz = max(abs(places[near, 0] - z) - 1, 0) * spacing[0]
                            dy = max(abs(places[near, 1] - y) - 1, 0) * spacing[1]
                            dx = max(abs(places[near, 2] - x) - 1, 0) * spacing[2]
                            gap = dz * dz + dy * dy + dx * dx
                            if gap < best or (gap == best and owners[near] < other):
                                best, other = gap, owners[near]
        gaps[own - base], nearest[own - base] = best, other
