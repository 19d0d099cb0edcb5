"""Detection and repair of dead and stuck rows and columns of a detector.

A line counts as bad where it holds one value while the lines beside it do not, or where it stands
out alone: its mean is off that of its neighbours' mean, theirs are off by half as much the other
way, and all by far more than those of other lines. A probe blurs: no specimen is one pixel wide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_WIDEST = 3
"""Lines side by side that one fault takes, at most: more are an edge that was cut or filled."""

_STANDS_OUT = 12.0
"""Distance of a line's mean from its neighbours', in standard deviations of all lines' distances."""

_BESIDE = -0.85, -0.2
"""What the neighbours of a line that stands out alone are off, as shares of what it is: -0.5."""

_ALIKE = 0.75
"""Least share of a line's pixels that are off to the same side: one hot pixel is no line."""

_FEWEST_LINES = 16

Lines = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def bad_lines(image: NDArray[Any], clean: NDArray[np.float32]) -> Lines:
    """Return which rows and which columns of an image are faults of the detector.

    Parameters
    ----------
    image : array of real numbers, shape (y, x)
        Raw: an interpolation spreads a line over its neighbours. Finite.
    clean : float32 array, shape (y, x)
        The same without far pixels: one hot pixel would make its row stand out.

    Returns
    -------
    (bool array, shape (y,); bool array, shape (x,))
        Lines at the edge of the image are never among them.
    """
    found = _one_value(image), _one_value(image.T)
    return found[0] | _standing_out(clean), found[1] | _standing_out(clean.T)


def fill_lines(image: NDArray[Any], lines: Lines) -> None:
    """Write into bad rows and columns the line between the nearest good ones, in place."""
    for values, bad in ((image, lines[0]), (image.T, lines[1])):
        good = np.flatnonzero(~bad)
        for line in np.flatnonzero(bad):
            after = int(np.searchsorted(good, line))
            if not 0 < after < len(good):
                continue
            low, high = good[after - 1], good[after]
            part = (line - low) / (high - low)
            values[line] = (1 - part) * values[low] + part * values[high]


def _one_value(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the rows that hold one value: few side by side, others on both sides."""
    same = image.max(axis=1) == image.min(axis=1)
    bad = np.zeros(len(same), np.bool_)
    if not same.any() or same.all():
        return bad
    change = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    for first, stop in change.reshape(-1, 2):
        if first > 0 and stop < len(same) and stop - first <= _WIDEST:
            bad[first:stop] = (image[first - 1] != image[first]).any()
    return bad


def _standing_out(image: NDArray[np.float32]) -> NDArray[np.bool_]:
    bad = np.zeros(len(image), np.bool_)
    if len(image) < _FEWEST_LINES:
        return bad
    means = image.mean(axis=1, dtype=np.float64)
    off = means[1:-1] - (means[:-2] + means[2:]) / 2
    spread = 1.4826 * float(np.median(np.abs(off - np.median(off))))
    least = max(_STANDS_OUT * spread, 1e-6 * float(np.ptp(image)))
    for place in np.flatnonzero(np.abs(off[1:-1]) > least) + 1:
        beside = off[[place - 1, place + 1]] / off[place]
        if ((beside > _BESIDE[0]) & (beside < _BESIDE[1])).all():
            here = image[place + 1] - (image[place] + image[place + 2]) / 2
            bad[place + 1] = bool((np.sign(here) == np.sign(off[place])).mean() > _ALIKE)
    return bad
