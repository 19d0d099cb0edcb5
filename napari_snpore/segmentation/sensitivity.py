"""Sensitivity of phase fractions to the thresholds, from the cumulative histogram."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram

_CURVE_POINTS = 201
"""Points of a curve between the neighbours of a threshold: steps of half a percent."""

_PLATEAU_POINTS = 1.0
"""Change of a fraction, in percentage points, that bounds a plateau."""


def threshold_sensitivity(
    histogram: Histogram, thresholds: Sequence[float], *, names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return how every phase fraction changes with every threshold.

    Parameters
    ----------
    histogram : Histogram
        Of the whole, or of the envelope's inside.
    thresholds : sequence of float
        Increasing, grey units.
    names : sequence of str, optional
        Of the phases; default their numbers.

    Returns
    -------
    DataFrame
        One row per threshold and phase beside it: ``threshold, value_gray, phase, fraction_percent,
        change_percent_per_gray`` (percentage points per grey unit, the mean slope over 1 % of the
        distance to the neighbouring thresholds on both sides), ``plateau_from_gray`` and
        ``plateau_to_gray``: as far as this threshold can move until the fraction is off by one
        percentage point.

    Raises
    ------
    InputError
        Thresholds that do not increase.

    Examples
    --------
    >>> from napari_snpore.segmentation.histogram import gray_histogram
    >>> histogram = gray_histogram(np.arange(100, dtype=np.uint8).reshape(4, 5, 5))
    >>> table = threshold_sensitivity(histogram, [50], names=["pore", "C"])
    >>> table[["phase", "fraction_percent", "change_percent_per_gray"]].round(2).values.tolist()
    [['pore', 50.0, 1.0], ['C', 50.0, -1.0]]
    """
    values = _checked(thresholds)
    names = list(names) if names is not None else [f"phase {k}" for k in range(1, len(values) + 2)]
    now = 100 * np.array(histogram.fractions(values))
    rows = []
    for k in range(len(values)):
        low, high = _allowed_range(histogram, values, k)
        step = max(0.01 * (high - low), _finest(histogram))
        for phase in (k, k + 1):
            below, above = (
                100 * histogram.fractions(_moved(values, k, values[k] + d))[phase]
                for d in (-step, step)
            )
            curve = threshold_curve(histogram, values, k, points=4 * _CURVE_POINTS)
            start, stop = _plateau(
                curve["threshold_gray"], curve[_column(phase)], values[k], now[phase]
            )
            rows.append(
                {
                    "threshold": f"t{k + 1}",
                    "value_gray": values[k],
                    "phase": names[phase],
                    "fraction_percent": now[phase],
                    "change_percent_per_gray": (above - below) / (2 * step),
                    "plateau_from_gray": start,
                    "plateau_to_gray": stop,
                }
            )
    return pd.DataFrame(rows)


def threshold_curve(
    histogram: Histogram, thresholds: Sequence[float], index: int, *, points: int = _CURVE_POINTS
) -> pd.DataFrame:
    """Return the fractions of all phases while one threshold moves between its neighbours and the
    others stay.

    Returns
    -------
    DataFrame
        ``threshold_gray`` and, for each phase, ``phase_1_percent`` and so on.
    """
    values = _checked(thresholds)
    if not 0 <= index < len(values):
        raise InputError(f"index is {index}; there are {len(values)} thresholds.")
    low, high = _allowed_range(histogram, values, index)
    places = np.linspace(low, high, points)
    shares = np.array([histogram.fractions(_moved(values, index, place)) for place in places]) * 100
    table = pd.DataFrame({_column(k): shares[:, k] for k in range(len(values) + 1)})
    table.insert(0, "threshold_gray", places)
    return table


def _column(phase: int) -> str:
    return f"phase_{phase + 1}_percent"


def _checked(thresholds: Sequence[float]) -> list[float]:
    values = [float(value) for value in thresholds]
    if not values or not np.isfinite(values).all() or (np.diff(values) <= 0).any():
        raise InputError(f"thresholds are {values}; finite, increasing grey values are needed.")
    return values


def _allowed_range(histogram: Histogram, values: list[float], index: int) -> tuple[float, float]:
    """Return how far a threshold can move: to its neighbours, or the ends of the core."""
    low = values[index - 1] if index else float(histogram.core.edges[0])
    high = values[index + 1] if index + 1 < len(values) else float(histogram.core.edges[-1])
    return min(low, values[index]), max(high, values[index])


def _finest(histogram: Histogram) -> float:
    step = histogram.step
    return step if np.dtype(histogram.dtype).kind in "iub" else step / 2


def _moved(values: list[float], index: int, value: float) -> list[float]:
    moved = list(values)
    moved[index] = value
    for k in range(index - 1, -1, -1):  # thresholds that would be overtaken are pushed along
        moved[k] = min(moved[k], value)
    for k in range(index + 1, len(moved)):
        moved[k] = max(moved[k], value)
    return moved


def _plateau(places: pd.Series, shares: pd.Series, at: float, now: float) -> tuple[float, float]:
    near = (shares - now).abs().to_numpy() <= _PLATEAU_POINTS
    middle = int(np.clip(np.searchsorted(places, at), 0, len(places) - 1))
    if not near[middle]:
        return at, at
    first = middle - int(np.argmin(near[middle::-1])) + 1 if not near[: middle + 1].all() else 0
    last = (
        middle + int(np.argmin(near[middle:])) - 1 if not near[middle:].all() else len(places) - 1
    )
    return float(places.iloc[first]), float(places.iloc[last])
