"""Labelling of objects: connected components, or a watershed of the distance map that cuts
necks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import (
    Block,
    BlockShape,
    Grid,
    check_out,
    grid_of,
    is_in_memory,
    slabs,
)
from napari_snpore.compute import (
    Progress,
    ShouldStop,
    check_stop,
    share_of,
    stops_at_once,
)
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import LabelStep
from napari_snpore.measurement._basin_kernels import flood, renumber
from napari_snpore.measurement.face_distance import depth_below_faces
from napari_snpore.segmentation.components import find_components, pieces_of
from napari_snpore.volume import Triple, VolumeOrArray, array_and_spacing, array_of, volume_like

_PIECE = 1 << 22
"""Voxels flooded between two checks for a stop: a stop waits for one piece."""


def label_objects(
    mask: VolumeOrArray,
    *,
    connectivity: int = 26,
    out: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Number the connected components of a mask.

    Parameters
    ----------
    mask : Volume or array, bool, shape (z, y, x)
        True inside objects. Mapped and lazy arrays are read block by block, twice.
    connectivity : 6, 18 or 26
        Voxels are joined through faces; faces and edges; faces, edges and corners.
    out : array of integers, shape (z, y, x), or callable, optional
        Written by ``out[block] = labels``, for example a zarr array; ``out(N)`` makes one that holds
        labels up to N. Default: a new numpy array.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the labels do not depend on it. Default: an
        array in memory is one block.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or array, uint32, shape (z, y, x)
        0 outside, 1 to N without gaps, in the order of their first voxels. ``out`` where it was
        given.

    Raises
    ------
    InputError
        A mask that is not boolean or not three-dimensional, another connectivity, ``out`` of
        another shape or of too few bits.

    Examples
    --------
    Two voxels that share an edge only:

    >>> mask = np.array([[[True, False], [False, True]]])
    >>> label_objects(mask, connectivity=6)
    array([[[1, 0],
            [0, 2]]], dtype=uint32)
    >>> label_objects(mask, connectivity=18)
    array([[[1, 0],
            [0, 1]]], dtype=uint32)
    """
    inside = array_of(mask)
    _check_mask(inside)
    if out is not None and not callable(out):
        check_out(out, inside.shape, "iu")
    made_by = LabelStep(connectivity=connectivity)
    watch = {"progress": progress, "should_stop": should_stop}
    if block_shape is None and is_in_memory(inside):
        labels = pieces_of(inside, connectivity)
        if out is not None:
            count = int(labels.max(initial=0))
            out = out(count) if callable(out) else out
            check_out(out, inside.shape, "iu", count)
            out[...] = labels
            labels = out
    else:
        labels = _labels_of_blocks(inside, grid_of(inside, block_shape), connectivity, out, watch)
    return volume_like(mask, labels, made_by)


def _labels_of_blocks(
    mask: Any, grid: Grid, connectivity: int, out: Any, watch: dict[str, Any]
) -> Any:
    """Write the labels of a mask block by block: its pieces are found, joined, and found again."""

    def label(block: Block) -> tuple[NDArray[np.uint32], None]:
        return pieces_of(np.asarray(mask[block]), connectivity), None

    def write(item: tuple[Block, NDArray[np.uint32]]) -> None:
        block, numbers = item
        to[block] = numbers[label(block)[0]]

    progress, should_stop = watch["progress"], watch["should_stop"]
    found, _ = find_components(
        grid,
        label,
        connectivity,
        arrays=[mask],
        progress=share_of(progress, 0, 0.5),
        should_stop=should_stop,
    )
    to: Any = out(found.count) if callable(out) else out
    if to is None:
        to = np.empty(grid.shape, np.uint32)
    check_out(to, grid.shape, "iu", found.count)
    run_on_blocks(
        write,
        zip(grid.blocks, found.numbers, strict=True),
        arrays=[mask, to],
        progress=share_of(progress, 0.5, 1),
        should_stop=should_stop,
    )
    return to


def voxel_counts(labels: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return how many voxels each label 0..count has, slab by slab: numpy counts 64-bit copies.

    Examples
    --------
    >>> voxel_counts(np.array([[[0, 2, 2]]], np.uint8), 2).tolist()
    [1, 0, 2]
    """
    found = np.zeros(count + 1, np.int64)
    for slab in slabs(labels.shape):
        found += np.bincount(labels[slab].ravel(), minlength=count + 1)
    return found


@stops_at_once
def separate_objects(
    mask: VolumeOrArray,
    *,
    spacing: float | Sequence[float] | None = None,
    contrast_nm: float,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> VolumeOrArray:
    """Cut a mask into objects at its necks: a watershed of the distance map, one object per maximum
    of enough contrast.

    Parameters
    ----------
    mask : Volume or array, bool, shape (z, y, x)
        True inside objects, for example the pore network.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    contrast_nm : float
        h: two maxima of the distance to the boundary become two objects if the path between them
        dips by more than h nm below the lower of them. 0 keeps every maximum; below one voxel,
        steps of the voxel grid cut smooth rods and plates.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Volume or array, uint32, shape (z, y, x)
        0 outside, 1 to N without gaps; the union of all objects is the mask. Faces of the box are
        not boundary.

    Raises
    ------
    InputError
        A mask that is not boolean or not three-dimensional, a negative contrast.

    Notes
    -----
    No object spans two components of any connectivity: paths lie within one component joined by voxel faces, where they may step
    across edges and corners too. The number of objects is that of the maxima left by the H-maxima transform (Soille 2004,
    doi 10.1007/978-3-662-05088-0). Same input, same labels.

    Examples
    --------
    Two squares of 5 x 5 voxels joined by a bridge one voxel wide: connected, but two objects.

    >>> mask = np.zeros((7, 7, 15), bool)
    >>> mask[1:6, 1:6, 1:6] = mask[1:6, 1:6, 9:14] = mask[3, 3, 6:9] = True
    >>> int(label_objects(mask).max()), int(separate_objects(mask, spacing=1.0, contrast_nm=1.0).max())
    (1, 2)
    """
    data, voxel = array_and_spacing(mask, spacing)
    if not (math.isfinite(contrast_nm) and contrast_nm >= 0):
        raise InputError(f"contrast_nm is {contrast_nm}; 0 or a positive length in nm is needed.")
    labels = _basins(_checked_mask(data), voxel, contrast_nm, progress, should_stop)
    return volume_like(mask, labels, LabelStep(contrast_nm=float(contrast_nm)))


def _basins(
    mask: NDArray[np.bool_],
    voxel: Triple,
    contrast_nm: float,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> NDArray[np.uint32]:
    """Return the basins of the distance map that are left once those of too little contrast are
    merged.
    """
    out = np.zeros(mask.shape, np.uint32)
    box = _box_around(mask)
    if box is None:
        return out
    inside = np.ascontiguousarray(mask[box])
    distance = depth_below_faces(inside, voxel, should_stop=should_stop)
    if not np.isfinite(distance).all():  # the mask fills the volume: no boundary, one object
        out[box] = inside
        return out
    voxels = np.flatnonzero(inside)
    order = voxels[np.argsort(-distance.ravel()[voxels], kind="stable")]
    basins = np.zeros(inside.shape, np.uint32)
    component = pieces_of(inside, 6)
    flat = (distance.reshape(-1), component.reshape(-1), inside.shape)
    found, merged, peak = 0, np.zeros(1024, np.int64), np.zeros(1024)
    near = np.empty(26, np.int64)
    for first in range(0, len(order), _PIECE):
        check_stop(should_stop)
        piece = order[first : first + _PIECE]
        begin = 0
        while begin < len(piece):
            begin, found = flood(
                *flat,
                piece,
                begin,
                float(contrast_nm),
                basins.reshape(-1),
                found,
                merged,
                peak,
                near,
            )
            if found + 1 >= len(merged):
                merged = np.concatenate((merged, np.zeros_like(merged)))
                peak = np.concatenate((peak, np.zeros_like(peak)))
        if progress is not None:
            progress(min(first + _PIECE, len(order)), len(order))
    renumber(basins.reshape(-1), merged, np.zeros(len(merged), np.uint32))
    out[box] = basins
    return out


def _checked_mask(mask: Any) -> NDArray[np.bool_]:
    _check_mask(mask)
    return np.asarray(mask)


def _check_mask(mask: Any) -> None:
    if mask.ndim != 3 or np.dtype(mask.dtype) != np.bool_:
        raise InputError(
            f"mask is {mask.dtype} of shape {tuple(mask.shape)}; a boolean array (z, y, x) is "
            "needed."
        )


def _box_around(mask: NDArray[np.bool_]) -> tuple[slice, ...] | None:
    """Return the box of the true voxels and one voxel around it, cropped to the volume."""
    box = []
    for axis in range(3):
        there = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if there.size == 0:
            return None
        box.append(slice(max(0, int(there[0]) - 1), min(mask.shape[axis], int(there[-1]) + 2)))
    return tuple(box)
