"""Statements on the structure of the phases: neighbours, correlation, cube sizes, diffusivity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_snpore.blocks import is_in_memory
from napari_snpore.history import recorded_cut_axes
from napari_snpore.measurement.correlation import correlation_length
from napari_snpore.measurement.cube_sizes import LEAST_CUBES, representative_edge
from napari_snpore.measurement.neighbors import nearest_summary
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.report import Statement, caveat, detail, number
from napari_snpore.study.run_errors import RunErrors
from napari_snpore.study.structure import (
    CUBE_SIZES,
    DIFFUSIVITY,
    correlation_name,
    nearest_name,
)
from napari_snpore.volume import Triple

USUAL_ERROR_PERCENT = 1.0
"""Error of a pore fraction, in points, that cubes are compared with where that of the run is not
known."""


_RESOLVED_GAP = 2
"""Voxels of a gap that is resolved."""


def structure_statements(measurement: Measurement, errors: RunErrors | None) -> list[Statement]:
    """Return what the tables of the structure say; empty where there are none.

    Parameters
    ----------
    measurement : Measurement
    errors : RunErrors or None
        The interval of the pore fraction decides how large a representative cube is.
    """
    details, names = measurement.details, measurement.names
    statements = []
    axes = recorded_cut_axes(measurement.history)
    for name, labels in measurement.labels.items():
        table = details.get(nearest_name(name))
        if table is not None and len(table) > 1:
            statements += _neighbor_statements(
                name, table, labels.size_nm, axes, max(labels.spacing)
            )
    table = details.get(correlation_name(names[0]))
    if table is not None:
        statements += _correlation_statements(names[0], table)
    elif measurement.section.details and details:
        by_blocks = not all(is_in_memory(one.data) for one in measurement.labels.values())
        why = "there is none by blocks" if by_blocks else "the memory does not allow it"
        statements.append(caveat(f"No two-point correlation: {why}."))
    table = details.get(CUBE_SIZES)
    if table is not None and len(table):
        statements += _cube_statements(names[0], table, _error_percent(names[0], errors))
    table = details.get(DIFFUSIVITY)
    if table is not None:
        statements += _diffusivity_statements(names[0], table)
    return statements


def _neighbor_statements(
    name: str, table: pd.DataFrame, size_nm: Triple, axes: Sequence[int], voxel_nm: float
) -> list[Statement]:
    heading = f"Neighbours, {name}"
    centers = nearest_summary(table, box_nm=size_nm, cut_axes=axes)
    gaps = table.loc[table["surface_complete"], "surface_distance_nm"]
    if not centers["complete"] or not len(gaps):
        return [Statement(heading, "none whose nearest neighbour is certainly in the box")]
    half = " to ".join(number(gaps.quantile(share)) for share in (0.25, 0.75))
    notes = []
    if gaps.median() < _RESOLVED_GAP * voxel_nm:
        notes.append(
            caveat(
                f"Gaps of less than {_RESOLVED_GAP} voxels are not resolved: clusters that are nearer to each "
                "other than the blur are one object."
            )
        )
    return [
        Statement(
            heading,
            f"nearest surface **{number(gaps.median())} nm** (median; half of them {half} nm), nearest centre "
            f"{number(centers['median_nm'])} nm; n = {len(gaps):,} of {len(table):,}, those with no cut face nearer",
        ),
        *notes,
    ]


def _correlation_statements(name: str, table: pd.DataFrame) -> list[Statement]:
    lengths = {way: correlation_length(table, way) for way in ("all", "z", "y", "x")}
    if not math.isfinite(lengths["all"]):
        return [Statement(f"Correlation, {name}", "does not fall to 1/e within the table")]
    along = ", ".join(f"{way} {number(lengths[way])}" for way in "zyx")
    return [
        Statement(
            f"Correlation, {name}",
            f"length **{number(lengths['all'])} nm** (1/e of the two-point correlation); along {along} nm "
            "(z is the beam: the missing wedge makes it longer)",
        )
    ]


def _cube_statements(name: str, table: pd.DataFrame, error: tuple[float, str]) -> list[Statement]:
    percent, whose = error
    edge = representative_edge(table, percent)
    heading = f"Cubes, {name}"
    if math.isfinite(edge):
        return [
            Statement(
                heading,
                f"from an edge of **{number(edge)} nm** on, the fraction differs between cubes by less than "
                f"{percent:.1f} points ({whose}; 2 sd)",
            )
        ]
    rows = table[table["independent_count"] >= LEAST_CUBES]
    if not len(rows):
        return [Statement(heading, "too few cubes side by side to tell how the fraction varies")]
    last = rows.iloc[-1]
    return [
        Statement(
            heading,
            f"at an edge of {number(last['edge_nm'])} nm, the largest with {LEAST_CUBES} cubes side by side, the "
            f"fraction still varies by ±{2 * last['sd_percent']:.2g} points (2 sd)",
        ),
        caveat(
            f"No cube in this piece is representative within ±{percent:.1f} points ({whose}): two cubes differ by "
            "where they were put."
        ),
    ]


def _error_percent(name: str, errors: RunErrors | None) -> tuple[float, str]:
    """Return half of the interval of the pore fraction in points, and whose it is."""
    if errors is not None:
        rows = errors.numbers[errors.numbers["quantity"] == f"{name} fraction, whole"]
        half = (rows["high_95"] - rows["low_95"]) / 2
        if len(half) and np.isfinite(half.iloc[0]) and half.iloc[0] > 0:
            return float(half.iloc[0]), "the error of this run"
    return USUAL_ERROR_PERCENT, "a usual error"


def _diffusivity_statements(name: str, table: pd.DataFrame) -> list[Statement]:
    statements = []
    heading = f"Diffusivity, {name}"
    words = {"y": "along the fibre", "surface": "core to surface"}
    for row in table[table["region"] == "whole"].to_dict("records"):
        where = words[str(row["direction"])]
        if row["note"]:
            statements.append(caveat(f"No diffusivity {where}: {row['note']}"))
            continue
        if row["relative_diffusivity"] == 0 or not math.isfinite(row["tortuosity_factor"]):
            sentence = f"{where}: no path of {name} over faces, so that nothing diffuses"
        else:
            sentence = (
                f"{where}: D/D₀ = **{number(row['relative_diffusivity'])}**, tortuosity factor "
                f"{number(row['tortuosity_factor'])}; {number(row['connected_percent'])} % of the {name} joins both ends"
            )
        if math.isfinite(row["geodesic_tortuosity"]):
            sentence += f" (geodesic tortuosity {number(row['geodesic_tortuosity'])})"
        statements.append(Statement(heading, sentence))
        heading = ""
    for region, rows in table[table["region"] != "whole"].groupby("region", sort=False):
        values = ", ".join(
            f"{row['direction']} {number(row['relative_diffusivity'])}"
            for row in rows.to_dict("records")
        )
        statements.append(detail(str(region), f"D/D₀ along {values}"))
    return statements
