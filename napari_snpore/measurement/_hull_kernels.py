"""Convex hull of an object from its rows of voxels, in exact int64 arithmetic: serial kernels.

Strategy. A corner of the 3D hull is also a corner of the 2D hull of its own plane, so only those
are kept. Quickhull adds the furthest point outside the hull (Barber, Dobkin and Huhdanpaa 1996, doi
10.1145/235815.235821): the faces that the point sees are replaced by triangles from the point to
their border, the horizon. A point sees a face when it lies strictly above its plane, so that points
in the plane of a face change nothing and no face is flat. With coordinates up to 2**19 every
predicate fits int64: there is no rounding and no tolerance. Scaling the axes by the voxel size
keeps the combinatorics of a hull, therefore lengths are applied later.

Example: a voxel at (0, 0, 0) has 8 corners, a hull of 12 triangles, and the volume 1.

Counters begin as ``np.int64(0)``: a kernel that is called with a plain 0 is compiled for that
number as well as for any.

No kernel here calls one of another file, or is called by one: numba's cache on disk would not see
that the other file changed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REACH = 1 << 19
"""Greatest coordinate for which the predicates are exact."""


@kernel
def hull_candidates(rows: NDArray[np.int32], corners: bool) -> Ints:
    """Return points (z, y, x), shape (n, 3), that include all corners of the hull, from the
    object's least z, y, x.

    rows (n, 4) int32: z, y, smallest x, greatest x, sorted by (z, y). ``corners``: of the voxel
    boxes, else voxel centres.
    """
    step = 1 if corners else 0
    low_y, high_y, low_x = rows[0, 1], rows[0, 1], rows[0, 2]
    for i in range(rows.shape[0]):
        low_y, high_y, low_x = (
            min(low_y, rows[i, 1]),
            max(high_y, rows[i, 1]),
            min(low_x, rows[i, 2]),
        )
    extent_y = high_y - low_y + 1 + step
    points = np.empty((4 * (1 + step) * rows.shape[0], 3), np.int64)
    count = 0
    least = np.empty(extent_y, np.int64)
    most = np.empty(extent_y, np.int64)
    chain = np.empty(extent_y, np.int64)
    empty = np.int64(1) << 40
    base = rows[0, 0]
    # plane z of corners lies between the layers z - 1 and z; rows[before:here] is the layer z - 1,
    # rows[here:after] is z
    before = here = after = np.int64(0)
    for z in range(base, rows[-1, 0] + 1 + step):
        before, here = here, after
        while after < rows.shape[0] and rows[after, 0] == z:
            after += 1
        first = before if step == 1 else here
        if first == after:
            continue
        for y in range(extent_y):
            least[y], most[y] = empty, -empty
        for i in range(first, after):
            for side in range(1 + step):
                y = rows[i, 1] - low_y + side
                least[y] = min(least[y], rows[i, 2])
                most[y] = max(most[y], rows[i, 3] + step)
        # Andrew's monotone chain (1979, doi 10.1016/0020-0190(79)90072-3) on the left, then the
        # right ends: a point that does not turn outwards is dropped
        for side in range(2):
            sign = 2 * side - 1
            ends = most if sign == 1 else least
            size = 0
            for y in range(extent_y):
                if most[y] < least[y]:
                    continue
                while size > 1:
                    a, b = chain[size - 2], chain[size - 1]
                    if sign * ((ends[b] - ends[a]) * (y - b) - (ends[y] - ends[b]) * (b - a)) > 0:
                        break
                    size -= 1
                chain[size] = y
                size += 1
            for k in range(size):
                y = chain[k]
                points[count, 0], points[count, 1], points[count, 2] = z - base, y, ends[y] - low_x
                count += 1
    return points[:count]


@kernel
def cross(a: Ints, b: Ints, c: Ints) -> tuple[int, int, int]:
    """Return (b - a) × (c - a) of three points."""
    u0, u1, u2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    v0, v1, v2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0


@kernel
def first_simplex(points: Ints) -> tuple[Ints, int]:
    """Return four corners that span the points as far as they go, and the dimension 0 to 3 of what
    they span.
    """
    corner = np.zeros(4, np.int64)
    n = points.shape[0]
    p = points[0]
    best = 0.0
    for i in range(n):
        d0, d1, d2 = points[i, 0] - p[0], points[i, 1] - p[1], points[i, 2] - p[2]
        far = float(d0 * d0 + d1 * d1 + d2 * d2)
        if far > best:
            best, corner[1] = far, i
    if best == 0.0:
        return corner, 0
    q = points[corner[1]]
    best = 0.0
    for i in range(n):
        c = cross(p, q, points[i])
        c0, c1, c2 = float(c[0]), float(c[1]), float(c[2])
        far = c0 * c0 + c1 * c1 + c2 * c2
        if far > best:
            best, corner[2] = far, i
    if best == 0.0:
        return corner, 1
    c = cross(p, q, points[corner[2]])
    most = np.int64(0)
    for i in range(n):
        volume = (
            c[0] * (points[i, 0] - p[0])
            + c[1] * (points[i, 1] - p[1])
            + c[2] * (points[i, 2] - p[2])
        )
        if abs(volume) > abs(most):
            most, corner[3] = volume, i
    if most == 0:
        return corner, 2
    if most > 0:  # the fourth corner has to lie below the first face
        corner[1], corner[2] = corner[2], corner[1]
    return corner, 3


@kernel
def set_plane(points: Ints, face: Ints, normal: Ints, f: int) -> None:
    """Write the outward normal of a face and, last, the value of its plane."""
    a = points[face[f, 0]]
    c = cross(a, points[face[f, 1]], points[face[f, 2]])
    normal[f, 0], normal[f, 1], normal[f, 2] = c[0], c[1], c[2]
    normal[f, 3] = c[0] * a[0] + c[1] * a[1] + c[2] * a[2]


@kernel
def height(normal: Ints, f: int, point: Ints) -> Any:
    """Return how far a point lies above the plane of a face, times the length of its normal."""
    return (
        normal[f, 0] * point[0] + normal[f, 1] * point[1] + normal[f, 2] * point[2] - normal[f, 3]
    )


@kernel
def give_outside(
    points: Ints,
    chosen: Ints,
    count: Any,
    faces: Ints,
    face_count: Any,
    normal: Ints,
    head: Ints,
    link: Ints,
    furthest: Ints,
    reach: Ints,
) -> None:
    """Assign each chosen point to the first of the faces that it lies above; points above none stay
    inside the hull.
    """
    for i in range(count):
        p = chosen[i]
        for k in range(face_count):
            f = faces[k]
            above = height(normal, f, points[p])
            if above > 0:
                link[p] = head[f]
                head[f] = p
                if above > reach[f]:
                    reach[f], furthest[f] = above, p
                break


@kernel
def find_horizon(
    points: Ints,
    eye: int,
    start: int,
    face: Ints,
    beside: Ints,
    normal: Ints,
    stamp: Ints,
    turn: int,
    visible: Ints,
    horizon: Ints,
) -> tuple[Any, Any]:
    """Collect the faces that a point sees, from face ``start`` on, and the edges (from, to, face
    beyond) around them.
    """
    visible[0] = start
    stamp[start] = turn
    found, edges, at = np.int64(1), np.int64(0), 0
    while at < found:
        f = visible[at]
        at += 1
        for k in range(3):
            g = beside[f, k]
            if stamp[g] == turn:
                continue
            if height(normal, g, points[eye]) > 0:
                stamp[g] = turn
                visible[found] = g
                found += 1
            else:
                horizon[edges, 0], horizon[edges, 1], horizon[edges, 2] = (
                    face[f, k],
                    face[f, (k + 1) % 3],
                    g,
                )
                edges += 1
    return found, edges


@kernel
def convex_hull(points: Ints) -> tuple[Ints, Ints, Ints]:
    """Return faces (m, 3) of point numbers (counter-clockwise from outside), the face across each
    edge (m, 3), normals (m, 4).

    Edge k of a face runs from its corner k to the next one. Points in a plane, on a line or all
    equal have no face.
    """
    n = points.shape[0]
    corner, dimension = first_simplex(points)
    # a hull of n points has at most 2n − 4 faces (Euler)
    capacity = 2 * n + 8 if dimension == 3 else 0
    face = np.empty((capacity, 3), np.int64)
    beside = np.empty((capacity, 3), np.int64)
    normal = np.empty((capacity, 4), np.int64)
    if dimension < 3:
        return face, beside, normal
    head = np.full(capacity, -1, np.int64)
    furthest = np.full(capacity, -1, np.int64)
    reach = np.zeros(capacity, np.int64)
    stamp = np.zeros(capacity, np.int64)
    alive = np.zeros(capacity, np.bool_)
    queued = np.zeros(capacity, np.bool_)
    queue = np.empty(capacity, np.int64)
    free = np.empty(capacity, np.int64)
    visible = np.empty(capacity, np.int64)
    made = np.empty(capacity, np.int64)
    horizon = np.empty((capacity, 3), np.int64)
    link = np.full(n, -1, np.int64)
    leaving = np.empty(n, np.int64)  # the new face whose horizon edge starts at a point
    chosen = np.arange(n)
    waiting = 0
    for i in range(capacity - 4):
        free[i] = capacity - 1 - i
    spare = capacity - 4
    _first_faces(corner, face, beside)
    for f in range(4):
        set_plane(points, face, normal, f)
        alive[f] = True
        made[f] = f
    give_outside(points, chosen, n, made, np.int64(4), normal, head, link, furthest, reach)
    for f in range(4):
        if head[f] >= 0:
            queue[waiting], queued[f] = f, True
            waiting += 1
    turn = 0
    while waiting > 0:
        waiting -= 1
        f = queue[waiting]
        queued[f] = False
        if not alive[f] or head[f] < 0:
            continue
        turn += 1
        eye = furthest[f]
        found, edges = find_horizon(
            points, eye, f, face, beside, normal, stamp, turn, visible, horizon
        )
        count = np.int64(0)
        for k in range(found):
            g = visible[k]
            alive[g] = False
            stamp[g] = 0
            p = head[g]
            while p >= 0:
                if p != eye:
                    chosen[count] = p
                    count += 1
                p = link[p]
            head[g], reach[g] = -1, 0
            free[spare] = g
            spare += 1
        for k in range(edges):
            spare -= 1
            g = free[spare]
            made[k] = g
            face[g, 0], face[g, 1], face[g, 2] = horizon[k, 0], horizon[k, 1], eye
            leaving[horizon[k, 0]] = g
            set_plane(points, face, normal, g)
            alive[g] = True
            beyond = horizon[k, 2]
            beside[g, 0] = beyond
            for j in range(3):
                if face[beyond, j] == horizon[k, 1] and face[beyond, (j + 1) % 3] == horizon[k, 0]:
                    beside[beyond, j] = g
        for k in range(edges):
            g = made[k]
            after = leaving[face[g, 1]]
            beside[g, 1] = after
            beside[after, 2] = g
        give_outside(points, chosen, count, made, edges, normal, head, link, furthest, reach)
        for k in range(edges):
            g = made[k]
            if head[g] >= 0 and not queued[g]:
                queue[waiting], queued[g] = g, True
                waiting += 1
    return _living(face, beside, normal, alive)


@kernel
def _first_faces(corner: Ints, face: Ints, beside: Ints) -> None:
    """Write the four faces of a tetrahedron whose fourth corner lies below the first face."""
    a, b, c, d = corner[0], corner[1], corner[2], corner[3]
    face[0, 0], face[0, 1], face[0, 2] = a, b, c
    face[1, 0], face[1, 1], face[1, 2] = b, a, d
    face[2, 0], face[2, 1], face[2, 2] = c, b, d
    face[3, 0], face[3, 1], face[3, 2] = a, c, d
    beside[0, 0], beside[0, 1], beside[0, 2] = 1, 2, 3
    beside[1, 0], beside[1, 1], beside[1, 2] = 0, 3, 2
    beside[2, 0], beside[2, 1], beside[2, 2] = 0, 1, 3
    beside[3, 0], beside[3, 1], beside[3, 2] = 0, 2, 1


@kernel
def _living(
    face: Ints, beside: Ints, normal: Ints, alive: NDArray[np.bool_]
) -> tuple[Ints, Ints, Ints]:
    """Return the faces that are left, numbered without gaps."""
    number = np.empty(alive.size, np.int64)
    count = 0
    for f in range(alive.size):
        number[f] = count
        count += alive[f]
    faces = np.empty((count, 3), np.int64)
    neighbors = np.empty((count, 3), np.int64)
    normals = np.empty((count, 4), np.int64)
    for f in range(alive.size):
        if alive[f]:
            for k in range(3):
                faces[number[f], k] = face[f, k]
                neighbors[number[f], k] = number[beside[f, k]]
            for k in range(4):
                normals[number[f], k] = normal[f, k]
    return faces, neighbors, normals


@kernel
def tips_of(points: Ints, face: Ints) -> Ints:
    """Return the points that faces join, and number the faces' corners by them; without faces,
    return all points.
    """
    if face.shape[0] == 0:
        return points
    number = np.full(points.shape[0], -1, np.int64)
    count = 0
    for f in range(face.shape[0]):
        for k in range(3):
            number[face[f, k]] = 0
    for i in range(points.shape[0]):
        if number[i] == 0:
            number[i] = count
            for k in range(3):
                points[count, k] = points[i, k]
            count += 1
    for f in range(face.shape[0]):
        for k in range(3):
            face[f, k] = number[face[f, k]]
    return points[:count]


@kernel
def appended(table: Ints, place: int, rows: Ints, count: int) -> Ints:
    """Copy the first rows to a place in a table, which is returned, in one that is longer where it
    has to be.
    """
    width = table.shape[1]
    if place + count > table.shape[0]:
        longer = np.empty((2 * (place + count), width), np.int64)
        for i in range(place):
            for k in range(width):
                longer[i, k] = table[i, k]
        table = longer
    for i in range(count):
        for k in range(width):
            table[place + i, k] = rows[i, k]
    return table


@kernel
def hulls_of_objects(
    rows: NDArray[np.int32], starts: Ints, wanted: Ints, corners: bool
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Return the hulls of the wanted objects, one after another; the rows of object k begin at
    ``starts[k]``.

    Points (n, 3); faces, neighbours, normals (m, 3), (m, 3), (m, 4), numbered within each object;
    and where the points and the faces of each object begin (wanted + 1, 2).
    """
    begin = np.zeros((wanted.size + 1, 2), np.int64)
    points = np.empty((256, 3), np.int64)
    faces = np.empty((256, 3), np.int64)
    neighbors = np.empty((256, 3), np.int64)
    normals = np.empty((256, 4), np.int64)
    for k in range(wanted.size):
        some = hull_candidates(rows[starts[wanted[k]] : starts[wanted[k] + 1]], corners)
        face, beside, normal = convex_hull(some)
        some = tips_of(some, face)
        n, m = begin[k, 0], begin[k, 1]
        points = appended(points, n, some, some.shape[0])
        faces = appended(faces, m, face, face.shape[0])
        neighbors = appended(neighbors, m, beside, face.shape[0])
        normals = appended(normals, m, normal, face.shape[0])
        begin[k + 1, 0], begin[k + 1, 1] = n + some.shape[0], m + face.shape[0]
    return points, faces, neighbors, normals, begin
