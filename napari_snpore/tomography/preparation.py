"""What is done to the images before they are aligned: the vacuum level is brought to zero.

A detector's offset is no mass, but a reconstruction would spread it over the volume. Nothing here runs unasked: a recipe names
each step, and the history keeps it.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from napari_snpore.compute import run_blocks
from napari_snpore.errors import InputError
from napari_snpore.tomography.tilt_series import TiltSeries

Background = Literal["auto", "none"] | float

_BINS = 1024
_PEAK = 0.05


def subtract_background(series: TiltSeries, level: Background = "auto") -> TiltSeries:
    """Return the series with its vacuum at zero.

    Parameters
    ----------
    series : TiltSeries
        Raw images.
    level : "auto", "none" or float
        ``auto`` takes each image's own :func:`vacuum_level`; a number (grey units of the file) is subtracted from all;
        ``none`` returns the series as it is.

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
        levels = np.array(run_blocks(lambda k: vacuum_level(series.images[k]), range(len(series.angles_deg))))
    elif isinstance(level, (int, float)) and math.isfinite(level):
        levels = np.full(len(series.angles_deg), float(level))
    else:
        raise InputError(f"background is {level!r}; 'auto', 'none' or a grey value is needed.")
    images = np.empty(series.shape, np.float32)

    def subtract(k: int) -> None:
        np.subtract(series.images[k], levels[k], out=images[k], casting="unsafe", dtype=np.float64)

    run_blocks(subtract, range(len(levels)))
    return series.after("subtract background", images, level=level, median_level=float(np.median(levels)))


def vacuum_level(image: NDArray[Any]) -> float:
    """Return the grey value of the darkest peak of an image's histogram: vacuum, wherever there is some in the field.

    The range is that of 99.9 % of the pixels; a peak counts from a twentieth of the greatest one on, and its place is
    the median of the pixels around it.
    """
    values = np.asarray(image, np.float64).ravel()
    if not np.isfinite(values).all():
        raise InputError("An image holds NaN or infinite values; leave it out or repair it.")
    low, high = np.percentile(values, (0.05, 99.95))
    if high <= low:
        return float(low)
    counts, edges = np.histogram(values, _BINS, (low, high))
    smooth = gaussian_filter1d(counts.astype(np.float64), 2.0, mode="constant")
    rises = np.concatenate([[True], np.diff(smooth) > 0])
    peaks = np.flatnonzero(rises & ~np.concatenate([rises[1:], [False]]))
    first = peaks[smooth[peaks] >= _PEAK * smooth.max()][0]
    near = (values >= edges[max(first - 4, 0)]) & (values <= edges[min(first + 5, _BINS)])
    return float(np.median(values[near]))
