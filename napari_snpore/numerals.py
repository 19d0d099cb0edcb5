"""Numbers as text, for reports, forms and figures alike: rounded once, with a true minus sign,
never "−0.0" and never "± 0.0".
"""

from __future__ import annotations

import math
from collections.abc import Callable

UNKNOWN = "–"
"""Stands where there is no number."""

_MINUS = "\N{MINUS SIGN}"


def number(value: float, digits: int = 3) -> str:
    """Write a number with three significant digits, without an exponent where that reads well.

    Examples
    --------
    >>> number(0.04567), number(-1204.4), number(-0.0), number(float("nan"))
    ('0.0457', '−1204', '0.00', '–')
    >>> number(0.2, 2), number(0.1996, 2)
    ('0.20', '0.20')
    """
    if not math.isfinite(value):
        return UNKNOWN
    sign, value = _MINUS if value < 0 else "", abs(float(value))
    if value and not 1e-4 <= value < 1e7:
        return f"{sign}{value:.{digits - 1}e}"
    if value >= 10 ** (digits - 1):
        return f"{sign}{value:.0f}"
    # rounded first: 0.1996 has its first digit one place further right than 0.20
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{sign}{value:.{max(digits - 1 - exponent, 0)}f}"


def signed(value: float, decimals: int = 0) -> str:
    """Write a number with so many decimals and a true minus sign; what rounds to zero has no sign.

    Examples
    --------
    >>> signed(-1.26, 1), signed(-0.04, 1), signed(float("nan"), 1)
    ('−1.3', '0.0', '–')
    """
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0 else text.replace("-", _MINUS)


def percent(share: float) -> str:
    """Write a share as per cent with one decimal.

    Examples
    --------
    >>> percent(0.1234), percent(-0.0001), percent(float("nan"))
    ('12.3 %', '0.0 %', '–')
    """
    return UNKNOWN if not math.isfinite(share) else f"{signed(100 * share, 1)} %"


def error_text(error: float, decimals: int = 1) -> str:
    """Write an error with the decimals of its value; one below the last of them is a limit.

    Examples
    --------
    >>> error_text(0.26), error_text(0.03), error_text(0.0, decimals=2), error_text(float("inf"))
    ('0.3', '< 0.1', '< 0.01', '–')
    >>> error_text(2220.6, decimals=0)
    '2,221'
    """
    if not math.isfinite(error):
        return UNKNOWN
    text = f"{abs(error):,.{decimals}f}"
    return (
        text if any(digit in text for digit in "123456789") else f"< {10.0**-decimals:.{decimals}f}"
    )


def with_error(value: float, error: float, decimals: int = 1) -> str:
    """Write a value and its error with the same decimals; the value alone where no error is known.

    Examples
    --------
    >>> with_error(12.34, 0.26), with_error(-0.04, 0.03), with_error(12.34, float("nan"))
    ('12.3 ± 0.3', '0.0 ± < 0.1', '12.3')
    """
    text = signed(value, decimals)
    known = math.isfinite(value) and math.isfinite(error)
    return f"{text} ± {error_text(error, decimals)}" if known else text


def as_exact_as(value: float, error: float) -> str:
    """Write a value and its error with the decimals of an error of two digits, so that no digit of the
    value says more than its error allows.

    Examples
    --------
    >>> as_exact_as(0.00523, 14.2), as_exact_as(14.96, 0.57), as_exact_as(2155.0, 1964.0)
    ('0 ± 14', '14.96 ± 0.57', '2155 ± 1964')
    >>> as_exact_as(1.415, 0.0997)
    '1.42 ± 0.10'
    """
    exponent = int(f"{error:.1e}".partition("e")[2]) if error else 0
    decimals = max(1 - exponent, 0)
    return f"{signed(value, decimals)} ± {signed(error, decimals)}"


def as_exact_as_interval(value: float, low: float, high: float) -> str:
    """Write a value and its interval with the decimals of its longer half of two digits: with one
    half-width where both halves are alike, with both ends where they are not.

    Examples
    --------
    >>> as_exact_as_interval(0.9, 0.0, 14.2), as_exact_as_interval(14.96, 14.39, 15.53)
    ('1 (0 to 14)', '14.96 ± 0.57')
    """
    longer = max(value - low, high - value)
    if abs((low + high) / 2 - value) <= _ALIKE * (high - low) / 2:
        return as_exact_as(value, longer)
    exponent = int(f"{longer:.1e}".partition("e")[2]) if longer else 0
    decimals = max(1 - exponent, 0)
    return f"{signed(value, decimals)} ({signed(low, decimals)} to {signed(high, decimals)})"


_ALIKE = 0.1
"""Halves of an interval that differ by less, as a share of their mean, are given as one."""


def with_limits(
    value: float, low: float, high: float, write: Callable[[float], str] = lambda x: signed(x, 1)
) -> str:
    """Write a value and the ends of its interval: with one half-width where both halves are alike,
    the value alone where an end is not known.

    Examples
    --------
    >>> with_limits(38.9, 38.0, 39.8), with_limits(40.1, 38.9, 42.0), with_limits(40.1, float("nan"), 42.0)
    ('38.9 ± 0.9', '40.1 (38.9 to 42.0)', '40.1')
    >>> with_limits(1.62, 1.58, 1.66, number)
    '1.62 ± 0.04'
    >>> with_limits(1.67e7, 1.53e7, 1.81e7, number)
    '1.67e+07 ± 1.4e+06'
    """
    text = write(value)
    if not (math.isfinite(low) and math.isfinite(high)):
        return text
    half = (high - low) / 2
    if abs((low + high) / 2 - value) <= _ALIKE * half:
        if "e" in text:  # a power of ten, which has no decimals that the half-width could share
            return f"{text} ± {half:.1e}"
        return f"{text} ± {error_text(half, len(text.partition('.')[2]))}"
    return f"{text} ({write(low)} to {write(high)})"


def round_length(length: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is not longer.

    Examples
    --------
    >>> round_length(3.4), round_length(0.7), round_length(50.0)
    (2.0, 0.5, 50.0)
    """
    power = 10.0 ** math.floor(math.log10(length) + 1e-9)
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= length * (1 + 1e-9))
