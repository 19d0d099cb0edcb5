"""The numbers that a run reports, by quantity and unit, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from napari_snpore.study.measuring import Measurement, region_size
from napari_snpore.subvolume import region_in_words
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS
from napari_snpore.uncertainty.number_table import within as within

Quantity = tuple[str, str]
"""Name and unit."""

CORRECTED_UNITS = ("%", "nm³")
"""Units of the quantities that a twin improves, volume fractions and volumes; it does not improve
numbers, lengths and shares of short clusters."""


def measured_numbers(
    measurement: Measurement, *, limit_nm: float | None = None
) -> dict[Quantity, float]:
    """Return the numbers of a measurement: volume fractions of whole and cubes, dead pores, and of the
    objects numbers, volume, medians and shares of short ones.

    Parameters
    ----------
    measurement : Measurement
    limit_nm : float, optional
        Length below which a cluster is short, nm; default: that of the measurement.
    """
    limit = measurement.section.limit_nm if limit_nm is None else limit_nm
    numbers: dict[Quantity, float] = {}
    for region, rows in measurement.fractions.groupby("region", sort=False):
        size = region_size(rows.iloc[0].to_dict())
        numbers |= fraction_numbers(region_in_words(str(region), size), rows)
    if measurement.dead_pores is not None:
        numbers |= dead_numbers(measurement.dead_pores.table)
    if "pore" in measurement.objects:
        numbers["pores", "1"] = float(len(measurement.objects["pore"]))
    if "Sn" in measurement.objects:
        numbers |= cluster_numbers(measurement.objects["Sn"], limit)
    return numbers


def fraction_numbers(region: str, table: pd.DataFrame) -> dict[Quantity, float]:
    """Return the volume fractions of one region; of the whole also the share of pore in the box."""
    numbers: dict[Quantity, float] = {
        (f"{row['name']} fraction, {region}", "%"): row["fraction_percent"]
        for row in table.to_dict("records")
    }
    if region == "whole":
        numbers["pore fraction of the box, whole", "%"] = table["fraction_box_percent"].iloc[0]
    return numbers


def dead_numbers(table: pd.DataFrame) -> dict[Quantity, float]:
    """Return the dead share of the pore volume at each connectivity."""
    return {
        (f"dead share of pore volume, connectivity {row['connectivity']}", "%"): 100
        * row["dead_share_of_pore"]
        for row in table.to_dict("records")
    }


def cluster_numbers(table: pd.DataFrame, limit_nm: float) -> dict[Quantity, float]:
    """Return the numbers of all Sn clusters, those cut by the box included."""
    short = table["length_nm"] < limit_nm
    volume = table["volume_nm3"].sum()
    some = len(table) > 0
    return {
        ("Sn clusters", "1"): float(len(table)),
        ("Sn volume", "nm³"): volume,
        (f"Sn clusters shorter than {limit_nm:g} nm", "% of number"): (
            100 * short.mean() if some else math.nan
        ),
        (f"Sn clusters shorter than {limit_nm:g} nm", "% of volume"): (
            100 * table.loc[short, "volume_nm3"].sum() / volume if some else math.nan
        ),
        ("Sn cluster length, median", "nm"): table["length_nm"].median(),
        ("Sn cluster width, median", "nm"): table["width_nm"].median(),
    }


def is_corrected(quantity: str, unit: str) -> bool:
    """Return whether a twin improves a quantity.

    Examples
    --------
    >>> is_corrected("pore fraction, whole", "%"), is_corrected("Sn cluster length, median", "nm")
    (True, False)
    >>> is_corrected("dead share of pore volume, connectivity 6", "%")
    False
    """
    return unit in CORRECTED_UNITS and not quantity.startswith("dead")


def numbers_table(
    numbers: Mapping[Quantity, float], twin: pd.DataFrame | None, why_not_calibrated: str
) -> pd.DataFrame:
    """Return one row per number: the value of the run, and what a twin says about it.

    Parameters
    ----------
    numbers : mapping of (quantity, unit) to float
    twin : DataFrame or None
        Of :func:`~napari_snpore.uncertainty.digital_twin.digital_twin`.
    why_not_calibrated : str
        Why there is no interval.

    Returns
    -------
    DataFrame
        ``quantity, unit, value, twin_bias, corrected, low_95, high_95, fibre_low_95, fibre_high_95,
        dominant_source, calibrated, restoration``; empty where there is nothing to say.
    """
    bias = {}
    if twin is not None:
        keys = zip(twin["quantity"], twin["unit"], strict=True)
        bias = dict(zip(keys, twin["twin_bias"], strict=True))
    any_failed = twin is not None and bool((twin["failed"] > 0).any())
    rows = []
    for (quantity, unit), value in numbers.items():
        change = bias.get((quantity, unit), math.nan)
        corrected = math.nan
        if is_corrected(quantity, unit) and not any_failed:
            corrected = within(value - change, unit)
        rows.append(
            {
                "quantity": quantity,
                "unit": unit,
                "value": value,
                "twin_bias": change,
                "corrected": corrected,
                "low_95": math.nan,
                "high_95": math.nan,
                "fibre_low_95": math.nan,
                "fibre_high_95": math.nan,
                "dominant_source": "",
                "calibrated": f"no, {why_not_calibrated}",
                "restoration": "none",
            }
        )
    return pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))
