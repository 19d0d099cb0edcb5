"""Numbers of the structure of a fibre that its tables hold: distances between neighbours, correlation
length of the pores, effective diffusivity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from napari_snpore.comparison.number_tables import Quantity
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.measurement.correlation import correlation_length
from napari_snpore.measurement.cube_sizes import LEAST_CUBES
from napari_snpore.measurement.neighbors import center_median
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS

NO_ERROR = "no, no error is estimated"

_DIRECTIONS = {"y": "along the fibre", "surface": "core to surface"}


def with_structure(fibre: StateResult) -> StateResult:
    """Return a fibre whose table of numbers has those of its structure as well, without intervals;
    numbers that are there already stay.
    """
    table = fibre.numbers
    known = set(zip(table["quantity"], table["unit"], strict=True))
    rows = [
        _row(quantity, value)
        for quantity, value in structure_numbers(fibre.tables).items()
        if quantity not in known
    ]
    if not rows:
        return fibre
    more = pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))
    return replace(fibre, numbers=pd.concat([table[list(NUMBER_COLUMNS)], more], ignore_index=True))


def structure_numbers(tables: Mapping[str, pd.DataFrame]) -> dict[Quantity, float]:
    """Return the numbers that the tables of a fibre hold.

    - ``"nearest"``: medians of the distance from Sn cluster to Sn cluster, between surfaces and between
      centres, of those that no cut face of the box makes doubtful; between centres corrected for the
      long distances among the others
    - ``"correlation"``: length at which the two-point correlation of the pores has fallen to 1/e
    - ``"diffusivity"``: D/D₀ and tortuosity factor of the pores of the whole piece
    """
    readers: dict[str, Callable[[pd.DataFrame], dict[Quantity, float]]] = {
        "nearest": _neighbors,
        "correlation": lambda table: {("pore correlation length", "nm"): correlation_length(table)},
        "diffusivity": _diffusivity,
    }
    found: dict[Quantity, float] = {}
    for name, read in readers.items():
        if name in tables and len(tables[name]):
            found |= read(tables[name])
    return found


def _neighbors(table: pd.DataFrame) -> dict[Quantity, float]:
    gaps = table.loc[table["surface_complete"].astype(bool), "surface_distance_nm"]
    found: dict[Quantity, float] = {
        ("Sn clusters, gap to the nearest, median", "nm"): float(gaps.median())
    }
    if "center_weight" in table:  # else of an older version
        found["Sn clusters, distance of centres, median", "nm"] = center_median(table)
    return found


def _diffusivity(table: pd.DataFrame) -> dict[Quantity, float]:
    found: dict[Quantity, float] = {}
    for row in table[table["region"] == "whole"].to_dict("records"):
        where = _DIRECTIONS.get(str(row["direction"]))
        if where is not None:
            found[f"pore diffusivity D/D₀, {where}", "1"] = float(row["relative_diffusivity"])
            found[f"pore tortuosity factor, {where}", "1"] = float(row["tortuosity_factor"])
    return found


def _row(quantity: Quantity, value: float) -> dict[str, object]:
    row: dict[str, object] = dict.fromkeys(NUMBER_COLUMNS, math.nan)
    return row | {
        "quantity": quantity[0],
        "unit": quantity[1],
        "value": value if math.isfinite(value) else math.nan,
        "dominant_source": "",
        "calibrated": NO_ERROR,
        "restoration": "none",
    }


def cube_note(state: str, fibre: StateResult) -> str | None:
    """Return what a cube of this fibre is worth; None without its table.

    Of the largest edge at which several cubes lie side by side, twice the standard deviation between
    them: centre and edge that differ by less may do so by where they were put.
    """
    table = fibre.tables.get("cube sizes")
    if table is None or not {"edge_nm", "sd_percent", "independent_count"} <= set(table):
        return None
    rows = table[(table["independent_count"] >= LEAST_CUBES) & table["sd_percent"].notna()]
    if rows.empty:
        return None
    last = rows.iloc[int(np.argmax(rows["edge_nm"].to_numpy(np.float64)))]
    return (
        f"±{2 * last['sd_percent']:.2g} points at {last['edge_nm']:.3g} nm ({fibre.name}, {state})"
    )
