"""Projection of a grid of phases by the exact footprint of its voxels, sorted by depth.

Seen along the beam a square voxel casts a trapezoid: the convolution of two boxes, as wide as the
projections of its two edges. A detector bin receives the area of the trapezoid above it, so that no
mass is lost at any tilt and a straight face of voxels is projected exactly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel


@kernel
def footprint_area(place: float, wide: float, narrow: float) -> float:
    """Return the part of a unit trapezoid that lies below a place, counted from its middle.

    The trapezoid is the convolution of boxes of the widths ``wide`` ≥ ``narrow``.
    """
    outer, inner = 0.5 * (wide + narrow), 0.5 * (wide - narrow)
    side = abs(place)
    if side >= outer:
        part = 0.5
    elif side <= inner:
        part = side / wide
    else:  # on the slope, which exists only where narrow > 0
        part = 0.5 - 0.5 * (outer - side) ** 2 / (wide * narrow)
    return 0.5 + part if place > 0 else 0.5 - part


@kernel
def project_footprints(
    phases: NDArray[np.uint8],
    filled: NDArray[np.bool_],
    levels: NDArray[np.float32],
    tilt: tuple[float, float],
    slab_voxels: float,
    slabs: NDArray[np.float32],
) -> None:
    """Add the projection of a grid to the images of its slabs across the beam.

    Parameters
    ----------
    phases : array, uint8, shape (z, x, y)
    filled : array, bool, shape (z, x)
        Where a row along y holds anything but 0.
    levels : array, float32, shape (256,)
        Grey value of each phase.
    tilt : (float, float)
        Cosine and sine of the tilt angle: the voxel (z, x), from the middle, is seen at ``x cos + z
        sin`` and lies at the depth ``z cos − x sin``.
    slab_voxels : float
        Thickness of a slab in voxels.
    slabs : array, float32, shape (slab, bin, y)
        Images to add to; the middle slab is centred at depth 0. Values are grey values times voxels.
    """
    cosine, sine = tilt
    wide, narrow = max(abs(cosine), abs(sine)), min(abs(cosine), abs(sine))
    count, bins, length = slabs.shape
    row = np.empty(length, np.float32)
    for z in range(phases.shape[0]):
        for x in range(phases.shape[1]):
            if not filled[z, x]:
                continue
            from_z, from_x = z - 0.5 * (phases.shape[0] - 1), x - 0.5 * (phases.shape[1] - 1)
            place = from_x * cosine + from_z * sine + 0.5 * (bins - 1)
            depth = from_z * cosine - from_x * sine
            slab = min(max(int(np.floor(depth / slab_voxels + 0.5 * count)), 0), count - 1)
            for y in range(length):
                row[y] = levels[phases[z, x, y]]
            first = int(np.floor(place - 0.5 * (wide + narrow) + 0.5))
            below = footprint_area(first - 0.5 - place, wide, narrow)
            for bin_ in range(first, first + 3):  # a trapezoid is at most √2 wide
                above = footprint_area(bin_ + 0.5 - place, wide, narrow)
                weight = np.float32(above - below)
                below = above
                if weight > 0 and 0 <= bin_ < bins:
                    for y in range(length):
                        slabs[slab, bin_, y] += weight * row[y]
