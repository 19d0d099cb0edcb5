"""Grey values that are drawn black and white where nobody chose them: all but a thousandth at each
end, because a few voxels beyond would leave all others dark.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLACK, _WHITE = 0.1, 99.9
"""Percentiles of the grey values that are drawn black and white."""

_MOST_VOXELS = 1_000_000
"""Of a volume that are looked at, which takes some hundredths of a second."""


def gray_limits(pieces: Iterable[Any]) -> tuple[float, float]:
    """Return the grey values that are drawn black and white.

    Parameters
    ----------
    pieces : iterable of array
        Images, volumes or parts of them, of any shape; values that are not finite do not count.

    Returns
    -------
    low, high : float
        ``low`` < ``high``; 0 and 1 where nothing is finite, one value a half to both sides of it.

    Examples
    --------
    >>> low, high = gray_limits([[0.0, 500.0], [[1000.0, float("nan")]]])
    >>> round(low, 3), round(high, 3)
    (1.0, 999.0)
    """
    values = np.concatenate([np.asarray(piece, np.float64).ravel() for piece in pieces])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, (_BLACK, _WHITE)))
    if low == high:
        low, high = float(values.min()), float(values.max())
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def volume_limits(volume: NDArray[Any]) -> tuple[float, float]:
    """Return the grey values of a volume that are drawn black, 0 at most, and white.

    Parameters
    ----------
    volume : array, shape (z, y, x)
        Every n-th voxel of a large one is looked at.
    """
    flat = volume.reshape(-1)
    # odd, so that voxels of all columns are met where the rows are a power of two long
    return _from_zero(gray_limits([flat[:: (flat.size // _MOST_VOXELS) | 1]]))


def level_limits(coarsest: Any) -> tuple[float, float]:
    """Return the grey values of a volume with levels of resolution that are drawn black, 0 at most,
    and white.

    Parameters
    ----------
    coarsest : array, shape (z, y, x)
        The coarsest level, lazy or not: its middle planes are read, since it may be large.
    """
    z, y, x = (n // 2 for n in coarsest.shape)
    return _from_zero(gray_limits([coarsest[z], coarsest[:, y], coarsest[:, :, x]]))


def _from_zero(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return min(low, 0.0), max(high, 1e-30)
