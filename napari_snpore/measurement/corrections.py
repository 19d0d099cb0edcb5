"""Corrections of labelled objects: parts of a box in place of some objects, with numbers 1..N kept
without gaps; merging two objects, and splitting one by a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError

Box = tuple[slice, slice, slice]
Voxel = tuple[int, int, int]
Point = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Patch:
    """Labels of a box before and after a change."""

    box: Box
    before: NDArray[Any]
    after: NDArray[Any]


@dataclass(frozen=True, eq=False)
class ObjectsChange:
    """Objects in place of others.

    Parameters
    ----------
    patches : tuple of Patch
        To be put into the labels, in their order.
    count : int
        Objects there are then.
    gone : frozenset of int
        Numbers of the objects before that are no more.
    new : Mapping of int to int
        Number of each new object, by its number in the parts that were given.
    moved : Mapping of int to int
        Number now of each object that took the number of one that is gone.
    """

    patches: tuple[Patch, ...]
    count: int
    gone: frozenset[int]
    new: Mapping[int, int]
    moved: Mapping[int, int]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest dtype that holds all numbers."""
        return np.min_scalar_type(self.count)


def put_patches(labels: NDArray[Any], patches: Iterable[Patch], *, back: bool = False) -> None:
    """Put patches into labels, or take them back, in place."""
    ordered = list(patches)
    for patch in reversed(ordered) if back else ordered:
        labels[patch.box] = patch.before if back else patch.after


def replaced_objects(
    labels: NDArray[Any],
    count: int,
    gone: Iterable[int],
    box: Box,
    parts: NDArray[Any],
    box_of: Mapping[int, Box],
) -> ObjectsChange:
    """Return the change that puts parts in place of some objects.

    Numbers that become free are given to the parts in their order; further parts get new numbers,
    and where numbers stay free, the objects with the highest numbers take them. All others keep
    theirs.

    Parameters
    ----------
    labels : integer array, shape (z, y, x)
        Objects 1..count without gaps; not changed.
    count : int
    gone : iterable of int
        Objects that are replaced; all of their voxels lie in ``box``.
    box : three slices
    parts : integer array of the box's shape
        0 where no part is, 1..K the parts.
    box_of : mapping of int to three slices
        The box of each object, for those that are renumbered.
    """
    free = sorted(set(map(int, gone)))
    before = np.array(labels[box])
    kinds = int(parts.max(initial=0))
    new = dict(
        zip(range(1, kinds + 1), [*free, *range(count + 1, count + 1 + kinds)], strict=False)
    )
    now = count - len(free) + kinds
    wide = np.promote_types(labels.dtype, np.min_scalar_type(max(now, count)))
    after = before.astype(wide)
    after[np.isin(before, free)] = 0
    numbers = np.zeros(kinds + 1, wide)
    for part, number in new.items():
        numbers[part] = number
    there = parts > 0
    after[there] = numbers[parts[there]]
    patches = [Patch(box, before, after)]
    moved: dict[int, int] = {}
    gaps = [number for number in free if number not in new.values() and number <= now]
    highest = [number for number in range(count, now, -1) if number not in free]
    for gap, number in zip(gaps, highest, strict=True):
        place = box_of[number]
        earlier = _patched(labels, patches, place)
        renumbered = earlier.copy()
        renumbered[earlier == number] = gap
        patches.append(Patch(place, earlier, renumbered))
        moved[number] = gap
    return ObjectsChange(tuple(patches), now, frozenset(free), new, moved)


def merged_parts(labels: NDArray[Any], box: Box, first: int, second: int) -> NDArray[np.uint8]:
    """Return the parts of a box in which two objects are one: 1 inside them, else 0."""
    return np.isin(labels[box], (first, second)).astype(np.uint8)


def split_parts(
    labels: NDArray[Any], box: Box, label: int, line: tuple[Point, Point], axis: int
) -> NDArray[np.uint8]:
    """Return the two parts of an object on the two sides of a plane.

    The plane runs through a drawn line, on beyond its ends, and along an array axis: every voxel of
    the object belongs to the side on which its centre lies, whatever it is connected to.

    Parameters
    ----------
    labels : integer array, shape (z, y, x)
    box : three slices
        Around the object.
    label : int
        The object.
    line : ((z, y, x), (z, y, x))
        Two positions in voxels.
    axis : int
        The array axis of the viewing direction.

    Raises
    ------
    InputError
        A line without a length, or one that does not pass through the object.

    Examples
    --------
    A rod of six voxels, cut between its second and its third:

    >>> rod = np.ones((1, 1, 6), np.uint8)
    >>> box = (slice(0, 1), slice(0, 1), slice(0, 6))
    >>> split_parts(rod, box, 1, ((0, -1, 1.5), (0, 1, 1.5)), axis=0)
    array([[[1, 1, 2, 2, 2, 2]]], dtype=uint8)
    """
    rows, columns = (one for one in range(3) if one != axis)
    start, end = np.asarray(line[0], float), np.asarray(line[1], float)
    along = (end - start)[[rows, columns]]
    if not np.any(np.abs(along) > 1e-9):
        raise InputError("The line has no length: draw it across the object.")
    inside = np.asarray(labels[box]) == label
    places = np.meshgrid(
        *(np.arange(one.start, one.stop, dtype=float) for one in box), indexing="ij", sparse=True
    )
    side = along[0] * (places[columns] - start[columns]) - along[1] * (places[rows] - start[rows])
    parts = np.where(inside, np.where(np.broadcast_to(side, inside.shape) >= 0, 1, 2), 0)
    counts = np.bincount(parts.ravel(), minlength=3)
    if not (counts[1] and counts[2]):
        raise InputError("The line does not pass through the object: all of it lies on one side.")
    if parts.ravel()[np.flatnonzero(parts)[0]] == 2:  # the part that comes first keeps the number
        parts[inside] = 3 - parts[inside]
    return parts.astype(np.uint8)


def box_around(boxes: Sequence[Box]) -> Box:
    """Return the box around several."""
    z, y, x = (
        slice(min(one.start for one in axis), max(one.stop for one in axis))
        for axis in zip(*boxes, strict=True)
    )
    return z, y, x


def _patched(labels: NDArray[Any], patches: Sequence[Patch], box: Box) -> NDArray[Any]:
    """Return the labels of a box with patches put into them."""
    dtype = patches[-1].after.dtype
    found = np.array(labels[box], dtype)
    for patch in patches:
        common = [
            (max(a.start, b.start), min(a.stop, b.stop))
            for a, b in zip(box, patch.box, strict=True)
        ]
        if all(low < high for low, high in common):
            inside = tuple(
                slice(low - one.start, high - one.start)
                for (low, high), one in zip(common, box, strict=True)
            )
            there = tuple(
                slice(low - one.start, high - one.start)
                for (low, high), one in zip(common, patch.box, strict=True)
            )
            found[inside] = patch.after[there]
    return found
