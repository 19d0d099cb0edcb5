"""Search for the thresholds of a volume with the least discrete residual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.tomography.discrete.level_fits import finer_grid, fit_levels, search_levels
from napari_snpore.tomography.discrete.level_sets import LevelSets, threshold_grid

Floats = NDArray[np.float64]

Project = Callable[[Floats, Progress | None], LevelSets]
"""Projects the level sets of some thresholds."""


@dataclass(frozen=True, eq=False)
class ThresholdSearch:
    """All thresholds of a grid, and the best.

    Attributes
    ----------
    grid : array, shape (K,)
        Thresholds of the first search.
    residual : array, shape (K, K), or (K,) for one threshold
        R of each choice; nan where the levels do not rise.
    coarse : tuple of int
        Indices of the best choice of the grid; empty where no rising levels fit.
    thresholds, levels : tuple of float
        The best choice of the second search, and the level of each class.
    minimum : float
        Its R.
    """

    grid: Floats
    residual: Floats
    coarse: tuple[int, ...]
    thresholds: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    minimum: float = np.nan


def search_thresholds(
    values: NDArray[np.float32],
    number: int,
    project: Project,
    *,
    count: int,
    points: int = 9,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ThresholdSearch | None:
    """Judge every choice of ``number`` thresholds on a grid, then again on a finer one around the
    best, with projections of its own.

    Parameters
    ----------
    values : array
        Grey values over which the grid is laid.
    number : int
        Thresholds, one less than phases.
    project : callable
        See :data:`Project`.
    count, points : int
        Thresholds of the grid, and of the finer one beside each of the best.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    ThresholdSearch or None
        None where there are fewer grey values than phases.
    """
    grid = threshold_grid(values, count)
    if len(grid) < number:
        return None
    first = len(grid) / (len(grid) + (points + 1) * number)
    sets = project(grid, share_of(progress, 0, first))
    search = search_levels(sets, number, should_stop=should_stop)
    if not search.best:
        return ThresholdSearch(grid, search.residual, ())
    sets = project(finer_grid(grid, search.best, points), share_of(progress, first, 1))
    finer = search_levels(sets, number, should_stop=should_stop).best
    residual, levels = fit_levels(sets, np.array([finer], np.intp))
    return ThresholdSearch(
        grid,
        search.residual,
        search.best,
        tuple(sets.thresholds[list(finer)].tolist()),
        tuple(levels[0].tolist()),
        float(residual[0]),
    )
