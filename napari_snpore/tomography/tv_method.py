"""TV of a tilt series: what its options leave to the data, and the solution of all slabs."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from napari_snpore.compute import share_of
from napari_snpore.tomography.discrete.blur_search import BlurEstimate, find_blur
from napari_snpore.tomography.held_out_weight import HELD_OUT, choose_weight
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.solving import Ledger, Problem, Run
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.tv_reconstruction import (
    NOISE,
    VariationSettings,
    check_memory,
    noise_of_object,
    solve_slabs,
    variation_weight,
)

_SEARCH_SHARE = 0.4
"""Share of the work that finding the blur takes."""

_CHOICE_SHARE = 0.6
"""Share of the rest that choosing λ by held-out tilts takes."""


def solve_tv(
    series: TiltSeries,
    problem: Problem,
    options: Tv,
    blur: BlurEstimate | None,
    out: Any,
    ledger: Ledger,
    run: Run,
) -> tuple[dict[str, Any], int]:
    """Solve a problem by TV into ``out``; return what the history says of it, and the most
    iterations that it could take.

    ``blur``: taken where the options leave the blur to the images; None: it is searched.
    """
    # before the long search
    held_out = options.weight == "auto"
    given = 0.0 if options.blur_px == "auto" else options.blur_px
    check_memory(problem, run, blur_px=given, reweight=options.reweight, held_out=held_out)
    noise = noise_model(series, should_stop=run.should_stop)
    searched = options.blur_px == "auto" and blur is None
    blur_px, blur_from, blur_range = 0.0, "user", None
    if options.blur_px != "auto":
        blur_px = options.blur_px
    else:
        blur_px, blur_from, blur_range = _blur_of(blur or _searched(series, problem, noise, run))
    done = _SEARCH_SHARE if searched else 0.0
    sigma = noise_of_object(problem.images, noise, should_stop=run.should_stop)
    if options.weight is None or held_out:
        weight, weight_from = variation_weight(
            problem.images, problem.beam.shape[0], sigma, should_stop=run.should_stop
        )
    else:
        weight, weight_from = float(options.weight), "user"
    settings = VariationSettings(
        noise,
        sigma,
        blur_px,
        weight,
        options.iterations,
        options.tolerance,
        options.nonnegative,
        options.reweight,
        weigh_misfit=weight_from == NOISE,
    )
    choice = None
    if held_out:
        # a quick volume is shown meanwhile, if any
        part, done = done, done + _CHOICE_SHARE * (1 - done)
        choosing = replace(run, partial=None, progress=share_of(run.progress, part, done))
        choice = choose_weight(problem, settings, choosing)
        if choice.gain.gains:
            weight, weight_from = choice.factor * weight, HELD_OUT
            limit = choice.iterations or options.iterations
            settings = replace(settings, weight=weight, limit=limit)
            if choice.iterations is not None:
                settings = replace(settings, tolerance=0.0)  # to the chosen iteration, not before
    if done > 0:
        run = replace(run, progress=share_of(run.progress, done, 1.0))
    solved = solve_slabs(problem, settings, out, ledger, run)
    stopped = settings.tolerance < options.tolerance  # by choice, at an iteration
    found = {
        "tv_weight": weight,
        "tv_weight_from": weight_from,
        "tv_misfit": solved.misfit,
        "blur_px": blur_px,
        "blur_from": blur_from,
        "blur_range_px": blur_range,
        "reweighted": options.reweight,
        "converged": None if stopped else solved.converged,
        "slab_rows": solved.rows,
        "noise_a": noise.a,
        "noise_b": noise.b,
        "held_out": None if choice is None else choice.record,
    }
    return found, settings.limit


def _searched(series: TiltSeries, problem: Problem, noise: NoiseModel, run: Run) -> BlurEstimate:
    return find_blur(
        series,
        noise=noise,
        thickness_px=problem.beam.shape[0],
        threads=run.threads,
        progress=share_of(run.progress, 0.0, _SEARCH_SHARE),
        should_stop=run.should_stop,
    )


def _blur_of(found: BlurEstimate) -> tuple[float, str, tuple[float, float] | None]:
    """Return the blur that is used, where it comes from, and its interval."""
    if not found.reliable:
        return 0.0, f"none was used: {found.reason}", None
    ends = (float(found.low_95), float(found.high_95))
    return found.sigma_px, "images", ends if all(map(math.isfinite, ends)) else None
