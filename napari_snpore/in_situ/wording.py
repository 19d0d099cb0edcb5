"""Values with their errors in sentences, rounded to the same decimal, set by the error."""

from __future__ import annotations

import math

from napari_snpore.numerals import error_text, signed


def with_error(value: float, error: float, *, sign: bool = False) -> str:
    """Write a value ± error; the error with two digits where it begins with a 1, else with one.

    Examples
    --------
    >>> with_error(64.7182, 0.1234), with_error(417.23, 16.1), with_error(25.47, 0.31, sign=True)
    ('64.72 ± 0.12', '417 ± 16', '+25.5 ± 0.3')
    """
    if not math.isfinite(error) or error <= 0:
        return _with_plus(f"{value + 0.0:.4g}".replace("-", "\N{MINUS SIGN}"), sign=sign)
    exponent = max(math.floor(math.log10(error)), -12)
    decimals = max(0, -exponent + (error / 10.0**exponent < 1.95))
    text = _with_plus(signed(value, decimals), sign=sign)
    return f"{text} ± {error_text(error, decimals)}"


def _with_plus(text: str, *, sign: bool) -> str:
    """Put a plus before a positive number where signs are wanted; zero has none."""
    positive = text[:1].isdigit() and float(text.replace("\N{MINUS SIGN}", "-")) > 0
    return f"+{text}" if sign and positive else text
