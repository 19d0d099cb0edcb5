"""Blocks of a volume: how an array that may lie on disk is cut, read and surrounded.

A step that works block by block is a pure function of one block, a function that merges what it
returns, and this module, which says where the blocks are. Results must not depend on the cuts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_snpore.errors import InputError

Block = tuple[slice, ...]
"""One slice per axis, with start and stop."""

BlockShape = Sequence[int] | Sequence[Sequence[int]]
"""Voxels of a block along each axis, or for each axis the sizes of all its blocks, as dask has
them."""

_SLAB_VOXELS = 1 << 22
"""Voxels of a block where the caller names none: quick enough for progress and a stop."""

_SMALL_VOXELS = 1 << 20
"""Of a block in memory for work that takes tens of bytes per voxel."""

_MOST_VOXELS = 1 << 23
"""Planes of more voxels than these are cut along the next axis too."""


@dataclass(frozen=True)
class Grid:
    """Cuts of a volume by planes.

    Parameters
    ----------
    cuts : tuple of tuple of int
        For each axis the places of the cuts, with both ends: 0, ..., length.

    Examples
    --------
    >>> grid = Grid(((0, 2, 5), (0, 4)))
    >>> grid.shape, grid.counts, grid.blocks[1]
    ((5, 4), (2, 1), (slice(2, 5, None), slice(0, 4, None)))
    """

    cuts: tuple[tuple[int, ...], ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return tuple(ends[-1] for ends in self.cuts)

    @property
    def counts(self) -> tuple[int, ...]:
        """Blocks along each axis."""
        return tuple(len(ends) - 1 for ends in self.cuts)

    @property
    def places(self) -> list[tuple[int, ...]]:
        """Numbers of each block along the axes, the last axis first."""
        return list(product(*map(range, self.counts)))

    @property
    def blocks(self) -> list[Block]:
        """All blocks, in the order of ``places``."""
        return [self.block(place) for place in self.places]

    def block(self, place: Sequence[int]) -> Block:
        """Return the block with these numbers."""
        return tuple(slice(ends[k], ends[k + 1]) for ends, k in zip(self.cuts, place, strict=True))


def grid_of(data: Any, block_shape: BlockShape | None = None) -> Grid:
    """Return the blocks in which an array is read.

    Parameters
    ----------
    data : array
        Anything with a shape.
    block_shape : (int, ...) or tuple of tuple of int, optional
        See :data:`BlockShape`. Default: the ``block_shape`` of the array where it has one, else
        slabs of some four million voxels along the first axis; whole chunks of an array that is
        stored in chunks (zarr, HDF5) or made of them (dask).

    Raises
    ------
    InputError
        Another number of axes, sizes below 1, or sizes that do not add up to the shape.

    Examples
    --------
    >>> grid_of(np.zeros((5, 4)), (2, 4)).cuts
    ((0, 2, 4, 5), (0, 4))
    >>> grid_of(np.zeros((5, 4)), ((1, 4), (4,))).cuts
    ((0, 1, 5), (0, 4))
    """
    shape = tuple(int(n) for n in data.shape)
    block_shape = getattr(data, "block_shape", None) if block_shape is None else block_shape
    if block_shape is None:
        return Grid(_usual_cuts(shape, _chunk_cuts(data, shape)))
    sizes: tuple[Any, ...] = tuple(block_shape)
    if len(sizes) != len(shape):
        raise InputError(f"block_shape has {len(sizes)} axes; the array has {len(shape)}: {shape}.")
    cuts = []
    for length, size in zip(shape, sizes, strict=True):
        several = np.ndim(size) > 0
        parts = [int(n) for n in np.atleast_1d(size)]
        if min(parts, default=0) < 1 or (several and sum(parts) != length):
            raise InputError(
                f"block_shape is {sizes}; sizes from 1 on are needed, and lists of them that add "
                f"up to the shape {shape}."
            )
        cuts.append(
            tuple(accumulate(parts, initial=0)) if several else _regular_cuts(length, parts[0])
        )
    return Grid(tuple(cuts))


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices along the first axis of some four million voxels each."""
    thickness = max(1, _SLAB_VOXELS // max(1, math.prod(shape[1:])))
    for start in range(0, shape[0], thickness):
        yield slice(start, min(start + thickness, shape[0]))


def plane_depth(data: Any) -> int:
    """Return how many planes of an array are read together at the least: those of a block, or of a
    chunk, on disk; else one.

    >>> plane_depth(np.zeros((5, 4, 4)))
    1
    """
    if is_in_memory(data):
        return 1
    depth = getattr(data, "block_shape", None) or getattr(data, "chunks", None)
    first = 1 if depth is None else depth[0]
    return int(np.max(first))


def small_blocks(data: Any) -> list[Block]:
    """Return the blocks of an array for work that takes tens of bytes per voxel: of one in memory slabs
    of a million voxels, else the blocks in which it is read.

    >>> len(small_blocks(np.zeros((4, 1024, 512), bool)))
    2
    """
    if not isinstance(data, np.ndarray):
        return grid_of(data).blocks
    thick = max(1, _SMALL_VOXELS // max(1, math.prod(data.shape[1:])))
    return grid_of(data, (thick, *(max(n, 1) for n in data.shape[1:]))).blocks


def with_margin(
    block: Block, shape: Sequence[int], margin: int | Sequence[int]
) -> tuple[Block, Block]:
    """Return a block with voxels around it, cropped to the volume, and the place of the block in it.

    Examples
    --------
    >>> with_margin((slice(0, 2), slice(3, 6)), (4, 9), 2)[0]
    (slice(0, 4, None), slice(1, 8, None))
    """
    margins = [margin] * len(block) if isinstance(margin, int) else list(margin)
    outer = tuple(
        slice(max(0, part.start - m), min(n, part.stop + m))
        for part, n, m in zip(block, shape, margins, strict=True)
    )
    return outer, inside_of(block, outer)


def inside_of(block: Block, outer: Block) -> Block:
    """Return the place of a block within a larger one."""
    return tuple(
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(block, outer, strict=True)
    )


def size_of(block: Block) -> int:
    """Return the number of voxels of a block."""
    return math.prod(part.stop - part.start for part in block)


@dataclass(frozen=True)
class VoxelwiseArray:
    """An array whose voxels are computed from those of another, or of two, when they are read.

    Parameters
    ----------
    source : array
        Anything with shape and slicing.
    function : callable
        Makes of a block of the source, and the same block of ``other``, an array of the same shape.
    dtype : dtype
        Of what it makes.
    other : array, optional
        Of the same shape.

    Examples
    --------
    >>> pores = VoxelwiseArray(np.array([[1, 2, 1]]), lambda part: part == 1, np.dtype(bool))
    >>> pores[:, 1:]
    array([[False,  True]])
    """

    source: Any
    function: Callable[..., NDArray[Any]]
    dtype: np.dtype[Any]
    other: Any = None

    @property
    def shape(self) -> tuple[int, ...]:
        """As that of the source."""
        return tuple(self.source.shape)

    @property
    def ndim(self) -> int:
        """As that of the source."""
        return len(self.source.shape)

    @property
    def chunks(self) -> Any:
        """As those of the source; None without."""
        return _chunks(self.source)

    @property
    def block_shape(self) -> Any:
        """As that of the source; None without."""
        return getattr(self.source, "block_shape", None)

    def __getitem__(self, place: Any) -> NDArray[Any]:
        sources = [self.source] if self.other is None else [self.source, self.other]
        return self.function(*(np.asarray(one[place]) for one in sources))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype)


@dataclass(frozen=True)
class BoxArray:
    """A box of an array that is read when the box is.

    Parameters
    ----------
    source : array
        Anything with shape and slicing.
    box : tuple of slice
        With start and stop along each axis.

    Examples
    --------
    >>> BoxArray(np.arange(12).reshape(3, 4), (slice(1, 3), slice(2, 4)))[:, 1:]
    array([[ 7],
           [11]])
    """

    source: Any
    box: Block

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels of the box."""
        return tuple(part.stop - part.start for part in self.box)

    @property
    def ndim(self) -> int:
        """As that of the source."""
        return len(self.box)

    @property
    def dtype(self) -> np.dtype[Any]:
        """As that of the source."""
        kind: np.dtype[Any] = np.dtype(self.source.dtype)
        return kind

    @property
    def block_shape(self) -> Any:
        """As that of the source; None without."""
        return getattr(self.source, "block_shape", None)

    def __getitem__(self, place: Any) -> NDArray[Any]:
        keys = place if isinstance(place, tuple) else (place,)
        given = (*keys, *(slice(None),) * (len(self.box) - len(keys)))
        inner = []
        for key, part, n in zip(given, self.box, self.shape, strict=True):
            start, stop, step = key.indices(n)
            inner.append(slice(part.start + start, part.start + stop, step))
        return np.asarray(self.source[tuple(inner)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


def voxelwise(
    data: Any, function: Callable[[NDArray[Any]], NDArray[Any]], dtype: DTypeLike = np.bool_
) -> Any:
    """Return ``function(data)`` of a numpy array, and of any other one an array that is computed from
    it when it is read.
    """
    if isinstance(data, np.ndarray):
        return function(data)
    return VoxelwiseArray(data, function, np.dtype(dtype))


def is_in_memory(data: Any) -> bool:
    """Return whether an array is a plain numpy array, and no part of a mapped file."""
    if not isinstance(data, np.ndarray):
        return False
    base: Any = data
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            return False
        base = base.base
    return True


def check_out(out: Any, shape: Sequence[int], kinds: str, largest: int = 1) -> None:
    """Refuse an array for a result that has another shape, another kind of numbers, or too few bits.

    Parameters
    ----------
    out : array
        Written by ``out[block] = values``.
    shape : tuple of int
        Of the result.
    kinds : str
        Kinds of dtypes that may hold it, such as ``"iu"``.
    largest : int
        Greatest number of the result.
    """
    kind = np.dtype(out.dtype)
    if tuple(out.shape) != tuple(shape):
        raise InputError(f"out has shape {tuple(out.shape)}; the result has {tuple(shape)}.")
    if kind.kind not in kinds or (kind.kind in "iu" and np.iinfo(kind).max < largest):
        raise InputError(
            f"out is {kind}; the result has numbers up to {largest} that it cannot hold."
        )


def _regular_cuts(length: int, size: int) -> tuple[int, ...]:
    return (*range(0, length, size), length) if length else (0, 0)


def _chunks(data: Any) -> Any:
    """Return the sizes of what is stored together: shards of chunks, or chunks; None without."""
    return getattr(data, "shards", None) or getattr(data, "chunks", None)


def _chunk_cuts(data: Any, shape: tuple[int, ...]) -> list[Sequence[int]]:
    """Return for each axis where a block may end without cutting a chunk."""
    chunks = _chunks(data)
    if chunks is None or len(chunks) != len(shape):
        return [range(n + 1) for n in shape]
    return [
        _regular_cuts(n, int(size))
        if isinstance(size, (int, np.integer))
        else (0, *accumulate(size))
        for n, size in zip(shape, chunks, strict=True)
    ]


def _usual_cuts(
    shape: tuple[int, ...], possible: Sequence[Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """Join chunks to slabs along the first axis; where the thinnest is too large, the next axis is
    cut as well.
    """
    cuts: list[tuple[int, ...]] = []
    before = 1
    for axis, length in enumerate(shape):
        after = math.prod(shape[axis + 1 :])
        whole = axis > 0 and before * length * after <= _MOST_VOXELS
        most = length if whole else _SLAB_VOXELS / max(1, before * after)
        cuts.append((0, length) if whole else _joined(possible[axis], length, most))
        before *= max(b - a for a, b in pairwise(cuts[-1]))
    return tuple(cuts)


def _joined(possible: Sequence[int], length: int, most: float) -> tuple[int, ...]:
    """Leave out cuts as long as no part is longer than ``most`` or than it was."""
    kept = [0]
    for here, following in pairwise((*possible, length + 1)):
        if here > kept[-1] and (here == length or following - kept[-1] > most):
            kept.append(here)
    return tuple(kept) if length else (0, 0)
