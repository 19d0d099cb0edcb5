"""Calibrated half-widths: how far the numbers of phantoms, measured blind, were from their truth.

The half-width of a number is ``factor · sqrt((weight · spread)² + left²)``: the spread of the run's
own threshold ensemble, and what is left on phantoms of the same thickness over step, dose and
contrast, scaled so that 95 % of the phantoms were covered (conformal calibration,
doi 10.1561/2200000101). ``benchmarks/calibrate_numbers.py`` makes the table.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from napari_snpore.uncertainty.conditions import Conditions

CELL_COLUMNS = ("thickness_step_px", "dose", "contrast")

COLUMNS = ("quantity", "unit", *CELL_COLUMNS, "phantoms", "left", "weight", "factor")
"""Of the table: one row per number and cell of phantoms. ``left``: spread of the errors of its
phantoms beside the ensemble, in the unit of the number; ``weight`` and ``factor`` are those of the
number in all cells."""

_SAME = 1.15
"""Conditions within this factor of a cell count as its own: what one run finds of them scatters by
some per cent."""


@dataclass(frozen=True)
class HalfWidth:
    """Half of an interval of 95 %, and its parts.

    Attributes
    ----------
    total : float
        In the unit of the number.
    of_ensemble : float
        What the ensemble alone would give: ``factor · weight · spread``.
    left : float
        What is left on phantoms alone: ``factor · left``.
    per_spread : float
        ``factor · weight``: a source of the ensemble with a spread of 1 gives so much.
    reason : str or None
        Why it is not calibrated for these conditions; None where it is.
    """

    total: float
    of_ensemble: float
    left: float
    per_spread: float
    reason: str | None = None


@cache
def calibration_table() -> pd.DataFrame:
    """Return the table that the package ships, columns :data:`COLUMNS`."""
    path = resources.files(__package__) / "calibration.csv"
    with resources.as_file(path) as file:
        return pd.read_csv(file)


def half_width(
    quantity: str,
    unit: str,
    spread: float,
    conditions: Conditions | None,
    *,
    table: pd.DataFrame | None = None,
) -> HalfWidth | None:
    """Return the half-width of a number; None for one that no phantom was measured for.

    Parameters
    ----------
    quantity, unit : str
    spread : float
        Of the run's ensemble, in the unit; nan counts as 0.
    conditions : Conditions or None
        Of the run; None: not known.
    table : DataFrame, optional
        Default :func:`calibration_table`.

    Notes
    -----
    Between cells what is left never falls on the way to harder conditions: the least of all cells
    that are as hard or harder in thickness over step and dose, the greater of both neighbours in
    contrast. Beyond the hardest cell it is the greatest there is, times the ratio of thickness over
    step, and of the square roots of the dose; the result is not calibrated.

    Examples
    --------
    >>> cell = {"thickness_step_px": 3.0, "dose": 1000.0, "contrast": 2.0}
    >>> row = {"quantity": "pore", "unit": "%", **cell, "phantoms": 24, "left": 0.3}
    >>> table = pd.DataFrame([{**row, "weight": 0.5, "factor": 2.0}])
    >>> half_width("pore", "%", 0.8, Conditions(3.0, 1000.0, 2.0), table=table).total
    1.0
    """
    table = calibration_table() if table is None else table
    rows = table[(table["quantity"] == quantity) & (table["unit"] == unit)]
    if rows.empty:
        return None
    weight, factor = float(rows["weight"].iloc[0]), float(rows["factor"].iloc[0])
    left, reason = _left(rows, conditions)
    own = weight * (spread if math.isfinite(spread) else 0.0)
    return HalfWidth(
        factor * math.hypot(own, left), factor * own, factor * left, factor * weight, reason
    )


def _left(rows: pd.DataFrame, conditions: Conditions | None) -> tuple[float, str | None]:
    """Return what is left under some conditions, and why that is not calibrated."""
    most = float(rows["left"].max())
    if conditions is None:
        return most, "thickness, dose and contrast are not known"
    reasons, wider = [], 1.0
    thickest, least_dose = rows["thickness_step_px"].max(), rows["dose"].min()
    if conditions.thickness_step_px > _SAME * thickest:
        reasons.append(
            f"D·Δθ is {conditions.thickness_step_px:.2g} px, and {thickest:.2g} px at most on the phantoms"
        )
        wider *= conditions.thickness_step_px / thickest
    if not conditions.dose * _SAME >= least_dose:
        reasons.append(
            f"there are {conditions.dose:.2g} counts per pixel, and {least_dose:.2g} at least on the phantoms"
        )
        wider *= math.sqrt(least_dose / max(conditions.dose, 1.0))
    low, high = rows["contrast"].min(), rows["contrast"].max()
    if not low / _SAME <= conditions.contrast <= high * _SAME:
        reasons.append(
            f"the contrast is {conditions.contrast:.2g}, and {low:.2g} to {high:.2g} on the phantoms"
        )
    if reasons:
        return most * wider, "; ".join(reasons)
    found = [_least_of_harder(part, conditions) for part in _beside(rows, conditions.contrast)]
    known = [left for left in found if left is not None]
    if len(known) < len(found):
        return most, "no phantoms of this contrast were as thick or had as few counts"
    return max(known), None


def _beside(rows: pd.DataFrame, contrast: float) -> Iterable[pd.DataFrame]:
    """Return the rows of the contrast itself, or of its neighbours on both sides."""
    logs = (rows["contrast"] / contrast).map(math.log)
    own = rows[logs.abs() <= math.log(_SAME)]
    if not own.empty:
        return [own]
    below, above = logs[logs < 0].max(), logs[logs > 0].min()
    return [rows[(logs - at).abs() <= math.log(_SAME)] for at in (below, above)]


def _least_of_harder(rows: pd.DataFrame, conditions: Conditions) -> float | None:
    """Return the least of what is left in the cells that are as hard or harder."""
    harder = rows[
        (rows["thickness_step_px"] * _SAME >= conditions.thickness_step_px)
        & (rows["dose"] <= conditions.dose * _SAME)
    ]
    return None if harder.empty else float(harder["left"].min())
