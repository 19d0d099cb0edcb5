"""Words of the Compare form: its headline, sentences about runs, and what was dropped on it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtGui import QDropEvent

from napari_snpore.comparison.notes import same_fibre_notes
from napari_snpore.viewer.forms.form import caveat

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison

_MOST_SAID = 3
"""Sentences about runs that are shown at once."""


def headline_of(comparison: Comparison) -> list[str]:
    """Return how many states and fibres were compared, how many differences lie beyond their
    error, and which fibres are one.
    """
    same = [caveat(escape(note)) for note in same_fibre_notes(comparison.results)]
    return [_counts_of(comparison), *same]


def _counts_of(comparison: Comparison) -> str:
    fibres = sum(len(one) for one in comparison.results.values())
    states = len(comparison.names)
    words = f"<b>{states}</b> {'state' if states == 1 else 'states'}, <b>{fibres}</b> {'fibre' if fibres == 1 else 'fibres'}"
    below = comparison.differences["below_error"]
    known = int(below.notna().sum())
    if states < 2:
        return words
    if not known:
        return f"{words}; no difference has a known error (Measure, Errors estimates them)"
    beyond = int((~below[below.notna()].astype(bool)).sum())
    return f"{words}; <b>{beyond}</b> of {known} differences beyond their error"


def first_of(sentences: Sequence[str]) -> str:
    """Return the first sentences and the number of the others: a folder may hold many old runs."""
    more = len(sentences) - _MOST_SAID
    told = " ".join(sentences[:_MOST_SAID])
    return f"{told} {more} more could not be read." if more > 0 else told


def folders_of(event: QDropEvent) -> list[str]:
    """Return the folders that were dropped; none where something else was."""
    mime = event.mimeData()
    urls = [] if mime is None else mime.urls()
    paths = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    return [str(path) for path in paths if path.is_dir()] if len(paths) == len(urls) else []
