"""Straight line of noise variance against grey value, through classes of grey value.

In each class the variance is the scale at which squares, cut off at two standard deviations, have the
mean of normal noise: the few places with structure or a hot pixel count no more than others. The
line then has the least absolute relative deviations from the classes, and last the least squares
without the classes that lie far from it.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop

Doubles = NDArray[np.float64]

_CUT = 4.0
"""Square, in variances, at which squares are cut off (two standard deviations: 95 % of normal noise
lie below): nearer to the precision of a variance than a median is, and blind to how far outliers lie."""

_CUT_MEAN = float(
    scipy.stats.chi2.cdf(_CUT, 3) + _CUT * scipy.stats.chi2.sf(_CUT, 1)
)  # mean of min(z², cut) of a standard normal z

_RARE = 99.0
"""Percentile at which squares are cut off where most are 0: a hot pixel does not count there."""

_CLASSES = 24
"""Classes of grey value with as many samples each; fewer where one would hold less than 64."""

_SMALLEST_CLASS = 64

_ROUNDS = 4
"""Rounds of scales and line: the squares of a class are divided by the variance that the last line
expects at each of them, or the scale of unlike pixels would be too low. The deviation left shrinks
with every round; the first is the only large one."""

_SCALE_STEPS = 40
"""Most steps of the fixed point for the scale, which ends at a relative change of 1e-4."""

_LINE_STEPS = 60
"""Steps of reweighted least squares, many more than two parameters need."""

_SMALL = 1e-3
"""Share of the mean variance, and relative deviation, below which neither gains more weight."""

_FAR = 4.7
"""Standard deviations from which a class counts nothing (Tukey's biweight with 95 % efficiency, Beaton
and Tukey, doi 10.1080/00401706.1974.10489171)."""

_NO_NOISE = 25.0
"""Square over the expected variance above which a sample is a hot pixel or an edge and is left out
once a line is known: five standard deviations."""

_LEAST_SCATTER = 0.02
"""Scatter of the classes, relative, that is expected at least: that of 40,000 samples of the fourth
difference, seven of which count as one."""

_MAD = 1.4826
"""Standard deviation of normal numbers over their median absolute deviation."""

_LOCAL = 0.14
"""Variance of a local mean of noise over that of a pixel: sum of the squared weights of the mean."""

_RANGE = 8.4
"""Range of the classes' grey values, in standard deviations of the local mean, below which it is made
by noise: twice that of 24 classes of normal numbers."""

_DARK = 0.5
"""A line that meets 0 above grey value 0 (a dark level in the images) is taken only where it halves
the deviations of the best line with a ≥ 0."""


def fit_line(
    gray: Doubles,
    square: NDArray[np.float32],
    floor: float,
    *,
    should_stop: ShouldStop | None = None,
) -> tuple[float, float]:
    """Fit a + b·gray to the variance.

    Parameters
    ----------
    gray : float64 array, shape (sample,)
        Local grey values, not negative.
    square : float32 array, shape (sample,)
        Squares of noise.
    floor : float
        Mean variance that is none.
    should_stop : callable, optional
        Asked for each class.

    Returns
    -------
    tuple of float
        a and b; b ≥ 0. Where the grey values differ no more than noise makes them differ, a is the
        variance and b is 0.
    """
    if not square.any():
        return 0.0, 0.0
    order = np.argsort(gray, kind="stable")
    count = min(_CLASSES, max(1, len(order) // _SMALLEST_CLASS))
    parts = np.array_split(order, count)
    classes = [(gray[one], square[one].astype(np.float64)) for one in parts]
    sizes = np.array([len(one) for one in parts], np.float64)
    places = np.array([one.mean() for one, _ in classes])
    darkest = float(np.median(classes[0][0]))
    mean_gray = float(np.average(places, weights=sizes))
    a, b = 0.0, 0.0
    for turn in range(_ROUNDS):
        variances = np.empty(count)
        for index, (at, squares) in enumerate(classes):
            check_stop(should_stop)
            expected = np.ones(len(at))
            if turn:
                expected = np.maximum(a + b * at, _SMALL * (a + b * mean_gray))
                noise = squares <= _NO_NOISE * expected
                if np.count_nonzero(noise) > len(at) // 2:
                    at, squares, expected = at[noise], squares[noise], expected[noise]
            places[index] = at.mean()
            variances[index] = scale(squares / expected) * expected.mean()
        if not variances.any():
            return 0.0, 0.0
        typical = float(np.median(variances))
        if places[-1] - places[0] < _RANGE * np.sqrt(_LOCAL * typical):
            return (typical, 0.0) if typical > floor else (0.0, 0.0)
        a, b = _line(places, variances, sizes, darkest)
        if not a + b * mean_gray > floor:
            return 0.0, 0.0
    return a, b


def scale(square: Doubles) -> float:
    """Return the variance s of normal noise for which the mean of min(square, 4 s) is that found.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(0, 3, 10_000)
    >>> bool(abs(scale(noise**2) - 9) < 0.3)
    True
    """
    found = float(np.median(square))
    if found == 0:  # counts so few that most answers are 0
        return float(np.minimum(square, np.percentile(square, _RARE)).mean())
    for _ in range(_SCALE_STEPS):
        last = found
        found = float(np.minimum(square, _CUT * last).mean()) / _CUT_MEAN
        if abs(found - last) <= 1e-4 * last:
            break
    return found


def _line(
    places: Doubles, variances: Doubles, sizes: Doubles, darkest: float
) -> tuple[float, float]:
    """Return a and b of the line with a ≥ 0, or of that with a variance ≥ 0 at the darkest class."""
    plain = _robust_line(places, variances, sizes, 0.0)
    if darkest <= 0:
        return plain[:2]
    dark = _robust_line(places, variances, sizes, darkest)
    return dark[:2] if dark[2] < _DARK * plain[2] else plain[:2]


def _robust_line(
    places: Doubles, variances: Doubles, sizes: Doubles, origin: float
) -> tuple[float, float, float]:
    """Return a and b with b ≥ 0 and a + b·origin ≥ 0, and their mean absolute relative deviation.

    Relative deviations, because the error of a measured variance is a share of it; a class far out
    then pulls no harder than any other.
    """
    x = places - origin
    low, slope = float(np.median(variances[variances > 0])), 0.0
    for _ in range(_LINE_STEPS):
        model = _positive(low + slope * x, sizes)
        off = np.abs(variances - low - slope * x) / model
        low, slope = _least_squares(x, variances, sizes / model**2 / np.maximum(off, _SMALL))
    model = _positive(low + slope * x, sizes)
    off = np.abs(variances - low - slope * x) / model
    deviation = float(np.average(np.minimum(off, 1.0), weights=sizes))
    # vacuum without a count is fitted exactly and says nothing of the scatter
    reach = _FAR * max(_MAD * float(np.median(off[variances > 0])), _LEAST_SCATTER)
    near = np.square(np.maximum(1.0 - np.square(off / reach), 0.0))
    low, slope = _least_squares(x, variances, sizes * near / model**2)
    return float(low - slope * origin), float(slope), deviation


def _positive(line: Doubles, sizes: Doubles) -> Doubles:
    return np.maximum(line, max(_SMALL * float(np.average(line, weights=sizes)), 1e-300))


def _least_squares(x: Doubles, y: Doubles, weights: Doubles) -> tuple[float, float]:
    """Return the intercept and the slope, neither negative, of weighted least squares."""
    weights = weights / weights.max()
    s0, s1, s2 = weights.sum(), (weights * x).sum(), (weights * x * x).sum()
    v0, v1 = (weights * y).sum(), (weights * x * y).sum()
    determinant = s0 * s2 - s1 * s1
    if not determinant > 1e-12 * s0 * s2:  # one grey value
        return float(v0 / s0), 0.0
    low, slope = (s2 * v0 - s1 * v1) / determinant, (s0 * v1 - s1 * v0) / determinant
    if low < 0:
        return 0.0, float(max(v1 / s2, 0.0))
    if slope < 0:
        return float(v0 / s0), 0.0
    return float(low), float(slope)
