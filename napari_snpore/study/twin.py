"""Digital twin of a run: its own steps on images of the phases that it found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, PolishStep, last_step, required_step
from napari_snpore.segmentation.occlusion import OCCLUSION_THRESHOLD
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


@dataclass(frozen=True, eq=False)
class RunTwins:
    """Digital twins of a run.

    Attributes
    ----------
    changes : DataFrame
        See :func:`~napari_snpore.uncertainty.digital_twin.digital_twin`.
    outline_percent : float or None
        How much wider the outline of their fibre is than the envelope of the run, in % of the volume
        of the envelope; None where the envelope is their outline.
    """

    changes: pd.DataFrame
    outline_percent: float | None


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
) -> RunTwins:
    """Return the change of each number of a fibre like that of a run by the steps of the run.

    A twin starts at the aligned images, with the blur that the run found. Rules for thresholds and
    envelope run again; thresholds that were given keep their grey values; cubes stay where they are.

    The fibre of a twin is that of the phases, but for its outline where the fibre is cut along one axis:
    it rests on the walls and goes on over the mouths of pores
    (:mod:`~napari_snpore.segmentation.outline`), so that what the rule of the envelope takes from
    mouths and adds beside walls is a part of the change.

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
    RunTwins

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
        fibre, added = _fibre(segmentation, watch["should_stop"])
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
        if added is not None:
            planted = numbers_of(
                fibre, segmentation.cut_axes, repeat_context("twin", context, None)
            )
        changes = digital_twin(
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
        return RunTwins(changes, added)


def _fibre(
    segmentation: Segmentation, should_stop: ShouldStop | None
) -> tuple[Volume, float | None]:
    """Return the phases of the fibre that a twin is of, and by how much of its volume its outline is
    wider than the envelope (%).
    """
    phases, around = segmentation.phases, segmentation.envelope
    if len(segmentation.cut_axes) != 1 or around is None:
        return phases, None
    # another threshold is another convention of where a fibre ends, which is not to be corrected
    if around.options.occlusion_threshold != OCCLUSION_THRESHOLD:
        return phases, None
    inside = fibre_outline(phases.data, segmentation.cut_axes[0], should_stop=should_stop)
    if inside is None:
        return phases, None
    fibre = with_outline(phases.data, inside)
    before, after = (np.count_nonzero(data) for data in (phases.data, fibre))
    return replace(phases, data=fibre), 100 * (after - before) / before


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
