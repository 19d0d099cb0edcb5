"""Digital twin of a run: its own steps on images of the phases that it found."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from napari_snpore.compute import Progress
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, PolishStep, last_step, required_step
from napari_snpore.segmentation.outline import fibre_outline, with_outline
from napari_snpore.study.measuring import Measurement, measure_phases
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.polishing import known_blur
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.repeating import repeat_context, repeated_phases
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import why_too_rough
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.noise import noise_model
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.uncertainty.digital_twin import digital_twin
from napari_snpore.volume import Volume


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
    fibre = _fibre(segmentation, context)
    with context.step("digital twin") as watch:
        noise = noise_model(series, should_stop=watch["should_stop"])

        def repeat(images: TiltSeries, progress: Progress | None) -> dict[Quantity, float]:
            within = repeat_context("twin", context, progress)
            found = repeated_phases(images, blur_px, recipe, tomogram, within)
            return numbers_of(found.phases, found.cut_axes, within)

        def numbers_of(
            phases: Volume, cut_axes: tuple[int, ...], within: RunContext
        ) -> dict[Quantity, float]:
            measured = measure_phases(
                phases,
                measurement.section.model_copy(update={"details": False, "thickness": False}),
                names=measurement.names,
                boxes=measurement.boxes,
                cut_axes=cut_axes,
                context=within,
            )
            return measured_numbers(measured)

        planted = measured_numbers(measurement)
        if fibre is not segmentation.phases:
            planted = numbers_of(
                fibre, segmentation.cut_axes, repeat_context("twin", context, None)
            )
        return digital_twin(
            fibre,
            series,
            planted,
            repeat,
            levels=polished.levels,
            blur_px=blur_px,
            noise=noise,
            residual_px=residual_shift_px(tomogram),
            twins=twins,
            seed=seed,
            **watch,
        )


def _fibre(segmentation: Segmentation, context: RunContext) -> Volume:
    """Return the phases that are taken for a fibre: with an outline that rests on the walls."""
    phases = segmentation.phases
    if len(segmentation.cut_axes) != 1 or segmentation.envelope is None:
        return phases
    inside = fibre_outline(phases.data, segmentation.cut_axes[0], should_stop=context.should_stop)
    return phases if inside is None else replace(phases, data=with_outline(phases.data, inside))


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
