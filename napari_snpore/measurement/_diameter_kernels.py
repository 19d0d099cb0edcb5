"""Longest pairs of points, and widths of convex hulls: serial kernels, each for many objects.

Strategy: the length joins two corners; the breadth joins two in the projection along the length.
The width is the least distance of two parallel planes that enclose the hull; at a minimum they lie
on a face and a corner, or on two edges that cross in projection along the normal (Houle and
Toussaint 1988, doi 10.1109/34.6790). One walk finds all such pairs: along each edge the normal
turns from that of one face to that of the other, and the corner in the opposite plane is followed
from neighbour to neighbour; each change of corner is a pair of edges. The walk uses integer
coordinates (which corner is opposite does not depend on the scale of the axes); only the resulting
distances are in nm. Each step of a walk decreases an integer, so that it ends for any ties.

Example: a unit cube. The length is the diagonal √3 between opposite corners, the width 1 between a
face and the opposite one, the breadth √(8/3), the greatest extent perpendicular to that diagonal.

No kernel calls another or allocates, as in :mod:`napari_snpore.measurement._hull_kernels`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@kernel
def longest_pairs(
    points: Floats, begin: Ints, kept: Ints, length: Floats, vectors: Floats, ties: Ints
) -> None:
    """Write the greatest distance of two points of each object, and the vectors that reach it, up
    to rounding and at most as many as ``vectors`` (object, tie, 3) has room for.

    points (n, 4): three coordinates and scratch; those of an object begin at ``begin``. kept (n,):
    scratch.

    If no point is further than r from the middle, both ends of a diameter d are at least d − r away
    from it: a long pair found first leaves few points to be paired.
    """
    for o in range(length.size):
        first, last = begin[o], begin[o + 1]
        middle0, middle1, middle2 = 0.0, 0.0, 0.0
        for k in range(3):
            low = high = points[first, k]
            for i in range(first, last):
                low, high = min(low, points[i, k]), max(high, points[i, k])
            middle0, middle1, middle2 = middle1, middle2, (low + high) / 2
        end = first
        for i in range(first, last):
            d0, d1, d2 = points[i, 0] - middle0, points[i, 1] - middle1, points[i, 2] - middle2
            points[i, 3] = math.sqrt(d0 * d0 + d1 * d1 + d2 * d2)
            if points[i, 3] > points[end, 3]:
                end = i
        rim, best = points[end, 3], 0.0
        for _ in range(4):  # from one end to the other: a long pair to begin with
            p0, p1, p2 = points[end, 0], points[end, 1], points[end, 2]
            for i in range(first, last):
                d0, d1, d2 = points[i, 0] - p0, points[i, 1] - p1, points[i, 2] - p2
                far = d0 * d0 + d1 * d1 + d2 * d2
                if far > best:
                    best, end = far, i
        least = math.sqrt(best) - rim - 1e-9 * rim
        count, found = 0, 0
        for i in range(first, last):
            if points[i, 3] < least:
                continue
            p0, p1, p2 = points[i, 0], points[i, 1], points[i, 2]
            for j in range(count):
                d0 = points[kept[j], 0] - p0
                d1 = points[kept[j], 1] - p1
                d2 = points[kept[j], 2] - p2
                far = d0 * d0 + d1 * d1 + d2 * d2
                if far < best * (1 - 1e-12):
                    continue
                if far > best * (1 + 1e-12):
                    found = 0
                best = max(best, far)
                if found < vectors.shape[1]:
                    vectors[o, found, 0], vectors[o, found, 1], vectors[o, found, 2] = d0, d1, d2
                    found += 1
            kept[count] = i
            count += 1
        length[o], ties[o] = math.sqrt(best), found


@kernel
def hull_widths(
    points: Ints,
    scale: Floats,
    begin: Ints,
    face: Ints,
    beside: Ints,
    normal: Ints,
    faces: Ints,
    edges: Ints,
    place: Ints,
    who: Ints,
    walk: Ints,
    width: Floats,
) -> None:
    """Write the width of each hull, 0 for one without faces; points int64, scale the voxel size.

    The points and the faces of an object begin at ``begin`` and ``faces``. Scratch: edges (point +
    1,), zeros before, and place (point,): where the neighbours of a point along edges begin in who
    (3 faces,); walk (face, 3): the opposite corner, −1 before; whether the face is done, 0 before;
    and the order.
    """
    s0, s1, s2 = scale[0], scale[1], scale[2]
    for o in range(width.size):
        at, known = faces[o], faces[o] + 1
        width[o] = 0.0
        if at == faces[o + 1]:
            continue
        for f in range(faces[o], faces[o + 1]):
            for k in range(3):
                edges[face[f, k] + 1] += 1
        for i in range(begin[o], begin[o + 1]):
            place[i] = edges[i]
            edges[i + 1] += edges[i]
        for f in range(faces[o], faces[o + 1]):
            for k in range(3):
                i = face[f, k]
                who[place[i]] = face[f, k + 1 if k < 2 else 0]
                place[i] += 1
        lowest, least = np.int64(1) << 62, np.inf
        for i in range(begin[o], begin[o + 1]):
            value = (
                normal[at, 0] * points[i, 0]
                + normal[at, 1] * points[i, 1]
                + normal[at, 2] * points[i, 2]
            )
            if value < lowest:
                lowest, walk[at, 0] = value, i
        walk[at, 2] = at
        while at < known:
            f = walk[at, 2]
            at += 1
            walk[f, 1] = 1
            start = walk[f, 0]
            m0, m1, m2 = normal[f, 0], normal[f, 1], normal[f, 2]
            apart = normal[f, 3] - (
                m0 * points[start, 0] + m1 * points[start, 1] + m2 * points[start, 2]
            )
            # planes n · point = value keep their values when axes are scaled if n is divided by
            # the scale
            e0, e1, e2 = m0 / s0, m1 / s1, m2 / s2
            least = min(least, apart / math.sqrt(e0 * e0 + e1 * e1 + e2 * e2))
            for k in range(3):
                g = beside[f, k]
                if walk[g, 1] != 0:
                    continue
                # the normal turns from m to n about the edge ab; v is the opposite corner
                a, b, v = face[f, k], face[f, k + 1 if k < 2 else 0], start
                n0, n1, n2 = normal[g, 0], normal[g, 1], normal[g, 2]
                a0, a1, a2 = points[a, 0], points[a, 1], points[a, 2]
                u0, u1, u2 = points[b, 0] - a0, points[b, 1] - a1, points[b, 2] - a2
                while True:
                    first = np.inf
                    steepest, follower = np.int64(0), np.int64(-1)
                    p0, p1, p2 = points[v, 0], points[v, 1], points[v, 2]
                    for i in range(edges[v], edges[v + 1]):
                        q = who[i]
                        d0, d1, d2 = points[q, 0] - p0, points[q, 1] - p1, points[q, 2] - p2
                        at_m = m0 * d0 + m1 * d1 + m2 * d2
                        at_n = n0 * d0 + n1 * d1 + n2 * d2
                        if at_n >= 0 or at_n >= at_m:
                            continue
                        when = at_m / (at_m - at_n)
                        if when < first or (when == first and at_n - at_m < steepest):
                            first, steepest, follower = when, at_n - at_m, q
                    if follower < 0:
                        break
                    v = follower
                    d0, d1, d2 = points[v, 0] - p0, points[v, 1] - p1, points[v, 2] - p2
                    c0, c1, c2 = u1 * d2 - u2 * d1, u2 * d0 - u0 * d2, u0 * d1 - u1 * d0
                    if c0 == 0 and c1 == 0 and c2 == 0:  # parallel edges
                        continue
                    gap = abs(c0 * (p0 - a0) + c1 * (p1 - a1) + c2 * (p2 - a2))
                    e0, e1, e2 = c0 / s0, c1 / s1, c2 / s2
                    least = min(least, gap / math.sqrt(e0 * e0 + e1 * e1 + e2 * e2))
                if walk[g, 0] < 0:
                    walk[g, 0], walk[known, 2] = v, g
                    known += 1
        width[o] = least
