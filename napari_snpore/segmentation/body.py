"""Largest connected piece of a solid, without the specks that noise and the missing wedge leave
around it.
"""

from __future__ import annotations

import cc3d
import numpy as np
from numpy.typing import NDArray


def largest_body(solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the greatest 6-connected piece of a solid; an empty solid stays empty.

    Specks in vacuum shadow the void between them and the body, so that ambient occlusion would
    count it as pore. Six neighbours, not 26: specks that share only an edge or a corner with the
    body are left out too.

    Parameters
    ----------
    solid : array, bool, shape (z, y, x)
        True where there is material.

    Returns
    -------
    array, bool, shape (z, y, x)
        Of pieces of the same size the one that comes first in the array.
    """
    pieces, count = cc3d.connected_components(
        solid, connectivity=6, binary_image=True, return_N=True
    )
    if count <= 1:
        return solid.copy()
    sizes = cc3d.statistics(pieces)["voxel_counts"]
    body: NDArray[np.bool_] = pieces == int(np.argmax(sizes[1:])) + 1
    return body
