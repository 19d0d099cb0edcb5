"""Grey values sorted by their distance across a direction: profiles without interpolation.

Rotating an image would blur it and make neighbouring values depend on each other; here each pixel
goes as it is into the bin (one pixel wide) in which its centre lies, so that noise stays
independent from bin to bin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.in_situ.frames import FLOAT
from napari_snpore.in_situ.rectangle import Rectangle, directions

_SLAB_PX = 2**20
"""Pixels taken at a time: a large camera's image is never there five times over."""


@dataclass(frozen=True, eq=False)
class Across:
    """Sums over the pixels of each stretch along the fibre and each bin across it.

    ``position_px`` is measured from the image's centre, to the right of the direction.

    Parameters
    ----------
    count, total, square, place : arrays, shape (stretch, bin)
        Number of pixels, sum of their grey values, of their squares, and of their positions in px.
    """

    count: NDArray[np.int64]
    total: FLOAT
    square: FLOAT
    place: FLOAT

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Pixels in each bin."""
        found: NDArray[np.int64] = self.count.sum(axis=0)
        return found

    @property
    def position_px(self) -> FLOAT:
        """Mean position of the pixels in each bin."""
        found: FLOAT = self.place.sum(axis=0) / self.pixels
        return found

    @property
    def mean(self) -> FLOAT:
        """Mean grey value of each bin."""
        found: FLOAT = self.total.sum(axis=0) / self.pixels
        return found

    @property
    def error(self) -> FLOAT:
        """Standard error of that mean, from the spread of the pixels in the bin; NaN where there is
        one pixel only.
        """
        n = self.pixels
        spread = np.maximum(self.square.sum(axis=0) - n * self.mean**2, 0)
        found: FLOAT = np.sqrt(
            np.divide(spread, n * (n - 1.0), out=np.full(len(n), np.nan), where=n > 1)
        )
        return found


def sort_across(
    image: FLOAT,
    rectangle: Rectangle,
    *,
    pixel_size_nm: float,
    angle_deg: float,
    stretches: int = 1,
) -> Across:
    """Sort the pixels of a rectangle by their distance across a direction; empty bins are left out.

    Parameters
    ----------
    image : array, shape (y, x)
        Finite grey values.
    rectangle : Rectangle
        Inside the image.
    pixel_size_nm : float
        Edge of a pixel.
    angle_deg : float
        The direction, that of the fibre.
    stretches : int
        Parts of equal length along the fibre that are kept apart.
    """
    along, across = directions(angle_deg)
    middle = (np.array(image.shape) - 1) / 2
    corners = rectangle.corners_nm / pixel_size_nm - middle
    # one bin a pixel, their edges between the lines of pixels where the direction is that of an
    # image axis
    first = np.floor((corners @ across).min() + 0.5) - 0.5 - (middle @ np.abs(across)) % 1
    bins = int(np.ceil((corners @ across).max() - first)) + 2
    start, stop = (corners @ along).min(), (corners @ along).max()
    sums = np.zeros((4, stretches * bins))
    rows, columns = rectangle.bounds((image.shape[0], image.shape[1]), pixel_size_nm)
    x = np.arange(columns.start, columns.stop)
    for top in range(rows.start, rows.stop, max(1, _SLAB_PX // max(len(x), 1))):
        y = np.arange(top, min(rows.stop, top + max(1, _SLAB_PX // max(len(x), 1))))
        inside = rectangle.holds(y[:, None] * pixel_size_nm, x[None, :] * pixel_size_nm)
        values = image[y[0] : y[-1] + 1, columns][inside]
        dy, dx = y[:, None] - middle[0], x[None, :] - middle[1]
        place = (dy * across[0] + dx * across[1])[inside]
        length = (dy * along[0] + dx * along[1])[inside]
        stretch = np.clip(
            ((length - start) / max(stop - start, 1e-9) * stretches).astype(np.int64),
            0,
            stretches - 1,
        )
        index = stretch * bins + np.clip(
            np.floor(place - first + 1e-9).astype(np.int64), 0, bins - 1
        )
        for row, weights in enumerate((None, values, values**2, place)):
            sums[row] += np.bincount(index, weights, minlength=sums.shape[1])
    count, total, square, place = sums.reshape(4, stretches, bins)
    used = count.sum(axis=0) > 0
    return Across(count[:, used].astype(np.int64), total[:, used], square[:, used], place[:, used])
