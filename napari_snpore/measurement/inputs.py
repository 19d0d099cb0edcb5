"""Checks of what measurements are given: phases, a mask of the same shape, cut axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.volume import Volume, array_of

LARGEST_PHASE = 255
# Distances are float32: what lies at a limit to this share of it lies within it.
TIE = 1e-6


def checked_phases(phases: Volume | NDArray[Any]) -> NDArray[np.uint8]:
    """Return phases as uint8 ``(z, y, x)``; a uint8 array comes back as it is."""
    labels = np.asarray(array_of(phases))
    if labels.ndim != 3 or labels.dtype.kind not in "iub":
        raise InputError(
            f"phases is {labels.dtype} of shape {labels.shape}; whole numbers from 0 on, (z, y, x), are needed."
        )
    if not labels.size:
        raise InputError(f"phases has shape {labels.shape}: there is no voxel in it.")
    if labels.dtype == np.bool_:
        return labels.view(np.uint8)
    if labels.dtype != np.uint8 and (labels.min() < 0 or labels.max() > LARGEST_PHASE):
        raise InputError(
            f"phases holds labels below 0 or above {LARGEST_PHASE}; these are not phases."
        )
    return labels.astype(np.uint8, copy=False)


def phases_by_blocks(phases: Volume | NDArray[Any]) -> Any:
    """Return phases ``(z, y, x)`` as they are read block by block: an array in memory as
    :func:`checked_phases` does, one on disk unread, of bytes.
    """
    labels = array_of(phases)
    if isinstance(labels, np.ndarray):
        return checked_phases(labels)
    if len(labels.shape) != 3 or np.dtype(labels.dtype) != np.uint8:
        raise InputError(
            f"phases is {labels.dtype} of shape {tuple(labels.shape)}; bytes (uint8), (z, y, x), are needed on disk."
        )
    return labels


def checked_mask(
    mask: Volume | NDArray[Any], *, name: str = "mask", shape: tuple[int, ...] | None = None
) -> NDArray[np.bool_]:
    """Return a mask as booleans ``(z, y, x)``, of the given shape if there is one."""
    inside = np.asarray(array_of(mask))
    if inside.dtype != np.bool_ or inside.ndim != 3:
        raise InputError(
            f"{name} is {inside.dtype} of shape {inside.shape}; booleans (z, y, x) are needed."
        )
    if shape is not None and inside.shape != shape:
        raise InputError(f"{name} has shape {inside.shape}; the phases have {shape}.")
    return inside


def mask_by_blocks(mask: Any, *, name: str = "mask", shape: tuple[int, ...] | None = None) -> Any:
    """Return a mask ``(z, y, x)`` as it is read block by block: an array in memory as
    :func:`checked_mask` does, one on disk unread, of booleans.
    """
    inside = array_of(mask)
    if isinstance(inside, np.ndarray):
        return checked_mask(inside, name=name, shape=shape)
    if np.dtype(inside.dtype) != np.bool_ or len(inside.shape) != 3:
        raise InputError(
            f"{name} is {inside.dtype} of shape {tuple(inside.shape)}; booleans (z, y, x) are needed."
        )
    if shape is not None and tuple(inside.shape) != tuple(shape):
        raise InputError(f"{name} has shape {tuple(inside.shape)}; the phases have {shape}.")
    return inside


def checked_axes(cut_axes: Sequence[int]) -> tuple[int, ...]:
    """Return the axes along which the fibre extends beyond the box."""
    axes = tuple(cut_axes)
    if any(axis not in (0, 1, 2) for axis in axes):
        raise InputError(f"cut_axes is {axes}; axes 0 (z), 1 (y) and 2 (x) exist.")
    return axes


def box_around(body: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the smallest box that holds the true voxels, of which there is at least one."""
    box = []
    for axis in range(3):
        there = np.flatnonzero(body.any(axis=tuple(k for k in range(3) if k != axis)))
        box.append(slice(int(there[0]), int(there[-1]) + 1))
    return tuple(box)
