"""Error of differences against a sodiated state: its carbon is no longer the carbon of the others.

Sodium in the carbon and salts of the interphase add to its grey value, unevenly: a threshold on grey
values of vacuum 0 and carbon 1 is off by some share of the carbon level, and the phases of the whole
fibre change by the slope of their fractions against the threshold times that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from napari_snpore.comparison.number_tables import Quantity
from napari_snpore.comparison.state_result import StateResult

CARBON_SHIFT = 0.1
"""Share of the carbon level that is left open by default: one sodium per thirty carbons adds as much,
(1/30)·(11/6)^1.7 = 0.09; a carbon that holds more has a mode that moves along."""

_SODIATED = re.compile(r"(?<![a-z])(sodiated|lithiated|potassiated)", re.IGNORECASE)


def sodiated_states(names: Sequence[str]) -> list[str]:
    """Return the states whose name says that an alkali metal is in them.

    Examples
    --------
    >>> sodiated_states(["pristine", "Sodiated 0.01 V", "desodiated"])
    ['Sodiated 0.01 V']
    """
    return [name for name in names if _SODIATED.search(name)]


def carbon_shift_errors(fibres: Sequence[StateResult], shift: float) -> dict[Quantity, float]:
    """Return half-widths of the fractions of the whole fibre: the greatest of the fibres that know
    how their fractions depend on the thresholds; none where no fibre does.
    """
    found: dict[Quantity, float] = {}
    for fibre in fibres:
        for quantity, half in _of_fibre(fibre, shift).items():
            found[quantity] = max(half, found.get(quantity, 0.0))
    return found


def _of_fibre(fibre: StateResult, shift: float) -> dict[Quantity, float]:
    table = fibre.tables.get("sensitivity")
    if table is None:
        return {}
    vacuum = _vacuum(fibre)
    found: dict[Quantity, float] = {}
    for phase, rows in table.groupby("phase", sort=False):
        # all thresholds are multiples of one carbon level, so that they move together
        moved = shift * (rows["value_gray"].to_numpy(np.float64) - vacuum)
        change = float(rows["change_percent_per_gray"].to_numpy(np.float64) @ moved)
        if math.isfinite(change):
            found[f"{phase} fraction, whole", "%"] = abs(change)
    return found


def _vacuum(fibre: StateResult) -> float:
    """Return the grey value of the vacuum: where calibrated thresholds are zero, else 0."""
    gray: Sequence[float] = fibre.conditions.get("thresholds") or []
    calibrated: Sequence[float] = fibre.conditions.get("thresholds_calibrated") or []
    if len(gray) < 2 or len(calibrated) != len(gray) or calibrated[-1] == calibrated[0]:
        return 0.0
    carbon = (gray[-1] - gray[0]) / (calibrated[-1] - calibrated[0])
    return float(gray[0] - carbon * calibrated[0])
