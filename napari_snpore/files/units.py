"""Lengths in files, brought to nm. An unknown or missing unit is no unit: the number counts as none."""

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
    """Return a length in nm, or None where the number or its unit says nothing."""
    factor = _NM.get(str(unit).strip().strip("[]").lower()) if unit is not None else None
    try:
        length = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if factor is None or not math.isfinite(length) or length <= 0:
        return None
    return length * factor


def is_degree(unit: object) -> bool:
    """Say whether a unit means degrees."""
    return str(unit).strip().strip("[]").lower() in {"deg", "degree", "degrees", "°"}


def is_radian(unit: object) -> bool:
    """Say whether a unit means radians."""
    return str(unit).strip().strip("[]").lower() in {"rad", "radian", "radians"}
