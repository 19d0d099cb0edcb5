"""Errors of the numbers of phases as lines of a form and as tooltips, from the history of the phases."""

from __future__ import annotations

from collections.abc import Sequence

from napari.layers import Layer

from napari_snpore.figures.intervals import Intervals
from napari_snpore.history import HistoryStep
from napari_snpore.study.error_report import (
    cluster_error_statement,
    fraction_error_statements,
    fraction_intervals,
    has_error,
    hover_words,
)
from napari_snpore.study.report import html_of
from napari_snpore.study.run_errors import recorded_errors
from napari_snpore.viewer.shared.layers import kind_of, record_of, scheme_of, steps_of


def fraction_error_lines(history: Sequence[HistoryStep], names: Sequence[str]) -> list[str]:
    """Return the fractions with their errors and what limits them; empty without errors."""
    errors = recorded_errors(history)
    return [] if errors is None else html_of(fraction_error_statements(errors, names))


def error_lines(history: Sequence[HistoryStep], names: Sequence[str]) -> list[str]:
    """Return the fractions and the Sn clusters with their errors; empty without errors."""
    errors = recorded_errors(history)
    if errors is None:
        return []
    statements = fraction_error_statements(errors, names)
    clusters = cluster_error_statement(errors)
    if clusters is not None:
        statements.insert(sum(one.kind != "caveat" for one in statements), clusters)
    return html_of(statements)


def fraction_intervals_of(layer: Layer | None) -> Intervals:
    """Return the errors that a layer of phases keeps, by region and phase; empty without any."""
    if layer is None or kind_of(layer) != "phases":
        return {}
    errors = recorded_errors(steps_of(record_of(layer)))
    return fraction_intervals(errors, scheme_of(layer).names)


def hover_of(history: Sequence[HistoryStep], quantities: Sequence[str]) -> str:
    """Return all that is known of the numbers whose names begin so, for a tooltip; empty without
    errors.
    """
    errors = recorded_errors(history)
    if errors is None:
        return ""
    rows = [
        row
        for row in errors.numbers.to_dict("records")
        if has_error(row) and str(row["quantity"]).startswith(tuple(quantities))
    ]
    return "\n".join(hover_words(errors, row) for row in rows)
