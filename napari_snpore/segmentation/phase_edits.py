"""Voxels of phases that were changed by hand, counted against the phases as they were made.

Only the parts of the volume that were touched are kept as they were, in blocks: some hundred bytes
for a stroke of the brush, and never more than the volume itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.history import EditByHandStep
from napari_snpore.volume import Volume

Box = tuple[slice, slice, slice]
Changes = tuple[tuple[int, int, int], ...]
"""(label before, label now, voxels) of each kind of change, sorted."""

_EDGE = 32
"""Edge of a block in voxels: a stroke in one plane copies a few of them, 32 kB each."""


@dataclass(frozen=True, eq=False)
class Stroke:
    """What one change overwrote.

    Parameters
    ----------
    box : three slices with start and stop
        Around the voxels that were changed.
    before : integer array of the box's shape
        What was there; only read where ``mask`` is true.
    mask : bool array of the box's shape, optional
        The voxels that were changed; None: all of the box.
    """

    box: Box
    before: NDArray[Any]
    mask: NDArray[np.bool_] | None = None


def stroke_of_voxels(indices: Sequence[NDArray[Any]], before: Any) -> Stroke:
    """Return the stroke that overwrote single voxels.

    Parameters
    ----------
    indices : three integer arrays
        Where they lie.
    before : int or integer array
        What was there.
    """
    places = [np.asarray(axis).ravel() for axis in indices]
    low = [int(axis.min()) for axis in places]
    high = [int(axis.max()) + 1 for axis in places]
    shape = tuple(last - first for first, last in zip(low, high, strict=True))
    local = tuple(axis - first for axis, first in zip(places, low, strict=True))
    values = np.asarray(before)
    earlier = np.zeros(shape, values.dtype)
    earlier[local] = values.ravel() if values.ndim else values
    mask = np.zeros(shape, np.bool_)
    mask[local] = True
    z, y, x = (slice(first, last) for first, last in zip(low, high, strict=True))
    return Stroke((z, y, x), earlier, mask)


class PhaseEdits:
    """The blocks of a volume of labels that were touched, as they were before.

    Parameters
    ----------
    shape : (int, int, int)
        Of the volume, in voxels.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = tuple(int(n) for n in shape)
        self._before: dict[tuple[int, ...], NDArray[Any]] = {}

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks that are kept, which is what :meth:`changes` reads."""
        return sum(block.nbytes for block in self._before.values())

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The blocks that were touched; no voxel outside of them was changed."""
        return tuple(self._box(key) for key in list(self._before))

    def note(self, data: NDArray[Any], strokes: Sequence[Stroke]) -> None:
        """Keep what strokes overwrote, where it is not kept yet.

        Parameters
        ----------
        data : integer array, shape (z, y, x)
            After the strokes.
        strokes : sequence of Stroke
            Oldest first.
        """
        new: dict[tuple[int, ...], NDArray[Any]] = {}
        for stroke in strokes:
            for key in self._keys(stroke.box):
                if key not in self._before and key not in new:
                    new[key] = np.array(data[self._box(key)])
        for stroke in reversed(strokes):
            for key in self._keys(stroke.box):
                if key in new:
                    _take_back(new[key], self._box(key), stroke)
        self._before |= new

    def note_replaced(self, before: NDArray[Any], now: NDArray[Any]) -> None:
        """Keep the blocks in which another array, that took the place of the labels, differs from
        them.

        Parameters
        ----------
        before, now : integer arrays, shape (z, y, x)
            The labels until now, and the array in their place.
        """
        for key in product(*(range(-(-n // _EDGE)) for n in self._shape)):
            box = self._box(key)
            if key not in self._before and not np.array_equal(before[box], now[box]):
                self._before[key] = np.array(before[box])

    def changes(self, data: NDArray[Any]) -> Changes:
        """Return how many voxels of each label have which label now.

        Parameters
        ----------
        data : integer array, shape (z, y, x)
            The labels now.
        """
        counts: dict[tuple[int, int], int] = {}
        for key, before in list(self._before.items()):
            now = np.asarray(data[self._box(key)])
            changed = before != now
            if not changed.any():
                continue
            pairs = np.stack((before[changed], now[changed]))
            kinds, numbers = np.unique(pairs, axis=1, return_counts=True)
            for (old, new), count in zip(kinds.T.tolist(), numbers.tolist(), strict=True):
                counts[old, new] = counts.get((old, new), 0) + count
        return tuple((old, new, count) for (old, new), count in sorted(counts.items()))

    def _keys(self, box: Box) -> Iterable[tuple[int, ...]]:
        return product(*(range(one.start // _EDGE, -(-one.stop // _EDGE)) for one in box))

    def _box(self, key: tuple[int, ...]) -> Box:
        z, y, x = (
            slice(_EDGE * k, min(_EDGE * (k + 1), n)) for k, n in zip(key, self._shape, strict=True)
        )
        return z, y, x


def _take_back(block: NDArray[Any], box: Box, stroke: Stroke) -> None:
    """Put what a stroke overwrote into the copy of a block that lies at ``box``."""
    common = [
        slice(max(a.start, b.start), min(a.stop, b.stop))
        for a, b in zip(box, stroke.box, strict=True)
    ]
    if any(one.start >= one.stop for one in common):
        return
    inside = tuple(
        slice(one.start - a.start, one.stop - a.start) for one, a in zip(common, box, strict=True)
    )
    there = tuple(
        slice(one.start - b.start, one.stop - b.start)
        for one, b in zip(common, stroke.box, strict=True)
    )
    if stroke.mask is None:
        block[inside] = stroke.before[there]
    else:
        changed = stroke.mask[there]
        block[inside][changed] = stroke.before[there][changed]


def edit_step(changes: Changes) -> EditByHandStep | None:
    """Return the step of some changes; None where there are none."""
    if not changes:
        return None
    return EditByHandStep(sum(count for _, _, count in changes), changes)


def edited_by_hand(before: Volume, labels: NDArray[Any]) -> Volume:
    """Return phases that were corrected in another program or by code, with that in their history.

    Parameters
    ----------
    before : Volume of integers, shape (z, y, x)
        The phases as they were made.
    labels : integer array, same shape
        The phases as they are now.

    Returns
    -------
    Volume
        ``labels`` in the place of ``before``; with an
        :class:`~napari_snpore.history.EditByHandStep` where a voxel differs.

    Raises
    ------
    InputError
        Another shape, or labels that are no whole numbers.

    Examples
    --------
    >>> before = Volume(np.array([[[1, 1, 3]]], np.uint8), 0.5)
    >>> edited_by_hand(before, np.array([[[1, 3, 3]]], np.uint8)).history[-1].parameters
    {'voxels': 1, 'changes': [[1, 3, 1]]}
    """
    now = np.asarray(labels)
    if now.shape != before.shape or now.dtype.kind not in "iu":
        raise InputError(
            f"labels are {now.dtype} of shape {now.shape}; whole numbers of the phases' shape {before.shape} are needed."
        )
    edits = PhaseEdits(before.shape)
    edits.note_replaced(np.asarray(before.data), now)
    step = edit_step(edits.changes(now))
    if step is None:
        return Volume(now, before.spacing, before.origin, before.history)
    return before.after(step, now)
