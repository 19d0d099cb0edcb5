"""Kernels of total variation: one sweep over an image, one over a sinogram, one extrapolation.

Layouts are those of :mod:`napari_snpore.tomography._kernels`: images ``(z, x, slice)`` inside a rim
of one voxel, flat. Differences are forward ones within the plane; across its edge there is none
(the object may extend beyond it).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@kernel
def step_gradient(
    lanes: int,
    ahead: Floats,
    image: Floats,
    along_z: Floats,
    along_x: Floats,
    shape: tuple[int, int],
    rise: float,
    limit: float,
    steps: Floats,
) -> None:
    """Move the dual field up the gradient of ``ahead``, keep its length within ``limit``, and begin
    the next image.

    On return ``ahead`` holds ``image`` plus ``steps`` (one per voxel) times the divergence of the
    field. One sweep: a voxel needs differences to later ones only, and the field of earlier ones
    only.
    """
    depth, width = shape
    row = (width + 2) * lanes
    slope = np.float32(rise)
    most = np.float32(max(limit, 1e-30))  # a weight of 0 keeps the field at 0
    for z in range(depth):
        below = np.float32(1 if z + 1 < depth else 0) * slope
        for x in range(width):
            i = ((z + 1) * (width + 2) + x + 1) * lanes
            beside = np.float32(1 if x + 1 < width else 0) * slope
            step = steps[z * width + x]
            here, down, right = (
                ahead[i : i + lanes],
                ahead[i + row : i + row + lanes],
                ahead[i + lanes : i + 2 * lanes],
            )
            fall, run = along_z[i : i + lanes], along_x[i : i + lanes]
            up, left = along_z[i - row : i - row + lanes], along_x[i - lanes : i]
            start = image[i : i + lanes]
            # short loops that write one array each: only such are turned into vector instructions
            for lane in range(lanes):
                fall[lane] += below * (down[lane] - here[lane])
            for lane in range(lanes):
                run[lane] += beside * (right[lane] - here[lane])
            _shorten(fall, run, most)
            for lane in range(lanes):
                here[lane] = start[lane] + step * (fall[lane] - up[lane] + run[lane] - left[lane])


@kernel
def _shorten(fall: Floats, run: Floats, limit: Any) -> None:
    """Shorten the vectors (fall, run) that are longer than ``limit`` to it."""
    for lane in range(len(fall)):
        length = np.sqrt(fall[lane] * fall[lane] + run[lane] * run[lane])
        scale = limit / (length if length > limit else limit)
        fall[lane] *= scale
        run[lane] *= scale


@kernel
def step_data(
    lanes: int,
    misfit: Floats,
    dual: Floats,
    left: Floats,
    rates: Floats,
    rows: int,
    bins: int,
    rim: int,
    squares: Doubles,
) -> None:
    """Move the dual of the images by their misfit ``b - A x̄``, and follow ``b - A x`` in ``left``;
    add up its squares.

    ``dual ← (dual - rate * misfit) / (1 + rate)``, the proximal step of half the squared distance;
    since ``x̄ = 2 x - x_before``, ``left`` becomes the mean of itself and ``misfit``.
    """
    wide = bins + 2 * rim
    half = np.float32(0.5)
    for row in range(rows):
        for cell in range(bins):
            start = (row * wide + rim + cell) * lanes
            rate = rates[row * bins + cell]
            shrink = np.float32(1) / (np.float32(1) + rate)
            for lane in range(lanes):
                i = start + lane
                value = misfit[i]
                dual[i] = (dual[i] - rate * value) * shrink
                rest = half * (left[i] + value)
                left[i] = rest
                squares[lane] += np.float64(rest) * np.float64(rest)


@kernel
def look_ahead(ahead: Floats, image: Floats) -> None:
    """Take ``ahead`` as the new image, and step over it by as much as it moved."""
    for i in range(len(image)):
        value = ahead[i]
        ahead[i] = np.float32(2) * value - image[i]
        image[i] = value
