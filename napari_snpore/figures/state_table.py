"""Table of specimens for a plate: one column per specimen, one row per quantity with its unit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.figures.intervals import Intervals, interval_of
from napari_snpore.figures.numbers import number
from napari_snpore.figures.plate_spec import SpecimenColumn
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM, size_summary
from napari_snpore.segmentation.phases import PORE
from napari_snpore.subvolume import NamedBox, extract_subvolume

_NONE = "–"


def state_table(
    states: Sequence[SpecimenColumn],
    boxes: Sequence[NamedBox] = (),
    *,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the numbers of the specimens as texts: one row per quantity with its unit, one column
    per specimen.

    Parameters
    ----------
    states : sequence of SpecimenColumn
        The specimens.
    boxes : sequence of NamedBox
        Subvolumes whose fractions are added; an en dash where a box leaves the volume.
    should_stop : callable, optional
        Asked before every specimen.
    """
    columns: dict[str, dict[str, str]] = {}
    for state in states:
        check_stop(should_stop)
        columns[state.name] = _numbers(state, boxes)
    rows = _in_order([list(column) for column in columns.values()])
    cells = {name: [column.get(row, _NONE) for row in rows] for name, column in columns.items()}
    return pd.DataFrame({"": rows, **cells})


def remark_on(states: Sequence[SpecimenColumn]) -> str:
    """Say what the numbers of the table leave out, and that a fibre is one replicate."""
    words = "n = 1 fibre each"
    if any(state.objects for state in states):
        words += f"; objects cut by the box left out; aspect ratio of objects of {RESOLVED_VOXELS} voxels and more"
    return words


def _numbers(state: SpecimenColumn, boxes: Sequence[NamedBox]) -> dict[str, str]:
    found: dict[str, str] = {}
    if state.phases is not None:
        table = volume_fractions(state.phases, names=state.scheme.names)
        of = "envelope" if table["denominator"].iloc[0] == "envelope" else "whole box"
        found |= _shares(table, f" of the {of} (%)", state.intervals, "whole")
        for box in boxes:
            try:
                part = extract_subvolume(state.phases, center_nm=box.center_nm, size_nm=box.size_nm)
            except InputError:
                continue
            counted = volume_fractions(part, names=state.scheme.names)
            found |= _shares(counted, f", {box.name} (%)", state.intervals, box.name)
    dead_share = _dead_share(state)
    if dead_share is not None:
        found["dead pores (% of the pore volume, 6 neighbours)"] = number(100 * dead_share)
    for noun, table in state.objects.items():
        found |= _sizes(noun, table)
    return found


def _dead_share(state: SpecimenColumn) -> float | None:
    """Return the share of dead pores in the pore volume: the given one, else counted in voxels;
    None where unknown.
    """
    if state.dead_share_of_pore is not None:
        return state.dead_share_of_pore
    if state.dead is None or state.phases is None or state.dead.shape != state.phases.shape:
        return None
    pores = np.count_nonzero(np.asarray(state.phases.data) == PORE)
    return np.count_nonzero(np.asarray(state.dead.data)) / pores if pores else math.nan


def _shares(table: pd.DataFrame, what: str, intervals: Intervals, region: str) -> dict[str, str]:
    """Return the counted shares and, in rows below them, those that are corrected or have an
    interval.
    """
    found: dict[str, str] = {}
    for name, share in zip(table["name"], table["fraction_percent"], strict=True):
        known = interval_of(intervals, region, name, share)
        counted = f"{share:.1f}" if math.isfinite(share) else _NONE
        if known is None:
            found[f"{name}{what}"] = counted
        elif known.is_corrected:
            found[f"{name}{what}"] = counted
            found[f"{name}{what}, corrected"] = known.words
        else:
            found[f"{name}{what}"] = known.words
    return found


def _sizes(noun: str, table: pd.DataFrame) -> dict[str, str]:
    """Return number, medians and the shares of short and of unresolved objects: of those that the
    box does not cut.
    """
    sizes = size_summary(table, limit_nm=SHORT_BELOW_NM, min_voxels=RESOLVED_VOXELS)
    inside = table[~table["touches_border"].to_numpy(np.bool_)]
    resolved = inside[inside["voxel_count"].to_numpy() >= RESOLVED_VOXELS]
    return {
        f"{noun}, n": f"{len(inside):,}",
        f"{noun}, unresolved: below {RESOLVED_VOXELS} voxels (%)": number(
            100 * sizes.unresolved_share
        ),
        f"{noun}, median length (nm)": number(sizes.median_length_nm),
        f"{noun}, median width (nm)": number(float(inside["width_nm"].median())),
        f"{noun}, median aspect ratio": number(float(resolved["aspect_ratio"].median())),
        f"{noun}, shorter than {SHORT_BELOW_NM:g} nm (%)": number(
            100 * sizes.share_below_limit_by_number
        ),
    }


def _in_order(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return every row name once, each after the one that it follows in its column."""
    rows: list[str] = []
    for column in columns:
        place = 0
        for row in column:
            if row in rows:
                place = rows.index(row) + 1
            else:
                rows.insert(place, row)
                place += 1
    return rows
