"""Tables beyond objects and fractions: slices, shells, contacts, networks, structure, and sizes that
need no objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.blocks import voxelwise
from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.measurement.contacts import contact_areas
from napari_snpore.measurement.dead_pores import DeadPores, accessible_pores
from napari_snpore.measurement.face_distance import is_cubic
from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
from napari_snpore.measurement.objects import (
    label_objects,
    measure_objects,
    separate_objects,
    size_summary,
)
from napari_snpore.measurement.profiles import radial_profile, slice_fractions
from napari_snpore.measurement.thickness import chord_lengths, local_thickness, size_distribution
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.scratch import mapped_within
from napari_snpore.segmentation.phases import EXTERIOR, PORE, TIN
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.structure import DIFFUSIVITY, diffusivity_table, structure_jobs
from napari_snpore.volume import Triple, Volume

BY_BLOCKS = ("fractions_by_slice", "dead_pore_objects", "shells", "contacts")
"""Tables that are made by blocks too, ``shells`` of cubic voxels."""

SHELLS = 8  # shells in a radius where no thickness is given
_BLUR_VOXELS = 2.0  # 10-90 % width of an edge where δ is not given
_PROBES = (0, 0.5, 1, 1.5, 2, 3)  # radii in voxels
_CONTRASTS = (0.5, 1.0, 2.0)  # of the separation curve, times the chosen contrast


def detail_tables(
    phases: Volume,
    names: tuple[str, ...],
    section: MeasureSection,
    *,
    radius_nm: float,
    cut_axes: tuple[int, ...],
    sources: Mapping[str, str],
    separated: Mapping[str, float],
    labels: Mapping[str, Volume],
    objects: Mapping[str, pd.DataFrame],
    dead: DeadPores | None,
    dead_mask: Any = None,
    boxes: Mapping[str, tuple[Triple, float | Triple]],
    store: BlockStore | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables that ``[measure]`` asks for, by file name; by blocks those of
    :data:`BY_BLOCKS`.

    Parameters
    ----------
    phases : Volume of uint8, shape (z, y, x)
        0 exterior, 1..N phases.
    names : tuple of str
        Of the phases.
    section : MeasureSection
        Which tables, and their options.
    radius_nm : float
        Of the fibre.
    cut_axes : tuple of int
        Array axes along which the fibre extends beyond the box.
    sources : mapping of str to str
        The phase of each set of objects.
    separated : mapping of str to float
        Contrast (nm) of each phase whose objects were separated.
    labels, objects : mapping of str to Volume, DataFrame
        The sets of objects by name.
    dead : DeadPores or None
        None without an exterior: then there are no shells, dead pores, probes and tortuosity.
    dead_mask : bool array, optional
        Of the connectivity of ``section``, by blocks; default that of ``dead``.
    boxes : mapping of str to (center, edge)
        Cubes (nm) whose diffusivity is computed.
    store : BlockStore, optional
        Of a run by blocks: what has the size of the volume lies on disk meanwhile.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; progress counts tables.
    """
    jobs: dict[str, Callable[[], pd.DataFrame]] = {}
    optional: set[str] = set()
    in_memory = store is None
    if section.details:
        jobs["fractions_by_slice"] = lambda: pd.concat(
            [
                slice_fractions(phases, axis=axis, names=names, should_stop=should_stop)
                for axis in range(3)
            ],
            ignore_index=True,
        )
        if in_memory:
            jobs["networks"] = lambda: phase_networks(phases, names=names, should_stop=should_stop)
        of_brightest = [name for name, phase in sources.items() if phase == names[-1]]
        if dead is not None and dead_mask is None:
            dead_mask = dead.mask(section.pore_connectivity)
        if dead is not None:
            jobs["dead_pore_objects"] = lambda: _dead_pore_objects(
                phases, dead_mask, section, store, should_stop
            )
        if dead is not None and in_memory:
            jobs["accessible_pores"] = lambda: accessible_pores(
                phases,
                [k * max(phases.spacing) for k in _PROBES],
                cut_axes=cut_axes,
                should_stop=should_stop,
            )
        if dead is not None and (in_memory or is_cubic(phases.spacing)):
            jobs["shells"] = lambda: _shells(
                phases,
                names,
                section.shell_nm or radius_nm / SHELLS,
                objects[of_brightest[0]] if of_brightest else None,
                cut_axes,
                store,
                should_stop,
            )
        for name in of_brightest if len(names) == TIN else ():
            jobs[f"contacts_{name}"] = partial(
                _contacts, phases, labels[name], dead_mask, section, store, should_stop
            )
        if in_memory:
            structure = structure_jobs(
                phases,
                names,
                {name: labels[name] for name in of_brightest},
                cut_axes=cut_axes,
                should_stop=should_stop,
            )
            jobs |= structure
            optional = set(structure)  # a measurement is not lost for one of them
    if section.diffusivity:
        jobs[DIFFUSIVITY] = lambda: diffusivity_table(
            phases,
            radius_nm=radius_nm,
            has_exterior=dead is not None,
            boxes=boxes,
            should_stop=should_stop,
        )
    if separated:
        jobs["separation_curve"] = lambda: pd.concat(
            [
                _separation_curve(
                    phases, names.index(phase) + 1, phase, contrast, section, should_stop
                )
                for phase, contrast in separated.items()
            ],
            ignore_index=True,
        )
    if section.thickness:
        jobs["local_thickness"] = lambda: _sizes(phases, names, should_stop)
        if dead is not None:
            jobs["tortuosity"] = lambda: pd.DataFrame(
                [geodesic_tortuosity(phases, core_nm=radius_nm / 4, should_stop=should_stop)]
            )
    tables: dict[str, pd.DataFrame] = {}
    for name, job in jobs.items():
        check_stop(should_stop)
        with suppress(NotEnoughMemoryError) if name in optional else nullcontext():
            tables[name] = job()
        if progress is not None:
            progress(list(jobs).index(name) + 1, len(jobs))
    return tables


def _dead_pore_objects(
    phases: Volume,
    dead: Any,
    section: MeasureSection,
    store: BlockStore | None,
    should_stop: ShouldStop | None,
) -> pd.DataFrame:
    connectivity = section.pore_connectivity
    out = None if store is None else store.empty(phases.shape, np.uint32)
    pores = label_objects(dead, connectivity=connectivity, out=out, should_stop=should_stop)
    return measure_objects(
        Volume(pores, phases.spacing, phases.origin),
        envelope=voxelwise(phases.data, lambda part: part > EXTERIOR),
        directions=section.directions,
        convention=section.convention,
        objects_from=f"dead at connectivity {connectivity}",
        min_voxels=section.min_voxels,
        should_stop=should_stop,
    )


def _shells(
    phases: Volume,
    names: Sequence[str],
    shell_nm: float,
    objects: pd.DataFrame | None,
    cut_axes: Sequence[int],
    store: BlockStore | None,
    should_stop: ShouldStop | None,
) -> pd.DataFrame:
    with mapped_within(store) as scratch:
        return radial_profile(
            phases,
            shell_nm=shell_nm,
            objects=objects,
            cut_axes=cut_axes,
            names=names,
            scratch=scratch,
            should_stop=should_stop,
        )


def _contacts(
    phases: Volume,
    labels: Volume,
    dead: Any,
    section: MeasureSection,
    store: BlockStore | None,
    should_stop: ShouldStop | None,
) -> pd.DataFrame:
    delta = section.delta_nm or _BLUR_VOXELS * max(phases.spacing)
    with mapped_within(store) as scratch:
        table = contact_areas(
            labels,
            phases,
            edge_width_nm=delta,
            dead=dead,
            scratch=scratch,
            should_stop=should_stop,
        )
    table.insert(1, "delta_nm", delta)
    return table


def _separation_curve(
    phases: Volume,
    phase: int,
    name: str,
    chosen_nm: float,
    section: MeasureSection,
    should_stop: ShouldStop | None,
) -> pd.DataFrame:
    """Return counts and sizes of separated objects for half, once and twice the contrast: the
    contrast is a choice.
    """
    mask = np.asarray(phases.data) == phase
    rows = []
    for factor in _CONTRASTS:
        contrast = factor * chosen_nm
        objects = separate_objects(
            mask, spacing=phases.spacing, contrast_nm=contrast, should_stop=should_stop
        )
        table = measure_objects(
            Volume(objects, phases.spacing, phases.origin),
            objects_from=f"separated h={contrast:g} nm",
            directions=section.directions,
            convention=section.convention,
            min_voxels=section.min_voxels,
            should_stop=should_stop,
        )
        sizes = size_summary(table, limit_nm=section.limit_nm, min_voxels=section.min_voxels)
        rows.append(
            {
                "name": name,
                "contrast_nm": contrast,
                "object_count": sizes.count,
                "median_length_nm": sizes.median_length_nm,
                "limit_nm": section.limit_nm,
                "share_below_limit_by_number": sizes.share_below_limit_by_number,
                "share_below_limit_by_volume": sizes.share_below_limit_by_volume,
            }
        )
    return pd.DataFrame(rows)


def _sizes(phases: Volume, names: tuple[str, ...], should_stop: ShouldStop | None) -> pd.DataFrame:
    """Return distributions of local thickness (by volume) and of chords (by number) of pore and
    matrix.
    """
    parts = []
    for phase, name in list(enumerate(names, 1))[: PORE + 1]:
        mask = np.asarray(phases.data) == phase
        sizes = {
            "local thickness": local_thickness(
                mask, spacing=phases.spacing, should_stop=should_stop
            )[mask]
        }
        for axis, label in enumerate("zyx"):
            sizes[f"chord along {label}"] = chord_lengths(
                mask, axis=axis, spacing=phases.spacing, should_stop=should_stop
            )
        for quantity, values in sizes.items():
            table = size_distribution(values)
            table.insert(0, "name", name)
            table.insert(1, "quantity", quantity)
            parts.append(table)
    return pd.concat(parts, ignore_index=True)
