"""The fibre before anything is planted in it: its cylinder, its random field, and the regions with a target of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from napari_snpore.phantom.field import random_field
from napari_snpore.phantom.states import PoreTarget, StateTargets
from napari_snpore.subvolume import box_slices, center_and_edge_boxes
from napari_snpore.volume import Triple

BOOL = NDArray[np.bool_]
FLOAT = NDArray[np.float64]
Box = tuple[slice, slice, slice]

DIAMETER_SHARE = 10 / 11
"""Diameter of the fibre, of the box across it: 160 of 176 voxels."""

_RISE = (0.15, 0.8)  # of the radius: the pore fraction rises between them
_WAVELENGTH_NM = 2.9  # with the fractions of the states it makes pores 1 to 2 nm wide
_BANDWIDTH = 0.22


@dataclass(frozen=True)
class Cube:
    """A cube: its place and edge in nm, and its voxels."""

    center_nm: Triple
    size_nm: float
    box: Box


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
    cubes : dict of str to Cube
        ``"centre"`` and ``"edge"``.
    targets : pair of PoreTarget
        What the pores are fitted to.
    tin_fraction : float
        Share of the envelope that Sn will take.
    """

    field: NDArray[np.float32]
    envelope: BOOL
    depth: FLOAT
    cubes: dict[str, Cube]
    targets: tuple[PoreTarget, PoreTarget]
    tin_fraction: float

    @property
    def wanted(self) -> FLOAT:
        """The values of the targets, shape (2,)."""
        return np.array([target.value for target in self.targets])

    def response(self) -> FLOAT:
        """Return how the targeted values answer to the pore fractions at the axis and at the surface, shape (2, 2)."""
        rows = {}
        for name, box in self._regions():
            weight = self.envelope[box].sum(axis=1, dtype=np.float64)
            share = float((rise(self.depth[box[0], 0, box[2]]) * weight).sum() / weight.sum())
            rows[name] = np.array([1 - share, share])
        return np.stack([rows[target.region] - (rows[target.above] if target.above else 0) for target in self.targets])

    def values(self, pore: BOOL) -> FLOAT:
        """Return what the targets ask of, shape (2,)."""
        found = {
            name: np.count_nonzero(pore[box]) / np.count_nonzero(self.envelope[box]) for name, box in self._regions()
        }
        return np.array(
            [found[target.region] - (found[target.above] if target.above else 0) for target in self.targets]
        )

    def _regions(self) -> list[tuple[str, Box]]:
        return [("whole", (slice(None),) * 3), *((name, cube.box) for name, cube in self.cubes.items())]

    def level(self, profile: FLOAT) -> NDArray[np.float32]:
        """Return the field value above which there is pore, shape (z, 1, x), for pore fractions at axis and surface."""
        pore = profile[0] + (profile[1] - profile[0]) * rise(self.depth)
        # half of the Sn takes the place of pore; it is denser towards the surface, its mean over the section is 1
        taken = 0.5 * self.tin_fraction * (0.6 + 0.8 * np.minimum(self.depth, 1) ** 2)
        level: NDArray[np.float32] = ndtri(np.clip(1 - pore - taken, 0.02, 0.98)).astype(np.float32)
        return level


def make_body(
    shape: tuple[int, int, int], *, spacing_nm: float, targets: StateTargets, rng: np.random.Generator
) -> Body:
    """Return the cylinder, its field, and two cubes of half its radius: one on the axis, one just below the surface."""
    envelope, depth = cylinder(shape)
    size = round(DIAMETER_SHARE * min(shape[0], shape[2]) / 4) * spacing_nm
    spacing, origin = (spacing_nm,) * 3, (0.0, 0.0, 0.0)
    cubes = {
        name: Cube(center, size, box_slices(shape, spacing, origin, center, size))
        for name, center in center_and_edge_boxes(envelope, spacing=spacing_nm, size_nm=size).items()
    }
    field = random_field(shape, spacing_nm=spacing_nm, wavelength_nm=_WAVELENGTH_NM, bandwidth=_BANDWIDTH, rng=rng)
    return Body(
        field=standardised(field, envelope),
        envelope=envelope,
        depth=depth,
        cubes=cubes,
        targets=targets.pores,
        tin_fraction=targets.tin_fraction,
    )


def cylinder(shape: tuple[int, int, int]) -> tuple[BOOL, NDArray[np.float64]]:
    """Return the envelope (z, y, x) and the distance from the axis in units of the radius (z, 1, x)."""
    radius = DIAMETER_SHARE * min(shape[0], shape[2]) / 2
    z = np.arange(shape[0])[:, None, None] - (shape[0] - 1) / 2
    x = np.arange(shape[2])[None, None, :] - (shape[2] - 1) / 2
    depth = np.hypot(z, x) / radius
    return np.ascontiguousarray(np.broadcast_to(depth <= 1, shape)), depth


def standardised(field: NDArray[np.float32], envelope: BOOL) -> NDArray[np.float32]:
    """Return the field with mean 0 and standard deviation 1 inside the envelope."""
    inside = field[envelope]
    mean, sd = inside.mean(dtype=np.float64), inside.std(dtype=np.float64)
    return (field - np.float32(mean)) / np.float32(sd)


def rise(depth: FLOAT) -> FLOAT:
    """Return 0 near the axis, 1 near the surface, smooth between."""
    place = np.clip((depth - _RISE[0]) / (_RISE[1] - _RISE[0]), 0, 1)
    return place * place * (3 - 2 * place)
