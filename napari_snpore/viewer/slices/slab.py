"""Thickness of the slices in the Ortho slices: the whole voxels along each axis that are
projected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_snpore.subvolume import Projection, slab_of_voxels
from napari_snpore.viewer.slices.planes import OrthoPlane


@dataclass(frozen=True)
class SlabThickness:
    """Thickness and projection of the slices.

    Parameters
    ----------
    projection : {"mean", "max"}
        How the slices of the slab are projected.
    thickness_nm : float
        The thickness asked for; the nearest number of whole voxels is projected.
    spacing, origin : sequence of float
        The grid (z, y, x) whose voxels are counted.
    """

    projection: Projection
    thickness_nm: float
    spacing: Any
    origin: Any

    @property
    def way(self) -> str:
        """The word for the projection."""
        return {"mean": "mean", "max": "maximum"}[self.projection]

    def count(self, axis: int) -> int:
        """Return how many voxels come nearest to the thickness along an axis, at least one."""
        return slab_of_voxels(0.0, self.thickness_nm / float(self.spacing[axis]))[1]

    def first(self, axis: int, place: float) -> int:
        """Return the first of the voxels nearest to a place (nm) along an axis."""
        step = float(self.spacing[axis])
        return slab_of_voxels((place - float(self.origin[axis])) / step, self.thickness_nm / step)[
            0
        ]

    def margins(self, axis: int, place: float) -> tuple[float, float]:
        """Return how far (nm) the middles of the outer voxels lie before and behind a place; zero
        for one voxel.
        """
        count, first = self.count(axis), self.first(axis, place)
        if count == 1:
            return 0.0, 0.0
        low, high = (
            float(self.origin[axis]) + k * float(self.spacing[axis])
            for k in (first, first + count - 1)
        )
        return place - low, high - place

    def words(self, planes: tuple[OrthoPlane, ...]) -> str:
        """Say how many slices are projected, and what they measure together."""
        counts = {plane.name: self.count(plane.normal) for plane in planes}
        sizes = {
            plane.name: counts[plane.name] * float(self.spacing[plane.normal]) for plane in planes
        }
        each = {
            name: f"{count} slice{'s' * (count > 1)}, {sizes[name]:.3g} nm"
            for name, count in counts.items()
        }
        if len(set(each.values())) == 1:
            return f"{self.way} over {next(iter(each.values()))}"
        return f"{self.way} over " + "; ".join(f"{name} {size}" for name, size in each.items())
