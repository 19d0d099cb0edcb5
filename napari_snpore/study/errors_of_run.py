"""Errors of the numbers of a run: what its digital twins say, intervals, and why there are none."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from napari_snpore.history import (
    EditByHandStep,
    EstimateErrorsStep,
    HistoryStep,
    LabelStep,
    MergeObjectsStep,
    OrientStep,
    ReadStep,
    SplitObjectStep,
    VoxelSizeStep,
    last_step,
)
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.study.edit_report import EDITED, is_edited_by_hand
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.numbers import NUMBER_COLUMNS, measured_numbers, numbers_table
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.study.twin import twins_of_run, why_no_twin

SOURCE_COLUMNS = ("quantity", "unit", "source", "low", "high")

NOT_HERE = "not calibrated here"
NO_IMAGES = "no images"
TWIN_FAILED = "a twin failed"

COST = 1.1
"""Time that one twin takes, over that of the reconstruction and polishing of the run."""

_REPEATED = ("reconstruct", "projection residual", "polish")

_KEEP_NUMBERS = (
    ReadStep,
    OrientStep,
    VoxelSizeStep,
    LabelStep,
    EditByHandStep,
    MergeObjectsStep,
    SplitObjectStep,
)
"""Steps after which recorded errors are still told, if only as those of before an edit."""


@dataclass(frozen=True, eq=False)
class RunErrors:
    """Errors of the numbers of a run.

    Attributes
    ----------
    numbers : DataFrame
        See :func:`~napari_snpore.study.numbers.numbers_table`.
    sources : DataFrame
        ``quantity, unit, source, low, high``: the range that one source of error alone gives a
        number; without rows where that is not known.
    reason : str or None
        A sentence: why there is no twin, or why one failed, or why the numbers are not calibrated.
    twins : int
        Digital twins that were made.
    seed : int
        Of the first.
    notes : tuple of str
        Sentences on numbers that cannot be corrected or trusted, such as those of a fibre that is too
        thick or of images with too few counts, and on those that still hold.
    """

    numbers: pd.DataFrame
    sources: pd.DataFrame
    reason: str | None = None
    twins: int = 0
    seed: int = 0
    notes: tuple[str, ...] = ()

    @property
    def edited(self) -> bool:
        """Whether the numbers were corrected by hand after their errors were estimated."""
        return bool((self.numbers["calibrated"] == f"no, {EDITED}").all())

    @property
    def step(self) -> EstimateErrorsStep:
        """The step by which a history keeps the errors."""
        return EstimateErrorsStep(
            self.twins,
            self.seed,
            _rows(self.numbers, NUMBER_COLUMNS),
            _rows(self.sources, SOURCE_COLUMNS),
            self.reason,
            self.notes,
        )


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
        Progress, cancel and timing; hears what a twin costs before it starts.

    Raises
    ------
    Stopped
        The context asked for it.
    """
    numbers = measured_numbers(measurement)
    section = recipe.uncertainty
    why, reason = _why_none(recipe, tomogram, segmentation)
    twin = None
    if reason is None:
        context.say(twin_cost(section.twins, context.record.timings_s))
        try:
            twin = twins_of_run(
                recipe,
                tomogram,
                segmentation,
                measurement,
                twins=section.twins,
                seed=section.seed,
                context=context,
            )
        except NotEnoughMemoryError as error:  # a run that is done is not lost for its twin
            reason = f"There is no twin. {error}"
    if twin is not None and (twin["failed"] > 0).any():
        why = TWIN_FAILED
        said = twin.loc[twin["failed"] > 0, "reason"].iloc[0]
        reason = f"A digital twin of this fibre failed, so that nothing is corrected. {said}"
    table = numbers_table(numbers, twin, why)
    made = 0 if twin is None else section.twins
    return RunErrors(table, no_sources(), reason, made, section.seed)


def _why_none(
    recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation
) -> tuple[str, str | None]:
    """Return why the numbers are not calibrated, in the words of the table, and the sentence that
    says why there is no twin; None where there can be one.
    """
    if is_edited_by_hand(segmentation.phases.history):
        return EDITED, (
            f"These phases were {EDITED}, which a twin cannot repeat; Polish makes them anew."
        )
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
    return f"{seconds:.2g} s" if seconds < 10 else f"{10 * round(seconds / 10)} s"


def with_errors(segmentation: Segmentation, errors: RunErrors) -> Segmentation:
    """Return a segmentation whose phases say in their history what the errors of their numbers
    are; as it is where none were estimated.
    """
    if not is_estimated(errors):
        return segmentation
    phases = segmentation.phases
    return replace(segmentation, phases=phases.after(errors.step, phases.data))


def is_estimated(errors: RunErrors) -> bool:
    """Return whether a twin was made or any number has an interval."""
    return errors.twins > 0 or bool(errors.numbers["low_95"].notna().any())


def recorded_errors(history: Sequence[HistoryStep]) -> RunErrors | None:
    """Return the errors that a history of phases keeps; None without any, and where the phases were
    made anew or cut since.

    Of phases that were corrected by hand since, no number is calibrated, ``corrected`` or has an
    interval: these are of the phases before.
    """
    found = last_step(history, EstimateErrorsStep)
    if found is None:
        return None
    last = max(k for k, step in enumerate(history) if step.name == EstimateErrorsStep.NAME)
    later = history[last + 1 :]
    if any(step.name not in {kind.NAME for kind in _KEEP_NUMBERS} for step in later):
        return None
    numbers = _table(found.numbers, NUMBER_COLUMNS)
    sources = _table(found.sources, SOURCE_COLUMNS)
    reason = found.reason
    if is_edited_by_hand(later):
        numbers[[*_OF_THE_ERRORS]] = math.nan
        numbers["dominant_source"] = ""
        numbers["calibrated"] = f"no, {EDITED}"
        sources = no_sources()
        reason = f"The errors are of the phases before they were {EDITED}."
    return RunErrors(numbers, sources, reason, found.twins, found.seed, found.notes)


_OF_THE_ERRORS = (
    "twin_bias",
    "corrected",
    "low_95",
    "high_95",
    "fibre_low_95",
    "fibre_high_95",
)


def no_sources() -> pd.DataFrame:
    """Return the table of sources without a row."""
    return pd.DataFrame({name: [] for name in SOURCE_COLUMNS}).astype(
        {"quantity": str, "unit": str, "source": str, "low": float, "high": float}
    )


def _rows(
    table: pd.DataFrame, columns: Sequence[str]
) -> tuple[tuple[str | float | None, ...], ...]:
    return tuple(
        tuple(_stored(value) for value in row)
        for row in table[list(columns)].itertuples(index=False, name=None)
    )


def _stored(value: Any) -> str | float | None:
    """Return a value as JSON holds it: None for what is not a finite number."""
    if isinstance(value, str):
        return value
    return float(value) if math.isfinite(value) else None


def _table(rows: Sequence[Sequence[str | float | None]], columns: Sequence[str]) -> pd.DataFrame:
    words = ("quantity", "unit", "source", "dominant_source", "calibrated", "restoration")
    table = pd.DataFrame([list(row) for row in rows], columns=list(columns))
    return table.astype({name: str if name in words else float for name in columns})
