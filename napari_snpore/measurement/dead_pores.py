"""Dead pores: pore voxels without a path through void to the exterior, for three connectivities.

Ambient occlusion finds the envelope; it is no test of connectivity, so nothing here uses it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cc3d
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import slabs
from napari_snpore.compute import Progress, ShouldStop, check_stop, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.face_distance import distance_to_faces
from napari_snpore.measurement.inputs import TIE, checked_axes, checked_phases
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.segmentation.phases import EXTERIOR, PORE
from napari_snpore.volume import Triple, Volume, spacing_of

Connectivity = Literal[6, 18, 26]
CONNECTIVITIES: tuple[Connectivity, ...] = (6, 18, 26)


@dataclass(frozen=True, eq=False)
class DeadPores:
    """What no path through void joins to the exterior.

    Parameters
    ----------
    table : DataFrame
        One row for each connectivity 6, 18, 26 (of the void): ``connectivity, dead_voxel_count,
        dead_volume_nm3, dead_share_of_pore, dead_share_of_envelope, open_to_cut_voxel_count``.
        Shares are between 0 and 1. 6 is the upper bound of what is dead, 26 the lower.
    masks : dict of connectivity to PackedMask
        The dead voxels as bits; see :meth:`mask`.
    """

    table: pd.DataFrame
    masks: dict[int, PackedMask]

    def mask(self, connectivity: Connectivity) -> NDArray[np.bool_]:
        """Return the dead voxels for a connectivity, bool ``(z, y, x)``."""
        if connectivity not in self.masks:
            raise InputError(f"connectivity is {connectivity}; 6, 18 and 26 are possible.")
        return self.masks[connectivity].unpacked()


@stops_at_once
def dead_pores(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    probe_radius_nm: float = 0.0,
    cut_axes: Sequence[int] = (),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> DeadPores:
    """Find the pores that nothing from outside reaches.

    The exterior is phase 0, and what lies beyond the uncut faces of the box. Void that reaches no
    exterior but a face where the fibre is cut is *open to the cut*: it is reported apart and never
    counted as dead.

    Parameters
    ----------
    phases : Volume or array, shape (z, y, x)
        0 exterior, 1 pore, anything above solid. The whole fibre: crop afterwards.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    probe_radius_nm : float
        In nm. Accessible is what a ball of this radius covers whose centre keeps the radius to all
        voxel faces of the solid on its way in. 0: plain connectivity.
    cut_axes : sequence of int
        Axes along which the fibre extends beyond the box.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked before each connectivity.

    Returns
    -------
    DeadPores

    Examples
    --------
    A pore voxel in the middle of carbon:

    >>> phases = np.full((3, 3, 3), 2)
    >>> phases[1, 1, 1] = 1
    >>> dead_pores(phases, spacing=1.0).table["dead_voxel_count"].tolist()
    [1, 1, 1]
    """
    labels, cut_axes = checked_phases(phases), checked_axes(cut_axes)
    if not (math.isfinite(probe_radius_nm) and probe_radius_nm >= 0):
        raise InputError(
            f"probe_radius_nm is {probe_radius_nm}; 0 or a positive length in nm is needed."
        )
    voxel = spacing_of(phases, spacing)
    paths = labels <= PORE
    if probe_radius_nm > 0:
        away = distance_to_faces(~paths, voxel, should_stop=should_stop)
        paths = away >= probe_radius_nm * (1 - TIE)  # 0 on solid
        del away
    pore_count = int(np.count_nonzero(labels == PORE))
    body_count = int(np.count_nonzero(labels))
    rows, masks = [], {}
    for step, connectivity in enumerate(CONNECTIVITIES, 1):
        check_stop(should_stop)
        reached, cut_only = _reached(paths, labels, connectivity, cut_axes)
        if probe_radius_nm > 0:
            reached = _swollen(reached, voxel, probe_radius_nm, should_stop)
            cut_only = _swollen(cut_only, voxel, probe_radius_nm, should_stop)
        dead = labels == PORE
        np.greater(dead, reached, out=dead)  # pore that is not reached, in place
        del reached
        cut_only &= dead
        np.greater(dead, cut_only, out=dead)
        count = int(np.count_nonzero(dead))
        masks[int(connectivity)] = PackedMask.of(dead)
        del dead
        rows.append(
            {
                "connectivity": connectivity,
                "dead_voxel_count": count,
                "dead_volume_nm3": count * math.prod(voxel),
                "dead_share_of_pore": count / pore_count if pore_count else math.nan,
                "dead_share_of_envelope": count / body_count if body_count else math.nan,
                "open_to_cut_voxel_count": int(np.count_nonzero(cut_only)),
            }
        )
        if progress is not None:
            progress(step, len(CONNECTIVITIES))
    return DeadPores(pd.DataFrame(rows), masks)


@stops_at_once
def accessible_pores(
    phases: Volume | NDArray[Any],
    radii_nm: Sequence[float],
    *,
    spacing: float | Sequence[float] | None = None,
    connectivity: Connectivity = 6,
    cut_axes: Sequence[int] = (),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return how much of the pore volume balls of several radii reach from outside; one distance
    map serves all.

    Parameters
    ----------
    phases, spacing, cut_axes
        As in :func:`dead_pores`.
    radii_nm : sequence of float
        Probe radii, 0 or more.
    connectivity : {6, 18, 26}
        Of the paths that centres take.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked before each radius.

    Returns
    -------
    DataFrame
        One row per radius: ``probe_radius_nm, connectivity, accessible_share_of_pore,
        open_to_cut_share_of_pore`` (0 to 1).

    Examples
    --------
    A straight channel one voxel of 1 nm wide lets in points, but no ball of 0.6 nm radius:

    >>> phases = np.full((5, 5, 5), 2)
    >>> phases[:, 2, 2] = 1
    >>> accessible_pores(phases, [0.0, 0.6], spacing=1.0)["accessible_share_of_pore"].tolist()
    [1.0, 0.0]
    """
    labels, cut_axes = checked_phases(phases), checked_axes(cut_axes)
    voxel = spacing_of(phases, spacing)
    radii = sorted({float(radius) for radius in radii_nm})
    if not radii or not np.isfinite(radii).all() or radii[0] < 0:
        raise InputError(
            f"radii_nm is {list(radii_nm)}; one or more lengths in nm, 0 or more, are needed."
        )
    if connectivity not in CONNECTIVITIES:
        raise InputError(f"connectivity is {connectivity}; 6, 18 and 26 are possible.")
    count = int(np.count_nonzero(labels == PORE))
    fits = _fitting_radii(
        distance_to_faces(labels > PORE, voxel, should_stop=should_stop), labels, radii
    )
    rows = []
    for step, radius in enumerate(radii, 1):
        check_stop(should_stop)
        reached, cut_only = _reached(fits >= step, labels, connectivity, cut_axes)
        if radius > 0:
            reached = _swollen(reached, voxel, radius, should_stop)
            cut_only = _swollen(cut_only, voxel, radius, should_stop)
        pore = labels == PORE
        np.greater(cut_only, reached, out=cut_only)
        inside = int(np.count_nonzero(np.logical_and(reached, pore, out=reached)))
        beside = int(np.count_nonzero(np.logical_and(cut_only, pore, out=cut_only)))
        del pore, reached, cut_only
        rows.append(
            {
                "probe_radius_nm": radius,
                "connectivity": connectivity,
                "accessible_share_of_pore": inside / count if count else math.nan,
                "open_to_cut_share_of_pore": beside / count if count else math.nan,
            }
        )
        if progress is not None:
            progress(step, len(radii))
    return pd.DataFrame(rows)


def _fitting_radii(
    away: NDArray[np.float32], labels: NDArray[np.uint8], radii: Sequence[float]
) -> NDArray[np.uint16]:
    """Return for each voxel how many of the increasing radii a ball around its centre may have; 0 in
    solid.
    """
    fits = np.empty(labels.shape, np.min_scalar_type(len(radii)))
    limits = np.array([radius * (1 - TIE) for radius in radii]).astype(np.float32)
    for slab in slabs(labels.shape):
        fits[slab] = np.searchsorted(limits, away[slab], side="right")
        fits[slab] *= labels[slab] <= PORE
    return fits


def _reached(
    paths: NDArray[np.bool_],
    labels: NDArray[np.uint8],
    connectivity: Connectivity,
    cut_axes: Sequence[int],
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the voxels of paths that are joined to the exterior, and those joined only to a cut
    face.
    """
    parts = cc3d.connected_components(paths, connectivity=connectivity, binary_image=True)
    del paths
    count = int(parts.max())
    open_part, cut_part = np.zeros(count + 1, np.bool_), np.zeros(count + 1, np.bool_)
    for slab in slabs(parts.shape):
        open_part[parts[slab][labels[slab] == EXTERIOR]] = True
    for axis in range(3):
        for end in (0, -1):
            (cut_part if axis in cut_axes else open_part)[parts.take(end, axis=axis)] = True
    open_part[0] = cut_part[0] = False
    cut_part &= ~open_part
    kind = (open_part + 2 * cut_part.astype(np.uint8)).astype(np.uint8)[parts]
    del parts  # four bytes a voxel
    return kind == 1, kind == 2


def _swollen(
    centers: NDArray[np.bool_], spacing: Triple, radius: float, should_stop: ShouldStop | None
) -> NDArray[np.bool_]:
    """Return the voxels whose centre lies within ``radius`` of a chosen one."""
    if not centers.any():
        return centers.copy()
    # slabs with a margin of the radius, which no ball of another slab reaches across
    margin = math.ceil(radius / spacing[0]) + 1
    covered = np.zeros(centers.shape, np.bool_)
    for slab in slabs(centers.shape):
        first = max(slab.start - margin, 0)
        part = centers[first : slab.stop + margin]
        if part.any():
            away = distance_map(~part, spacing, should_stop=should_stop)
            inner = away[slab.start - first : slab.stop - first]
            np.less_equal(inner, radius * (1 + TIE), out=covered[slab])
    return covered
