"""Differences between two phantoms of ``benchmarks/blind.csv``: are they marked as they should be?

Every pair goes through :func:`napari_snpore.comparison.number_tables.differences_table`, as two states
of one fibre each do in ``snpore compare``. The true difference is that of the realised phantoms.

*Null pairs* are two seeds of one kind (simulator, family, contrast and size), each phantom in one pair.
*Power*: all pairs of one contrast and size, by the size of their true difference.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.comparison.number_tables import differences_table

KIND = ["simulator", "family", "contrast", "shape", "dose"]
COMPARED = {
    "pore fraction, whole": "points",
    "Sn fraction, whole": "points",
    "Sn cluster length, median": "nm",
}
"""Numbers that are compared, and the unit of their difference."""

EDGES = {"points": (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 100.0), "nm": (0.0, 0.1, 0.2, 0.4, 0.8, 100.0)}
"""Of the classes of true differences."""

Case = tuple[Any, ...]


def null_pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of pairs of one kind, each phantom in at most one pair."""
    return _differences(rows, KIND, lambda cases: zip(cases[::2], cases[1::2], strict=False))


def all_pairs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of all pairs of one contrast, size and dose."""
    return _differences(
        rows, ["contrast", "shape", "dose"], lambda cases: itertools.combinations(cases, 2)
    )


def _differences(rows: pd.DataFrame, kind: list[str], pairs_of: Any) -> pd.DataFrame:
    """Return ``contrast, quantity, true, difference, low_95, high_95, beyond, holds`` of each pair."""
    used = rows[rows["quantity"].isin(COMPARED) & ~rows["refused"]]
    found = []
    for key, part in used.groupby(kind, sort=False):
        contrast = key[kind.index("contrast")]
        by_seed = dict(iter(part.groupby("seed")))
        for a, b in pairs_of(sorted(by_seed)):
            found.extend({"contrast": contrast} | row for row in _pair(by_seed[a], by_seed[b]))
    return pd.DataFrame(
        found,
        columns=[
            "contrast",
            "quantity",
            "true",
            "difference",
            "low_95",
            "high_95",
            "beyond",
            "holds",
        ],
    )


def _pair(a: pd.DataFrame, b: pd.DataFrame) -> Iterator[dict[str, Any]]:
    numbers = {
        name: {(row["quantity"], row["unit"]): [row] for row in one.to_dict("records")}
        for name, one in (("a", a), ("b", b))
    }
    for row in differences_table(numbers).to_dict("records"):
        if pd.isna(row["below_error"]):
            continue
        key = row["quantity"], row["unit"]
        true = numbers["b"][key][0]["truth"] - numbers["a"][key][0]["truth"]
        yield {
            "quantity": row["quantity"],
            "true": true,
            **{name: row[name] for name in ("difference", "low_95", "high_95")},
            "beyond": not row["below_error"],
            "holds": row["low_95"] <= true <= row["high_95"],
        }


def null_table(pairs: pd.DataFrame) -> str:
    """Return the markdown table of null pairs."""
    lines = [
        _line(
            "number",
            "contrast",
            "pairs",
            "true difference (median, largest)",
            "interval holds it",
            "beyond the error",
            "of these with the wrong sign",
        ),
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (quantity, contrast), part in pairs.groupby(["quantity", "contrast"], sort=False):
        beyond = part[part["beyond"]]
        size = part["true"].abs()
        lines.append(
            _line(
                quantity,
                contrast,
                len(part),
                f"{size.median():.2g}, {size.max():.2g} {COMPARED[str(quantity)]}",
                f"{part['holds'].sum()} of {len(part)}",
                len(beyond),
                int((np.sign(beyond["difference"]) != np.sign(beyond["true"])).sum()),
            )
        )
    return "\n".join(lines)


def power(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return ``contrast, quantity, unit, from, to, pairs, found_percent, wrong_sign`` by classes of the
    true difference; found: beyond the error, with the right sign.
    """
    found = []
    for (quantity, contrast), part in pairs.groupby(["quantity", "contrast"], sort=False):
        unit = COMPARED[str(quantity)]
        right = np.sign(part["difference"]) == np.sign(part["true"])
        for low, high in itertools.pairwise(EDGES[unit]):
            chosen = (low <= part["true"].abs()) & (part["true"].abs() < high)
            if not chosen.any():
                continue
            beyond = part["beyond"] & chosen
            found.append(
                {"contrast": contrast, "quantity": quantity, "unit": unit, "from": low, "to": high}
                | {"pairs": int(chosen.sum())}
                | {"found_percent": 100 * float((beyond & right).sum() / chosen.sum())}
                | {"wrong_sign": int((beyond & ~right).sum())}
            )
    return pd.DataFrame(found)


def power_table(found: pd.DataFrame) -> str:
    """Return the markdown table of :func:`power`."""
    lines = [
        _line("number", "contrast", "true difference", "pairs", "found", "wrong sign"),
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found.to_dict("records"):
        ends = (
            f"{row['from']:g} to {row['to']:g}" if row["to"] < 100 else f"{row['from']:g} and more"
        )
        lines.append(
            _line(
                row["quantity"],
                row["contrast"],
                f"{ends} {row['unit']}",
                row["pairs"],
                f"{row['found_percent']:.0f} %",
                row["wrong_sign"],
            )
        )
    return "\n".join(lines)


def _line(*cells: Any) -> str:
    return f"| {' | '.join(map(str, cells))} |"
