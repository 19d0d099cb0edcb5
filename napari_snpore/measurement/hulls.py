"""Convex hulls of many objects at once, and their length, width, breadth and volume.

What belongs here: the tables that the kernels fill, and what numpy can do on all objects at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.measurement._diameter_kernels import hull_widths, longest_pairs
from napari_snpore.measurement._hull_kernels import (
    REACH,
    convex_hulls,
    first_simplices,
    hull_candidates,
)
from napari_snpore.measurement.scan import ObjectScan

__all__ = [
    "BREADTH",
    "LENGTH",
    "REACH",
    "VOLUME",
    "WIDTH",
    "ConvexHulls",
    "convex_hulls_of",
    "diameters_of",
    "hull_points",
]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LENGTH, WIDTH, BREADTH, VOLUME = 0, 1, 2, 3
_TIES = 64
"""Most directions of equal greatest length that are compared for the greatest breadth."""

_SAMPLED = 1 << 20
"""Products of a point and a direction that are held at once."""

# a tetrahedron whose fourth corner lies below the first face: corners of its faces, and the faces
# beyond their edges
_FACES = np.array([[0, 1, 2], [1, 0, 3], [2, 1, 3], [0, 2, 3]])
_BESIDE = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])


@dataclass(frozen=True)
class ConvexHulls:
    """Convex hulls of objects; those of points in a plane have no faces.

    Attributes
    ----------
    points : array, int64, shape (point, 3)
        Corners of the hulls (z, y, x); all points of an object without faces.
    begin : array, int64, shape (object + 1,)
        Where the points of each object begin.
    face : array, int64, shape (face, 3)
        Numbers of points, counter-clockwise from outside.
    beside : array, int64, shape (face, 3)
        The face across edge k, which runs from corner k to the next one.
    normal : array, int64, shape (face, 4)
        Outward normal of a face, and the value of its plane.
    faces : array, int64, shape (object + 1,)
        Where the faces of each object begin.
    """

    points: Ints
    begin: Ints
    face: Ints
    beside: Ints
    normal: Ints
    faces: Ints


def hull_points(scan: ObjectScan, wanted: NDArray[np.intp], *, corners: bool) -> tuple[Ints, Ints]:
    """Return points (n, 3) that include all corners of the wanted objects' hulls, each from its
    object's least z, y, x, and where those of each object begin, shape (wanted + 1,).

    ``corners``: of the voxel boxes, else voxel centres.
    """
    step = int(corners)
    low, high = np.ascontiguousarray(scan.low), np.ascontiguousarray(scan.high)
    rows = int((scan.starts[wanted + 1] - scan.starts[wanted]).sum())
    longest = int((high - low)[wanted, 1].max(initial=0)) + 1 + step
    points = np.empty((4 * (1 + step) * rows, 3), np.int64)
    begin = np.zeros(len(wanted) + 1, np.int64)
    ends, chain = np.empty((2, longest), np.int64), np.empty(longest, np.int64)
    hull_candidates(scan.rows, scan.starts, wanted, low, high, step, ends, chain, points, begin)
    return points[: begin[-1]], begin


def convex_hulls_of(points: Ints, begin: Ints) -> ConvexHulls:
    """Return the hulls of objects whose points, int64 up to ``REACH``, begin at ``begin``."""
    objects = len(begin) - 1
    corner = np.empty((objects, 4), np.int64)
    first_simplices(points, begin, corner)
    solid = corner[:, 3] >= 0
    slots = np.zeros(objects + 1, np.int64)
    np.cumsum(np.where(solid, 2 * np.diff(begin) + 8, 0), out=slots[1:])
    total, longest = int(slots[-1]), int(np.diff(slots).max(initial=0))
    face, beside = np.empty((total, 3), np.int64), np.empty((total, 3), np.int64)
    normal, state = np.empty((total, 4), np.int64), np.zeros((total, 2), np.int64)
    four = slots[:-1][solid][:, None] + np.arange(4)
    face[four] = corner[solid][:, _FACES]
    beside[four] = slots[:-1][solid][:, None, None] + _BESIDE
    convex_hulls(
        points,
        begin,
        slots,
        corner,
        face,
        beside,
        normal,
        np.empty((total, 3), np.int64),
        state,
        np.empty((longest, 7), np.int64),
        np.empty((len(points), 2), np.int64),
        np.empty(len(points), np.int64),
    )
    return _without_gaps(points, begin, slots, face, beside, normal, state[:, 0] != 0)


def _without_gaps(
    points: Ints,
    begin: Ints,
    slots: Ints,
    face: Ints,
    beside: Ints,
    normal: Ints,
    living: NDArray[np.bool_],
) -> ConvexHulls:
    """Number the faces that are left, and the points that they join."""
    before = _ends(living)
    kept, faces = np.flatnonzero(living), before[slots]
    face = face.take(kept, axis=0)
    used = np.repeat(np.diff(faces) == 0, np.diff(begin))
    used[face] = True
    number = _ends(used)
    return ConvexHulls(
        points.take(np.flatnonzero(used), axis=0),
        number[begin],
        number.take(face),
        before.take(beside.take(kept, axis=0)),
        normal.take(kept, axis=0),
        faces,
    )


def _ends(counts: NDArray[Any]) -> Ints:
    """Return the sums of all entries before each, and before the end."""
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def diameters_of(hulls: ConvexHulls, scale: Floats, directions: Floats) -> Floats:
    """Return length, width, breadth (nm) and volume (voxels) of hulls, shape (object, 4).

    scale: voxel size (z, y, x). directions (k, 3): unit vectors over which length and width are
    sought; without any (0, 3) they are exact.
    """
    objects = len(hulls.begin) - 1
    out = np.zeros((objects, 4))
    out[:, VOLUME] = _volumes(hulls)
    if objects == 0:
        return out
    tips = hulls.points * scale
    if len(directions) > 0:
        out[:, LENGTH], out[:, WIDTH], along = _sampled(tips, hulls.begin, directions)
        out[:, BREADTH] = _extents_across(tips, hulls.begin, np.arange(objects), along)
        return out
    vectors, ties = np.empty((objects, _TIES, 3)), np.empty(objects, np.int64)
    _longest(tips, hulls.begin, out[:, LENGTH], vectors, ties)
    ties[out[:, LENGTH] == 0] = 0  # the same point twice
    which = np.repeat(np.arange(objects), ties)
    across = _extents_across(tips, hulls.begin, which, vectors[np.arange(_TIES) < ties[:, None]])
    np.maximum.at(out[:, BREADTH], which, across)
    _widths(hulls, scale, out[:, WIDTH])
    return out


def _volumes(hulls: ConvexHulls) -> Floats:
    # the value of the plane is the triple product of the face's corners
    return np.diff(_ends(hulls.normal[:, 3])[hulls.faces]) / 6


def _longest(tips: Floats, begin: Ints, length: Floats, vectors: Floats, ties: Ints) -> None:
    points = np.empty((len(tips), 4))
    points[:, :3] = tips
    found = np.empty(len(length))
    longest_pairs(points, begin, np.empty(len(tips), np.int64), found, vectors, ties)
    length[:] = found


def _sampled(tips: Floats, begin: Ints, directions: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the greatest and the least extent of each object, and the direction of the greatest."""
    objects = len(begin) - 1
    length, width, along = np.full(objects, -1.0), np.full(objects, np.inf), np.empty((objects, 3))
    step = max(1, _SAMPLED // len(tips))
    for some in np.split(directions, range(step, len(directions), step)):
        z, y, x = some.T
        values = tips[:, :1] * z + tips[:, 1:2] * y + tips[:, 2:] * x
        extent = np.maximum.reduceat(values, begin[:-1]) - np.minimum.reduceat(values, begin[:-1])
        longest = extent.max(axis=1)
        longer = longest > length
        along[longer] = some[extent.argmax(axis=1)][longer]
        length[longer] = longest[longer]
        np.minimum(width, extent.min(axis=1), out=width)
    return length, width, along


def _extents_across(tips: Floats, begin: Ints, which: NDArray[np.intp], axes: Floats) -> Floats:
    """Return the greatest extents of objects perpendicular to vectors: the diameters of their
    shadows. Vector k, shape (k, 3), belongs to object ``which[k]``.
    """
    if len(which) == 0:
        return np.empty(0)
    a = axes / np.sqrt(axes[:, 0] ** 2 + axes[:, 1] ** 2 + axes[:, 2] ** 2)[:, None]
    # u is perpendicular to a: a crossed with the coordinate axis that it is furthest from
    u = np.zeros_like(a)
    far = np.abs(a)
    z = (far[:, 0] <= far[:, 1]) & (far[:, 0] <= far[:, 2])
    y = ~z & (far[:, 1] <= far[:, 2])
    x = ~z & ~y
    u[z, 1], u[z, 2] = a[z, 2], -a[z, 1]
    u[y, 0], u[y, 2] = -a[y, 2], a[y, 0]
    u[x, 0], u[x, 1] = a[x, 1], -a[x, 0]
    u /= np.sqrt(u[:, 0] * u[:, 0] + u[:, 1] * u[:, 1] + u[:, 2] * u[:, 2])[:, None]
    v = np.cross(a, u)
    sizes = np.diff(begin)[which]
    first = _ends(sizes)
    point = np.arange(first[-1]) - np.repeat(first[:-1] - begin[which], sizes)
    flat = np.zeros((len(point), 3))
    for k, axis in enumerate((u, v)):
        for c in range(3):
            flat[:, k] += tips[point, c] * np.repeat(axis[:, c], sizes)
    extent, ties = np.empty(len(which)), np.empty(len(which), np.int64)
    _longest(flat, first, extent, np.empty((len(which), 0, 3)), ties)
    return extent


def _widths(hulls: ConvexHulls, scale: Floats, width: Floats) -> None:
    count = len(hulls.points)
    edges, place = np.zeros(count + 1, np.int64), np.empty(count, np.int64)
    walk = np.zeros((len(hulls.face), 3), np.int64)
    walk[:, 0] = -1
    found = np.empty(len(width))
    hull_widths(
        hulls.points,
        scale,
        hulls.begin,
        hulls.face,
        hulls.beside,
        hulls.normal,
        hulls.faces,
        edges,
        place,
        np.empty(hulls.face.size, np.int64),
        walk,
        found,
    )
    width[:] = found
