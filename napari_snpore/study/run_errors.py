"""Errors of the numbers of phases: their tables, and how a history of the phases keeps them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from napari_snpore.history import (
    DetectionLimitStep,
    EditByHandStep,
    EstimateErrorsStep,
    HistoryStep,
    LabelStep,
    MergeObjectsStep,
    OrientStep,
    PolishStep,
    ReadStep,
    ReconstructStep,
    SegmentStep,
    SplitObjectStep,
    VoxelSizeStep,
    last_step,
)
from napari_snpore.study.edit_report import EDITED, is_edited_by_hand
from napari_snpore.uncertainty.conditions import Conditions
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS as NUMBER_COLUMNS

SOURCE_COLUMNS = ("quantity", "unit", "source", "low", "high")

NOT_HERE = "not calibrated here"
NO_IMAGES = "no images"
TWIN_FAILED = "a twin failed"

_KEEP_NUMBERS = (
    DetectionLimitStep,
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
    conditions : Conditions or None
        Where they were estimated.
    """

    numbers: pd.DataFrame
    sources: pd.DataFrame
    reason: str | None = None
    twins: int = 0
    seed: int = 0
    notes: tuple[str, ...] = ()
    conditions: Conditions | None = None

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


def why_no_errors(history: Sequence[HistoryStep]) -> str | None:
    """Return a sentence that says why phases with images get no errors; None where they do."""
    if is_edited_by_hand(history):
        return why_edited_has_none()
    if last_step(history, SegmentStep) is None or last_step(history, ReconstructStep) is None:
        return "The history of these phases does not say how they were made: the steps cannot be repeated."
    return why_too_rough(history)


def why_edited_has_none() -> str:
    """Return the sentence that says why phases that were corrected by hand have no errors."""
    return f"These phases were {EDITED}, which a twin cannot repeat; polishing makes them anew."


def why_too_rough(history: Sequence[HistoryStep], not_polished: str | None = None) -> str | None:
    """Return a sentence that says why phases are too rough for a twin; None where they are not.

    ``not_polished``: why they were not polished, where that is known.
    """
    step = last_step(history, PolishStep)
    if step is not None and step.note is None:
        return None
    reason = not_polished if step is None else step.note
    words = "The phases were not polished, and a twin of rougher phases misleads."
    return f"{words} {reason}" if reason else words


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
