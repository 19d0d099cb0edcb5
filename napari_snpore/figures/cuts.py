"""Slices of a volume along its axes: single or projected, with their position and extent in nm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, position
from napari_snpore.subvolume import Projection, slab_of_voxels
from napari_snpore.volume import Triple, Volume

PlaneName = Literal["XY", "XZ", "YZ"]
_PROJECTED = {"mean": "mean over", "max": "maximum over"}


@dataclass(frozen=True)
class Plane:
    """Array axes (0 z, 1 y, 2 x) of a plane: the one it is normal to, and those drawn down and to
    the right.
    """

    name: PlaneName
    normal: int
    down: int
    right: int


PLANES: dict[str, Plane] = {
    "XY": Plane("XY", normal=0, down=1, right=2),
    "XZ": Plane("XZ", normal=1, down=0, right=2),
    "YZ": Plane("YZ", normal=2, down=1, right=0),
}
AXIS_NAMES = "zyx"


@dataclass(frozen=True, eq=False)
class Cut:
    """One slice: its values (down, right), its edges in nm and where it and the two other planes
    lie.

    ``step_nm`` is how far the next slice lies; ``slab`` says over what a thick slice is projected.
    """

    plane: Plane
    values: NDArray[Any]
    extent_nm: tuple[float, float, float, float]
    position_nm: Triple
    step_nm: float
    slab: str = ""

    @property
    def place(self) -> str:
        """Where it lies along its normal, such as ``y = 12.3 nm``."""
        axis = self.plane.normal
        return f"{AXIS_NAMES[axis]} = {position(self.position_nm[axis], step_nm=self.step_nm)}"

    @property
    def title(self) -> str:
        """Plane and position, such as ``XZ, y = 12.3 nm``; of a thick slice, what is projected over
        how much.
        """
        return ", ".join(words for words in (self.plane.name, self.place, self.slab) if words)

    @property
    def size_nm(self) -> tuple[float, float]:
        """(down, right) in nm."""
        left, right, bottom, top = self.extent_nm
        return bottom - top, right - left

    @property
    def marks_nm(self) -> tuple[float, float]:
        """Where the two other planes cross this one: (down, right) in nm."""
        return self.position_nm[self.plane.down], self.position_nm[self.plane.right]


def plane_named(name: str) -> Plane:
    """Return a plane by its name (XY, XZ, YZ; capitals do not matter) or refuse it."""
    found = PLANES.get(str(name).upper())
    if found is None:
        raise InputError(f"plane is {name!r}; one of {', '.join(PLANES)} is needed.")
    return found


def voxel_at(volume: Volume, position_nm: Sequence[float] | None) -> tuple[int, int, int]:
    """Return the voxel (z, y, x) that holds a world position in nm; None is the middle of the
    volume.

    Raises
    ------
    InputError
        Not three finite numbers, or a position outside the volume.
    """
    if position_nm is None:
        z, y, x = (n // 2 for n in volume.shape)
        return z, y, x
    position = tuple(float(value) for value in position_nm)
    if len(position) != 3 or not all(map(math.isfinite, position)):
        raise InputError(
            f"position_nm is {tuple(position_nm)}; three finite numbers (z, y, x) in nm are needed."
        )
    found = []
    for axis, (value, start, step, count) in enumerate(
        zip(position, volume.origin, volume.spacing, volume.shape, strict=True)
    ):
        index = math.floor((value - start) / step + 0.5)
        if index == count and math.isclose(
            value, start + (count - 0.5) * step, rel_tol=1e-9, abs_tol=1e-9 * step
        ):
            index = count - 1
        if not 0 <= index < count:
            raise InputError(
                f"position_nm has {AXIS_NAMES[axis]} = {value:g} nm; the volume goes "
                f"from {start - step / 2:g} to {start + (count - 0.5) * step:g} nm there."
            )
        found.append(index)
    z, y, x = found
    return z, y, x


def cut(volume: Volume, plane: Plane, voxel: tuple[int, int, int]) -> Cut:
    """Take one slice through a voxel; of a lazy volume, only this slice is computed."""
    place: list[Any] = [slice(None)] * 3
    place[plane.normal] = voxel[plane.normal]
    values = np.asarray(volume.data[tuple(place)])
    if plane.down > plane.right:
        values = values.T
    edges = [
        (start - step / 2, start + (count - 0.5) * step)
        for start, step, count in zip(volume.origin, volume.spacing, volume.shape, strict=True)
    ]
    z, y, x = (
        start + index * step
        for start, index, step in zip(volume.origin, voxel, volume.spacing, strict=True)
    )
    (left, right), (top, bottom) = edges[plane.right], edges[plane.down]
    return Cut(plane, values, (left, right, bottom, top), (z, y, x), volume.spacing[plane.normal])


def thick_cut(
    volume: Volume,
    plane: Plane,
    position_nm: Triple,
    *,
    thickness_nm: float,
    projection: Projection = "mean",
) -> Cut:
    """Project the slices of a slab: the whole voxels nearest to it, as the Ortho slices do.

    Parameters
    ----------
    volume : Volume
        Grey values; of a lazy volume, only the slab is computed.
    plane : Plane
        Which slices.
    position_nm : (float, float, float)
        A point (z, y, x) in the middle of the slab.
    thickness_nm : float
        Of the slab; where it reaches beyond the volume, what lies inside is projected, and said.
    projection : {"mean", "max"}
        How.

    Raises
    ------
    InputError
        A position outside the volume, or a thickness that is not positive.
    """
    if not (math.isfinite(thickness_nm) and thickness_nm > 0):
        raise InputError(f"thickness_nm is {thickness_nm}; a positive number of nm is needed.")
    if projection not in _PROJECTED:
        raise InputError(f"projection is {projection!r}; one of {', '.join(_PROJECTED)} is needed.")
    single = cut(volume, plane, voxel_at(volume, position_nm))
    axis = plane.normal
    step, count = volume.spacing[axis], volume.shape[axis]
    first, many = slab_of_voxels(
        (position_nm[axis] - volume.origin[axis]) / step, thickness_nm / step
    )
    low, end = max(first, 0), min(first + many, count)
    place: list[Any] = [slice(None)] * 3
    place[axis] = slice(low, end)
    slab = np.asarray(volume.data[tuple(place)])
    values = slab.mean(axis=axis) if projection == "mean" else slab.max(axis=axis)
    if plane.down > plane.right:
        values = values.T
    over = number((end - low) * step, trim=True)
    return replace(single, values=values, slab=f"{_PROJECTED[projection]} {over} nm")


def three_cuts(volume: Volume, position_nm: Sequence[float] | None) -> dict[str, Cut]:
    """Take the XY, XZ and YZ slices through a position."""
    voxel = voxel_at(volume, position_nm)
    return {name: cut(volume, plane, voxel) for name, plane in PLANES.items()}


def cropped(piece: Cut, *, middle_nm: tuple[float, float], side_nm: float) -> Cut:
    """Return the part of a slice inside a square field: whole voxels whose centres lie in it.

    Parameters
    ----------
    piece : Cut
        The slice.
    middle_nm : (float, float)
        Middle of the field, (down, right) in nm.
    side_nm : float
        Side of the field; 0 returns the slice itself.

    Raises
    ------
    InputError
        No voxel lies in the field.
    """
    if side_nm <= 0:
        return piece
    left, right, bottom, top = piece.extent_nm
    ranges, edges = [], []
    for start, stop, count, middle in (
        (top, bottom, piece.values.shape[0], middle_nm[0]),
        (left, right, piece.values.shape[1], middle_nm[1]),
    ):
        step = (stop - start) / count
        first = max(math.ceil((middle - side_nm / 2 - start) / step - 0.5), 0)
        last = min(math.floor((middle + side_nm / 2 - start) / step - 0.5), count - 1)
        if last < first:
            raise InputError(
                f"A field of {side_nm:g} nm around the position holds no voxel of this slice."
            )
        ranges.append(slice(first, last + 1))
        edges.append((start + first * step, start + (last + 1) * step))
    (top, bottom), (left, right) = edges
    return replace(
        piece, values=piece.values[ranges[0], ranges[1]], extent_nm=(left, right, bottom, top)
    )
