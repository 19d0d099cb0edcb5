"""Convex hulls of objects from their rows of voxels, in exact int64 arithmetic: serial kernels.

Strategy. A corner of the 3D hull is also a corner of the 2D hull of its own plane, so only those
are kept. Quickhull adds the furthest point outside the hull (Barber, Dobkin and Huhdanpaa 1996, doi
10.1145/235815.235821): the faces that the point sees are replaced by triangles from the point to
their border, the horizon. A point sees a face when it lies strictly above its plane, so that points
in the plane of a face change nothing and no face is flat. With coordinates up to 2**19 every
predicate fits int64: there is no rounding and no tolerance. Scaling the axes by the voxel size
keeps the combinatorics of a hull, therefore lengths are applied later.

Example: a voxel at (0, 0, 0) has 8 corners, a hull of 12 triangles, and the volume 1.

Each kernel takes many objects, calls no other and allocates nothing: LLVM optimizes a kernel once
for itself and once more in each that calls it, and each kind of allocation is compiled as well.
Tables are made, and cleared of what is unused, by numpy in :mod:`napari_snpore.measurement.hulls`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Ints = NDArray[np.int64]

REACH = 1 << 19
"""Greatest coordinate for which the predicates are exact."""

_EMPTY = -(1 << 40)


@kernel
def hull_candidates(
    rows: NDArray[np.int32],
    starts: Ints,
    wanted: Ints,
    low: Ints,
    high: Ints,
    step: int,
    ends: Ints,
    chain: Ints,
    points: Ints,
    begin: Ints,
) -> None:
    """Write points (z, y, x) that include all corners of each wanted object's hull, from the
    object's least z, y, x, and where those of each object begin, shape (wanted + 1,).

    rows (n, 4) int32: z, y, smallest x, greatest x, sorted by (z, y); those of object o begin at
    ``starts[o]``. low, high (object, 3): least and greatest z, y, x. step 1: corners of the voxel
    boxes, 0: voxel centres. ends (2, longest), chain (longest,): scratch for the longest extent
    along y, + 1.
    """
    count = 0
    for k in range(wanted.size):
        o = wanted[k]
        base_z, base_y, base_x = low[o, 0], low[o, 1], low[o, 2]
        height = high[o, 1] - base_y + 1 + step
        # plane z of corners lies between the layers z - 1 and z; rows[before:here] is the layer
        # z - 1, rows[here:after] is z
        here = after = starts[o]
        for z in range(base_z, high[o, 0] + 1 + step):
            before, here = here, after
            while after < starts[o + 1] and rows[after, 0] == z:
                after += 1
            for y in range(height):
                ends[0, y] = ends[1, y] = _EMPTY
            for i in range(before if step == 1 else here, after):
                left, right = -rows[i, 2], rows[i, 3] + step
                for y in range(rows[i, 1] - base_y, rows[i, 1] - base_y + 1 + step):
                    if left > ends[0, y]:
                        ends[0, y] = left
                    if right > ends[1, y]:
                        ends[1, y] = right
            # Andrew's monotone chain (1979, doi 10.1016/0020-0190(79)90072-3) on the left, then
            # the right ends, how far outwards they are: a point that does not turn outwards is
            # dropped
            for side in range(2):
                size = 0
                for y in range(height):
                    end = ends[side, y]
                    if end == _EMPTY:
                        continue
                    while size > 1:
                        a, b = chain[size - 2], chain[size - 1]
                        middle = ends[side, b]
                        if (middle - ends[side, a]) * (y - b) > (end - middle) * (b - a):
                            break
                        size -= 1
                    chain[size] = y
                    size += 1
                for i in range(size):
                    y = chain[i]
                    end = ends[side, y]
                    points[count, 0], points[count, 1] = z - base_z, y
                    points[count, 2] = (end if side == 1 else -end) - base_x
                    count += 1
        begin[k + 1] = count


@kernel
def first_simplices(points: Ints, begin: Ints, corner: Ints) -> None:
    """Write four corners of each object that span its points as far as they go, shape (object, 4);
    the last is negative where the points lie in a plane, on a line, or are all equal.

    The points of an object begin at ``begin``, shape (object + 1,).
    """
    for o in range(corner.shape[0]):
        first, last = begin[o], begin[o + 1]
        p0, p1, p2 = points[first, 0], points[first, 1], points[first, 2]
        u0 = u1 = u2 = n0 = n1 = n2 = np.int64(0)
        second = third = fourth = first
        best = 0.0
        for i in range(first, last):
            d0, d1, d2 = points[i, 0] - p0, points[i, 1] - p1, points[i, 2] - p2
            far = float(d0 * d0 + d1 * d1 + d2 * d2)
            if far > best:
                best, second = far, i
                u0, u1, u2 = d0, d1, d2
        best = 0.0
        for i in range(first, last):
            d0, d1, d2 = points[i, 0] - p0, points[i, 1] - p1, points[i, 2] - p2
            c0, c1, c2 = u1 * d2 - u2 * d1, u2 * d0 - u0 * d2, u0 * d1 - u1 * d0
            e0, e1, e2 = float(c0), float(c1), float(c2)
            far = e0 * e0 + e1 * e1 + e2 * e2
            if far > best:
                best, third = far, i
                n0, n1, n2 = c0, c1, c2
        most = np.int64(0)
        for i in range(first, last):
            volume = n0 * (points[i, 0] - p0) + n1 * (points[i, 1] - p1) + n2 * (points[i, 2] - p2)
            if abs(volume) > abs(most):
                most, fourth = volume, i
        if most > 0:  # the fourth corner has to lie below the first face
            second, third = third, second
        corner[o, 0], corner[o, 1], corner[o, 2] = first, second, third
        corner[o, 3] = fourth if most != 0 else -1


@kernel
def convex_hulls(
    points: Ints,
    begin: Ints,
    slots: Ints,
    corner: Ints,
    face: Ints,
    beside: Ints,
    normal: Ints,
    outside: Ints,
    state: Ints,
    lists: Ints,
    link: Ints,
    chosen: Ints,
) -> None:
    """Write the faces (slot, 3) of each object's hull, point numbers counter-clockwise from
    outside, the face across each edge (slot, 3), and normals (slot, 4): outward, and the value of
    the plane.

    Edge k of a face runs from its corner k to the next one. Object o may use the slots from
    ``slots[o]`` on, two for each of its points and 8 more: a hull of n points has at most 2n − 4
    faces (Euler). The first four hold a tetrahedron of the object's points; an object without,
    ``corner[o, 3]`` < 0, has no face. In the end a slot holds a face if its ``state`` is not 0 in
    column 0; zeros before. Scratch: outside (slot, 3), state (slot, 2), lists (most slots of an
    object, 7), link (point, 2), chosen (point,).
    """
    for o in range(corner.shape[0]):
        if corner[o, 3] < 0:
            continue
        fresh = slots[o] + 4
        for k in range(4):
            lists[k, 1] = slots[o] + k
        count, made = np.int64(0), np.int64(4)
        for p in range(begin[o], begin[o + 1]):
            chosen[count] = p
            count += 1
        spare = waiting = np.int64(0)
        while True:
            # planes of the new faces
            for k in range(made):
                f = lists[k, 1]
                a, b, c = face[f, 0], face[f, 1], face[f, 2]
                p0, p1, p2 = points[a, 0], points[a, 1], points[a, 2]
                u0, u1, u2 = points[b, 0] - p0, points[b, 1] - p1, points[b, 2] - p2
                v0, v1, v2 = points[c, 0] - p0, points[c, 1] - p1, points[c, 2] - p2
                n0, n1, n2 = u1 * v2 - u2 * v1, u2 * v0 - u0 * v2, u0 * v1 - u1 * v0
                normal[f, 0], normal[f, 1], normal[f, 2] = n0, n1, n2
                normal[f, 3] = n0 * p0 + n1 * p1 + n2 * p2
                outside[f, 0], outside[f, 1] = -1, 0
                state[f, 0] = 1
            # each chosen point goes to the first of them that it lies above; points above none
            # stay inside the hull
            for i in range(count):
                p = chosen[i]
                p0, p1, p2 = points[p, 0], points[p, 1], points[p, 2]
                for k in range(made):
                    f = lists[k, 1]
                    above = normal[f, 0] * p0 + normal[f, 1] * p1 + normal[f, 2] * p2 - normal[f, 3]
                    if above > 0:
                        link[p, 0] = outside[f, 0]
                        outside[f, 0] = p
                        if above > outside[f, 1]:
                            outside[f, 1], outside[f, 2] = above, p
                        break
            for k in range(made):
                f = lists[k, 1]
                if outside[f, 0] >= 0 and state[f, 1] == 0:
                    lists[waiting, 0], state[f, 1] = f, 1
                    waiting += 1
            # the next face with points above it; state 2: seen by the furthest of them, the eye
            made = found = np.int64(0)
            while waiting > 0 and found == 0:
                waiting -= 1
                f = lists[waiting, 0]
                state[f, 1] = 0
                if state[f, 0] == 1 and outside[f, 0] >= 0:
                    lists[0, 2], state[f, 0] = f, 2
                    found = np.int64(1)
            if found == 0:
                break
            eye = outside[lists[0, 2], 2]
            p0, p1, p2 = points[eye, 0], points[eye, 1], points[eye, 2]
            at = count = np.int64(0)
            while at < found:
                f = lists[at, 2]
                at += 1
                for k in range(3):
                    g = beside[f, k]
                    if state[g, 0] == 2:
                        continue
                    if normal[g, 0] * p0 + normal[g, 1] * p1 + normal[g, 2] * p2 > normal[g, 3]:
                        lists[found, 2], state[g, 0] = g, 2
                        found += 1
                    else:  # an edge of the horizon: from, to, face beyond
                        lists[made, 3] = face[f, k]
                        lists[made, 4] = face[f, k + 1 if k < 2 else 0]
                        lists[made, 5] = g
                        made += 1
            for k in range(found):
                f = lists[k, 2]
                state[f, 0] = 0
                lists[spare, 6] = f
                spare += 1
                p = outside[f, 0]
                while p >= 0:
                    if p != eye:
                        chosen[count] = p
                        count += 1
                    p = link[p, 0]
            for k in range(made):
                if spare > 0:
                    spare -= 1
                    f = lists[spare, 6]
                else:
                    f = fresh
                    fresh += 1
                a, b, g = lists[k, 3], lists[k, 4], lists[k, 5]
                lists[k, 1] = f
                face[f, 0], face[f, 1], face[f, 2] = a, b, eye
                link[a, 1] = f  # the new face whose horizon edge starts at the point
                beside[f, 0] = g
                for j in range(3):
                    if face[g, j] == b and face[g, j + 1 if j < 2 else 0] == a:
                        beside[g, j] = f
            for k in range(made):
                f = lists[k, 1]
                g = link[face[f, 1], 1]
                beside[f, 1], beside[g, 2] = g, f
