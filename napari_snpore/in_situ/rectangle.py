"""Rectangle of any direction in an image, in nm, and the pixels inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError
from napari_snpore.in_situ.frames import FLOAT

Region = Any
"""A :class:`Rectangle`, two opposite or four corners ``(y, x)`` in nm, or two slices of rows and
columns in px.
"""

_LEAST_PX = 1e-6
"""Positions this close to a rim count as on it: nm are rarely whole in binary."""


@dataclass(frozen=True)
class Rectangle:
    """A rectangle in an image.

    Parameters
    ----------
    center_nm : (float, float)
        Its middle ``(y, x)`` in nm; the centre of pixel (0, 0) is at (0, 0).
    size_nm : (float, float)
        Its edges in nm: along its own direction, and across that.
    angle_deg : float
        Its direction ``(dy, dx) = (cos φ, sin φ)``: 0 has the first edge along y.

    Raises
    ------
    InputError
        Numbers that are not finite, or an edge that is not positive.
    """

    center_nm: tuple[float, float]
    size_nm: tuple[float, float]
    angle_deg: float = 0.0

    def __post_init__(self) -> None:
        numbers = (*self.center_nm, *self.size_nm, self.angle_deg)
        if (
            len(numbers) != 5
            or not all(math.isfinite(value) for value in numbers)
            or min(self.size_nm) <= 0
        ):
            raise InputError(
                f"The rectangle at {tuple(self.center_nm)} nm of {tuple(self.size_nm)} nm is none: finite numbers and positive "
                "edges are needed."
            )

    @classmethod
    def from_corners(cls, corners_nm: ArrayLike) -> Rectangle:
        """Return the rectangle with two opposite corners (edges along y and x), or with four
        corners in their order round it.

        Parameters
        ----------
        corners_nm : array-like, shape (2, 2) or (4, 2)
            Corners ``(y, x)`` in nm.
        """
        corners = np.asarray(corners_nm, dtype=np.float64)
        if corners.shape not in ((2, 2), (4, 2)) or not np.isfinite(corners).all():
            raise InputError(
                f"The corners of a rectangle have shape {corners.shape}; two or four of finite (y, x) are needed."
            )
        middle = corners.mean(axis=0)
        center = (float(middle[0]), float(middle[1]))
        if len(corners) == 2:
            height, width = np.abs(corners[1] - corners[0])
            return cls(center, (float(height), float(width)))
        one, two = corners[1] - corners[0], corners[2] - corners[1]
        sizes = float(np.hypot(*one)), float(np.hypot(*two))
        skew = abs(float(one @ two)) / max(sizes[0] * sizes[1], 1e-300)
        closed = np.allclose(
            corners[0] + corners[2], corners[1] + corners[3], atol=0.01 * max(sizes)
        )
        if skew > 0.01 or not closed:
            raise InputError(
                "The four corners form no rectangle: their edges do not meet at right angles."
            )
        angle = math.degrees(math.atan2(one[1], one[0]))
        return cls(center, sizes, 90.0 - (90.0 - angle) % 180.0)

    @property
    def corners_nm(self) -> FLOAT:
        """The four corners ``(y, x)`` in nm, shape (4, 2)."""
        along, across = directions(self.angle_deg)
        ends = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]
        out: FLOAT = np.array(self.center_nm) + [
            a * self.size_nm[0] * along + b * self.size_nm[1] * across for a, b in ends
        ]
        return out

    def moved(self, dy_nm: float, dx_nm: float) -> Rectangle:
        """Return the rectangle at another place."""
        return Rectangle(
            (self.center_nm[0] + dy_nm, self.center_nm[1] + dx_nm), self.size_nm, self.angle_deg
        )

    def is_inside(self, shape: tuple[int, int], pixel_size_nm: float) -> bool:
        """Say whether all of it lies on the pixels of an image of that shape."""
        corners = self.corners_nm / pixel_size_nm
        last = np.array(shape) - 0.5
        return bool((corners >= -0.5 - 1e-3).all() and (corners <= last + 1e-3).all())

    def bounds(self, shape: tuple[int, int], pixel_size_nm: float) -> tuple[slice, slice]:
        """Return the rows and columns that hold all pixels of it that an image of that shape
        has.
        """
        corners = self.corners_nm / pixel_size_nm
        low = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, shape)
        high = np.clip(np.ceil(corners.max(axis=0)).astype(int) + 1, 0, shape)
        return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))

    def holds(self, y_nm: FLOAT, x_nm: FLOAT) -> NDArray[np.bool_]:
        """Say which positions lie in it; of opposite rims the lower one belongs to it, as with
        slices.
        """
        along, across = directions(self.angle_deg)
        dy, dx = y_nm - self.center_nm[0], x_nm - self.center_nm[1]
        inside = np.ones(np.broadcast_shapes(np.shape(dy), np.shape(dx)), dtype=np.bool_)
        for direction, size in ((along, self.size_nm[0]), (across, self.size_nm[1])):
            place = (dy * direction[0] + dx * direction[1]) / size + 0.5
            inside &= (place >= -_LEAST_PX) & (place < 1 - _LEAST_PX)
        return inside

    def covered(self, image: FLOAT, pixel_size_nm: float) -> tuple[FLOAT, FLOAT]:
        """Return the grey values of the pixels that it covers, and which share of each: exact along
        y and x, close else.

        Shares at the rim make a mean that changes smoothly when the rectangle moves by less than a
        pixel.
        """
        rows, columns = self.bounds((image.shape[0], image.shape[1]), pixel_size_nm)
        y = np.arange(rows.start, rows.stop)[:, None] - self.center_nm[0] / pixel_size_nm
        x = np.arange(columns.start, columns.stop)[None, :] - self.center_nm[1] / pixel_size_nm
        share = np.ones((y.shape[0], x.shape[1]))
        for direction, size in zip(directions(self.angle_deg), self.size_nm, strict=True):
            place, half = y * direction[0] + x * direction[1], size / pixel_size_nm / 2
            share *= np.clip(np.minimum(place + 0.5, half) - np.maximum(place - 0.5, -half), 0, 1)
        used = share > _LEAST_PX
        return image[rows, columns][used], share[used]


def directions(angle_deg: float) -> tuple[FLOAT, FLOAT]:
    """Return the unit vectors ``(dy, dx)`` along a direction of the image and across it, to its
    right.
    """
    angle = math.radians(angle_deg)
    return np.array([math.cos(angle), math.sin(angle)]), np.array(
        [-math.sin(angle), math.cos(angle)]
    )


def rectangle_of(region: Region, shape: tuple[int, int], pixel_size_nm: float) -> Rectangle:
    """Return a region of an image as a rectangle that lies in it; None is the whole image.

    Raises
    ------
    InputError
        Something else than a region, or one that reaches beyond the image.
    """
    if region is None:
        region = (slice(None), slice(None))
    found = region if isinstance(region, Rectangle) else _from_slices(region, shape, pixel_size_nm)
    found = found or Rectangle.from_corners(region)
    if not found.is_inside(shape, pixel_size_nm):
        corners = found.corners_nm
        low, high = corners.min(axis=0), corners.max(axis=0)
        ends = [(n - 0.5) * pixel_size_nm for n in shape]
        raise InputError(
            f"The rectangle from y = {low[0]:.4g} to {high[0]:.4g} and x = {low[1]:.4g} to {high[1]:.4g} nm reaches beyond the "
            f"image, which ends at y = {ends[0]:.4g} and x = {ends[1]:.4g} nm."
        )
    return found


def _from_slices(region: Any, shape: tuple[int, int], pixel: float) -> Rectangle | None:
    if not (
        isinstance(region, Sequence)
        and len(region) == 2
        and all(isinstance(part, slice) for part in region)
    ):
        return None
    ends = []
    for part, count, name in zip(region, shape, ("rows", "columns"), strict=True):
        start, stop, step = part.indices(count)
        outside = any(value is not None and abs(value) > count for value in (part.start, part.stop))
        if step != 1 or stop <= start or outside:
            raise InputError(
                f"region holds the {name} {part}; a slice of step 1 within 0 to {count} is needed."
            )
        ends.append((start, stop))
    (top, bottom), (left, right) = ends
    center = ((top + bottom - 1) / 2 * pixel, (left + right - 1) / 2 * pixel)
    return Rectangle(center, ((bottom - top) * pixel, (right - left) * pixel))
