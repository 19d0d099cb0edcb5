"""Contrast of the images: bright field recognised, and inverted where that is asked for.

In dark-field images (HAADF) mass is bright and vacuum dark, as every reconstruction here takes it;
in bright-field images vacuum is bright. Which of them a series is shows where the specimen ends:
the sides of an image that lie in vacuum are even, and at one end of the grey values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of
from napari_snpore.history import InvertContrastStep, has_step
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.tomography.preparation import vacuum_level
from napari_snpore.tomography.tilt_series import TiltSeries, check_image

BRIGHT_FIELD_NOTE = (
    "Vacuum is brighter than the specimen in the images, as in bright field; mass has to be bright: "
    "invert the images before they are aligned (invert in [prepare], --invert, or under Prepare)."
)
"""What is said of images in which :func:`is_bright_field` sees bright vacuum."""

_UNDECIDED = (
    "No side of the images lies in vacuum, so that dark field, in which mass is bright as it has to be, "
    "cannot be told from bright field"
)

_TREND = (
    "; the images grow darker as the tilt grows, as in bright field, which has to be inverted (invert "
    "in [prepare], --invert, or under Prepare)"
)

_SOME = 0.15
"""Share of all sides in vacuum, bright or dark, from which they decide."""

_FOLLOWS = 0.8
"""Correlation of an image's mean with the way through a film."""

_TILTS = 15
"""Tilts that are looked at, evenly spread over the series."""

_BLOCKS = 64
"""Blocks along the longer side of an image: their means hardly hold noise."""

_STRIP = 2
"""Width of a side, blocks."""

_END = 0.2
"""Share of the range of grey values that counts as its end."""

_EVEN = 0.25
"""Spread of an even side (10 to 90 %), as a share of the range."""

_SHARE = 0.3
"""Share of all sides that are bright and even in bright field: two sides of four in most tilts."""

_CLEAR = 3.0
"""How many times as many sides must be bright as dark: a slab that leaves the field at high tilts
has some of both.
"""


def contrast_note(series: TiltSeries) -> str | None:
    """Return a sentence where the contrast of a series is bright field, or cannot be told from it.

    None for dark field, and for images that were inverted here.

    Parameters
    ----------
    series : TiltSeries
        Raw images, finite.
    """
    if has_step(series.history, InvertContrastStep):
        return None
    bright, dark, seen = _vacuum_sides(series)
    if _is_bright(bright, dark, seen):
        return BRIGHT_FIELD_NOTE
    if seen == 0 or bright + dark >= _SOME * seen:
        return None
    return f"{_UNDECIDED}{_TREND if _darker_with_tilt(series) else ''}."


def is_bright_field(series: TiltSeries) -> bool:
    """Return whether vacuum is bright in the images of a series.

    False also where no side of the images lies in vacuum: then nothing tells, and
    :func:`contrast_note` says so.

    Parameters
    ----------
    series : TiltSeries
        Raw images, finite.
    """
    return _is_bright(*_vacuum_sides(series))


def _is_bright(bright: int, dark: int, seen: int) -> bool:
    return bright >= _SHARE * max(seen, 1) and bright > _CLEAR * dark


def _chosen_tilts(series: TiltSeries) -> NDArray[np.int_]:
    count = len(series.angles_deg)
    chosen: NDArray[np.int_] = np.unique(
        np.linspace(0, count - 1, min(count, _TILTS)).round().astype(int)
    )
    return chosen


def _vacuum_sides(series: TiltSeries) -> tuple[int, int, int]:
    """Count the even sides of images at the bright and at the dark end of their grey values, and all
    sides.
    """
    bright = dark = seen = 0
    for tilt in _chosen_tilts(series):
        blocks = _block_means(np.asarray(series.images[tilt], np.float64))
        low, high = np.percentile(blocks, (1, 99))
        if not high > low:
            continue
        for side in _sides((blocks - low) / (high - low)):
            first, middle, last = np.percentile(side.mean(axis=0), (10, 50, 90))
            even = last - first < _EVEN
            bright += bool(even and middle > 1 - _END)
            dark += bool(even and middle < _END)
            seen += 1
    return bright, dark, seen


def _darker_with_tilt(series: TiltSeries) -> bool:
    """Return whether the images grow clearly darker as the beam's way through a film grows."""
    tilts = _chosen_tilts(series)
    means = np.array([np.asarray(series.images[tilt], np.float64).mean() for tilt in tilts])
    way = 1 / np.maximum(np.cos(np.radians(series.angles_deg[tilts])), 0.1)
    if len(tilts) < 3 or np.ptp(way) < 0.1 or np.ptp(means) == 0:
        return False
    return bool(np.corrcoef(way, means)[0, 1] < -_FOLLOWS)


def invert_contrast(
    series: TiltSeries,
    *,
    scratch: ScratchSpace = IN_MEMORY,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Return the series with mass bright: each image subtracted from the level of bright vacuum.

    Linear in the grey value: right for thin specimens, in which the loss of the beam is
    proportional to their mass.

    Parameters
    ----------
    series : TiltSeries
        Raw images, vacuum bright.
    scratch : ScratchSpace
        Where the images are made: for a series larger than memory.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    TiltSeries
        float32; the history holds the level, the median over the tilts of the brightest peak of an
        image's histogram.

    Raises
    ------
    InputError
        NaN in an image.

    Examples
    --------
    >>> images = np.full((3, 16, 16), 100.0)
    >>> images[:, 4:8, 4:8] = 30
    >>> inverted = invert_contrast(TiltSeries(images, [-60, 0, 60], 1.0)).images
    >>> float(inverted[0, 0, 0]), float(inverted[0, 5, 5])
    (0.0, 70.0)
    """
    tilts = range(len(series.angles_deg))

    def find(tilt: int) -> float:
        image = np.asarray(series.images[tilt], np.float64)
        check_image(image, tilt)
        return -vacuum_level(-image)

    levels = run_blocks(find, tilts, progress=share_of(progress, 0.0, 0.7), should_stop=should_stop)
    level = float(np.median(levels))
    images = scratch.empty(series.shape)

    def invert(tilt: int) -> None:
        images[tilt] = np.subtract(level, series.images[tilt], dtype=np.float64)

    run_blocks(invert, tilts, progress=share_of(progress, 0.7, 1.0), should_stop=should_stop)
    return series.after(InvertContrastStep(level), images)


def _block_means(image: NDArray[Any]) -> NDArray[np.float64]:
    edge = max(1, max(image.shape) // _BLOCKS)
    rows, columns = image.shape[0] // edge, image.shape[1] // edge
    if min(rows, columns) < 1:
        return image
    cut = image[: rows * edge, : columns * edge]
    means: NDArray[np.float64] = cut.reshape(rows, edge, columns, edge).mean(axis=(1, 3))
    return means


def _sides(blocks: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return the four sides of an image, each (width, length)."""
    return blocks[:_STRIP], blocks[-_STRIP:], blocks[:, :_STRIP].T, blocks[:, -_STRIP:].T
