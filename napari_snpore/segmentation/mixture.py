"""Mixture of normal distributions fitted to a histogram, and thresholds where neighbouring classes
are equally likely.

Expectation and maximisation on the bins (Dempster, Laird and Rubin, J. R. Stat. Soc. B 39 (1977)
1), started from the split of least variance, so that the same histogram gives the same fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.segmentation.splits import otsu_split

Floats = NDArray[np.float64]

_MOST_STEPS = 500
"""Steps after which a fit that has not settled ends: overlapping classes converge slowly."""

_SETTLED = 1e-7
"""Gain of the mean log-likelihood per step below which the fit ends."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """Shares, means and standard deviations of the classes, in the order of their means."""

    shares: Floats
    means: Floats
    deviations: Floats

    def thresholds(self) -> list[float]:
        """Return the grey values between neighbouring means where both are equally likely; half way
        where none is.
        """
        return [self._crossing(k) for k in range(len(self.means) - 1)]

    def overlaps(self, thresholds: list[float]) -> list[float]:
        """Return for each threshold the share of its two classes that lies on the wrong side."""
        found = []
        for k, threshold in enumerate(thresholds):
            one, two = self.shares[k], self.shares[k + 1]
            above = (
                one
                * scipy.special.erfc(
                    (threshold - self.means[k]) / (np.sqrt(2) * self.deviations[k])
                )
                / 2
            )
            below = (
                two
                * scipy.special.erfc(
                    (self.means[k + 1] - threshold) / (np.sqrt(2) * self.deviations[k + 1])
                )
                / 2
            )
            found.append(float((above + below) / (one + two)))
        return found

    def _crossing(self, k: int) -> float:
        """Return where classes k and k + 1 are equally likely; half way for equal shares and
        widths.
        """
        first, second = self.means[k : k + 2]
        apart = second - first
        if not apart > 0:
            return float(first)
        w1, w2 = self.shares[k : k + 2]
        s1, s2 = self.deviations[k : k + 2] / apart
        # log of both densities equal: a quadratic in u, which is 0 and 1 at the two means, so that
        # neither an offset nor the unit of the grey values costs digits
        square = 1 / s2**2 - 1 / s1**2
        linear = -2 / s2**2
        rest = 1 / s2**2 + 2 * np.log(w1 * s2 / (w2 * s1))
        roots = np.roots([square, linear, rest] if abs(square) > 1e-12 / s1**2 else [linear, rest])
        between = [root.real for root in roots if abs(root.imag) < 1e-9 and 0 < root.real < 1]
        return float(first + apart * (between[0] if between else 0.5))


def fit_mixture(counts: Floats, centers: Floats, classes: int) -> Mixture:
    """Fit a number of normal distributions to a histogram.

    Parameters
    ----------
    counts, centers : arrays, shape (n,)
        Of equal bins.
    classes : int
        2 or more.

    Examples
    --------
    >>> fitted = fit_mixture(np.array([1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0]), np.arange(7.0), 2)
    >>> [round(t, 3) for t in fitted.thresholds()]
    [3.0]
    """
    weights = counts / counts.sum()
    start, span = centers[0], max(float(centers[-1] - centers[0]), np.finfo(np.float64).tiny)
    # from 0 to 1: squares of a large offset lose digits, those of huge grey values are infinite
    centers = (centers - start) / span
    floor = (
        (centers[1] - centers[0]) ** 2
    ) / 12  # a class within one bin has the variance of that bin
    cuts = [0, *otsu_split(counts, centers, classes), len(counts)]
    member = np.zeros((classes, len(counts)))
    for k in range(classes):
        member[k, cuts[k] : cuts[k + 1]] = 1
    before = -np.inf
    for _ in range(_MOST_STEPS):
        # maximisation: moments of each class, voxels weighted by their membership
        mass = member * weights
        shares = np.maximum(mass.sum(axis=1), 1e-12)
        means = mass @ centers / shares
        variances = np.maximum((mass * (centers - means[:, None]) ** 2).sum(axis=1) / shares, floor)
        # expectation: log of share times density; the highest is subtracted, so that exp does not
        # underflow
        logs = (
            np.log(shares)[:, None]
            - 0.5 * np.log(2 * np.pi * variances)[:, None]
            - (centers - means[:, None]) ** 2 / (2 * variances[:, None])
        )
        highest = logs.max(axis=0)
        total = highest + np.log(np.exp(logs - highest).sum(axis=0))
        member = np.exp(logs - total)
        likelihood = float(weights @ total)
        if likelihood - before < _SETTLED:
            break
        before = likelihood
    order = np.argsort(means)
    deviations = span * np.sqrt(variances[order])
    return Mixture(shares[order], start + span * means[order], deviations)
