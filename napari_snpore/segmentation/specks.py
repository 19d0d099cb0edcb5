"""Specks of a phase: objects of few voxels, relabelled with the commonest phase around them.

Blocks are read twice. First each block is labelled, and the pieces that are small enough to be
specks collect the voxels around them; those of pieces that end within the block are counted there,
those of pieces that reach another block are put together once it is known which pieces make an
object. Then each block is labelled again and its specks take their phases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, Grid, with_margin
from napari_snpore.compute import ShouldStop
from napari_snpore.engines import run_on_blocks
from napari_snpore.segmentation.components import (
    Components,
    find_components,
    piece_counts,
    pieces_beyond,
    pieces_of,
)

_VOTING_VOXELS = 1 << 16
"""Voxels of specks whose neighbors are collected at once."""


@dataclass(frozen=True, eq=False)
class SpeckVotes:
    """The pieces of one block that may be specks, and what lies around them.

    Parameters
    ----------
    sizes : array, int64, shape (piece + 1,)
        Voxels of each piece; 0 for label 0.
    choice : array, shape (piece + 1,)
        Commonest phase around each small piece that ends within the block; the phase itself for
        all others.
    piece : array, int64, shape (n,)
        Small pieces that reach another block, one entry per voxel around them.
    voxel : array, int64, shape (n,)
        Number of that voxel in the volume, in C order.
    phase : array, shape (n,)
        Its phase.
    """

    sizes: NDArray[np.int64]
    choice: NDArray[Any]
    piece: NDArray[np.int64]
    voxel: NDArray[np.int64]
    phase: NDArray[Any]


def replace_specks(
    phases: Any,
    phase: int,
    out: Any,
    *,
    min_voxels: int,
    connectivity: int,
    grid: Grid,
    should_stop: ShouldStop | None = None,
) -> int:
    """Write phases without the objects of ``phase`` that have fewer than ``min_voxels`` voxels, and
    return how many voxels changed.

    phases, out: arrays (z, y, x), read and written by blocks; they may be the same.
    """
    shape, in_place = grid.shape, out is phases

    def label(block: Block) -> tuple[NDArray[np.uint32], SpeckVotes]:
        outer, inner = with_margin(block, shape, 1)
        around = np.asarray(phases[outer])
        labels = pieces_of(around[inner] == phase, connectivity)
        return labels, speck_votes(around, labels, block, shape, phase, min_voxels)

    found, votes = find_components(
        grid, label, connectivity, arrays=[phases], should_stop=should_stop
    )
    tables = _choices(found, votes, phase, min_voxels)
    del votes

    def write(item: tuple[Block, NDArray[Any]]) -> int:
        block, choice = item
        made = np.array(phases[block])
        there = made == phase
        changed = 0
        if (choice != phase).any():
            chosen = choice[pieces_of(there, connectivity)[there]]
            changed = int(np.count_nonzero(chosen != phase))
            made[there] = chosen
        if changed or not in_place:
            out[block] = made
        return changed

    items = zip(grid.blocks, tables, strict=True)
    return sum(run_on_blocks(write, items, arrays=[phases, out], should_stop=should_stop))


def speck_votes(
    around: NDArray[Any],
    labels: NDArray[np.uint32],
    block: Block,
    shape: Sequence[int],
    phase: int,
    min_voxels: int,
) -> SpeckVotes:
    """Return what a block knows of its specks.

    Parameters
    ----------
    around : array of integers, shape (z, y, x)
        Phases of the block with one voxel on each side, where the volume has it.
    labels : array, uint32
        Pieces of the phase in the block.
    block : (slice, slice, slice)
        Its place in a volume of this shape.
    """
    sizes = piece_counts(labels, labels > 0)
    sizes[0] = 0
    small = (sizes > 0) & (sizes < min_voxels)
    choice = np.full(len(sizes), phase, around.dtype)
    # a rim of the phase itself, which does not vote, where the volume ends
    rims = [
        (int(part.start == 0), int(part.stop == length))
        for part, length in zip(block, shape, strict=True)
    ]
    phases = np.pad(around, rims, constant_values=phase)
    begin = [part.start - 1 for part in block]
    voxels = np.flatnonzero(small[labels])
    owner = labels.reshape(-1)[voxels].astype(np.int64)
    order = np.argsort(owner, kind="stable")
    owner = owner[order]
    place = np.stack(np.unravel_index(voxels[order], labels.shape)) + 1
    crossing = pieces_beyond(labels, block, shape)
    kept = []
    first = 0
    while first < len(owner):
        last = min(first + _VOTING_VOXELS, len(owner))
        last = int(np.searchsorted(owner, owner[last - 1], side="right"))  # whole pieces
        piece, at = _voters(owner[first:last], place[:, first:last], phases, phase)
        of = phases.reshape(-1)[at]
        inside = ~crossing[piece]
        _count(piece[inside], of[inside], choice)
        there = np.unravel_index(at[~inside], phases.shape)
        volume = tuple(index + start for index, start in zip(there, begin, strict=True))
        kept.append((piece[~inside], np.ravel_multi_index(volume, tuple(shape)), of[~inside]))
        first = last
    empty = np.zeros(0, np.int64)
    pieces, numbers, values = (
        np.concatenate([start, *(one[k] for one in kept)])
        for k, start in enumerate((empty, empty, np.zeros(0, around.dtype)))
    )
    return SpeckVotes(sizes, choice, pieces, numbers, values)


def _voters(
    owner: NDArray[np.int64], place: NDArray[np.intp], phases: NDArray[Any], phase: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each voxel of another phase beside each piece once: pieces and places in ``phases``."""
    at = np.ravel_multi_index(tuple(place), phases.shape).astype(np.int64)
    flat, size = phases.reshape(-1), phases.size
    pairs = []
    for step in product((-1, 0, 1), repeat=3):
        beside = at + int(np.dot(step, [phases.shape[1] * phases.shape[2], phases.shape[2], 1]))
        votes = flat[beside] != phase
        pairs.append(owner[votes] * size + beside[votes])
    found = np.unique(np.concatenate(pairs))
    return found // size, found % size


def _count(owner: NDArray[np.int64], phase: NDArray[Any], choice: NDArray[Any]) -> None:
    """Write the commonest phase of each owner that has any; of equal ones the first."""
    if not len(owner):
        return
    objects, which = np.unique(owner, return_inverse=True)
    phases, kind = np.unique(phase, return_inverse=True)
    votes = np.bincount(which * len(phases) + kind, minlength=len(objects) * len(phases))
    choice[objects] = phases[votes.reshape(len(objects), len(phases)).argmax(axis=1)]


def _choices(
    found: Components, votes: Sequence[SpeckVotes], phase: int, min_voxels: int
) -> list[NDArray[Any]]:
    """Return for each block the phase that each of its pieces takes."""
    small = found.total(vote.sizes for vote in votes) < min_voxels
    owners = [numbers[vote.piece] for numbers, vote in zip(found.numbers, votes, strict=True)]
    owner = np.concatenate(owners).astype(np.int64)
    voxel = np.concatenate([vote.voxel for vote in votes])
    of = np.concatenate([vote.phase for vote in votes])
    chosen = np.full(found.count + 1, phase, of.dtype)
    counts = np.flatnonzero(small[owner])
    order = counts[np.lexsort((voxel[counts], owner[counts]))]
    if len(order):  # a voxel beside two pieces of an object votes once
        again = (np.diff(owner[order]) == 0) & (np.diff(voxel[order]) == 0)
        order = order[np.append(True, ~again)]
        _count(owner[order], of[order], chosen)
    tables = []
    for numbers, vote in zip(found.numbers, votes, strict=True):
        table = vote.choice.copy()
        of_object = chosen[numbers]
        table[of_object != phase] = of_object[of_object != phase]
        table[0] = phase
        tables.append(table)
    return tables
