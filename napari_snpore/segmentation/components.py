"""Connected components of a mask that is read block by block, numbered as those of the whole mask.

Strategy. cc3d labels each block alone: its pieces. Pieces of two blocks that share a face, an edge
or a corner of voxels are joined where connectivity joins their voxels; the graph of these links is
solved once (scipy). Components take numbers in the order of their first voxels, which is what cc3d
gives to the whole mask, so that no label depends on the blocks. Blocks are labelled a second time
when their labels are needed: cc3d gives the same pieces again, and nothing has to be stored.

Libraries that label across blocks were tried. tilewise-ccl 0.0.7 and streamccl 0.1.0 find the same
components, but number them by block and take 1.5 to 5 times the processor time of this module on
256³ voxels, dask-image 2026.5 a hundred times; cc3d's own function for stacks knows 6 and 26
neighbors only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from threading import Lock
from typing import Any, Literal, TypeVar, cast

import cc3d
import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.blocks import Block, Grid
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import receive_from_blocks
from napari_snpore.errors import InputError
from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import count_pieces, first_voxels

Labels = NDArray[np.uint32]
Facts = TypeVar("Facts")
Place = tuple[int, ...]

_STEPS = {6: 1, 18: 2, 26: 3}
"""Axes along which two neighbors may differ."""

_THICK = 4
"""Voxels of a block along its shortest axis from which cc3d may take it as a mask."""

_OFFSETS = tuple(step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0))
"""Half of the 26 neighbors of a block; the others see it as theirs."""


def pieces_of(mask: NDArray[np.bool_], connectivity: int) -> Labels:
    """Return the connected components of one block, numbered in the order of their first voxels.

    Raises
    ------
    InputError
        A connectivity other than 6, 18 and 26.
    """
    if connectivity not in _STEPS:
        raise InputError(f"connectivity is {connectivity}; 6, 18 and 26 are possible.")
    if 0 in mask.shape:
        return np.zeros(mask.shape, np.uint32)
    # its quicker way for masks has too few places for the pieces of thin blocks, and fails there:
    # a line of single voxels makes half as many as voxels, and it expects a quarter (cc3d 4.1)
    thin = min(mask.shape) < _THICK
    given = np.require(mask, requirements=["C", "W"])  # of a file that is mapped to be read: a copy
    labels = cc3d.connected_components(
        given.view(np.uint8 if thin else np.bool_),
        connectivity=cast(Literal[6, 18, 26], connectivity),
        out_dtype=np.uint32,
        binary_image=not thin,
    )
    return np.ascontiguousarray(labels, dtype=np.uint32)


@dataclass(frozen=True, eq=False)
class BlockPieces:
    """What other blocks need of the pieces of one.

    Parameters
    ----------
    first : array, int64, shape (piece,)
        Number of the first voxel of each piece in the volume, in C order.
    sides : dict of (axis, -1 or 1) to array, uint32
        Labels of the outermost voxels on each side.
    """

    first: NDArray[np.int64]
    sides: dict[tuple[int, int], Labels]


def block_pieces(labels: Labels, block: Block, shape: Sequence[int]) -> BlockPieces:
    """Return first voxels and outermost labels of a block that :func:`pieces_of` labelled."""
    begins = np.empty(int(labels.max(initial=0)), np.int64)
    first_voxels(for_kernel(labels.reshape(-1)), begins)
    inside = np.unravel_index(begins, labels.shape)
    volume = [at + part.start for at, part in zip(inside, block, strict=True)]
    sides = {side: _outermost(labels, side) for side in _sides(block, shape, False)}
    first = np.ravel_multi_index(tuple(volume), tuple(shape)) if len(begins) else begins
    return BlockPieces(np.asarray(first, np.int64), sides)


def links(one: BlockPieces, two: BlockPieces, step: Place, connectivity: int) -> NDArray[np.int64]:
    """Return pairs of pieces, shape (n, 2), that touch each other across two neighboring blocks.

    step: from the block of ``one`` to that of ``two``, −1, 0 or 1 along each axis.
    """
    a, b = _facing(one, step, 1), _facing(two, step, -1)
    spare = _STEPS[connectivity] - np.count_nonzero(step)
    pairs = [_pairs(a, b)]
    through_faces = np.count_nonzero(step) == 1
    for shift in product((-1, 0, 1), repeat=a.ndim):
        if not 0 < np.count_nonzero(shift) <= spare:
            continue
        here = tuple(slice(max(0, -d), n - max(0, d)) for d, n in zip(shift, a.shape, strict=True))
        there = tuple(slice(max(0, d), n + min(0, d)) for d, n in zip(shift, a.shape, strict=True))
        ahead, beyond = a[here], b[there]
        if through_faces:
            # two voxels that share a face with one of the pair are joined by it already
            ahead = np.where((b[here] == 0) & (a[there] == 0), ahead, np.uint32(0))
        pairs.append(_pairs(ahead, beyond))
    return np.concatenate(pairs)


def _facing(pieces: BlockPieces, step: Place, sign: int) -> Labels:
    """Return the labels of a block on the side, edge or corner that looks along a step."""
    towards = [sign * d for d in step]
    axis = next(k for k, d in enumerate(towards) if d)
    side = pieces.sides[axis, towards[axis]]
    others = [d for k, d in enumerate(towards) if k != axis]
    return side[tuple(slice(None) if d == 0 else (-1 if d > 0 else 0) for d in others)]


def _pairs(one: Labels, two: Labels) -> NDArray[np.int64]:
    both = np.flatnonzero((one > 0) & (two > 0))
    joined = one.reshape(-1)[both].astype(np.uint64) << np.uint64(32) | two.reshape(-1)[both]
    if len(joined):  # runs of one pair are long: few are left to be sorted
        joined = np.unique(joined[np.append(True, joined[1:] != joined[:-1])])
    return np.stack([joined >> np.uint64(32), joined & np.uint64(0xFFFFFFFF)], 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Components:
    """Components of a mask as joined pieces of its blocks.

    Parameters
    ----------
    numbers : list of array, uint32
        For each block the component of each of its pieces; 0 for label 0.
    count : int
        Components.
    """

    numbers: list[Labels]
    count: int

    def total(self, facts: Iterable[NDArray[Any]]) -> NDArray[np.int64]:
        """Return the sum over the pieces of each component; facts: one array per block, by label."""
        out = np.zeros(self.count + 1, np.int64)
        for numbers, values in zip(self.numbers, facts, strict=True):
            np.add.at(out, numbers, values)
        return out

    def any(self, facts: Iterable[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Return whether a fact is true for a piece of each component; false for component 0."""
        out = np.zeros(self.count + 1, np.bool_)
        for numbers, values in zip(self.numbers, facts, strict=True):
            out[numbers[values]] = True
        out[0] = False
        return out


def join_pieces(
    firsts: Sequence[NDArray[np.int64]],
    linked: Iterable[tuple[int, int, NDArray[np.int64]]],
) -> Components:
    """Return the components that links make of the pieces of all blocks.

    Parameters
    ----------
    firsts : sequence of array, int64
        First voxels of the pieces of each block.
    linked : iterable of (int, int, array)
        Numbers of two blocks and the pairs of their pieces, in any order.
    """
    begin = np.concatenate([[0], np.cumsum([len(first) for first in firsts])]).astype(np.int64)
    total = int(begin[-1])
    if total >= np.iinfo(np.int32).max:
        raise InputError(f"The mask has {total} pieces; it is noise: smooth or clean it first.")
    # + begin − 1: labels begin at 1
    pairs = np.concatenate(
        [np.zeros((0, 2), np.int64)]
        + [found + np.array([begin[i], begin[j]]) - 1 for i, j, found in linked]
    )
    graph = scipy.sparse.coo_array(
        (np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(total, total)
    )
    count, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
    earliest = np.full(count, np.iinfo(np.int64).max)
    np.minimum.at(earliest, component, np.concatenate([np.zeros(0, np.int64), *firsts]))
    number = np.empty(count, np.uint32)
    number[np.argsort(earliest)] = np.arange(1, count + 1, dtype=np.uint32)
    found = number[component] if total else np.zeros(0, np.uint32)
    zero = np.zeros(1, np.uint32)
    return Components(
        [np.concatenate([zero, found[begin[k] : begin[k + 1]]]) for k in range(len(firsts))], count
    )


def find_components(
    grid: Grid,
    label: Callable[[Block], tuple[Labels, Facts]],
    connectivity: int,
    *,
    arrays: Sequence[Any],
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[Components, list[Facts]]:
    """Label all blocks once and join their pieces.

    Parameters
    ----------
    grid : Grid
    label : callable
        Returns the labels of a block, by :func:`pieces_of`, and whatever the caller wants to know
        of its pieces.
    connectivity : 6, 18 or 26
    arrays : sequence of array
        All that ``label`` reads.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    (Components, list)
        The second: what the caller wanted to know, one per block of the grid.
    """
    border = _Borders(grid, connectivity)

    def work(block: Block) -> tuple[BlockPieces, Facts]:
        labels, facts = label(block)
        return block_pieces(labels, block, shape), facts

    def receive(number: int, made: tuple[BlockPieces, Facts]) -> tuple[NDArray[np.int64], Facts]:
        border.add(number, made[0])
        return made[0].first, made[1]

    shape = grid.shape
    found = receive_from_blocks(
        work,
        grid.blocks,
        receive,
        arrays=arrays,
        progress=progress,
        should_stop=should_stop,
    )
    return join_pieces([first for first, _ in found], border.linked), [facts for _, facts in found]


class _Borders:
    """Sides of the blocks that have been labelled, each kept until all neighbors have been."""

    def __init__(self, grid: Grid, connectivity: int) -> None:
        self.linked: list[tuple[int, int, NDArray[np.int64]]] = []
        self._connectivity = connectivity
        self._places = grid.places
        self._counts = grid.counts
        self._waiting: dict[int, tuple[BlockPieces, int]] = {}
        self._lock = Lock()

    def add(self, number: int, pieces: BlockPieces) -> None:
        """Link a block to its neighbors that are there, and drop what no block waits for."""
        place = self._places[number]
        around = [
            (tuple(sign * d for d in step), sign) for step in _OFFSETS for sign in (1, -1)
            if np.count_nonzero(step) <= _STEPS[self._connectivity]
        ]  # fmt: skip
        near = [
            (other, step, sign) for step, sign in around if (other := self._at(place, step)) >= 0
        ]
        with self._lock:
            there = [
                (self._waiting[other][0], other, step, sign)
                for other, step, sign in near
                if other in self._waiting
            ]
            self._waiting[number] = (pieces, len(near) - len(there))
            for pieces_there, other, _, _ in there:
                self._waiting[other] = (pieces_there, self._waiting[other][1] - 1)
            for one in [number, *(other for _, other, _, _ in there)]:
                if self._waiting[one][1] == 0:
                    del self._waiting[one]
        found: list[tuple[int, int, NDArray[np.int64]]] = []
        for neighbor, other, step, sign in there:
            if sign > 0:
                found.append((number, other, links(pieces, neighbor, step, self._connectivity)))
            else:
                back = tuple(-d for d in step)
                found.append((other, number, links(neighbor, pieces, back, self._connectivity)))
        with self._lock:
            self.linked += [one for one in found if len(one[2])]

    def _at(self, place: Place, step: Place) -> int:
        """Return the number of the block one step away; −1 beyond the volume."""
        there = tuple(k + d for k, d in zip(place, step, strict=True))
        if any(not 0 <= k < n for k, n in zip(there, self._counts, strict=True)):
            return -1
        return int(np.ravel_multi_index(there, self._counts))


def piece_counts(
    labels: Labels, phases: NDArray[np.uint8] | NDArray[np.bool_], phase: int = 1
) -> NDArray[np.int64]:
    """Return the voxels of a phase (of a mask) in each piece of a block, by label with 0."""
    counts = np.zeros(int(labels.max(initial=0)) + 1, np.int64)
    flat = np.ascontiguousarray(phases).view(np.uint8).reshape(-1)
    count_pieces(for_kernel(labels.reshape(-1)), for_kernel(flat), np.uint8(phase), counts)
    return counts


def outer_pieces(
    labels: Labels, block: Block, shape: Sequence[int], axes: Sequence[int]
) -> NDArray[np.bool_]:
    """Return whether each piece of a block reaches a face of the volume across one of some axes."""
    return _reaching(labels, [side for side in _sides(block, shape, True) if side[0] in axes])


def pieces_beyond(labels: Labels, block: Block, shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return whether each piece of a block reaches another block, and may go on there."""
    return _reaching(labels, _sides(block, shape, False))


def _sides(block: Block, shape: Sequence[int], outer: bool) -> list[tuple[int, int]]:
    """Return the sides of a block, by axis and -1 or 1, at faces of the volume or at other blocks."""
    return [
        (axis, side)
        for axis, (part, length) in enumerate(zip(block, shape, strict=True))
        for side, at_face in ((-1, part.start == 0), (1, part.stop == length))
        if at_face == outer
    ]


def _outermost(labels: Labels, side: tuple[int, int]) -> Labels:
    return np.asarray(labels.take(-1 if side[1] > 0 else 0, axis=side[0]))


def _reaching(labels: Labels, sides: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    out = np.zeros(int(labels.max(initial=0)) + 1, np.bool_)
    for side in sides:
        out[_outermost(labels, side)] = True
    out[0] = False
    return out
