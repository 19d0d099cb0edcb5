"""Preparation of the images before alignment: background, mass, binning, cropping, tilts left out.

A detector's offset is no mass, but a reconstruction would spread it over the volume. Nothing here
runs unasked: a recipe names each step, and the history keeps it. Bad pixels and bad tilts have
files of their own.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import (
    BinStep,
    CropStep,
    NormalizeMassStep,
    SubtractBackgroundStep,
    has_step,
)
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.tomography.tilt_series import TiltSeries, check_image

Background = Literal["auto", "none"] | float

_BINS = 1024
_PEAK = 0.05
_SMALLEST_SIDE = 8


def subtract_background(
    series: TiltSeries,
    level: Background = "auto",
    *,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the series with its vacuum at zero.

    Parameters
    ----------
    series : TiltSeries
        Raw images.
    level : "auto", "none" or float
        ``auto`` takes each image's own :func:`vacuum_level`; a number (grey units of the file) is
        subtracted from all; ``none`` returns the series as it is.
    scratch : ScratchSpace
        Where the images are made: for a series larger than memory.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32 images; the level is kept in the history.

    Raises
    ------
    InputError
        NaN in an image, or a level that is no finite number.
    """
    if level == "none":
        return series
    if level == "auto":
        find = partial(_level_of, series)
        tilts = range(len(series.angles_deg))
        levels = np.array(
            run_blocks(find, tilts, progress=share_of(progress, 0.0, 0.7), should_stop=should_stop)
        )
    elif isinstance(level, (int, float)) and math.isfinite(level):
        levels = np.full(len(series.angles_deg), float(level))
    else:
        raise InputError(f"background is {level!r}; 'auto', 'none' or a grey value is needed.")
    images = scratch.empty(series.shape)

    def subtract(k: int) -> None:
        images[k] = np.subtract(series.images[k], levels[k], dtype=np.float64)

    run_blocks(
        subtract, range(len(levels)), progress=share_of(progress, 0.7, 1.0), should_stop=should_stop
    )
    return series.after(SubtractBackgroundStep(level, float(np.median(levels))), images)


def _level_of(series: TiltSeries, tilt: int) -> float:
    image = np.asarray(series.images[tilt])
    check_image(image, tilt)
    return vacuum_level(image)


def normalize_mass(
    series: TiltSeries,
    *,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the series with every image scaled to the median mass: for a beam current that drifts.

    Off by default everywhere: an oblique or long fibre brings more or less of itself into the field
    as it tilts, which is no error. The factors are kept in the history.

    Raises
    ------
    InputError
        The background was not subtracted before (a factor would scale the offset too), or an image
        without mass.
    """
    if not has_step(series.history, SubtractBackgroundStep):
        raise InputError(
            "normalize_mass needs a series whose background was subtracted; set background first."
        )
    mass = np.array([np.asarray(image, np.float64).sum() for image in series.images])
    if not (mass > 0).all():
        raise InputError(
            f"Image {int(np.argmin(mass))} of the tilt series has no mass above the background; leave it out."
        )
    factors = np.median(mass) / mass
    images = scratch.empty(series.shape)

    def scale(k: int) -> None:
        images[k] = np.multiply(series.images[k], factors[k], dtype=np.float64)

    run_blocks(scale, range(len(factors)), progress=progress, should_stop=should_stop)
    return series.after(NormalizeMassStep(tuple(factors.tolist())), images)


def bin_series(
    series: TiltSeries,
    factor: int,
    *,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the series with squares of ``factor`` by ``factor`` px averaged into one; rows and
    columns left over are cut.

    Raises
    ------
    InputError
        A factor that is no whole number from 1 on, or leaves fewer than 8 px a side.
    """
    if isinstance(factor, bool) or int(factor) != factor or factor < 1:
        raise InputError(f"bin is {factor}; a whole number, 1 or more, is needed.")
    if factor == 1:
        return series
    tilts, ny, nx = series.shape
    rows, columns = ny // factor, nx // factor
    if min(rows, columns) < _SMALLEST_SIDE:
        raise InputError(
            f"bin is {factor}; images of {ny} x {nx} px would have fewer than {_SMALLEST_SIDE} px a side."
        )
    top, left = (ny - rows * factor) // 2, (nx - columns * factor) // 2
    images = scratch.empty((tilts, rows, columns))

    def average(k: int) -> None:
        cut = np.asarray(series.images[k])[
            top : top + rows * factor, left : left + columns * factor
        ]
        images[k] = cut.reshape(rows, factor, columns, factor).mean(axis=(1, 3), dtype=np.float64)

    run_blocks(average, range(tilts), progress=progress, should_stop=should_stop)
    binned = series.after(BinStep(int(factor)), images)
    return replace(binned, pixel_size_nm=series.pixel_size_nm * factor)


def crop_series(series: TiltSeries, y: tuple[int, int], x: tuple[int, int]) -> TiltSeries:
    """Return the part of all images from ``y[0]`` to ``y[1]`` and ``x[0]`` to ``x[1]`` (px, ends
    excluded), without a copy.

    The rotation centre is the middle of what is left.

    Raises
    ------
    InputError
        A part beyond the images or with fewer than 8 px a side.
    """
    for name, (first, last), size in (("y", y, series.shape[1]), ("x", x, series.shape[2])):
        if not 0 <= first < last <= size or last - first < _SMALLEST_SIDE:
            raise InputError(
                f"crop along {name} is {first} to {last} px; a part of 0 to {size} with at least {_SMALLEST_SIDE} px is needed."
            )
    images = series.images[:, y[0] : y[1], x[0] : x[1]]
    return series.after(CropStep(y, x), images)


def vacuum_level(image: NDArray[Any]) -> float:
    """Return the grey value of the darkest peak of an image's histogram: vacuum, wherever there is
    some in the field.

    The range is that of 99.9 % of the pixels; a peak counts from a twentieth of the greatest one
    on, and its place is the median of the pixels around it.
    """
    values = np.asarray(image, np.float64).ravel()
    if not np.isfinite(values).all():
        raise InputError("An image holds NaN or infinite values; leave it out or repair it.")
    low, high = np.percentile(values, (0.05, 99.95))
    if high <= low:
        return float(low)
    counts, edges = np.histogram(values, _BINS, (low, high))
    smooth = scipy.ndimage.gaussian_filter1d(counts.astype(np.float64), 2.0, mode="constant")
    rises = np.concatenate([[True], np.diff(smooth) > 0])
    peaks = np.flatnonzero(rises & ~np.concatenate([rises[1:], [False]]))
    first = peaks[smooth[peaks] >= _PEAK * smooth.max()][0]
    near = (values >= edges[max(first - 4, 0)]) & (values <= edges[min(first + 5, _BINS)])
    return float(np.median(values[near]))
