"""What the reader of a file chose or left out, as statements of a report."""

from __future__ import annotations

from collections.abc import Sequence

from napari_snpore.history import HistoryStep, ReadStep, last_step
from napari_snpore.study.report import Statement


def reading_statements(history: Sequence[HistoryStep]) -> list[Statement]:
    """Return the notes of the last reading, such as which of several images was taken; empty where
    there was no choice.
    """
    read = last_step(tuple(history), ReadStep)
    notes = () if read is None or read.notes is None else read.notes
    return [Statement("" if number else "Reading", note) for number, note in enumerate(notes)]
