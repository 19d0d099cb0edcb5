"""Filters of tables of objects, typed as text: ``length_nm > 2, resolved, not touches_border``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.measurement.columns import column_of

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_SIGNS = {"==": "=", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_OPERATOR = re.compile(r"(<=|>=|!=|==|<>|≤|≥|≠|<|>|=)")
_AND = re.compile(r"[,;&]+|\band\b", re.IGNORECASE)
_RANGE = re.compile(r"(?P<low>\S+)\s*(?:\.\.|…|\bto\b)\s*(?P<high>\S+)$", re.IGNORECASE)
_HELP = "conditions are written as length_nm > 2, resolved, not touches_border, 2 <= width_nm <= 5"


@dataclass(frozen=True)
class Condition:
    """One condition: a column compared with a value."""

    column: str
    sign: str
    value: float | bool | str

    def __str__(self) -> str:
        if isinstance(self.value, bool):
            return self.column if self.value == (self.sign == "=") else f"not {self.column}"
        value = f"{self.value:.12g}" if isinstance(self.value, float) else self.value
        return f"{self.column} {self.sign} {value}"


@dataclass(frozen=True)
class ObjectFilter:
    """Conditions that all hold for the objects that are kept; none keep all."""

    conditions: tuple[Condition, ...] = ()

    def __str__(self) -> str:
        return ", ".join(map(str, self.conditions))

    def mask(self, table: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which rows are kept, bool, one a row; a value that is not known fails."""
        kept = np.ones(len(table), np.bool_)
        for one in self.conditions:
            values = table[one.column]
            there = values.notna().to_numpy()
            kept &= np.asarray(_COMPARE[one.sign](values, one.value), np.bool_) & there
        return kept

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows that are kept, with the filter in a column ``filter`` of its own."""
        rows = table[self.mask(table)].reset_index(drop=True)
        return rows.assign(filter=str(self)) if self.conditions else rows


def parse_filter(text: str, table: pd.DataFrame) -> ObjectFilter:
    """Return the filter that a text describes.

    Parameters
    ----------
    text : str
        Conditions with commas or ``and`` between: ``length_nm > 2``, ``2 <= width_nm <= 5``, ``width_nm 2..5``,
        ``resolved``, ``not touches_border``. Columns by name or in words (``length > 2``). Empty:
        all are kept.
    table : DataFrame
        Whose columns are meant.

    Raises
    ------
    InputError
        A condition that cannot be read, or a column that the table does not have.

    Examples
    --------
    >>> table = pd.DataFrame({"length_nm": [1.0, 3.0], "resolved": [True, True]})
    >>> kept = parse_filter("length > 2 and resolved", table)
    >>> str(kept), kept.mask(table).tolist()
    ('length_nm > 2, resolved', [False, True])
    """
    conditions: list[Condition] = []
    for part in _AND.split(text):
        words = part.strip()
        if words:
            conditions += _conditions(words, table)
    return ObjectFilter(tuple(conditions))


def _conditions(words: str, table: pd.DataFrame) -> Iterable[Condition]:
    parts = [part.strip() for part in _OPERATOR.split(words)]
    if len(parts) == 1:
        return _without_sign(words, table)
    left, sign, right = parts[0], _sign(parts[1]), parts[2]
    if len(parts) == 5:  # low < column < high
        name = _column(right, table)
        return [
            _compared(name, _MIRRORED[sign], left, table),
            _compared(name, _sign(parts[3]), parts[4], table),
        ]
    if len(parts) != 3 or not left or not right:
        raise InputError(f"'{words}' cannot be read; {_HELP}.")
    if _known(left, table) is None and _known(right, table) is not None:
        left, sign, right = right, _MIRRORED[sign], left
    return [_compared(_column(left, table), sign, right, table)]


def _without_sign(words: str, table: pd.DataFrame) -> list[Condition]:
    """Return the conditions of a yes or no, or of a range such as ``width_nm 2..5``."""
    negated = re.match(r"(not\s+|!\s*)", words, re.IGNORECASE)
    name = _known(words[negated.end() :] if negated else words, table)
    if name is not None:
        if table[name].dtype.kind != "b":
            raise InputError(
                f"'{name}' is no yes or no: compare it with a value, as in {name} > 2."
            )
        return [Condition(name, "=", negated is None)]
    for place in (match.start() for match in re.finditer(r"\s", words)):
        found = _RANGE.match(words[place:].strip())
        if found and _known(words[:place], table) is not None:
            name = _column(words[:place], table)
            return [
                _compared(name, ">=", found["low"], table),
                _compared(name, "<=", found["high"], table),
            ]
    raise InputError(
        f"'{words}' is no column of this table, and no condition; {_HELP}. Columns: {_names(table)}."
    )


def _compared(name: str, sign: str, value: str, table: pd.DataFrame) -> Condition:
    kind = table[name].dtype.kind
    if kind == "b":
        known = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        if value.lower() not in known or sign not in ("=", "!="):
            raise InputError(f"'{name}' is yes or no: write {name}, or not {name}.")
        return Condition(name, "=", known[value.lower()] == (sign == "="))
    if kind in "iuf":
        try:
            return Condition(name, sign, float(value))
        except ValueError:
            raise InputError(f"{name} {sign} {value}: '{value}' is no number.") from None
    if sign not in ("=", "!="):
        raise InputError(f"'{name}' holds words: only = and != compare them.")
    return Condition(name, sign, value.strip("'\""))


def _sign(text: str) -> str:
    return _SIGNS.get(text, text)


def _column(text: str, table: pd.DataFrame) -> str:
    name = _known(text, table)
    if name is None:
        raise InputError(f"'{text}' is no column of this table; these are: {_names(table)}.")
    return name


def _known(text: str, table: pd.DataFrame) -> str | None:
    """Return the column that a name or words mean; None where there is none."""
    wanted = " ".join(text.lower().split())
    for column in map(str, table.columns):
        called = column_of(column)
        if wanted in (column.lower(), called.words.lower(), called.title.lower()):
            return column
    return None


def _names(table: pd.DataFrame) -> str:
    return ", ".join(map(str, table.columns))
