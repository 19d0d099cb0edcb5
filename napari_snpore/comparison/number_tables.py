"""Numbers of all states in one table, and their differences with intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.comparison.effect_size import EffectSize, hedges_g, holm_adjusted, welch_test
from napari_snpore.comparison.estimates import Estimate, Row, estimate, is_corrected_in
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS

Quantity = tuple[str, str]
"""Name and unit."""

CALIBRATED = "yes"
BETWEEN_FIBRES = "between fibres"
"""Dominant source of a mean over fibres that differ by more than each of them is uncertain."""

DIFFERENCE_COLUMNS = (
    "quantity",
    "unit",
    "state_a",
    "state_b",
    "n_a",
    "n_b",
    "difference",
    "low_95",
    "high_95",
    "below_error",
    "p_welch",
    "p_holm",
    "effect_size",
    "effect_low_95",
    "effect_high_95",
    "compared",
    "calibrated",
)

NumbersOfStates = Mapping[str, Mapping[Quantity, Sequence[Row]]]
"""By state and number: the row of each fibre that has it."""

ExtraErrors = Mapping[str, Mapping[Quantity, float]]
"""By state and number: half-width of an error that only differences between states have."""


def numbers_of_states(results: Mapping[str, Sequence[StateResult]]) -> NumbersOfStates:
    """Return the rows of every number by state, numbers in the order of the fibres' tables."""
    found: dict[str, dict[Quantity, list[Row]]] = {}
    for state, fibres in results.items():
        rows: dict[Quantity, list[Row]] = {}
        for fibre in fibres:
            for row in fibre.numbers.to_dict("records"):
                named = {str(name): value for name, value in row.items()}
                rows.setdefault((named["quantity"], named["unit"]), []).append(named)
        found[state] = rows
    return found


def quantities_in_order(numbers: NumbersOfStates) -> list[Quantity]:
    """Return every quantity once, each after the one that it follows in its state."""
    order: list[Quantity] = []
    for rows in numbers.values():
        place = 0
        for quantity in rows:
            if quantity in order:
                place = order.index(quantity) + 1
            else:
                order.insert(place, quantity)
                place += 1
    return order


def states_table(numbers: NumbersOfStates) -> pd.DataFrame:
    """Return one row per state and number: ``state, n`` and the columns of ``numbers.csv``.

    A state of one fibre has the row of that fibre. A state of several has means of ``value``,
    ``twin_bias`` and, where all fibres have it, ``corrected``, with the interval of the mean (see
    :func:`~napari_snpore.comparison.estimates.estimate`); ``n`` counts the fibres that have the number.
    """
    rows = []
    for state, by_quantity in numbers.items():
        for fibres in by_quantity.values():
            row = dict(fibres[0]) if len(fibres) == 1 else _mean_row(fibres)
            n = sum(math.isfinite(one["value"]) for one in fibres)
            rows.append({"state": state, "n": n, **row})
    return pd.DataFrame(rows, columns=["state", "n", *NUMBER_COLUMNS])


def _mean_row(fibres: Sequence[Row]) -> dict[str, Any]:
    """Return the row of a state of several fibres."""
    corrected = is_corrected_in(fibres)
    found = estimate(fibres, corrected=corrected)
    known = [row for row in fibres if math.isfinite(row["value"])]
    low, high = found.ends(str(fibres[0]["unit"]))
    between = found.n > 1 and not max(found.below, found.above) <= np.fmax(
        found.within_below, found.within_above
    )
    sources = list(dict.fromkeys(str(row["dominant_source"] or "") for row in known))
    return {
        "quantity": fibres[0]["quantity"],
        "unit": fibres[0]["unit"],
        "value": float(np.mean([row["value"] for row in known])) if known else math.nan,
        "twin_bias": float(np.mean([row["twin_bias"] for row in known])) if known else math.nan,
        "corrected": found.best if corrected else math.nan,
        "low_95": low,
        "high_95": high,
        "fibre_low_95": math.nan,  # the interval of a mean over fibres holds how they vary
        "fibre_high_95": math.nan,
        "dominant_source": BETWEEN_FIBRES if between else ", ".join(filter(None, sources)),
        "calibrated": calibrated_words(known or fibres),
        "restoration": ", ".join(dict.fromkeys(str(row["restoration"]) for row in fibres)),
    }


def calibrated_words(rows: Sequence[Row]) -> str:
    """Return ``yes`` where every interval is calibrated, else ``no`` with the reasons.

    Examples
    --------
    >>> calibrated_words([{"calibrated": "yes"}, {"calibrated": "no, no images"}])
    'no, no images'
    """
    whys = [str(row["calibrated"]) for row in rows if row["calibrated"] != CALIBRATED]
    reasons = dict.fromkeys(why.removeprefix("no, ") for why in whys)
    return f"no, {'; '.join(reasons)}" if whys else CALIBRATED


def differences_table(numbers: NumbersOfStates, extra: ExtraErrors | None = None) -> pd.DataFrame:
    """Return one row per number and pair of states that both have it, columns
    :data:`DIFFERENCE_COLUMNS`.

    Parameters
    ----------
    numbers : mapping
        Of :func:`numbers_of_states`.
    extra : mapping, optional
        Half-widths of further errors of a state, independent of its interval.

    Notes
    -----
    The ends of an interval lie where the halves of both states, one side each, add up as
    independent errors: difference − sqrt((b − b_low)² + (a_high − a)²) and the same for the upper
    end (G. Y. Zou and A. Donner, Stat. Med. 27 (2008) 1693). With two fibres and more in both states the
    interval is Welch's, no narrower than what is known of one fibre.
    """
    extra = extra or {}
    rows = []
    for quantity in quantities_in_order(numbers):
        for pair in combinations(numbers, 2):
            of_both = [numbers[state].get(quantity) for state in pair]
            if of_both[0] is None or of_both[1] is None:
                continue
            further = [extra.get(state, {}).get(quantity, 0.0) for state in pair]
            rows.append(
                {
                    "quantity": quantity[0],
                    "unit": quantity[1],
                    "state_a": pair[0],
                    "state_b": pair[1],
                    **_difference(of_both[0], of_both[1], (further[0], further[1])),
                }
            )
    table = pd.DataFrame(rows, columns=list(DIFFERENCE_COLUMNS))
    table["p_holm"] = holm_adjusted(table["p_welch"].to_numpy(np.float64))
    return table.astype({"below_error": "boolean"})


def _difference(
    rows_a: Sequence[Row], rows_b: Sequence[Row], extra: tuple[float, float]
) -> dict[str, Any]:
    """Return what is known of b − a."""
    corrected = is_corrected_in(rows_a) and is_corrected_in(rows_b)
    a, b = (estimate(rows, corrected=corrected) for rows in (rows_a, rows_b))
    difference = b.best - a.best
    down, up, p, effect = _halves(a, b)
    down, up = (math.hypot(half, *extra) for half in (down, up))
    known = math.isfinite(difference) and math.isfinite(down) and math.isfinite(up)
    return {
        "n_a": a.n,
        "n_b": b.n,
        "difference": difference,
        "low_95": difference - down if known else math.nan,
        "high_95": difference + up if known else math.nan,
        "below_error": bool(difference - down <= 0 <= difference + up) if known else None,
        "p_welch": p,
        "effect_size": effect.g,
        "effect_low_95": effect.low,
        "effect_high_95": effect.high,
        "compared": "corrected" if corrected else "value",
        "calibrated": calibrated_words([*rows_a, *rows_b]),
    }


def _halves(a: Estimate, b: Estimate) -> tuple[float, float, float, EffectSize]:
    """Return the halves of the interval of b − a below and above it, p, and the effect size."""
    none = EffectSize(math.nan, math.nan, math.nan)
    if min(a.n, b.n) < 2:
        return math.hypot(b.below, a.above), math.hypot(b.above, a.below), math.nan, none
    welch = welch_test(a.values, b.values)
    down = np.fmax(welch.half_width, math.hypot(b.within_below, a.within_above))
    up = np.fmax(welch.half_width, math.hypot(b.within_above, a.within_below))
    return float(down), float(up), welch.p, hedges_g(a.values, b.values)
