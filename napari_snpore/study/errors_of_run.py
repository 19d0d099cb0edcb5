"""Errors of the numbers of a run: what its digital twins say, intervals, and why there are none."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.study.conditions import conditions_of_run, unlike_phantoms
from napari_snpore.study.edit_report import EDITED, is_edited_by_hand
from napari_snpore.study.ensemble import ensemble_of_run
from napari_snpore.study.intervals import fractions_along, with_intervals
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.numbers import measured_numbers, numbers_table
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import (
    NO_IMAGES,
    NOT_HERE,
    TWIN_FAILED,
    RunErrors,
    is_estimated,
    no_sources,
    why_edited_has_none,
)
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.study.twin import twins_of_run, why_no_twin
from napari_snpore.uncertainty.calibration import EXPLAINED
from napari_snpore.uncertainty.threshold_ensemble import as_three_times, ensemble_spread

COST = 1.1
"""Time that one twin takes, over that of the reconstruction and polishing of the run."""

THRICE = 3
"""Draws that stand for work done three times."""

_TOLD_OUTLINE = 1.0
"""Least difference between outline and envelope that is told, % of the volume: half a point of a pore
fraction of 50 %."""

_REPEATED = ("reconstruct", "projection residual", "polish")


def errors_of_run(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    context: RunContext,
) -> RunErrors:
    """Return the errors of the numbers of a run.

    Parameters
    ----------
    recipe : Recipe
        Of the run; ``[uncertainty]`` says how many twins there are.
    tomogram, segmentation, measurement
        What the run made.
    context : RunContext
        Progress, cancel and timing; told what a twin costs before it starts.

    Raises
    ------
    Stopped
        The context asked for it.
    """
    numbers = measured_numbers(measurement)
    section = recipe.uncertainty
    why, reason = _why_none(recipe, tomogram, segmentation)
    twin, outline = None, None
    if reason is None:
        context.say(twin_cost(section.twins, context.record.timings_s))
        try:
            made_twins = twins_of_run(
                recipe,
                tomogram,
                segmentation,
                measurement,
                twins=section.twins,
                seed=section.seed,
                context=context,
            )
            twin, outline = made_twins.changes, made_twins.outline_percent
        except InputError as error:  # a run that is done is not lost for its twin
            reason = f"There is no twin. {error}"
    if twin is not None and (twin["failed"] > 0).any():
        why = TWIN_FAILED
        said = twin.loc[twin["failed"] > 0, "reason"].iloc[0]
        reason = f"A digital twin of this fibre failed, so that nothing is corrected. {said}"
    table = numbers_table(numbers, twin, why)
    made = 0 if twin is None else section.twins
    if why == EDITED:
        return RunErrors(table, no_sources(), reason, made, section.seed)
    try:
        ensemble = ensemble_of_run(
            recipe,
            tomogram,
            segmentation,
            measurement,
            draws=section.draws,
            seed=section.seed,
            context=context,
        )
    except InputError as error:  # not enough memory among them: a run that is done is not lost
        note = f"There are no intervals. {error}"
        return RunErrors(table, no_sources(), reason, made, section.seed, (note,))
    conditions = conditions_of_run(tomogram, segmentation, should_stop=context.should_stop)
    found = with_intervals(
        table,
        ensemble_spread(ensemble),
        twin=twin if why == NOT_HERE else None,
        images=why != NO_IMAGES,
        reason=unlike_phantoms(recipe, tomogram, segmentation, measurement),
        conditions=conditions,
        along=fractions_along(
            segmentation.phases.data, segmentation.scheme.names, segmentation.cut_axes
        ),
    )
    notes = found.notes
    if why == NOT_HERE and outline is not None and abs(outline) >= _TOLD_OUTLINE:
        notes += (outline_words(outline),)
    if conditions is not None and conditions.misfit > EXPLAINED:
        notes += (misfit_words(conditions.misfit),)
    if section.draws == THRICE:
        notes += (three_times_words(ensemble),)
    return RunErrors(found.numbers, found.sources, reason, made, section.seed, notes, conditions)


def outline_words(percent: float) -> str:
    """Return what sets the outline of the twin apart from the envelope of the run."""
    than = "more" if percent > 0 else "less"
    return (
        f"The corrected fractions are of a fibre whose outline rests on its walls and goes on over mouths of "
        f"pores: it holds {abs(percent):.1f} % {than} than the envelope by occlusion."
    )


def misfit_words(misfit: float) -> str:
    """Return what phases mean that do not explain their images."""
    return (
        f"The images are off from these phases by {misfit:.1f} times their noise (mean square; about 1 where the "
        "phases explain them): shifts that an alignment left, another blur, or grey values that differ within a "
        "phase. A twin has none of these, so that what it corrects may be no nearer to the truth. Aligning the "
        "images again may help."
    )


def three_times_words(ensemble: pd.DataFrame) -> str:
    """Return the plain deviation of three draws, as work that is done three times reports it."""
    rows = as_three_times(ensemble)
    shares = rows[rows["quantity"].str.match(r"pore fraction, (whole|.* (cube|cuboid))$")]
    words = [f"{row['quantity']} ± {row['sd']:.1f} points" for row in shares.to_dict("records")]
    return f"Done three times, standard deviation, no interval: {'; '.join(words)}."


def _why_none(
    recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation
) -> tuple[str, str | None]:
    """Return why the numbers are not calibrated, in the words of the table, and the sentence that
    says why there is no twin; None where there can be one.
    """
    if is_edited_by_hand(segmentation.phases.history):
        return EDITED, why_edited_has_none()
    why = NO_IMAGES if tomogram.aligned is None else NOT_HERE
    reason = why_no_twin(tomogram, segmentation)
    if reason is None and not recipe.uncertainty.twins:
        reason = "No digital twin was asked for."
    return why, reason


def twin_cost(twins: int, timings_s: dict[str, float]) -> str:
    """Return what digital twins cost, in a sentence; with seconds where the run has told how long
    its steps take.

    Examples
    --------
    >>> twin_cost(1, {"reconstruct": 100.0, "polish": 20.0})
    'One digital twin for the errors of the numbers: about 130 s.'
    >>> twin_cost(3, {})
    '3 digital twins for the errors of the numbers: each repeats reconstruction and polishing.'
    """
    what = "One digital twin" if twins == 1 else f"{twins} digital twins"
    about = repeat_cost(twins, timings_s)
    if about is None:
        repeats = "it repeats" if twins == 1 else "each repeats"
        return f"{what} for the errors of the numbers: {repeats} reconstruction and polishing."
    return f"{what} for the errors of the numbers: about {about}."


def repeat_cost(times: int, timings_s: dict[str, float]) -> str | None:
    """Return how long the steps of a run take once more, so many times; None where the run has not
    told how long they take.

    Examples
    --------
    >>> repeat_cost(2, {"reconstruct": 100.0, "polish": 20.0})
    '260 s'
    """
    if not timings_s.get("reconstruct"):
        return None
    seconds = COST * times * sum(timings_s.get(name, 0.0) for name in _REPEATED)
    return f"{max(seconds, 1):.0f} s" if seconds < 100 else f"{10 * round(seconds / 10)} s"


def with_errors(segmentation: Segmentation, errors: RunErrors) -> Segmentation:
    """Return a segmentation whose phases say in their history what the errors of their numbers
    are; as it is where none were estimated.
    """
    if not is_estimated(errors):
        return segmentation
    phases = segmentation.phases
    return replace(segmentation, phases=phases.after(errors.step, phases.data))
