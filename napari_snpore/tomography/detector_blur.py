"""Gaussian blur of tilt images on the detector: the part of the imaging model beside the projector.

A probe of finite size and the interpolation of an alignment blur the images. In the model ``b =
G A x`` of a volume x with projections A x, G is a Gaussian of σ pixels along both image axes.
"""

from __future__ import annotations

import numbers

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.errors import InputError

Floats = NDArray[np.float32]

REACH = 3.5
"""Where the Gaussian is cut off, in σ: what is left out is 5e-4 of it."""

LARGEST_BLUR_PX = 8.0
"""A wider blur leaves nothing of what a voxel resolves: the images should be binned."""


def check_blur_px(sigma_px: float) -> None:
    """Refuse a blur that is not a number of pixels from 0 to :data:`LARGEST_BLUR_PX`."""
    if not (
        isinstance(sigma_px, numbers.Real)
        and not isinstance(sigma_px, bool)
        and 0 <= sigma_px <= LARGEST_BLUR_PX
    ):
        raise InputError(
            f"blur_px is {sigma_px!r}; a number of pixels from 0 to {LARGEST_BLUR_PX:g} is needed:"
            " bin the images first where the blur is wider."
        )


def gaussian_taps(sigma_px: float) -> Floats:
    """Return the weights of a Gaussian at whole pixels, cut off at :data:`REACH` σ, with sum 1.

    Examples
    --------
    >>> gaussian_taps(0.0).tolist(), len(gaussian_taps(1.0))
    ([1.0], 9)
    """
    radius = int(REACH * sigma_px + 0.5)
    if radius == 0:
        return np.ones(1, np.float32)
    places = np.arange(-radius, radius + 1)
    taps = np.exp(-0.5 * (places / sigma_px) ** 2)
    return np.asarray(taps / taps.sum(), np.float32)


def blur_images(
    images: ArrayLike,
    sigma_px: float,
    *,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> Floats:
    """Blur each tilt image by a Gaussian of σ pixels along y and x.

    The operator is its own transpose: beyond the first and the last row the image is mirrored (the
    fibre goes on there), beyond its left and right edge it is zero (vacuum).

    Parameters
    ----------
    images : array, shape (tilt, y, x)
    sigma_px : float
        Standard deviation in pixels; 0 returns the images as float32.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    float32 array, shape (tilt, y, x)
        The images themselves where σ is 0 and they are float32.

    Examples
    --------
    >>> blur_images(np.ones((1, 3, 64)), 1.0)[0, 1, 32].round(6).item()
    1.0
    """
    data = np.asarray(images, np.float32)
    taps = gaussian_taps(sigma_px)
    if len(taps) == 1:
        return data
    out = np.empty_like(data)

    def one(tilt: int) -> None:
        rows = scipy.ndimage.correlate1d(data[tilt], taps, axis=0, mode="reflect")
        scipy.ndimage.correlate1d(rows, taps, axis=1, output=out[tilt], mode="constant")

    run_blocks(one, range(len(data)), threads=threads, should_stop=should_stop)
    return out
