"""Discrete residual over all thresholds: which thresholds, and which fractions, the images allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
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
    minimum : float
        R at the suggested thresholds; nan where no levels were found.
    allowance : float
        Δ: thresholds with R <= minimum + Δ are allowed by the images.
    suggestion : Suggestion
        Thresholds at the minimum, refined below the grid, with the doubts about them in words.
    blur_px : float
        σ of the blur of the model, in pixels.
    """

    thresholds: Floats
    residual: Floats
    levels: tuple[float, ...]
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
        """Return thresholds that the images allow: the suggested ones, all allowed points of the
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
        points = [np.array([self.suggestion.thresholds[:axes]])]
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
            phases, thresholds from the third on are held at the suggestion.

        Raises
        ------
        InputError
            No levels were found, so that nothing is known of the thresholds.
        """
        if not self.levels:
            raise InputError("The images allow no thresholds: no levels were found.")
        held = self.suggestion.thresholds[self.residual.ndim :]
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
