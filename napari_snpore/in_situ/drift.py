"""Drift of the specimen between frames by cross-correlation with the first, to subpixel
accuracy.
"""

from __future__ import annotations

import numpy as np
import scipy
import skimage
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.in_situ.frames import FLOAT, ImageSeries, series_of

_FINENESS = 50
SMOOTHING_PX = 1.0
_LEAST_OVERLAP = 0.25


def image_drift(
    images: ImageSeries | ArrayLike,
    *,
    pixel_size_nm: float | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> FLOAT:
    """Return how far the picture of each frame has moved against the first one.

    Each frame is correlated with the first: once as a whole, then again where both overlap, so that
    the taper towards the rim does not pull towards zero. A fibre without features along its axis
    leaves the movement along it undetermined, and one that grows pulls as well:
    :func:`~napari_snpore.in_situ.fibre_drift.fibre_drift` asks the fitted axis.

    Parameters
    ----------
    images : ImageSeries, or array of shape (frame, y, x)
        Grey values.
    pixel_size_nm : float
        Edge of a pixel; needed for an array.
    progress, should_stop : callable, optional
        As in :func:`~napari_snpore.compute.run_blocks`.

    Returns
    -------
    array, shape (frame, 2)
        Movement ``(dy, dx)`` in nm; zero in the first frame, NaN where a frame (or the first) is
        not finite.

    Examples
    --------
    >>> spot = np.zeros((2, 32, 32))
    >>> spot[0, 12:16, 14:18] = spot[1, 14:18, 14:18] = 1  # two pixels down
    >>> image_drift(spot, pixel_size_nm=0.5).round(1).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    series = series_of(images, pixel_size_nm, None)
    first = series.frame(0)

    def move(index: int) -> FLOAT:
        return movement_of(first, series.frame(index))

    found = run_blocks(move, range(len(series)), progress=progress, should_stop=should_stop)
    return np.array(found) * series.pixel_size_nm


def movement_of(first: FLOAT, frame: FLOAT) -> FLOAT:
    """Return the movement (dy, dx) in px from one image to another; NaN where one of them is not
    finite.
    """
    if not np.isfinite(first).all() or not np.isfinite(frame).all():
        return np.full(2, np.nan)
    return np.zeros(2) if first is frame else movement(smoothed(first), smoothed(frame))


def movement(reference: FLOAT, frame: FLOAT) -> FLOAT:
    """Return the movement (dy, dx) in px of what both images show."""
    moved = np.zeros(2)
    for _ in range(3):
        whole = np.rint(moved).astype(int)
        one, two = _overlap(reference, frame, whole)
        if one.size < _LEAST_OVERLAP * reference.size:
            break
        # the shift that brings the second onto the first is minus the movement; without
        # normalisation by the spectrum, which would give noise as much say as the picture
        shift = skimage.registration.phase_cross_correlation(
            _tapered(one), _tapered(two), upsample_factor=_FINENESS, normalization=None
        )[0]
        moved = whole - np.asarray(shift, dtype=np.float64)
        if np.array_equal(np.rint(moved).astype(int), whole):
            break
    return moved


def _overlap(reference: FLOAT, frame: FLOAT, moved: NDArray[np.int64]) -> tuple[FLOAT, FLOAT]:
    one, two = [], []
    for n, step in zip(reference.shape, moved, strict=True):
        size = max(n - abs(int(step)), 0)
        start = max(-int(step), 0)
        one.append(slice(start, start + size))
        two.append(slice(max(int(step), 0), max(int(step), 0) + size))
    return reference[tuple(one)], frame[tuple(two)]


def _tapered(image: FLOAT) -> FLOAT:
    windows = [np.hanning(n + 2)[1:-1] for n in image.shape]
    tapered: FLOAT = (image - image.mean()) * windows[0][:, None] * windows[1][None, :]
    return tapered


def smoothed(image: FLOAT) -> FLOAT:
    """Return an image with less of its noise."""
    smooth: FLOAT = scipy.ndimage.gaussian_filter(image, SMOOTHING_PX, mode="nearest")
    return smooth
