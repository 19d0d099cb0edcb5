"""Statements on corrections by hand: how many voxels, from which phase to which, and what was
estimated before them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_snpore.history import (
    EditByHandStep,
    HistoryStep,
    MergeObjectsStep,
    PolishStep,
    SplitObjectStep,
    all_steps,
    has_step,
    recorded_phase_names,
)
from napari_snpore.study.report import Statement, caveat

EDITED = "edited by hand"

_ALL_OF_THESE = (EditByHandStep, MergeObjectsStep, SplitObjectStep)


def is_edited_by_hand(history: Sequence[HistoryStep]) -> bool:
    """Return whether voxels or objects of a history were corrected by hand."""
    return any(has_step(history, kind) for kind in _ALL_OF_THESE)


def edit_record(history: Sequence[HistoryStep]) -> dict[str, Any]:
    """Return the entry of a record's ``results`` on corrections by hand; empty without any."""
    named = {kind.NAME for kind in _ALL_OF_THESE}
    steps = [{"name": one.name, **one.parameters} for one in history if one.name in named]
    return {"edited_by_hand": steps} if steps else {}


def edit_words(step: EditByHandStep, names: Sequence[str]) -> str:
    """Return one correction in words.

    Examples
    --------
    >>> edit_words(EditByHandStep(212, ((1, 3, 200), (0, 1, 12))), ("pore", "C", "Sn"))
    '212 voxels: pore → Sn 200, exterior → pore 12'
    >>> edit_words(EditByHandStep(1, ((1, 3, 1),)), ("pore", "C", "Sn"))
    '1 voxel: pore → Sn'
    """
    count = f"{step.voxels:,} {'voxel' if step.voxels == 1 else 'voxels'}"
    if len(step.changes) == 1:
        before, now, _ = step.changes[0]
        return f"{count}: {_name(before, names)} → {_name(now, names)}"
    kinds = sorted(step.changes, key=lambda change: -change[2])
    words = (f"{_name(before, names)} → {_name(now, names)} {n:,}" for before, now, n in kinds)
    return f"{count}: {', '.join(words)}"


def edit_statements(
    history: Sequence[HistoryStep], names: Sequence[str] | None = None
) -> list[Statement]:
    """Return what was corrected by hand; empty where nothing was.

    Parameters
    ----------
    history : sequence of HistoryStep
        Of phases or objects.
    names : sequence of str, optional
        Of the phases 1..N; default: those in the history.
    """
    known = names or recorded_phase_names(history) or ()
    sentences = [edit_words(step, known) for step in all_steps(history, EditByHandStep)]
    sentences += object_edit_words(history)
    statements = [
        Statement("" if k else EDITED.capitalize(), sentence)
        for k, sentence in enumerate(sentences)
    ]
    if has_step(history, EditByHandStep):
        statements.append(caveat(stale_words(history)))
    return statements


def object_edit_words(history: Sequence[HistoryStep]) -> list[str]:
    """Return which objects were merged and split by hand, a sentence each, in their order."""
    sentences = []
    for step in history:
        if step.name == MergeObjectsStep.NAME:
            merged = all_steps([step], MergeObjectsStep)[0]
            sentences.append(f"two objects merged into one of {merged.voxels:,} voxels")
        elif step.name == SplitObjectStep.NAME:
            split = all_steps([step], SplitObjectStep)[0]
            first, second = split.voxels
            sentences.append(
                f"one object split along a line into {first:,} and {second:,} voxels, through the depth along "
                f"{'zyx'[split.axis]}"
            )
    return sentences


def stale_words(history: Sequence[HistoryStep]) -> str:
    """Return what of a history was estimated before the phases were corrected by hand."""
    what = "intervals and residuals of the thresholds"
    if has_step(history, PolishStep):
        what = "intervals, residuals and polishing"
    return f"These phases were {EDITED}: {what} are of the phases before that."


def _name(label: int, names: Sequence[str]) -> str:
    if label == 0:
        return "exterior"
    return names[label - 1] if label <= len(names) else f"phase {label}"
