"""A thick slice: the whole voxels along one axis that it projects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from napari_snpore.subvolume import slab_of_voxels
from napari_snpore.viewer.slices.planes import OrthoPlane

Way = Literal["mean", "max"]


@dataclass(frozen=True)
class Thick:
    """How thick slices are shown.

    Parameters
    ----------
    way : {"mean", "max"}
        How they are projected.
    thickness_nm : float
        As wished; what is shown are whole voxels.
    spacing, origin : sequence of float
        The grid (z, y, x) whose voxels are counted.
    """

    way: Way
    thickness_nm: float
    spacing: Any
    origin: Any

    def count(self, axis: int) -> int:
        """Return how many voxels come nearest to the thickness along an axis, at least one."""
        return slab_of_voxels(0.0, self.thickness_nm / float(self.spacing[axis]))[1]

    def first(self, axis: int, place: float) -> int:
        """Return the first of the voxels nearest to a place (nm) along an axis."""
        step = float(self.spacing[axis])
        return slab_of_voxels((place - float(self.origin[axis])) / step, self.thickness_nm / step)[0]

    def margins(self, axis: int, place: float) -> tuple[float, float]:
        """Return how far (nm) the middles of the outer voxels lie before and behind a place; zero for one voxel."""
        count, first = self.count(axis), self.first(axis, place)
        if count == 1:
            return 0.0, 0.0
        low, high = (float(self.origin[axis]) + k * float(self.spacing[axis]) for k in (first, first + count - 1))
        return place - low, high - place

    def words(self, planes: tuple[OrthoPlane, ...]) -> str:
        """Say how many slices are projected, and what they measure together."""
        way = {"mean": "mean", "max": "maximum"}[self.way]
        counts = {plane.name: self.count(plane.normal) for plane in planes}
        sizes = {plane.name: counts[plane.name] * float(self.spacing[plane.normal]) for plane in planes}
        each = {name: f"{count} slice{'s' * (count > 1)}, {sizes[name]:.3g} nm" for name, count in counts.items()}
        if len(set(each.values())) == 1:
            return f"{way} over {next(iter(each.values()))}"
        return f"{way} over " + "; ".join(f"{name} {size}" for name, size in each.items())
