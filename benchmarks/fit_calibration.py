"""The table of half-widths that the package ships, from phantoms measured blind.

A cell is one contrast, dose and shape; phantoms whose phases do not explain their images are one of
their own. For each number: ``left`` is a robust spread of its errors in each cell, beside what the ensemble
explains; ``weight`` of the ensemble is the one that gives the least interval score; ``factor`` covers
95 % of the phantoms, with each family of shapes left out in turn (the largest of these counts), by
conformal prediction: the ceil(0.95 (n + 1))-th of n scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

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

CELL = ["contrast", "dose", "shape", "explained"]


@dataclass(frozen=True, eq=False)
class Errors:
    """Errors of one number over phantoms, in points or as a share of the value.

    ``beyond``: how far the truth lies beyond the value that the interval is around, on the side where
    the interval is not widened by the twin's change; ``spread`` of the ensemble; ``cell`` and
    ``family`` of each phantom.
    """

    beyond: Floats
    spread: Floats
    cell: NDArray[np.intp]
    family: NDArray[np.str_]


def errors_of(rows: pd.DataFrame) -> Errors:
    """Return the errors of the rows of one number."""
    quantity, unit = rows["quantity"].iloc[0], rows["unit"].iloc[0]
    error, bias = rows["value"] - rows["truth"], rows["twin_bias"]
    scale = np.array([scale_of(value, unit) for value in rows["value"]])
    if is_corrected(quantity, unit):
        corrected = within(rows["value"] - bias, unit)
        beyond = (corrected - rows["truth"]).abs()
    else:  # wider by the change on the side to which the twin says the value is off
        beyond = np.maximum(error - bias.clip(lower=0), -error - (-bias).clip(lower=0)).clip(
            lower=0
        )
    cells = rows.groupby(CELL, sort=True).ngroup().to_numpy()
    return Errors(
        beyond.to_numpy(np.float64) / scale,
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


def fit_number(errors: Errors) -> tuple[float, float, Floats]:
    """Return weight, factor and what is left in each cell."""
    best: tuple[float, float, float, Floats] | None = None
    for weight in WEIGHTS:
        left = left_of(errors, weight)
        scale = scales(errors, weight, left)
        scores = errors.beyond / scale
        factors = [quantile(scores)]
        total = 0.0
        for out in left_out(errors):
            if out.all():
                continue
            factors.append(quantile(scores[~out]))
            half = factors[-1] * scale[out]
            excess = np.maximum(errors.beyond[out] - half, 0)
            total += float(np.sum(2 * half + 2 / (1 - COVERED) * excess))
        if best is None or total < best[0]:
            best = (total, weight, max(factors), left)
    assert best is not None
    return best[1], best[2], best[3]


@dataclass(frozen=True)
class Coverage:
    """How a number's intervals did on phantoms whose family was left out of their calibration.

    ``covered`` of ``phantoms``; ``half`` the median half-width; ``score`` the mean interval score
    (2 · half + 40 · what lies beyond, Gneiting and Raftery, doi 10.1198/016214506000001437) over
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
    halves, constant = np.zeros(len(errors.beyond)), np.zeros(len(errors.beyond))
    for out in left_out(errors):
        kept = Errors(*(values[~out] for values in vars(errors).values()))
        cells = np.unique(kept.cell)
        seen = Errors(kept.beyond, kept.spread, np.searchsorted(cells, kept.cell), kept.family)
        weight, factor, left = fit_number(seen)
        # a cell that only this family has: what is left in the others, the most of it
        of_cell = np.full(errors.cell.max() + 1, left.max())
        of_cell[cells] = left
        halves[out] = factor * scales(errors, weight, of_cell)[out]
        for cell in np.unique(errors.cell[out]):
            same = kept.beyond[kept.cell == cell]
            constant[out & (errors.cell == cell)] = quantile(same if len(same) else kept.beyond)
    count = np.ones(len(halves), bool) if of is None else of

    def score(half: Floats) -> float:
        beyond = np.maximum(errors.beyond - half, 0)
        return float(np.mean((2 * half + 2 / (1 - COVERED) * beyond)[count]))

    return Coverage(
        int(count.sum()),
        int((errors.beyond <= halves)[count].sum()),
        float(np.median(halves[count])),
        score(halves) / score(constant),
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
        weight, factor, left = fit_number(errors)
        for number, cell in enumerate(sorted(part.groupby(CELL, sort=True).groups)):
            table.append(
                {"quantity": quantity, "unit": unit}
                | {name: float(f"{of_cells.loc[cell, key]:.3g}") for key, name in found.items()}
                | {"phantoms": int((errors.cell == number).sum())}
                | {"left": float(f"{left[number]:.4g}"), "weight": weight}
                | {"factor": float(f"{factor:.4g}")}
            )
    return pd.DataFrame(table, columns=list(COLUMNS))
