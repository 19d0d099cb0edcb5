"""Voxels far outside the grey values of all others, and the histogram without them.

Hot and dead pixels, saturated readings and the sparks of a diverged reconstruction are a few voxels
at grey values where nothing else lies. Bins of equal width between minimum and maximum then leave
one bin to every phase, and a rule that weighs voxels by their squared distance finds the sparks
instead of the tin. The rules therefore see the core of the histogram; the counts keep every voxel.

Example: 64³ voxels between 0 and 13, three of them replaced by 10,000. At most 128 voxels may be
outliers here; without the 128 brightest and the 128 darkest the values span 0 to 13, so that the
core ends at 19.5 and three voxels lie beyond.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_snpore.segmentation.histogram import Histogram

_MOST_VOXELS = 128
"""Voxels on one side that may be outliers in a volume of usual size: a detector has tens of hot
pixels, and a phase of fewer voxels is no phase whose fraction could be given.
"""

_MOST_SHARE_LARGE = 1e-5
"""Share of the voxels on one side that may be outliers where that is more than ``_MOST_VOXELS``."""

_MOST_SHARE_SMALL = 2e-3
"""Share of a small volume, or of one slice, that may be outliers: its tin can have as few voxels."""

_MARGIN = 0.5
"""How far the core reaches beyond the bulk, as a share of the width of the bulk: the tails of noise
stay inside, and the bins of the bulk are at most twice as wide as without outliers.
"""

_FAR = 1.0
"""Distance from the bulk, in widths of the bulk, beyond which a voxel is named in a warning: noise
reaches 0.2 widths at 10⁸ voxels, tin of fewer than ``_MOST_VOXELS`` voxels much farther.
"""


@dataclass(frozen=True)
class Outliers:
    """Voxels that lie far outside all others.

    Parameters
    ----------
    brighter, darker : int
        How many voxels.
    times_brighter : float
        Distance of the nearest brighter one from the darkest grey value of all others, in widths of
        the range of all others; nan where there is none. Example: 50 for voxels at 650 beside
        values from 0 to 13.
    """

    brighter: int
    darker: int
    times_brighter: float

    def sentence(self) -> str | None:
        """Return what there is and what to do about it, or None."""
        parts = []
        if self.brighter:
            times = np.floor(self.times_brighter)
            parts.append(f"{_voxels(self.brighter)} more than {times:,.0f} times as bright")
        if self.darker:
            parts.append(f"{_voxels(self.darker)} far darker")
        if not parts:
            return None
        end = "than all others" if self.darker else "as all others"
        return f"{' and '.join(parts)} {end}: repair the pixels or the volume."


def _voxels(count: int) -> str:
    return f"{count} voxel is" if count == 1 else f"{count} voxels are"


def most_outliers(voxels: int) -> int:
    """Return how many voxels on one side may be outliers."""
    return int(min(max(_MOST_VOXELS, _MOST_SHARE_LARGE * voxels), _MOST_SHARE_SMALL * voxels))


def bulk(counts: NDArray[np.int64], edges: NDArray[np.float64]) -> tuple[float, float]:
    """Return the grey values between which all voxels lie but :func:`most_outliers` on each side,
    rounded outwards to edges.
    """
    total = int(counts.sum())
    few = most_outliers(total)
    below = np.cumsum(counts)
    first = int(np.searchsorted(below, few, side="right"))
    last = int(np.searchsorted(below, total - few, side="left"))
    return float(edges[first]), float(edges[last + 1])


def core_range(low: float, high: float) -> tuple[float, float]:
    """Return the ends of the core around a bulk."""
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def core_of(histogram: Histogram) -> Histogram:
    """Return the histogram of equal bins without the outliers; the histogram itself where there are
    none.

    Its voxel count, minimum and maximum are those of the voxels that remain.
    """
    first, last = _core_bins(histogram)
    if first == 0 and last == len(histogram.counts):
        return histogram
    return _cropped(histogram, first, last)


def _cropped(histogram: Histogram, first: int, last: int) -> Histogram:
    counts = histogram.counts[first:last]
    edges = histogram.edges[first : last + 1]
    return replace(
        histogram,
        counts=counts,
        edges=edges,
        minimum=max(histogram.minimum, float(edges[0])),
        maximum=min(histogram.maximum, float(edges[-1])),
        voxel_count=int(counts.sum()),
        tails=(0, 0),
    )


def bulk_of(histogram: Histogram) -> Histogram:
    """Return the histogram of equal bins without as many voxels on each side as may be outliers."""
    low, high = bulk(histogram.counts, histogram.edges)
    first, last = (int(k) for k in np.searchsorted(histogram.edges, [low, high]))
    return _cropped(histogram, first, last)


def outliers_of(histogram: Histogram) -> Outliers:
    """Count the voxels that lie farther from the bulk than it is wide; none where the bulk is one
    grey value.
    """
    low, high = bulk(histogram.counts, histogram.edges)
    width = high - low
    filled = histogram.counts > 0
    if _is_one_value(histogram, low, high):
        return Outliers(0, 0, np.nan)
    bright = filled & (histogram.edges[:-1] >= high + _FAR * width)
    dark = filled & (histogram.edges[1:] <= low - _FAR * width)
    nearest = histogram.edges[:-1][bright].min() if bright.any() else np.nan
    return Outliers(
        int(histogram.counts[bright].sum()),
        int(histogram.counts[dark].sum()),
        float((nearest - low) / width),
    )


def _is_one_value(histogram: Histogram, low: float, high: float) -> bool:
    inside = (histogram.edges[:-1] >= low) & (histogram.edges[1:] <= high)
    return int(np.count_nonzero(histogram.counts[inside])) < 2


def _core_bins(histogram: Histogram) -> tuple[int, int]:
    """Return the first bin of the core and the one after its last."""
    low, high = bulk(histogram.counts, histogram.edges)
    if _is_one_value(histogram, low, high):
        return 0, len(histogram.counts)
    low, high = core_range(low, high)
    first = int(np.searchsorted(histogram.edges, low, side="right")) - 1
    last = int(np.searchsorted(histogram.edges, high, side="left"))
    below, above = histogram.tails
    first, last = max(first, below), min(last, len(histogram.counts) - above)
    if (first, last) == (0, len(histogram.counts)):
        return first, last
    there = np.flatnonzero(histogram.counts[first:last])
    return first + int(there[0]), first + int(there[-1]) + 1
