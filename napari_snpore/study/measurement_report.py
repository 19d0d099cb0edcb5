"""Statements on a measurement: objects, volume fractions, dead pores, shells, contacts, networks,
mass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.history import HistoryStep
from napari_snpore.measurement.dead_pores import DeadPores
from napari_snpore.measurement.objects import SizeSummary
from napari_snpore.study.edit_report import edit_statements
from napari_snpore.study.error_report import error_statements
from napari_snpore.study.measuring import GIVEN, MeasuredObjects, Measurement, region_size
from napari_snpore.study.network_width import width_statements
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.report import (
    Statement,
    caveat,
    detail,
    number,
    percent,
    text_of,
    with_error,
)
from napari_snpore.study.run_errors import RunErrors, recorded_errors
from napari_snpore.study.structure_report import structure_statements
from napari_snpore.subvolume import edges_in_words, region_in_words

_ONE_NETWORK = 0.5
"""Share of a phase's volume in one connected object from which the phase is called a network."""


def measurement_text(measured: MeasuredObjects, errors: RunErrors | None = None) -> str:
    """Return the report of a measurement as text, one block per subject; corrections by hand first.

    ``errors`` of the run, which are not in the history yet, are compared with the spread between cubes.
    """
    names = measured.names if isinstance(measured, Measurement) else None
    blocks = [edit_statements(_history_of(measured), names)]
    if isinstance(measured, Measurement):
        blocks += [
            fraction_statements(measured.fractions),
            dead_pore_statements(measured.dead_pores),
        ]
    blocks += [object_statements(measured, name) for name in measured.objects]
    if isinstance(measured, Measurement):
        blocks.append(detail_statements(measured, errors))
        recorded = recorded_errors(measured.history)
        if recorded is not None:
            blocks.append(error_statements(recorded))
    return "\n\n".join(text_of(block) for block in blocks if block) + "\n"


def _history_of(measured: MeasuredObjects) -> tuple[HistoryStep, ...]:
    """Return the history of what was measured, with the corrections of each set of objects."""
    start = len(measured.history)
    return (
        *measured.history,
        *(step for labels in measured.labels.values() for step in labels.history[start:]),
    )


def object_statements(measured: MeasuredObjects, name: str) -> list[Statement]:
    """Return how many objects there are and how long they are, with what these numbers leave
    out.
    """
    table, sizes = measured.objects[name], measured.sizes[name]
    heading = f"Objects, {name.replace('_', ' ')}"
    if len(table) == 0:
        return [Statement(heading, "none")]
    inside = sizes.count - sizes.cut_by_box
    cut = "none cut by the box"
    if sizes.cut_by_box:
        cut = f"{sizes.cut_by_box:,} cut by the box and left out below"
    if not inside:
        cut = "all cut by the box: their sizes say nothing"
    noun = "object" if sizes.count == 1 else "objects"
    phase = name.removesuffix("_separated")
    of_phase = noun if name == GIVEN else f"{phase} {noun}"
    first = table.iloc[0]
    found_by = str(first["objects_from"]).split(", ")[0]  # without what was corrected by hand
    width = measured.widths.get(name) if isinstance(measured, Measurement) else None
    statements = [] if width is None else width_statements(width, phase, heading)
    statements.append(
        Statement("" if width else heading, f"**{sizes.count:,} {of_phase}** ({found_by}), {cut}")
    )
    if inside:
        statements += _length_statements(sizes, str(first["convention"]), inside)
    volumes = table["volume_nm3"].to_numpy(np.float64)
    largest = float(volumes.max() / volumes.sum())
    if (
        width is None
        and found_by.startswith("connected")
        and largest > _ONE_NETWORK
        and sizes.count > 1
    ):
        statements.append(
            caveat(
                f"One object holds {percent(largest)} of the {phase}: a connected network is one object until it is "
                "separated."
            )
        )
    return statements


def _length_statements(sizes: SizeSummary, convention: str, inside: int) -> list[Statement]:
    statements = [
        Statement(
            "",
            f"length **{number(sizes.median_length_nm)} nm** (median, n = {inside:,}, Feret, convention {convention})",
        ),
        Statement(
            "",
            f"shorter than {sizes.limit_nm:g} nm: **{percent(sizes.share_below_limit_by_number)}** by number, "
            f"{percent(sizes.share_below_limit_by_volume)} by volume",
        ),
    ]
    if sizes.unresolved_share > 0:
        sentence = f"{percent(sizes.unresolved_share)} of them hold fewer than {sizes.min_voxels} voxels: not resolved."
        if sizes.resolved_count:
            sentence += (
                f" Resolved ones alone: median {number(sizes.resolved_median_length_nm)} nm, "
                f"shorter than {sizes.limit_nm:g} nm: {percent(sizes.resolved_share_below_limit_by_number)} by number, "
                f"{percent(sizes.resolved_share_below_limit_by_volume)} by volume (n = {sizes.resolved_count:,})."
            )
        statements.append(caveat(sentence))
    return statements


def fraction_statements(fractions: pd.DataFrame) -> list[Statement]:
    """Return the share of each phase in the whole and in each box."""
    regions = (
        fractions["region"] if "region" in fractions else pd.Series("whole", index=fractions.index)
    )
    of_envelope = "envelope" in set(fractions["denominator"])
    of_what = "the envelope's volume (% of the box)" if of_envelope else "the whole box"
    statements = [Statement("Fractions", f"% of {of_what}")]
    for region in regions.unique():
        rows = fractions[regions == region].to_dict("records")
        shares = [f"{row['name']} {row['fraction_percent']:.1f}{_of_box(row)}" for row in rows]
        size = region_size(rows[0])
        edges = "" if size is None else f", {edges_in_words(size)}"
        heading = f"{region_in_words(str(region), size)}{edges}"
        statements.append(detail(str(heading), "   ".join(shares)))
    return statements


def whole_fraction_statement(fractions: pd.DataFrame) -> Statement:
    """Return the share of each phase in the whole volume, in one sentence."""
    rows = fractions[fractions["region"] == "whole"]
    shares = "   ".join(
        f"{row['name']} **{row['fraction_percent']:.1f} %**" for row in rows.to_dict("records")
    )
    of_envelope = rows["denominator"].iloc[0] == "envelope"
    return Statement("Fractions", f"{shares} of the {'envelope' if of_envelope else 'whole box'}")


def dead_pore_statements(
    dead: DeadPores | None, *, each_connectivity: bool = True
) -> list[Statement]:
    """Return the share of pores without a path through void to the exterior, with its bounds."""
    if dead is None:
        return [
            caveat(
                "No exterior in these phases: vacuum counts as pore, and dead pores cannot be found."
            )
        ]
    rows = {int(row["connectivity"]): row for row in dead.table.to_dict("records")}
    upper, lower = rows[6], rows[26]
    if not np.isfinite(upper["dead_share_of_pore"]):
        return [Statement("Pore access", "no pore voxel, so that none is dead")]
    statements = [
        Statement(
            "Pore access",
            f"dead pores **{number(100 * upper['dead_share_of_pore'])} %** of the pore volume at connectivity 6 "
            f"(upper bound), {number(100 * lower['dead_share_of_pore'])} % at 26 (lower bound)",
        )
    ]
    for connectivity, row in rows.items() if each_connectivity else ():
        statements.append(
            detail(
                f"{connectivity:>2}",
                f"{number(100 * row['dead_share_of_pore'])} % of the pore volume, "
                f"{number(100 * row['dead_share_of_envelope'])} % of the envelope; "
                f"open only to the cut: {row['open_to_cut_voxel_count']:,} voxels",
            )
        )
    if count := upper["open_to_cut_voxel_count"]:
        voxels = "1 pore voxel reaches" if count == 1 else f"{count:,} pore voxels reach"
        statements.append(caveat(f"{voxels} only a cut face: not counted as dead."))
    return statements


def detail_statements(measurement: Measurement, errors: RunErrors | None = None) -> list[Statement]:
    """Return what the detail tables say, one or two sentences per table; empty where there is
    none.

    ``errors``: of the run; default: those in the history of the phases.
    """
    details, names = measurement.details, measurement.names
    statements = []
    if "shells" in details:
        statements += _shell_statements(details["shells"], names)
    for name, table in details.items():
        if name.startswith("contacts_") and len(table):
            statements.append(_contact_statement(name.removeprefix("contacts_"), table))
    if "networks" in details:
        statements += _network_statements(details["networks"])
    if "tortuosity" in details:
        row = details["tortuosity"].iloc[0]
        statements.append(
            Statement(
                "Tortuosity",
                f"{with_error(row['tortuosity'], row['tortuosity_sd'], 2)} (sd over {row['n']:.0f} surface voxels) of "
                f"{names[0]}, core to surface; {number(row['reached_percent'])} % reached",
            )
        )
    if errors is None:
        errors = recorded_errors(measurement.history)
    statements += structure_statements(measurement, errors)
    return statements + mass_statements(measurement.fractions, measurement.section)


def mass_statements(fractions: pd.DataFrame, section: MeasureSection) -> list[Statement]:
    """Return volume times density beside the mass shares that are known from elsewhere; empty
    without densities.
    """
    given = section.density_g_cm3
    whole = fractions[fractions["region"] == "whole"].set_index("name")["volume_nm3"]
    mass = {name: density * float(whole.get(name, 0.0)) for name, density in given.items()}
    total = sum(mass.values())
    if total == 0:
        return []
    known = section.mass_percent
    words = ", ".join(
        f"{name} {100 * part / total:.1f} %"
        + (f" (given: {known[name]:.1f} %)" if name in known else "")
        for name, part in mass.items()
    )
    return [Statement("Mass", f"volume × density of {' and '.join(given)}: {words}")]


def _of_box(row: Mapping[Any, Any]) -> str:
    return f" ({row['fraction_box_percent']:.1f})" if row["denominator"] == "envelope" else ""


def _shell_statements(table: pd.DataFrame, names: Sequence[str]) -> list[Statement]:
    pore = f"{names[0]}_percent"
    whole = table[(table["sector"] == "all") & (table["voxel_count"] > 0)]
    outer, inner = whole.iloc[0], whole.iloc[-1]
    first = table[table["depth_from_nm"] == 0].set_index("sector")[pore]
    return [
        Statement(
            "Shells",
            f"{names[0]} {outer[pore]:.1f} % down to {outer['depth_to_nm']:.3g} nm below the surface, "
            f"{inner[pore]:.1f} % deeper than {inner['depth_from_nm']:.3g} nm (% of the shell)",
        ),
        Statement(
            "",
            f"outermost shell: {first['facing the beam']:.1f} % facing the beam, {first['across the beam']:.1f} % "
            "across it (a difference marks the missing wedge)",
        ),
    ]


def _contact_statement(name: str, table: pd.DataFrame) -> Statement:
    delta = table["delta_nm"].iloc[0]
    return Statement(
        f"Contacts, {name.replace('_', ' ')}",
        f"faces towards pore {table['pore_face_percent'].mean():.1f} % (mean); encapsulated, no pore "
        f"within δ = {delta:.3g} nm: {100 * table['encapsulated'].mean():.1f} % of {len(table)}",
    )


def _network_statements(table: pd.DataFrame) -> list[Statement]:
    statements = []
    for name, rows in table.groupby("name", sort=False):
        row = rows.iloc[0]
        through = ", ".join(axis for axis in "zyx" if row[f"percolates_{axis}"]) or "no axis"
        euler = str(row["euler_number"]).replace("-", "\N{MINUS SIGN}")
        statements.append(
            Statement(
                f"Network, {name}",
                f"{row['network_count']} apart at connectivity {row['connectivity']}, the largest holds "
                f"{row['largest_share_percent']:.1f} %; reaches through along {through}; Euler number {euler}",
            )
        )
    return statements
