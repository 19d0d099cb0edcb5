"""Non-local means of a slab, in steps between which a stop is noticed."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from napari_snpore.segmentation._nl_means_kernel import add_shift

DISTANCE = 5
"""Reach of the search, voxels."""

MARGIN = DISTANCE + 1
"""Voxels around a place that its value depends on."""

_PATCH_VOXELS = 27
"""What the sum over a patch is divided by: scikit-image's, for a patch of 3; its sums reach over
each voxel and the next, as they do here, so that strengths mean the same.
"""

_REACH = range(-DISTANCE, DISTANCE + 1)
_SHIFTS: list[tuple[int, int, int]] = [
    shift for shift in itertools.product(_REACH, _REACH, _REACH) if shift > (0, 0, 0)
]
"""Half of all shifts: each serves its opposite as well."""

STEPS = len(_SHIFTS)


def non_local_means(
    slab: NDArray[np.float32],
    inner: slice,
    *,
    cutoff: float,
    noise: float,
    step: Callable[[], None],
) -> NDArray[np.float32]:
    """Return the weighted mean of each voxel and those around it whose surroundings look alike.

    Parameters
    ----------
    slab : array, float32, shape (z, y, x)
        Part of a volume, with :data:`MARGIN` planes more where the volume goes on.
    inner : slice
        The planes that are asked for. Beyond the volume, its voxels are mirrored.
    cutoff : float
        h, in grey values: a patch at this root mean square of difference, above what noise makes,
        has the weight 1/e.
    noise : float
        Standard deviation of the noise.
    step : callable
        Called :data:`STEPS` times.

    Returns
    -------
    array, float32
        The inner planes.
    """
    before, after = MARGIN - inner.start, MARGIN - (len(slab) - inner.stop)
    gray = np.pad(slab, ((before, after), (MARGIN, MARGIN), (MARGIN, MARGIN)), mode="reflect")
    values, weights = gray.copy(), np.ones_like(gray)  # a voxel is like itself
    scratch = np.empty((3, *gray.shape[1:]), np.float32)
    scale = 1 / (cutoff**2 * _PATCH_VOXELS)
    for shift in _SHIFTS:
        add_shift(gray, shift, noise**2, scale, values, weights, scratch)
        step()
    within = (slice(MARGIN, -MARGIN),) * 3
    mean: NDArray[np.float32] = values[within] / weights[within]
    return mean
