"""The whole work on one phantom, from its tilt images to numbers with errors, as rows of tables."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np

from benchmarks.blind_run import BlindRun, TruthCase, blind_run, true_numbers
from benchmarks.case_runner import CaseResult
from napari_snpore.history import (
    PolishStep,
    ReconstructStep,
    SimulateMeasuredSeriesStep,
    SimulateTiltSeriesStep,
    last_step,
    required_step,
)
from napari_snpore.phantom import Phantom
from napari_snpore.study.conditions import conditions_of_run
from napari_snpore.study.errors_of_run import errors_of_run
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.truth import Stage, truth_table
from napari_snpore.tomography.noise import noise_model
from napari_snpore.volume import Volume

STAGES = ("thresholds", "polished")

_OF_ERRORS = ("twin_bias", "corrected", "low_95", "high_95", "calibrated", "dominant_source")
"""Columns of the numbers of a run that the table of the truth has as well."""


_SECONDS = {"reconstruct": "tv", "projection residual": "projection"}
"""Columns of seconds whose step has another name."""


def run_case(case: TruthCase) -> CaseResult:
    """Make a phantom and its tilts, measure it blind, and compare it with the truth."""
    began = time.perf_counter()
    run = blind_run(case)
    parts = (run.recipe, run.tomogram, run.segmentation, run.measurement)
    run_s = time.perf_counter() - began
    errors = errors_of_run(*parts, run.context)
    before, after = run.segmentation.before_polishing, run.segmentation.phases
    # what the program reports where nothing was polished
    thresholded = after if before is None else before
    stages = [
        Stage(STAGES[0], _numbers(thresholded, run)),
        Stage(STAGES[1], measured_numbers(run.measurement)),
    ]
    about = _columns(run)
    for name, phases in zip(STAGES, (thresholded, after), strict=True):
        about[f"wrong_percent_{name}"] = wrong_percent(phases, run.phantom)
    about |= {"twins": errors.twins, "errors_reason": errors.reason}
    about |= {"errors_notes": " ".join(errors.notes) or None}
    about |= {
        f"{_SECONDS.get(name, name).replace(' ', '_')}_s": round(seconds, 2)
        for name, seconds in run.context.record.timings_s.items()
    }
    about |= {"run_s": round(run_s, 1)}
    about["errors_s"] = round(time.perf_counter() - began - run_s, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    about["peak_gib"] = round(peak, 2)
    table = truth_table(true_numbers(run), stages)
    table = table.rename(columns={name: f"{name}_value" for name in STAGES})
    found = errors.numbers[["quantity", "unit", *_OF_ERRORS]]
    return CaseResult(table.merge(found, how="left").to_dict("records"), about)


def wrong_percent(phases: Volume, phantom: Phantom) -> float:
    """Return the share (%) of the voxels of the fibre, pores included, that have another phase."""
    return 100 * float((phases.data != phantom.phases)[phantom.envelope].mean())


def _columns(run: BlindRun) -> dict[str, Any]:
    """Return what the run found on its way."""
    tomogram, segmentation = run.tomogram, run.segmentation
    series = tomogram.aligned
    assert series is not None
    noise = noise_model(series)
    made = last_step(series.history, SimulateTiltSeriesStep)
    recorded = last_step(series.history, SimulateMeasuredSeriesStep)
    simulated = made or recorded
    step = required_step(tomogram.volume.history, ReconstructStep)
    columns: dict[str, Any] = {
        "counts_per_unit_true": None if simulated is None else simulated.counts_per_unit,
        "counts_per_unit_found": noise.gain,
        "image_gain_true": 1.0 if recorded is None else recorded.gain,
        "noise_a": noise.a,
        "noise_b": noise.b,
        "interpolation": noise.interpolation,
        "blur_px": run.blur_px,
        "blur_low_95": run.blur_low,
        "blur_high_95": run.blur_high,
        "blur_reliable": tomogram.blur is not None and tomogram.blur.reliable,
        "blur_reason": None if tomogram.blur is None else tomogram.blur.reason,
        "iterations": step.iterations,
        "converged": step.converged,
        "tv_weight": step.tv_weight,
        "tv_misfit": step.tv_misfit,
    }
    columns |= {f"t{k}": value for k, value in enumerate(segmentation.thresholds, 1)}
    suggested, images = segmentation.suggestion, segmentation.residual_map
    columns["warning"] = None if suggested is None else suggested.warning
    if images is not None:
        columns["residual_thresholds"] = images.minimum
        columns |= _level_columns("thresholds", (0.0, *images.levels))
    polished = last_step(segmentation.phases.history, PolishStep)
    columns |= {"polished": run.is_polished, "polish_reason": segmentation.not_polished}
    if polished is not None and polished.note is not None:
        columns["polish_reason"] = polished.note
    if polished is not None and polished.note is None:
        columns |= _level_columns("polished", polished.levels)
        # power to variance, so that both residuals have the same unit
        columns["residual_polished"] = (polished.residual_after or np.nan) / noise.interpolation
        columns["held"] = " ".join(map(str, polished.held)) or None
        columns |= {"sweeps": polished.sweeps, "changed_voxels": polished.changed_voxels}
    conditions = conditions_of_run(tomogram, segmentation, noise=noise)
    if conditions is not None:
        columns |= {f"{name}_found": value for name, value in vars(conditions).items()}
    return columns


def _level_columns(stage: str, levels: tuple[float, ...]) -> dict[str, float]:
    """Return the levels of C and Sn, which are labels 2 and 3."""
    named = dict(zip(("exterior", "pore", "carbon", "tin"), levels, strict=False))
    return {f"level_{name}_{stage}": named.get(name, np.nan) for name in ("carbon", "tin")}


def _numbers(phases: Volume, run: BlindRun) -> dict[Quantity, float]:
    """Measure other phases as those of the run."""
    return measured_numbers(
        measure_phases(
            phases,
            run.measurement.section,
            names=run.measurement.names,
            boxes=run.measurement.boxes,
            cut_axes=run.segmentation.cut_axes,
        )
    )
