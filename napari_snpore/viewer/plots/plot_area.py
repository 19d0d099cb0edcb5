"""Where grey values and counts lie in the pixels of a histogram plot; no drawing, no window."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_snpore.segmentation.histogram import Histogram

LEFT, RIGHT, TOP, BOTTOM = 10, 10, 22, 40
"""Margins in px: names of the thresholds above, the strip of phases and the axis below."""

STRIP = 14
"""Height of the strip of phase colours, px."""


@dataclass(frozen=True)
class PlotArea:
    """A piece of the grey axis on a canvas of some size.

    Parameters
    ----------
    width, height : float
        Of the canvas, px.
    low, high : float
        Grey values at the left and the right end.
    top : float
        Count at the upper end.
    log : bool
        Whether counts are drawn as log(1 + count).
    """

    width: float
    height: float
    low: float
    high: float
    top: float
    log: bool = True

    @property
    def base(self) -> float:
        """Pixel row of a count of zero."""
        return self.height - BOTTOM

    @property
    def columns(self) -> int:
        """Pixel columns between the margins."""
        return max(2, round(self.width - LEFT - RIGHT))

    def x_of(self, grey: float) -> float:
        """Return the pixel of a grey value."""
        return LEFT + (grey - self.low) / (self.high - self.low) * (self.width - LEFT - RIGHT)

    def grey_of(self, x: float) -> float:
        """Return the grey value of a pixel."""
        return self.low + (x - LEFT) / max(1.0, self.width - LEFT - RIGHT) * (self.high - self.low)

    def y_of(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the pixel rows of counts."""
        share = np.log1p(counts) / math.log1p(self.top) if self.log else counts / self.top
        return self.base - share * max(1.0, self.base - TOP)

    def zoomed(self, factor: float, grey: float, limits: tuple[float, float]) -> PlotArea:
        """Return the area with the grey axis stretched about a grey value, kept within limits."""
        low = max(limits[0], grey - (grey - self.low) / factor)
        high = min(limits[1], grey + (self.high - grey) / factor)
        return replace(self, low=low, high=high) if high - low > 1e-6 * (limits[1] - limits[0]) else self

    def ticks(self) -> list[float]:
        """Return round grey values some 60 px apart."""
        rough = (self.high - self.low) / max(2.0, (self.width - LEFT - RIGHT) / 60)
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * k for k in (1, 2, 5, 10) if power * k >= rough)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [float(k * step) for k in range(first, last + 1)]


def column_counts(histogram: Histogram, area: PlotArea) -> NDArray[np.float64]:
    """Return for each pixel column the greatest count of the bins that it covers, shape (columns,)."""
    bounds = np.linspace(area.low, area.high, area.columns + 1)
    n = len(histogram.counts)
    first = np.clip(np.searchsorted(histogram.edges, bounds[:-1], side="right") - 1, 0, n - 1)
    last = np.clip(np.searchsorted(histogram.edges, bounds[1:], side="left"), first + 1, n)
    pairs = np.stack([first, last], axis=1).ravel()
    highest = np.maximum.reduceat(np.append(histogram.counts, 0), pairs)[::2].astype(np.float64)
    beyond = (bounds[1:] <= histogram.edges[0]) | (bounds[:-1] >= histogram.edges[-1])
    highest[beyond] = 0.0
    return highest
