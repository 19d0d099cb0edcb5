"""Break point of growth: a fit of two straight lines that meet, compared with one straight line.

The meeting point is found by a search over the whole range, which always finds one. Whether it
means anything is asked apart, by Schwarz's criterion with four parameters against two; a difference
under 10 counts as no break. In simulated lines without a break (9 to 200 points, white noise) that
says "break" in about 1 of 100 with nine points, and more seldom with more.

References
----------
Hudson, J. Am. Stat. Assoc. 61 (1966) 1097, doi 10.1080/01621459.1966.10482198; Schwarz, Ann. Stat. 6 (1978) 461,
doi 10.1214/aos/1176344136.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError
from napari_snpore.in_situ.frames import FLOAT

Factors = NDArray[np.floating[Any]]

_FEWEST = 8
_EACH_SIDE = 3
_NEEDED_BIC = 10.0
_ONE_SIGMA = 0.6827


@dataclass(frozen=True)
class BreakPoint:
    """Two lines that meet.

    Parameters
    ----------
    time_s, time_error_s : float
        Where they meet, and the longer side of the interval of one standard error (68 %), which is
        seldom symmetrical. Only where ``better_than_line`` is it an error to rely on. If frame
        numbers were given as times, all times here are in frames.
    diameter_nm : float
        Diameter where they meet.
    slope_before_nm_per_s, slope_after_nm_per_s : float
        Change per second.
    slope_before_error_nm_per_s, slope_after_error_nm_per_s : float
        One standard error each, for the break where it was found.
    slope_ratio : float
        Slope before over slope after; infinite where the second line is flat.
    share_before : float
        Share of the whole change along the lines that lies before the break; NaN where there is
        none.
    bic_gain : float
        By how much Schwarz's criterion prefers two lines to one; negative where one line is better.
    better_than_line : bool
        Whether that is at least 10: otherwise there is no ground to speak of a break.
    first_s, last_s : float
        First and last time.
    count : int
        Points that were fitted.
    """

    time_s: float
    time_error_s: float
    diameter_nm: float
    slope_before_nm_per_s: float
    slope_after_nm_per_s: float
    slope_before_error_nm_per_s: float
    slope_after_error_nm_per_s: float
    slope_ratio: float
    share_before: float
    bic_gain: float
    better_than_line: bool
    first_s: float
    last_s: float
    count: int

    def curve(self, times_s: ArrayLike) -> FLOAT:
        """Return the diameter (nm) on the two lines at some times."""
        later = np.asarray(times_s, dtype=np.float64) - self.time_s
        slope = np.where(later < 0, self.slope_before_nm_per_s, self.slope_after_nm_per_s)
        curve: FLOAT = self.diameter_nm + slope * later
        return curve


def break_point(
    times_s: ArrayLike, diameters_nm: ArrayLike, errors_nm: ArrayLike | None = None
) -> BreakPoint:
    """Fit two straight lines that meet to diameters against time, and say whether one line would
    do.

    Parameters
    ----------
    times_s, diameters_nm : array-like, shape (frame,)
        Points that are not finite are left out. Frame numbers can replace unknown times.
    errors_nm : array-like, shape (frame,), optional
        Standard errors, which weigh the points against each other; how large they are over all is
        taken from the scatter.

    Returns
    -------
    BreakPoint
        Always with the best break, be it a good one or not: see ``better_than_line``.

    Raises
    ------
    InputError
        Lengths that differ, fewer than 8 points, fewer than 7 different times, errors that are not
        positive.

    Examples
    --------
    >>> t = np.arange(0.0, 500.0, 20.0)
    >>> round(break_point(t, 60 + 0.04 * np.minimum(t, 300)).time_s)
    300
    """
    t, d, w = _checked(times_s, diameters_nm, errors_nm)
    order = np.argsort(t, kind="stable")
    t, d, w = t[order], d[order], w[order]
    scale = float(t[-1] - t[0])
    u = (t - t[0]) / scale  # 0 to 1: well-conditioned whatever the unit
    places = np.unique(u)
    low, high = float(places[_EACH_SIDE - 1]), float(places[-_EACH_SIDE])

    cost = _Cost(u, d, w)
    best = cost.lowest(places[(places >= low) & (places <= high)])
    factors, rest, inverse = _least_squares(
        np.stack([np.ones_like(u), u, np.maximum(u - best, 0)], axis=1), d, w
    )
    n, freedom = len(u), len(u) - 4
    floor = (
        n * (1e-12 * (float(np.abs(d).max()) + 1e-300)) ** 2
    )  # noiseless data: no logarithm of nothing
    gain = n * math.log((cost.line + floor) / (rest + floor)) - 2 * math.log(n)
    variance = rest / freedom
    limit = rest + variance * float(scipy.special.fdtri(1, freedom, _ONE_SIGMA))
    before, bend = factors[1], factors[2]
    after = before + bend
    student = float(scipy.special.stdtrit(freedom, 0.5 + _ONE_SIGMA / 2))
    spread = student * np.sqrt(
        variance * np.array([inverse[1, 1], inverse[1, 1] + 2 * inverse[1, 2] + inverse[2, 2]])
    )
    change = before * best + after * (1 - best)
    return BreakPoint(
        time_s=float(t[0] + best * scale),
        time_error_s=cost.reach(best, limit) * scale,
        diameter_nm=float(factors[0] + before * best),
        slope_before_nm_per_s=float(before / scale),
        slope_after_nm_per_s=float(after / scale),
        slope_before_error_nm_per_s=float(spread[0] / scale),
        slope_after_error_nm_per_s=float(spread[1] / scale),
        slope_ratio=float(before / after) if after != 0 else math.copysign(math.inf, before),
        share_before=float(before * best / change) if change != 0 else math.nan,
        bic_gain=gain,
        better_than_line=gain >= _NEEDED_BIC,
        first_s=float(t[0]),
        last_s=float(t[-1]),
        count=n,
    )


class _Cost:
    """Weighted sum of squares of two lines, as a function of where they meet.

    The bend ``max(u − at, 0)`` is made perpendicular to the straight line once and for all places
    at a time: the sum of squares is then that of the line less what the bend takes away.
    """

    def __init__(self, u: FLOAT, d: FLOAT, w: FLOAT) -> None:
        self._u, self._root = u, np.sqrt(w)
        self._basis = np.linalg.qr(np.stack([np.ones_like(u), u], axis=1) * self._root[:, None])[0]
        rest = d * self._root
        self._rest = rest - self._basis @ (self._basis.T @ rest)
        self.line = float(self._rest @ self._rest)

    def __call__(self, places: FLOAT) -> FLOAT:
        """Return the sum of squares for each of the places."""
        bend = np.maximum(self._u[:, None] - places[None, :], 0) * self._root[:, None]
        bend = bend - self._basis @ (self._basis.T @ bend)
        power = (bend**2).sum(axis=0)
        share = np.divide(
            (bend.T @ self._rest) ** 2, power, out=np.zeros_like(power), where=power > 1e-20
        )
        sums: FLOAT = np.maximum(self.line - share, 0)
        return sums

    def lowest(self, places: FLOAT) -> float:
        """Return where the sum is lowest between the first and the last of some rising places."""
        # between two points the sum is smooth, with one minimum at most: eight steps in each are
        # enough to find its valley
        steps = np.arange(8) / 8
        fine = np.append((places[:-1, None] + np.diff(places)[:, None] * steps).ravel(), places[-1])
        k = int(np.argmin(self(fine)))
        valley = float(fine[max(k - 1, 0)]), float(fine[min(k + 1, len(fine) - 1)])
        if valley[0] == valley[1]:
            return float(fine[k])
        found = scipy.optimize.minimize_scalar(
            lambda at: float(self(np.array([at]))[0]),
            bounds=valley,
            method="bounded",
            options={"xatol": 1e-9},
        )
        return float(found.x) if found.fun <= self(fine[k : k + 1])[0] else float(fine[k])

    def reach(self, best: float, limit: float) -> float:
        """Return the longer side of the interval around the best place where the sum stays below a
        limit.
        """
        ends = []
        for rim in (0.0, 1.0):
            places = best + (rim - best) * np.linspace(0, 1, 501) ** 2
            sums = self(places)
            above = np.flatnonzero(sums > limit)
            if not len(above) or above[0] == 0:
                ends.append(best if len(above) else rim)
                continue
            k = int(above[0])
            part = (limit - sums[k - 1]) / (sums[k] - sums[k - 1])
            ends.append(float(places[k - 1] + part * (places[k] - places[k - 1])))
        return max(best - ends[0], ends[1] - best)


def _least_squares(columns: FLOAT, d: FLOAT, w: FLOAT) -> tuple[Factors, float, Factors]:
    """Return factors, weighted sum of squares, and the inverse of the normal matrix."""
    inverse = np.linalg.pinv(columns.T @ (w[:, None] * columns), hermitian=True)
    factors = np.linalg.lstsq(columns * np.sqrt(w)[:, None], d * np.sqrt(w), rcond=None)[0]
    return np.asarray(factors), float((w * (d - columns @ factors) ** 2).sum()), np.asarray(inverse)


def _checked(
    times: ArrayLike, diameters: ArrayLike, errors: ArrayLike | None
) -> tuple[FLOAT, FLOAT, FLOAT]:
    t, d = (np.asarray(one, dtype=np.float64).reshape(-1) for one in (times, diameters))
    e = np.ones_like(d) if errors is None else np.asarray(errors, dtype=np.float64).reshape(-1)
    if not len(t) == len(d) == len(e):
        raise InputError(
            f"There are {len(t)} times, {len(d)} diameters and {len(e)} errors; as many of each are needed."
        )
    known = np.isfinite(t) & np.isfinite(d) & np.isfinite(e)
    t, d, e = t[known], d[known], e[known]
    if len(t) < _FEWEST or len(np.unique(t)) < 2 * _EACH_SIDE + 1:
        raise InputError(
            f"There are {len(t)} known diameters at {len(np.unique(t))} times; a break takes {_FEWEST}, at "
            f"{2 * _EACH_SIDE + 1} different times."
        )
    if (e <= 0).any():
        raise InputError(
            "errors_nm holds a value that is not positive; standard errors are needed."
        )
    weight = (1 / e) ** 2
    return t, d, weight / weight.mean()
