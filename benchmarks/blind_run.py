"""One phantom measured as ``snpore run`` measures a series, with nothing of the truth given.

Background, noise, blur, grey levels, thresholds and envelope are found by the program, with its
default settings and by the functions that ``snpore run`` calls. Known to it are the images, their
angles and pixel size, and that there are three phases. The truth enters only afterwards: to place
the cubes whose fractions are compared, and to compare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from benchmarks.case_tables import ANGLES_DEG, PhantomCase
from napari_snpore.history import PolishStep, last_step
from napari_snpore.phantom import Phantom, simulate_measured_series, simulate_tilt_series
from napari_snpore.study.measuring import Measurement, measure_phases
from napari_snpore.study.numbers import Quantity
from napari_snpore.study.provenance import Record
from napari_snpore.study.quick_numbers import quick_numbers
from napari_snpore.study.recipe import InputSection, MeasureSection, Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.stages import Stages
from napari_snpore.study.tomogram import AlignmentChoice, Tomogram, tomogram_of
from napari_snpore.study.truth import planted_numbers

Simulator = Literal["model", "measured", "realigned"]
SIMULATORS: tuple[Simulator, ...] = get_args(Simulator)
"""``model``: the tilts are made by the projector and the blur that the reconstruction assumes;
``measured``: by another projector, probe and recording, with 0.3 px of shifts left by an alignment
that is taken as it is; ``realigned``: the same images aligned by the program first, as ``snpore run``
does by default."""


@dataclass(frozen=True)
class TruthCase:
    """One phantom and the simulator of its tilts."""

    simulator: Simulator
    phantom: PhantomCase

    def columns(self) -> dict[str, Any]:
        """Return the case as columns of a table."""
        return {"simulator": self.simulator, **self.phantom.columns()}


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
        measure=MeasureSection(details=False),
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


def true_numbers(run: BlindRun) -> dict[Quantity, float]:
    """Return the truth: of the planted bodies, and counted in the true voxels what those do not say
    (C and Sn in the cubes, the number of pores).
    """
    measured = run.measurement
    counted = quick_numbers(
        replace(run.phantom.volume, data=run.phantom.phases),
        measured.section,
        names=measured.names,
        boxes=measured.boxes,
        cut_axes=(1,),
        objects=("pore", "Sn"),
    )
    return counted | planted_numbers(run.phantom)
