"""Optimal splits of a histogram into classes by dynamic programming, for any cost that is a sum
over classes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.segmentation.histogram import Histogram

Floats = NDArray[np.float64]


def pooled(histogram: Histogram, most: int) -> Histogram:
    """Return the histogram in at most ``most`` equal bins over the range of the data; voxels count
    as evenly spread in a bin.
    """
    if len(histogram.counts) <= most and histogram.tails == (0, 0):
        return histogram
    most = min(most, len(histogram.counts))
    edges = np.linspace(histogram.edges[0], histogram.edges[-1], most + 1)
    below = np.rint(np.interp(edges, histogram.edges, histogram.cumulative)).astype(np.int64)
    return replace(histogram, counts=np.diff(below), edges=edges, tails=(0, 0))


def without_comb(histogram: Histogram) -> Histogram:
    """Return the histogram in bins so wide that hardly one is empty where the counts are.

    Floats that hold whole numbers, or few digits, leave most of many bins empty, and each filled
    bin would count as a peak. Example: the whole numbers 0 to 99 fill 100 of 4096 bins; 50 bins
    remain.
    """
    counts = histogram.counts.copy()
    counts[int(np.argmax(counts))] = 0  # the vacuum, which can be nine tenths of all
    below = np.cumsum(counts)
    first, last = np.searchsorted(below, [0.01 * below[-1], 0.95 * below[-1]])
    filled = np.count_nonzero(counts[first : last + 1]) / (last + 1 - first)
    return histogram if filled > 0.5 else pooled(histogram, max(32, int(len(counts) * filled / 2)))


def for_rules(histogram: Histogram, phases: int) -> Histogram:
    """Return what rules search: the histogram without far outliers, or all of it where less than
    the phases would be left.

    Raises
    ------
    InputError
        Fewer grey values than phases.
    """
    for seen in (histogram.core, pooled(histogram, len(histogram.counts))):
        if np.count_nonzero(seen.counts) >= phases:
            return seen
    raise InputError(
        f"The volume holds fewer than {phases} different grey values: there is nothing to separate."
    )


def class_moments(counts: Floats, centers: Floats) -> tuple[Floats, Floats, Floats]:
    """Return share, mean and variance of each class of bins ``[i, j)``, as tables ``(n + 1, n +
    1)``; NaN where there is none.
    """
    share, first, second = (
        np.concatenate([[0.0], np.cumsum(counts * centers**power)]) / counts.sum()
        for power in (0, 1, 2)
    )
    weight, sums, squares = (part[None, :] - part[:, None] for part in (share, first, second))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(weight > 0, sums / weight, np.nan)
        variance = np.maximum(squares / weight - mean**2, 0)
    return weight, mean, variance


def cheapest_split(cost: Floats, classes: int) -> list[int]:
    """Return the first bins of the classes 2..N of the split whose costs add up to least.

    Parameters
    ----------
    cost : array, shape (n + 1, n + 1)
        Cost of a class of the bins ``[i, j)``; inf where there can be none.
    classes : int
        How many there must be.

    Notes
    -----
    Dynamic programming (Fisher 1958, doi 10.1080/01621459.1958.10501479): the best split of the bins below
    j into k classes is the best split of the bins below some i into k − 1 classes, and [i, j). This takes
    N · n² steps in place of n to the power of N.
    """
    best = cost[0]
    sources = []
    for _ in range(classes - 1):
        total = best[:, None] + cost
        sources.append(np.argmin(total, axis=0))
        best = total.min(axis=0)
    cuts = [len(cost) - 1]
    for source in reversed(sources):
        cuts.append(int(source[cuts[-1]]))
    return cuts[:0:-1]


def otsu_split(counts: Floats, centers: Floats, classes: int) -> list[int]:
    """Return the first bins of the classes 2..N whose variances within add up to least (doi
    10.1109/TSMC.1979.4310076).

    The total variance is fixed, so least variance within the classes is greatest variance between
    them.

    Examples
    --------
    >>> otsu_split(np.array([5.0, 1.0, 0.0, 0.0, 4.0]), np.arange(5.0), 2)
    [2]
    """
    # sums of squares lose digits far from zero, and those of huge grey values are infinite
    span = max(float(centers[-1] - centers[0]), np.finfo(np.float64).tiny)
    centered = (centers - centers[0]) / span
    centered -= np.average(centered, weights=counts)
    share, mean, _ = class_moments(counts, centered)
    between = np.where(share > 0, -share * mean**2, np.inf)
    return cheapest_split(between, classes)
