"""Ambient occlusion of void voxels, and the envelope that separates vacuum around a fibre from its
pores.

Idea: void enclosed by solid sees solid in most directions, vacuum in front of a flat wall in half
of them (Miller 1994, Zhukov et al. 1998: ambient occlusion in computer graphics). The rays are
counted in :mod:`napari_snpore.segmentation.rays`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, check_out, grid_of
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import beside, drop, run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import EnvelopeStep, OcclusionStep
from napari_snpore.segmentation.components import find_components, outer_pieces, pieces_of
from napari_snpore.segmentation.rays import Rays, count_hits
from napari_snpore.volume import VolumeOrArray, array_and_spacing, volume_like

OCCLUSION_THRESHOLD = 0.5
"""Default τ: the occlusion on a flat wall, where half of the directions are open."""

DIRECTIONS = 128
"""Default number of rays of a voxel: the occlusion on a flat wall is then right to 0.01."""


def ambient_occlusion(
    solid: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    ray_length_nm: float,
    directions: int = DIRECTIONS,
    cut_axes: Sequence[int] = (),
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return for each void voxel the share of directions in which a ray meets solid within
    ``ray_length_nm``.

    Parameters
    ----------
    solid : Volume or array, bool, shape (z, y, x)
        True where there is material. Mapped and lazy arrays are read block by block.
    spacing : float or (float, float, float)
        Voxel size in nm; that of a Volume may be left out.
    ray_length_nm : float
        In nm, from the voxel's centre to the solid voxel's face: above the widest pore mouth, below
        the fibre's radius.
    directions : int
        Number of rays, even: half of them on a Fibonacci lattice of the half sphere, and their
        opposites.
    cut_axes : sequence of int
        Axes along which the body extends beyond the box: there the volume is mirrored. A ray that
        leaves through another face meets nothing.
    out : array of floats, same shape, optional
        Written by ``out[block] = field``, for example a zarr array. Default: a new numpy array.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the field does not depend on it. Each block is
        read with the length of a ray around it, so that blocks should be some times as long.
        Default: an array in memory is one block, others have the largest blocks for which a
        quarter of the memory that may be used is enough.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or array, float32, shape (z, y, x)
        As given; 0 (open) to 1 (closed cavity); 1 on solid voxels.

    Raises
    ------
    InputError
        Not three axes, a length that is not positive, too few directions, an axis that does not
        exist.
    """
    mask, voxel = array_and_spacing(solid, spacing)
    _check(mask, ray_length_nm, directions, cut_axes)
    field: Any = np.empty(mask.shape, np.float32) if out is None else out
    check_out(field, mask.shape, "f")
    rays = Rays(voxel, ray_length_nm, directions, tuple(cut_axes))

    def write(block: Block, hits: NDArray[Any]) -> None:
        part = hits.astype(np.float32)
        part /= 2 * (directions // 2)
        part[np.asarray(mask[block])] = 1.0
        field[block] = part

    count_hits(mask, rays, block_shape, write, progress, should_stop, out=field)
    return volume_like(solid, field, OcclusionStep(ray_length_nm, directions, tuple(cut_axes)))


def fibre_envelope(
    solid: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    ray_length_nm: float,
    occlusion_threshold: float = OCCLUSION_THRESHOLD,
    directions: int = DIRECTIONS,
    cut_axes: Sequence[int] = (),
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Return the body with its pores: all but the void of low occlusion that is joined to an uncut
    face of the box.

    Parameters
    ----------
    solid, spacing, ray_length_nm, directions, cut_axes, block_shape, progress, should_stop
        As for :func:`ambient_occlusion`.
    out : array of booleans, same shape, optional
        Written and read by blocks. Default: a new numpy array.
    occlusion_threshold : float
        τ; void with less occlusion is exterior where it is 6-connected, through such void, to an
        uncut face. 0.5 is the value on a flat wall.

    Returns
    -------
    Volume or array, bool, shape (z, y, x)
        As given; ``out`` where it was given.
    """
    if not 0 < occlusion_threshold < 1:
        raise InputError(
            f"occlusion_threshold is {occlusion_threshold}; a number between 0 and 1 is needed."
        )
    mask, voxel = array_and_spacing(solid, spacing)
    _check(mask, ray_length_nm, directions, cut_axes)
    envelope: Any = np.empty(mask.shape, np.bool_) if out is None else out
    check_out(envelope, mask.shape, "b")
    rays = Rays(voxel, ray_length_nm, directions, tuple(cut_axes))
    count = 2 * (directions // 2)
    open_counts = np.arange(count + 1, dtype=np.float32) / count < occlusion_threshold
    fewest = np.count_nonzero(open_counts)  # hits are counts: these are the low ones
    candidates = beside(envelope)

    def write(block: Block, hits: NDArray[Any]) -> None:
        candidates[block] = np.greater(hits < fewest, np.asarray(mask[block]))

    count_hits(mask, rays, block_shape, write, progress, should_stop, out=candidates)
    _enclosed(candidates, envelope, grid_of(mask, block_shape), cut_axes, should_stop)
    drop(candidates, envelope)
    made_by = EnvelopeStep(ray_length_nm, occlusion_threshold, directions, tuple(cut_axes))
    return volume_like(solid, envelope, made_by)


def _enclosed(
    candidates: Any,
    out: Any,
    grid: Grid,
    cut_axes: Sequence[int],
    should_stop: ShouldStop | None,
) -> None:
    """Write the envelope, all but what of the void of low occlusion is 6-connected to an uncut face;
    ``out`` may be the candidates.
    """
    shape = grid.shape
    uncut = [axis for axis in range(3) if axis not in cut_axes]

    def label(block: Block) -> tuple[NDArray[np.uint32], NDArray[np.bool_]]:
        labels = pieces_of(np.asarray(candidates[block]), 6)
        return labels, outer_pieces(labels, block, shape, uncut)

    found, outer = find_components(grid, label, 6, arrays=[candidates], should_stop=should_stop)
    inside = ~found.any(outer)

    def write(item: tuple[Block, NDArray[np.bool_]]) -> None:
        block, kept = item
        out[block] = kept[label(block)[0]]

    items = [(block, inside[of]) for block, of in zip(grid.blocks, found.numbers, strict=True)]
    run_on_blocks(write, items, arrays=[candidates, out], should_stop=should_stop)


def _check(solid: Any, ray_length_nm: float, directions: int, cut_axes: Sequence[int]) -> None:
    if solid.ndim != 3 or np.dtype(solid.dtype) != np.bool_:
        raise InputError(
            f"solid is {solid.dtype} of shape {tuple(solid.shape)}; a boolean array (z, y, x) is needed."
        )
    if not (math.isfinite(ray_length_nm) and ray_length_nm > 0):
        raise InputError(f"ray_length_nm is {ray_length_nm}; a positive length in nm is needed.")
    if directions < 8 or directions > 60000:
        raise InputError(f"directions is {directions}; 8 to 60000 are possible.")
    if any(axis not in (0, 1, 2) for axis in cut_axes):
        raise InputError(f"cut_axes is {tuple(cut_axes)}; axes 0 (z), 1 (y) and 2 (x) exist.")
