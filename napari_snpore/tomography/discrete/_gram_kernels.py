"""Kernel of the Gram matrix of projected level sets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel


@kernel
def add_gram(
    rows: NDArray[np.float32],
    weights: NDArray[np.float32],
    pixel: NDArray[np.float64],
    gram: NDArray[np.float64],
) -> None:
    """Add the weighted scalar products of some rows to the upper triangle of ``gram``.

    Row 0 is an image; the rows below it are projections of nested sets, the largest set first.
    Where a set has no shadow, the sets inside it have none either, and the pixel is done.

    Parameters
    ----------
    rows : array, shape (row, pixel)
    weights : array, shape (pixel,)
    pixel : array, shape (row,)
        Working memory.
    gram : array, shape (row, row)
    """
    count = rows.shape[0]
    for p in range(rows.shape[1]):
        filled = 1
        pixel[0] = rows[0, p]
        while filled < count and rows[filled, p] > 0:
            pixel[filled] = rows[filled, p]
            filled += 1
        for k in range(filled):
            factor = weights[p] * pixel[k]
            for m in range(k, filled):
                gram[k, m] += factor * pixel[m]
