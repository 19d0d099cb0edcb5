"""Tables of a run in a report: numbers with their errors, fractions, dead pores, and the small ones."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.numerals import number, signed
from napari_snpore.report.content import Block, Folded, ReportTable, Words
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.study.error_report import (
    CALIBRATED,
    is_calibrated,
    one_number,
    with_interval,
)
from napari_snpore.study.measuring import region_size
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.subvolume import edges_in_words, region_in_words

NOT_CALIBRATED = "†"
UNKNOWN, MINUS = "–", "\N{MINUS SIGN}"

_MOST_ROWS, _MOST_COLUMNS = 40, 12
"""Of a table that is printed whole; of a larger one the file is named."""

_SHOWN_ELSEWHERE = ("numbers", "numbers_sources", "fractions", "dead_pores", "truth")

CAPTIONS = {
    "accessible_pores": "Pore volume that a ball of a given radius reaches from outside.",
    "alignment": "Shifts of each tilt image.",
    "blur": "Residual of the images for each blur that was tried.",
    "checks": "Cross-checks with what is known from elsewhere.",
    "cube_sizes": "Pore fraction against the size of the cube it is counted in.",
    "dead_pore_objects": "Each dead pore.",
    "detection_limit": "Planted clusters that were found, by diameter.",
    "diffusivity": "Effective diffusivity and tortuosity factor of the pores.",
    "fourier_shell_correlation": "Correlation of the volumes from even and from odd tilts.",
    "fractions_by_slice": "Volume fractions in each slice.",
    "networks": "How far each phase is connected.",
    "projection_residual": "Residual of the images over all thresholds.",
    "reconstruction_residual": "Residual and mass of each tilt image.",
    "shells": "Fractions and objects in shells of equal depth below the surface.",
    "threshold_sensitivity": "What a shift of each threshold costs.",
    "tilts": "Inspection of each tilt image.",
    "tortuosity": "Shortest paths through the pores.",
}
_PREFIXES = {
    "contacts_": "Contacts of each object: {}.",
    "correlation_": "Two-point correlation: {}.",
    "nearest_": "Distances to the nearest neighbour: {}.",
    "objects_": "Every object: {}.",
}


def number_blocks(run: FinishedRun) -> Iterator[Block]:
    """Yield the table of the numbers of a run with their intervals; a sentence where there is none."""
    errors = run.errors
    if errors is None:
        yield Words(
            "This run holds no table of numbers with errors (numbers.csv): an earlier version made it.",
            "absent",
        )
        return
    yield numbers_table(errors)


def numbers_table(errors: RunErrors) -> ReportTable:
    """Return the table of numbers: counted, corrected, interval, main source."""
    rows = [_number_row(row) for row in errors.numbers.to_dict("records")]
    fibre = any(row[5] != UNKNOWN for row in rows)
    keep = [0, 1, 2, 3, 4, *([5] if fibre else []), 6]
    head = (
        "quantity", "unit", "counted", "corrected", "95 % interval", "of the whole fibre",
        "main source",
    )  # fmt: skip
    return ReportTable(
        "Numbers of the run with their errors. Counted: as measured on the phases. Corrected: less"
        " what the digital twin says that the steps add, where it does.",
        tuple(head[k] for k in keep),
        tuple(tuple(row[k] for k in keep) for row in rows),
        tuple(k in (2, 3, 4, 5) for k in keep),
        _marks_note(errors),
    )


def _number_row(row: Mapping[Any, Any]) -> list[str]:
    unit = str(row["unit"])
    ends = interval_words(row["low_95"], row["high_95"], unit)
    mark = "" if ends == UNKNOWN or is_calibrated(row) else f" {NOT_CALIBRATED}"
    corrected = one_number(row["corrected"], unit) if math.isfinite(row["corrected"]) else UNKNOWN
    return [
        str(row["quantity"]),
        "" if unit == "1" else unit,
        one_number(row["value"], unit),
        corrected,
        f"{ends}{mark}",
        interval_words(row["fibre_low_95"], row["fibre_high_95"], unit),
        str(row["dominant_source"]) or UNKNOWN,
    ]


def interval_words(low: float, high: float, unit: str) -> str:
    """Return the ends of an interval, a dash where one is not known."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return UNKNOWN
    return f"{one_number(low, unit)} to {one_number(high, unit)}"


def _marks_note(errors: RunErrors) -> str:
    """Return what the signs in the table of numbers mean."""
    reasons = sorted(set(errors.numbers["calibrated"]) - {CALIBRATED, ""})
    words = [f"{UNKNOWN}: not known."]
    if reasons and errors.numbers["low_95"].notna().any():
        why = ", ".join(reason.removeprefix("no, ") for reason in reasons)
        words.append(f"{NOT_CALIBRATED}: the interval is not calibrated ({why}).")
    restored = sorted(set(errors.numbers["restoration"]) - {"none", ""})
    if restored:
        words.append(f"Restoration: {', '.join(restored)}.")
    return " ".join(words)


def sources_table(errors: RunErrors) -> ReportTable:
    """Return the range that each source of error alone gives each number."""
    sources = list(dict.fromkeys(errors.sources["source"]))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in errors.sources.to_dict("records"):
        unit = str(row["unit"])
        ranges = cells.setdefault((str(row["quantity"]), unit), {})
        ranges[row["source"]] = interval_words(row["low"], row["high"], unit)
    rows = [
        (quantity, "" if unit == "1" else unit, *(found.get(one, UNKNOWN) for one in sources))
        for (quantity, unit), found in cells.items()
    ]
    return ReportTable(
        "Range that each source of error alone gives a number. Wedge: what a digital twin cannot see.",
        ("quantity", "unit", *sources),
        tuple(rows),
        (False, False, *([True] * len(sources))),
    )


def key_sentences(run: FinishedRun) -> tuple[str, ...]:
    """Return the main results of a run, a sentence each: fractions, clusters, dead pores."""
    errors = run.errors
    if errors is None:
        return ()
    rows = {(r["quantity"], r["unit"]): r for r in errors.numbers.to_dict("records")}
    found = []
    names = run.scheme.names
    shares = [(name, rows.get((f"{name} fraction, whole", "%"))) for name in names]
    words = [f"{name} {_best(row)}" for name, row in shares if row is not None]
    if words:
        found.append(f"Volume fractions: {', '.join(words)}.")
    cubes = [
        (cube, rows.get((f"{names[0]} fraction, {cube}", "%"))) for cube in ("centre cube", "edge cube")
    ]  # fmt: skip
    words = [f"{_best(row)} in the {cube}" for cube, row in cubes if row is not None]
    if words:
        found.append(f"{names[0].capitalize()} fraction: {', '.join(words)}.")
    for (quantity, unit), row in rows.items():
        if quantity.endswith(" length, median"):
            found.append(f"{quantity}: {_best(row)}.")
        if " shorter than " in quantity and unit == "% of number":
            found.append(f"{quantity}: {_best(row)} by number.")
    return tuple(found)


def _best(row: Mapping[Any, Any]) -> str:
    mark = "" if is_calibrated(row) or not math.isfinite(row["low_95"]) else f" {NOT_CALIBRATED}"
    return f"**{with_interval(row)} {str(row['unit']).partition(' ')[0]}**{mark}"


def has_marks(run: FinishedRun) -> bool:
    """Return whether a main result carries the sign of an interval that is not calibrated."""
    return any(NOT_CALIBRATED in sentence for sentence in key_sentences(run))


def fraction_table(table: pd.DataFrame) -> ReportTable | None:
    """Return the volume fractions of each region, None where the columns are others."""
    if not {"region", "name", "fraction_percent", "fraction_box_percent", "denominator"} <= set(
        table
    ):
        return None
    of_envelope = "envelope" in set(table["denominator"])
    rows = []
    for region, part in table.groupby("region", sort=False):
        edges = region_size(part.iloc[0].to_dict())
        size = UNKNOWN if edges is None else edges_in_words(edges)
        for row in part.to_dict("records"):
            rows.append(
                (
                    region_in_words(str(region), edges),
                    str(row["name"]),
                    size,
                    number(row["volume_nm3"]),
                    signed(row["fraction_percent"], 1),
                    signed(row["fraction_box_percent"], 1),
                )
            )
    whole = "envelope" if of_envelope else "whole box"
    return ReportTable(
        f"Volume fractions as counted, of the {whole} and of the box.",
        ("region", "phase", "edge", "volume (nm³)", f"% of the {whole}", "% of the box"),
        tuple(rows),
        (False, False, True, True, True, True),
    )


def dead_pore_table(table: pd.DataFrame) -> ReportTable | None:
    """Return the dead pores by connectivity, None where the columns are others."""
    needed = {
        "connectivity",
        "dead_share_of_pore",
        "dead_share_of_envelope",
        "open_to_cut_voxel_count",
    }
    if not needed <= set(table):
        return None
    rows = tuple(
        (
            f"{row['connectivity']:.0f}",
            number(100 * row["dead_share_of_pore"]),
            number(100 * row["dead_share_of_envelope"]),
            f"{row['open_to_cut_voxel_count']:,.0f}",
        )
        for row in table.to_dict("records")
    )
    return ReportTable(
        "Dead pores: without a path through void to the outside. Connectivity 6 is the upper bound, 26 the lower.",
        (
            "connectivity",
            "% of the pore volume",
            "% of the envelope",
            "voxels open only to the cut",
        ),
        rows,
        (True, True, True, True),
    )


def truth_report_table(table: pd.DataFrame) -> ReportTable | None:
    """Return the numbers of a phantom beside its planted truth, None where there are no such columns."""
    if not {"quantity", "unit", "truth"} <= set(table):
        return None
    stages = [str(name) for name in table if f"{name}_bias" in table]
    rows = []
    for row in table.to_dict("records"):
        cells = [_with_bias(row[name], row[f"{name}_bias"]) for name in stages]
        unit = "" if row["unit"] == "1" else str(row["unit"])
        rows.append((str(row["quantity"]), unit, _plain(row["truth"]), *cells))
    return ReportTable(
        "Numbers of the phantom beside the planted truth: value, and in brackets its bias.",
        ("quantity", "unit", "truth", *(name.replace("_", " ") for name in stages)),
        tuple(rows),
        (False, False, *([True] * (1 + len(stages)))),
    )


def _with_bias(value: float, bias: float) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    sign = "+" if bias >= 0 else MINUS
    return f"{_plain(value)} ({sign}{abs(bias):.2g})"


def _plain(value: float) -> str:
    return f"{value:.4g}" if math.isfinite(value) else UNKNOWN


def other_tables(run: FinishedRun) -> Iterator[Block]:
    """Yield the small tables of a run that are shown nowhere else, and the names of the large ones."""
    large = []
    for path in run.table_paths:
        name = path.stem
        if name in _SHOWN_ELSEWHERE:
            continue
        table = run.table(name)
        if table is None or table.empty:
            continue
        if len(table) > _MOST_ROWS or table.shape[1] > _MOST_COLUMNS:
            large.append((f"tables/{path.name}", caption_of(name), f"{len(table):,}"))
        else:
            yield Folded(caption_of(name).rstrip("."), (small_table(table, caption_of(name)),))
    if large:
        yield ReportTable(
            "Larger tables, in the folder of the run.",
            ("file", "what it holds", "rows"),
            tuple(large),
            (False, False, True),
        )


def caption_of(name: str) -> str:
    """Return what a table of a run holds, by the stem of its file."""
    if name in CAPTIONS:
        return CAPTIONS[name]
    for prefix, words in _PREFIXES.items():
        if name.startswith(prefix):
            return words.format(name.removeprefix(prefix).replace("_", " "))
    text = name.replace("_", " ")
    return f"{text[0].upper()}{text[1:]}."


def small_table(table: pd.DataFrame, caption: str) -> ReportTable:
    """Return any table with its own names of columns, numbers in three digits."""
    answers = [name for name in map(str, table) if name.startswith(_ANSWERS)]
    table = table.assign(**{name: table[name].map({0: "no", 1: "yes"}) for name in answers})
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table]
    rows = [
        tuple(_cell(value) for value in row) for row in table.itertuples(index=False, name=None)
    ]
    return ReportTable(
        caption, tuple(_column_words(str(name)) for name in table), tuple(rows), tuple(numeric)
    )


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return signed(float(value)) if value < 0 else f"{value:,}"
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return number(float(value))


_ANSWERS = ("percolates_", "touches_", "resolved", "below_error", "agrees")
"""Columns that CSV stores as 0 and 1."""

_UNITS = {"nm3": "nm³", "nm2": "nm²", "nm": "nm", "percent": "%", "deg": "°", "px": "px"}


def _column_words(name: str) -> str:
    """Return the name of a column with its unit in brackets.

    Examples
    --------
    >>> _column_words("depth_from_nm"), _column_words("object_density_per_nm3")
    ('depth from (nm)', 'object density (per nm³)')
    """
    words, _, unit = name.rpartition("_")
    if unit not in _UNITS or not words:
        return name.replace("_", " ")
    if words.endswith("_per"):
        return f"{words.removesuffix('_per').replace('_', ' ')} (per {_UNITS[unit]})"
    return f"{words.replace('_', ' ')} ({_UNITS[unit]})"
