"""Digital twin of a run: its own steps on images of the phases that it found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd

from napari_snpore.compute import Progress, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, PolishStep, last_step, required_step
from napari_snpore.study.measuring import Measurement, measure_phases
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.polishing import known_blur
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import why_too_rough
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.digital_twin import digital_twin

_SHARES = {"reconstruct": (0.0, 0.7), "projection residual": (0.7, 0.8), "polish": (0.8, 0.95)}
"""Where the long steps of a twin lie in its work; all others take next to nothing."""


def why_no_twin(tomogram: Tomogram, segmentation: Segmentation) -> str | None:
    """Return a sentence that says why a run has no twin; None where it has one."""
    if tomogram.aligned is None:
        return "There are no tilt images behind this volume."
    return why_too_rough(segmentation.phases.history, segmentation.not_polished)


def twins_of_run(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    *,
    twins: int = 1,
    seed: int = 0,
    context: RunContext,
) -> pd.DataFrame:
    """Return the change of each number of a run by its own steps.

    A twin starts at the aligned images, with the blur that the run found. Rules for thresholds and
    envelope run again; thresholds that were given keep their grey values; cubes stay where they are.

    Parameters
    ----------
    recipe : Recipe
        Of the run.
    tomogram, segmentation, measurement
        What the run made.
    twins, seed
        See :func:`~napari_snpore.uncertainty.digital_twin.digital_twin`.
    context : RunContext
        Progress, cancel and timing of the step ``digital twin``.

    Returns
    -------
    DataFrame
        See :func:`~napari_snpore.uncertainty.digital_twin.digital_twin`.

    Raises
    ------
    InputError
        A run without a twin; see :func:`why_no_twin`.
    """
    reason = why_no_twin(tomogram, segmentation)
    series = tomogram.aligned
    if reason is not None or series is None:
        raise InputError(reason or "There are no tilt images behind this volume.")
    polished = required_step(segmentation.phases.history, PolishStep)
    blur_px = known_blur(segmentation.phases.history)
    with context.step("digital twin") as watch:
        noise = noise_model(series, should_stop=watch["should_stop"])

        def repeat(images: TiltSeries, progress: Progress | None) -> dict[Quantity, float]:
            return _repeated(images, blur_px, recipe, tomogram, measurement, context, progress)

        return digital_twin(
            segmentation.phases,
            series,
            measured_numbers(measurement),
            repeat,
            levels=polished.levels,
            blur_px=blur_px,
            noise=noise,
            residual_px=residual_shift_px(tomogram),
            twins=twins,
            seed=seed,
            **watch,
        )


def residual_shift_px(tomogram: Tomogram) -> float:
    """Return the standard deviation of the shifts that the alignment left, px; 0 where it is not
    known.

    The median over the tilts, so that single bad ones do not count.
    """
    if tomogram.alignment is not None:
        return tomogram.alignment.median_residual_px or 0.0
    series = tomogram.aligned
    made = None if series is None else last_step(series.history, AlignStep)
    return 0.0 if made is None else made.residual_px or 0.0


def _repeated(
    images: TiltSeries,
    blur_px: float,
    recipe: Recipe,
    tomogram: Tomogram,
    measurement: Measurement,
    context: RunContext,
    progress: Progress | None,
) -> dict[Quantity, float]:
    """Do the steps of a run on aligned images and return its numbers."""

    @contextmanager
    def monitor(name: str) -> Iterator[Progress | None]:
        yield share_of(progress, *_SHARES[name]) if name in _SHARES else None

    within = RunContext(Record("twin"), monitor, context.should_stop, context.memory_limit)
    section = recipe.reconstruct
    options = section.options
    if isinstance(options, Tv):
        options = replace(options, blur_px=blur_px)
    with within.step("reconstruct") as watch:
        volume = reconstruct(
            images,
            method=options,
            thickness_px=tomogram.volume.shape[0],
            backend=section.backend,
            **watch,
        )
    found = find_phases(
        volume,
        recipe.threshold,
        recipe.envelope,
        recipe.cleanup,
        polish=recipe.polish,
        series=images,
        context=within,
    )
    step = last_step(found.phases.history, PolishStep)
    if step is None or step.note is not None:
        raise InputError("The phases of the twin could not be polished.")
    measured = measure_phases(
        found.phases,
        measurement.section.model_copy(update={"details": False, "thickness": False}),
        names=measurement.names,
        boxes=measurement.boxes,
        cut_axes=found.cut_axes,
        context=within,
    )
    return measured_numbers(measured)
