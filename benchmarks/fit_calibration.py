"""The table of half-widths that the package ships, from phantoms measured blind.

A cell is one contrast, dose and shape; phantoms whose phases do not explain their images are one of
their own. For each number: ``left`` is a robust spread of its errors in each cell, beside what the
ensemble explains; ``weight`` of the ensemble is the one that gives the least interval score; ``offset``
is the median of the scaled errors, to whose side the interval leans, where that is worth two ends;
``factor`` covers 95 % of the phantoms about it, with each family of shapes left out in turn (the largest
of these counts), by conformal prediction: the ceil(0.95 (n + 1))-th of n scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.study.numbers import is_corrected, within
from napari_snpore.uncertainty.calibration import CELL_COLUMNS, COLUMNS, EXPLAINED, scale_of

Floats = NDArray[np.float64]

WEIGHTS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0)
"""Of the ensemble; it is of phases before polishing, which move more with a threshold."""

COVERED = 0.95
_NORMAL = 1.48
_LEAST_LEFT = 0.2
"""Least share of the errors' spread that is left: no ensemble explains all."""

_LEAST_OF_SQUARES = 0.7
"""Least spread as a share of the root mean square: of numbers that take few values, or are off on one
side only, half of the errors can be 0."""

_LEANS = 0.25
"""Share of the factor below which there is no offset: such an interval is written with one half-width."""

CELL = ["contrast", "dose", "shape", "explained"]


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of one number over phantoms, in points or as a share of the value.

    ``signed``: how far the truth lies above the value that the interval is around, below 0 where it lies
    under it; 0 where the interval is widened so far by the twin's change. ``spread`` of the ensemble;
    ``cell`` and ``family`` of each phantom.
    """

    signed: Floats
    spread: Floats
    cell: NDArray[np.intp]
    family: NDArray[np.str_]

    @property
    def beyond(self) -> Floats:
        """The errors without their sign."""
        return np.abs(self.signed)


def errors_of(rows: pd.DataFrame) -> Errors:
    """Return the errors of the rows of one number."""
    quantity, unit = rows["quantity"].iloc[0], rows["unit"].iloc[0]
    error, bias = rows["value"] - rows["truth"], rows["twin_bias"]
    scale = np.array([scale_of(value, unit) for value in rows["value"]])
    if is_corrected(quantity, unit):
        signed = rows["truth"] - within(rows["value"] - bias, unit)
    else:  # wider by the change on the side to which the twin says the value is off
        signed = (-error - (-bias).clip(lower=0)).clip(lower=0)
        signed -= (error - bias.clip(lower=0)).clip(lower=0)
    cells = rows.groupby(CELL, sort=True).ngroup().to_numpy()
    return Errors(
        signed.to_numpy(np.float64) / scale,
        rows["together"].to_numpy(np.float64) / scale,
        cells,
        rows["family"].to_numpy(str),
    )


def rows_of_cells(quantities: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the phantoms that were polished, with what their runs found of the conditions,
    and whether the images are explained.
    """
    good = cases[cases["polished"].fillna(False).astype(bool)]
    keys = ["simulator", "family", "contrast", "seed", "shape", "dose"]
    found = [f"{name}_found" for name in CELL_COLUMNS]
    rows = quantities.merge(good[[*keys, *found]], on=keys)
    return rows.assign(explained=rows["misfit_found"] <= EXPLAINED)


def usable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a run would report an interval for: with a value, a twin, an ensemble and
    a scale.
    """
    known = rows[["value", "truth", "twin_bias", "together"]].notna().all(axis=1)
    percent = rows["unit"].str.startswith("%")
    return rows[known & (percent | (rows["value"] != 0))]


def left_of(errors: Errors, weight: float) -> Floats:
    """Return the robust spread of the errors that is left in each cell beside the ensemble."""
    left = np.zeros(errors.cell.max() + 1)
    for cell in range(len(left)):
        inside = errors.cell == cell
        # the median alone is blind to the tail, the mean of squares ruled by one phantom
        beyond = errors.beyond[inside]
        robust = _NORMAL * float(np.median(beyond))
        usual = float(np.sqrt(np.mean(np.sort(beyond)[: max(1, int(0.9 * len(beyond)))] ** 2)))
        total = max(robust, usual, _LEAST_OF_SQUARES * float(np.sqrt(np.mean(beyond**2))))
        explained = weight**2 * float(np.mean(errors.spread[inside] ** 2))
        left[cell] = max(math.sqrt(max(total**2 - explained, 0.0)), _LEAST_LEFT * total)
    return left


def quantile(scores: Floats) -> float:
    """Return the conformal quantile of scores; the largest where there are too few.

    >>> quantile(np.arange(1.0, 40.0)), quantile(np.array([1.0, 2.0]))
    (38.0, 2.0)
    """
    at = math.ceil(COVERED * (len(scores) + 1))
    return float(np.sort(scores)[min(at, len(scores)) - 1])


def left_out(errors: Errors) -> Iterator[NDArray[np.bool_]]:
    """Yield which phantoms belong to each family."""
    for family in np.unique(errors.family):
        yield errors.family == family


def scales(errors: Errors, weight: float, left: Floats) -> Floats:
    """Return what the errors are divided by."""
    return np.maximum(np.hypot(weight * errors.spread, left[errors.cell]), 1e-12)


@dataclass(frozen=True, eq=False)
class Fit:
    """Weight, factor and offset of a number, and what is left in each cell."""

    weight: float
    factor: float
    offset: float
    left: Floats

    def reach(self, errors: Errors, left: Floats | None = None) -> tuple[Floats, Floats]:
        """Return how far the intervals of phantoms reach down and up; ``left`` of their cells."""
        scale = scales(errors, self.weight, self.left if left is None else left)
        below, above = self.factor - self.offset, self.factor + self.offset
        return max(below, 0.0) * scale, max(above, 0.0) * scale


def interval_scores(errors: Errors, below: Floats, above: Floats) -> Floats:
    """Return the scores of intervals: their width, and 40 times how far the truth lies beyond them."""
    outside = np.maximum(errors.signed - above, 0) + np.maximum(-errors.signed - below, 0)
    return below + above + 2 / (1 - COVERED) * outside


def fit_number(errors: Errors) -> Fit:
    """Return the fit of a number."""
    best: tuple[float, Fit] | None = None
    for weight in WEIGHTS:
        left = left_of(errors, weight)
        signed = errors.signed / scales(errors, weight, left)
        offset = _offset(signed)
        factors = [quantile(np.abs(signed - offset))]
        total = 0.0
        for out in left_out(errors):
            if out.all():
                continue
            own = _offset(signed[~out])
            tried = Fit(weight, quantile(np.abs(signed[~out] - own)), own, left)
            total += float(np.sum(interval_scores(errors, *tried.reach(errors))[out]))
            factors.append(quantile(np.abs(signed[~out] - offset)))
        if best is None or total < best[0]:
            best = (total, Fit(weight, max(factors), offset, left))
    assert best is not None
    return best[1]


def _offset(signed: Floats) -> float:
    """Return the median of scaled errors; 0 where it is small beside what covers them."""
    middle = float(np.median(signed))
    return middle if abs(middle) >= _LEANS * quantile(np.abs(signed - middle)) else 0.0


@dataclass(frozen=True)
class Coverage:
    """How a number's intervals did on phantoms whose family was left out of their calibration.

    ``covered`` of ``phantoms``; ``half`` the median half of a width; ``score`` the mean interval score
    (width + 40 · what lies beyond, Gneiting and Raftery, doi 10.1198/016214506000001437) over
    that of intervals of one width, calibrated in the same way.
    """

    phantoms: int
    covered: int
    half: float
    score: float


def coverage(errors: Errors, of: NDArray[np.bool_] | None = None) -> Coverage:
    """Return how intervals do that never saw a phantom of the family they are tried on.

    Parameters
    ----------
    errors : Errors
    of : bool array, optional
        Phantoms that count; default all.
    """
    count = len(errors.signed)
    below, above, constant = np.zeros((3, count))
    for out in left_out(errors):
        kept = Errors(
            errors.signed[~out], errors.spread[~out], errors.cell[~out], errors.family[~out]
        )
        cells = np.unique(kept.cell)
        seen = replace(kept, cell=np.searchsorted(cells, kept.cell))
        found = fit_number(seen)
        # a cell that only this family has: what is left in the others, the most of it
        of_cell = np.full(errors.cell.max() + 1, found.left.max())
        of_cell[cells] = found.left
        for ends, of_all in zip((below, above), found.reach(errors, of_cell), strict=True):
            ends[out] = of_all[out]
        for cell in np.unique(errors.cell[out]):
            same = kept.beyond[kept.cell == cell]
            constant[out & (errors.cell == cell)] = quantile(same if len(same) else kept.beyond)
    chosen = np.ones(count, bool) if of is None else of
    inside = (errors.signed <= above) & (-errors.signed <= below)
    own, usual = (
        float(interval_scores(errors, *ends)[chosen].mean())
        for ends in ((below, above), (constant, constant))
    )
    return Coverage(
        int(chosen.sum()),
        int(inside[chosen].sum()),
        float(np.median((below + above)[chosen] / 2)),
        own / usual,
    )


def fit(quantities: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Return the table of half-widths.

    Parameters
    ----------
    quantities, cases : DataFrame
        Of ``benchmarks/calibrate_numbers.py``. Phantoms that were not polished are left out: the
        program reports no twin and no calibrated interval for them.
    """
    rows = rows_of_cells(quantities, cases)
    found = {f"{name}_found": name for name in CELL_COLUMNS}
    of_cells = rows.groupby(CELL, sort=True)[[*found]].median()
    # what a cell holds for: nine of ten of its phantoms, or all that are explained
    worst = rows.groupby(CELL, sort=True)["misfit_found"].quantile(0.9)
    of_cells["misfit_found"] = worst.clip(lower=EXPLAINED)
    table = []
    for (quantity, unit), part in rows.groupby(["quantity", "unit"], sort=False):
        part = usable(part)
        if part.empty:
            continue
        errors = errors_of(part)
        made = fit_number(errors)
        for number, cell in enumerate(sorted(part.groupby(CELL, sort=True).groups)):
            table.append(
                {"quantity": quantity, "unit": unit}
                | {name: float(f"{of_cells.loc[cell, key]:.3g}") for key, name in found.items()}
                | {"phantoms": int((errors.cell == number).sum())}
                | {"left": float(f"{made.left[number]:.4g}"), "weight": made.weight}
                | {name: float(f"{getattr(made, name):.4g}") for name in ("factor", "offset")}
            )
    return pd.DataFrame(table, columns=list(COLUMNS))
