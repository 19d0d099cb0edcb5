"""Table of states as texts: value ± error per state, and differences with a mark where they lie below
the error.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.number_tables import CALIBRATED, Quantity
from napari_snpore.comparison.number_words import BELOW, difference_words, value_words
from napari_snpore.figures.state_bars_panel import fibre_words
from napari_snpore.numerals import UNKNOWN

_NOT_CALIBRATED = "*"
_MOST_PAIRS = 3
"""Pairs of states that have a column each; of more states only the differences from the first."""


def comparison_table(
    comparison: Comparison,
    *,
    differences: bool = True,
    quantities: Sequence[Quantity] | None = None,
) -> pd.DataFrame:
    """Return one row per number: its name with the unit, a column per state, and one per pair.

    Parameters
    ----------
    comparison : Comparison
    differences : bool
        Add a column per pair of states; a difference below its error in parentheses. Else a value is
        marked by ``≈`` where it differs from that of the first state by less than the error.
    quantities : sequence of (quantity, unit), optional
        Which numbers; default: all.

    Returns
    -------
    DataFrame of str
        The first column, which has no name, holds the names; corrected values where there are some;
        ``*`` after what is not calibrated, unless nothing is.
    """
    mark = _NOT_CALIBRATED if _some_are_calibrated(comparison) else ""
    cells = {
        (row["quantity"], row["unit"], row["state"]): _value_words(row, mark)
        for row in comparison.states.to_dict("records")
    }
    order = list(dict.fromkeys((quantity, unit) for quantity, unit, _ in cells))
    if quantities is not None:
        order = [quantity for quantity in order if quantity in quantities]
    if not differences:
        for row in comparison.differences.to_dict("records"):
            if row["state_a"] == comparison.names[0] and row["below_error"] is True:
                cells[row["quantity"], row["unit"], row["state_b"]] += f" {BELOW}"
    columns: dict[str, list[str]] = {
        "": [f"{quantity} ({unit})" if unit != "1" else quantity for quantity, unit in order]
    }
    for state in comparison.names:
        columns[state] = [cells.get((*quantity, state), UNKNOWN) for quantity in order]
    if differences:
        found = {
            (row["quantity"], row["unit"], row["state_a"], row["state_b"]): _difference_words(row)
            for row in comparison.differences.to_dict("records")
        }
        for a, b in _pairs(comparison):
            columns[f"{a} → {b}"] = [found.get((*quantity, a, b), UNKNOWN) for quantity in order]
    return pd.DataFrame(columns)


def remark_on_comparison(comparison: Comparison, *, differences: bool = True) -> str:
    """Return how many fibres there are, and what marks mean."""
    rows = comparison.states.to_dict("records")
    words = [fibre_words([{str(key): value for key, value in row.items()} for row in rows])]
    if any(math.isfinite(row["corrected"]) for row in rows):
        words.append("fractions and volumes corrected by a digital twin where known")
    if comparison.differences["below_error"].eq(True).any():
        words.append(
            "in parentheses: the difference lies below the error"
            if differences
            else f"{BELOW}: differs from {comparison.names[0]} by less than the error"
        )
    if _some_are_calibrated(comparison):
        if (comparison.states["calibrated"] != CALIBRATED).any():
            words.append("*: the interval is not calibrated")
    elif comparison.states["low_95"].notna().any():
        words.append("the intervals are not calibrated")
    return "; ".join(words)


def _some_are_calibrated(comparison: Comparison) -> bool:
    return bool((comparison.states["calibrated"] == CALIBRATED).any())


def _pairs(comparison: Comparison) -> list[tuple[str, str]]:
    table = comparison.differences[["state_a", "state_b"]].drop_duplicates()
    pairs = [(str(a), str(b)) for a, b in table.itertuples(index=False, name=None)]
    if len(pairs) <= _MOST_PAIRS:
        return pairs
    return [pair for pair in pairs if pair[0] == comparison.names[0]]


def _value_words(row: Mapping[Any, Any], mark: str) -> str:
    words = value_words(row)
    known = words != UNKNOWN and math.isfinite(row["low_95"])
    return f"{words}{mark}" if known and row["calibrated"] != CALIBRATED else words


def _difference_words(row: Mapping[Any, Any]) -> str:
    words = difference_words(row)
    return f"({words})" if row["below_error"] is True else words
