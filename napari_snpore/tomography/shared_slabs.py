"""Slabs of a reconstruction in the processes of an engine: planes that are solved one by one.

Images and voxels go by way of arrays on disk that all processes open. The slabs have no influence on
the result: every plane is computed by the same operations in the same order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.engines import engine_with_arrays, receive_from_blocks
from napari_snpore.tomography.projector import LANE_COUNTS, finite_rows
from napari_snpore.tomography.solving import (
    Ledger,
    Problem,
    Run,
    Solver,
    solve_blocks,
    working_bytes,
)

_FILE = (64, 1024)
"""Voxels along z and x of a file of a slab, at most: 8 MB for 32 planes."""

_SHARE = 0.5
"""Of the memory of a machine, for the slabs that are in work there."""

_FEWEST_SLABS = 2
"""Per slab that is in work: the last ones end at about the same time."""

Slab = tuple[int, int]
Found = tuple[NDArray[np.float64], NDArray[np.float64]]


def solve_in_processes(
    problem: Problem, solver: Solver, iterations: int, out: Any, ledger: Ledger, run: Run
) -> bool:
    """Solve all slices into ``out`` by the engine in use; return false where there is none, where it
    lacks the memory, or where somebody looks at the work: nothing is done then.
    """
    found = engine_with_arrays()
    looks = run.partial is not None or run.finish_now is not None
    if found is None or looks or problem.support is not None or problem.initial is not None:
        return False
    engine, make_array = found
    memory = engine.memory if run.memory_limit is None else min(engine.memory, run.memory_limit)
    memory = int(_SHARE * memory / engine.at_a_time)
    rows = _rows(problem, solver, memory, engine.at_a_time)
    if rows is None:
        return False
    depth, slices, width = problem.shape
    tilts, _, pixels = problem.images.shape
    slabs = [(first, min(first + rows, slices)) for first in range(0, slices, rows)]
    images = make_array((tilts, slices, pixels), (tilts, rows, pixels), np.float32)
    block = (min(_FILE[0], depth), rows, min(_FILE[1], width))
    voxels = make_array((depth, slices, width), block, np.float32)
    try:
        for first, last in slabs:
            part = slice(0, tilts), slice(first, last), slice(0, pixels)
            images[part] = finite_rows(problem.images, first, last, "images")

        def work(slab: Slab) -> Found:
            rest = memory - 4 * depth * rows * width
            return _solve_slab(slab, images, problem.beam, solver, iterations, voxels, rest)

        def receive(number: int, made: Found) -> None:
            first, last = slabs[number]
            out[:, first:last] = voxels[:, first:last]
            ledger.measured[first:last], ledger.left[:, first:last] = made
            ledger.report()

        receive_from_blocks(
            work,
            slabs,
            receive,
            arrays=[images, voxels],
            progress=run.progress,
            should_stop=run.should_stop,
        )
    finally:
        images.remove()
        voxels.remove()
    return True


def _rows(problem: Problem, solver: Solver, memory: int, at_a_time: int) -> int | None:
    """Return how many planes a slab has: as many as the widest blocks that fit and leave several slabs
    for each process.
    """
    few = [count for count in LANE_COUNTS if count * at_a_time * _FEWEST_SLABS <= problem.slices]
    for count in sorted(few or [min(LANE_COUNTS)], reverse=True):
        slab = 4 * count * math.prod(problem.beam.shape)
        if slab + working_bytes(problem, solver, count) <= memory:
            return count
    return None


def _solve_slab(
    slab: Slab,
    images: Any,
    beam: Any,
    solver: Solver,
    iterations: int,
    voxels: Any,
    memory: int,
) -> Found:
    """Solve some planes in this process, write them, and return the squares that were measured and
    those that each iteration left.
    """
    first, last = slab
    problem = Problem(np.asarray(images[:, first:last]), beam)
    ledger = Ledger(last - first, iterations)
    part = np.empty(problem.shape, np.float32)
    solve_blocks(problem, solver, iterations, part, ledger, Run(1, memory_limit=memory))
    depth, _, width = problem.shape
    voxels[slice(0, depth), slice(first, last), slice(0, width)] = part
    return ledger.measured, ledger.left
