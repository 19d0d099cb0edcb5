"""Numbers of a comparison as text, with the same digits in the table of a plate, the summary, the
report and the window.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from napari_snpore.numerals import UNKNOWN, with_limits

BELOW = "≈"
"""Mark of a difference that lies below its error."""

_MINUS = "\N{MINUS SIGN}"
_MOST_EXTRA = 2

Write = Callable[[float], str]


def best_value(row: Mapping[Any, Any]) -> float:
    """Return the corrected value of a row of numbers where there is one, else the value."""
    return float(row["corrected"] if math.isfinite(row["corrected"]) else row["value"])


def value_writer(row: Mapping[Any, Any]) -> Write:
    """Return what writes a number of a state and the ends of its interval.

    Examples
    --------
    >>> row = {"unit": "1", "value": 202.0, "corrected": math.nan, "low_95": 48.2, "high_95": 436.0}
    >>> write = value_writer(row)
    >>> write(202.0), write(48.2)
    ('202', '48')
    >>> value_writer(row | {"value": 0.0123, "low_95": math.nan, "high_95": math.nan})(0.0123)
    '0.0123'
    """
    most = float(np.fmax(best_value(row), row["high_95"]))
    return _writer(str(row["unit"]), most, _is_whole(row["value"]), False)


def difference_writer(row: Mapping[Any, Any], *, plus: bool = True) -> Write:
    """Return what writes a difference and the ends of its interval, with a plus or without.

    Examples
    --------
    >>> row = {"unit": "%", "difference": -0.00144, "low_95": -0.03, "high_95": 0.03}
    >>> write = difference_writer(row)
    >>> write(-0.00144), write(0.03)
    ('0.00', '+0.03')
    >>> row = {"unit": "%", "difference": -9.1, "low_95": -18.1, "high_95": -0.02}
    >>> difference_writer(row)(-0.02)
    '−0.02'
    """
    width = row["high_95"] - row["low_95"]
    most = width if math.isfinite(width) else abs(row["difference"])
    unit, is_whole = str(row["unit"]), _is_whole(row["difference"])
    nearest = min(abs(row["low_95"]), abs(row["high_95"]))
    extra = 0
    if row["low_95"] * row["high_95"] > 0:  # beyond the error: no end may read as zero
        while extra < _MOST_EXTRA and not _writer(unit, most, is_whole, False, extra)(
            nearest
        ).strip("0."):
            extra += 1
    return _writer(unit, most, is_whole, plus, extra)


def value_words(row: Mapping[Any, Any]) -> str:
    """Return a number of a state with its interval; a dash where it is not known."""
    best = best_value(row)
    if not math.isfinite(best):
        return UNKNOWN
    return with_limits(best, row["low_95"], row["high_95"], value_writer(row))


def difference_words(row: Mapping[Any, Any]) -> str:
    """Return a difference with its interval; a dash where it is not known."""
    if not math.isfinite(row["difference"]):
        return UNKNOWN
    return with_limits(row["difference"], row["low_95"], row["high_95"], difference_writer(row))


def _writer(unit: str, most: float, is_whole: bool, plus: bool, extra: int = 0) -> Write:
    """Return what writes numbers that stand together.

    Parameters
    ----------
    unit : str
    most : float
        The greatest of them.
    is_whole : bool
        The first of them has no decimals: without a unit it is a count, and all others are.
    plus : bool
        Write the sign of what is above zero as well.
    extra : int
        Decimals more than usual.
    """

    def write(value: float) -> str:
        if not math.isfinite(value):
            return UNKNOWN
        decimals = extra + (0 if unit == "1" and is_whole else _decimals(value, unit, most))
        text = f"{value:,.{decimals}f}".replace("-", _MINUS)
        is_zero = not text.strip(f"0.,{_MINUS}")
        if is_zero:
            return text.lstrip(_MINUS)
        return f"+{text}" if plus and value > 0 else text

    return write


def _is_whole(value: float) -> bool:
    return math.isfinite(value) and float(value).is_integer()


def _decimals(value: float, unit: str, most: float) -> int:
    """Return the decimals: one of a percentage, two where all are below one per cent; three digits of
    a ratio, two decimals at most of a length.
    """
    if unit.startswith("%"):
        return 2 if most < 1 else 1
    value = value or (most if math.isfinite(most) else 0.0)
    if not value:  # a difference of nothing, as exact as its neighbours
        return 0 if unit == "1" else 2
    digits_before = math.floor(math.log10(abs(value)))
    return max(2 - (digits_before if unit == "1" else max(digits_before, 0)), 0)
