"""Oblique slices: a plane at any angle through a volume, resampled to square pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.volume import Triple, Volume

_ROWS_PER_STEP = 64

_PLACE_BYTES = 240.0
"""Peak per pixel of the rows that are interpolated together: three coordinates, several times."""

_MOST_PIXELS = 1 << 30
"""Of a slice: thirty thousand along either side."""


@dataclass(frozen=True, eq=False)
class ObliqueSlice:
    """A plane through a volume, resampled.

    Parameters
    ----------
    image : array, shape (rows, columns)
        Interpolated linearly, labels by the nearest voxel; 0 outside the volume.
    pixel_nm : float
        Side of its square pixels.
    first_nm : (float, float, float)
        World position (z, y, x) of pixel (0, 0).
    down, right : array, shape (3,)
        Unit vectors (z, y, x) along rows and columns.
    """

    image: NDArray[Any]
    pixel_nm: float
    first_nm: Triple
    down: NDArray[np.float64]
    right: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """The unit normal (z, y, x)."""
        return np.cross(self.down, self.right)


def plane_axes(tilt_deg: float, turn_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the unit vectors (z, y, x) down and to the right of a plane.

    The XY plane is turned about x by the tilt, then about z by the turn: a tilt of 90° and no turn
    give XZ.

    Examples
    --------
    >>> down, right = plane_axes(90, 0)
    >>> np.round(down).tolist(), np.round(right).tolist()
    ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    """
    tilt, turn = math.radians(tilt_deg), math.radians(turn_deg)
    right = np.array([0.0, math.sin(turn), math.cos(turn)])
    flat = np.array([0.0, math.cos(turn), -math.sin(turn)])
    down = math.cos(tilt) * flat + math.sin(tilt) * np.array([1.0, 0.0, 0.0])
    return down, right


def oblique_slice(
    volume: Volume,
    *,
    center_nm: Sequence[float],
    tilt_deg: float,
    turn_deg: float,
    labels: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ObliqueSlice:
    """Resample a plane through a point of a volume.

    Parameters
    ----------
    volume : Volume
        Grey values or labels.
    center_nm : (float, float, float)
        A point ``(z, y, x)`` of the plane in world coordinates (nm): the middle of the picture.
    tilt_deg, turn_deg : float
        Angles of the plane in degrees: the XY plane is turned about x by the tilt, then about z by
        the turn, see
        :func:`plane_axes`.
    labels : bool
        Take the nearest voxel instead of interpolating linearly.
    progress : callable, optional
        ``progress(done, total)`` after every few rows.
    should_stop : callable, optional
        Asked every few rows; true raises :class:`~napari_snpore.errors.Stopped`.

    Returns
    -------
    ObliqueSlice
        The part of the plane that can meet the volume, with pixels of the finest voxel edge; 0
        outside the volume.

    Raises
    ------
    InputError
        The point is not three finite numbers, or lies outside the volume; voxels so much longer than
        wide that the picture would have over a thousand million pixels.

    Examples
    --------
    >>> volume = Volume(np.arange(27.0).reshape(3, 3, 3), 0.5)
    >>> flat = oblique_slice(volume, center_nm=(0.5, 0.5, 0.5), tilt_deg=0, turn_deg=0)  # the middle XY slice
    >>> flat.image[:, 0].tolist(), flat.pixel_nm, flat.first_nm
    ([9.0, 12.0, 15.0], 0.5, (0.5, 0.0, 0.0))
    """
    spacing, origin = np.array(volume.spacing), np.array(volume.origin)
    first, last = origin - spacing / 2, origin + spacing * (np.array(volume.shape) - 0.5)
    center = np.array(center_nm, float)
    if center.shape != (3,) or not np.isfinite(center).all():
        raise InputError(
            f"center_nm is {tuple(center_nm)}; three finite numbers (z, y, x) in nm are needed."
        )
    if not ((center >= first) & (center <= last)).all():
        place = ", ".join(f"{value:.2f}" for value in center)
        raise InputError(f"The point ({place}) nm lies outside the volume.")
    down, right = plane_axes(tilt_deg, turn_deg)
    pixel = float(spacing.min())
    reach = [_reach(center, axis, first, last) for axis in (down, right)]
    _check_pixels(reach, pixel, volume.spacing)
    steps = [
        np.arange(math.ceil(low / pixel), math.floor(high / pixel) + 1) * pixel
        for low, high in reach
    ]
    needed = 4.0 * steps[0].size * steps[1].size + _PLACE_BYTES * _ROWS_PER_STEP * steps[1].size
    if not isinstance(volume.data, np.ndarray):
        needed += math.prod(volume.shape) * np.dtype(volume.data.dtype).itemsize
    check_memory(f"An oblique slice of {shape_text(volume.shape)} voxels", needed)
    data = volume.data if isinstance(volume.data, np.ndarray) else np.asarray(volume.data)
    image = np.zeros((steps[0].size, steps[1].size), data.dtype if labels else np.float32)
    start = (center - origin) / spacing
    for top in range(0, len(image), _ROWS_PER_STEP):
        check_stop(should_stop)
        rows = steps[0][top : top + _ROWS_PER_STEP]
        where = np.stack(
            [
                _inside(
                    start[k]
                    + (rows[:, None] * down[k] + steps[1][None, :] * right[k]) / spacing[k],
                    data.shape[k],
                )
                for k in range(3)
            ]
        )
        part, first_voxel = _part(data, where)
        scipy.ndimage.map_coordinates(
            part,
            where - first_voxel[:, None, None],
            order=0 if labels else 1,
            output=image[top : top + len(rows)],
            mode="constant",
            prefilter=False,
        )
        if progress is not None:
            progress(min(top + _ROWS_PER_STEP, len(image)), len(image))
    z, y, x = (float(value) for value in center + steps[0][0] * down + steps[1][0] * right)
    return ObliqueSlice(image, pixel, (z, y, x), down, right)


def _check_pixels(
    reach: Sequence[tuple[float, float]], pixel: float, spacing: Sequence[float]
) -> None:
    """Refuse a picture of more pixels than can be shown, or than there is memory for."""
    rows, columns = ((high - low) / pixel + 1 for low, high in reach)
    what = (
        f"An oblique slice through voxels of {' × '.join(f'{edge:.4g}' for edge in spacing)} nm has "
        f"{rows:,.0f} × {columns:,.0f} pixels of the finest edge"
    )
    if rows * columns > _MOST_PIXELS:
        raise InputError(
            f"{what}, more than {_MOST_PIXELS:,}: resample the volume to voxels of like edges."
        )
    check_memory(f"{what}; it", rows * columns * 4)


def _inside(place: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return coordinates in voxels, those in the outer half of a border voxel moved onto its
    centre: it has a value.
    """
    edge = 0.5 + 1e-6  # a border that is met exactly must not be lost by rounding
    return np.where(
        (place >= -edge) & (place <= count - 1 + edge), np.clip(place, 0, count - 1), place
    )


def _part(data: NDArray[Any], where: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the part of an array around some coordinates and its first voxel, in a dtype that
    scipy interpolates.
    """
    low = np.clip(np.floor(where.min(axis=(1, 2))).astype(int), 0, np.array(data.shape) - 1)
    high = np.clip(np.ceil(where.max(axis=(1, 2))).astype(int) + 1, low + 1, data.shape)
    part = data[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    return (part.astype(np.float32) if part.dtype == np.float16 else part), low


def _reach(
    center: NDArray[np.float64],
    axis: NDArray[np.float64],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
) -> tuple[float, float]:
    """Return how far (nm) a plane reaches along an axis, both ways, before it has left the box for
    good.
    """
    corners = (
        np.array([[first[0], last[0]], [first[1], last[1]], [first[2], last[2]]]) - center[:, None]
    )
    along = axis[:, None] * corners
    return float(along.min(axis=1).sum()), float(along.max(axis=1).sum())
