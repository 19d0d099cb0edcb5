"""Where pore is and where carbon, with the Sn in place: the level of the field fitted to its targets, and loose ends tidied.

Every pore voxel is joined to the exterior through faces, and no carbon floats.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray

from napari_snpore.phantom.body import Body

BOOL = NDArray[np.bool_]
FLOAT = NDArray[np.float64]

_TOLERANCE = 5e-4
_ROUNDS = 12


def fit_pores(body: Body, tin: BOOL, profile: FLOAT, wanted: FLOAT) -> tuple[BOOL, FLOAT]:
    """Return tidy pores that meet two targets, and the profile that made them.

    Parameters
    ----------
    body : Body
    tin : array, bool
        Sn, in place.
    profile : array, shape (2,)
        Pore fraction at the axis and at the surface: where to start.
    wanted : array, shape (2,)
        The targets' values.
    """
    step = np.linalg.inv(body.response())
    best, best_misfit, best_profile = None, np.inf, profile
    for _ in range(_ROUNDS):
        pore = tidy((body.field > body.level(profile)) & body.envelope & ~tin, tin, body.envelope)
        misfit = wanted - body.values(pore)
        worst = float(np.abs(misfit).max())
        if worst < best_misfit:
            best, best_misfit, best_profile = pore, worst, profile
        if worst < _TOLERANCE:
            break
        profile = profile + step @ misfit
    assert best is not None
    return best, best_profile


def tidy(pore: BOOL, tin: BOOL, envelope: BOOL) -> BOOL:
    """Fill what no way through faces joins to the exterior, and clear away carbon that hangs on nothing."""
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
