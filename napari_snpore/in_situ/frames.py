"""Series of images in time with pixel size and times, checked for consistency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError, MissingScaleError
from napari_snpore.history import HistoryStep

FLOAT = NDArray[np.float64]

_SMALLEST_PX = 8
"""Shorter edges are no image: such an array is most likely one colour image, or has its axes in
another order.
"""


@dataclass(frozen=True, eq=False)
class ImageSeries:
    """Images of one fibre at several times.

    Parameters
    ----------
    images : array, shape (frame, y, x) or (y, x)
        Grey values of any real dtype; may be a memory map or lazy. Never changed. One image is a
        series of one frame.
    pixel_size_nm : float
        Edge of a pixel in nm.
    times_s : array-like, shape (frame,), optional
        Time of each frame in s; None where it is not known.
    history : sequence of Step
        What was done, oldest first.

    Raises
    ------
    InputError
        Not images of grey values, an empty array, images narrower than 8 px, or times that do not
        rise or do not match.
    MissingScaleError
        The pixel size is not a positive number.
    """

    images: Any
    pixel_size_nm: float
    times_s: FLOAT | None = None
    history: tuple[HistoryStep, ...] = ()

    def __post_init__(self) -> None:
        images = self.images if hasattr(self.images, "ndim") else np.asarray(self.images)
        images = images[None] if images.ndim == 2 else images
        object.__setattr__(self, "images", images)
        if images.ndim != 3:
            raise InputError(
                f"images has shape {images.shape}; grey images (frame, y, x) or one image (y, x) are needed."
            )
        if 0 in images.shape:
            raise InputError(f"images is empty: its shape is {images.shape}.")
        if min(images.shape[1:]) < _SMALLEST_PX:
            raise InputError(
                f"images has shape {images.shape}; (frame, y, x) with at least {_SMALLEST_PX} px along y and x is needed."
            )
        if np.dtype(images.dtype).kind not in "biuf":
            raise InputError(f"images holds {images.dtype} values; real grey values are needed.")
        try:
            size = float(self.pixel_size_nm)
        except (TypeError, ValueError):
            size = math.nan
        if not (math.isfinite(size) and size > 0):
            raise MissingScaleError(
                f"pixel_size_nm is {self.pixel_size_nm}; a positive number in nm is needed."
            )
        object.__setattr__(self, "pixel_size_nm", size)
        if self.times_s is not None:
            object.__setattr__(self, "times_s", _checked_times(self.times_s, len(images)))
        object.__setattr__(self, "history", tuple(self.history))

    def __len__(self) -> int:
        return int(self.images.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels of an image along (y, x)."""
        _, y, x = self.images.shape
        return int(y), int(x)

    def frame(self, index: int) -> FLOAT:
        """Return one image as float64."""
        return np.asarray(self.images[index], dtype=np.float64)

    def time(self, index: int) -> float:
        """Return the time of a frame in s; NaN where it is not known."""
        return math.nan if self.times_s is None else float(self.times_s[index])


def series_of(
    images: ImageSeries | ArrayLike, pixel_size_nm: float | None, times_s: ArrayLike | None
) -> ImageSeries:
    """Return the series of an array, or the series itself with what the caller says put over it."""
    if isinstance(images, ImageSeries):
        size = images.pixel_size_nm if pixel_size_nm is None else pixel_size_nm
        times = images.times_s if times_s is None else times_s
        return ImageSeries(images.images, size, times, images.history)  # type: ignore[arg-type]
    if pixel_size_nm is None:
        raise MissingScaleError("The pixel size is missing: give pixel_size_nm.")
    return ImageSeries(images, pixel_size_nm, times_s)  # type: ignore[arg-type]


def _checked_times(times: Any, count: int) -> FLOAT:
    found = np.array(times, dtype=np.float64).reshape(-1)
    if len(found) != count:
        raise InputError(
            f"times_s has {len(found)} times for {count} images; one time an image is needed."
        )
    if not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise InputError("times_s has to hold finite times that rise from frame to frame.")
    found.setflags(write=False)
    return found
