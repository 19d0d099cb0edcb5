"""Statements on the errors of numbers: value, corrected, interval, and what is not calibrated."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from napari_snpore.comparison.number_words import best_value
from napari_snpore.figures.intervals import FractionInterval
from napari_snpore.numerals import with_limits
from napari_snpore.study.edit_report import EDITED
from napari_snpore.study.provenance import plain
from napari_snpore.study.report import Statement, caveat, detail, number, signed
from napari_snpore.study.run_errors import (
    NO_IMAGES,
    NOT_HERE,
    TWIN_FAILED,
    RunErrors,
    is_estimated,
)
from napari_snpore.subvolume import region_of_words

Row = Mapping[Any, Any]
"""One row of a table of numbers."""

CALIBRATED = "yes"

_SOURCE_WORDS = {"wedge": "what a twin cannot see"}
"""Words for a source whose name in the tables needs its definition."""

_MEANING = {
    NOT_HERE: "no phantoms of known truth were measured under these conditions and by these steps",
    NO_IMAGES: (
        "without tilt images, thresholds and envelope are the only sources of error that can be known"
    ),
    EDITED: "what was changed by hand has no error that could be computed",
    TWIN_FAILED: "what the steps add to a fibre like this one is not known",
}
"""What the reasons in the table mean."""


def errors_record(errors: RunErrors) -> dict[str, Any]:
    """Return the entry ``results.errors`` of a record."""
    return {
        "twins": errors.twins,
        "seed": errors.seed,
        "reason": errors.reason,
        "notes": list(errors.notes),
        "numbers": plain(errors.numbers.to_dict("records")),
        "sources": plain(errors.sources.to_dict("records")),
    }


def error_statements(errors: RunErrors) -> list[Statement]:
    """Return each number with what corrects it and its interval, and what is not calibrated, and
    why.
    """
    if errors.edited and errors.twins:
        return [Statement("Errors", f"none that holds. {errors.reason}")]
    if not is_estimated(errors):
        reason = errors.reason or f"{_MEANING[NOT_HERE].capitalize()}."
        return [Statement("Errors", f"none estimated. {reason}"), *map(caveat, errors.notes)]
    statements = [Statement("Errors", made_of_words(errors))]
    count = errors.numbers.set_index(["quantity", "unit"])["value"].get(("Sn clusters", "1"))
    for row in errors.numbers.to_dict("records"):
        n = ""
        if count is not None and row["quantity"].startswith("Sn cluster") and row["unit"] != "1":
            n = f"; n = {count:,.0f} clusters"
        statements.append(detail(row["quantity"], f"{number_words(row)}{n}"))
    statements += map(caveat, limits(errors))
    return statements


def made_of_words(errors: RunErrors) -> str:
    """Return how the errors were estimated, and of what."""
    words = []
    if errors.twins:
        count = "one digital twin" if errors.twins == 1 else f"{errors.twins} digital twins"
        words.append(
            f"{count}, seed {errors.seed}: the same steps on simulated images of these phases"
        )
    if errors.numbers["low_95"].notna().any():
        calibrated = (errors.numbers["calibrated"] == CALIBRATED).any()
        words.append(
            "95 % intervals of the piece that was imaged"
            if calibrated
            else "intervals by draws of thresholds, blur and envelope, not calibrated"
        )
    return f"{'; '.join(words)}; n = 1 fibre"


def limits(errors: RunErrors, quantities: Sequence[str] | None = None) -> list[str]:
    """Return sentences on what limits the errors: a twin that failed, numbers that do not hold, and
    numbers that are not calibrated; ``quantities``: those that are asked for, default all.
    """
    sentences = [] if errors.reason is None else [errors.reason]
    sentences += errors.notes
    table = errors.numbers
    if quantities is not None:
        table = table[table["quantity"].isin(quantities)]
    whys = table["calibrated"].str.removeprefix("no, ").where(table["calibrated"] != CALIBRATED)
    for why in whys.dropna().unique():
        if why in (EDITED, TWIN_FAILED) and errors.reason is not None:
            continue  # said
        names = list(dict.fromkeys(table.loc[whys == why, "quantity"]))
        what = f"Not calibrated are {', '.join(names)}"
        if len(names) == table["quantity"].nunique():
            what = "No number is calibrated" if quantities is None else "Not calibrated"
        sentences.append(f"{what}: {_MEANING.get(why, why)}.")
    return sentences


def fraction_error_statements(
    errors: RunErrors, names: Sequence[str], *, region: str = "whole"
) -> list[Statement]:
    """Return the fractions of the phases with their errors in one sentence, and what limits them;
    of errors that are none only the latter.
    """
    rows = {name: row_of(errors, f"{name} fraction, {region}", "%") for name in names}
    known = {name: row for name, row in rows.items() if row is not None and has_error(row)}
    statements = []
    if known:
        words = "   ".join(f"{name} **{with_interval(row)} %**" for name, row in known.items())
        how = _how_words(errors, list(known.values()))
        statements.append(Statement("With errors", f"{words} ({how})"))
    shown = [f"{name} fraction, {region}" for name in names]
    return statements + [caveat(sentence) for sentence in limits(errors, shown)]


def fraction_intervals(
    errors: RunErrors | None, names: Sequence[str]
) -> dict[str, dict[str, FractionInterval]]:
    """Return the errors of the fractions of some phases for figures and tables, by region
    (``"whole"`` or the name of a box) and phase; those that are not known are left out.
    """
    found: dict[str, dict[str, FractionInterval]] = {}
    for row in () if errors is None else errors.numbers.to_dict("records"):
        phase, _, region = str(row["quantity"]).partition(" fraction, ")
        if row["unit"] != "%" or phase not in names or not region or not has_error(row):
            continue
        found.setdefault(region_of_words(region), {})[phase] = FractionInterval(
            float(row["value"]),
            best_value(row),
            float(row["low_95"]),
            float(row["high_95"]),
            is_calibrated(row),
        )
    return found


def cluster_error_statement(errors: RunErrors) -> Statement | None:
    """Return number, volume and sizes of all Sn clusters with their errors; None without any."""
    table = errors.numbers
    of_clusters = table[table["quantity"].str.startswith(("Sn cluster", "Sn volume"))]
    words = [_cluster_words(row) for row in of_clusters.to_dict("records") if has_error(row)]
    if not words:
        return None
    return Statement("All Sn", f"{'; '.join(words)} (those cut by the box included)")


def _cluster_words(row: Row) -> str:
    """Return one number of the clusters in few words.

    Examples
    --------
    >>> row = {"quantity": "Sn clusters shorter than 2 nm", "unit": "% of number", "value": 90.5,
    ...        "corrected": float("nan"), "low_95": 89.6, "high_95": 91.4}
    >>> _cluster_words(row)
    'shorter than 2 nm **90.5 ± 0.9 %** of number'
    """
    what, unit, value = str(row["quantity"]), str(row["unit"]), with_interval(row)
    if unit == "1":
        return f"**{value}** clusters"
    what = what.removeprefix("Sn clusters ").removeprefix("Sn cluster ").removeprefix("Sn ")
    sign, _, of = unit.partition(" ")
    return f"{what} **{value} {sign}**{' ' if of else ''}{of}"


def _how_words(errors: RunErrors, rows: Sequence[Row]) -> str:
    words = []
    if any(math.isfinite(row["corrected"]) for row in rows):
        many = "a digital twin" if errors.twins == 1 else f"{errors.twins} digital twins"
        words.append(f"corrected by {many}")
    if any(math.isfinite(row["low_95"]) for row in rows):
        words.append("95 % intervals" if all(map(is_calibrated, rows)) else "95 %, not calibrated")
    else:
        words.append("no interval")
    return ", ".join(words)


def hover_words(errors: RunErrors, row: Row) -> str:
    """Return all that is known of one number in one or two lines: counted, corrected, interval,
    whether it is calibrated; and the range by each source alone.
    """
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    words = f"{row['quantity']}: counted {one_number(row['value'], row['unit'])}{unit}"
    if math.isfinite(row["corrected"]):
        corrected = one_number(row["corrected"], row["unit"])
        words += f", corrected {corrected}{unit} ({_change_words(row)})"
    low, high = (one_number(row[end], row["unit"]) for end in ("low_95", "high_95"))
    words += f"; 95 %: {low} to {high}{unit}" if _has_interval(row) else "; no interval"
    if not is_calibrated(row):
        words += f"; {str(row['calibrated']).removeprefix('no, ')}"
    sources = source_words(errors, row["quantity"], row["unit"])
    return f"{words}\n    by each source alone: {sources}" if sources else words


def _has_interval(row: Row) -> bool:
    return math.isfinite(row["low_95"]) and math.isfinite(row["high_95"])


def number_words(row: Row) -> str:
    """Return one number in words: counted, corrected, interval, main source.

    Examples
    --------
    >>> row = {"unit": "%", "value": 40.1, "corrected": 38.9, "low_95": 38.0, "high_95": 39.8,
    ...        "twin_bias": 1.2, "dominant_source": "thresholds"}
    >>> number_words(row)
    '40.1 %, corrected 38.9 ± 0.9 %, mainly thresholds'
    >>> nan = float("nan")
    >>> number_words(row | {"corrected": nan, "twin_bias": nan, "low_95": 38.9, "high_95": 42.0})
    '40.1 (38.9 to 42.0) %, mainly thresholds'
    """
    unit = "" if row["unit"] == "1" else f" {row['unit']}"
    words = f"{with_interval(row)}{unit}"
    if math.isfinite(row["corrected"]):
        words = f"{one_number(row['value'], row['unit'])}{unit}, corrected {words}"
    elif math.isfinite(row["twin_bias"]):
        words += f", {_change_words(row)}"
    if row["dominant_source"]:
        words += f", mainly {_SOURCE_WORDS.get(row['dominant_source'], row['dominant_source'])}"
    low, high = row.get("fibre_low_95", math.nan), row.get("fibre_high_95", math.nan)
    if math.isfinite(low) and math.isfinite(high):
        ends = [one_number(end, row["unit"]) for end in (low, high)]
        words += f"; of the whole fibre {ends[0]} to {ends[1]}"
    return words


def _change_words(row: Row) -> str:
    """Return what the steps do to the number of a twin.

    Examples
    --------
    >>> row = {"unit": "%", "value": 40.0, "twin_bias": -1.24}
    >>> _change_words(row), _change_words(row | {"twin_bias": 0.01})
    ('a twin loses 1.2 by the same steps', 'a twin keeps it')
    """
    value, bias, unit = row["value"], row["twin_bias"], row["unit"]
    change = one_number(abs(bias), unit)
    if one_number(value + bias, unit) == one_number(value, unit) or change == one_number(0.0, unit):
        return "a twin keeps it"
    return f"a twin {'gains' if bias > 0 else 'loses'} {change} by the same steps"


def with_interval(row: Row) -> str:
    """Return the best value of a number with its error, without its unit: the corrected value where
    there is one.

    One half-width where both halves of the interval are alike, else its two ends.

    Examples
    --------
    >>> row = {"unit": "nm", "value": 1.62, "corrected": float("nan")}
    >>> with_interval(row | {"low_95": 1.58, "high_95": 1.66})
    '1.62 ± 0.04'
    >>> with_interval(row | {"low_95": float("nan"), "high_95": float("nan")})
    '1.62'
    """
    unit = row["unit"]
    return with_limits(
        best_value(row), row["low_95"], row["high_95"], lambda value: one_number(value, unit)
    )


def is_calibrated(row: Row) -> bool:
    """Return whether the interval of a number was proved on phantoms of known truth."""
    return str(row["calibrated"]) == CALIBRATED


def has_error(row: Row | None) -> bool:
    """Return whether anything is known of the error of a number."""
    if row is None:
        return False
    return math.isfinite(row["corrected"]) or math.isfinite(row["low_95"])


def row_of(
    errors: RunErrors | None, quantity: str, unit: str, value: float | None = None
) -> dict[Any, Any] | None:
    """Return the row of one number; None where there is none, and where its value is another one
    than ``value``: then it is of other phases, of another box or with other settings.
    """
    if errors is None:
        return None
    table: pd.DataFrame = errors.numbers
    found = table[(table["quantity"] == quantity) & (table["unit"] == unit)]
    if found.empty:
        return None
    row = dict(found.iloc[0])
    same = value is None or math.isclose(row["value"], value, rel_tol=1e-9, abs_tol=1e-9)
    return row if same else None


def source_words(errors: RunErrors, quantity: str, unit: str) -> str:
    """Return the range that each source of error alone gives a number; empty where not known."""
    table = errors.sources
    rows = table[(table["quantity"] == quantity) & (table["unit"] == unit)]
    return "; ".join(
        f"{row['source']} {one_number(row['low'], unit)} to {one_number(row['high'], unit)}"
        for row in rows.to_dict("records")
    )


def one_number(value: float, unit: str) -> str:
    """Write a number: shares with one decimal, counts in full, others with three digits.

    Examples
    --------
    >>> one_number(40.06, "%"), one_number(1204.0, "1"), one_number(0.04567, "nm")
    ('40.1', '1,204', '0.0457')
    """
    if unit.startswith("%"):
        return signed(value, 1)
    if unit == "1" and math.isfinite(value):
        return f"{value:,.0f}"
    return number(value)
