"""Dead pores: pore voxels without a path through void to the exterior, for three connectivities.

Ambient occlusion finds the envelope; it is no test of connectivity, so nothing here uses it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, check_out, grid_of, slabs
from napari_snpore.compute import Progress, ShouldStop, check_stop, stops_at_once
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.measurement.distance import distance_map
from napari_snpore.measurement.face_distance import distance_to_faces
from napari_snpore.measurement.inputs import TIE, checked_axes, checked_phases
from napari_snpore.measurement.voids import CUT, DEAD, Mask, Voids, find_voids
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.segmentation.phases import PORE
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

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
        The dead voxels as bits; see :meth:`mask`. Empty where they were written to ``out``.
    """

    table: pd.DataFrame
    masks: dict[int, PackedMask]

    def mask(self, connectivity: Connectivity) -> NDArray[np.bool_]:
        """Return the dead voxels for a connectivity, bool ``(z, y, x)``."""
        if connectivity not in self.masks:
            raise InputError(
                f"connectivity is {connectivity}; "
                + ("6, 18 and 26 are possible." if self.masks else "the masks are in out.")
            )
        return self.masks[connectivity].unpacked()


@stops_at_once
def dead_pores(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    probe_radius_nm: float = 0.0,
    cut_axes: Sequence[int] = (),
    out: Mapping[int, Any] | None = None,
    block_shape: BlockShape | None = None,
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
        0 exterior, 1 pore, anything above solid. The whole fibre: crop afterwards. Mapped and lazy
        arrays are read block by block, with a probe as a whole.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    probe_radius_nm : float
        In nm. Accessible is what a ball of this radius covers whose centre keeps the radius to all
        voxel faces of the solid on its way in. 0: plain connectivity.
    cut_axes : sequence of int
        Axes along which the fibre extends beyond the box.
    out : dict of connectivity to array of booleans, same shape, optional
        Where the dead voxels are written, ``out[6][block] = mask``, for example zarr arrays; what
        it does not name is not kept. Default: bits in memory.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the result does not depend on it.
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
    cut_axes = checked_axes(cut_axes)
    labels = array_of(phases)
    if probe_radius_nm > 0 or np.dtype(labels.dtype).kind not in "iub" or labels.ndim != 3:
        labels = checked_phases(labels)
    if not (math.isfinite(probe_radius_nm) and probe_radius_nm >= 0):
        raise InputError(
            f"probe_radius_nm is {probe_radius_nm}; 0 or a positive length in nm is needed."
        )
    if 0 in labels.shape:
        raise InputError(f"phases has shape {tuple(labels.shape)}: there is no voxel in it.")
    for mask in (out or {}).values():
        check_out(mask, labels.shape, "b")
    voxel = spacing_of(phases, spacing)
    grid = grid_of(labels, block_shape)
    pore_count, body_count = _voxels_of_pores_and_body(labels, grid, should_stop)
    paths = None
    if probe_radius_nm > 0:
        away = distance_to_faces(labels > PORE, voxel, should_stop=should_stop)
        paths = away >= probe_radius_nm * (1 - TIE)  # 0 on solid
        del away
    rows, masks = [], {}
    for step, connectivity in enumerate(CONNECTIVITIES, 1):
        check_stop(should_stop)
        voids = find_voids(labels, paths, grid, connectivity, cut_axes, should_stop)
        made: Any = None if out is None else out.get(connectivity)
        if paths is not None:
            count, beside, dead = _beyond_a_probe(voids, voxel, probe_radius_nm, should_stop)
            if made is not None:
                made[...] = dead
        else:
            count, beside = (int(voids.pores[voids.kind == kind].sum()) for kind in (DEAD, CUT))
            dead = np.empty(labels.shape, np.bool_) if out is None else made
            if dead is not None:
                voids.write_dead(dead, should_stop)
        if out is None:
            masks[int(connectivity)] = PackedMask.of(dead)
        del dead, voids
        rows.append(
            {
                "connectivity": connectivity,
                "dead_voxel_count": count,
                "dead_volume_nm3": count * math.prod(voxel),
                "dead_share_of_pore": count / pore_count if pore_count else math.nan,
                "dead_share_of_envelope": count / body_count if body_count else math.nan,
                "open_to_cut_voxel_count": beside,
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
    grid = grid_of(labels)
    fits = _fitting_radii(
        distance_to_faces(labels > PORE, voxel, should_stop=should_stop), labels, radii
    )
    rows = []
    for step, radius in enumerate(radii, 1):
        check_stop(should_stop)
        voids = find_voids(labels, fits >= step, grid, connectivity, cut_axes, should_stop)
        reached, cut_only = voids.reached(should_stop)
        del voids
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


def _voxels_of_pores_and_body(
    phases: Any, grid: Grid, should_stop: ShouldStop | None
) -> tuple[int, int]:
    """Return how many voxels are pore, and how many are not exterior."""

    def count(block: Block) -> tuple[int, int]:
        part = checked_phases(np.asarray(phases[block]))
        return int(np.count_nonzero(part == PORE)), int(np.count_nonzero(part))

    counts = run_on_blocks(count, grid.blocks, arrays=[phases], should_stop=should_stop)
    return sum(pores for pores, _ in counts), sum(body for _, body in counts)


def _beyond_a_probe(
    voids: Voids, spacing: Triple, radius: float, should_stop: ShouldStop | None
) -> tuple[int, int, Mask]:
    """Return the pore voxels that a ball does not cover from outside: how many, how many of others
    it covers from a cut face, and which.
    """
    reached, cut_only = (
        _swollen(centers, spacing, radius, should_stop) for centers in voids.reached(should_stop)
    )
    dead = voids.phases == PORE
    np.greater(dead, reached, out=dead)  # pore that is not reached, in place
    del reached
    cut_only &= dead
    np.greater(dead, cut_only, out=dead)
    return int(np.count_nonzero(dead)), int(np.count_nonzero(cut_only)), dead


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
