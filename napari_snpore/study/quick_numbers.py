"""The numbers of a run without its tables and labels: for the many segmentations of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_snpore.compute import ShouldStop
from napari_snpore.measurement.dead_pores import dead_pores
from napari_snpore.measurement.objects import label_objects, measure_objects
from napari_snpore.segmentation.phases import EXTERIOR, PORE
from napari_snpore.study.measuring import (
    Box,
    region_size,
    regional_fractions,
)
from napari_snpore.study.numbers import Quantity, cluster_numbers, dead_numbers, fraction_numbers
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.subvolume import region_in_words
from napari_snpore.volume import Volume


def quick_numbers(
    phases: Volume,
    section: MeasureSection,
    *,
    names: Sequence[str],
    boxes: Mapping[str, Box],
    cut_axes: Sequence[int],
    objects: Sequence[str],
    should_stop: ShouldStop | None = None,
) -> dict[Quantity, float]:
    """Return the same numbers as :func:`~napari_snpore.study.numbers.measured_numbers` of
    :func:`~napari_snpore.study.measuring.measure_phases`.

    Parameters
    ----------
    phases : Volume of uint8, shape (z, y, x)
    section : MeasureSection
        Connectivities, convention, directions and ``limit_nm`` are used.
    names, boxes, cut_axes
        As there; the cubes stay where they are.
    objects : sequence of str
        Phases whose objects are counted; pore and Sn matter.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    labels = np.asarray(phases.data)
    numbers: dict[Quantity, float] = {}
    fractions = regional_fractions(phases, names, boxes)
    for region, rows in fractions.groupby("region", sort=False):
        size = region_size(rows.iloc[0].to_dict())
        numbers |= fraction_numbers(region_in_words(str(region), size), rows)
    if (labels == EXTERIOR).any():
        found = dead_pores(phases, cut_axes=cut_axes, should_stop=should_stop)
        numbers |= dead_numbers(found.table)
    if "pore" in objects and "pore" in names:
        pores = label_objects(labels == PORE, connectivity=section.pore_connectivity)
        numbers["pores", "1"] = float(pores.max(initial=0))
    if "Sn" in objects and "Sn" in names:
        clusters = label_objects(
            labels == list(names).index("Sn") + 1, connectivity=section.object_connectivity
        )
        table = measure_objects(
            Volume(clusters, phases.spacing, phases.origin),
            directions=section.directions,
            convention=section.convention,
            min_voxels=section.min_voxels,
            should_stop=should_stop,
        )
        numbers |= cluster_numbers(table, section.limit_nm)
    return numbers
