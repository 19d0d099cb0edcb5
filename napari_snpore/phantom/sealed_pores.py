"""Sealed pores: ellipsoidal cavities in the carbon walls, dead at connectivity 6, 18 and 26, and
their truth table.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.measurement.dead_pores import CONNECTIVITIES, DeadPores
from napari_snpore.segmentation.packed_mask import PackedMask
from napari_snpore.segmentation.phases import PORE

BOOL = NDArray[np.bool_]

_SEMIAXES_NM = (0.15, 0.35)
"""Range of the semi-axes: a cavity with a wall of a voxel around it still fits into a wall of 1 nm.
"""

_TRIES = 2000
"""Random positions tried for one cavity; then the walls count as full."""


def sealed_pores(
    carbon: BOOL, *, voxels: int, spacing_nm: float, rng: np.random.Generator
) -> NDArray[np.uint32]:
    """Return cavities with carbon in all 26 neighbours of their voxels, labelled 1..N.

    Cavities of random size are put at random carbon positions where they and a wall of one voxel
    overlap carbon only. Planting ends when the volume is reached, or earlier when no position is
    left.

    Parameters
    ----------
    carbon : array, bool, shape (z, y, x)
        Carbon voxels.
    voxels : int
        Voxels of all cavities together.
    spacing_nm : float
        Edge of a voxel.
    rng : Generator
        Source of sizes and positions.

    Returns
    -------
    uint32 array, shape (z, y, x)

    Raises
    ------
    InputError
        Not even one cavity fits.
    """
    labels = np.zeros(carbon.shape, np.uint32)
    free = carbon.copy()
    places = np.flatnonzero(carbon)
    planted = count = 0
    while planted < voxels:
        mask = _cavity(spacing_nm, rng)
        wall = ndimage.binary_dilation(mask, np.ones((3, 3, 3)))
        box = _free_box(free, wall, places, rng)
        if box is None:
            break
        count += 1
        labels[box][mask] = count
        free[box][mask] = False
        planted += int(np.count_nonzero(mask))
    if not count:
        raise InputError(
            "The carbon walls have no space for a sealed pore; make the voxels of the phantom finer (spacing)."
        )
    return labels


def _cavity(spacing_nm: float, rng: np.random.Generator) -> BOOL:
    """Return an ellipsoid with its semi-axes along z, y, x, at least one voxel, with a rim of two
    voxels.
    """
    semiaxes = rng.uniform(*_SEMIAXES_NM, size=3) / spacing_nm
    reach = math.ceil(float(semiaxes.max()))
    grid = np.indices((2 * reach + 1,) * 3) - reach
    inside: BOOL = ((grid / semiaxes[:, None, None, None]) ** 2).sum(axis=0) <= 1
    return np.pad(inside, 2)


def _free_box(
    free: BOOL, wall: BOOL, places: NDArray[np.intp], rng: np.random.Generator
) -> tuple[slice, slice, slice] | None:
    """Return a random box in which cavity and wall lie in free carbon; None if no try finds one."""
    size = np.array(wall.shape)
    for middle in np.stack(np.unravel_index(rng.choice(places, _TRIES), free.shape), axis=1):
        start = middle - size // 2
        if (start < 0).any() or (start + size > free.shape).any():
            continue
        z, y, x = (slice(int(low), int(low) + int(n)) for low, n in zip(start, size, strict=True))
        if free[z, y, x][wall].all():
            return z, y, x
    return None


def planted_dead_pores(sealed: BOOL, *, phases: NDArray[np.uint8], spacing_nm: float) -> DeadPores:
    """Return the truth in the form of :func:`dead_pores`: the planted cavities, and only these, at
    each connectivity.

    Parameters
    ----------
    sealed : array, bool, shape (z, y, x)
        Voxels of the cavities.
    phases : array, uint8, shape (z, y, x)
        0 exterior, 1 pore, 2 C, 3 Sn.
    spacing_nm : float
        Edge of a voxel.
    """
    count = int(np.count_nonzero(sealed))
    table = pd.DataFrame(
        {
            "connectivity": list(CONNECTIVITIES),
            "dead_voxel_count": count,
            "dead_volume_nm3": count * spacing_nm**3,
            "dead_share_of_pore": count / np.count_nonzero(phases == PORE),
            "dead_share_of_envelope": count / np.count_nonzero(phases),
            "open_to_cut_voxel_count": 0,
        }
    )
    packed = PackedMask.of(sealed)
    return DeadPores(table, {int(connectivity): packed for connectivity in CONNECTIVITIES})
