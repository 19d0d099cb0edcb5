"""Coarser levels of a volume, each half of the one before along every axis: made plane by plane
while the volume streams to its file, so that no level is in memory.

Grey values become means of eight. Labels and phases cannot be averaged: of them every second voxel
along each axis is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, product
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks

COARSEST = 256
"""Voxels along the longest axis of the coarsest level: a size that any graphics card draws at once."""


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
        """Write a tile; called from several threads, with another place each."""


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
    that of the volume, and one tile per thread.
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
        """Write whole slabs, and what is halved of them to the next level."""
        start = self._written
        _, height, width = slab.shape
        edge = self._writer.width
        put = None if self.passes_to is None else self.passes_to.collector(slab.dtype)

        def one(corner: tuple[int, int]) -> None:
            y, x = corner
            rows, columns = slice(y, min(y + edge, height)), slice(x, min(x + edge, width))
            tile = slab[:, rows, columns]
            self._writer.write((slice(start, start + len(slab)), rows, columns), tile)
            if put is not None:
                put(y // 2, x // 2, halved(tile, mean=self._mean))

        run_blocks(one, product(range(0, height, edge), range(0, width, edge)))
        self._written += len(slab)
        if self.passes_to is not None:
            self.passes_to.collected(-(-len(slab) // 2))

    def collector(self, dtype: np.dtype[Any]) -> Callable[[int, int, NDArray[Any]], None]:
        """Return what puts tiles of the next planes into the slab."""
        depth, (planes, height, width) = self._writer.depth, self._writer.shape
        if self._slab is None:
            self._slab = np.empty((min(depth, planes), height, width), dtype)
        target = self._slab[self._collected :]

        def put(y: int, x: int, tile: NDArray[Any]) -> None:
            n, rows, columns = tile.shape
            target[:n, y : y + rows, x : x + columns] = tile

        return put

    def collected(self, planes: int) -> None:
        """Count planes that were put, and write the slab where it is full or the last."""
        self._collected += planes
        whole = self._writer.shape[0] - self._written
        if self._slab is not None and self._collected >= min(len(self._slab), whole):
            count, self._collected = self._collected, 0
            self.write(self._slab[:count])
