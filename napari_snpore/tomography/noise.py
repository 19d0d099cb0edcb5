"""Noise of the images as a share of their norm: the residual at which an iterative reconstruction
fits only noise.

The variance of each pixel is taken as a function of its grey value (counting noise rises with it).
For classes of grey value it is measured by the mask that answers to noise but not to planes and
edges (Immerkær, doi 10.1006/cviu.1996.0060), as a median, so that the few places with structure do
not count. An image that was interpolated by an alignment has smoother noise; how much weaker the
mask answers to it is measured on white noise sent through the same interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.history import AlignStep, last_step
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import warp_images

Floats = NDArray[np.float32]

_MASK = np.array([1.0, -2.0, 1.0], np.float32)
_MASK_POWER = 36.0  # sum of the squares of its outer product
_MEDIAN_SQUARE = 0.454936  # median of the square of a standard normal number
_CLASSES = 24
"""Classes of grey value, fewer where one would hold less than 64 pixels."""

_PROBE_PX = 64
"""Side, px, of the images of white noise; their inner half is used, away from the edges."""

_PROBES = 8
"""Images of white noise per tilt."""


@dataclass(frozen=True)
class NoiseLevel:
    """The noise of a tilt series.

    Attributes
    ----------
    share : float
        Its norm over the norm of the images: comparable with a residual.
    sigma : float
        Its standard deviation in grey units of the images, averaged with their grey value as
        weight: that of the object, not of the vacuum.
    """

    share: float
    sigma: float


def noise_level(
    series: TiltSeries, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> NoiseLevel:
    """Estimate the noise of a tilt series from its images alone.

    Parameters
    ----------
    series : TiltSeries
        Raw or aligned; what an alignment by this package did to the noise is taken from the
        history.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    NoiseLevel
        Of counting noise on smooth or piecewise smooth objects right to about a tenth; structure at
        every pixel reads as noise, and noise that the detector or another program has smoothed
        reads too low.
    """
    gains = _answers(series)

    def one(tilt: int) -> tuple[float, float, float, float]:
        image = np.asarray(series.images[tilt], np.float32)
        variance = pixel_variances(image) * gains[tilt]
        weight = np.maximum(image, 0).astype(np.float64)
        square = np.square(image, dtype=np.float64)
        return (
            float(variance.sum()),
            float((variance * weight).sum()),
            float(weight.sum()),
            float(square.sum()),
        )

    sums = run_blocks(
        one, range(len(series.angles_deg)), progress=progress, should_stop=should_stop
    )
    noise, weighted, weights, power = np.sum(sums, axis=0)
    share = float(np.sqrt(noise / power)) if power > 0 else 0.0
    return NoiseLevel(share, float(np.sqrt(weighted / weights)) if weights > 0 else 0.0)


def pixel_variances(image: Floats) -> NDArray[np.float64]:
    """Return the noise variance of each pixel, from the pixels of like grey value in the same
    image.
    """
    answer = _answer(image)
    smooth = scipy.ndimage.uniform_filter(image, 5, mode="nearest")
    order = np.argsort(smooth, axis=None, kind="stable")
    bounds = np.linspace(0, len(order), min(_CLASSES, max(1, len(order) // 64)) + 1).astype(int)
    out = np.empty(len(order))
    flat = answer.ravel()
    for low, high in pairwise(bounds):
        members = order[low:high]
        out[members] = np.median(np.square(flat[members], dtype=np.float64)) / (
            _MEDIAN_SQUARE * _MASK_POWER
        )
    return out.reshape(image.shape)


def _answer(image: Floats) -> Floats:
    """Filter with the outer product of the second difference with itself."""
    return np.asarray(
        scipy.ndimage.correlate1d(
            scipy.ndimage.correlate1d(image, _MASK, axis=0, mode="reflect"),
            _MASK,
            axis=1,
            mode="reflect",
        )
    )


def _answers(series: TiltSeries) -> NDArray[np.float64]:
    """Return, for each tilt, variance over what the mask makes of it: 1, more where noise was
    interpolated.
    """
    step = last_step(series.history, AlignStep)
    count = len(series.angles_deg)
    if step is None or len(step.shifts_px) != count:
        return np.ones(count)
    shifts = np.asarray(step.shifts_px, np.float64)
    shifts = shifts - np.round(shifts)  # whole pixels move noise and leave it as it is
    angle, offset = step.axis_angle_deg, step.axis_offset_px
    probes = (
        np.random.default_rng(0).standard_normal((_PROBES, _PROBE_PX, _PROBE_PX)).astype(np.float32)
    )
    inner = (
        slice(None),
        slice(_PROBE_PX // 4, -_PROBE_PX // 4),
        slice(_PROBE_PX // 4, -_PROBE_PX // 4),
    )
    out = np.empty(count)
    for tilt in range(count):
        moved = warp_images(
            probes,
            np.repeat(shifts[tilt : tilt + 1], _PROBES, axis=0),
            angle,
            offset - round(offset),
        )
        answer = np.stack([_answer(image) for image in moved])[inner]
        # by the median as well: between pixels, noise is smoothed more in some places than in
        # others
        out[tilt] = moved[inner].var() / (
            np.median(np.square(answer)) / (_MEDIAN_SQUARE * _MASK_POWER)
        )
    return out
