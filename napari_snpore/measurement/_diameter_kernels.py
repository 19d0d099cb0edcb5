"""Length, width, breadth and volume of convex hulls, exact or over given directions: serial
kernels.

Strategy: the length joins two corners. The width is the least distance of two parallel planes that
enclose the hull; at a minimum they lie on a face and a corner, or on two edges that cross in
projection along the normal (Houle and Toussaint 1988, doi 10.1109/34.6790). One walk finds all such
pairs: along each edge the normal turns from that of one face to that of the other, and the corner
in the opposite plane is followed from neighbour to neighbour; each change of corner is a pair of
edges. The walk uses integer coordinates (which corner is opposite does not depend on the scale of
the axes); only the resulting distances are in nm. Each step of a walk decreases an integer, so that
it ends for any ties.

Example: a unit cube. The length is the diagonal √3 between opposite corners, the width 1 between a
face and the opposite one, the breadth √(8/3), the greatest extent perpendicular to that diagonal.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LENGTH, WIDTH, BREADTH, VOLUME = 0, 1, 2, 3
_TIES = 64
"""Most directions of equal greatest length that are compared for the greatest breadth."""


@kernel
def by_cells(points: Floats) -> tuple[Floats, Ints]:
    """Return the points ordered by the cells of a grid and where each cell that holds any begins,
    with the end as last entry.
    """
    n = points.shape[0]
    edge = int(math.sqrt(n) / 6) + 1
    cells = edge * edge * edge
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(n):
        for k in range(3):
            low[k], high[k] = min(low[k], points[i, k]), max(high[k], points[i, k])
    span = max(high[0] - low[0], high[1] - low[1], high[2] - low[2]) * (1 + 1e-9) + 1e-300
    cell = np.empty(n, np.int64)
    begin = np.zeros(cells + 1, np.int64)
    for i in range(n):
        for k in range(3):
            cell[i] = (cell[i] if k > 0 else 0) * edge + int((points[i, k] - low[k]) / span * edge)
        begin[cell[i] + 1] += 1
    for c in range(cells):
        begin[c + 1] += begin[c]
    place = begin.copy()
    ordered = np.empty((n, 3), np.float64)
    for i in range(n):
        for k in range(3):
            ordered[place[cell[i]], k] = points[i, k]
        place[cell[i]] += 1
    starts = np.empty(cells + 1, np.int64)
    count = 0
    for c in range(cells):
        if begin[c + 1] > begin[c]:
            starts[count] = begin[c]
            count += 1
    starts[count] = n
    return ordered, starts[: count + 1]


@kernel
def longest_pairs(scattered: Floats) -> tuple[float, Floats]:
    """Return the greatest distance of two points (n, 3) float64 and the vectors (k, 3) that reach
    it: up to rounding, at most 64.

    Balls around the points of one cell rule out most pairs of cells.
    """
    points, starts = by_cells(scattered)
    count = starts.size - 1
    balls = np.zeros((count, 4), np.float64)
    for i in range(count):
        for k in range(3):
            low, high = np.inf, -np.inf
            for j in range(starts[i], starts[i + 1]):
                low, high = min(low, points[j, k]), max(high, points[j, k])
            balls[i, k] = (low + high) / 2
        for j in range(starts[i], starts[i + 1]):
            balls[i, 3] = max(balls[i, 3], math.sqrt(_squared(points[j], balls[i])) * (1 + 1e-9))
    best, end = 0.0, 0
    for _ in range(4):  # from one end to the other: a long pair to begin with
        other = end
        for i in range(points.shape[0]):
            far = _squared(points[i], points[end])
            if far > best:
                best, other = far, i
        end = other
    vectors = np.empty((_TIES, 3), np.float64)
    ties = 0
    for a in range(count):
        for b in range(a + 1):
            if math.sqrt(_squared(balls[a], balls[b])) + balls[a, 3] + balls[b, 3] < math.sqrt(
                best
            ) * (1 - 1e-9):
                continue
            for i in range(starts[a], starts[a + 1]):
                for j in range(starts[b], min(i, starts[b + 1])):
                    far = _squared(points[i], points[j])
                    if far < best * (1 - 1e-12):
                        continue
                    if far > best * (1 + 1e-12):
                        ties = 0
                    best = max(best, far)
                    if ties < _TIES:
                        for k in range(3):
                            vectors[ties, k] = points[j, k] - points[i, k]
                        ties += 1
    return math.sqrt(best), vectors[:ties]


@kernel
def _squared(p: Any, q: Any) -> Any:
    """Return the squared distance of two places, from their first three numbers."""
    d0, d1, d2 = p[0] - q[0], p[1] - q[1], p[2] - q[2]
    return d0 * d0 + d1 * d1 + d2 * d2


@kernel
def extent_across(points: Floats, axis: Floats) -> float:
    """Return the greatest extent of the points perpendicular to a vector: the diameter of their
    shadow along it.

    If no point is further than r from the middle, both ends of a diameter d are at least d − r away
    from it: a long pair found first leaves few points to be paired.
    """
    n = points.shape[0]
    long = math.sqrt(axis[0] ** 2 + axis[1] ** 2 + axis[2] ** 2)
    if long == 0.0:
        return 0.0
    a0, a1, a2 = axis[0] / long, axis[1] / long, axis[2] / long
    # u is perpendicular to a: a crossed with the coordinate axis that it is furthest from
    if abs(a0) <= abs(a1) and abs(a0) <= abs(a2):
        u0, u1, u2 = 0.0, a2, -a1
    elif abs(a1) <= abs(a2):
        u0, u1, u2 = -a2, 0.0, a0
    else:
        u0, u1, u2 = a1, -a0, 0.0
    size = math.sqrt(u0 * u0 + u1 * u1 + u2 * u2)
    u0, u1, u2 = u0 / size, u1 / size, u2 / size
    v0, v1, v2 = a1 * u2 - a2 * u1, a2 * u0 - a0 * u2, a0 * u1 - a1 * u0
    flat = np.empty((n, 2), np.float64)
    low0, high0, low1, high1 = np.inf, -np.inf, np.inf, -np.inf
    for i in range(n):
        p = points[i, 0] * u0 + points[i, 1] * u1 + points[i, 2] * u2
        q = points[i, 0] * v0 + points[i, 1] * v1 + points[i, 2] * v2
        low0, high0, low1, high1 = min(low0, p), max(high0, p), min(low1, q), max(high1, q)
        flat[i, 0], flat[i, 1] = p, q
    middle0, middle1 = (low0 + high0) / 2, (low1 + high1) / 2
    radius = np.empty(n, np.float64)
    end = 0
    for i in range(n):
        radius[i] = math.sqrt((flat[i, 0] - middle0) ** 2 + (flat[i, 1] - middle1) ** 2)
        if radius[i] > radius[end]:
            end = i
    rim = radius[end]
    best = 0.0
    for _ in range(4):
        other = end
        for i in range(n):
            far = (flat[i, 0] - flat[end, 0]) ** 2 + (flat[i, 1] - flat[end, 1]) ** 2
            if far > best:
                best, other = far, i
        end = other
    least = math.sqrt(best) - rim - 1e-9 * rim
    kept = 0
    for i in range(n):
        if radius[i] >= least:
            p, q = flat[i, 0], flat[i, 1]
            for j in range(kept):
                best = max(best, (flat[j, 0] - p) ** 2 + (flat[j, 1] - q) ** 2)
            flat[kept, 0], flat[kept, 1] = p, q
            kept += 1
    return math.sqrt(best)


@kernel
def neighbor_table(face: Ints, count: int) -> tuple[Ints, Ints]:
    """Return the neighbours of each of ``count`` corners along edges: where they begin (count + 1),
    and who they are.
    """
    begin = np.zeros(count + 1, np.int64)
    for f in range(face.shape[0]):
        for k in range(3):
            begin[face[f, k] + 1] += 1
    for v in range(count):
        begin[v + 1] += begin[v]
    place = begin.copy()
    who = np.empty(begin[-1], np.int64)
    for f in range(face.shape[0]):
        for k in range(3):
            v = face[f, k]
            who[place[v]] = face[f, (k + 1) % 3]
            place[v] += 1
    return begin, who


@kernel
def edge_distance(points: Ints, scale: Floats, a: int, b: int, c: int, d: Any) -> Any:
    """Return the distance of the parallel planes through the edges ab and cd; infinite if the edges
    are parallel.
    """
    p, q, r, s = points[a], points[b], points[c], points[d]
    u0, u1, u2 = q[0] - p[0], q[1] - p[1], q[2] - p[2]
    v0, v1, v2 = s[0] - r[0], s[1] - r[1], s[2] - r[2]
    n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
    if n0 == 0 and n1 == 0 and n2 == 0:
        return np.inf
    apart = abs(n0 * (r[0] - p[0]) + n1 * (r[1] - p[1]) + n2 * (r[2] - p[2]))
    # planes n · point = value keep their values when axes are scaled if n is divided by the scale
    return apart / math.sqrt((n0 / scale[0]) ** 2 + (n1 / scale[1]) ** 2 + (n2 / scale[2]) ** 2)


@kernel
def walk_edge(
    points: Ints, scale: Floats, begin: Ints, who: Ints, m: Ints, n: Ints, a: int, b: int, v: Any
) -> tuple[Any, float]:
    """Turn the normal from m to n about the edge ab and follow the opposite corner from v on.

    Returns the corner at the end and the least distance of the pairs of edges that were met.
    """
    least = np.inf
    while True:
        first = np.inf
        steepest = np.int64(0)
        follower = np.int64(-1)
        p = points[v]
        for i in range(begin[v], begin[v + 1]):
            q = points[who[i]]
            d0, d1, d2 = q[0] - p[0], q[1] - p[1], q[2] - p[2]
            at_m = m[0] * d0 + m[1] * d1 + m[2] * d2
            at_n = n[0] * d0 + n[1] * d1 + n[2] * d2
            if at_n >= 0 or at_n >= at_m:
                continue
            when = at_m / (at_m - at_n)
            if when < first or (when == first and at_n - at_m < steepest):
                first, steepest, follower = when, at_n - at_m, who[i]
        if follower < 0:
            return v, least
        least = min(least, edge_distance(points, scale, a, b, v, follower))
        v = follower


@kernel
def hull_width(points: Ints, scale: Floats, face: Ints, beside: Ints, normal: Ints) -> float:
    """Return the width of a hull; points int64, scale the voxel size."""
    count = face.shape[0]
    begin, who = neighbor_table(face, points.shape[0])
    opposite = np.full(count, -1, np.int64)
    done = np.zeros(count, np.bool_)
    order = np.empty(count, np.int64)
    lowest = np.int64(1) << 62
    for i in range(points.shape[0]):
        value = (
            normal[0, 0] * points[i, 0] + normal[0, 1] * points[i, 1] + normal[0, 2] * points[i, 2]
        )
        if value < lowest and begin[i + 1] > begin[i]:
            lowest, opposite[0] = value, i
    order[0] = 0
    known, at = 1, 0
    least = np.inf
    while at < known:
        f = order[at]
        at += 1
        done[f] = True
        n = normal[f]
        p = points[opposite[f]]
        apart = n[3] - (n[0] * p[0] + n[1] * p[1] + n[2] * p[2])
        least = min(
            least,
            apart
            / math.sqrt((n[0] / scale[0]) ** 2 + (n[1] / scale[1]) ** 2 + (n[2] / scale[2]) ** 2),
        )
        for k in range(3):
            g = beside[f, k]
            if done[g]:
                continue
            v, found = walk_edge(
                points,
                scale,
                begin,
                who,
                n,
                normal[g],
                face[f, k],
                face[f, (k + 1) % 3],
                opposite[f],
            )
            least = min(least, found)
            if opposite[g] < 0:
                opposite[g] = v
                order[known] = g
                known += 1
    return least


@kernel
def hull_volume(points: Ints, face: Ints) -> float:
    """Return the volume within the faces, in voxels."""
    six = np.int64(0)
    for f in range(face.shape[0]):
        p, q, r = points[face[f, 0]], points[face[f, 1]], points[face[f, 2]]
        six += (
            p[0] * (q[1] * r[2] - q[2] * r[1])
            + p[1] * (q[2] * r[0] - q[0] * r[2])
            + p[2] * (q[0] * r[1] - q[1] * r[0])
        )
    return six / 6


@kernel
def _sampled(tips: Floats, directions: Floats, out: Floats) -> None:
    """Write length and width over the given directions, and the extent across the direction of the
    length.
    """
    out[LENGTH], out[WIDTH] = -1.0, np.inf
    along = 0
    for k in range(directions.shape[0]):
        z, y, x = directions[k, 0], directions[k, 1], directions[k, 2]
        low, high = np.inf, -np.inf
        for i in range(tips.shape[0]):
            value = tips[i, 0] * z + tips[i, 1] * y + tips[i, 2] * x
            low, high = min(low, value), max(high, value)
        out[WIDTH] = min(out[WIDTH], high - low)
        if high - low > out[LENGTH]:
            out[LENGTH], along = high - low, k
    out[BREADTH] = extent_across(tips, directions[along])


@kernel
def diameters_of_hulls(
    points: Ints,
    faces: Ints,
    neighbors: Ints,
    normals: Ints,
    begin: Ints,
    scale: Floats,
    directions: Floats,
    out: Floats,
) -> None:
    """Write length, width, breadth (nm) and volume (voxels) of each hull, shape (hull, 4); a flat
    one has no face.

    The points and faces of a hull begin at ``begin``, shape (hull + 1, 2). directions (k, 3): unit
    vectors over which length and width are sought; without any (0, 3) they are exact.
    """
    for h in range(begin.shape[0] - 1):
        n, m = begin[h, 0], begin[h, 1]
        o, p = begin[h + 1, 0], begin[h + 1, 1]
        corners, face, found = points[n:o], faces[m:p], out[h]
        tips = np.empty((o - n, 3), np.float64)
        for i in range(o - n):
            for k in range(3):
                tips[i, k] = corners[i, k] * scale[k]
        found[VOLUME] = hull_volume(corners, face)
        if directions.shape[0] > 0:
            _sampled(tips, directions, found)
            continue
        length, vectors = longest_pairs(tips)
        found[LENGTH], found[BREADTH], found[WIDTH] = length, 0.0, 0.0
        for k in range(vectors.shape[0]):
            found[BREADTH] = max(found[BREADTH], extent_across(tips, vectors[k]))
        if p > m:
            found[WIDTH] = hull_width(corners, scale, face, neighbors[m:p], normals[m:p])
