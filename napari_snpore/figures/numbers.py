"""Number formats of figures: three significant digits, true minus signs, powers of ten without
mathtext.
"""

from __future__ import annotations

import math

from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, ScalarFormatter

from napari_snpore.figures.positions import position as position

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = "\N{MINUS SIGN}"


def power_of_ten(exponent: int) -> str:
    """Return ``10`` with a superscript exponent."""
    return "10" + str(exponent).translate(_SUPERSCRIPT)


def number(value: float, *, digits: int = 3, sign: bool = False, trim: bool = False) -> str:
    """Write a value with so many significant digits and a true minus; an en dash where there is no
    value.

    ``trim`` drops the zeros at the end of the decimals, which say something of a measured value and
    nothing of a setting.

    Examples
    --------
    >>> number(1204), number(-0.04567), number(2.5e-9), number(float("nan"))
    ('1204', '−0.0457', '2.5×10⁻⁹', '–')
    """
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        text = f"{value:.{max(digits - 1 - exponent, 0)}f}"
    else:
        mantissa = f"{value / 10.0**exponent:.{digits - 1}f}".rstrip("0").rstrip(".")
        text = f"{mantissa}×{power_of_ten(exponent)}"
    if trim and "." in text and "×" not in text:
        text = text.rstrip("0").rstrip(".")
    text = text.replace("-", _MINUS)
    return f"+{text}" if sign and value > 0 else text


def length(nm: float) -> str:
    """Write a length with its unit: nm, and µm from 1000 nm on."""
    return f"{nm / 1000:g} µm" if nm >= 1000 else f"{nm:g} nm"


def round_length(largest: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that does not pass ``largest``."""
    exponent = math.floor(math.log10(largest))
    steps = [float(f"{m}e{e}") for e in (exponent - 1, exponent, exponent + 1) for m in (1, 2, 5)]
    return max(step for step in steps if step <= largest * (1 + 1e-9))


def plain_ticks(axis: Axis, *, at_most: int = 6, whole: bool = False) -> None:
    """Few round ticks with plain labels; ``whole`` for counts and indices."""
    formatter = ScalarFormatter(useOffset=False, useMathText=False)
    formatter.set_scientific(False)
    axis.set_major_locator(MaxNLocator(at_most, integer=whole, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(formatter)


def scaled_ticks(axis: Axis, *, low: float, high: float, at_most: int = 6) -> str:
    """Plain ticks of an axis from ``low`` to ``high``; very large and very small values share a
    factor.

    Returns
    -------
    str
        What the label of the axis has to say of the factor: `` (×10⁻⁹)``, or nothing.
    """
    plain_ticks(axis, at_most=at_most)
    largest = max(abs(low), abs(high))
    exponent = math.floor(math.log10(largest)) if largest > 0 and math.isfinite(largest) else 0
    if -3 <= exponent < 6:
        return ""
    axis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value / 10.0**exponent:g}".replace("-", _MINUS))
    )
    return f" (×{power_of_ten(exponent)})"


def log_ticks(axis: Axis, *, decades: float) -> None:
    """Ticks of a log axis that spans so many decades: every decade, or 1-2-5 where there are
    few.
    """
    few = decades < 2
    axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if few else (1.0,), numticks=7))
    axis.set_minor_locator(LogLocator(10, subs=tuple(range(2, 10)), numticks=99))
    axis.set_major_formatter(FuncFormatter(_log_label))
    axis.set_minor_formatter(NullFormatter())


def _log_label(value: float, _: object = None) -> str:
    if value <= 0:
        return ""
    if 0.0099 < value < 2000:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    mantissa = round(value / 10.0**exponent)
    return power_of_ten(exponent) if mantissa == 1 else f"{mantissa}×{power_of_ten(exponent)}"
