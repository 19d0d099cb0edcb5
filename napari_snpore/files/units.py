r"""Units of length and angle in files: lengths in nm; a number with an unknown or missing unit
counts as none, and so does a resolution that programs write where nobody measured one.

Units are compared after one normalization, so that the micro sign and the Greek mu, the Ångström
sign and the letter Å, words, plurals, escapes (``\u00B5``), HTML entities and UTF-8 that was read
as Latin-1 are one spelling.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata

_PREFIXES = {
    "": 1e9, "k": 1e12, "d": 1e8, "c": 1e7, "m": 1e6, "u": 1e3, "μ": 1e3, "n": 1.0, "p": 1e-3, "f": 1e-6,
}  # fmt: skip
_PREFIX_WORDS = {
    "": 1e9, "kilo": 1e12, "deci": 1e8, "centi": 1e7, "milli": 1e6, "micro": 1e3, "nano": 1.0,
    "pico": 1e-3, "femto": 1e-6,
}  # fmt: skip
_NM = {
    **{f"{prefix}m": factor for prefix, factor in _PREFIXES.items()},
    **{
        f"{prefix}{word}{plural}": factor
        for prefix, factor in _PREFIX_WORDS.items()
        for word in ("meter", "metre")
        for plural in ("", "s")
    },
    **dict.fromkeys(("micron", "microns", "mum", "mcm", "mu", "μ"), 1e3),
    **dict.fromkeys(("a", "å", "ang", "angs", "aa"), 0.1),
    **{
        f"{word}{plural}": 0.1
        for word in ("angstrom", "ångstrom", "ångström", "angström", "angstroem", "ångstroem")
        for plural in ("", "s", "e")
    },
}
"""Length of a unit in nm, by its normalized spelling."""

_DPI = (
    72, 75, 96, 100, 120, 144, 150, 180, 200, 220, 240, 266, 300, 350, 360, 400, 450, 600, 720, 800, 1200, 1440, 2400,
)  # fmt: skip
"""Resolutions of screens, printers and scanners, in pixels per inch."""

Sizes = tuple[float | None, float | None, float | None]
"""Sizes along ``(z, y, x)``; None for one that is not known."""

_INCH_NM = 2.54e7
_ROUNDED = 0.002
"""Relative difference up to which a resolution is one of :data:`_DPI`: 28.35/cm is 72 per inch."""

_WHOLE_PER_CM = frozenset(round(dpi / 2.54) for dpi in _DPI)
"""The same in whole pixels per cm, as some programs round them; others write 72 beside cm as it
is."""


def in_nm(value: object, unit: object) -> float | None:
    r"""Return a length in nm, or None for an unknown unit or a number that is not positive and
    finite.

    Examples
    --------
    >>> in_nm(2.5, "Å"), in_nm("0.3", "µm"), in_nm(300, "dpi")
    (0.25, 300.0, None)
    >>> in_nm(2, "\\u00B5m"), in_nm(2, "[n_m]"), in_nm(2, "Microns")
    (2000.0, 2.0, 2000.0)
    """
    factor = _NM.get(_spelled(unit)) if unit is not None else None
    length = _number(value)
    if factor is None or length is None or not math.isfinite(length) or length <= 0:
        return None
    return length * factor


def real_sizes(sizes_nm: Sizes, stated: Sizes) -> Sizes:
    """Return the sizes of a voxel without those that programs write where nobody measured one.

    Such are one pixel per unit along x and y, whatever the unit, and the resolutions of screens,
    printers and scanners (72, 96, 300 pixels per inch and others), in whatever unit they are
    stated. Beside such pixels a distance of the planes of 1 counts as none too, any other is kept.

    Parameters
    ----------
    sizes_nm : (float or None, float or None, float or None)
        Sizes along ``(z, y, x)`` in nm.
    stated : (float or None, float or None, float or None)
        The same numbers in the units of the file.

    Examples
    --------
    >>> real_sizes((5.0, 2.54e7 / 72, 2.54e7 / 72), (5.0, 352.8, 352.8))
    (5.0, None, None)
    >>> real_sizes((1e3, 1e3, 1e3), (1.0, 1.0, 1.0)), real_sizes((1.0, 0.5, 0.5), (1.0, 0.5, 0.5))
    ((None, None, None), (1.0, 0.5, 0.5))
    """
    z, *pixel = sizes_nm
    known = [(nm, number) for nm, number in zip(pixel, stated[1:], strict=True) if nm is not None]
    if not known or not all(_is_default(nm, number) for nm, number in known):
        return sizes_nm
    return (None if z is None or _is_default(z, stated[0]) else z, None, None)


def _is_default(pixel_nm: float, stated: float | None) -> bool:
    if stated is not None and math.isclose(stated, 1.0, rel_tol=1e-9):
        return True
    if any(math.isclose(pixel_nm, one, rel_tol=1e-6) for one in (1e6, 1e7, 1e9, _INCH_NM)):
        return True
    per_inch, per_cm = _INCH_NM / pixel_nm, 1e7 / pixel_nm
    if any(math.isclose(per_inch, dpi, rel_tol=_ROUNDED) for dpi in _DPI):
        return True
    is_whole = math.isclose(per_cm, round(per_cm), rel_tol=1e-6)
    return is_whole and (round(per_cm) in _WHOLE_PER_CM or round(per_cm) in _DPI)


def is_degree(unit: object) -> bool:
    """Return whether a unit is the degree."""
    return _spelled(unit) in {"deg", "degree", "degrees", "°", "º"}


def is_radian(unit: object) -> bool:
    """Return whether a unit is the radian."""
    return _spelled(unit) in {"rad", "radian", "radians"}


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _spelled(unit: object) -> str:
    """Return the one spelling of a unit: lower case, without brackets, dots, spaces and
    underscores.
    """
    text = unit.decode("utf-8", "replace") if isinstance(unit, bytes) else str(unit)
    text = html.unescape(text)
    text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda code: chr(int(code.group(1), 16)), text)
    text = re.sub(r"\\+x([0-9a-fA-F]{2})", lambda code: chr(int(code.group(1), 16)), text)
    text = unicodedata.normalize("NFC", text)
    if "Â" in text or "Ã" in text or "Î" in text:  # UTF-8 that was read as Latin-1
        for wrong in ("latin-1", "cp1252"):
            try:
                text = text.encode(wrong).decode("utf-8")
                break
            except UnicodeError:
                continue
    # NFKC joins a letter and its accent, and turns the micro sign into mu, the Ångström sign into Å
    text = unicodedata.normalize("NFKC", text.strip("\0 \t\r\n")).lower()
    return re.sub(r"[\s_.\[\](){}$\\^\"']", "", text)
