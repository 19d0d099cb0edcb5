"""Kernel of the distance to the faces of voxels: one axis of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_snpore.compute import kernel


@kernel
def nearest_face(lines: Any, edge: float) -> None:
    """Replace squared distances along the last axis of ``lines`` (line, voxel) by the least over all
    voxels of their own squared distance plus that along the axis to their face.

    A voxel k places away has its face (k - ½) edges away: the squared distance over p from the face
    at j - ½ is a parabola, and the least of all is their lower envelope (Felzenszwalb and Huttenlocher
    2012, doi 10.4086/toc.2012.v008a019), which one pass finds. Both neighbours of a face share it, so
    that n - 1 parabolas stand for n voxels. A voxel that is p itself adds nothing.
    """
    count = lines.shape[1]
    height = np.empty(count + 1, np.float64)
    held = np.empty(count + 1, np.int64)
    ends = np.empty(count + 1, np.float64)
    square = edge * edge
    for n in range(lines.shape[0]):
        line = lines[n]
        kept = 0
        for j in range(1, count):
            height[j] = min(line[j - 1], line[j])
            if height[j] == np.inf:
                continue
            start = -np.inf
            while kept > 0:
                before = held[kept - 1]
                rise = (height[j] - height[before]) / (square * (j - before))
                start = 0.5 * (rise + j + before) - 0.5
                if start > ends[kept - 1]:
                    break
                kept -= 1
                start = -np.inf
            held[kept], ends[kept] = j, start
            kept += 1
        if kept == 0:
            continue
        k = 0
        for p in range(count):
            while k + 1 < kept and ends[k + 1] < p:
                k += 1
            away = p + 0.5 - held[k]
            reached = height[held[k]] + square * away * away
            if reached < line[p]:
                line[p] = reached
