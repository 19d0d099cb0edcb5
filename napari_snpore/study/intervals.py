"""Intervals of the numbers of a run: ensemble, twin, and what calibration says is left."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.study.numbers import Quantity, within
from napari_snpore.study.run_errors import NOT_HERE, SOURCE_COLUMNS
from napari_snpore.uncertainty.along_fibre import fibre_half_widths
from napari_snpore.uncertainty.calibration import Reach, interval_reach
from napari_snpore.uncertainty.conditions import Conditions
from napari_snpore.uncertainty.threshold_ensemble import SOURCES

_NORMAL_95 = 1.96

LEFT = "wedge"
"""Source: what a twin leaves, the missing wedge first of all."""

NOISE = "noise"


@dataclass(frozen=True, eq=False)
class IntervalTables:
    """``numbers`` with its intervals, ``sources``, and sentences on what is not calibrated."""

    numbers: pd.DataFrame
    sources: pd.DataFrame
    notes: tuple[str, ...] = ()


def with_intervals(
    numbers: pd.DataFrame,
    spread: pd.DataFrame,
    *,
    twin: pd.DataFrame | None = None,
    conditions: Conditions | None = None,
    images: bool = True,
    reason: str | None = None,
    along: Mapping[Quantity, float] | None = None,
    calibration: pd.DataFrame | None = None,
) -> IntervalTables:
    """Return the table of numbers with intervals, and the range of each source.

    Parameters
    ----------
    numbers : DataFrame
        Of :func:`~napari_snpore.study.numbers.numbers_table`.
    spread : DataFrame
        Of :func:`~napari_snpore.uncertainty.threshold_ensemble.ensemble_spread`.
    twin : DataFrame, optional
        Of :func:`~napari_snpore.uncertainty.digital_twin.digital_twin`, no twin failed. Without it
        nothing is calibrated.
    conditions : Conditions, optional
        Of the run.
    images : bool
        Whether there are images behind the volume: then an interval is no narrower than on the
        hardest phantoms, with a twin or without. Else the ensemble is all there is.
    reason : str, optional
        Why the run is unlike the phantoms: nothing is calibrated then.
    along : mapping of (quantity, unit) to float, optional
        Half-width by sampling along the fibre.
    calibration : DataFrame, optional
        Default: the table that the package ships.

    Notes
    -----
    The interval brackets ``corrected`` where there is one, else ``value``, widened by the twin's
    change on that side.
    """
    spreads = {
        key: {
            str(source): float(one)
            for source, one in zip(part["source"], part["spread"], strict=True)
        }
        for key, part in spread.groupby(["quantity", "unit"], sort=False)
    }
    noise = {}
    if twin is not None:
        keys = zip(twin["quantity"], twin["unit"], strict=True)
        noise = dict(zip(keys, twin["sd"], strict=True))
    out, sources = [], []
    reasons: dict[str, None] = {}
    for found_row in numbers.to_dict("records"):
        row: dict[str, Any] = {str(name): value for name, value in found_row.items()}
        key = row["quantity"], row["unit"]
        known = spreads.get(key, {})
        together = known.get("together", math.nan)
        if not math.isfinite(row["value"]):
            out.append(row)
            continue
        found = None
        if images:
            usual = conditions if twin is not None and reason is None else None
            found = interval_reach(*key, row["value"], together, usual, table=calibration)
        parts = _parts(known, found, noise.get(key, math.nan))
        plain = _NORMAL_95 * together
        reach = (plain, plain) if found is None else (found.below, found.above)
        if found is not None and twin is not None:
            why = reason or found.reason
            row["calibrated"] = "yes" if why is None else f"no, {NOT_HERE}"
            if why is not None:
                reasons[why] = None
        low, high = _ends(row, *reach)
        row |= {"low_95": low, "high_95": high}
        sampled = (along or {}).get(key, math.nan)
        row |= _along(row, low, high, sampled)
        center = _center(row)
        for source, half in parts.items():
            low, high = (float(within(center + sign * half, key[1])) for sign in (-1, 1))
            sources.append(
                {"quantity": key[0], "unit": key[1], "source": source, "low": low, "high": high}
            )
        finite = {source: half for source, half in parts.items() if half > 0}
        row["dominant_source"] = max(finite, key=lambda name: finite[name]) if finite else ""
        out.append(row)
    notes = tuple(f"The intervals are not calibrated here: {why}." for why in reasons)
    table = pd.DataFrame(out, columns=list(numbers.columns))
    return IntervalTables(table, pd.DataFrame(sources, columns=list(SOURCE_COLUMNS)), notes)


def fractions_along(
    phases: NDArray[np.integer], names: tuple[str, ...], cut_axes: tuple[int, ...]
) -> dict[Quantity, float]:
    """Return half-widths of the whole fibre's fractions by sampling along it; none for a body that is
    cut along no axis, or along several.
    """
    if len(cut_axes) != 1:
        return {}
    labels = range(1, len(names) + 1)
    found = fibre_half_widths(phases, tuple(labels), axis=cut_axes[0])
    return {(f"{names[label - 1]} fraction, whole", "%"): half for label, half in found.items()}


def _parts(known: Mapping[str, float], found: Reach | None, noise_sd: float) -> dict[str, float]:
    """Return the half-width of each source alone."""
    parts: dict[str, float] = {
        name: _NORMAL_95 * known[name]
        for name in SOURCES
        if math.isfinite(known.get(name, math.nan))
    }
    if math.isfinite(noise_sd):
        parts[NOISE] = _NORMAL_95 * noise_sd
    if found is not None:
        parts[LEFT] = found.left
    return parts


def _center(row: Mapping[str, float]) -> float:
    return row["corrected"] if math.isfinite(row["corrected"]) else row["value"]


def _ends(row: Mapping[str, float], below: float, above: float) -> tuple[float, float]:
    """Return the interval of a number, within what the number can be."""
    center = _center(row)
    low, high = center - below, center + above
    bias = row["twin_bias"]
    if not math.isfinite(row["corrected"]) and math.isfinite(bias):
        low, high = low - max(bias, 0.0), high + max(-bias, 0.0)
    unit = str(row["unit"])
    return float(within(low, unit)), float(within(high, unit))


def _along(row: Mapping[str, float], low: float, high: float, sampled: float) -> dict[str, float]:
    """Return the interval of the fibre: that of the piece and sampling along it, independent."""
    if not (math.isfinite(sampled) and math.isfinite(low)):
        return {"fibre_low_95": math.nan, "fibre_high_95": math.nan}
    center = _center(row)
    return {
        "fibre_low_95": max(center - math.hypot(center - low, sampled), 0.0),
        "fibre_high_95": min(center + math.hypot(high - center, sampled), 100.0),
    }
