"""Which voxels make one object: connected components, or the basins of the distance map where necks are cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

import cc3d
import edt
import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, thread_count
from napari_snpore.errors import InputError
from napari_snpore.measurement._basin_kernels import flood, renumber
from napari_snpore.volume import checked_spacing

_PIECE = 1 << 22  # voxels flooded between two looks at whether to stop


def label_objects(mask: NDArray[np.bool_], *, connectivity: int = 26) -> NDArray[np.uint32]:
    """Number the connected components of a mask.

    Parameters
    ----------
    mask : array, bool, shape (z, y, x)
        True inside objects.
    connectivity : 6, 18 or 26
        Voxels are joined through faces; faces and edges; faces, edges and corners.

    Returns
    -------
    array, uint32, shape (z, y, x)
        0 outside, 1 to N without gaps, in the order in which the components are met.

    Raises
    ------
    InputError
        A mask that is not boolean or not three-dimensional, another connectivity.
    """
    _check_mask(mask)
    if connectivity not in (6, 18, 26):
        raise InputError(f"connectivity is {connectivity}; 6, 18 and 26 are possible.")
    if 0 in mask.shape:
        return np.zeros(mask.shape, np.uint32)
    labels = cc3d.connected_components(
        np.ascontiguousarray(mask),
        connectivity=cast(Literal[6, 18, 26], connectivity),
        out_dtype=np.uint32,
        binary_image=True,
    )
    return np.ascontiguousarray(labels, dtype=np.uint32)


def separate_objects(
    mask: NDArray[np.bool_],
    *,
    spacing: float | Sequence[float],
    contrast_nm: float,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.uint32]:
    """Cut a mask into objects at its necks: a watershed of the distance map, one object a maximum of enough contrast.

    Parameters
    ----------
    mask : array, bool, shape (z, y, x)
        True inside objects, for example the pore network.
    spacing : float or (float, float, float)
        Voxel size in nm.
    contrast_nm : float
        h: two maxima of the distance to the boundary become two objects if the path between them dips by more than h nm below
        the lower of them. 0 keeps every maximum; below one voxel, steps of the voxel grid cut smooth rods and plates.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    array, uint32, shape (z, y, x)
        0 outside, 1 to N without gaps; the union of all objects is the mask. Faces of the box are not boundary.

    Raises
    ------
    InputError
        A mask that is not boolean or not three-dimensional, a negative contrast.

    Notes
    -----
    No object spans two components of any connectivity: paths lie within one component joined by voxel faces, where they may step
    across edges and corners too. The number of objects is that of the maxima left by the H-maxima transform (Soille 2004,
    doi 10.1007/978-3-662-05088-0). Same input, same labels.
    """
    _check_mask(mask)
    voxel = checked_spacing(spacing)
    if not (math.isfinite(contrast_nm) and contrast_nm >= 0):
        raise InputError(f"contrast_nm is {contrast_nm}; 0 or a positive length in nm is needed.")
    out = np.zeros(mask.shape, np.uint32)
    box = _box_around(mask)
    if box is None:
        return out
    inside = np.ascontiguousarray(mask[box])
    distance = edt.edt(inside, anisotropy=voxel, black_border=False, parallel=thread_count())
    if not np.isfinite(distance).all():  # the mask fills the volume: no boundary, one object
        out[box] = inside
        return out
    voxels = np.flatnonzero(inside)
    order = voxels[np.argsort(-distance.ravel()[voxels], kind="stable")]
    basins = np.zeros(inside.shape, np.uint32)
    component = label_objects(inside, connectivity=6)
    merged, peak = np.zeros(1, np.int64), np.zeros(1)
    for first in range(0, len(order), _PIECE):
        check_stop(should_stop)
        piece = order[first : first + _PIECE]
        merged, peak = flood(distance, component, piece, float(contrast_nm), basins, merged, peak)
        if progress is not None:
            progress(min(first + _PIECE, len(order)), len(order))
    renumber(basins.reshape(-1), merged)
    out[box] = basins
    return out


def _check_mask(mask: NDArray[np.bool_]) -> None:
    if getattr(mask, "ndim", None) != 3 or mask.dtype != np.bool_:
        raise InputError(
            f"mask is {getattr(mask, 'dtype', type(mask).__name__)} of shape {np.shape(mask)}; "
            "a boolean array (z, y, x) is needed."
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
