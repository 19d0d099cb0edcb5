"""Thresholds judged by the images: the residual of the volume cut into classes of one level each.

For every choice of thresholds the classes get the grey levels that fit the images best, are blurred
and projected, and compared with the images. The *discrete residual* R is the mean of (image −
model)² / variance: 1 where only noise is left. It needs no peak of carbon in the histogram, and its
minimum gives the levels with the thresholds.

How far the images decide is seen from the map: thresholds whose R is hardly above the minimum
cannot be told apart by them.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, share_of, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion, gap_depths, suggest_thresholds
from napari_snpore.threads import thread_count
from napari_snpore.tomography.detector_blur import check_blur_px
from napari_snpore.tomography.discrete.input_checks import checked_phases
from napari_snpore.tomography.discrete.level_sets import (
    ImageRows,
    LevelSets,
    image_rows,
    project_level_sets,
    projection_bytes,
    slabs_of,
)
from napari_snpore.tomography.discrete.threshold_search import search_thresholds
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import checked_count, finite_rows
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights
from napari_snpore.volume import Volume, array_of, check_same_spacing

Floats = NDArray[np.float64]

_PEAK = 1.2
"""Measured peak over that of the level sets of one slab."""

LEVEL_SETS = 64
"""Thresholds of the grid. Neighbours are some 5 % apart, and the minimum is refined below that."""

SLICES = 32
"""Along y, in two slabs."""

ALLOWED_SHARE = 0.06
"""How far above its minimum R may lie where the images still allow the thresholds, as a share of
the minimum, until a calibration on digital twins gives the number. On 20 phantoms (three states,
bright phase at 2, 3.5 and 12 times carbon, total variation with the blur in the model) R at the
thresholds with the true fractions lay 0.4 to 9 % above the minimum, and 95 % of them below 6 %.
Model error rules this, not the statistics of counts, which would allow next to nothing."""

FEW_TILTS = 20
"""Below so many images a wrong boundary can hide between the directions."""

_SMOOTHING_ROWS = 8
"""Rows beside a slab that the smoothing of the images for their weights reaches: 4 σ of 2 px."""

_UNCERTAIN_SHARE = 0.2
"""A threshold is doubtful where this share of the solid lies between its allowed values: with 60 %
of solid it is 12 points of pore fraction. On the phantoms above it was up to 17 %."""

POOR_FIT = 1.5
"""R above which the classes explain the images poorly: total variation with the blur in its model
gives 1.0 to 1.4 on phantoms, without it 1.7 to 2.2 and pore fractions that are 5 to 12 points
off."""

_EMPTY = 1e-4
"""Share of the solid below which a class is as good as empty."""

_LEAST_CONTRAST = 1.3
"""Ratio of neighbouring levels below which a bright class is no phase of its own: noise and blur
alone make levels that differ by this much."""


@stops_at_once
def projection_residual(
    series: TiltSeries,
    volume: Volume | NDArray[Any],
    *,
    blur_px: float,
    phases: int = 3,
    noise: NoiseModel | None = None,
    slices: int = SLICES,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ResidualMap:
    """Return the discrete residual of a volume over all thresholds, and the best thresholds.

    Parameters
    ----------
    series : TiltSeries
        The aligned images behind the volume, vacuum at 0.
    volume : Volume or array, shape (z, y, x)
        The reconstruction, y and x as the images.
    blur_px : float
        σ (px) of the blur of the images on the detector.
    phases : int
        2 to 5; the darkest has the level of vacuum.
    noise : NoiseModel, optional
        Default: estimated from the series.
    slices : int
        Slices along y that are projected, in two slabs; their place depends on the shape alone.
    threads : int, optional
        The result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    ResidualMap

    Raises
    ------
    InputError
        A volume whose y and x are not those of the images, a number of phases or a blur out of
        range, images without signal, a volume without as many grey values as phases.
    Stopped
        ``should_stop`` returned true.

    Notes
    -----
    Images do not tell t1 to a few points of pore fraction: R is flat there. On 18 phantoms (96
    voxels across, three states, bright phase at 2, 3.5 and 12 times carbon; total variation with
    the blur in its model) the levels at the minimum were within 4 %; the suggested thresholds gave
    the pore fraction within 0.8 points (median 0.4) and tin within 1.2 (median 0.3), t1 at the
    minimum within 2.1 (median 0.9). The level sets of a volume without the blur in its model are
    too wide in places and too narrow in others, and no threshold mends that.

    References
    ----------
    Thresholds by the distance of projections: Batenburg and Sijbers, LNCS 4992 (2008)
    (doi 10.1007/978-3-540-79126-3_34).

    Examples
    --------
    One plane of carbon (level 1) and tin (12), seen along z:

    >>> volume = np.zeros((4, 1, 4), np.float32)
    >>> volume[1:3, 0, 1:3] = [[1.0, 12.0], [1.0, 0.0]]
    >>> series = TiltSeries(volume.sum(axis=0)[None], [0.0], 0.5)
    >>> found = projection_residual(series, volume, blur_px=0.0, noise=NoiseModel(1.0, 0.0, 1.0))
    >>> [round(level, 3) for level in found.levels], found.suggestion.thresholds
    ([0.0, 1.0, 12.0], (0.5, 6.5))
    """
    data = array_of(volume)
    _check(series, volume, blur_px, slices)
    number = checked_phases(phases) - 1
    _state_memory(series, data.shape, blur_px, slices, threads or thread_count())
    estimating = 0.1 if noise is None else 0.0
    if noise is None:
        noise = noise_model(
            series, progress=share_of(progress, 0, estimating), should_stop=should_stop
        )
    slabs = _slabs(series, data, noise, blur_px, slices, threads, should_stop)
    values = np.concatenate([slab.voxels.ravel() for slab in slabs])

    def projected(thresholds: Floats, watch: Progress | None = None) -> LevelSets:
        return project_level_sets(
            slabs,
            thresholds,
            series.angles_deg,
            blur_px=blur_px,
            threads=threads,
            progress=watch,
            should_stop=should_stop,
        )

    search = search_thresholds(
        values,
        number,
        projected,
        count=LEVEL_SETS,
        progress=share_of(progress, estimating, 1),
        should_stop=should_stop,
    )
    if search is None:
        raise InputError(
            f"The volume holds fewer than {phases} different grey values: there is nothing to separate."
        )
    histogram = gray_histogram(values)
    if not search.coarse:
        suggestion = _by_histogram(histogram, phases)
        return ResidualMap(search.grid, search.residual, (), (), math.nan, 0.0, suggestion, blur_px)
    best = tuple(_centered(values, threshold) for threshold in search.thresholds)
    found = ResidualMap(
        search.grid,
        search.residual,
        (0.0, *search.levels),
        best,
        search.minimum,
        ALLOWED_SHARE * search.minimum,
        Suggestion(best, 0.0, None, "projection"),
        blur_px,
    )
    thresholds = _suggested(found)
    doubts = _doubts(found, search.coarse, histogram, len(series.angles_deg))
    suggestion = Suggestion(
        thresholds,
        min(gap_depths(histogram, list(thresholds))),
        " ".join(doubts) or None,
        "projection",
    )
    return replace(found, suggestion=suggestion)


def _suggested(found: ResidualMap) -> tuple[float, ...]:
    """Return the thresholds at the minimum, with t1 half way between vacuum and the next level if
    the images allow that, else as near to it as they allow.

    An edge that is blurred alike to both sides is cut in its place half way. Over t1 the residual
    is so flat that this decides; thresholds between brighter phases have a sharp minimum.
    """
    first = found.allowed_thresholds()[:, 0]
    half = float(np.clip(found.levels[1] / 2, first.min(), first.max()))
    rest = found.best[1:]
    return (half, *rest) if not rest or half < rest[0] else found.best


def _check(series: TiltSeries, volume: Volume | NDArray[Any], blur_px: float, slices: int) -> None:
    """Refuse what cannot be compared."""
    if not isinstance(series, TiltSeries):
        raise InputError(
            f"series is {type(series).__name__}; the aligned images behind the volume are needed as a TiltSeries."
        )
    shape = tuple(array_of(volume).shape)
    images = series.shape[1:]
    if len(shape) != 3 or shape[1:] != images:
        raise InputError(
            f"The volume has shape {shape}; for images of {images} pixels (y, x) it needs (z, {images[0]}, {images[1]})."
        )
    if isinstance(volume, Volume):
        check_same_spacing(volume.spacing, (series.pixel_size_nm,) * 3, second="the tilt series")
    check_blur_px(blur_px)
    checked_count("slices", slices)


def _state_memory(
    series: TiltSeries, shape: tuple[int, int, int], blur_px: float, slices: int, threads: int
) -> None:
    """Refuse a comparison that needs more memory than may be used."""
    tilts = len(series.angles_deg)
    check_memory(
        f"Comparing {shape_text(shape)} voxels with {tilts} images",
        residual_bytes(shape, tilts, blur_px=blur_px, slices=slices, threads=threads),
    )


def residual_bytes(
    shape: tuple[int, int, int],
    tilts: int,
    *,
    blur_px: float = 2.0,
    slices: int = SLICES,
    threads: int,
) -> float:
    """Return the memory that :func:`projection_residual` takes for a volume (z, y, x)."""
    (first, last), *_ = slabs_of(shape[1], slices)
    rows = min(last - first + 2 * math.ceil(4 * blur_px), shape[1])
    return _PEAK * projection_bytes((shape[0], rows, shape[2]), tilts, LEVEL_SETS, threads)


def _slabs(
    series: TiltSeries,
    data: Any,
    noise: NoiseModel,
    blur_px: float,
    slices: int,
    threads: int | None,
    should_stop: ShouldStop | None,
) -> list[ImageRows]:
    """Take the slabs with the weights of their pixels, 1 / variance."""
    slabs = []
    for first, last in slabs_of(data.shape[1], slices):
        # the weights come from smoothed images: rows beside the slab count
        low = max(first - _SMOOTHING_ROWS, 0)
        rows = finite_rows(series.images, low, min(last + _SMOOTHING_ROWS, data.shape[1]), "images")
        weights = image_weights(rows, noise, threads=threads, should_stop=should_stop)
        weights = weights[:, first - low : last - low]
        weights /= np.float32(noise.interpolation)  # power to variance
        slabs.append(image_rows(data, series.images, weights, (first, last), blur_px))
    if not max(float(slab.images.max()) for slab in slabs) > 0:
        raise InputError("The images hold no signal above 0: nothing can be compared with them.")
    return slabs


def _centered(values: NDArray[np.float32], threshold: float) -> float:
    """Move a threshold to the middle of the gap between grey values that it lies in: it cuts the
    same voxels there, and does not lie on the value of a phase.
    """
    above = values >= threshold
    if above.all() or not above.any():
        return float(threshold)
    return float((values[~above].max().astype(np.float64) + values[above].min()) / 2)


def _by_histogram(histogram: Histogram, phases: int) -> Suggestion:
    """Return what the histogram suggests, where no levels fit the images."""
    suggestion = suggest_thresholds(histogram, phases=phases, method="haadf")
    rule = "half way from vacuum to solid" if phases == 2 else "Sn first, then carbon"
    sentence = (
        f"No rising grey levels fit the images: the thresholds are by the histogram ({rule})."
    )
    return replace(suggestion, warning=sentence)


def _doubts(
    found: ResidualMap, best: tuple[int, ...], histogram: Histogram, tilts: int
) -> list[str]:
    """Say what makes the thresholds doubtful, one sentence each."""
    doubts = []
    thresholds = found.best
    above = [1 - float(np.cumsum(histogram.fractions([t]))[0]) for t in thresholds]
    if tilts < FEW_TILTS:
        doubts.append(
            f"There are {tilts} images; fewer than {FEW_TILTS} leave the boundaries free between their directions."
        )
    if found.minimum > POOR_FIT:
        doubts.append(
            f"The classes explain the images poorly (R = {found.minimum:.3g}, noise alone gives 1): the volume was "
            "reconstructed without the blur of the images, or blur, vacuum level, alignment or noise is wrong."
        )
    if best[0] == 0:
        doubts.append(f"R still falls at the darkest threshold tried, t1 = {thresholds[0]:.4g}.")
    if best[-1] == len(found.thresholds) - 1:
        doubts.append(
            f"R still falls at the brightest threshold tried, t{len(best)} = {thresholds[-1]:.4g}."
        )
    allowed = found.allowed_thresholds()
    for axis in range(allowed.shape[1]):
        low, high = float(allowed[:, axis].min()), float(allowed[:, axis].max())
        share = (
            float(np.diff(np.cumsum(histogram.fractions([low, high]))[:2])[0])
            if high > low
            else 0.0
        )
        if share > _UNCERTAIN_SHARE * above[0]:
            doubts.append(
                f"The images do not tell t{axis + 1} from {low:.4g} to {high:.4g} apart: "
                f"{100 * share / above[0]:.0f} % of the solid lie between."
            )
    for k, (dark, bright) in enumerate(pairwise(found.levels[1:]), 2):
        if bright < _LEAST_CONTRAST * dark:
            doubts.append(
                f"The levels {dark:.4g} and {bright:.4g} beside t{k} differ by less than a factor {_LEAST_CONTRAST:g}: "
                "they may be one phase."
            )
    if above[-1] < _EMPTY * above[0]:
        doubts.append(f"Hardly any voxel is brighter than t{len(best)} = {thresholds[-1]:.4g}.")
    return doubts
