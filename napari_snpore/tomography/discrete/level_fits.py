"""Levels and residual of every choice of thresholds, from the scalar products of level sets.

For N thresholds the steps between the levels solve N linear equations whose matrix is a part of the
Gram matrix; the residual follows from the solution. All choices of up to four thresholds are tried
in arrays, so that no start can lead to a local minimum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.tomography.discrete.level_sets import LevelSets

Floats = NDArray[np.float64]

_LEAST_PIVOT = 1e-9
"""Pivot of the elimination as a share of the diagonal below which two sets count as the same: the
projections are float32."""


@dataclass(frozen=True, eq=False)
class LevelFit:
    """The least residual over all choices of thresholds.

    Parameters
    ----------
    residual : array, shape (K,) for one threshold, else (K, K)
        Over (t1,) or (t1, t2); the least over all other thresholds. nan where t2 <= t1 or where the
        levels do not rise.
    best : tuple of int
        Indices of the best thresholds; empty where no choice has rising levels.
    """

    residual: Floats
    best: tuple[int, ...]


def fit_levels(sets: LevelSets, choices: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Return residual and levels of some choices of thresholds.

    Parameters
    ----------
    sets : LevelSets
        Scalar products.
    choices : array, shape (choice, N)
        Rising indices of thresholds.

    Returns
    -------
    residual : array, shape (choice,)
        Mean of (image − model)² / variance; inf where the levels do not rise from 0, or where two
        sets have the same projection.
    levels : array, shape (choice, N)
        Grey levels of the classes above t1; nan where the residual is inf.

    Examples
    --------
    One pixel that looks through 2 voxels of the dark class and 1 of the bright, one of 1 and 3:

    >>> shadows, image = np.array([[3.0, 4.0], [1.0, 3.0]]), np.array([2 * 1 + 12, 1 + 3 * 12.0])
    >>> gram, moments = shadows @ shadows.T, shadows @ image
    >>> sets = LevelSets(np.array([0.5, 6.0]), gram, moments, float(image @ image), 2)
    >>> residual, levels = fit_levels(sets, np.array([[0, 1]]))
    >>> levels.round(6).tolist()
    [[1.0, 12.0]]
    """
    number = choices.shape[1]
    matrix = sets.gram[choices[:, :, None], choices[:, None, :]]
    diagonal = np.einsum("ckk->ck", matrix).copy()
    steps = sets.moments[choices]
    possible = (diagonal > 0).all(axis=1)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # Gauss elimination of all choices at a time; a Gram matrix needs no exchange of rows
        for k in range(number):
            possible &= matrix[:, k, k] > _LEAST_PIVOT * diagonal[:, k]
            for row in range(k + 1, number):
                factor = matrix[:, row, k] / matrix[:, k, k]
                matrix[:, row] -= factor[:, None] * matrix[:, k]
                steps[:, row] -= factor * steps[:, k]
        for k in reversed(range(number)):
            known = np.einsum("cm,cm->c", matrix[:, k, k + 1 :], steps[:, k + 1 :])
            steps[:, k] = (steps[:, k] - known) / matrix[:, k, k]
        explained = np.einsum("ck,ck->c", sets.moments[choices], steps)
    possible &= (steps > 0).all(axis=1)
    residual = np.where(
        possible, np.maximum(sets.power - explained, 0) / max(sets.pixels, 1), np.inf
    )
    return residual, np.where(possible[:, None], np.cumsum(steps, axis=1), np.nan)


def all_choices(count: int, number: int) -> Iterator[NDArray[np.intp]]:
    """Yield all choices of ``number`` of ``count`` thresholds, those with the same first one
    together.

    Examples
    --------
    >>> [choices.tolist() for choices in all_choices(3, 2)]
    [[[0, 1], [0, 2]], [[1, 2]]]
    """
    for first in range(count - number + 1):
        rest = chain.from_iterable(combinations(range(first + 1, count), number - 1))
        others = np.fromiter(rest, np.intp).reshape(-1, number - 1) if number > 1 else None
        if others is None:
            yield np.array([[first]])
        else:
            yield np.insert(others, 0, first, axis=1)


def search_levels(
    sets: LevelSets, number: int, *, should_stop: ShouldStop | None = None
) -> LevelFit:
    """Fit the levels of all choices of ``number`` thresholds and find the best.

    64 thresholds have 2,016 pairs (some ms) and 635,376 choices of four (a second or two).
    """
    count = len(sets.thresholds)
    residual = np.full((count,) * min(number, 2), np.inf)
    least, best = np.inf, ()
    for choices in all_choices(count, number):
        found, _ = fit_levels(sets, choices)
        np.minimum.at(residual, tuple(choices[:, :2].T), found)
        at = int(np.argmin(found))
        if found[at] < least:
            least, best = float(found[at]), tuple(choices[at].tolist())
        check_stop(should_stop)
    return LevelFit(np.where(np.isfinite(residual), residual, np.nan), best)


def finer_grid(thresholds: Floats, best: tuple[int, ...], points: int = 9) -> Floats:
    """Return the best thresholds with ``points`` more around each, evenly spaced between its
    neighbours on the grid.

    Examples
    --------
    >>> finer_grid(np.array([1.0, 2.0, 4.0, 8.0]), (1,), points=3).tolist()
    [1.75, 2.0, 2.5, 3.25]
    """
    found = [thresholds[list(best)]]
    for index in best:
        low, high = thresholds[max(index - 1, 0)], thresholds[min(index + 1, len(thresholds) - 1)]
        found.append(np.linspace(low, high, points + 2)[1:-1])
    return np.unique(np.concatenate(found))
