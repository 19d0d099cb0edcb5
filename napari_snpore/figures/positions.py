"""Wording of the position of a slice, the same in figures and in the window; without matplotlib."""

from __future__ import annotations

import math

_MINUS = "\N{MINUS SIGN}"


def position(nm: float, *, step_nm: float) -> str:
    """Format the position of a slice with decimals to a tenth of the step between slices, at least
    one.

    Examples
    --------
    >>> position(13.05, step_nm=0.15), position(12.0, step_nm=0.5)
    ('13.05 nm', '12.0 nm')
    """
    decimals = max(1, math.ceil(-math.log10(step_nm / 5) - 1e-9))
    text = f"{nm:.{decimals}f}"
    if not float(text):
        text = text.lstrip("-")
    return f"{text.replace('-', _MINUS)} nm"
