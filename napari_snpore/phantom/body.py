"""Cylinder, random field and pore-fraction regions of a phantom fibre, before pores and Sn are
made.

Pore is where a Gaussian field of mean 0 and standard deviation 1 exceeds a level. For a wanted pore
fraction p the level is the normal quantile of 1 − p, so that p can change with depth (a levelled
wave: Cahn, doi 10.1063/1.1695731).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
"""Diameter of the fibre as a share of the box across it: 160 of 176 voxels, the rest is vacuum."""

_RISE = (0.15, 0.8)
"""Depths, in radii from the axis, between which the pore fraction rises: the centre cube reaches
little above the first one, the edge cube lies mostly in the upper half, so that both targets can be
met at once."""

_WAVELENGTH_NM = 2.9
"""Mean wavelength of the field; a channel is about half of it wide: pores of 1 to 2 nm, as in the
source."""

_BANDWIDTH = 0.22
"""Relative spread of the wavelengths: narrow enough for even channels, wide enough to avoid a
lattice."""

_SN_FROM_PORE = 0.5
"""Share of the Sn volume that replaces pore: a cluster lies half in the pore and half in its wall.
"""

_SN_DENSITY = (0.6, 0.8)
"""``a`` and ``b`` of the Sn density ``a + b·depth²`` over the section; its mean over a disc, a +
b/2, is 1."""

_SHARE_LIMITS = (0.02, 0.98)
"""Limits of the share of carbon: the normal quantile is infinite at 0 and 1."""


@dataclass(frozen=True)
class Cube:
    """A cube: centre (z, y, x) and edge in nm, and the slices of its voxels."""

    center_nm: Triple
    size_nm: float
    box: Box


@dataclass(frozen=True, eq=False)
class Body:
    """Geometry, random field and pore targets of a fibre.

    Parameters
    ----------
    field : array, float32, shape (z, y, x)
        Random field with mean 0 and standard deviation 1 inside the envelope.
    envelope : array, bool, shape (z, y, x)
        True inside the cylinder.
    depth : array, float64, shape (z, 1, x)
        Distance from the axis in units of the radius.
    cubes : dict of str to Cube
        ``"centre"`` and ``"edge"``.
    targets : pair of PoreTarget
        Two pore fractions, or differences of pore fractions, that the pores are fitted to.
    tin_fraction : float
        Share of the envelope that Sn takes.
    """

    field: NDArray[np.float32]
    envelope: BOOL
    depth: FLOAT
    cubes: dict[str, Cube]
    targets: tuple[PoreTarget, PoreTarget]
    tin_fraction: float

    @property
    def target_values(self) -> FLOAT:
        """Values of the two targets, shape (2,)."""
        return np.array([target.value for target in self.targets])

    def response(self) -> FLOAT:
        """Return the derivative of both targeted values by the pore fractions at axis and surface,
        shape (2, 2).

        The pore fraction at a depth is ``p_axis + (p_surface − p_axis)·rise(depth)``: linear in
        both, so that the mean of ``rise`` over a region gives the two derivatives there.
        """
        rows = {}
        for name, box in self._regions():
            weight = self.envelope[box].sum(axis=1, dtype=np.float64)
            share = float((rise(self.depth[box[0], 0, box[2]]) * weight).sum() / weight.sum())
            rows[name] = np.array([1 - share, share])
        return np.stack([_relative(rows, target) for target in self.targets])

    def values(self, pore: BOOL) -> FLOAT:
        """Return the targeted values of a pore mask, shape (2,): pore fractions or their
        differences.
        """
        fractions = {
            name: np.count_nonzero(pore[box]) / np.count_nonzero(self.envelope[box])
            for name, box in self._regions()
        }
        return np.array([_relative(fractions, target) for target in self.targets])

    def _regions(self) -> list[tuple[str, Box]]:
        return [
            ("whole", (slice(None),) * 3),
            *((name, cube.box) for name, cube in self.cubes.items()),
        ]

    def level(self, profile: FLOAT) -> NDArray[np.float32]:
        """Return the field value above which a voxel is pore, shape (z, 1, x).

        Parameters
        ----------
        profile : array, shape (2,)
            Pore fraction at the axis and at the surface.
        """
        pore = profile[0] + (profile[1] - profile[0]) * rise(self.depth)
        # the Sn that replaces pore is made as pore first; it is denser towards the surface
        density = _SN_DENSITY[0] + _SN_DENSITY[1] * np.minimum(self.depth, 1) ** 2
        sn = _SN_FROM_PORE * self.tin_fraction * density
        level: NDArray[np.float32] = ndtri(np.clip(1 - pore - sn, *_SHARE_LIMITS)).astype(
            np.float32
        )
        return level


def _relative(of_region: Mapping[str, Any], target: PoreTarget) -> Any:
    """Return the value of the target's region, less that of the region it is compared with (if
    any).
    """
    value = of_region[target.region]
    return value if target.above is None else value - of_region[target.above]


def make_body(
    shape: tuple[int, int, int],
    *,
    spacing_nm: float,
    targets: StateTargets,
    rng: np.random.Generator,
) -> Body:
    """Return the fibre with two cubes of half its radius: one on the axis, one just below the
    surface.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    spacing_nm : float
        Edge of a voxel.
    targets : StateTargets
        Targets of the state.
    rng : Generator
        Source of the random field.
    """
    envelope, depth = cylinder(shape)
    cubes = center_and_edge_cubes(envelope, spacing_nm=spacing_nm)
    field = random_field(
        shape, spacing_nm=spacing_nm, wavelength_nm=_WAVELENGTH_NM, bandwidth=_BANDWIDTH, rng=rng
    )
    return Body(
        field=standardized(field, envelope),
        envelope=envelope,
        depth=depth,
        cubes=cubes,
        targets=targets.pores,
        tin_fraction=targets.tin_fraction,
    )


def center_and_edge_cubes(envelope: BOOL, *, spacing_nm: float) -> dict[str, Cube]:
    """Return two cubes of half the fibre's radius: ``"centre"`` on the axis, ``"edge"`` just below the
    surface.
    """
    shape = (envelope.shape[0], envelope.shape[1], envelope.shape[2])
    size = round(DIAMETER_SHARE * min(shape[0], shape[2]) / 4) * spacing_nm
    spacing, origin = (spacing_nm,) * 3, (0.0, 0.0, 0.0)
    return {
        name: Cube(center, size, box_slices(shape, spacing, origin, center, size))
        for name, center in center_and_edge_boxes(
            envelope, spacing=spacing_nm, size_nm=size
        ).items()
    }


def cylinder(shape: tuple[int, int, int]) -> tuple[BOOL, NDArray[np.float64]]:
    """Return the envelope (z, y, x) and the distance from the axis in units of the radius (z, 1,
    x).
    """
    radius = DIAMETER_SHARE * min(shape[0], shape[2]) / 2
    z = np.arange(shape[0])[:, None, None] - (shape[0] - 1) / 2
    x = np.arange(shape[2])[None, None, :] - (shape[2] - 1) / 2
    depth = np.hypot(z, x) / radius
    return np.ascontiguousarray(np.broadcast_to(depth <= 1, shape)), depth


def standardized(field: NDArray[np.float32], envelope: BOOL) -> NDArray[np.float32]:
    """Return the field with mean 0 and standard deviation 1 inside the envelope."""
    inside = field[envelope]
    mean, sd = inside.mean(dtype=np.float64), inside.std(dtype=np.float64)
    return (field - np.float32(mean)) / np.float32(sd)


def rise(depth: FLOAT) -> FLOAT:
    """Return the weight of the surface: 0 near the axis, 1 near the surface, a cubic (smoothstep)
    between.

    Examples
    --------
    >>> rise(np.array([0.0, 0.475, 1.0])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    part = np.clip((depth - _RISE[0]) / (_RISE[1] - _RISE[0]), 0, 1)
    return part * part * (3 - 2 * part)
