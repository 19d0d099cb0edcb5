"""Thresholds suggested from a histogram alone, in milliseconds; each suggestion says how clear the gaps are that it found.

``haadf`` is made for pore / C / Sn: tin is 12 to 15 times as bright as carbon, so a method that weighs all classes by their
variance spends its thresholds inside the tin. It looks for tin against the rest first, and for the carbon edge after it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from skimage.filters import threshold_multiotsu, threshold_otsu

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram

Method = Literal["haadf", "multiotsu", "minimum_error", "li"]
Floats = NDArray[np.float64]

_CLEAR = 0.15
"""A separation below this is no gap."""

_COARSE = 256


@dataclass(frozen=True)
class Suggestion:
    """Thresholds and how far they can be trusted.

    Parameters
    ----------
    thresholds : tuple of float
        Increasing, grey units.
    separation : float
        How deep the least clear gap is: 1 − (count at the threshold) / (the lower of the two peaks beside it), on the smoothed
        histogram. 1: an empty gap; 0: no gap at all.
    warning : str or None
        A sentence where the histogram does not support the thresholds.
    method : str
        Which method made them.
    """

    thresholds: tuple[float, ...]
    separation: float
    warning: str | None
    method: str


def suggest_thresholds(histogram: Histogram, *, phases: int = 3, method: Method = "haadf") -> Suggestion:
    """Suggest the thresholds between a number of phases.

    Parameters
    ----------
    histogram : Histogram
        From :func:`~napari_snpore.segmentation.histogram.gray_histogram`.
    phases : int
        2 to 5.
    method : {"haadf", "multiotsu", "minimum_error", "li"}
        ``haadf``: the brightest phase against the rest by Otsu (doi 10.1109/TSMC.1979.4310076), then the next below it, and last
        the edge between the vacuum and the matrix, half way between their modes. ``multiotsu``: least variance within all
        classes. ``minimum_error``: Kittler and Illingworth (doi 10.1016/0031-3203(86)90030-0). ``li``: minimum cross entropy
        (doi 10.1016/0031-3203(93)90115-D), two phases.

    Returns
    -------
    Suggestion

    Raises
    ------
    InputError
        Unknown method, a number of phases that it cannot do, or fewer grey values than phases.
    """
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; one of {', '.join(get_args(Method))} is needed.")
    most = {"li": 2, "minimum_error": 3}.get(method, 5)
    if not 2 <= phases <= most:
        raise InputError(f"phases is {phases}; {method} finds 2 to {most} phases.")
    if np.count_nonzero(histogram.counts) < phases:
        raise InputError(f"The volume holds fewer than {phases} different grey values: there is nothing to separate.")
    find: dict[str, Callable[[Histogram, int], list[float]]] = {
        "haadf": _haadf,
        "multiotsu": _multiotsu,
        "minimum_error": _minimum_error,
        "li": _li,
    }
    thresholds = find[method](histogram, phases)
    separations = _separations(histogram, thresholds)
    return Suggestion(tuple(thresholds), min(separations), _warning(thresholds, separations), method)


def _haadf(histogram: Histogram, phases: int) -> list[float]:
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    plateaus: list[float] = []
    end = len(counts)
    for _ in range(phases - 2):
        split = int(np.searchsorted(centers, threshold_otsu(hist=(counts[:end], centers[:end]))))
        plateaus.append(_plateau(counts[split:end], centers[split:end]))
        end = max(3, split)
    vacuum, matrix = _dark_modes(counts[:end], centers[:end])
    levels = [vacuum, matrix, *reversed(plateaus)]
    return [(below + above) / 2 for below, above in pairwise(levels)]


def _plateau(counts: Floats, centers: Floats) -> float:
    """Return the grey value that the inside of a bright phase reaches: nine tenths of the class lie below it.

    Small objects are all edge, and the mode of their class lies low in the halo; half the plateau is where an edge stands.
    """
    below = np.cumsum(counts) / counts.sum()
    return float(centers[int(np.searchsorted(below, 0.9))])


def _dark_modes(counts: Floats, centers: Floats) -> tuple[float, float]:
    """Return the grey values of vacuum and of the matrix, below the brighter phases.

    Where a blurred edge passes from a bright phase to vacuum, the counts fall off as 1 / (v − vacuum): the halo of tin, and noise,
    bury the carbon in a slope. Counts times (v − vacuum) turn that slope into a level, on which the matrix stands out as a
    peak; the peak of the counts themselves is taken where there is one beside it, for the factor moves it upwards.
    """
    vacuum = _vacuum_mode(counts, centers)
    width = max(1.0, len(counts) / 60)
    above = np.where(centers > vacuum, centers - vacuum, 0.0)
    peak = int(np.argmax(gaussian_filter1d(above * counts, width, mode="nearest")))
    smooth = gaussian_filter1d(counts, width, mode="nearest")
    low = int(np.searchsorted(centers, vacuum + 0.5 * (centers[peak] - vacuum)))
    near = low + int(np.argmax(smooth[low : peak + 1]))
    matrix = centers[near] if near > low else centers[peak]
    return vacuum, float(matrix)


def _vacuum_mode(counts: Floats, centers: Floats) -> float:
    """Return the grey value of the darkest peak that holds at least a twentieth of the greatest one."""
    smooth = gaussian_filter1d(counts, max(1.0, len(counts) / 400))
    rising = np.concatenate([[True], np.diff(smooth) > 0])
    peaks = np.flatnonzero(rising & ~np.concatenate([rising[1:], [False]]))
    strong = peaks[smooth[peaks] >= smooth.max() / 20]
    return float(centers[strong[0]])


def _multiotsu(histogram: Histogram, phases: int) -> list[float]:
    counts, centers = _coarse(histogram)
    return [float(value) for value in threshold_multiotsu(hist=(counts, centers), classes=phases)]


def _minimum_error(histogram: Histogram, phases: int) -> list[float]:
    """Try every split of a coarse histogram into classes that are normally distributed; keep the likeliest."""
    counts, centers = _coarse(histogram)
    n = len(counts)
    weight = np.concatenate([[0], np.cumsum(counts)]) / counts.sum()
    first = np.concatenate([[0], np.cumsum(counts * centers)]) / counts.sum()
    second = np.concatenate([[0], np.cumsum(counts * centers**2)]) / counts.sum()
    start, stop = np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij")
    share = weight[stop] - weight[start]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (first[stop] - first[start]) / share
        # a class of one value has the spread of its bin
        variance = np.maximum((second[stop] - second[start]) / share - mean**2, (centers[1] - centers[0]) ** 2 / 12)
        cost = np.where(share > 1e-6, share * (np.log(variance) - 2 * np.log(share)), np.inf)
    cost[stop <= start] = np.inf
    if phases == 2:
        best = int(np.argmin(cost[0, 1:n] + cost[1:n, n])) + 1
        cuts = [best]
    else:
        total = cost[0, 1:n, None] + cost[1:n, 1:n] + cost[None, 1:n, n]
        one, two = np.unravel_index(int(np.argmin(total)), total.shape)
        cuts = [int(one) + 1, int(two) + 1]
    step = centers[1] - centers[0]
    return [float(centers[cut] - step / 2) for cut in cuts]


def _li(histogram: Histogram, phases: int) -> list[float]:
    """Iterate Li's criterion on the histogram; grey values count from the darkest, for the criterion needs them positive."""
    del phases
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    step = centers[1] - centers[0] if len(centers) > 1 else 1.0
    values = centers - centers[0] + step / 2
    threshold = float(np.average(values, weights=counts))
    for _ in range(1000):
        dark = values < threshold
        if not counts[dark].any() or not counts[~dark].any():
            break
        low = float(np.average(values[dark], weights=counts[dark]))
        high = float(np.average(values[~dark], weights=counts[~dark]))
        following = (low - high) / (np.log(low) - np.log(high))
        if abs(following - threshold) < step / 100:
            break
        threshold = following
    return [float(threshold + centers[0] - step / 2)]


def _coarse(histogram: Histogram) -> tuple[Floats, Floats]:
    """Return counts and centres of at most 256 equal bins over the range of the data."""
    n = len(histogram.counts)
    if n <= _COARSE:
        return histogram.counts.astype(np.float64), histogram.centers
    edges = np.linspace(histogram.edges[0], histogram.edges[-1], _COARSE + 1)
    counts = np.diff(np.interp(edges, histogram.edges, histogram.cumulative))
    return counts, (edges[:-1] + edges[1:]) / 2


def _separations(histogram: Histogram, thresholds: list[float]) -> list[float]:
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    found = []
    limits = [centers[0], *thresholds, centers[-1]]
    for k, threshold in enumerate(thresholds, 1):
        low, high = limits[k - 1], limits[k + 1]
        near = min(threshold - low, high - threshold) / max(centers[-1] - centers[0], 1e-300) * len(counts)
        smooth = gaussian_filter1d(counts, min(max(0.5, near / 8), 8.0), mode="nearest")
        at = int(np.clip(np.searchsorted(centers, threshold), 0, len(counts) - 1))
        below = smooth[np.searchsorted(centers, low) : at + 1]
        above = smooth[at : np.searchsorted(centers, high, side="right")]
        peak = min(below.max(initial=0), above.max(initial=0))
        found.append(float(np.clip(1 - smooth[at] / peak, 0, 1)) if peak > 0 else 0.0)
    return found


def _warning(thresholds: list[float], separations: list[float]) -> str | None:
    if any(b <= a for a, b in pairwise(thresholds)):
        return "Two thresholds fell together: the histogram shows fewer phases than asked for."
    unclear = [f"t{k} = {t:.4g}" for k, (t, s) in enumerate(zip(thresholds, separations, strict=True), 1) if s < _CLEAR]
    if not unclear:
        return None
    return f"The histogram has no gap at {' and '.join(unclear)}: the fractions depend strongly on the threshold there."
