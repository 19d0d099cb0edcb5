"""Detection and repair of hot and dead pixels, rows and columns, by tilt and over all tilts.

A probe or a detector blurs: whatever is real and bright lifts its neighbours too. A pixel counts as
bad where it is further from the median of its 3 × 3 surroundings than ``threshold`` times the noise
there, while none of its eight neighbours is off by more than ``_SPREAD`` of that. Two bad pixels
side by side are therefore kept, unless they are far outside all other grey values.
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
from napari_snpore.tomography.bad_lines import Lines, bad_lines, fill_lines
from napari_snpore.tomography.noise_samples import mask_answer
from napari_snpore.tomography.tilt_series import TiltSeries

_SPREAD = 0.25
_FIXED_SHARE = 0.5  # of the tilts, from which on a pixel is held to be the detector's
_SECOND_DIFFERENCE = np.array([1.0, -2.0, 1.0], np.float32)
_MEDIAN_SQUARE = 0.454936  # median of the square of a standard normal number
_CLASSES = 24
"""Classes of grey value per image, fewer where one would hold less than 64 pixels."""

_MOST_FAR = 64
"""Pixels on one side of an image's grey values that may lie far outside all others."""

_MOST_FAR_SHARE = 2e-3
"""The same as a share of a small image."""

_FAR = 1.0
"""Distance of a far pixel from all others, in widths of their range."""

_ALIKE = 0.5
"""Least share of the greatest excess that every pixel of such a spot has: a particle falls off
within itself.
"""

_SAMPLE = 1 << 16
"""Pixels of a large image, evenly spread, whose range stands for that of all."""

_LARGEST_SPOT = 9
"""Pixels that are far outside and touch each other, at most, in a fault of the detector."""

_BESIDE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.bool_)


def repair_pixels(
    series: TiltSeries,
    *,
    threshold: float = 8.0,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Replace hot and dead pixels by the median of their surroundings, rows and columns by the lines
    beside them.

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
        are bad in at least half of the tilts and are replaced in all of them, and ``rows`` and
        ``columns`` that were replaced.

    Raises
    ------
    InputError
        NaN in an image, or a threshold below 4.
    """
    if not (math.isfinite(threshold) and threshold >= 4):
        raise InputError(f"threshold is {threshold}; 4 standard deviations or more are needed.")
    count = len(series.angles_deg)

    def find(tilt: int) -> tuple[NDArray[np.bool_], Lines]:
        image = np.array(series.images[tilt], np.float32)
        if not np.isfinite(image).all():
            raise InputError(
                f"Image {tilt} of the tilt series holds NaN or infinite values; leave it out or repair it."
            )
        lines = bad_lines(image, without_far_pixels(image)[0])
        fill_lines(image, lines)
        return _stands_out(image, threshold) | far_pixels(image), lines

    found = run_blocks(
        find, range(count), progress=share_of(progress, 0.0, 0.8), should_stop=should_stop
    )
    bad = np.stack([pixels for pixels, _ in found])
    rows, columns = (np.stack([lines[axis] for _, lines in found]) for axis in (0, 1))
    fixed = bad.mean(axis=0) >= _FIXED_SHARE
    for every in (bad, rows, columns):
        every |= every.mean(axis=0) >= _FIXED_SHARE
    images = scratch.empty(series.shape)

    def repair(tilt: int) -> None:
        image = np.array(series.images[tilt], np.float32)
        fill_lines(image, (rows[tilt], columns[tilt]))
        around = scipy.ndimage.median_filter(image, 3, mode="reflect")
        repaired = np.where(bad[tilt], around, image)
        _fill(repaired, far_pixels(image), bad[tilt])  # the median of a spot is the spot
        images[tilt] = repaired

    run_blocks(repair, range(count), progress=share_of(progress, 0.8, 1.0), should_stop=should_stop)
    replaced = bad | rows[:, :, None] | columns[:, None, :]
    made_by = RepairPixelsStep(
        threshold,
        tuple(replaced.sum(axis=(1, 2)).tolist()),
        int(fixed.sum()),
        rows=_numbers(rows),
        columns=_numbers(columns),
    )
    return series.after(made_by, images)


def _numbers(lines: NDArray[np.bool_]) -> tuple[int, ...] | None:
    """Return the lines that are bad in any image; None where none is."""
    return tuple(int(line) for line in np.flatnonzero(lines.any(axis=0))) or None


def without_far_pixels(image: NDArray[Any]) -> tuple[NDArray[np.float32], int]:
    """Return an image whose :func:`far_pixels` are like their surroundings, and how many they are.

    For measurements that a few such pixels would decide, alignment above all; grey values may come
    out less a constant.

    Parameters
    ----------
    image : array of real numbers, shape (y, x)
        Finite.

    Returns
    -------
    (float32 array, shape (y, x); int)
    """
    values = np.asarray(image)
    if values.dtype.itemsize > 2 and values.dtype != np.float32:
        values = np.subtract(values, values.min(), dtype=np.float64)  # a large offset costs digits
    values = values.astype(np.float32)
    far = far_pixels(values)
    count = int(np.count_nonzero(far))
    if not count:
        return values, 0
    out = values.copy()
    _fill(out, far, far)
    return out, count


def far_pixels(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return the pixels of faults far outside the grey values of all others, bool, shape (y, x).

    Single pixels or spots of a few, towards which the surroundings do not rise, as they would
    beside a real bright particle. Quick, and blind to what :func:`repair_pixels` finds within the
    range of the others.
    """
    far, middle = _far_from_all_others(image)
    bad = np.zeros(far.shape, np.bool_)
    if not far.any():
        return bad
    square = np.ones((3, 3), np.bool_)
    spots, _ = scipy.ndimage.label(far, structure=square)
    for number, box in enumerate(scipy.ndimage.find_objects(spots), 1):
        around = tuple(slice(max(0, side.start - 3), side.stop + 3) for side in box)
        here, spot, others = image[around], spots[around] == number, ~far[around]
        if np.count_nonzero(spot) > _LARGEST_SPOT:
            continue
        near = scipy.ndimage.binary_dilation(spot, square)
        ring, surroundings = here[near & others], here[~near & others]
        level = float(np.median(surroundings)) if surroundings.size else middle
        excess, rise = np.abs(here[spot] - level), np.abs(ring - level).max(initial=0)
        if rise < _SPREAD * excess.min() and excess.min() > _ALIKE * excess.max():
            bad[around] |= spot
    return bad


def _far_from_all_others(image: NDArray[np.float32]) -> tuple[NDArray[np.bool_], float]:
    """Return the pixels farther from the range of all others than it is wide, and its middle.

    The range is that of a sample of the pixels: in a large image faults hardly are among them.
    """
    none = np.zeros(image.shape, np.bool_)
    few = int(min(_MOST_FAR, _MOST_FAR_SHARE * image.size))
    step = max(1, image.size // _SAMPLE)
    sample = image.ravel()[::step]
    cut = few if step == 1 else max(1, few // step)
    if few < 1 or sample.size <= 2 * cut:
        return none, 0.0
    ordered = np.partition(sample, [cut, sample.size - 1 - cut])
    low, high = float(ordered[cut]), float(ordered[-1 - cut])
    width, far = high - low, none
    if not width > 0:
        return none, low
    for beyond in (image > high + _FAR * width, image < low - _FAR * width):
        if np.count_nonzero(beyond) <= few:  # more are no faults
            far = far | beyond
    return far, (low + high) / 2


def _fill(image: Any, pixels: NDArray[np.bool_], bad: NDArray[np.bool_]) -> None:
    """Write the median of the good pixels around into each of some pixels."""
    for y, x in np.argwhere(pixels):
        for reach in (2, 4):
            here = slice(max(0, y - reach), y + reach + 1), slice(max(0, x - reach), x + reach + 1)
            good = image[here][~bad[here]]
            if good.size:
                image[y, x] = np.median(good)
                break


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
