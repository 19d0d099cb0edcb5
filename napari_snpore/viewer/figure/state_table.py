"""The table of the specimens in a window: one column a specimen or state, its phases and its objects in numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Layer

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.sizes import size_summary
from napari_snpore.segmentation.phases import PORE, PhaseScheme
from napari_snpore.subvolume import extract_subvolume
from napari_snpore.viewer.shared.boxes import NamedBox
from napari_snpore.viewer.shared.layers import (
    kind_of,
    object_table,
    record_of,
    scheme_of,
    stem_of,
    volume_from_layer,
)
from napari_snpore.volume import Volume

LIMIT_NM, MIN_VOXELS = 2.0, 64
_NONE = "–"


@dataclass(frozen=True, eq=False)
class StateTableSpec:
    """What the window holds of one specimen.

    Parameters
    ----------
    name : str
        Stem of the names of its layers.
    phases : Volume, optional
        Its phases.
    scheme : PhaseScheme
        Their names.
    objects : mapping of str to DataFrame
        What the objects are, and their table.
    dead : Volume, optional
        Its dead pores.
    """

    name: str
    phases: Volume | None = None
    scheme: PhaseScheme = field(default_factory=PhaseScheme)
    objects: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    dead: Volume | None = None


def is_objects(layer: Layer) -> bool:
    """Say whether a layer holds measured objects with their table."""
    return kind_of(layer) == "objects" and "length_nm" in getattr(layer, "features", ())


def noun_of(objects: Layer | None) -> str:
    """Return what the objects of a layer are, in the plural."""
    phase = "" if objects is None else str(record_of(objects).get("phase", ""))
    return {"pore": "pores", "Sn": "Sn clusters", "C": "C objects"}.get(phase, f"{phase} objects".strip())


def states_in(
    layers: Sequence[Layer], *, phases: Layer | None = None, objects: Layer | None = None
) -> tuple[tuple[StateTableSpec, ...], tuple[str, ...]]:
    """Return the specimens among some layers, in the order of these, and a sentence for every layer that cannot be read.

    Parameters
    ----------
    layers : sequence of Layer
        Those of a window: layers of phases, of measured objects and of dead pores count.
    phases, objects : Layer, optional
        The chosen ones: they come before others of their stem, and may be labels of unknown origin.
    """
    found: dict[str, dict[str, Any]] = {}
    left_out: list[str] = []
    for layer in sorted(layers, key=lambda one: one is phases or one is objects):  # the last of a stem counts
        if not (kind_of(layer) in ("phases", "dead pores") or layer is phases or is_objects(layer)):
            continue
        try:
            volume = volume_from_layer(layer)
        except InputError as error:
            left_out.append(f"Left out: the specimen '{stem_of(layer.name)}'. {error}")
            continue
        state = found.setdefault(stem_of(layer.name), {"objects": {}})
        if is_objects(layer):
            state["objects"][noun_of(layer)] = object_table(layer.features)
        elif kind_of(layer) == "dead pores":
            state["dead"] = volume
        else:
            state["phases"], state["scheme"] = volume, scheme_of(layer)
    order = list(dict.fromkeys(stem_of(layer.name) for layer in layers if stem_of(layer.name) in found))
    states = (
        StateTableSpec(name, **found[name]) for name in order if "phases" in found[name] or found[name]["objects"]
    )
    return tuple(states), tuple(left_out)


def state_table(
    states: Sequence[StateTableSpec], boxes: Sequence[NamedBox] = (), *, should_stop: ShouldStop | None = None
) -> pd.DataFrame:
    """Return the numbers of the specimens as words, a row each with its unit, a column a specimen. For a thread.

    Parameters
    ----------
    states : sequence of StateTableSpec
        The specimens.
    boxes : sequence of NamedBox
        Subvolumes whose fractions are added; an en dash stands where a box leaves the volume.
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


def remark_on(states: Sequence[StateTableSpec]) -> str:
    """Say what the numbers of the table leave out, and that a fibre is one replicate."""
    words = "n = 1 fibre each"
    if any(state.objects for state in states):
        words += f"; objects cut by the box left out; aspect ratio of objects of {MIN_VOXELS} voxels and more"
    return words


def _numbers(state: StateTableSpec, boxes: Sequence[NamedBox]) -> dict[str, str]:
    from napari_snpore.figures.numbers import number

    found: dict[str, str] = {}
    if state.phases is not None:
        table = volume_fractions(state.phases, names=state.scheme.names)
        of = "envelope" if table["denominator"].iloc[0] == "envelope" else "whole box"
        found |= _shares(table, f" of the {of} (%)")
        for box in boxes:
            try:
                part = extract_subvolume(state.phases, center_nm=box.center_nm, size_nm=box.size_nm)
            except InputError:
                continue
            found |= _shares(volume_fractions(part, names=state.scheme.names), f", {box.name} (%)")
        if state.dead is not None and state.dead.shape == state.phases.shape:
            pores = np.count_nonzero(np.asarray(state.phases.data) == PORE)
            share = np.count_nonzero(np.asarray(state.dead.data)) / pores if pores else math.nan
            found["dead pores (% of the pore volume, 6 neighbours)"] = number(100 * share)
    for noun, table in state.objects.items():
        found |= _sizes(noun, table)
    return found


def _shares(table: pd.DataFrame, what: str) -> dict[str, str]:
    return {
        f"{name}{what}": f"{share:.1f}" if math.isfinite(share) else _NONE
        for name, share in zip(table["name"], table["fraction_percent"], strict=True)
    }


def _sizes(noun: str, table: pd.DataFrame) -> dict[str, str]:
    """Return number, medians and the shares of short and of unresolved objects: of those that the box does not cut."""
    from napari_snpore.figures.numbers import number

    sizes = size_summary(table, limit_nm=LIMIT_NM, min_voxels=MIN_VOXELS)
    inside = table[~table["touches_border"].to_numpy(np.bool_)]
    resolved = inside[inside["voxel_count"].to_numpy() >= MIN_VOXELS]
    return {
        f"{noun}, n": f"{len(inside):,}",
        f"{noun}, unresolved: below {MIN_VOXELS} voxels (%)": number(100 * sizes.unresolved_share),
        f"{noun}, median length (nm)": number(sizes.median_length_nm),
        f"{noun}, median width (nm)": number(float(inside["width_nm"].median())),
        f"{noun}, median aspect ratio": number(float(resolved["aspect_ratio"].median())),
        f"{noun}, shorter than {LIMIT_NM:g} nm (%)": number(100 * sizes.share_below_limit_by_number),
    }


def _in_order(columns: Sequence[Sequence[str]]) -> list[str]:
    """Return every row once, each behind the one that it follows in its column."""
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
