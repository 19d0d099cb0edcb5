"""Connected voids of a volume that is read block by block: what each is joined to, and its pores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, Grid, is_in_memory
from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.measurement.inputs import checked_phases
from napari_snpore.segmentation.components import (
    Components,
    find_components,
    outer_pieces,
    piece_counts,
    pieces_of,
)
from napari_snpore.segmentation.phases import EXTERIOR, PORE

Mask = NDArray[np.bool_]

DEAD, OPEN, CUT = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Voids:
    """Connected voids: what each is joined to, and how many pore voxels it has.

    ``kind``: of each component, ``OPEN`` to the exterior, ``CUT`` only to a cut face, else
    ``DEAD``. ``phases``, ``paths``, ``grid``, ``connectivity``: what they were made of.
    ``labels``: pieces of the blocks of phases in memory, by their corners; those of lazy ones are
    labelled again.
    """

    phases: Any
    paths: Any
    grid: Grid
    connectivity: int
    components: Components
    kind: NDArray[np.uint8]
    pores: NDArray[np.int64]
    labels: dict[tuple[int, ...], NDArray[np.uint32]]

    def kinds_of(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the phases of a block, and the kind of the void of each of its voxels; 255 outside
        of paths.
        """
        block = self.grid.blocks[number]
        part, inside = _void(self.phases, self.paths, block)
        kinds = self.kind[self.components.numbers[number]]
        kinds[0] = 255
        labels = self.labels.get(_corner(block))
        return part, kinds[pieces_of(inside, self.connectivity) if labels is None else labels]

    def write_dead(self, out: Any, should_stop: ShouldStop | None) -> None:
        """Write which voxels are dead pore, for paths of points."""
        blocks = self.grid.blocks

        def write(number: int) -> None:
            block = blocks[number]
            if (self.kind[self.components.numbers[number][1:]] == DEAD).any():
                part, kinds = self.kinds_of(number)
                out[block] = (kinds == DEAD) & (part == PORE)
            else:
                out[block] = np.zeros([s.stop - s.start for s in block], np.bool_)

        run_blocks(write, range(len(blocks)), should_stop=should_stop)

    def reached(self, should_stop: ShouldStop | None) -> tuple[Mask, Mask]:
        """Return the voxels of paths that are joined to the exterior, and those joined only to a cut
        face.
        """
        shape, blocks = self.grid.shape, self.grid.blocks
        is_open, is_cut = np.empty(shape, np.bool_), np.empty(shape, np.bool_)

        def write(number: int) -> None:
            _, kinds = self.kinds_of(number)
            np.equal(kinds, OPEN, out=is_open[blocks[number]])
            np.equal(kinds, CUT, out=is_cut[blocks[number]])

        run_blocks(write, range(len(blocks)), should_stop=should_stop)
        return is_open, is_cut


def _corner(block: Block) -> tuple[int, ...]:
    return tuple(part.start for part in block)


def _void(phases: Any, paths: Any, block: Block) -> tuple[NDArray[np.uint8], Mask]:
    """Return the phases of a block, and its voxels of paths; without paths those that are not solid."""
    part = checked_phases(np.asarray(phases[block]))
    return part, part <= PORE if paths is None else np.asarray(paths[block])


def find_voids(
    phases: Any,
    paths: Any,
    grid: Grid,
    connectivity: int,
    cut_axes: Sequence[int],
    should_stop: ShouldStop | None,
) -> Voids:
    """Find the connected voids and what they are joined to."""
    uncut = [axis for axis in range(3) if axis not in cut_axes]
    kept: dict[tuple[int, ...], NDArray[np.uint32]] = {}
    shape = grid.shape
    keeps = is_in_memory(phases)  # 4 bytes a voxel for a third less time

    def label(block: Block) -> tuple[NDArray[np.uint32], tuple[Any, Any, Any]]:
        part, inside = _void(phases, paths, block)
        labels = pieces_of(inside, connectivity)
        if keeps:
            kept[_corner(block)] = labels
        is_open = outer_pieces(labels, block, shape, uncut)
        is_open[labels[part == EXTERIOR]] = True
        is_cut = outer_pieces(labels, block, shape, cut_axes)
        return labels, (is_open, is_cut, piece_counts(labels, part, PORE))

    read = [phases] if paths is None else [phases, paths]
    found, facts = find_components(grid, label, connectivity, arrays=read, should_stop=should_stop)
    is_open, is_cut = (found.any(fact[k] for fact in facts) for k in (0, 1))
    kind = np.where(is_open, OPEN, np.where(is_cut, CUT, DEAD)).astype(np.uint8)
    pores = found.total(fact[2] for fact in facts)
    pores[0] = 0
    return Voids(phases, paths, grid, connectivity, found, kind, pores, kept)
