"""Threshold rules on a gray histogram, each with a measure of how clear the gaps between the phases
are.

``haadf`` is made for pore / C / Sn, see :mod:`~napari_snpore.segmentation.haadf`: tin is 12 to 15
times as bright as carbon, so a rule that weighs all classes by their variance puts its thresholds
inside the tin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.segmentation.agreement import disagreement, drawn_before
from napari_snpore.segmentation.haadf import FEW_VALUES, haadf_thresholds
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.mixture import fit_mixture
from napari_snpore.segmentation.outliers import bulk_of, outliers_of
from napari_snpore.segmentation.splits import (
    cheapest_split,
    class_moments,
    for_rules,
    otsu_split,
    pooled,
    without_comb,
)

Method = Literal["haadf", "multiotsu", "kmeans", "valley", "mixture", "minimum_error", "li"]
Floats = NDArray[np.float64]

CLEAR_SEPARATION = 0.15
"""Least separation of a gap: the counts fall by this share of the lower peak."""

_COARSE = 256
"""Bins of the rules whose cost grows with the square of their number."""

_FINE = 4096
"""Bins in which the gaps are measured."""

_LEAST_SHARE = 1e-6
"""Share below which a class is empty: the logarithm of its variance has no meaning."""


@dataclass(frozen=True)
class Suggestion:
    """Thresholds and how far they can be trusted.

    Parameters
    ----------
    thresholds : tuple of float
        Increasing, grey units.
    separation : float
        How deep the least clear gap is: 1 − (count at the threshold) / (the lower of the two peaks
        beside it), on the smoothed histogram. 1: an empty gap; 0: no gap at all.
    warning : str or None
        A sentence where the histogram does not support the thresholds.
    method : str
        Which method made them.
    overlap : float
        Share of two neighbouring phases that lies on the wrong side of the threshold between them,
        the worst of all, if each phase is normally distributed (a fit to the histogram); nan where
        the fit does not match the thresholds.
    """

    thresholds: tuple[float, ...]
    separation: float
    warning: str | None
    method: str
    overlap: float = math.nan


def suggest_thresholds(
    histogram: Histogram, *, phases: int = 3, method: Method = "haadf"
) -> Suggestion:
    """Suggest the thresholds between a number of phases.

    Parameters
    ----------
    histogram : Histogram
        From :func:`~napari_snpore.segmentation.histogram.gray_histogram`.
    phases : int
        2 to 5.
    method : {"haadf", "multiotsu", "kmeans", "valley", "mixture", "minimum_error", "li"}
        ``haadf``: half way between the grey levels of vacuum, carbon and tin, the pore threshold
        corrected for the halo of tin; see :mod:`~napari_snpore.segmentation.haadf`. ``multiotsu``:
        least variance within all classes. ``kmeans``: the same classes, each threshold half way
        between their means. ``valley``: the lowest counts between the highest peaks (doi
        10.1111/j.1749-6632.1965.tb11715.x). ``mixture``: where neighbouring classes of a mixture of
        normal distributions are equally likely. ``minimum_error``: Kittler and Illingworth (doi
        10.1016/0031-3203(86)90030-0). ``li``: minimum cross entropy (doi
        10.1016/0031-3203(93)90115-D), two phases.

    Returns
    -------
    Suggestion

    Raises
    ------
    InputError
        Unknown method, a number of phases that it cannot do, or fewer grey values than phases.

    Examples
    --------
    Three classes of equal width around 0, 1 and 10:

    >>> from napari_snpore.segmentation.histogram import gray_histogram
    >>> gray = np.concatenate([np.full(900, 0.0), np.full(80, 1.0), np.full(20, 10.0)]).reshape(10, 10, 10)
    >>> [round(t, 1) for t in suggest_thresholds(gray_histogram(gray), method="kmeans").thresholds]
    [0.5, 5.5]
    """
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; one of {', '.join(get_args(Method))} is needed.")
    most = 2 if method == "li" else 5
    if not 2 <= phases <= most:
        raise InputError(
            f"phases is {phases}; {method} finds {'2 to 5' if most > 2 else '2'} phases."
        )
    outliers = outliers_of(histogram).sentence()
    histogram = for_rules(histogram, phases)
    doubt: str | None = None
    if method == "haadf":
        thresholds, doubt = haadf_thresholds(histogram, phases)
    else:
        find: dict[str, Callable[[Histogram, int], list[float]]] = {
            "multiotsu": _multiotsu,
            "kmeans": _kmeans,
            "valley": _valley,
            "mixture": _mixture,
            "minimum_error": _minimum_error,
            "li": _li,
        }
        thresholds = find[method](histogram, phases)
    separations = gap_depths(histogram, thresholds)
    doubts = [doubt or _warning(thresholds, separations), outliers, drawn_before(histogram)]
    if method != "haadf":
        doubts.append(disagreement(histogram, thresholds, haadf_thresholds(histogram, phases)[0]))
    warning = " ".join(words for words in doubts if words) or None
    return Suggestion(
        tuple(thresholds), min(separations), warning, method, _overlap(histogram, thresholds)
    )


def _multiotsu(histogram: Histogram, phases: int) -> list[float]:
    counts, centers = _coarse(histogram)
    return _lower_edges(centers, otsu_split(counts, centers, phases))


def _kmeans(histogram: Histogram, phases: int) -> list[float]:
    """In one dimension the best k means are the classes of multi-Otsu; the border between two is
    half way between them.
    """
    counts, centers = _coarse(histogram)
    cuts = [0, *otsu_split(counts, centers, phases), len(counts)]
    means = [float(np.average(centers[i:j], weights=counts[i:j])) for i, j in pairwise(cuts)]
    return [(one + two) / 2 for one, two in pairwise(means)]


def _valley(histogram: Histogram, phases: int) -> list[float]:
    """Smooth until no more peaks are left than phases; thresholds are the lowest counts between
    neighbouring peaks.

    A peak of fewer voxels than there may be outliers, at either end, is none: one voxel at 255 apart
    from tin at 200 would be a phase.
    """
    bulk_only = bulk_of(histogram)
    enough = np.count_nonzero(bulk_only.counts) >= phases
    counts, centers = _coarse(without_comb(bulk_only if enough else histogram))
    if np.count_nonzero(counts) == phases:
        filled = centers[counts > 0]
        return [float((one + two) / 2) for one, two in pairwise(filled)]
    previous: list[int] = []
    for width in np.geomspace(0.5, len(counts) / 4, 60):
        smooth = scipy.ndimage.gaussian_filter1d(counts, float(width), mode="nearest")
        padded = np.concatenate([[-1.0], smooth, [-1.0]])
        rising = np.diff(padded) > 0
        peaks = np.flatnonzero(rising[:-1] & ~rising[1:]).tolist()
        if len(peaks) <= phases:
            break
        previous = peaks
    if len(peaks) < phases:
        if not previous:
            raise InputError(
                f"The histogram has {len(peaks)} peaks: valley cannot part {phases} phases; take another rule."
            )
        peaks = sorted(sorted(previous, key=lambda k: -smooth[k])[:phases])
    floor = [
        int(i + np.median(np.flatnonzero(smooth[i : j + 1] == smooth[i : j + 1].min())))
        for i, j in pairwise(peaks)
    ]
    return [float(centers[k]) for k in floor]


def _mixture(histogram: Histogram, phases: int) -> list[float]:
    return fit_mixture(*_coarse(histogram), phases).thresholds()


def _overlap(histogram: Histogram, thresholds: list[float]) -> float:
    """Fit as many normal distributions as there are phases; nan where their means do not lie
    between the thresholds.
    """
    fitted = fit_mixture(*_coarse(histogram), len(thresholds) + 1)
    apart = all(
        a < t < b for a, t, b in zip(fitted.means, thresholds, fitted.means[1:], strict=False)
    )
    return max(fitted.overlaps(thresholds)) if apart else math.nan


def _minimum_error(histogram: Histogram, phases: int) -> list[float]:
    """Find the split into normally distributed classes under which the histogram is most likely.

    The cost of a class of share p and variance s² is p (ln s² − 2 ln p), Kittler and Illingworth's
    criterion J without its constant.
    """
    counts, centers = _coarse(histogram)
    # in bins: squares of a large offset lose digits, and J does not depend on the unit
    places: Floats = np.arange(len(counts), dtype=np.float64)
    places -= len(counts) / 2
    share, _, variance = class_moments(counts, places)
    variance += 1 / 12  # of a uniform distribution over one bin
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = np.where(
            share > _LEAST_SHARE, share * (np.log(variance) - 2 * np.log(share)), np.inf
        )
    return _lower_edges(centers, cheapest_split(cost, phases))


def _coarse(histogram: Histogram) -> tuple[Floats, Floats]:
    coarse = pooled(histogram, _COARSE)
    return coarse.counts.astype(np.float64), coarse.centers


def _lower_edges(centers: Floats, bins: list[int]) -> list[float]:
    half = (centers[1] - centers[0]) / 2
    return [float(centers[first] - half) for first in bins]


def _li(histogram: Histogram, phases: int) -> list[float]:
    """Iterate Li's criterion on the histogram; gray values count from the darkest, since it needs
    positive ones.

    The threshold of least cross entropy is the logarithmic mean (a − b) / (ln a − ln b) of the
    class means a and b (Li and Tam, doi 10.1016/S0167-8655(98)00057-9). Example: means 1 and 3 give
    1.82, below 2.
    """
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


def gap_depths(histogram: Histogram, thresholds: list[float]) -> list[float]:
    """Return for each threshold 1 − (count there) / (the lower of the peaks on both sides),
    smoothed.

    Example: peaks of 100 and 40 counts with 10 counts at the threshold give 1 − 10 / 40 = 0.75.
    """
    histogram = without_comb(pooled(histogram.core, _FINE))
    counts, centers = histogram.counts.astype(np.float64), histogram.centers
    if np.count_nonzero(counts) <= FEW_VALUES:
        return [1.0] * len(thresholds)
    found = []
    limits = [centers[0], *thresholds, centers[-1]]
    for k, threshold in enumerate(thresholds, 1):
        low, high = limits[k - 1], limits[k + 1]
        near = (
            min(threshold - low, high - threshold)
            / max(centers[-1] - centers[0], 1e-300)
            * len(counts)
        )
        smooth = scipy.ndimage.gaussian_filter1d(
            counts, min(max(0.5, near / 8), 8.0), mode="nearest"
        )
        at = int(np.clip(np.searchsorted(centers, threshold), 0, len(counts) - 1))
        below = smooth[np.searchsorted(centers, low) : at + 1]
        above = smooth[at : np.searchsorted(centers, high, side="right")]
        peak = min(below.max(initial=0), above.max(initial=0))
        found.append(float(np.clip(1 - smooth[at] / peak, 0, 1)) if peak > 0 else 0.0)
    return found


def _warning(thresholds: list[float], separations: list[float]) -> str | None:
    if any(b <= a for a, b in pairwise(thresholds)):
        return "Two thresholds fell together: the histogram shows fewer phases than asked for."
    unclear = [
        f"t{k} = {t:.4g}"
        for k, (t, s) in enumerate(zip(thresholds, separations, strict=True), 1)
        if s < CLEAR_SEPARATION
    ]
    if not unclear:
        return None
    return f"The histogram has no gap at {' and '.join(unclear)}: the fractions depend strongly on the threshold there."
