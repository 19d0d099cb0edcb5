"""Solver and iterations of each reconstruction method, with the options that are estimated from the
data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import check_stop
from napari_snpore.tomography.cgls import CglsSolver
from napari_snpore.tomography.dart import DartSolver
from napari_snpore.tomography.gray_levels import checked_levels, find_levels, fit_levels
from napari_snpore.tomography.noise import NoiseLevel, noise_level, noise_model
from napari_snpore.tomography.options import Cgls, Dart, Planned, Sirt, Stoppable, Wbp
from napari_snpore.tomography.projector import LANE_COUNTS, Planes
from napari_snpore.tomography.sirt import SirtSolver
from napari_snpore.tomography.solving import Planar, Problem, Run, Solver
from napari_snpore.tomography.stopping import PILOT_SLICES, StoppingPoint, stopping_point
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_reconstruction import (
    Course,
    middle_rows,
    noise_of_object,
    relative_weights,
    variation_weight,
)
from napari_snpore.tomography.wbp import WbpSolver

_PILOT_ITERATIONS = 80


@dataclass(frozen=True, eq=False)
class Plan:
    """A solver, how long it runs, and what the history says of both."""

    solver: Solver
    iterations: int
    parameters: dict[str, Any]


def plan(
    series: TiltSeries, problem: Problem, options: Planned, run: Run, planes: Planar | None = None
) -> Plan:
    """Turn a method's options into a solver; looks at the images where an option was left to
    them.
    """
    planes = Planes(problem.beam, min(LANE_COUNTS)) if planes is None else planes
    match options:
        case Wbp():
            return Plan(WbpSolver.of(problem.beam, options.filter), 1, {"filter": options.filter})
        case Dart():
            levels, how = _levels(series, problem, options.gray_levels, run)
            dart_solver = DartSolver.of(planes, levels, seed=options.seed)
            found = {"gray_levels": levels.tolist(), "gray_levels_from": how, "seed": options.seed}
            return Plan(dart_solver, options.iterations, found)
        case Sirt():
            return _stopped(
                series,
                problem,
                SirtSolver.of(planes, nonnegative=options.nonnegative),
                options,
                run,
            )
        case Cgls():
            return _stopped(
                series,
                problem,
                CglsSolver.of(problem.beam, nonnegative=options.nonnegative),
                options,
                run,
            )


def _stopped(
    series: TiltSeries, problem: Problem, solver: Solver, options: Stoppable, run: Run
) -> Plan:
    """Plan a method that runs for a number of iterations or down to the noise of the images."""
    if options.stop == "iterations":
        return Plan(solver, options.limit, {"stop": "iterations"})
    noise = noise_level(series, should_stop=run.should_stop)
    point = stopping_point(problem, solver, options.limit, noise.share, run)
    return Plan(solver, point.iterations, _stopping_words(noise, point, options.limit))


def _stopping_words(noise: NoiseLevel, point: StoppingPoint, most: int) -> dict[str, Any]:
    words: dict[str, Any] = {
        "stop": "noise",
        "noise_share": noise.share,
        "noise_reached": point.reached,
    }
    if not point.reached:
        words["note"] = (
            f"The noise level, {100 * noise.share:.2g} % of the images' norm, was not reached in {most} iterations "
            f"({100 * point.residual:.2g} % are left): the images hold more that no volume explains than noise."
        )
    return words


def _levels(
    series: TiltSeries, problem: Problem, given: int | tuple[float, ...], run: Run
) -> tuple[NDArray[np.float32], str]:
    """Return the grey levels of DART and where they come from: a quick TV reconstruction of a few
    slices, or the user.
    """
    if not isinstance(given, int):
        return checked_levels(given), "user"
    first, last = middle_rows(problem.slices, PILOT_SLICES)
    sample = problem.at(np.arange(first, last))
    noise = noise_model(series, should_stop=run.should_stop)
    sigma = noise_of_object(sample.images, noise, should_stop=run.should_stop)
    weights = relative_weights(
        sample.images, noise, sigma, threads=run.threads, should_stop=run.should_stop
    )
    weight, _ = variation_weight(
        sample.images, problem.beam.shape[0], sigma, should_stop=run.should_stop
    )
    solver = TotalVariation(
        sample.images,
        problem.beam,
        weights=weights,
        threads=run.threads,
        should_stop=run.should_stop,
    )
    Course(weight, _PILOT_ITERATIONS, 0.0, None).run(solver, lambda *_: _stopped_by(run))
    volume = solver.rows(0, last - first)
    levels = find_levels(volume, given)
    return fit_levels(sample, volume, levels), "images"


def _stopped_by(run: Run) -> bool:
    check_stop(run.should_stop)
    return False
