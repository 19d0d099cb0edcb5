"""Cuts empty margins from the picture of a 3D scene that is much higher or wider than what it shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_HIGHEST, _WIDEST = 4 / 5, 4 / 3
"""Aspects (width / height) that a picture keeps: beyond them it makes a strip of its panel."""


def without_margins(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture without the rows, or columns, that hold nothing but its ground, as far as a
    usual aspect needs it.

    The canvas between the docks of a small window is a strip; so would the panel of a plate be.

    Parameters
    ----------
    rgb : array, uint8, shape (height, width, 3)
        Its first pixel shows the ground.

    Returns
    -------
    array, uint8, shape (height, width, 3)
        A view.

    Examples
    --------
    >>> import numpy as np
    >>> strip = np.zeros((9, 4, 3), np.uint8)
    >>> strip[5, 2] = 255
    >>> without_margins(strip).shape
    (5, 4, 3)
    """
    height, width = rgb.shape[:2]
    drawn = (rgb != rgb[0, 0]).any(axis=2)
    if width < _HIGHEST * height:
        low, high = _kept(drawn.any(axis=1), round(width / _HIGHEST))
        return rgb[low:high]
    if width > _WIDEST * height:
        low, high = _kept(drawn.any(axis=0), round(height * _WIDEST))
        return rgb[:, low:high]
    return rgb


def _kept(drawn: NDArray[np.bool_], wanted: int) -> tuple[int, int]:
    """Return the ends of the wanted length, or of more, around everything that is drawn, as near the
    middle as that allows.
    """
    places = np.flatnonzero(drawn)
    first, last = (int(places[0]), int(places[-1]) + 1) if len(places) else (0, 0)
    count = max(wanted, last - first)
    middle = (len(drawn) - count) // 2
    low = min(max(middle, last - count, 0), first if len(places) else middle, len(drawn) - count)
    return low, low + count
