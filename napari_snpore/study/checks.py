"""Cross-checks of a run: mass share, BET area and growth that the user knows from elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.measurement.cross_checks import (
    NITROGEN_NM,
    mass_share,
    needed_expansion,
    specific_surface,
    threshold_for_share,
    volume_share,
)
from napari_snpore.segmentation.phases import PORE_C_SN, TIN
from napari_snpore.study.checks_section import ChecksSection
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.report import Statement, caveat, detail, number
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.study.segmenting import Segmentation

CHECK_COLUMNS = ("quantity", "unit", "expected", "found", "low", "high", "agrees", "note")
"""Of the table of checks: what the other method says; what this run says, with its interval; ``yes``,
``no``, or ``not known`` without an interval; what the comparison presumes."""

CARBON = 2

NOT_KNOWN = "not known"

_BYTES = 12.0
"""Bytes per voxel of the area of the solid."""


def checks_table(
    section: ChecksSection,
    segmentation: Segmentation,
    measurement: Measurement,
    errors: RunErrors,
    context: RunContext,
) -> pd.DataFrame | None:
    """Return what other methods say beside what the run says, one row per comparison.

    Parameters
    ----------
    section : ChecksSection
    segmentation, measurement, errors
        What the run found; intervals are those of its numbers.
    context : RunContext
        Progress, cancel and memory.

    Returns
    -------
    DataFrame or None
        :data:`CHECK_COLUMNS`; None where nothing is to be checked.
    """
    if not section.asks:
        return None
    if tuple(measurement.names) != PORE_C_SN.names:
        names = ", ".join(measurement.names)
        why = f"checks need the phases pore, C and Sn; these are {names}"
        return pd.DataFrame([_check("checks", "", math.nan, math.nan, note=why)])
    rows: list[dict[str, Any]] = []
    if section.sn_mass_percent is not None:
        rows += _mass_rows(section, section.sn_mass_percent, segmentation, errors)
    if section.bet_m2_per_g is not None:
        context.state_memory("The area of the solid", segmentation.phases.shape, _BYTES)
        with context.step("check the surface area") as watch:
            rows.append(
                _surface_row(section, section.bet_m2_per_g, segmentation, measurement, **watch)
            )
    if section.growth_percent is not None:
        rows += growth_rows(section, section.growth_percent, errors)
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))


def _check(
    quantity: str,
    unit: str,
    expected: float,
    found: float,
    low: float = math.nan,
    high: float = math.nan,
    *,
    agrees: bool | None = None,
    note: str = "",
) -> dict[str, Any]:
    """Return one row; it agrees where the expected value lies within the interval, unless said."""
    if agrees is None and math.isfinite(low) and math.isfinite(high) and math.isfinite(expected):
        agrees = low <= expected <= high
    words = {None: NOT_KNOWN, True: "yes", False: "no"}[agrees]
    values = (quantity, unit, expected, found, low, high, words, note)
    return dict(zip(CHECK_COLUMNS, values, strict=True))


def _number_of(errors: RunErrors, quantity: str) -> tuple[float, float, float]:
    """Return a number of the run, corrected where it is, and its interval (NaN without one)."""
    rows = errors.numbers[errors.numbers["quantity"] == quantity]
    if not len(rows):
        return math.nan, math.nan, math.nan
    row = rows.iloc[0]
    best = row["corrected"] if np.isfinite(row["corrected"]) else row["value"]
    return float(best), float(row["low_95"]), float(row["high_95"])


def _mass_rows(
    section: ChecksSection, mass_percent: float, segmentation: Segmentation, errors: RunErrors
) -> list[dict[str, Any]]:
    densities = (section.sn_density_g_cm3, section.carbon_density_g_cm3)
    of_solid = volume_share(mass_percent, *densities)
    tin, low, high = _number_of(errors, "Sn fraction, whole")
    pore, _, _ = _number_of(errors, "pore fraction, whole")
    solid = 100 - pore
    note = f"densities {densities[0]:g} (Sn) and {densities[1]:g} g/cm³ (C)"

    def share(part: float) -> float:
        return 100 * part / solid if solid > 0 else math.nan

    def mass(part: float) -> float:
        value = share(part)
        return mass_share(min(max(value, 0.0), 100.0), *densities) if value == value else value

    rows = [
        _check(
            *("Sn share of the mass", "%", mass_percent, mass(tin), mass(low), mass(high)),
            note=note,
        ),
        _check(
            *("Sn share of the solid", "%", of_solid, share(tin), share(low), share(high)),
            note=f"{note}; at the pore fraction of this run",
        ),
        _check(
            *("Sn fraction, whole", "%", of_solid * solid / 100, tin, low, high),
            note=f"{note}; at the pore fraction of this run",
        ),
    ]
    if segmentation.inside is not None and len(segmentation.thresholds) == TIN - 1:
        first, second = segmentation.thresholds
        implied = threshold_for_share(segmentation.inside, of_solid, above=first)
        plateau = _plateau(segmentation)
        rows.append(
            _check(
                *("threshold of Sn (t2)", "grey", implied, second, *plateau),
                note=(
                    "the threshold that gives this share of the solid from t1 on, before polishing; interval: "
                    "Sn changes by one point at most"
                ),
            )
        )
    return rows


def _plateau(segmentation: Segmentation) -> tuple[float, float]:
    """Return between which values t2 changes Sn by less than one point; NaN where not known."""
    table = segmentation.sensitivity
    if table is None:
        return math.nan, math.nan
    rows = table[table["threshold"] == f"t{TIN - 1}"]
    if not len(rows):
        return math.nan, math.nan
    row = rows.iloc[0]
    return float(row["plateau_from_gray"]), float(row["plateau_to_gray"])


def _surface_row(
    section: ChecksSection,
    bet_m2_per_g: float,
    segmentation: Segmentation,
    measurement: Measurement,
    **watch: Any,
) -> dict[str, Any]:
    dead = measurement.dead_pores
    found = specific_surface(
        segmentation.phases,
        densities_g_cm3={CARBON: section.carbon_density_g_cm3, TIN: section.sn_density_g_cm3},
        dead=None if dead is None else dead.mask(measurement.section.pore_connectivity),
        **watch,
    )
    finest = found.at(min(NITROGEN_NM, found.voxel_nm))
    needed = found.resolution_for(bet_m2_per_g)
    note = (
        f"void that gas can reach; interval from voxels of {2 * found.voxel_nm:.3g} nm to those of "
        f"{min(NITROGEN_NM, found.voxel_nm):.3g} nm (N2: {NITROGEN_NM:g} nm)"
    )
    if math.isfinite(needed):
        note += f"; the BET area would be that at voxels of {needed:.2g} nm"
    ends = sorted((found.coarse_m2_per_g, found.area_m2_per_g, finest))
    return _check(
        *("surface area", "m²/g", bet_m2_per_g, found.area_m2_per_g, ends[0], ends[-1]), note=note
    )


def growth_rows(
    section: ChecksSection, growth_percent: float, errors: RunErrors
) -> list[dict[str, Any]]:
    """Return how much the Sn has to grow for a growth of the fibre's diameter, against the most that it
    can; one row where the length stays and one where it grows alike.
    """
    tin, low, high = _number_of(errors, "Sn fraction, whole")
    limit = section.growth_limit_percent
    rows = []
    for way, grows in (("length kept", False), ("length grows alike", True)):

        def needed(part: float, grows: bool = grows) -> float:
            if not 0 < part <= 100:
                return math.nan
            return needed_expansion(growth_percent, part, length_grows=grows)

        least = needed(high)
        rows.append(
            _check(
                f"growth of Sn for that of the fibre, {way}",
                "% of its volume",
                limit,
                needed(tin),
                least,
                needed(low),
                agrees=bool(least <= limit) if math.isfinite(least) else None,
                note=(
                    f"at most {limit:g} % where all Sn becomes Na15Sn4; carbon and pores keep their volume; "
                    "Sn fraction of this run, which has to be that of the fibre before"
                ),
            )
        )
    return rows


def check_statements(table: pd.DataFrame) -> list[Statement]:
    """Return the checks in sentences: what is expected, what was found, whether they agree."""
    statements: list[Statement] = []
    for row in table.to_dict("records"):
        heading = "" if statements else "Checks"
        if not row["unit"] and not math.isfinite(row["expected"]):
            return [caveat(str(row["note"]))]
        unit = str(row["unit"])
        interval = ""
        if math.isfinite(row["low"]) and math.isfinite(row["high"]):
            interval = f" ({number(row['low'])} to {number(row['high'])})"
        verdict = {"yes": "agrees", "no": "**does not agree**"}.get(
            str(row["agrees"]), "no interval to judge by"
        )
        at_most = "at most " if str(row["quantity"]).startswith("growth") else ""
        statements.append(
            Statement(
                heading,
                f"{row['quantity']}: expected {at_most}{number(row['expected'])}, found {number(row['found'])}"
                f"{interval} {unit}: {verdict}",
            )
        )
        statements.append(detail("", str(row["note"])))
    return statements
