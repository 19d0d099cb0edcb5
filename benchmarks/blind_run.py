"""One phantom measured as ``snpore run`` measures a series, with nothing of the truth given."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.case_tables import ANGLES_DEG
from benchmarks.truth_chain import TruthCase
from napari_snpore.history import PolishStep, last_step
from napari_snpore.phantom import Phantom, simulate_measured_series, simulate_tilt_series
from napari_snpore.study.measuring import Measurement, measure_phases
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import InputSection, MeasureSection, Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.stages import Stages
from napari_snpore.study.tomogram import AlignmentChoice, Tomogram, tomogram_of


@dataclass(frozen=True, eq=False)
class BlindRun:
    """A phantom and what the program made of its images."""

    phantom: Phantom
    recipe: Recipe
    tomogram: Tomogram
    segmentation: Segmentation
    measurement: Measurement
    context: RunContext

    @property
    def is_polished(self) -> bool:
        """Whether the phases were polished by the images."""
        step = last_step(self.segmentation.phases.history, PolishStep)
        return step is not None and step.note is None

    @property
    def blur_px(self) -> float:
        """Blur that was found, px; nan where none was."""
        return math.nan if self.tomogram.blur is None else self.tomogram.blur.sigma_px

    @property
    def blur_low(self) -> float:
        """Lower end of its interval, px."""
        return math.nan if self.tomogram.blur is None else self.tomogram.blur.low_95

    @property
    def blur_high(self) -> float:
        """Upper end of its interval, px."""
        return math.nan if self.tomogram.blur is None else self.tomogram.blur.high_95


def blind_run(case: TruthCase) -> BlindRun:
    """Make a phantom and its tilts, and do all steps of a run with their default settings.

    The truth places the cubes, nothing else.
    """
    phantom = case.phantom.make()
    simulate = simulate_tilt_series if case.simulator == "model" else simulate_measured_series
    raw = simulate(phantom, angles_deg=ANGLES_DEG, dose=case.phantom.dose, seed=case.phantom.seed)
    recipe = Recipe(
        input=InputSection(tilt_series="phantom.mrc"),
        align={"enabled": case.simulator == "realigned"},
        measure=MeasureSection(phases=["Sn"], details=False),
    )
    context = RunContext(Record("benchmark"))
    tomogram = tomogram_of(
        Stages(raw),
        recipe.prepare,
        AlignmentChoice(recipe.align),
        recipe.reconstruct,
        context=context,
        halves=False,
    )
    segmentation = find_phases(
        tomogram.volume,
        recipe.threshold,
        recipe.envelope,
        recipe.cleanup,
        polish=recipe.polish,
        series=tomogram.aligned,
        context=context,
    )
    measurement = measure_phases(
        segmentation.phases,
        recipe.measure,
        names=segmentation.scheme.names,
        boxes={region: (center, size) for region, (center, size, _) in phantom.boxes.items()},
        cut_axes=segmentation.cut_axes,
        context=context,
    )
    return BlindRun(phantom, recipe, tomogram, segmentation, measurement, context)
