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

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion, gap_depths, suggest_thresholds
from napari_snpore.tomography.discrete.level_fits import (
    fit_levels,
    refined_thresholds,
    search_levels,
)
from napari_snpore.tomography.discrete.level_sets import (
    ImageRows,
    LevelSets,
    image_rows,
    project_level_sets,
    slabs_of,
    threshold_grid,
)
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import checked_count, finite_rows
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.weights import image_weights
from napari_snpore.volume import Volume, array_of, check_same_spacing

Floats = NDArray[np.float64]

LEVEL_SETS = 64
"""Thresholds of the grid. Neighbours are some 5 % apart, and the minimum is refined below that."""

ALLOWED_SHARE = 0.02
"""How far above its minimum R may lie where the images still allow the thresholds, as a share of
the minimum, until a calibration on digital twins gives the number. Model error rules the curvature
of R, so that the statistics of counts would allow next to nothing."""

FEW_TILTS = 20
"""Below so many images a wrong boundary can hide between the directions."""

_SMOOTHING_ROWS = 8
"""Rows beside a slab that the smoothing of the images for their weights reaches: 4 σ of 2 px."""

_UNCERTAIN_SHARE = 0.05
"""A range of t1 over which the volume above it changes by more than this share is worth a warning:
with 60 % of solid it is 3 points of pore fraction."""

_POOR = 5.0
"""R from which the model is wrong rather than rough: a good reconstruction gives 0.9 to 2."""

_EMPTY = 1e-4
"""Share of the solid below which a class is as good as empty."""

LARGEST_BLUR_PX = 20.0
"""Wider blurs leave nothing of objects that can be told from noise."""

MOST_PHASES = 5

_LEAST_CONTRAST = 1.3
"""Ratio of neighbouring levels below which a bright class is no phase of its own: noise and blur
alone make levels that differ by this much."""


def projection_residual(
    series: TiltSeries,
    volume: Volume | NDArray[Any],
    *,
    blur_px: float,
    phases: int = 3,
    noise: NoiseModel | None = None,
    slices: int = 32,
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
    The sharper the volume, the nearer the minimum is to the true boundaries: the level sets of a
    volume that was reconstructed without the blur in its model are too wide in places and too
    narrow in others, and no threshold mends that.
    """
    data = array_of(volume)
    _check(series, volume, blur_px, phases, slices)
    estimating = 0.1 if noise is None else 0.0
    if noise is None:
        noise = noise_model(
            series, progress=share_of(progress, 0, estimating), should_stop=should_stop
        )
    slabs = _slabs(series, data, noise, blur_px, slices, threads)
    values = np.concatenate([slab.voxels.ravel() for slab in slabs])
    grid, number = threshold_grid(values, LEVEL_SETS), phases - 1
    if len(grid) < number:
        raise InputError(
            f"The volume holds fewer than {phases} different grey values: there is nothing to separate."
        )

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

    sets = projected(grid, share_of(progress, estimating, 1))
    search = search_levels(sets, number, should_stop=should_stop)
    histogram = gray_histogram(values)
    if not search.best:
        return ResidualMap(
            grid, search.residual, (), math.nan, 0.0, _by_histogram(histogram, phases), blur_px
        )
    best = grid[list(search.best)]
    residual, levels = fit_levels(sets, np.array([search.best], np.intp))
    # refined thresholds are judged by projections of their own, not by the parabola
    finer = refined_thresholds(sets, search.best)
    finer_residual, finer_levels = fit_levels(projected(finer), np.arange(number)[None])
    if finer_residual[0] < residual[0]:
        best, residual, levels = finer, finer_residual, finer_levels
    thresholds = [_centered(values, threshold) for threshold in best]
    minimum = float(residual[0])
    found = ResidualMap(
        grid,
        search.residual,
        (0.0, *levels[0].tolist()),
        minimum,
        ALLOWED_SHARE * minimum,
        Suggestion(tuple(thresholds), min(gap_depths(histogram, thresholds)), None, "projection"),
        blur_px,
    )
    doubts = _doubts(found, search.best, histogram, len(series.angles_deg))
    suggestion = replace(found.suggestion, warning=" ".join(doubts) or None)
    return replace(found, suggestion=suggestion)


def _check(
    series: TiltSeries, volume: Volume | NDArray[Any], blur_px: float, phases: int, slices: int
) -> None:
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
    if not (math.isfinite(blur_px) and 0 <= blur_px <= LARGEST_BLUR_PX):
        raise InputError(
            f"blur_px is {blur_px}; a number of pixels from 0 to {LARGEST_BLUR_PX:g} is needed."
        )
    if phases not in range(2, MOST_PHASES + 1):
        raise InputError(f"phases is {phases}; 2 to {MOST_PHASES} are possible.")
    checked_count("slices", slices)


def _slabs(
    series: TiltSeries,
    data: Any,
    noise: NoiseModel,
    blur_px: float,
    slices: int,
    threads: int | None,
) -> list[ImageRows]:
    """Take the slabs with the weights of their pixels, 1 / variance."""
    slabs = []
    for first, last in slabs_of(data.shape[1], slices):
        # the weights come from smoothed images: rows beside the slab count
        low = max(first - _SMOOTHING_ROWS, 0)
        rows = finite_rows(series.images, low, min(last + _SMOOTHING_ROWS, data.shape[1]), "images")
        weights = image_weights(rows, noise, threads=threads)[:, first - low : last - low]
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
    sentence = "No rising grey levels fit the images: the thresholds are those of the rule haadf."
    return replace(suggestion, warning=sentence)


def _doubts(
    found: ResidualMap, best: tuple[int, ...], histogram: Histogram, tilts: int
) -> list[str]:
    """Say what makes the thresholds doubtful, one sentence each."""
    doubts = []
    thresholds = found.suggestion.thresholds
    above = [1 - float(np.cumsum(histogram.fractions([t]))[0]) for t in thresholds]
    if tilts < FEW_TILTS:
        doubts.append(
            f"There are {tilts} images; fewer than {FEW_TILTS} leave the boundaries free between their directions."
        )
    if found.minimum > _POOR:
        doubts.append(
            f"The classes do not explain the images (R = {found.minimum:.3g}, where noise alone gives 1): "
            "blur, vacuum level, alignment or noise may be wrong."
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
