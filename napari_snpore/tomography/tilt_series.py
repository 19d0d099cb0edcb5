"""Tilt series: images with their tilt angles and pixel size, checked when they are put together."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError, MissingAnglesError, MissingScaleError
from napari_snpore.history import HistoryStep, StepSchema

_HORIZONTAL_DEG = 2.0  # more than the error of the search, less than the tilt of any axis that is not meant as horizontal

_GREATEST_GRAY = 1e15
"""Greatest grey value of an image: the sum of ten million of its squares is a float32."""


@dataclass(frozen=True, eq=False)
class TiltSeries:
    """Projection images of one object at known tilt angles.

    Parameters
    ----------
    images : array, shape (tilt, y, x)
        Any dtype; may be a memory map. Never changed.
    angles_deg : array-like, shape (tilt,)
        Tilt angles in degrees, in the order of the images.
    pixel_size_nm : float
        Edge of a pixel in nm.
    tilt_axis_angle_deg : float
        Direction of the tilt axis in the image, ``(dy, dx) = (cos φ, sin φ)``, in degrees in (−180,
        180]. 0: the axis is image axis y (always so after alignment), or nothing is known of it;
        90: it is horizontal.
    history : sequence of Step
        What was done, oldest first.

    Raises
    ------
    InputError
        No images, not three axes, or an angle that is not finite.
    MissingAnglesError
        The number of angles differs from the number of images.
    MissingScaleError
        The pixel size is not a positive number.
    """

    images: Any
    angles_deg: NDArray[np.float64]
    pixel_size_nm: float
    tilt_axis_angle_deg: float = 0.0
    history: tuple[HistoryStep, ...] = ()

    def __post_init__(self) -> None:
        if getattr(self.images, "ndim", None) != 3:
            raise InputError(
                f"A tilt series needs axes (tilt, y, x); this array has shape {np.shape(self.images)}."
            )
        if 0 in self.images.shape:
            raise InputError(f"The tilt series holds no image: its shape is {self.images.shape}.")
        angles = np.array(self.angles_deg, dtype=np.float64).reshape(-1)
        if len(angles) != self.images.shape[0]:
            raise MissingAnglesError(
                f"angles_deg has {len(angles)} tilt angles for {self.images.shape[0]} images; one angle an image is needed."
            )
        if not np.isfinite(angles).all():
            raise InputError("angles_deg holds a value that is not a finite number of degrees.")
        angles.setflags(write=False)
        object.__setattr__(self, "angles_deg", angles)
        size = float(self.pixel_size_nm)
        if not (math.isfinite(size) and size > 0):
            raise MissingScaleError(
                f"pixel_size_nm is {self.pixel_size_nm}; a positive number in nm is needed."
            )
        object.__setattr__(self, "pixel_size_nm", size)
        object.__setattr__(self, "tilt_axis_angle_deg", axis_angle(self.tilt_axis_angle_deg))
        object.__setattr__(self, "history", tuple(self.history))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(tilt, y, x)."""
        tilts, y, x = self.images.shape
        return int(tilts), int(y), int(x)

    def after(
        self, made_by: StepSchema, images: Any, *, tilt_axis_angle_deg: float | None = None
    ) -> TiltSeries:
        """Return the series with new images of the same angles and one more step in its history."""
        axis = self.tilt_axis_angle_deg if tilt_axis_angle_deg is None else tilt_axis_angle_deg
        return replace(
            self, images=images, tilt_axis_angle_deg=axis, history=(*self.history, made_by.step)
        )


def check_image(image: NDArray[Any], tilt: int) -> None:
    """Refuse an image that holds NaN or infinity, or grey values whose squares float32 cannot sum.

    Raises
    ------
    InputError
        The sentence names the image by its number in the series.
    """
    if not np.isfinite(image).all():
        raise InputError(
            f"Image {tilt} of the tilt series holds NaN or infinite values; leave it out or repair it."
        )
    greatest = max(abs(float(image.max())), abs(float(image.min())))
    if greatest > _GREATEST_GRAY or 0 < greatest < 1 / _GREATEST_GRAY:
        raise InputError(
            f"Image {tilt} of the tilt series holds grey values up to {greatest:.3g}; "
            f"{1 / _GREATEST_GRAY:.0e} to {_GREATEST_GRAY:.0e} can be worked with: scale the images, or repair its pixels."
        )


def axis_angle(angle_deg: float) -> float:
    """Bring the direction of a tilt axis into (−180, 180] degrees; φ and φ + 180° give mirror
    volumes and stay apart.
    """
    angle = float(angle_deg)
    if not math.isfinite(angle):
        raise InputError(
            f"tilt_axis_angle_deg is {angle_deg}; a finite number of degrees is needed."
        )
    return angle if -180 < angle <= 180 else 180.0 - (180.0 - angle) % 360.0


def axis_end(line_deg: float, reference_deg: float | None) -> float:
    """Return which of the two directions φ and φ + 180° of a tilt axis is meant.

    The images determine the axis as a line, that is modulo 180°; its two directions give mirror
    volumes. The direction nearest to a reference (file, recipe, last alignment) is taken. Without
    one it is the direction in (−88, 92]: an axis within 2° of the horizontal counts as +90°, so
    that the error of the search (some tenths of a degree) does not change the hand of a horizontal
    axis, the commonest geometry, between two binnings.

    Examples
    --------
    >>> axis_end(-89.99, None), axis_end(89.95, None), axis_end(-60.0, None)
    (90.01, 89.95, -60.0)
    >>> axis_end(89.95, -90.0)
    -90.05
    """
    if reference_deg is None:
        top = 90.0 + _HORIZONTAL_DEG
        return round(top - (top - line_deg) % 180.0, 9)
    apart = (line_deg - reference_deg + 90.0) % 180.0 - 90.0
    return round(axis_angle(reference_deg + apart), 9)
