"""Clean-up of phases after thresholding: specks removed, holes filled, borders smoothed; off by
default.

Each step says how many voxels it changed. Exterior voxels stay what they are: the envelope was
found before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, check_out, grid_of, with_margin
from napari_snpore.compute import (
    BlockSteps,
    Progress,
    ShouldStop,
    check_stop,
    run_stepped_blocks,
    stops_at_once,
)
from napari_snpore.engines import beside, drop, is_shared, run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import CleanupParameters, CleanUpStep
from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import majority
from napari_snpore.segmentation.components import find_components, outer_pieces, pieces_of
from napari_snpore.segmentation.specks import replace_specks
from napari_snpore.volume import VolumeOrArray, array_of, volume_like

Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class CleanupStep:
    """One step and what it did."""

    name: str
    changed_voxel_count: int


@dataclass(frozen=True)
class CleanupOptions:
    """Settings of :func:`clean_up`, phases by their labels; all off by default."""

    majority_radius: int = 0
    fill: tuple[int, ...] = ()
    specks: tuple[tuple[int, int], ...] = ()

    @property
    def anything(self) -> bool:
        """Whether anything is cleaned up."""
        return bool(self.majority_radius or self.fill or self.specks)

    def parameters(self, changed: Sequence[CleanupStep]) -> CleanupParameters:
        """Return these settings and what each part changed, for a history."""
        counts = tuple((step.name, step.changed_voxel_count) for step in changed)
        return CleanupParameters(self.majority_radius, self.fill, self.specks, counts)


@stops_at_once
def clean_up(
    phases: VolumeOrArray,
    *,
    specks: Sequence[tuple[int, int]] = (),
    fill: Sequence[int] = (),
    majority_radius: int = 0,
    connectivity: Literal[6, 18, 26] = 26,
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[VolumeOrArray, list[CleanupStep]]:
    """Clean phases in a fixed order: majority filter, then holes, then specks.

    Parameters
    ----------
    phases : Volume or uint8 array, shape (z, y, x)
        0 exterior, 1..N; not changed. Read block by block; mapped and lazy arrays need no memory
        beside the blocks where ``out`` is given.
    specks : sequence of (phase, min_voxels)
        See :func:`remove_specks`.
    fill : sequence of int
        Phases whose holes are filled; see :func:`fill_holes`.
    majority_radius : int
        See :func:`majority_filter`; 0: none.
    connectivity : {6, 18, 26}
        Of specks.
    out : array of integers, same shape, optional
        Written and read by blocks, for example a zarr array; its contents are undefined after an
        error. Default: a new numpy array.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the result does not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; the progress counts the parts of the clean-up. A stop is
        noticed between them, between planes of the majority filter and between blocks.

    Returns
    -------
    (Volume or uint8 array, list of CleanupStep)
        The history of a Volume names the steps. ``out`` where it was given.

    Examples
    --------
    A hole in carbon that no path joins to the border of the box:

    >>> phases = np.full((3, 3, 3), 2, np.uint8)
    >>> phases[1, 1, 1] = 1
    >>> clean, steps = clean_up(phases, fill=[2])
    >>> int(clean[1, 1, 1]), steps
    (2, [CleanupStep(name='fill holes of phase 2', changed_voxel_count=1)])
    """
    given = array_of(phases)
    grid = grid_of(given, block_shape)
    made: Any = np.empty(given.shape, given.dtype) if out is None else out
    tasks: list[tuple[str, Callable[..., int]]] = []
    if majority_radius:
        name = f"majority filter, radius {majority_radius}"
        tasks.append((name, partial(_vote, grid=grid, radius=majority_radius)))
    for phase in fill:
        name = f"fill holes of phase {phase}"
        tasks.append((name, partial(_fill, grid=grid, phase=phase)))
    for phase, fewest in specks:
        name = f"specks of phase {phase} below {fewest} voxels"
        removed = partial(_despeckle, grid=grid, phase=phase, min_voxels=fewest)
        tasks.append((name, partial(removed, connectivity=connectivity)))
    check_out(made, given.shape, "iu")
    steps = []
    source = given
    for done, (name, task) in enumerate(tasks, 1):
        check_stop(should_stop)
        to = made if done == len(tasks) else beside(made)
        steps.append(CleanupStep(name, task(source, out=to, should_stop=should_stop)))
        if source is not given:
            drop(source, made)
        source = to  # what follows reads a block before it writes it, and no voxel beside it
        if progress is not None:
            progress(done, len(tasks))
    if not tasks:
        _copy(given, made, grid, should_stop)
    parameters = CleanupOptions(majority_radius, tuple(fill), tuple(specks)).parameters(steps)
    return volume_like(phases, made, CleanUpStep(parameters)), steps


def remove_specks(
    phases: Any,
    phase: int,
    *,
    min_voxels: int,
    connectivity: Literal[6, 18, 26] = 26,
    should_stop: ShouldStop | None = None,
) -> Labels:
    """Relabel objects of fewer than ``min_voxels`` voxels with the commonest label of their
    neighbours.

    An object of ``phase`` with only exterior around it becomes exterior.

    Raises
    ------
    InputError
        No such phase, or fewer than 1 voxel.
    """
    out: Labels = np.empty(phases.shape, phases.dtype)
    _despeckle(
        phases,
        out=out,
        grid=grid_of(phases),
        phase=phase,
        min_voxels=min_voxels,
        connectivity=connectivity,
        should_stop=should_stop,
    )
    return out


def fill_holes(phases: Any, phase: int) -> Labels:
    """Give to a phase the darker phases that it encloses: those without a 6-connected path to the
    border of the box.

    Raises
    ------
    InputError
        No such phase.
    """
    out: Labels = np.empty(phases.shape, phases.dtype)
    _fill(phases, out=out, grid=grid_of(phases), phase=phase)
    return out


def majority_filter(
    phases: Any, *, radius: int = 1, should_stop: ShouldStop | None = None
) -> Labels:
    """Give each voxel the phase that most voxels of the cube around it have; its own where that is
    as frequent.

    Parameters
    ----------
    phases : uint8 array, shape (z, y, x)
    radius : int
        Half of the cube's edge less one: 1 is 3 × 3 × 3 voxels. Voxels beyond the box and exterior
        ones do not vote.

    Raises
    ------
    InputError
        A radius below 1 or above 5.
    """
    out: Labels = np.empty(phases.shape, phases.dtype)
    _vote(phases, out=out, grid=grid_of(phases), radius=radius, should_stop=should_stop)
    return out


def _despeckle(
    phases: Any,
    *,
    out: Any,
    grid: Grid,
    phase: int,
    min_voxels: int,
    connectivity: int,
    should_stop: ShouldStop | None = None,
) -> int:
    _check_phase(phases, grid, phase)
    if min_voxels < 1:
        raise InputError(f"min_voxels is {min_voxels}; a whole number, 1 or more, is needed.")
    return replace_specks(
        phases,
        phase,
        out,
        min_voxels=min_voxels,
        connectivity=connectivity,
        grid=grid,
        should_stop=should_stop,
    )


def _fill(
    phases: Any, *, out: Any, grid: Grid, phase: int, should_stop: ShouldStop | None = None
) -> int:
    """Write phases with filled holes, and return how many voxels changed; out may be phases."""
    _check_phase(phases, grid, phase)
    shape, in_place = grid.shape, out is phases

    def label(block: Block) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        labels = pieces_of(np.asarray(phases[block]) < phase, 6)
        return labels, outer_pieces(labels, block, shape, (0, 1, 2))

    found, outer = find_components(grid, label, 6, arrays=[phases], should_stop=should_stop)
    closed = ~found.any(outer)
    closed[0] = False

    def write(item: tuple[Block, NDArray[np.bool_]]) -> int:
        block, holes = item
        made = np.array(phases[block])
        changed = 0
        if holes.any():
            enclosed = holes[pieces_of(made < phase, 6)] & (made > 0)
            changed = int(np.count_nonzero(enclosed))
            made[enclosed] = phase
        if changed or not in_place:
            out[block] = made
        return changed

    items = [(block, closed[of]) for block, of in zip(grid.blocks, found.numbers, strict=True)]
    return sum(run_on_blocks(write, items, arrays=[phases, out], should_stop=should_stop))


def _vote(
    phases: Any, *, out: Any, grid: Grid, radius: int, should_stop: ShouldStop | None = None
) -> int:
    """Write filtered phases, and return how many voxels changed; out is not phases."""
    if not 1 <= radius <= 5:
        raise InputError(f"radius is {radius}; 1 to 5 voxels are possible.")

    shape = grid.shape

    def work(block: Block, step: BlockSteps | None = None) -> int:
        outer, inner = with_margin(block, shape, radius)
        given = for_kernel(np.ascontiguousarray(phases[outer]))
        made = np.empty_like(given)
        votes = np.empty(int(given.max(initial=0)) + 1, np.int64)
        for z in range(inner[0].start, inner[0].stop):
            majority(given, made, z, radius, votes)
            if step is not None:
                step.look()
        out[block] = made[inner]
        return int(np.count_nonzero(made[inner] != given[inner]))

    if is_shared(out):
        return sum(run_on_blocks(work, grid.blocks, arrays=[phases, out], should_stop=should_stop))
    return sum(run_stepped_blocks(work, grid.blocks, steps=1, should_stop=should_stop))


def _copy(phases: Any, out: Any, grid: Grid, should_stop: ShouldStop | None) -> None:
    def work(block: Block) -> None:
        out[block] = np.asarray(phases[block])

    run_on_blocks(work, grid.blocks, arrays=[phases, out], should_stop=should_stop)


def _check_phase(phases: Any, grid: Grid, phase: int) -> None:
    found = run_on_blocks(
        lambda block: int(np.asarray(phases[block]).max(initial=0)), grid.blocks, arrays=[phases]
    )
    last = max(found, default=0)
    if not 1 <= phase <= max(last, 1):
        raise InputError(f"phase is {phase}; the volume holds phases 1 to {last}.")
