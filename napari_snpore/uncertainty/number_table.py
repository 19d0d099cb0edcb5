"""Table of numbers with their errors: its columns, and what a number can be."""

from __future__ import annotations

from typing import Any

import numpy as np

NUMBER_COLUMNS = (
    "quantity",
    "unit",
    "value",
    "twin_bias",
    "corrected",
    "low_95",
    "high_95",
    "fibre_low_95",
    "fibre_high_95",
    "dominant_source",
    "calibrated",
    "restoration",
)
"""In this order; what they mean: docs/definitions.md."""


def within(value: Any, unit: str) -> Any:
    """Return a number, or numbers, within what they can be: 0 or more, a percentage up to 100.

    >>> float(within(-1.3, "%")), float(within(120.0, "nm³"))
    (0.0, 120.0)
    """
    return np.clip(value, 0.0, 100.0 if unit.startswith("%") else np.inf)
