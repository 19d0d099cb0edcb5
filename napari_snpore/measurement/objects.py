"""Table of sizes, Feret diameters, shape and place of labelled objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import BlockShape
from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.measurement.feret import (
    Convention,
    Directions,
    check_convention,
    check_directions,
    extents,
)
from napari_snpore.measurement.hulls import BREADTH, LENGTH, VOLUME, WIDTH
from napari_snpore.measurement.labelling import label_objects, separate_objects
from napari_snpore.measurement.scan import ObjectScan, scan_objects
from napari_snpore.measurement.shape import depths, principal_axes, surface_areas
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SizeSummary, size_summary
from napari_snpore.volume import Volume, array_of, origin_of, spacing_of

__all__ = ["SizeSummary", "label_objects", "measure_objects", "separate_objects", "size_summary"]

_STEPS = 1000


def measure_objects(
    labels: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    intensity: Volume | NDArray[Any] | None = None,
    envelope: Volume | NDArray[np.bool_] | None = None,
    directions: Directions = "exact",
    convention: Convention = "corners",
    objects_from: str = "connected",
    min_voxels: int = RESOLVED_VOXELS,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return one row per object: sizes, Feret diameters, shape, place, grey values.

    Parameters
    ----------
    labels : Volume or array of integers, shape (z, y, x)
        0 outside; numbers may have gaps. The origin of a Volume is part of the centroids. Mapped
        and lazy arrays are read block by block; so are intensity and envelope.
    spacing : float or (float, float, float)
        Voxel size in nm; a Volume brings its own.
    intensity : Volume or array of real numbers, same shape, optional
        Adds ``intensity_mean`` and ``intensity_sum``.
    envelope : bool array, same shape, optional
        Adds ``depth_nm``, the distance from the centre of the centroid's voxel to that of the
        nearest voxel outside; faces of the box are not surface.
    directions, convention
        See :func:`~napari_snpore.measurement.feret.feret_diameters`.
    objects_from : str
        What made the objects; copied into the table.
    min_voxels : int
        The fewest voxels of a ``resolved`` object.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the table does not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        By label; columns without their input are left out:

        - ``label, voxel_count, volume_nm3``
        - ``length_nm, width_nm, breadth_nm, aspect_ratio``: Feret diameters
        - ``equivalent_diameter_nm``: of the sphere of equal volume
        - ``surface_area_nm2`` (Crofton) and ``sphericity``: surface of that sphere / surface; a few voxels can pass 1
        - ``hull_volume_nm3``: of the hull of the voxel boxes, in either convention; ``solidity``: volume / hull volume
        - ``centroid_z_nm`` ..., and ``z_min, z_max`` ...: inclusive voxel indices
        - ``orientation_z`` ...: unit vector of the greatest spread; NaN where no axis is longest
        - ``depth_nm, intensity_mean, intensity_sum``
        - ``touches_border, resolved, convention, objects_from``

    Raises
    ------
    InputError
        Labels that are not integers of three axes, another shape, NaN, an unknown option.

    Examples
    --------
    >>> labels = np.zeros((4, 4, 6), np.uint32)
    >>> labels[1:3, 1:3, 1:5] = 1
    >>> table = measure_objects(labels, spacing=0.5)
    >>> table[["voxel_count", "volume_nm3", "width_nm", "centroid_x_nm"]].values.tolist()
    [[16.0, 2.0, 1.0, 1.25]]
    """
    voxel = spacing_of(labels, spacing, intensity, envelope)
    check_directions(directions)
    check_convention(convention)
    if min_voxels < 1:
        raise InputError(f"min_voxels is {min_voxels}; 1 or more is needed.")
    gray = None if intensity is None else array_of(intensity)
    scan = scan_objects(
        array_of(labels),
        gray=gray,
        block_shape=block_shape,
        progress=_part(progress, 0, 400),
        should_stop=should_stop,
    )
    sizes = extents(
        scan, spacing=voxel, directions=directions, convention=convention,
        progress=_part(progress, 400, 800), should_stop=should_stop,
    )  # fmt: skip
    hull = sizes[:, VOLUME]
    if convention != "corners":
        hull = extents(scan, spacing=voxel, directions=3, should_stop=should_stop)[:, VOLUME]
    check_stop(should_stop)
    columns = _sizes_and_shapes(scan, sizes, hull, voxel)
    columns |= _place(scan, origin_of(labels), voxel)
    if envelope is not None:
        columns["depth_nm"] = depths(scan, array_of(envelope), voxel, should_stop=should_stop)
    if scan.gray_sum is not None:
        columns |= {"intensity_mean": scan.gray_sum / scan.count, "intensity_sum": scan.gray_sum}
    columns["touches_border"] = ((scan.low == 0) | (scan.high == np.array(scan.shape) - 1)).any(
        axis=1
    )
    columns["resolved"] = scan.count >= min_voxels
    for name, word in (("convention", convention), ("objects_from", objects_from)):
        columns[name] = pd.Series([word] * len(scan.label), dtype="str")
    if progress is not None:
        progress(_STEPS, _STEPS)
    return pd.DataFrame(columns)


def _sizes_and_shapes(
    scan: ObjectScan,
    sizes: NDArray[np.float64],
    hull: NDArray[np.float64],
    spacing: tuple[float, float, float],
) -> dict[str, Any]:
    volume = scan.count * math.prod(spacing)
    surface = surface_areas(scan, spacing)
    diameter = np.cbrt(6 * volume / math.pi)
    return {
        "label": scan.label,
        "voxel_count": scan.count,
        "volume_nm3": volume,
        "length_nm": sizes[:, LENGTH],
        "width_nm": sizes[:, WIDTH],
        "breadth_nm": sizes[:, BREADTH],
        "aspect_ratio": sizes[:, WIDTH] / sizes[:, LENGTH],
        "equivalent_diameter_nm": diameter,
        "surface_area_nm2": surface,
        "sphericity": math.pi * diameter**2 / surface,
        "hull_volume_nm3": hull * math.prod(spacing),
        "solidity": scan.count / hull,
    }


def _place(
    scan: ObjectScan, origin: tuple[float, float, float], spacing: tuple[float, float, float]
) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for axis, name in enumerate("zyx"):
        columns[f"centroid_{name}_nm"] = origin[axis] + scan.centroid[:, axis] * spacing[axis]
    for axis, name in enumerate("zyx"):
        columns |= {f"{name}_min": scan.low[:, axis], f"{name}_max": scan.high[:, axis]}
    axes = principal_axes(scan, spacing)
    for axis, name in enumerate("zyx"):
        columns[f"orientation_{name}"] = axes[:, axis]
    return columns


def _part(progress: Progress | None, first: int, last: int) -> Progress | None:
    """Return a progress callback for one part of the work, from ``first`` to ``last``
    thousandths.
    """
    if progress is None:
        return None

    def report(done: int, total: int) -> None:
        progress(first + (last - first) * done // max(1, total), _STEPS)

    return report
