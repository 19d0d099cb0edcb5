"""The kernel of the working frames' linear interpolation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel


@kernel
def sample_linearly(
    image: NDArray[np.float32],
    matrix: NDArray[np.float64],
    start: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Set ``out[i, j]`` to ``image`` at ``start + matrix @ (i, j)``; beyond the image its nearest
    edge value.
    """
    ny, nx = image.shape
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            y = min(max(start[0] + matrix[0, 0] * i + matrix[0, 1] * j, 0.0), ny - 1.0)
            x = min(max(start[1] + matrix[1, 0] * i + matrix[1, 1] * j, 0.0), nx - 1.0)
            top = int(y)
            left = int(x)
            low = min(top + 1, ny - 1)
            right = min(left + 1, nx - 1)
            v = y - top
            u = x - left
            above = (1.0 - u) * image[top, left] + u * image[top, right]
            below = (1.0 - u) * image[low, left] + u * image[low, right]
            out[i, j] = (1.0 - v) * above + v * below
