"""Detection and repair of hot and dead pixels, by tilt and over all tilts.

A probe or a detector blurs: whatever is real and bright lifts its neighbours too. A pixel counts as
bad where it is further from the median of its 3 × 3 surroundings than ``threshold`` times the noise
there, while none of its eight neighbours is off by more than ``_SPREAD`` of that. Two bad pixels
side by side are therefore kept.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import RepairPixelsStep
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.tomography.noise_samples import mask_answer
from napari_snpore.tomography.tilt_series import TiltSeries

_SPREAD = 0.25
_FIXED_SHARE = 0.5  # of the tilts, from which on a pixel is held to be the detector's
_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0], np.float32)
_MEDIAN_SQUARE = 0.454936  # median of the square of a standard normal number
_CLASSES = 24
"""Classes of grey value per image, fewer where one would hold less than 64 pixels."""

_BESIDE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.bool_)


def repair_pixels(
    series: TiltSeries,
    *,
    threshold: float = 8.0,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Replace hot and dead pixels by the median of their surroundings.

    Parameters
    ----------
    series : TiltSeries
        Raw images: an interpolation spreads a hot pixel over its neighbours.
    threshold : float
        In standard deviations of the noise at that grey value, at least 4.
    scratch : ScratchSpace
        Where the images are made: for a series larger than memory.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32; the history holds ``repaired_per_tilt`` and ``fixed_pixel_count``, the pixels that
        are bad in at least half of the tilts and are replaced in all of them.

    Raises
    ------
    InputError
        NaN in an image, or a threshold below 4.
    """
    if not (math.isfinite(threshold) and threshold >= 4):
        raise InputError(f"threshold is {threshold}; 4 standard deviations or more are needed.")
    count = len(series.angles_deg)

    def find(tilt: int) -> NDArray[np.bool_]:
        image = np.asarray(series.images[tilt], np.float32)
        if not np.isfinite(image).all():
            raise InputError(
                f"Image {tilt} of the tilt series holds NaN or infinite values; leave it out or repair it."
            )
        return _stands_out(image, threshold)

    bad = np.stack(
        run_blocks(
            find, range(count), progress=share_of(progress, 0.0, 0.8), should_stop=should_stop
        )
    )
    fixed = bad.mean(axis=0) >= _FIXED_SHARE
    bad |= fixed
    images = scratch.empty(series.shape)

    def repair(tilt: int) -> None:
        image = np.asarray(series.images[tilt], np.float32)
        around = scipy.ndimage.median_filter(image, 3, mode="reflect")
        images[tilt] = np.where(bad[tilt], around, image)

    run_blocks(repair, range(count), progress=share_of(progress, 0.8, 1.0), should_stop=should_stop)
    repaired = tuple(bad.sum(axis=(1, 2)).tolist())
    return series.after(RepairPixelsStep(threshold, repaired, int(fixed.sum())), images)


def _stands_out(image: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    excess = image - scipy.ndimage.median_filter(image, 3, mode="reflect")
    sigma = np.sqrt(pixel_variances(image))
    off = np.abs(image - scipy.ndimage.median_filter(image, 5, mode="reflect"))
    sharp = scipy.ndimage.maximum_filter(off, footprint=_BESIDE, mode="reflect") < _SPREAD * np.abs(
        excess
    )
    return np.asarray(
        (np.abs(excess) > threshold * np.maximum(sigma, 1e-6 * np.ptp(image))) & sharp
    )


def pixel_variances(image: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the variance of each pixel about its surroundings, from the pixels of like grey value
    in the same image.

    By the second difference (Immerkær, doi 10.1006/cviu.1996.0060), to which the finest structure
    counts as noise: a pixel is bad only where it stands out of both.
    """
    answer = mask_answer(image, _SECOND_DIFFERENCE)
    smooth = scipy.ndimage.uniform_filter(image, 5, mode="nearest")
    order = np.argsort(smooth, axis=None, kind="stable")
    bounds = np.linspace(0, len(order), min(_CLASSES, max(1, len(order) // 64)) + 1).astype(int)
    out = np.empty(len(order))
    flat = answer.ravel()
    for low, high in pairwise(bounds):
        members = order[low:high]
        out[members] = np.median(np.square(flat[members], dtype=np.float64)) / _MEDIAN_SQUARE
    return out.reshape(image.shape)
