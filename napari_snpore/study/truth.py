"""Phantom truth against the values measured after each stage: bias of each quantity by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_snpore.phantom import Phantom
from napari_snpore.study.numbers import (
    Quantity,
    cluster_numbers,
    dead_numbers,
    fraction_numbers,
)


@dataclass(frozen=True)
class Stage:
    """Numbers measured at one stage of the work (true labels, blurred volume, reconstruction)."""

    name: str
    numbers: Mapping[Quantity, float]


def planted_numbers(phantom: Phantom, *, limit_nm: float = 2.0) -> dict[Quantity, float]:
    """Return the truth of a phantom, from the planted bodies, without segmentation or labelling."""
    dead = phantom.dead_pores.table
    numbers = fraction_numbers("whole", phantom.fractions)
    for region, (center, size, pore) in phantom.boxes.items():
        del center, size
        numbers[f"pore fraction, {region} cube", "%"] = pore
    return numbers | dead_numbers(dead) | cluster_numbers(phantom.objects["Sn"], limit_nm)


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
