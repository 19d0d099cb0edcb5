"""The whole work on one phantom, from its tilt images to numbers, with nothing of the truth given.

Background, noise, blur, grey levels, thresholds and envelope are found by the program, with its
default settings and by the functions that ``snpore run`` calls. Known to it are the aligned images,
their angles and pixel size, and that there are three phases. The truth enters only afterwards: to
place the cubes whose fractions are compared, and to compare.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from benchmarks.case_tables import ANGLES_DEG, PhantomCase
from napari_snpore.history import (
    PolishStep,
    ReconstructStep,
    SimulateMeasuredSeriesStep,
    SimulateTiltSeriesStep,
    last_step,
    required_step,
)
from napari_snpore.phantom import Phantom, simulate_measured_series, simulate_tilt_series
from napari_snpore.segmentation.envelope import make_envelope
from napari_snpore.segmentation.projection_residual import projection_residual
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.study.measuring import measure_phases
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.polishing import polish_segmented, why_not_polished
from napari_snpore.study.recipe import AlignSection, MeasureSection, PrepareSection
from napari_snpore.study.stages import find_alignment, prepare
from napari_snpore.study.thresholding import blur_of
from napari_snpore.study.truth import Stage, planted_numbers, truth_table
from napari_snpore.tomography.discrete.blur_search import find_blur
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

Simulator = Literal["model", "measured", "realigned"]
SIMULATORS: tuple[Simulator, ...] = get_args(Simulator)
"""``model``: the tilts are made by the projector and the blur that the reconstruction assumes;
``measured``: by another projector, probe and recording, with 0.3 px of shifts left by an alignment
that is taken as it is; ``realigned``: the same images aligned by the program first, as ``snpore run``
does by default."""

STAGES = ("thresholds", "polished")


@dataclass(frozen=True)
class TruthCase:
    """One phantom and the simulator of its tilts."""

    simulator: Simulator
    phantom: PhantomCase

    def columns(self) -> dict[str, Any]:
        """Return the case as columns of a table."""
        return {"simulator": self.simulator, **self.phantom.columns()}


@dataclass(frozen=True)
class CaseResult:
    """Rows of both tables: one per quantity, and one of the case."""

    quantities: list[dict[str, Any]]
    case: dict[str, Any]


class Clock:
    """Seconds of each part of the work."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Measure the time of a block."""
        began = time.perf_counter()
        yield
        self.seconds[f"{name}_s"] = round(time.perf_counter() - began, 2)


def run_case(case: TruthCase) -> CaseResult:
    """Make a phantom and its tilts, and measure it blind."""
    clock = Clock()
    with clock.timed("phantom"):
        phantom = case.phantom.make()
    with clock.timed("simulate"):
        raw = _simulated(case, phantom)
    with clock.timed("prepare"):
        series = prepare(raw, PrepareSection())
    with clock.timed("align"):
        if case.simulator == "realigned":
            series = find_alignment(series, AlignSection()).apply(series)
        noise = noise_model(series)
    about = _noise_columns(raw, noise)
    volume, blur_px, found = _reconstructed(series, noise, clock)
    about |= found
    thresholded, polished, found = _phases(series, volume, noise, blur_px, clock)
    about |= found
    stages = []
    with clock.timed("measure"):
        # what the program reports where nothing was polished
        last = thresholded if polished is None else polished
        for name, phases in zip(STAGES, (thresholded, last), strict=True):
            stages.append(Stage(name, _numbers(phases, phantom)))
            about[f"wrong_percent_{name}"] = wrong_percent(phases, phantom)
    table = truth_table(planted_numbers(phantom), stages)
    table = table.rename(columns={name: f"{name}_value" for name in STAGES})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    about |= clock.seconds | {"peak_gib": round(peak, 2)}
    return CaseResult(table.to_dict("records"), about)


def wrong_percent(phases: Volume, phantom: Phantom) -> float:
    """Return the share (%) of the voxels of the fibre, pores included, that have another phase."""
    return 100 * float((phases.data != phantom.phases)[phantom.envelope].mean())


def _simulated(case: TruthCase, phantom: Phantom) -> TiltSeries:
    model = case.simulator == "model"
    return (simulate_tilt_series if model else simulate_measured_series)(
        phantom, angles_deg=ANGLES_DEG, dose=case.phantom.dose, seed=case.phantom.seed
    )


def _noise_columns(raw: TiltSeries, noise: NoiseModel) -> dict[str, Any]:
    made = last_step(raw.history, SimulateTiltSeriesStep)
    recorded = last_step(raw.history, SimulateMeasuredSeriesStep)
    step = made or recorded
    return {
        "counts_per_unit_true": None if step is None else step.counts_per_unit,
        "counts_per_unit_found": noise.gain,
        "image_gain_true": 1.0 if recorded is None else recorded.gain,
        "noise_a": noise.a,
        "noise_b": noise.b,
        "interpolation": noise.interpolation,
    }


def _reconstructed(
    series: TiltSeries, noise: NoiseModel, clock: Clock
) -> tuple[Volume, float, dict[str, Any]]:
    """Return the volume, the blur that was used (0 where none was found), and columns."""
    with clock.timed("find_blur"):
        blur = find_blur(series, noise=noise)
    with clock.timed("tv"):
        volume = reconstruct(series, method=Tv(), blur=blur)
    step = required_step(volume.history, ReconstructStep)
    return volume, blur_of(volume.history), {
        "blur_px": blur.sigma_px,
        "blur_low_95": blur.low_95,
        "blur_high_95": blur.high_95,
        "blur_reliable": blur.reliable,
        "blur_reason": blur.reason,
        "iterations": step.iterations,
        "converged": step.converged,
        "tv_weight": step.tv_weight,
        "tv_misfit": step.tv_misfit,
    }  # fmt: skip


def _phases(
    series: TiltSeries, volume: Volume, noise: NoiseModel, blur_px: float, clock: Clock
) -> tuple[Volume, Volume | None, dict[str, Any]]:
    """Return the phases by thresholds, those polished (None where that needs a blur or levels that
    were not found), and columns."""
    with clock.timed("projection"):
        found = projection_residual(series, volume, blur_px=blur_px, noise=noise)
    thresholds = found.suggestion.thresholds
    with clock.timed("envelope"):
        envelope = make_envelope(volume, thresholds[0])
    phases = segment_volume(
        volume, thresholds, method=found.suggestion.method, envelope=envelope
    ).phases
    columns: dict[str, Any] = {f"t{k}": value for k, value in enumerate(thresholds, 1)}
    columns |= {"residual_thresholds": found.minimum, "warning": found.suggestion.warning}
    columns |= _level_columns("thresholds", (0.0, *found.levels))
    polished, reason = None, why_not_polished(phases.history, series)
    with clock.timed("polish"):
        if reason is None:
            polished = polish_segmented(phases, series)
            reason = required_step(polished.history, PolishStep).note
    columns |= {"polished": reason is None, "polish_reason": reason}
    if polished is not None and reason is None:
        step = required_step(polished.history, PolishStep)
        columns |= _level_columns("polished", step.levels)
        # power to variance, so that both residuals have the same unit
        columns["residual_polished"] = (step.residual_after or np.nan) / noise.interpolation
        columns["held"] = " ".join(map(str, step.held)) or None
        columns["sweeps"] = step.sweeps
        columns["changed_voxels"] = step.changed_voxels
    return phases, polished, columns


def _level_columns(stage: str, levels: tuple[float, ...]) -> dict[str, float]:
    """Return the levels of C and Sn, which are labels 2 and 3."""
    named = dict(zip(("exterior", "pore", "carbon", "tin"), levels, strict=False))
    return {f"level_{name}_{stage}": named.get(name, np.nan) for name in ("carbon", "tin")}


def _numbers(phases: Volume, phantom: Phantom) -> dict[Quantity, float]:
    """Measure phases in the cubes of the phantom, Sn objects only."""
    boxes = {region: (center, size) for region, (center, size, _) in phantom.boxes.items()}
    section = MeasureSection(phases=["Sn"], details=False)
    return measured_numbers(measure_phases(phases, section, boxes=boxes))
