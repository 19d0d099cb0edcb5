"""Coarser levels of a volume, each half of the one before along every axis: made plane by plane
while the volume streams to its file, so that no level is in memory.

Grey values become means of eight. Labels and phases cannot be averaged: of them every second voxel
along each axis is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks

COARSEST = 256
"""Voxels along the longest axis of the coarsest level: a size that any graphics card draws at once."""


_HALVED_PLANES = 8
"""Planes that a thread halves at a time; even, because pairs belong together."""


class LevelWriter(Protocol):
    """Where the planes of one level go.

    Attributes
    ----------
    shape : (int, int, int)
        Of the level.
    depth, width : int
        Planes that are written at a time, and the edge of a tile of them; both even where the level
        has more.
    """

    shape: tuple[int, int, int]
    depth: int
    width: int

    def write(self, place: tuple[slice, slice, slice], values: NDArray[Any]) -> None:
        """Write a tile."""


def level_shapes(shape: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return the shapes of a volume and of its coarser levels; the volume alone where it is small.

    Examples
    --------
    >>> level_shapes((600, 40, 1))
    [(600, 40, 1), (300, 20, 1), (150, 10, 1)]
    """
    z, y, x = shape
    found = [(int(z), int(y), int(x))]
    while max(found[-1]) > COARSEST:
        z, y, x = (-(-n // 2) for n in found[-1])
        found.append((z, y, x))
    return found


def level_factors(shapes: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Return how many voxels of the volume a voxel of each level spans along (z, y, x).

    Examples
    --------
    >>> level_factors(level_shapes((600, 40, 1)))
    [(1, 1, 1), (2, 2, 1), (4, 4, 1)]
    """
    factors = [(1, 1, 1)]
    for finer in shapes[:-1]:
        z, y, x = (f * (2 if n > 1 else 1) for f, n in zip(factors[-1], finer, strict=True))
        factors.append((z, y, x))
    return factors


def halved(values: NDArray[Any], *, mean: bool) -> NDArray[Any]:
    """Return every second voxel along each axis, or the means of 2 × 2 × 2 voxels.

    Parameters
    ----------
    values : array, shape (z, y, x)
        Any dtype; of whole numbers the means would be rounded, so they have none.
    mean : bool
        Means (of floating-point values), to rounding in their own precision; of an odd axis the
        last voxel has no partner and stays as it is.

    Returns
    -------
    array, shape (ceil(z / 2), ceil(y / 2), ceil(x / 2)), dtype of ``values``

    Examples
    --------
    >>> row = np.array([[[1.0, 3.0, 5.0]]])
    >>> halved(row, mean=True), halved(row, mean=False)
    (array([[[2., 5.]]]), array([[[1., 5.]]]))
    """
    if not mean:
        return values[::2, ::2, ::2]
    for axis in range(3):
        values = _pairs(values, axis)
    return values


def _pairs(values: NDArray[Any], axis: int) -> NDArray[Any]:
    """Return the means of pairs along an axis; halves are added, because a sum may overflow."""
    half = values.dtype.type(0.5)
    along = [slice(None)] * 3
    along[axis] = slice(None, None, 2)
    first = values[tuple(along)]
    along[axis] = slice(1, None, 2)
    second = values[tuple(along)]
    found = np.empty(first.shape, values.dtype)
    count = second.shape[axis]
    paired, alone = [slice(None)] * 3, [slice(None)] * 3
    paired[axis], alone[axis] = slice(0, count), slice(count, None)
    np.multiply(first[tuple(paired)], half, out=found[tuple(paired)])
    found[tuple(paired)] += second * half
    found[tuple(alone)] = first[tuple(alone)]
    return found


def write_levels(
    slabs: Iterable[NDArray[Any]], writers: Sequence[LevelWriter], *, mean: bool
) -> None:
    """Write a volume and its coarser levels while its planes pass.

    Parameters
    ----------
    slabs : iterable of array, shape (planes, y, x)
        The volume from its first plane to its last, ``writers[0].depth`` planes at a time.
    writers : sequence of LevelWriter
        Of the levels, finest first, with the shapes of :func:`level_shapes`.
    mean : bool
        As in :func:`halved`.

    Notes
    -----
    In memory are one slab of each level, which for all coarser ones together is at most as much as
    that of the volume, a tile as it is written, and per thread a few planes that are halved.
    """
    levels = [_Level(writer, mean) for writer in writers]
    for finer, coarser in pairwise(levels):
        finer.passes_to = coarser
    for slab in slabs:
        levels[0].write(slab)


class _Level:
    """One level of a volume that streams: collects planes up to a slab, writes it, halves it."""

    def __init__(self, writer: LevelWriter, mean: bool) -> None:
        self._writer, self._mean = writer, mean
        self._written = self._collected = 0
        self._slab: NDArray[Any] | None = None
        self.passes_to: _Level | None = None

    def write(self, slab: NDArray[Any]) -> None:
        """Write a slab tile by tile, and give the next level half of it."""
        planes = slice(self._written, self._written + len(slab))
        _, height, width = slab.shape
        edge = self._writer.width
        for y, x in product(range(0, height, edge), range(0, width, edge)):
            rows, columns = slice(y, min(y + edge, height)), slice(x, min(x + edge, width))
            self._writer.write((planes, rows, columns), slab[:, rows, columns])
        self._written = planes.stop
        if self.passes_to is not None:
            self.passes_to.collect(slab, mean=self._mean)

    def collect(self, finer: NDArray[Any], *, mean: bool) -> None:
        """Put the half of a slab of the finer level behind the planes that are there, and write
        them where they are a slab or the last.
        """
        depth, (planes, height, width) = self._writer.depth, self._writer.shape
        if self._slab is None:
            self._slab = np.empty((min(depth, planes), height, width), finer.dtype)
        target = self._slab[self._collected :]

        def one(start: int) -> None:
            part = halved(finer[start : start + _HALVED_PLANES], mean=mean)
            target[start // 2 : start // 2 + len(part)] = part

        run_blocks(one, range(0, len(finer), _HALVED_PLANES))
        self._collected += -(-len(finer) // 2)
        if self._collected >= min(len(self._slab), planes - self._written):
            count, self._collected = self._collected, 0
            self.write(self._slab[:count])
