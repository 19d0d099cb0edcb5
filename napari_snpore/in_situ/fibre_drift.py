"""Drift of a growing fibre between frames: across by the fitted axis, along by its structure.

Two whole images of a fibre are nearly alike along it and differ in width once it has grown, so that
their correlation has a broad top which any taper pulls back to zero. Here the two directions are
asked apart. Across, the axis of the fitted cylinder stays the axis when the radius changes. Along,
the fibre is drawn straight, at the same places in shares of its radius, its profile nearby is taken
away, and what is left (clusters, pores) is correlated with the first frame: every overlap with its
own norm, so that nothing pulls.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import scipy

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.in_situ.diameter import fibre_diameter
from napari_snpore.in_situ.drift import SMOOTHING_PX, movement_of, smoothed
from napari_snpore.in_situ.frames import FLOAT, ImageSeries
from napari_snpore.in_situ.rectangle import directions

_INSIDE = 0.85
"""Share of the radius that is looked at: the edges are alike everywhere."""
_LEAST_OVERLAP = 0.4
_SURE = 5.0
"""Least height of a correlation peak above the median, in standard deviations."""
_CHANCE = math.sqrt(2 * math.pi) * SMOOTHING_PX
"""Standard deviation of a correlation of noise alone, times the root of the pixels that overlap,
for smoothed ones.
"""


def fibre_drift(
    series: ImageSeries, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> FLOAT:
    """Return how far the fibre of each frame has moved against the first one.

    A frame in which no fibre is fitted is correlated with the first as a whole
    (:func:`~napari_snpore.in_situ.drift.image_drift`). Where a fibre shows no structure from which
    its drift along itself, that part is taken from the frames before and after it; it is zero where
    most frames show none.

    Parameters
    ----------
    series : ImageSeries
        Images of one fibre.
    progress, should_stop : callable, optional
        As in :func:`~napari_snpore.compute.run_blocks`.

    Returns
    -------
    array, shape (frame, 2)
        Movement ``(dy, dx)`` in nm; zero in the first frame, NaN where a frame (or the first) is
        not finite.
    """
    count = len(series)
    part = (
        None
        if progress is None
        else (lambda done, total: progress(done * 2 * count // total, 3 * count))
    )
    table = fibre_diameter(series, progress=part, should_stop=should_stop)
    fitted = table["fitted"].to_numpy()
    first = series.frame(0)
    straight = (
        _straight(first, table.iloc[0], table.iloc[0], series.pixel_size_nm) if fitted[0] else None
    )

    def move(index: int) -> tuple[FLOAT, float]:
        """Return the movement without the part along the fibre, and that part in px."""
        frame = series.frame(index)
        if straight is None or not fitted[index]:
            return movement_of(first, frame) * series.pixel_size_nm, 0.0
        across = directions(table["angle_deg"].iloc[0])[1]
        moved = (table["center_nm"].iloc[index] - table["center_nm"].iloc[0]) * across
        if index == 0:
            return moved, 0.0
        return moved, _along(
            straight, _straight(frame, table.iloc[index], table.iloc[0], series.pixel_size_nm)
        )

    found = run_blocks(
        move,
        range(count),
        progress=None
        if progress is None
        else (lambda done, _: progress(2 * count + done, 3 * count)),
        should_stop=should_stop,
    )
    drift, along = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    if straight is None:
        return drift
    known = fitted & np.isfinite(along)
    if 2 * known.sum() < fitted.sum():  # what few frames seem to show is chance
        known = np.arange(count) == 0
    frames = np.arange(count)
    along = np.where(fitted, np.interp(frames, frames[known], along[known]), 0.0)
    moved: FLOAT = (
        drift + along[:, None] * series.pixel_size_nm * directions(table["angle_deg"].iloc[0])[0]
    )
    return moved


def _straight(image: FLOAT, row: pd.Series, first: pd.Series, pixel: float) -> FLOAT:
    """Return the structure of a fibre, drawn straight: (across, along), px along, the radius of the
    first frame across.

    Its profile nearby is taken away, and values without an image are NaN.
    """
    along, across = directions(row["angle_deg"])
    middle = (np.array(image.shape) - 1) / 2
    reach, half = math.hypot(*image.shape) / 2, _INSIDE * first["diameter_nm"] / 2 / pixel
    u, s = np.arange(-math.floor(reach), reach), np.arange(-math.floor(half), half)
    grown = row["diameter_nm"] / first["diameter_nm"]
    places = (middle + row["center_nm"] / pixel * across)[:, None, None] + (
        along[:, None, None] * u[None, None, :] + across[:, None, None] * (grown * s)[None, :, None]
    )
    drawn = scipy.ndimage.map_coordinates(
        smoothed(image), places, order=1, mode="constant", cval=np.nan
    )
    known = np.isfinite(drawn)
    near = (
        half / 2
    )  # not the mean of the whole length: a direction that is a little off would look like structure
    shares = scipy.ndimage.gaussian_filter1d(known.astype(float), near, axis=1, mode="constant")
    sums = scipy.ndimage.gaussian_filter1d(
        np.where(known, drawn, 0.0), near, axis=1, mode="constant"
    )
    structure: FLOAT = drawn - sums / np.maximum(shares, 1e-9)
    return structure


def _along(one: FLOAT, two: FLOAT) -> float:
    """Return the shift of the second structure along the fibre in px; NaN without a clear peak."""
    size = scipy.fft.next_fast_len(2 * one.shape[1])
    rows = min(len(one), len(two))
    one, two = one[:rows], two[:rows]

    def sums(first: FLOAT, second: FLOAT) -> FLOAT:
        product = np.conj(np.fft.rfft(first, size, axis=1)) * np.fft.rfft(second, size, axis=1)
        return np.fft.fftshift(np.fft.irfft(product.sum(axis=0), size))

    mask_one, mask_two = np.isfinite(one).astype(float), np.isfinite(two).astype(float)
    one, two = np.nan_to_num(one), np.nan_to_num(two)
    overlap = sums(mask_one, mask_two)
    power = sums(one**2, mask_two) * sums(mask_one, two**2)
    enough = (overlap > _LEAST_OVERLAP * overlap.max()) & (power > 0)
    if not enough.any():
        return math.nan
    alike = sums(one, two) / np.sqrt(np.where(enough, power, np.inf))
    sure = alike * np.sqrt(np.maximum(overlap, 0.0))  # chance makes more of less overlap
    others = sure[enough]
    top = int(np.argmax(sure))
    scatter = max(_CHANCE, 1.4826 * float(np.median(np.abs(others - np.median(others)))))
    if not 0 < top < size - 1 or not sure[top] - np.median(others) > _SURE * scatter:
        return math.nan
    left, middle, right = (float(value) for value in alike[top - 1 : top + 2])
    return float(top - size // 2) + (left - right) / (2 * (left - 2 * middle + right))
