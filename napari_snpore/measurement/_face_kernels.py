"""Kernel of the distance to the faces of voxels: one axis of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel


@kernel
def nearest_face(lines: Any, edge: float, room: NDArray[np.float64]) -> None:
    """Replace squared distances along the last axis of ``lines`` (line, voxel) by the least over all
    voxels of their own squared distance plus that along the axis to their face.

    A voxel k places away has its face (k - ½) edges away: the squared distance over p from the face
    at j - ½ is a parabola, and the least of all is their lower envelope (Felzenszwalb and Huttenlocher
    2012, doi 10.4086/toc.2012.v008a019), which one pass finds. Both neighbours of a face share it, so
    that n - 1 parabolas stand for n voxels. A voxel that is p itself adds nothing.

    ``room`` (3, voxel): working memory, the parabolas of the envelope and where each begins.
    """
    count = lines.shape[1]
    places, heights, starts = room[0], room[1], room[2]
    square = edge * edge
    for n in range(lines.shape[0]):
        line = lines[n]
        kept = 0
        for j in range(1, count):
            height = np.float64(min(line[j - 1], line[j]))
            if height == np.inf:
                continue
            start = -np.inf
            while kept > 0:
                before = places[kept - 1]
                rise = (height - heights[kept - 1]) / (square * (j - before))
                start = 0.5 * (rise + j + before) - 0.5
                if start > starts[kept - 1]:
                    break
                kept -= 1
                start = -np.inf
            places[kept], heights[kept], starts[kept] = j, height, start
            kept += 1
        if kept == 0:
            continue
        k = 0
        for p in range(count):
            while k + 1 < kept and starts[k + 1] < p:
                k += 1
            away = p + 0.5 - places[k]
            reached = heights[k] + square * away * away
            if reached < line[p]:
                line[p] = reached
