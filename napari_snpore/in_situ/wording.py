"""Values with their errors in sentences, rounded to the same decimal, set by the error."""

from __future__ import annotations

import math


def with_error(value: float, error: float, *, sign: bool = False) -> str:
    """Write a value ± error; the error with two digits where it begins with a 1, else with one.

    Examples
    --------
    >>> with_error(64.7182, 0.1234), with_error(417.23, 16.1), with_error(25.47, 0.31, sign=True)
    ('64.72 ± 0.12', '417 ± 16', '+25.5 ± 0.3')
    """
    if not math.isfinite(error) or error <= 0:
        text = f"{value:+.4g}" if sign else f"{value:.4g}"
        return text.replace("-", "\N{MINUS SIGN}")
    exponent = math.floor(math.log10(error))
    decimals = max(0, -exponent + (error / 10.0**exponent < 1.95))
    text = f"{value:{'+' if sign else ''}.{decimals}f} ± {error:.{decimals}f}"
    return text.replace("-", "\N{MINUS SIGN}")
