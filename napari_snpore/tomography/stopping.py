"""Stopping iteration by Morozov's discrepancy principle: the residual falls to the noise of the
images.

SIRT and CGLS are semi-convergent: at first they come nearer to the object, then they reproduce the
noise. Where that turns is found on a few slices, spread over the volume, before all slices take
that many iterations: every slice is treated alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from napari_snpore.tomography.solving import Ledger, Problem, Run, Solver, solve_blocks

PILOT_SLICES = 16


@dataclass(frozen=True)
class StoppingPoint:
    """After how many iterations to stop, and whether the noise level was reached there."""

    iterations: int
    residual: float
    reached: bool


def pilot(problem: Problem) -> Problem:
    """Return the problem for a few slices, evenly spread."""
    count = min(PILOT_SLICES, problem.slices)
    return problem.at(np.unique(np.linspace(0, problem.slices - 1, count).round().astype(np.intp)))


def stopping_point(
    problem: Problem, solver: Solver, most: int, noise_share: float, run: Run
) -> StoppingPoint:
    """Iterate on a few slices until their residual falls to their share of noise, ``most``
    iterations at most.
    """
    sample = pilot(problem)
    share = noise_share * math.sqrt(_power(problem) / max(_power(sample), 1e-300))
    found: list[int] = []

    def look(iteration: int, residual: float) -> None:
        if residual <= share and not found:
            found.append(iteration)

    ledger = Ledger(sample.slices, most, look)
    quiet = replace(
        run, progress=None, partial=None, finish_now=lambda: bool(found), memory_limit=None
    )
    volume = np.empty(sample.shape, np.float32)
    solve_blocks(sample, solver, most, volume, ledger, quiet)
    residuals = ledger.residuals()
    iterations = found[0] if found else len(residuals)
    return StoppingPoint(iterations, residuals[iterations - 1], bool(found))


def _power(problem: Problem) -> float:
    """Return the mean square of the images."""
    total = sum(float(np.square(np.asarray(image, np.float64)).mean()) for image in problem.images)
    return total / len(problem.beam.angles_deg)
