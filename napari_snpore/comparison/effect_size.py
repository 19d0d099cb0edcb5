"""Two samples of fibres: Welch's test, Holm's adjustment, Hedges' g with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class EffectSize(NamedTuple):
    """Hedges' g and its 95 % interval; nan where it is not defined."""

    g: float
    low: float
    high: float


class WelchTest(NamedTuple):
    """Half-width of the 95 % interval of a difference of means, and the two-sided p."""

    half_width: float
    p: float


def welch_test(a: Sequence[float], b: Sequence[float]) -> WelchTest:
    """Return Welch's test of two samples of two values or more; p is nan where nothing scatters.

    References
    ----------
    B. L. Welch, Biometrika 34 (1947) 28.

    Examples
    --------
    >>> half, p = welch_test([3.0, 4.0, 1.0, 2.1], [490.2, 340.0, 433.9])
    >>> round(p, 4)
    0.0108
    """
    from scipy import stats

    spread_a, spread_b = (_variance(one) / len(one) for one in (a, b))
    error = math.sqrt(spread_a + spread_b)
    if error == 0:
        return WelchTest(0.0, math.nan)
    free = (spread_a + spread_b) ** 2 / (spread_a**2 / (len(a) - 1) + spread_b**2 / (len(b) - 1))
    t = (float(np.mean(b)) - float(np.mean(a))) / error
    half = float(stats.t.ppf(0.975, free)) * error
    return WelchTest(half, 2 * float(stats.t.sf(abs(t), free)))


def _variance(values: Sequence[float]) -> float:
    """Return the variance of a sample; 0 where only the last digits of its numbers differ."""
    found = float(np.var(values, ddof=1))
    return found if math.sqrt(found) > _ROUNDING * float(np.abs(values).max()) else 0.0


_ROUNDING = 1e-9
"""Share of a number that its last digits make up after some sums."""


def holm_adjusted(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number by Holm's step-down method; nan stays nan and does
    not count.

    References
    ----------
    S. Holm, Scand. J. Stat. 6 (1979) 65.

    Examples
    --------
    >>> holm_adjusted([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, np.float64)
    found = np.full(values.shape, math.nan)
    known = np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    steps = values[order] * np.arange(len(order), 0, -1)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return found


def hedges_g(a: Sequence[float], b: Sequence[float]) -> EffectSize:
    """Return the difference of two means (b − a) in units of the pooled standard deviation, without
    its bias in small samples, and the interval of the effect.

    Parameters
    ----------
    a, b : sequence of float
        Two values or more each.

    Notes
    -----
    The interval comes from the noncentral t distribution: the effects for which the observed t lies
    at the 2.5 and the 97.5 percentile.

    References
    ----------
    L. V. Hedges, J. Educ. Stat. 6 (1981) 107; G. Cumming and S. Finch, Educ. Psychol. Meas. 61
    (2001) 532.

    Examples
    --------
    >>> g = hedges_g([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])
    >>> [round(value, 2) for value in g]
    [0.8, -0.78, 2.68]
    """
    from scipy.special import gammaln

    n_a, n_b = len(a), len(b)
    free = n_a + n_b - 2
    pooled = math.sqrt(((n_a - 1) * _variance(a) + (n_b - 1) * _variance(b)) / free)
    if pooled == 0:
        return EffectSize(math.nan, math.nan, math.nan)
    d = (float(np.mean(b)) - float(np.mean(a))) / pooled
    unbiased = math.exp(gammaln(free / 2) - gammaln((free - 1) / 2)) / math.sqrt(free / 2)
    scale = math.sqrt(1 / n_a + 1 / n_b)
    low, high = (scale * _noncentrality(d / scale, free, share) for share in (0.975, 0.025))
    return EffectSize(unbiased * d, low, high)


def _noncentrality(t: float, free: int, share: float) -> float:
    """Return the noncentrality for which ``t`` is the percentile ``share``.

    A noncentral t is (z + noncentrality) / s with z normal and s² = χ²/n, so that its distribution
    is the mean of Φ(t·s − noncentrality) over s: here over midpoints of equal probability, because
    library functions fail beyond t of some 40.
    """
    from scipy import optimize, special

    scales = _chi_scales(free)
    reach = 10.0 + abs(t) * float(scales[-1])
    return float(
        optimize.brentq(
            lambda at: float(special.ndtr(t * scales - at).mean()) - share, -reach, reach
        )
    )


@lru_cache(maxsize=32)
def _chi_scales(free: int) -> NDArray[np.float64]:
    """Return the square root of χ²/n at midpoints of equal probability."""
    from scipy import stats

    places = (np.arange(_MIDPOINTS) + 0.5) / _MIDPOINTS
    scales: NDArray[np.float64] = np.sqrt(stats.chi2.ppf(places, free) / free)
    return scales


_MIDPOINTS = 4001
