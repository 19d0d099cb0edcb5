"""From phases to tables: fractions, dead pores, objects, details."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import DeadPores, dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.objects import label_objects, measure_objects, separate_objects
from napari_snpore.segmentation.envelope import half_radius
from napari_snpore.segmentation.phases import PORE
from napari_snpore.study.details import detail_tables
from napari_snpore.study.recipe import (
    MeasureSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.subvolume import center_and_edge_boxes, extract_subvolume
from napari_snpore.volume import Triple, Volume


@dataclass(frozen=True, eq=False)
class Measurement:
    """Labelled objects and tables, by phase name."""

    labels: Mapping[str, NDArray[Any]]
    objects: Mapping[str, pd.DataFrame]
    fractions: pd.DataFrame
    dead_pores: DeadPores | None
    boxes: Mapping[str, tuple[Triple, float]]
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def measure_phases(
    segmentation: Segmentation,
    section: MeasureSection,
    *,
    intensity: Volume | None = None,
    boxes: Mapping[str, tuple[Triple, float]] | None = None,
    context: RunContext,
) -> Measurement:
    """Fractions (whole and in boxes: given, or the centre and the edge cube), dead pores, objects of the chosen phases."""
    phases, scheme = segmentation.phases, segmentation.scheme
    names = scheme.names
    wanted = section.phases or sorted({names[0], names[-1]}, key=names.index)
    for name in wanted:
        if name not in names:
            raise InputError(f"measure.phases names {name!r}; the phases are {', '.join(names)}.")
    with context.step("fractions"):
        boxes = subvolume_boxes(segmentation, section) if boxes is None else boxes
        fractions = regional_fractions(segmentation, boxes)
    dead = None
    if segmentation.envelope is not None:
        with context.step("dead pores"):
            dead = dead_pores(phases.data, spacing=phases.spacing, cut_axes=segmentation.cut_axes)
    labels: dict[str, NDArray[Any]] = {}
    tables: dict[str, pd.DataFrame] = {}
    for name in wanted:
        mask = phases.data == names.index(name) + 1
        dark = names.index(name) + 1 == PORE
        sets: dict[str, tuple[str, NDArray[Any]]] = {}
        with context.step(f"label {name}"):
            connectivity = section.pore_connectivity if dark else section.object_connectivity
            sets[name] = (f"connected {connectivity}", label_objects(mask, connectivity=connectivity))
            if dark and section.separate_nm is not None:
                made_by = f"separated h={section.separate_nm:g} nm"
                sets[f"{name}_separated"] = (
                    made_by,
                    separate_objects(mask, spacing=phases.spacing, contrast_nm=section.separate_nm),
                )
        for key, (made_by, objects) in sets.items():
            with context.step(f"measure {key}") as watch:
                labels[key] = objects
                tables[key] = measure_objects(
                    Volume(objects, phases.spacing, phases.origin),
                    intensity=None if intensity is None else np.asarray(intensity.data),
                    envelope=None if segmentation.envelope is None else segmentation.envelope.mask,
                    directions=section.directions,
                    convention=section.convention,
                    objects_from=made_by,
                    min_voxels=section.min_voxels,
                    **watch,
                )
    details: dict[str, pd.DataFrame] = {}
    if section.details or section.thickness:
        with context.step("details"):
            body = np.asarray(phases.data) > 0
            details = detail_tables(
                phases,
                names,
                section,
                radius_nm=2 * half_radius(body, phases.spacing) if body.any() else 1.0,
                cut_axes=segmentation.cut_axes,
                labels=labels,
                objects=tables,
                dead=dead,
            )
    return Measurement(labels, tables, fractions, dead, boxes, details)


def subvolume_boxes(segmentation: Segmentation, section: MeasureSection) -> dict[str, tuple[Triple, float]]:
    """Place the centre and the edge cube by the envelope; none without an envelope.

    Their edge, where it is not given, is 0.6 of the fibre's radius, or the shortest side of a box that is shorter.
    """
    if segmentation.envelope is None:
        return {}
    phases = segmentation.phases
    usual = 1.2 * half_radius(np.asarray(phases.data) > PORE, phases.spacing)
    size = section.subvolume_nm or min(usual, *phases.size_nm)
    centers = center_and_edge_boxes(
        segmentation.envelope.mask, spacing=phases.spacing, origin=phases.origin, size_nm=size, fibre_axis=1
    )
    return {name: (center, size) for name, center in centers.items()}


def regional_fractions(segmentation: Segmentation, boxes: Mapping[str, tuple[Triple, float]]) -> pd.DataFrame:
    """Volume fractions of the whole and of each box, stacked with a ``region`` column and the box in nm."""
    phases, names = segmentation.phases, segmentation.scheme.names
    parts = []
    for region, box in {"whole": None, **boxes}.items():
        part = phases if box is None else extract_subvolume(phases, center_nm=box[0], size_nm=box[1])
        table = volume_fractions(part.data, spacing=part.spacing, names=names)
        table["denominator"] = (
            "box" if segmentation.envelope is None else "envelope"
        )  # also where a cube lies within it
        table.insert(0, "region", region)
        table["region_size_nm"] = math.nan if box is None else box[1]
        for axis, label in enumerate("zyx"):
            table[f"region_center_{label}_nm"] = math.nan if box is None else box[0][axis]
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
