"""Summary of a comparison as text: a table of the states, their differences, and what limits both."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.number_words import (
    BELOW,
    Write,
    best_value,
    difference_writer,
    value_writer,
)
from napari_snpore.numerals import UNKNOWN, number

_WIDEST = 110
_GAP = 2


def summary_text(comparison: Comparison, *, title: str = "") -> str:
    """Return a comparison as text of some 110 columns.

    Parameters
    ----------
    comparison : Comparison
    title : str
        Of the study.
    """
    states = comparison.states
    names = list(dict.fromkeys(states["state"]))
    counts = {name: len(comparison.results.get(name, ())) for name in names}
    lines = [title, ""] if title else []
    several = any(count > 1 for count in counts.values())
    what = "mean of the fibres" if several else "value, corrected where a twin says how"
    lines += [f"States ({what}, 95 % interval)", *_state_table(comparison, names, counts), ""]
    for a, b in dict.fromkeys(
        zip(comparison.differences["state_a"], comparison.differences["state_b"], strict=True)
    ):
        lines += [f"{b} less {a} (95 % interval; {BELOW}: below the error)"]
        lines += [*_difference_table(comparison, a, b), ""]
    if comparison.notes:
        lines.append("What limits the comparison")
        for note in comparison.notes:
            lines += textwrap.wrap(
                note, _WIDEST, initial_indent="- ", subsequent_indent="  ", break_long_words=False
            )
    return "\n".join(lines).rstrip() + "\n"


def _state_table(
    comparison: Comparison, names: list[str], counts: Mapping[str, int]
) -> Iterable[str]:
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in comparison.states.to_dict("records"):
        key = (str(row["quantity"]), str(row["unit"]))
        cells.setdefault(key, {})[str(row["state"])] = _value_cell(row)
    heads = [f"{name} (n = {counts[name]})" for name in names]
    rows = [
        [_quantity(*key), *(found.get(name, UNKNOWN) for name in names)]
        for key, found in cells.items()
    ]
    return _columns([["", *heads], *rows])


def _difference_table(comparison: Comparison, a: str, b: str) -> Iterable[str]:
    table = comparison.differences
    rows = []
    for row in table[(table["state_a"] == a) & (table["state_b"] == b)].to_dict("records"):
        difference = row["difference"]
        if not math.isfinite(difference):
            continue
        mark = BELOW if row["below_error"] is True else ""
        ends = _ends(row, difference_writer(row, plus=False))
        text = f"{difference_writer(row)(difference)}{ends}"
        rows.append([_quantity(str(row["quantity"]), str(row["unit"])), mark, text, _tested(row)])
    return _columns(rows)


def _value_cell(row: Mapping[Any, Any]) -> str:
    write = value_writer(row)
    return f"{write(best_value(row))}{_ends(row, write)}"


def _ends(row: Mapping[Any, Any], write: Write) -> str:
    low, high = row["low_95"], row["high_95"]
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" ({write(low)} to {write(high)})"


def _tested(row: Mapping[Any, Any]) -> str:
    """Return the tests over fibres; empty where a state has only one."""
    if not math.isfinite(row["p_welch"]):
        return ""
    words = f"p = {number(row['p_welch'], 2)}, Holm {number(row['p_holm'], 2)}"
    effect = row["effect_size"]
    return f"{words}, effect {number(effect, 2)}" if math.isfinite(effect) else words


def _quantity(quantity: str, unit: str) -> str:
    return quantity if unit == "1" else f"{quantity}, {unit}"


def _columns(rows: list[list[str]]) -> list[str]:
    """Return rows with their cells one below the other.

    Examples
    --------
    >>> _columns([["a", "1"], ["bcd", "20"]])
    ['  a    1', '  bcd  20']
    """
    if not rows:
        return ["  none"]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  "
        + (" " * _GAP)
        .join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        .rstrip()
        for row in rows
    ]
