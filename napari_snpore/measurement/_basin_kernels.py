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

from napari_snpore.compute import kernel


@kernel
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
    order: NDArray[np.int64],
    contrast: float,
    basins: NDArray[np.uint32],
    parent: NDArray[np.int64],
    peak: NDArray[np.float64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Write the basin (1, 2, ...) of each voxel of the flat ``order``; return what each basin was
    merged into, and its peak.

    distance, component, basins (z, y, x); basins is 0 to begin with and stays so beyond the voxels
    listed. The order may come in pieces: parent and peak (basins + 1,) are then those of the piece
    before, [0] to begin with. Neighbours are the 26 of the same component: along faces alone, a
    ridge that runs askew dips at every step and falls to pieces.
    """
    planes, height, width = distance.shape
    count = parent.size - 1
    parent = np.concatenate((parent, np.zeros(1024, np.int64)))
    peak = np.concatenate((peak, np.zeros(1024, np.float64)))
    near = np.zeros(26, np.int64)
    for place in order:
        z, y, x = place // (height * width), place // width % height, place % width
        level = distance[z, y, x]
        touched = 0  # number of different basins in ``near``
        highest = -1.0
        joined = False  # through a face
        own = np.uint32(0)
        for side in range(27):
            dz, dy, dx = side // 9 - 1, side // 3 % 3 - 1, side % 3 - 1
            k, j, i = z + dz, y + dy, x + dx
            if k < 0 or j < 0 or i < 0 or k >= planes or j >= height or i >= width:
                continue
            if basins[k, j, i] == 0 or component[k, j, i] != component[z, y, x]:
                continue
            root = root_of(parent, np.int64(basins[k, j, i]))
            if touched == 0 or near[touched - 1] != root:
                near[touched] = root
                touched += 1
            face = abs(dz) + abs(dy) + abs(dx) == 1
            if (face and not joined) or (face == joined and distance[k, j, i] > highest):
                highest, own, joined = distance[k, j, i], basins[k, j, i], face
        if touched == 0:
            count += 1
            if count == parent.size:
                parent = np.concatenate((parent, np.zeros_like(parent)))
                peak = np.concatenate((peak, np.zeros_like(peak)))
            parent[count], peak[count] = count, level
            own = np.uint32(count)
        basins[z, y, x] = own
        best = 0
        for n in range(
            1, touched
        ):  # the highest peak, the earlier of equal ones, absorbs the others
            if peak[near[n]] > peak[near[best]] or (
                peak[near[n]] == peak[near[best]] and near[n] < near[best]
            ):
                best = n
        for n in range(touched):
            if near[n] != near[best] and peak[near[n]] - level <= contrast:
                parent[near[n]] = near[best]
    return parent[: count + 1], peak[: count + 1]


@kernel
def renumber(basins: NDArray[np.uint32], parent: NDArray[np.int64]) -> None:
    """Replace basins (flat) by 1, 2, ... in the order in which the roots are met."""
    number = np.zeros(parent.size, np.uint32)
    count = 0
    for i in range(basins.size):
        if basins[i] > 0:
            root = root_of(parent, np.int64(basins[i]))
            if number[root] == 0:
                count += 1
                number[root] = count
            basins[i] = number[root]
