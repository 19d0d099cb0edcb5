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
    keepers: INTS,
    grid: LONGS,
    edges: LONGS,
    spacing: NDArray[np.float64],
    boxes: INTS,
    target: int,
    first: int,
    last: int,
    gaps: NDArray[np.float64],
    nearest: INTS,
) -> None:
    """Find the least squared gap between the owners of the surface voxels ``first`` to ``last`` and
    other owners, or the owner ``target`` alone.

    Voxels are sorted into cells. A voxel looks into rings of cells around its own until a ring is
    farther than the least gap so far of its owner, so that all but the first few voxels of an owner
    look into few cells; cells of its own voxels alone are passed over.

    Parameters
    ----------
    places : int32, shape (voxel, 3)
        Indices (z, y, x), owners one after another.
    owners : int32, shape (voxel,)
    cells, order : int64, shape (cell + 1,) and (voxel,)
        Voxels of cell ``c`` are ``order[cells[c]:cells[c + 1]]``.
    keepers : int32, shape (cell,)
        The owner of all voxels of a cell; −1 where there are several.
    grid, edges : int64, shape (3,)
        Number of cells, and voxels along the edge of a cell, along each axis.
    spacing : float64, shape (3,)
        Voxel size in nm.
    boxes : int32, shape (owner, 6)
        First and last index (z, y, x) of each owner; empty where they are too many to look at.
    target : int
        −1: all other owners, and each pair counts for both of its owners. Otherwise the owner that gaps
        are to, and only its own entry is used.
    gaps, nearest : float64 and int32, shape (owner,)
        Squared gap (inf, or an upper bound, at first) and the other owner (−1 at first; the smaller
        number of two that are as near).
    """
    cell_edge = min(edges[0] * spacing[0], edges[1] * spacing[1], edges[2] * spacing[2])
    for voxel in range(first, last):
        own = owners[voxel]
        if own == target:
            continue
        entry = own if target < 0 else target
        z, y, x = places[voxel, 0], places[voxel, 1], places[voxel, 2]
        best = gaps[entry]
        if len(boxes) > 0:
            hopeless = True
            for other in range(len(boxes)):
                if other == own or (target >= 0 and other != target):
                    continue
                dz = max(boxes[other, 0] - z, z - boxes[other, 3], 1) - 1
                dy = max(boxes[other, 1] - y, y - boxes[other, 4], 1) - 1
                dx = max(boxes[other, 2] - x, x - boxes[other, 5], 1) - 1
                gap = (dz * spacing[0]) ** 2 + (dy * spacing[1]) ** 2 + (dx * spacing[2]) ** 2
                if gap <= best:
                    hopeless = False
                    break
            if hopeless:
                continue
        cz, cy, cx = z // edges[0], y // edges[1], x // edges[2]
        farthest = max(
            max(cz, grid[0] - 1 - cz), max(cy, grid[1] - 1 - cy), max(cx, grid[2] - 1 - cx)
        )
        for ring in range(farthest + 1):
            if ring > 1 and ((ring - 1) * cell_edge) ** 2 > best:
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
                        if keepers[cell] == own:
                            continue
                        for k in range(cells[cell], cells[cell + 1]):
                            near = order[k]
                            other = owners[near]
                            if other == own or (target >= 0 and other != target):
                                continue
                            dz = max(abs(places[near, 0] - z) - 1, 0)
                            dy = max(abs(places[near, 1] - y) - 1, 0)
                            dx = max(abs(places[near, 2] - x) - 1, 0)
                            gap = (
                                (dz * spacing[0]) ** 2
                                + (dy * spacing[1]) ** 2
                                + (dx * spacing[2]) ** 2
                            )
                            partner = other if target < 0 else own
                            if gap < best or (
                                gap == best and (nearest[entry] < 0 or partner < nearest[entry])
                            ):
                                best = gap
                                gaps[entry], nearest[entry] = gap, partner
                            if target < 0 and (
                                gap < gaps[other]
                                or (
                                    gap == gaps[other]
                                    and (nearest[other] < 0 or own < nearest[other])
                                )
                            ):
                                gaps[other], nearest[other] = gap, own
