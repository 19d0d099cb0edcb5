"""Tables beyond objects and fractions: slices, shells, contacts, networks, and sizes that need no objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.dead_pores import DeadPores, accessible_pores
from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
from napari_snpore.measurement.objects import (
    label_objects,
    measure_objects,
    separate_objects,
    size_summary,
)
from napari_snpore.measurement.profiles import radial_profile, slice_fractions
from napari_snpore.measurement.thickness import chord_lengths, local_thickness, size_distribution
from napari_snpore.segmentation.phases import PORE, TIN
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.volume import Volume

_SHELLS = 8
_BLUR_VOXELS = 2.0
_PROBES = (0, 0.5, 1, 1.5, 2, 3)  # radii in voxels


def detail_tables(
    phases: Volume,
    names: tuple[str, ...],
    section: MeasureSection,
    *,
    radius_nm: float,
    cut_axes: tuple[int, ...],
    labels: Mapping[str, NDArray[Any]],
    objects: Mapping[str, pd.DataFrame],
    dead: DeadPores | None,
) -> dict[str, pd.DataFrame]:
    """Return the tables that ``[measure]`` asks for, by file name; those that need an envelope only where there is one."""
    tables: dict[str, pd.DataFrame] = {}
    if section.details:
        tables["fractions_by_slice"] = pd.concat(
            [slice_fractions(phases, axis=axis, names=names) for axis in range(3)], ignore_index=True
        )
        tables["networks"] = phase_networks(phases, names=names)
        bright = names[-1]
        if dead is not None:
            pores = label_objects(dead.mask(section.pore_connectivity), connectivity=section.pore_connectivity)
            tables["dead_pore_objects"] = measure_objects(
                Volume(pores, phases.spacing, phases.origin),
                envelope=np.asarray(phases.data) > 0,
                objects_from=f"dead at connectivity {section.pore_connectivity}",
                min_voxels=section.min_voxels,
            )
            tables["accessible_pores"] = accessible_pores(
                phases, [k * max(phases.spacing) for k in _PROBES], cut_axes=cut_axes
            )
            shell = section.shell_nm or radius_nm / _SHELLS
            tables["shells"] = radial_profile(
                phases, shell_nm=shell, objects=objects.get(bright), cut_axes=cut_axes, names=names
            )
        if len(names) == TIN and bright in labels:
            delta = section.delta_nm or _BLUR_VOXELS * max(phases.spacing)
            contacts = contact_areas(
                Volume(labels[bright], phases.spacing, phases.origin),
                phases,
                edge_width_nm=delta,
                dead=None if dead is None else dead.mask(section.pore_connectivity),
            )
            contacts.insert(1, "delta_nm", delta)
            tables[f"contacts_{bright}"] = contacts
    if section.separate_nm is not None:
        tables["separation_curve"] = _separation_curve(phases, names[PORE - 1], section)
    if section.thickness:
        tables["local_thickness"] = _sizes(phases, names)
        if dead is not None:
            tables["tortuosity"] = pd.DataFrame([geodesic_tortuosity(phases, core_nm=radius_nm / 4)])
    return tables


def _separation_curve(phases: Volume, name: str, section: MeasureSection) -> pd.DataFrame:
    """Return counts and sizes of separated pores for half, once and twice the contrast: what is cut is a matter of choice."""
    assert section.separate_nm is not None
    mask = np.asarray(phases.data) == PORE
    rows = []
    for factor in (0.5, 1.0, 2.0):
        contrast = factor * section.separate_nm
        objects = separate_objects(mask, spacing=phases.spacing, contrast_nm=contrast)
        table = measure_objects(
            Volume(objects, phases.spacing, phases.origin),
            objects_from=f"separated h={contrast:g} nm",
            directions=section.directions,
            convention=section.convention,
            min_voxels=section.min_voxels,
        )
        found = size_summary(table, limit_nm=section.limit_nm, min_voxels=section.min_voxels)
        rows.append(
            {
                "name": name,
                "contrast_nm": contrast,
                "object_count": found.count,
                "median_length_nm": found.median_length_nm,
                "limit_nm": section.limit_nm,
                "share_below_limit_by_number": found.share_below_limit_by_number,
                "share_below_limit_by_volume": found.share_below_limit_by_volume,
            }
        )
    return pd.DataFrame(rows)


def _sizes(phases: Volume, names: tuple[str, ...]) -> pd.DataFrame:
    """Return distributions of local thickness (by volume) and of chords (by number) of pore and matrix."""
    parts = []
    for phase, name in list(enumerate(names, 1))[: PORE + 1]:
        mask = np.asarray(phases.data) == phase
        found = {"local thickness": local_thickness(mask, spacing=phases.spacing)[mask]}
        for axis, label in enumerate("zyx"):
            found[f"chord along {label}"] = chord_lengths(mask, axis=axis, spacing=phases.spacing)
        for quantity, values in found.items():
            table = size_distribution(values)
            table.insert(0, "name", name)
            table.insert(1, "quantity", quantity)
            parts.append(table)
    return pd.concat(parts, ignore_index=True)
