"""Units of length and angle in files: lengths in nm; a number with an unknown or missing unit
counts as none.
"""

from __future__ import annotations

import math

_NM = {
    "m": 1e9, "meter": 1e9, "metre": 1e9,
    "cm": 1e7, "centimeter": 1e7, "centimetre": 1e7,
    "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "um": 1e3, "µm": 1e3, "μm": 1e3, "micron": 1e3, "microns": 1e3, "micrometer": 1e3, "micrometre": 1e3, "\\u00b5m": 1e3,
    "nm": 1.0, "nanometer": 1.0, "nanometre": 1.0,
    "å": 0.1, "a": 0.1, "angstrom": 0.1, "ångström": 0.1, "angstroms": 0.1, "\u212b": 0.1,
    "pm": 1e-3, "picometer": 1e-3, "picometre": 1e-3,
}  # fmt: skip


def in_nm(value: object, unit: object) -> float | None:
    """Return a length in nm, or None for an unknown unit or a number that is not positive and
    finite.

    Examples
    --------
    >>> in_nm(2.5, "Å"), in_nm("0.3", "µm"), in_nm(300, "dpi")
    (0.25, 300.0, None)
    """
    factor = _NM.get(str(unit).strip().strip("[]").lower()) if unit is not None else None
    try:
        length = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if factor is None or not math.isfinite(length) or length <= 0:
        return None
    return length * factor


def is_degree(unit: object) -> bool:
    """Return whether a unit is the degree."""
    return str(unit).strip().strip("[]").lower() in {"deg", "degree", "degrees", "°"}


def is_radian(unit: object) -> bool:
    """Return whether a unit is the radian."""
    return str(unit).strip().strip("[]").lower() in {"rad", "radian", "radians"}
