"""Calibrated intervals: how far the numbers of phantoms, measured blind, were from their truth.

The interval of a number reaches ``(factor ± offset) · sqrt((weight · spread)² + left²)`` up and down: the
spread of the run's own threshold ensemble, and what is left on phantoms of the same thickness over step,
dose and contrast, whose images were explained as well, scaled so that 95 % of the phantoms were covered
(conformal calibration, doi 10.1561/2200000101). With the ``offset`` it leans to the side on which the truth
lay on most phantoms. Volume fractions are compared in points of a percentage; counts, volumes and
lengths by their share of the number itself, so that a larger piece or voxel has its own scale.
``benchmarks/calibrate_numbers.py`` makes the table.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pandas as pd

from napari_snpore.uncertainty.conditions import Conditions

CELL_COLUMNS = ("thickness_step_px", "dose", "contrast", "misfit")

EXPLAINED = 1.5
"""Misfit up to which images count as explained: with shifts of 0.3 px that nobody took back it is 3 to 6
at a contrast of 12 and 1,000 counts, without them below 1."""

COLUMNS = ("quantity", "unit", *CELL_COLUMNS, "phantoms", "left", "weight", "factor", "offset")
"""Of the table: one row per number and cell of phantoms. ``left``: spread of the errors of its
phantoms beside the ensemble, in points or as a share; ``weight``, ``factor`` and ``offset`` are those of
the number in all cells."""

FEWEST_PHANTOMS = 8
"""Of a cell; with fewer it says too little to be called calibrated."""

_FEWEST_IN_ALL = 40
"""Of all cells of a number: its factor is the second largest score of 40, the largest of 19."""

_SAME = 1.15
"""Conditions within this factor of a cell count as its own: what one run finds of them scatters by
some per cent."""


_CUBES = ("centre cube", "edge cube")
"""Those that the phantoms were measured in."""

_OWN_CUBE = "a box lies elsewhere than the cubes of the phantoms, in the centre and at the edge"


@dataclass(frozen=True)
class Reach:
    """How far an interval of 95 % reaches, and its parts.

    Attributes
    ----------
    below, above : float
        In the unit of the number.
    left : float
        What is left on phantoms alone: ``factor · left``, in the unit.
    reason : str or None
        Why it is not calibrated for these conditions; None where it is.
    """

    below: float
    above: float
    left: float
    reason: str | None = None


@cache
def calibration_table() -> pd.DataFrame:
    """Return the table that the package ships, columns :data:`COLUMNS`."""
    path = resources.files(__package__) / "calibration.csv"
    with resources.as_file(path) as file:
        return pd.read_csv(file)


def scale_of(value: float, unit: str) -> float:
    """Return what the errors of a number are divided by: 1 for a percentage, else the number.

    >>> scale_of(40.0, "%"), scale_of(160.0, "nm³")
    (1.0, 160.0)
    """
    return 1.0 if unit.startswith("%") else abs(value)


def interval_reach(
    quantity: str,
    unit: str,
    value: float,
    spread: float,
    conditions: Conditions | None,
    *,
    table: pd.DataFrame | None = None,
) -> Reach | None:
    """Return how far the interval of a number reaches; None for one that no phantom was measured for.

    Parameters
    ----------
    quantity, unit : str
    value : float
    spread : float
        Of the run's ensemble, in the unit; nan: not known, which is not calibrated.
    conditions : Conditions or None
        Of the run; None: not known.
    table : DataFrame, optional
        Default :func:`calibration_table`.

    Notes
    -----
    What is left is that of the run's own cell. Between cells it is the least of those that are as hard
    or harder in thickness over step, dose and misfit, and the greater of both neighbours in contrast.
    Beyond all cells it is the greatest there is, times the ratio of thickness over step, of the square
    roots of the dose and of the misfit, and of the contrasts; the result is not calibrated.

    Examples
    --------
    >>> cell = {"thickness_step_px": 3.0, "dose": 1000.0, "contrast": 2.0, "misfit": 1.5}
    >>> row = {"quantity": "pore", "unit": "%", **cell, "phantoms": 40, "left": 0.3}
    >>> table = pd.DataFrame([{**row, "weight": 0.5, "factor": 2.0, "offset": 1.0}])
    >>> found = interval_reach("pore", "%", 40.0, 0.8, Conditions(3.0, 1000.0, 2.0, 0.9), table=table)
    >>> found.below, found.above
    (0.5, 1.5)
    """
    table = calibration_table() if table is None else table
    rows = table[(table["quantity"] == quantity) & (table["unit"] == unit)]
    if rows.empty:
        return _of_own_cube(quantity, unit, value, spread, conditions, table)
    weight, factor, offset = (float(rows[name].iloc[0]) for name in ("weight", "factor", "offset"))
    left, reason = _left(rows, conditions)
    left *= scale_of(value, unit)
    if not math.isfinite(spread):
        reason = reason or "too few draws of the ensemble gave this number"
        spread = 0.0
    scale = math.hypot(weight * spread, left)
    below, above = (max(factor + side * offset, 0.0) * scale for side in (-1, 1))
    return Reach(below, above, factor * left, reason)


def _of_own_cube(
    quantity: str,
    unit: str,
    value: float,
    spread: float,
    conditions: Conditions | None,
    table: pd.DataFrame,
) -> Reach | None:
    """Return how far the intervals of the centre and the edge cube reach at the most, for a cube in another
    place; None for what is no fraction of a cube.
    """
    phase, _, region = quantity.partition(" fraction, ")
    if not region.endswith((" cube", " cuboid")) or region in _CUBES:
        return None
    known = set(table.loc[table["unit"] == unit, "quantity"])
    names = [name for name in (f"{phase} fraction, {cube}" for cube in _CUBES) if name in known]
    found = [interval_reach(name, unit, value, spread, conditions, table=table) for name in names]
    reaches = [one for one in found if one is not None]
    if not reaches:
        return None
    below, above, left = (
        max(getattr(one, name) for one in reaches) for name in ("below", "above", "left")
    )
    reasons = [one.reason for one in reaches if one.reason is not None]
    return Reach(below, above, left, reasons[0] if reasons else _OWN_CUBE)


def _left(rows: pd.DataFrame, conditions: Conditions | None) -> tuple[float, str | None]:
    """Return what is left under some conditions, and why that is not calibrated."""
    most = float(rows["left"].max())
    if conditions is None:
        return most, "thickness, dose, contrast or misfit are not known"
    if rows["phantoms"].sum() < _FEWEST_IN_ALL:
        return most, f"only {rows['phantoms'].sum()} phantoms were measured so far"
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
    least_explained = rows["misfit"].max()
    if not conditions.misfit <= _SAME * least_explained:
        reasons.append(
            f"the misfit of the images is {conditions.misfit:.2g} times their noise, and "
            f"{least_explained:.2g} at most on the phantoms"
        )
        wider *= math.sqrt(conditions.misfit / least_explained)
    low, high = rows["contrast"].min(), rows["contrast"].max()
    if not low / _SAME <= conditions.contrast <= high * _SAME:
        reasons.append(
            f"the contrast is {conditions.contrast:.2g}, and {low:.2g} to {high:.2g} on the phantoms"
        )
        wider *= max(low / max(conditions.contrast, 1.0), conditions.contrast / high)
    if reasons:
        return most * wider, "; ".join(reasons)
    found = [_of_cell(part, conditions) for part in _beside(rows, conditions.contrast)]
    known = [left for left in found if left is not None]
    if len(known) < len(found):
        return (
            most,
            "no phantoms of this contrast were as thick, had as few counts and a misfit as large",
        )
    return max(known), None


def _beside(rows: pd.DataFrame, contrast: float) -> list[pd.DataFrame]:
    """Return the rows of the contrast itself, or of its neighbours on both sides."""
    logs = (rows["contrast"] / contrast).map(math.log)
    own = rows[logs.abs() <= math.log(_SAME)]
    if not own.empty:
        return [own]
    below, above = logs[logs < 0].max(), logs[logs > 0].min()
    return [rows[(logs - at).abs() <= math.log(_SAME)] for at in (below, above)]


def _of_cell(rows: pd.DataFrame, conditions: Conditions) -> float | None:
    """Return what is left in the run's own cell, else the least in those that are as hard or harder;
    cells of few phantoms do not count.
    """
    rows = rows[rows["phantoms"] >= FEWEST_PHANTOMS]
    thickness = rows["thickness_step_px"] / conditions.thickness_step_px
    dose = rows["dose"] / conditions.dose
    worse = rows["misfit"] * _SAME >= conditions.misfit
    own = rows[thickness.between(1 / _SAME, _SAME) & dose.between(1 / _SAME, _SAME) & worse]
    if not own.empty:
        return float(own.loc[own["misfit"] == own["misfit"].min(), "left"].max())
    harder = rows[(thickness * _SAME >= 1) & (dose <= _SAME) & worse]
    return None if harder.empty else float(harder["left"].min())
