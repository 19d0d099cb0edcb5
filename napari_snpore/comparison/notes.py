"""Sentences on a comparison: how many fibres, what is not calibrated or missing, and what the
intervals do not hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from napari_snpore.comparison.conditions import Results
from napari_snpore.comparison.distributions import StateObjects
from napari_snpore.comparison.estimates import is_corrected_in
from napari_snpore.comparison.number_tables import (
    CALIBRATED,
    ExtraErrors,
    NumbersOfStates,
    quantities_in_order,
)
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.comparison.structure_numbers import NO_ERROR, cube_note

_MOST_NAMED = 6
"""Numbers that a sentence names; of more it says how many."""

_FEWEST_EQUAL = 5
"""Numbers that have to be equal before two tables count as those of one fibre."""

_BY_CHANCE = 0.05
"""Share of 95 % intervals that miss the truth."""

_REASONS = {
    "not calibrated here": "no phantoms of known truth were measured under these conditions",
    "no images": "there are no tilt images behind the volume",
}
"""What the reasons in a table of numbers mean, where their words are not enough."""


def same_fibre_notes(results: Results) -> list[str]:
    """Return which fibres are made of the same file, or agree in every number to the last digit:
    they are one fibre that is counted as several.
    """
    fibres = [(state, fibre) for state, of_state in results.items() for fibre in of_state]
    by_file: dict[str, list[int]] = {}
    by_numbers: dict[tuple[float, ...], list[int]] = {}
    for place, (_, fibre) in enumerate(fibres):
        for key in fibre.conditions.get("inputs", {}):
            by_file.setdefault(key, []).append(place)
        values = tuple(fibre.numbers["value"].dropna().tolist())
        if len(values) >= _FEWEST_EQUAL:
            by_numbers.setdefault(values, []).append(place)
    notes: dict[tuple[int, ...], str] = {}
    for key, places in by_file.items():
        if len(places) > 1:
            name = fibres[places[0]][1].conditions["inputs"][key]
            notes.setdefault(
                tuple(places),
                f"{_which(fibres, places)} come from the same file, {name}: a difference between them "
                "says what the steps do, not how fibres differ.",
            )
    for places in by_numbers.values():
        if len(places) > 1:
            notes.setdefault(
                tuple(places),
                f"{_which(fibres, places)} have the same numbers to the last digit: one fibre was given "
                "more than once.",
            )
    return list(notes.values())


def _which(fibres: Sequence[tuple[str, StateResult]], places: Sequence[int]) -> str:
    """Name some fibres with their states."""
    names = [f"'{fibres[place][1].name}' ({fibres[place][0]})" for place in places]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def fibre_notes(results: Results, differences: pd.DataFrame) -> list[str]:
    """Return what the number of fibres means for intervals and tests."""
    single = [state for state, fibres in results.items() if len(fibres) == 1]
    several = {state: len(fibres) for state, fibres in results.items() if len(fibres) > 1}
    notes = []
    if single:
        each = " each" if len(single) > 1 else ""
        notes.append(
            f"n = 1 fibre{each} ({', '.join(single)}): the intervals say how well the piece that was imaged "
            "is measured, not how fibres of one state differ from each other. There is no p-value and no "
            "effect size: objects of one fibre are not independent samples of its state."
        )
    if several:
        counts = ", ".join(f"{state} n = {n}" for state, n in several.items())
        notes.append(
            f"Several fibres ({counts}): means with Student's interval over fibres, no narrower than what "
            "is known of one fibre."
        )
    known = differences["below_error"].notna()
    if known.any():
        count = int(known.sum())
        beyond = count - int(differences.loc[known, "below_error"].sum())
        chance = max(round(_BY_CHANCE * count), 1)
        notes.append(
            f"{beyond} of {count} differences lie beyond their error; where no number differed, up to {chance} "
            "would by chance."
        )
    if differences["p_welch"].notna().any():
        notes.append(
            "p_welch and p_holm (adjusted for all numbers and pairs of states) know how fibres differ from each "
            "other, and nothing of what the method adds to all of them alike; below_error knows both."
        )
    return notes


def number_notes(numbers: NumbersOfStates, results: Results) -> list[str]:
    """Return which numbers are missing, are not calibrated, have no interval, or are compared as
    counted though one state has them corrected.
    """
    lists: dict[str, list[str]] = {
        "Not in every state, so that only those that have it are compared": [],
        "Not in every fibre of its state": [],
        "Compared as counted, because only some of the states have the number corrected by a twin": [],
        "Without an interval in some state, so that no error of the difference is known": [],
    }
    missing, partly, counted, without = lists.values()
    for quantity in quantities_in_order(numbers):
        name = _name(quantity, numbers)
        states = [rows[quantity] for rows in numbers.values() if quantity in rows]
        if len(states) < len(numbers):
            missing.append(name)
        if any(
            len(rows[quantity]) < len(results[state])
            for state, rows in numbers.items()
            if quantity in rows
        ):
            partly.append(name)
        corrected = [is_corrected_in(rows) for rows in states]
        if any(corrected) and not all(corrected):
            counted.append(name)
        ends = pd.DataFrame([row for rows in states for row in rows if len(rows) == 1])
        if len(ends) and ends[["low_95", "high_95"]].isna().any(axis=None):
            without.append(name)
    notes = [f"{words}: {_listed(names)}." for words, names in lists.items() if names]
    return notes + _calibration_notes(numbers)


def _calibration_notes(numbers: NumbersOfStates) -> list[str]:
    """Return, for every reason, which states have numbers that are not calibrated for it."""
    whys: dict[str, dict[str, None]] = {}
    for state, by_quantity in numbers.items():
        for rows in by_quantity.values():
            for row in rows:
                if row["calibrated"] not in (CALIBRATED, NO_ERROR):
                    whys.setdefault(str(row["calibrated"]).removeprefix("no, "), {})[state] = None
    return [
        f"Intervals are not calibrated ({', '.join(of)}): {_REASONS.get(why, why)}."
        for why, of in whys.items()
    ]


def carbon_notes(sodiated: Sequence[str], extra: ExtraErrors, shift: float) -> list[str]:
    """Return what is open about the grey level of carbon in sodiated states."""
    notes = []
    for state in sodiated:
        start = (
            f"Sodium in the carbon and salts at its surface shift 'carbon = 1' of {state} against the other "
            "states"
        )
        known = extra.get(state)
        notes.append(
            f"{start}: differences of the fractions of the whole fibre hold a shift of {100 * shift:g} %, "
            "those of the other numbers do not."
            if known
            else f"{start}, which no difference holds: its run does not say how fractions depend on thresholds."
        )
    return notes


def distribution_notes(objects: Mapping[str, Sequence[StateObjects]]) -> list[str]:
    """Return where slabs are too thin to be independent, and where there are none."""
    thin, none = [], []
    for phase, states in objects.items():
        for one in states:
            for fibre, slabs in zip(one.fibres, one.slabs, strict=True):
                name = f"{phase} in {fibre.name} ({one.state})"
                if slabs is None:
                    none.append(name)
                elif not slabs.are_thick:
                    thickness = float(slabs.edges_nm[1] - slabs.edges_nm[0])
                    thin.append(
                        f"{name}, {thickness:.3g} nm in place of {2 * slabs.correlation_nm:.3g}"
                    )
    notes = []
    if thin:
        notes.append(
            "Too short for 8 slabs of two correlation lengths, so that the intervals of distributions are "
            f"too narrow: {'; '.join(thin)}."
        )
    if none:
        notes.append(
            f"No place along the fibre, so that distributions have no interval: {'; '.join(none)}."
        )
    if objects:
        notes.append(
            "The intervals of distributions say how the fibres vary along themselves; what the "
            "reconstruction does to sizes is not in them."
        )
    return notes


def cube_notes(results: Results) -> list[str]:
    """Return by how much cubes of one size differ within a fibre, where that is known."""
    known = [cube_note(state, fibre) for state, fibres in results.items() for fibre in fibres]
    parts = [words for words in known if words]
    if not parts:
        return []
    return [
        "The pore fraction differs between cubes of one size in one fibre, so that a difference of two cubes "
        f"that is smaller may be one of where they lie: {'; '.join(parts)}."
    ]


def _name(quantity: tuple[str, str], numbers: NumbersOfStates) -> str:
    """Return the name of a number, with its unit where several have that name."""
    units = {unit for rows in numbers.values() for name, unit in rows if name == quantity[0]}
    return quantity[0] if len(units) == 1 else f"{quantity[0]} ({quantity[1]})"


def _listed(names: Sequence[str]) -> str:
    if len(names) <= _MOST_NAMED:
        return "; ".join(names)
    return f"{'; '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
