"""Discrete residual over all thresholds: which thresholds, and which fractions, the images allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.thresholds import Suggestion

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ResidualMap:
    """Discrete residual over all thresholds, and what follows from it.

    Parameters
    ----------
    thresholds : array, float64, shape (K,)
        The grid, rising grey values: the axes of ``residual``.
    residual : array, float64, shape (K, K), or (K,) for two phases
        R at (t1, t2) with the levels that fit best there, the least over the other thresholds where
        there are more than two. nan where t2 <= t1, or where no rising levels fit.
    levels : tuple of float
        Grey levels of the phases at the minimum, vacuum (0) first; empty where none were found.
    best : tuple of float
        Thresholds at the minimum, refined below the grid; empty where no levels were found.
    minimum : float
        R there; nan where no levels were found.
    allowance : float
        Δ: thresholds with R <= minimum + Δ are allowed by the images.
    suggestion : Suggestion
        Thresholds and the doubts about them in words: those at the minimum, but t1 half way between
        vacuum and the next level as far as the images allow it.
    blur_px : float
        σ of the blur of the model, in pixels.
    """

    thresholds: Floats
    residual: Floats
    levels: tuple[float, ...]
    best: tuple[float, ...]
    minimum: float
    allowance: float
    suggestion: Suggestion
    blur_px: float

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """Where the images allow the thresholds of the grid; shape of ``residual``."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.residual <= self.minimum + self.allowance)

    def allowed_thresholds(self) -> Floats:
        """Return thresholds that the images allow: those at the minimum, all allowed points of the
        grid, and where the limit R = minimum + Δ crosses the lines between points.

        Returns
        -------
        float64 array, shape (choice, 1 or 2)
            The first one or two thresholds; empty where no levels were found.
        """
        axes = self.residual.ndim
        if not self.levels:
            return np.empty((0, axes))
        limit = self.minimum + self.allowance
        points = [np.array([self.best[:axes]])]
        points.append(self.thresholds[np.argwhere(self.allowed)])
        for axis in range(axes):
            low, high = _neighbours(self.residual, axis)
            with np.errstate(invalid="ignore"):
                crossed = (low <= limit) != (high <= limit)
            crossed &= np.isfinite(low) & np.isfinite(high)
            at = np.argwhere(crossed)
            share = (limit - low[crossed]) / (high[crossed] - low[crossed])
            found = self.thresholds[at].reshape(-1, axes)
            step = self.thresholds[at[:, axis] + 1] - found[:, axis]
            found[:, axis] += share * step
            points.append(found)
        return np.concatenate(points)

    def table(self) -> pd.DataFrame:
        """Return the map as rows: ``t1_gray``, ``t2_gray`` where there are two axes, ``residual``,
        ``allowed``; choices without rising levels are left out.
        """
        at = np.argwhere(np.isfinite(self.residual))
        columns: dict[str, Any] = {
            f"t{axis + 1}_gray": self.thresholds[at[:, axis]] for axis in range(at.shape[1])
        }
        columns["residual"] = self.residual[tuple(at.T)]
        columns["allowed"] = self.allowed[tuple(at.T)]
        return pd.DataFrame(columns)

    def residual_at(self, thresholds: Sequence[float]) -> float:
        """Return R at some thresholds, interpolated in the map; nan outside of it.

        Of more than two thresholds the first two count: the map holds the least R over the others.
        """
        axes = self.residual.ndim
        at = np.array([float(value) for value in thresholds][:axes])
        low, high = self.thresholds[0], self.thresholds[-1]
        if len(at) < axes or not ((at >= low) & (at <= high)).all():
            return math.nan
        cell = np.clip(np.searchsorted(self.thresholds, at) - 1, 0, len(self.thresholds) - 2)
        share = (at - self.thresholds[cell]) / np.diff(self.thresholds)[cell]
        corners = self.residual[tuple(slice(first, first + 2) for first in cell)]
        for part in share:
            corners = corners[0] * (1 - part) + corners[1] * part
        return float(corners)

    def fraction_ranges(self, histogram: Histogram) -> tuple[tuple[float, float], ...]:
        """Return the range of each phase's fraction over all thresholds that the images allow.

        Parameters
        ----------
        histogram : Histogram
            Grey values inside the envelope (``gray_histogram(volume, mask=envelope)``), or of the
            whole volume.

        Returns
        -------
        tuple of (float, float)
            Least and greatest percentage of each phase, the darkest first. With more than three
            phases, thresholds from the third on are held at the minimum.

        Raises
        ------
        InputError
            No levels were found, so that nothing is known of the thresholds.
        """
        if not self.levels:
            raise InputError("The images allow no thresholds: no levels were found.")
        held = self.best[self.residual.ndim :]
        shares = [
            histogram.fractions((*choice, *held))
            for choice in self.allowed_thresholds().tolist()
            if not held or choice[-1] < held[0]
        ]
        percent = 100 * np.array(shares)
        return tuple(zip(percent.min(axis=0).tolist(), percent.max(axis=0).tolist(), strict=True))


def _neighbours(residual: Floats, axis: int) -> tuple[Floats, Floats]:
    """Return the residuals at the two ends of every line between neighbouring points of an axis."""
    low = np.take(residual, range(residual.shape[axis] - 1), axis)
    high = np.take(residual, range(1, residual.shape[axis]), axis)
    return low, high
