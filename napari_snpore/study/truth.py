"""Phantom truth against the values measured after each stage: bias of each quantity by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_snpore.phantom import Phantom
from napari_snpore.study.measuring import Measurement

Quantity = tuple[str, str]
"""Name and unit."""


@dataclass(frozen=True)
class Stage:
    """Numbers measured at one stage of the work (true labels, blurred volume, reconstruction)."""

    name: str
    numbers: Mapping[Quantity, float]


def planted_numbers(phantom: Phantom, *, limit_nm: float = 2.0) -> dict[Quantity, float]:
    """Return the truth of a phantom, from the planted bodies, without segmentation or labelling."""
    dead = phantom.dead_pores.table
    numbers = _fraction_numbers("whole", phantom.fractions)
    for region, (center, size, pore) in phantom.boxes.items():
        del center, size
        numbers[f"pore fraction, {region} cube", "%"] = pore
    return numbers | _dead_numbers(dead) | _cluster_numbers(phantom.objects["Sn"], limit_nm)


def measured_numbers(measurement: Measurement, *, limit_nm: float = 2.0) -> dict[Quantity, float]:
    """Return the same quantities from measured tables."""
    numbers: dict[Quantity, float] = {}
    for region, rows in measurement.fractions.groupby("region", sort=False):
        if region == "whole":
            numbers |= _fraction_numbers("whole", rows)
        else:
            pore = rows.loc[rows["phase"] == 1, "fraction_percent"].item()
            numbers[f"pore fraction, {region} cube", "%"] = pore
    if measurement.dead_pores is not None:
        numbers |= _dead_numbers(measurement.dead_pores.table)
    return numbers | _cluster_numbers(measurement.objects["Sn"], limit_nm)


def truth_table(truth: Mapping[Quantity, float], stages: list[Stage]) -> pd.DataFrame:
    """Return one row per quantity: ``quantity, unit, truth``, ``<stage>`` and ``<stage>_bias``
    (value − truth).
    """
    rows = []
    for (quantity, unit), value in truth.items():
        row: dict[str, object] = {"quantity": quantity, "unit": unit, "truth": value}
        for stage in stages:
            found = stage.numbers.get((quantity, unit), np.nan)
            # sums in another order differ in their last digit: that is no bias
            same = math.isclose(found, value, rel_tol=1e-12)
            row[stage.name], row[f"{stage.name}_bias"] = found, 0.0 if same else found - value
        rows.append(row)
    return pd.DataFrame(rows)


def _fraction_numbers(region: str, table: pd.DataFrame) -> dict[Quantity, float]:
    numbers: dict[Quantity, float] = {}
    for row in table.to_dict("records"):
        numbers[f"{row['name']} fraction, {region}", "%"] = row["fraction_percent"]
    numbers[f"pore fraction of the box, {region}", "%"] = table["fraction_box_percent"].iloc[0]
    return numbers


def _dead_numbers(table: pd.DataFrame) -> dict[Quantity, float]:
    return {
        (f"dead share of pore volume, connectivity {row['connectivity']}", "%"): 100
        * row["dead_share_of_pore"]
        for row in table.to_dict("records")
    }


def _cluster_numbers(table: pd.DataFrame, limit_nm: float) -> dict[Quantity, float]:
    """Numbers of all Sn clusters, those cut by the box included: the truth lists them as cut by the
    box.
    """
    short = table["length_nm"] < limit_nm
    return {
        ("Sn clusters", "1"): float(len(table)),
        ("Sn volume", "nm³"): table["volume_nm3"].sum(),
        (f"Sn clusters shorter than {limit_nm:g} nm", "% of number"): 100 * short.mean(),
        (f"Sn clusters shorter than {limit_nm:g} nm", "% of volume"): (
            100 * table.loc[short, "volume_nm3"].sum() / table["volume_nm3"].sum()
        ),
        ("Sn cluster length, median", "nm"): table["length_nm"].median(),
        ("Sn cluster width, median", "nm"): table["width_nm"].median(),
    }
