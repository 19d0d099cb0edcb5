"""Thresholds between pore, carbon and tin in a HAADF volume, from the grey levels found in its
histogram.

Strategy: tin is 12 to 15 times as bright as carbon, so on a linear grey axis carbon is a narrow
peak beside the vacuum, and where a blurred edge passes from tin to vacuum the counts fall as 1 / (v
− vacuum). On a logarithmic axis above the vacuum every phase has the same width, and that slope is
constant: carbon is a peak there, in noise and in the halo of tin. The thresholds lie half way
between the levels.

Example: vacuum 0, carbon 1, tin 13 give t1 = 0.5 and t2 = 7 before t1 is raised for the halo.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.splits import otsu_split, pooled, without_comb

Floats = NDArray[np.float64]

FEW_VALUES = 8
"""A volume of no more grey values is drawn by hand, not measured: each value is a level."""

_BINS = 4096
"""Bins of the histogram that is searched: with tin at 13 times carbon, carbon lies some 300 bins
above vacuum.
"""

_LOG_POINTS = 400
"""Points of the logarithmic axis: about 1.5 % apart, well below ``_LOG_WIDTH``."""

_LEAST_HEIGHT = 0.25
"""Height of a peak on the logarithmic axis as a share of the highest: lower ones are not candidates
for carbon.
"""

_LEAST_PROMINENCE = 0.05
"""Prominence of a peak as a share of the greatest value: less is noise of the counts."""

_LOG_WIDTH = 0.12
"""Smoothing of the logarithmic axis: peaks a factor 1.3 apart stay apart."""

_PLATEAU = 0.65
"""Share of a bright class below its level: small objects are mostly edge, so that their mode lies
in the halo.
"""

_FACING_PORE = 0.5
"""Share of the tin's surface that faces a pore: a cluster sits on a pore wall."""

_HIGHEST = 0.9
"""Highest pore threshold, as a share of the distance from vacuum to carbon: above, noise of carbon
decides.
"""


_APART = 1.5
"""Least ratio of the levels of a bright phase and the matrix: Otsu's halves of one peak of tin, whose
grey values spread by a quarter, are nearer.
"""

_DARK = 0.005
"""Share of the voxels below the vacuum where no peak shows it."""


@dataclass(frozen=True)
class Levels:
    """Grey values of vacuum, matrix and the brighter phases, and what the histogram says about
    them.

    Parameters
    ----------
    vacuum : float
        Grey value of the darkest peak.
    spread : float
        Half width of the vacuum on its bright side.
    matrix : float
        Grey value of carbon.
    bright : tuple of float
        Grey values of the brighter phases, increasing.
    matrix_is_a_mode : bool
        Whether the counts themselves have a peak at the matrix; if not, it is a guess from the
        logarithmic axis.
    """

    vacuum: float
    spread: float
    matrix: float
    bright: tuple[float, ...]
    matrix_is_a_mode: bool


def haadf_thresholds(histogram: Histogram, phases: int) -> tuple[list[float], str | None]:
    """Return thresholds half way between the levels, the first raised for the tin's halo, and a
    sentence of doubt or None.

    Notes
    -----
    A blurred edge from vacuum to tin passes through every grey value between, so pore beside tin reads as
    carbon. The voxels of the rim of tin between twice carbon and t2 are counted; with the edge profile of
    a Gaussian their number gives the number of those pore voxels, and t1 is raised until as many more lie
    below it. This needs carbon as a peak of its own; half of the surface of tin is taken to face pore.
    """
    levels = find_levels(histogram, phases)
    missing = phases - 2 - len(levels.bright)
    if missing:
        top = float(histogram.edges[-1])
        known = [
            levels.vacuum,
            levels.matrix,
            *np.linspace(levels.matrix, top, missing + 2)[1:-1].tolist(),
            top,
        ][:phases]
        thresholds = [(below + above) / 2 for below, above in pairwise(known)]
        return thresholds, (
            f"The histogram shows fewer than {phases} phases: hardly any voxel is brighter than its peak at {levels.matrix:.4g}."
        )
    known = [levels.vacuum, levels.matrix, *levels.bright]
    thresholds = [(below + above) / 2 for below, above in pairwise(known)]
    if not levels.matrix_is_a_mode:
        return thresholds, (
            f"The matrix is no peak of the histogram: t1 = {thresholds[0]:.4g} is based on a guess of its level, "
            f"{levels.matrix:.4g}."
        )
    if levels.bright and levels.spread > 0:
        thresholds[0] = _raised_for_the_halo(histogram, levels, thresholds[0], thresholds[1])
    return thresholds, None


def find_levels(histogram: Histogram, phases: int) -> Levels:
    """Find the grey levels of vacuum, matrix and ``phases − 2`` brighter phases."""
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    if np.count_nonzero(counts) <= FEW_VALUES:
        commonest = np.sort(np.argsort(-counts, kind="stable")[:phases])
        vacuum, matrix, *bright = (float(value) for value in centers[commonest])
        return Levels(vacuum, 0.0, matrix, tuple(bright), True)
    histogram = without_comb(pooled(histogram, _BINS))
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    step = float(centers[1] - centers[0])
    vacuum, spread = _vacuum(counts, centers)
    dark = float(np.interp(_DARK * histogram.cumulative[-1], histogram.cumulative, histogram.edges))
    first = _levels_above(histogram, phases, vacuum, spread)
    if not _splits_one_phase(first):
        return first
    for vacuum in (first.vacuum, max(dark, float(centers[0]))):
        found = _levels_above(histogram, phases, vacuum, step)
        if not _splits_one_phase(found):
            return found
    return first


def _splits_one_phase(levels: Levels) -> bool:
    """Return whether matrix and bright phase are so near that they are halves of one peak.

    It happens where the counts beside a clipped vacuum do not fall: pores that streaks have filled
    leave a flat slope up to carbon, which looks like very wide noise of the vacuum.
    """
    if not levels.bright:
        return False
    return levels.bright[0] - levels.vacuum < _APART * (levels.matrix - levels.vacuum)


def _levels_above(histogram: Histogram, phases: int, vacuum: float, spread: float) -> Levels:
    """Find matrix and bright phases above a vacuum of known noise."""
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    candidates, heights = _log_peaks(histogram, vacuum, spread)
    modes = [_mode_near(counts, centers, vacuum, candidate) for candidate in candidates]
    matrix, is_a_mode = _matrix(candidates, heights, modes)
    brighter = _bright_levels(counts, centers, matrix, phases - 2)
    return Levels(vacuum, spread, matrix, brighter, matrix_is_a_mode=is_a_mode)


def _matrix(
    candidates: list[float], heights: list[float], modes: list[float | None]
) -> tuple[float, bool]:
    """Return the grey value of the matrix, and whether the counts have a peak there.

    It is the darkest candidate with a peak of the counts, unless a darker one without a peak is
    higher on the logarithmic axis: where noise or streaks are as wide as the carbon level is high,
    carbon is a shoulder of the vacuum, and the only peak of the counts above the vacuum is tin.
    """
    for k, mode in enumerate(modes):
        if mode is None:
            continue
        darker = int(np.argmax(heights[: k + 1]))
        if darker < k:
            return candidates[darker], False
        return mode, True
    return candidates[0], False


def _vacuum(counts: Floats, centers: Floats) -> tuple[float, float]:
    """Return grey value and half width of the darkest peak that holds at least a twentieth of the
    greatest one.

    Non-negative reconstructions clip the vacuum: its first bin is a spike, and the width is that of
    the slope beside it.
    """
    step = float(centers[1] - centers[0])
    smooth = scipy.ndimage.gaussian_filter1d(counts, max(0.5, len(counts) / 500), mode="constant")
    peaks, _ = _peaks(np.concatenate([[0.0], smooth, [0.0]]), prominence=smooth.max() / 20)
    peak = int(peaks[0]) - 1
    start = 1 if peak <= 1 else peak
    flank = scipy.ndimage.gaussian_filter1d(counts[start:], 1.0, mode="nearest")
    if counts[start] <= 0 or len(flank) < 2:
        return float(centers[peak]), step / 2
    fallen = np.flatnonzero(flank < np.exp(-0.5) * flank[0])
    width = float(fallen[0]) * step if fallen.size else step
    return float(centers[peak]), max(width, step / 2)


def _log_peaks(
    histogram: Histogram, vacuum: float, spread: float
) -> tuple[list[float], list[float]]:
    """Return grey values and heights of the strong peaks on a logarithmic axis above the vacuum,
    less the noise of the vacuum; dark ones first.
    """
    step = float(histogram.edges[1] - histogram.edges[0])
    top = float(histogram.centers[-1]) - vacuum
    start = min(max(1.5 * spread, 0.75 * step), top / 2)
    height = np.geomspace(start, 2 * top, _LOG_POINTS)  # beyond the top, so that it can be a peak
    width = float(np.log(height[1] / height[0]))
    density = np.gradient(
        np.interp(vacuum + height, histogram.edges, histogram.cumulative), np.log(height)
    )
    beside = int(
        np.clip(np.searchsorted(histogram.centers, vacuum) + 1, 0, len(histogram.counts) - 1)
    )
    noise = histogram.counts[beside] / step * height * np.exp(-0.5 * (height / spread) ** 2)
    smooth = scipy.ndimage.gaussian_filter1d(
        np.maximum(density - noise, 0), _LOG_WIDTH / width, mode="nearest"
    )
    peaks, _ = _peaks(
        smooth, height=_LEAST_HEIGHT * smooth.max(), prominence=_LEAST_PROMINENCE * smooth.max()
    )
    if not peaks.size:
        peaks = np.array([np.argmax(smooth)])
    return [vacuum + float(height[peak]) for peak in peaks], smooth[peaks].tolist()


def _mode_near(counts: Floats, centers: Floats, vacuum: float, matrix: float) -> float | None:
    """Return the peak of the counts near a grey value, or None where they only rise or fall."""
    step = float(centers[1] - centers[0])
    first, last = np.searchsorted(
        centers, [vacuum + 0.6 * (matrix - vacuum), vacuum + 1.6 * (matrix - vacuum)]
    )
    smooth = np.append(
        scipy.ndimage.gaussian_filter1d(
            counts, max(0.5, 0.05 * (matrix - vacuum) / step), mode="nearest"
        ),
        0.0,
    )
    start = max(int(first) - 1, 0)
    window = smooth[start : last + 1]
    peaks, _ = _peaks(window, prominence=_LEAST_PROMINENCE * window.max(initial=0))
    if not peaks.size:
        return None
    return float(centers[start + peaks[int(np.argmax(window[peaks]))]])


def _bright_levels(
    counts: Floats, centers: Floats, matrix: float, number: int
) -> tuple[float, ...]:
    """Split what is brighter than the matrix by (multi-)Otsu; return the level of each class but
    the matrix's own half.
    """
    first = int(np.searchsorted(centers, matrix))
    counts, centers = counts[first:], centers[first:]
    if number == 0 or np.count_nonzero(counts) <= number:  # nothing is brighter
        return ()
    coarse = np.linspace(0, len(counts), min(256, len(counts)) + 1)
    filled = np.diff(
        np.interp(coarse, np.arange(len(counts) + 1), np.concatenate([[0], np.cumsum(counts)]))
    )
    splits = [
        round(coarse[cut]) for cut in otsu_split(filled, (coarse[:-1] + coarse[1:]) / 2, number + 1)
    ]
    levels = []
    for first, last in pairwise([*splits, len(counts)]):
        below = np.cumsum(counts[first:last])
        levels.append(float(centers[first + int(np.searchsorted(below, _PLATEAU * below[-1]))]))
    return tuple(levels)


def _raised_for_the_halo(histogram: Histogram, levels: Levels, t1: float, t2: float) -> float:
    """Return t1 raised until as many more voxels lie below it as the halo of tin has taken from the
    pores.

    Gray values across an edge blurred by a Gaussian of width σ are v = tin · Φ(x / σ): the edge has
    the values from a to b over a depth of σ (probit(b / tin) − probit(a / tin)). The area of the
    surface and σ are unknown but the same for all gray values, so a count in one range gives the
    count in another.

    Example: carbon 1, tin 13, t1 0.5, t2 7 above vacuum. From t1 to t2 an edge to pore is 1.87 σ
    deep; from 2 to 7, where only the rim lies, an edge to pore 1.12 σ and one to carbon 1.38 σ.
    With half of the surface facing pore, each voxel of that rim means 0.5 · 1.87 / 1.25 = 0.75
    voxels of false carbon.
    """
    matrix, tin = levels.matrix - levels.vacuum, levels.bright[0] - levels.vacuum
    rim_from, rim_to = 2 * matrix, t2 - levels.vacuum
    coarse = without_comb(pooled(histogram, _BINS))
    first, last = np.searchsorted(coarse.centers, [levels.vacuum + rim_from, t2])
    if last - first < 3:
        return t1
    rim = scipy.ndimage.gaussian_filter1d(
        coarse.counts[first:last].astype(np.float64), max(0.5, (last - first) / 40), mode="nearest"
    )
    if _peaks(rim, prominence=0.2 * rim.max())[0].size:  # another material, not a rim
        return t1
    facing_pore = scipy.special.ndtri(rim_to / tin) - scipy.special.ndtri(rim_from / tin)
    facing_matrix = scipy.special.ndtri((rim_to - matrix) / (tin - matrix)) - scipy.special.ndtri(
        (rim_from - matrix) / (tin - matrix)
    )
    taken = scipy.special.ndtri(rim_to / tin) - scipy.special.ndtri((t1 - levels.vacuum) / tin)
    counted = _FACING_PORE * facing_pore + (1 - _FACING_PORE) * facing_matrix
    below_t1, below_from, below_to = np.interp(
        [t1, levels.vacuum + rim_from, t2], histogram.edges, histogram.cumulative
    )
    below_raised = below_t1 + _FACING_PORE * taken / counted * (below_to - below_from)
    raised = float(np.interp(below_raised, histogram.cumulative, histogram.edges))
    return min(max(raised, t1), levels.vacuum + _HIGHEST * matrix)


def _peaks(
    values: NDArray[np.float64], **conditions: float
) -> tuple[NDArray[np.intp], dict[str, Any]]:
    from scipy.signal import (
        find_peaks,
    )  # with it comes scipy.stats: half a second that no other step needs

    found: tuple[NDArray[np.intp], dict[str, Any]] = find_peaks(values, **conditions)
    return found
