"""Numbers of a comparison as the texts of a table: value and interval per state, difference of two
states, and what tooltips say of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.number_words import (
    BELOW,
    difference_words,
    difference_writer,
    value_words,
    value_writer,
)
from napari_snpore.numerals import UNKNOWN, number

Row = Mapping[str, Any]

_SHORT = (
    (" fraction of the box, whole", " of the box"),
    (" fraction, ", ", "),
    ("dead share of pore volume", "dead pores"),
    ("shorter than", "<"),
    ("connectivity 6", "6-connected"),
    ("connectivity 18", "18-connected"),
    ("connectivity 26", "26-connected"),
)
"""Words of quantities that a narrow table has no width for."""


@dataclass(frozen=True)
class NumberCell:
    """Text and tooltip of a cell.

    Attributes
    ----------
    text, tip : str
    is_beyond_error : bool
        Of a difference: its interval does not hold zero.
    """

    text: str
    tip: str = ""
    is_beyond_error: bool = False


@dataclass(frozen=True)
class NumberRow:
    """One number of all states.

    Attributes
    ----------
    quantity, unit : str
    values : tuple of NumberCell
        One per state, in their order.
    difference : NumberCell
        Of the chosen pair.
    """

    quantity: str
    unit: str
    values: tuple[NumberCell, ...]
    difference: NumberCell

    @property
    def words(self) -> str:
        """Quantity with its unit."""
        return self.quantity if self.unit == "1" else f"{self.quantity} ({self.unit})"

    @property
    def short_words(self) -> str:
        """The same for a narrow table.

        Examples
        --------
        >>> NumberRow("pore fraction, centre cube", "%", (), NumberCell("")).short_words
        'pore, centre cube (%)'
        """
        words = self.words
        for long, short in _SHORT:
            words = words.replace(long, short)
        return words


def number_rows(comparison: Comparison, pair: tuple[str, str] | None) -> list[NumberRow]:
    """Return the rows of all numbers.

    Parameters
    ----------
    comparison : Comparison
    pair : (state_a, state_b), optional
        Whose difference b − a is shown, in either order; None: no difference.
    """
    values = {
        (row["quantity"], row["unit"], row["state"]): row for row in _records(comparison.states)
    }
    differences = {} if pair is None else _differences(comparison.differences, pair)
    found = []
    for quantity, unit in dict.fromkeys((one[0], one[1]) for one in values):
        cells = (_value_cell(values.get((quantity, unit, name))) for name in comparison.names)
        row = differences.get((quantity, unit))
        found.append(NumberRow(quantity, unit, tuple(cells), _difference_cell(row, unit, pair)))
    return found


def pairs_of(comparison: Comparison) -> list[tuple[str, str]]:
    """Return the pairs of states: those with the first state, then the others."""
    names = comparison.names
    return [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _differences(table: pd.DataFrame, pair: tuple[str, str]) -> dict[tuple[str, str], Row]:
    rows = _records(table)
    return {
        (row["quantity"], row["unit"]): row
        for row in rows
        if (row["state_a"], row["state_b"]) == pair
    }


def _value_cell(row: Row | None) -> NumberCell:
    if row is None:
        return NumberCell(UNKNOWN, "Not measured in this state.")
    write = value_writer(row)
    is_corrected = _is_known(row["corrected"])
    text = _in_two_lines(value_words(row))
    text = text.replace(" to ", "–")  # no value is negative
    lines = [
        f"counted {write(row['value'])}, n = {row['n']} {'fibre' if row['n'] == 1 else 'fibres'}"
    ]
    if is_corrected:
        lines.append(f"corrected by a digital twin: {write(row['corrected'])}")
    if _is_known(row["low_95"]) and _is_known(row["high_95"]):
        lines.append(f"95 % interval {write(row['low_95'])} to {write(row['high_95'])}")
        if row["dominant_source"]:
            lines.append(f"mainly {row['dominant_source']}")
    if _is_known(row["fibre_low_95"]) and _is_known(row["fibre_high_95"]):
        lines.append(
            f"of the whole fibre {write(row['fibre_low_95'])} to {write(row['fibre_high_95'])}"
        )
    if row["calibrated"] != "yes":
        lines.append(f"not calibrated: {str(row['calibrated']).removeprefix('no, ')}")
    return NumberCell(text, "\n".join(lines))


def _difference_cell(row: Row | None, unit: str, pair: tuple[str, str] | None) -> NumberCell:
    if row is None or pair is None or not _is_known(row["difference"]):
        return NumberCell(UNKNOWN, "Not in both states.")
    write = difference_writer(row)
    known = _is_known(row["low_95"]) and _is_known(row["high_95"])
    text = _in_two_lines(difference_words(row))
    points = " percentage points" if unit.startswith("%") else ""
    lines = [f"{pair[1]} less {pair[0]}, {row['compared']}{points}"]
    below = bool(row["below_error"]) if known else False
    if known:
        lines.append(f"95 % interval {write(row['low_95'])} to {write(row['high_95'])}")
        lines.append(
            f"{BELOW} below the error: the interval holds 0"
            if below
            else "beyond the error: the interval does not hold 0"
        )
    else:
        lines.append("no error of the difference is known: a state has no interval")
    if _is_known(row["p_welch"]):
        lines.append(f"Welch p = {number(row['p_welch'], 2)}, Holm {number(row['p_holm'], 2)}")
        lines.append(f"effect size (Hedges' g) {number(row['effect_size'], 2)}")
    return NumberCell(f"{BELOW} {text}" if below else text, "\n".join(lines), known and not below)


def _in_two_lines(text: str) -> str:
    r"""Put an uneven interval below its value, which keeps columns narrow.

    Examples
    --------
    >>> _in_two_lines("91.3 (62.5 to 100.0)"), _in_two_lines("43.6 ± 3.3")
    ('91.3\n62.5 to 100.0', '43.6 ± 3.3')
    """
    value, bracket, interval = text.partition(" (")
    return f"{value}\n{interval.removesuffix(')')}" if bracket else text


def _is_known(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
