"""One number of one state from its fibres: best value and interval, for one fibre and for several."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_snpore.uncertainty.number_table import within

Row = Mapping[str, Any]
"""One row of a table of numbers."""


@dataclass(frozen=True)
class Estimate:
    """One number of one state.

    Parameters
    ----------
    values : tuple of float
        Of its fibres, finite ones only.
    best : float
        Their mean; nan without any.
    below, above : float
        Distances from ``best`` to the ends of the 95 % interval; nan where not known.
    within_below, within_above : float
        How well the number of one fibre is known: the root mean square of the distances from each
        fibre's value to the ends of its own interval; nan where not known.
    """

    values: tuple[float, ...]
    best: float
    below: float = math.nan
    above: float = math.nan
    within_below: float = math.nan
    within_above: float = math.nan

    @property
    def n(self) -> int:
        """Number of fibres that have the number."""
        return len(self.values)

    def ends(self, unit: str) -> tuple[float, float]:
        """Return the ends of the interval within what the number can be."""
        return (
            float(within(self.best - self.below, unit)),
            float(within(self.best + self.above, unit)),
        )


def is_corrected_in(rows: Sequence[Row]) -> bool:
    """Return whether every fibre that has the number has it corrected by a twin."""
    known = [row for row in rows if math.isfinite(row["value"])]
    return bool(known) and all(math.isfinite(row["corrected"]) for row in known)


def estimate(rows: Sequence[Row], *, corrected: bool) -> Estimate:
    """Return one number of a state.

    Parameters
    ----------
    rows : sequence of mapping
        The row of the number in each fibre that has it: ``value, corrected, low_95, high_95``.
    corrected : bool
        Take ``corrected`` in place of ``value``.

    Notes
    -----
    One fibre: its own interval. Where ``value`` is taken though the interval brackets ``corrected``,
    the interval is extended to hold ``value``: it covers the truth all the same.

    Several fibres: mean ± t(n − 1)·sd/√n over fibres, and no narrower than what is known of one
    fibre (the root mean square of their own half-widths): errors of the method are alike in all
    fibres, so that more fibres do not make them smaller.

    Examples
    --------
    >>> one = {"value": 40.0, "corrected": 38.0, "low_95": 37.0, "high_95": 39.5}
    >>> estimate([one], corrected=True).ends("%"), estimate([one], corrected=False).ends("%")
    ((37.0, 39.5), (37.0, 40.0))
    """
    column = "corrected" if corrected else "value"
    known = [row for row in rows if math.isfinite(row[column])]
    values = tuple(float(row[column]) for row in known)
    if not values:
        return Estimate((), math.nan)
    best = float(np.mean(values))
    below, above = (_pooled(known, values, side) for side in ("low_95", "high_95"))
    if len(values) == 1:
        return Estimate(values, best, below, above, below, above)
    between = _between(values)
    return Estimate(
        values, best, np.fmax(between, below), np.fmax(between, above), below, above
    )  # fmax: the spread alone where no fibre has an interval


def _pooled(rows: Sequence[Row], values: Sequence[float], side: str) -> float:
    """Return the root mean square of the fibres' own half-widths on one side."""
    sign = -1.0 if side == "low_95" else 1.0
    halves = [
        max(sign * (float(row[side]) - value), 0.0)
        for row, value in zip(rows, values, strict=True)
        if math.isfinite(row[side])
    ]
    return math.sqrt(float(np.mean(np.square(halves)))) if halves else math.nan


def _between(values: Sequence[float]) -> float:
    """Return Student's t times the standard error of the mean."""
    from scipy import stats

    n = len(values)
    return float(stats.t.ppf(0.975, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
