"""Bins of the histograms in which states are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

_LENGTHS_NM: NDArray[np.float64] = np.arange(17, dtype=np.float64) / 4

PAPER_BINS: Mapping[str, NDArray[np.float64]] = {
    "length_nm": _LENGTHS_NM,
    "width_nm": _LENGTHS_NM,
    "aspect_ratio": np.arange(21, dtype=np.float64) / 20,
    "volume_nm3": np.multiply(math.pi / 6, _LENGTHS_NM**3, dtype=np.float64),
}
"""Edges as in the source paper (doi 10.1002/adma.202307151): lengths and widths from 0.25 to 4.00 nm,
aspect ratios in steps that have 0.25, 0.80 and 0.95 among their edges; volumes of balls of these
diameters."""
