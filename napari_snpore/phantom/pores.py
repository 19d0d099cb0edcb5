"""Where pore is and where carbon: a random field cut at a level that falls from the axis to the surface.

The level has two parameters, fitted to two target fractions with the Sn in place. Loose ends are tidied: every pore voxel is
joined to the exterior through faces, and no carbon floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cc3d
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

BOOL = NDArray[np.bool_]
FLOAT = NDArray[np.float64]
Box = tuple[slice, slice, slice]

_RISE = (0.15, 0.8)  # of the radius: the pore fraction rises between them
_TOLERANCE = 5e-4
_ROUNDS = 12


@dataclass(frozen=True, eq=False)
class Body:
    """The fibre before anything is planted in it.

    Parameters
    ----------
    field : array, float32, shape (z, y, x)
        Random field with mean 0 and standard deviation 1 inside the envelope.
    envelope : array, bool, shape (z, y, x)
        The cylinder.
    depth : array, float64, shape (z, 1, x)
        Distance from the axis in units of the radius.
    regions : sequence of Box
        The two boxes whose pore fractions are targets.
    targets : sequence of float
        Their fractions.
    tin_fraction : float
        Share of the envelope that Sn will take.
    """

    field: NDArray[np.float32]
    envelope: BOOL
    depth: FLOAT
    regions: Sequence[Box]
    targets: Sequence[float]
    tin_fraction: float

    def response(self) -> FLOAT:
        """Return how the fractions in the two regions answer to the profile at the axis and at the surface, shape (2, 2)."""
        rows = []
        for box in self.regions:
            weight = self.envelope[box].sum(axis=1, dtype=np.float64)
            share = float((rise(self.depth[box[0], 0, box[2]]) * weight).sum() / weight.sum())
            rows.append((1 - share, share))
        return np.array(rows)

    def level(self, profile: FLOAT) -> NDArray[np.float32]:
        """Return the field value above which there is pore, shape (z, 1, x), for pore fractions at axis and surface."""
        pore = profile[0] + (profile[1] - profile[0]) * rise(self.depth)
        # half of the Sn takes the place of pore; it is denser towards the surface, its mean over the section is 1
        taken = 0.5 * self.tin_fraction * (0.6 + 0.8 * np.minimum(self.depth, 1) ** 2)
        level: NDArray[np.float32] = ndtri(np.clip(1 - pore - taken, 0.02, 0.98)).astype(np.float32)
        return level

    def fractions(self, pore: BOOL) -> FLOAT:
        """Return the pore fraction in each region."""
        counts = [(np.count_nonzero(pore[box]), np.count_nonzero(self.envelope[box])) for box in self.regions]
        return np.array([found / body for found, body in counts])


def rise(depth: FLOAT) -> FLOAT:
    """Return 0 near the axis, 1 near the surface, smooth between."""
    place = np.clip((depth - _RISE[0]) / (_RISE[1] - _RISE[0]), 0, 1)
    return place * place * (3 - 2 * place)


def fit_pores(body: Body, tin: BOOL, profile: FLOAT) -> tuple[BOOL, FLOAT]:
    """Return tidy pores whose fractions in the two regions meet their targets, and the profile that made them.

    Parameters
    ----------
    body : Body
    tin : array, bool
        Sn, in place.
    profile : array, shape (2,)
        Where to start.
    """
    step = np.linalg.inv(body.response())
    best, best_misfit, best_profile = None, np.inf, profile
    for _ in range(_ROUNDS):
        pore = tidy((body.field > body.level(profile)) & body.envelope & ~tin, tin, body.envelope)
        misfit = np.asarray(body.targets) - body.fractions(pore)
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


def face_neighbours(mask: BOOL) -> BOOL:
    """Return the voxels with a face in common with a voxel of the mask."""
    near = np.zeros_like(mask)
    for axis in range(3):
        ahead, behind = [slice(None)] * 3, [slice(None)] * 3
        ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
        near[tuple(ahead)] |= mask[tuple(behind)]
        near[tuple(behind)] |= mask[tuple(ahead)]
    return near
