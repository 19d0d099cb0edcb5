"""Which solver a method means, for how long it runs, and what is taken from the data on the way: noise, weight, grey levels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.tomography import cgls, dart, sirt, total_variation
from napari_snpore.tomography.gray_levels import checked_levels, find_levels, fit_levels
from napari_snpore.tomography.noise import NoiseLevel, noise_level
from napari_snpore.tomography.projector import LANE_COUNTS, Planes, checked_count
from napari_snpore.tomography.solving import Planar, Problem, Run, Solver
from napari_snpore.tomography.stopping import StoppingPoint, pilot, pilot_volume, stopping_point
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.wbp import Wbp

DEFAULT_ITERATIONS = {
    "sirt": sirt.DEFAULT_ITERATIONS,
    "cgls": cgls.DEFAULT_ITERATIONS,
    "tv": total_variation.DEFAULT_ITERATIONS,
    "dart": dart.DEFAULT_ITERATIONS,
    "wbp": 1,
}
MOST_ITERATIONS = {"sirt": 200, "cgls": 60}
"""Where stopping at the noise level gives up, unless ``iterations`` says otherwise."""

_NOISE_WEIGHT = 0.6
_CLEAN_WEIGHT = 0.5
_PILOT_ITERATIONS = 80


@dataclass(frozen=True)
class MethodOptions:
    """The caller's options, before anything is derived from the data."""

    method: str
    iterations: int | None
    nonnegative: bool
    filter: str
    stop: str
    tv_weight: float | None
    gray_levels: int | Sequence[float] | None
    seed: int


@dataclass(frozen=True, eq=False)
class Plan:
    """A solver, how long it runs, and what the history says of both."""

    solver: Solver
    iterations: int
    parameters: dict[str, Any]


def plan(series: TiltSeries, problem: Problem, options: MethodOptions, run: Run, planes: Planar | None = None) -> Plan:
    """Turn the caller's wish into a solver; looks at the images where an option was left to them."""
    planes = Planes(problem.beam, min(LANE_COUNTS)) if planes is None else planes
    if options.method == "wbp":
        return Plan(Wbp.of(problem.beam, options.filter), 1, {"filter": options.filter})
    count = DEFAULT_ITERATIONS[options.method]
    count = count if options.iterations is None else checked_count("iterations", options.iterations)
    solver: Solver
    if options.method == "tv":
        weight, how = _tv_weight(series, problem, options.tv_weight)
        solver = total_variation.TotalVariation.of(planes, weight, nonnegative=options.nonnegative)
        return Plan(solver, count, {"tv_weight": weight, "tv_weight_from": how})
    if options.method == "dart":
        levels, how = _levels(series, problem, planes, options, run)
        solver = dart.Dart.of(planes, levels, seed=options.seed)
        return Plan(solver, count, {"gray_levels": levels.tolist(), "gray_levels_from": how, "seed": options.seed})
    if options.method == "sirt":
        solver = sirt.Sirt.of(planes, nonnegative=options.nonnegative)
    else:
        solver = cgls.Cgls.of(problem.beam, nonnegative=options.nonnegative)
    if options.stop == "iterations":
        return Plan(solver, count, {"stop": "iterations"})
    most = MOST_ITERATIONS[options.method] if options.iterations is None else count
    noise = noise_level(series)
    point = stopping_point(problem, solver, most, noise.share, run)
    return Plan(solver, point.iterations, _stopping_words(noise, point, most))


def _stopping_words(noise: NoiseLevel, point: StoppingPoint, most: int) -> dict[str, Any]:
    words: dict[str, Any] = {"stop": "noise", "noise_share": noise.share, "noise_reached": point.reached}
    if not point.reached:
        words["note"] = (
            f"The noise level, {100 * noise.share:.2g} % of the images' norm, was not reached in {most} iterations "
            f"({100 * point.residual:.2g} % are left): the images hold more that no volume explains than noise."
        )
    return words


def _tv_weight(series: TiltSeries, problem: Problem, given: float | None) -> tuple[float, str]:
    if given is not None:
        if not (math.isfinite(given) and given >= 0):
            raise InputError(f"tv_weight is {given}; a number of grey units, 0 or more, is needed.")
        return float(given), "user"
    noise = noise_level(series).sigma * math.sqrt(len(series.angles_deg))
    brightest = max(float(np.percentile(np.asarray(image), 99.9)) for image in problem.images) / problem.beam.shape[0]
    weight = max(_NOISE_WEIGHT * noise, _CLEAN_WEIGHT * brightest)
    return weight, "noise of the images" if weight > _CLEAN_WEIGHT * brightest else "grey value of the images"


def _levels(
    series: TiltSeries, problem: Problem, planes: Planar, options: MethodOptions, run: Run
) -> tuple[NDArray[np.float32], str]:
    if options.gray_levels is not None and not isinstance(options.gray_levels, int):
        return checked_levels(options.gray_levels), "user"
    count = 3 if options.gray_levels is None else options.gray_levels
    if not 2 <= count <= 6:
        raise InputError(f"gray_levels is {count}; 2 to 6 levels, or their values, are needed.")
    sharp = total_variation.TotalVariation.of(
        Planes(problem.beam, min(LANE_COUNTS)), _tv_weight(series, problem, None)[0]
    )
    volume = pilot_volume(problem, sharp, _PILOT_ITERATIONS, run)
    levels = find_levels(volume, count)
    return fit_levels(pilot(problem), volume, levels), "images"
