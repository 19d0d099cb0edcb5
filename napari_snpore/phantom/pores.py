"""Pore mask of a phantom: the field level fitted to the target pore fractions, with the Sn in
place.

Every pore voxel is joined to the exterior through faces, and every carbon voxel to the largest
solid piece.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

from napari_snpore.phantom.body import Body

BOOL = NDArray[np.bool_]
FLOAT = NDArray[np.float64]

_TOLERANCE = 5e-4
"""Largest error of a pore fraction: 0.05 percentage points, a twentieth of the error in the source
(1)."""

_ROUNDS = 12
"""Largest number of Newton steps."""


def fit_pores(body: Body, tin: BOOL, profile: FLOAT, target_values: FLOAT) -> tuple[BOOL, FLOAT]:
    """Return the connected pores that meet two target values, and the profile that made them.

    Newton's method with a fixed derivative, that of the pore fractions before Sn and clean-up. Both
    change the values by a little more or less than this, which the next step corrects. The best
    round is returned.

    Parameters
    ----------
    body : Body
        Field, envelope and targets.
    tin : array, bool, shape (z, y, x)
        Sn voxels: never pore.
    profile : array, shape (2,)
        Pore fraction at the axis and at the surface, first guess.
    target_values : array, shape (2,)
        Values that ``body.values`` of the pores has to have.
    """
    step = np.linalg.inv(body.response())
    best, best_misfit, best_profile = None, np.inf, profile
    for _ in range(_ROUNDS):
        pore = connected_pores(
            (body.field > body.level(profile)) & body.envelope & ~tin, tin, body.envelope
        )
        misfit = target_values - body.values(pore)
        worst = float(np.abs(misfit).max())
        if worst < best_misfit:
            best, best_misfit, best_profile = pore, worst, profile
        if worst < _TOLERANCE:
            break
        profile = profile + step @ misfit
    assert best is not None
    return best, best_profile


def connected_pores(pore: BOOL, tin: BOOL, envelope: BOOL) -> BOOL:
    """Return the pores with void that faces do not join to the exterior filled, and separate carbon
    turned into pore.

    Each step can undo the other one, so that both are repeated until nothing changes.
    """
    while True:
        void = pore | ~envelope
        parts = cc3d.connected_components(void, connectivity=6, binary_image=True)
        # the corner of the box is exterior, and the exterior is in one piece
        pore = pore & (parts == parts[0, 0, 0])
        solid = envelope & ~pore
        floating = solid & ~main_piece(solid) & ~tin
        if not floating.any():
            return pore
        pore |= floating


def main_piece(solid: BOOL) -> BOOL:
    """Return the largest 26-connected piece."""
    parts = cc3d.connected_components(solid, connectivity=26, binary_image=True)
    counts = cc3d.statistics(parts, no_slice_conversion=True)["voxel_counts"]
    return np.asarray(parts == 1 + int(np.argmax(counts[1:])))


def face_neighbors(mask: BOOL) -> BOOL:
    """Return the voxels with a face in common with a voxel of the mask."""
    near = np.zeros_like(mask)
    for axis in range(3):
        ahead, behind = [slice(None)] * 3, [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        near[tuple(ahead)] |= mask[tuple(behind)]
        near[tuple(behind)] |= mask[tuple(ahead)]
    return near
