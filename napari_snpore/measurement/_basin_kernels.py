"""Watershed of a distance map with merging of shallow basins: serial kernels.

Strategy: voxels come in order of falling distance. A voxel without an earlier neighbour is a new
peak; any other joins the basin of its highest neighbour. Where basins meet, the voxel is the pass
of the one with the lower peak: if that peak lies above the pass by no more than the contrast, the
basin is merged into the other one. This leaves one basin per maximum of the H-maxima transform
(Soille 2004, doi 10.1007/978-3-662-05088-0), in one pass without markers and without a queue.
Merged basins form a union-find forest (Tarjan 1975, doi 10.1145/321879.321884).

Example: distances 1 3 2 5 1 along a line. The peaks are 5 and 3, the pass between them is 2. With a
contrast below 1 two objects remain; from 1 on, the basin of 3 is merged into that of 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel


@part_of_kernel
def root_of(parent: NDArray[np.int64], basin: Any) -> Any:
    """Return the root of a basin's union-find tree; later calls find it in one step (path
    compression).
    """
    root = basin
    while parent[root] != root:
        root = parent[root]
    while parent[basin] != root:
        parent[basin], basin = root, parent[basin]
    return root


@kernel
def flood(
    distance: NDArray[np.float32],
    component: NDArray[np.uint32],
    shape: tuple[int, int, int],
    order: NDArray[np.int64],
    begin: int,
    contrast: float,
    basins: NDArray[np.uint32],
    count: int,
    parent: NDArray[np.int64],
    peak: NDArray[np.float64],
    near: NDArray[np.int64],
) -> tuple[int, int]:
    """Write the basin (1, 2, ...) of each voxel of the flat ``order`` from ``begin`` on; return
    where in the order it stopped, and the number of basins.

    distance, component, basins : flat, of ``shape`` (z, y, x); basins is 0 to begin with and stays
    so beyond the voxels listed. count : basins so far. parent, peak : what each basin was merged
    into, and its peak; [0] is of none. Where they are full, the rest is left to another call with
    larger ones. near (26,) : working memory.

    Neighbours are the 26 of the same component: along faces alone, a ridge that runs askew dips at
    every step and falls to pieces.
    """
    planes, height, width = shape
    for index in range(begin, len(order)):
        if count + 1 >= len(parent):
            return index, count
        place = order[index]
        z, y, x = place // (height * width), place // width % height, place % width
        level, within = distance[place], component[place]
        touched = 0  # number of different basins in ``near``
        highest = -1.0
        joined = False  # through a face
        own = np.uint32(0)
        for side in range(27):
            dz, dy, dx = side // 9 - 1, side // 3 % 3 - 1, side % 3 - 1
            k, j, i = z + dz, y + dy, x + dx
            if k < 0 or j < 0 or i < 0 or k >= planes or j >= height or i >= width:
                continue
            other = (k * height + j) * width + i
            basin = basins[other]
            if basin == 0 or component[other] != within:
                continue
            root = root_of(parent, np.int64(basin))
            if touched == 0 or near[touched - 1] != root:
                near[touched] = root
                touched += 1
            face = abs(dz) + abs(dy) + abs(dx) == 1
            if (face and not joined) or (face == joined and distance[other] > highest):
                highest, own, joined = distance[other], basin, face
        if touched == 0:
            count += 1
            parent[count], peak[count] = count, level
            own = np.uint32(count)
        basins[place] = own
        best = near[0]
        for n in range(1, touched):
            # the highest peak, the earlier of equal ones, absorbs the others
            root = near[n]
            if peak[root] > peak[best] or (peak[root] == peak[best] and root < best):
                best = root
        for n in range(touched):
            root = near[n]
            if root != best and peak[root] - level <= contrast:
                parent[root] = best
    return len(order), count


@kernel
def renumber(
    basins: NDArray[np.uint32], parent: NDArray[np.int64], number: NDArray[np.uint32]
) -> None:
    """Replace basins (flat) by 1, 2, ... in the order in which the roots are met; ``number`` holds
    a zero per basin.
    """
    count = 0
    for i in range(basins.size):
        if basins[i] > 0:
            root = root_of(parent, np.int64(basins[i]))
            if number[root] == 0:
                count += 1
                number[root] = count
            basins[i] = number[root]
