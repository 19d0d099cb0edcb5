"""Kernels of total variation in three dimensions: one sweep over a block of planes, one over a tilt
image, one extrapolation.

Blocks have the layout of :mod:`napari_snpore.tomography._kernels`: ``(z, x, slice)`` inside a rim of
one voxel in z and x, flat; the slices of a block follow each other along y. Differences are forward
ones; across the faces of the volume there is none (the object may extend beyond them). What a block
needs of the next one is its first slice, passed as a plane ``(z, x)`` with the same rim.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel

Floats = NDArray[np.float32]

FULL_LIMIT = 65535
"""Code of the largest limit; limits are kept as 16 bits a voxel, half the memory of a number."""


@kernel
def step_fields(
    lanes: int,
    slices: int,
    ahead: Floats,
    image: Floats,
    along_z: Floats,
    along_x: Floats,
    along_y: Floats,
    beyond: Floats,
    goes_on: bool,
    shape: tuple[int, int],
    rise: float,
    unit: float,
    limits: NDArray[np.uint16],
    steps: Floats,
) -> None:
    """Move the dual field up the gradient of ``ahead``, keep its length within ``unit * limits``,
    and begin the next image.

    On return ``ahead`` holds ``image`` plus ``steps`` (one per voxel) times the divergence of the
    field, without the part that the previous block adds to the first slice (:func:`join_blocks`).
    One sweep: a voxel needs differences to later ones only, and the field of earlier ones only.
    """
    depth, width = shape
    row = (width + 2) * lanes
    slope = np.float32(rise)
    code = np.float32(unit / FULL_LIMIT)
    for z in range(depth):
        below = np.float32(1 if z + 1 < depth else 0) * slope
        for x in range(width):
            place = (z + 1) * (width + 2) + x + 1
            i = place * lanes
            beside = np.float32(1 if x + 1 < width else 0) * slope
            step = steps[z * width + x]
            here, down, right = (
                ahead[i : i + lanes],
                ahead[i + row : i + row + lanes],
                ahead[i + lanes : i + 2 * lanes],
            )
            fall, run, pass_ = (
                along_z[i : i + lanes],
                along_x[i : i + lanes],
                along_y[i : i + lanes],
            )
            up, left = along_z[i - row : i - row + lanes], along_x[i - lanes : i]
            start = image[i : i + lanes]
            most = limits[i : i + lanes]
            # short loops that write one array each: only such are turned into vector instructions
            for lane in range(lanes):
                fall[lane] += below * (down[lane] - here[lane])
            for lane in range(lanes):
                run[lane] += beside * (right[lane] - here[lane])
            for lane in range(slices - 1):
                pass_[lane] += slope * (here[lane + 1] - here[lane])
            if goes_on:
                pass_[slices - 1] += slope * (beyond[place] - here[slices - 1])
            _shorten(fall, run, pass_, most, code)
            for lane in range(lanes):
                here[lane] = start[lane] + step * (
                    fall[lane] - up[lane] + run[lane] - left[lane] + pass_[lane]
                )
            for lane in range(1, lanes):
                here[lane] -= step * pass_[lane - 1]


@part_of_kernel
def _shorten(fall: Floats, run: Floats, pass_: Floats, most: NDArray[np.uint16], code: Any) -> None:
    """Shorten the vectors (fall, run, pass_) that are longer than ``code * most`` to it."""
    for lane in range(len(fall)):
        length = np.sqrt(
            fall[lane] * fall[lane] + run[lane] * run[lane] + pass_[lane] * pass_[lane]
        )
        limit = code * np.float32(most[lane]) + np.float32(1e-30)
        scale = limit / (length if length > limit else limit)
        fall[lane] *= scale
        run[lane] *= scale
        pass_[lane] *= scale


@kernel
def join_blocks(
    lanes: int,
    ahead: Floats,
    lanes_before: int,
    slices_before: int,
    field_before: Floats,
    shape: tuple[int, int],
    steps: Floats,
) -> None:
    """Subtract from the first slice of a block what the field of the block before it takes away."""
    depth, width = shape
    for z in range(depth):
        for x in range(width):
            place = (z + 1) * (width + 2) + x + 1
            taken = field_before[place * lanes_before + slices_before - 1]
            ahead[place * lanes] -= steps[z * width + x] * taken


@kernel
def weigh_edges(
    lanes: int,
    slices: int,
    image: Floats,
    beyond: Floats,
    goes_on: bool,
    shape: tuple[int, int],
    contrast: float,
    limits: NDArray[np.uint16],
) -> None:
    """Set ``limits`` to ``contrast / (contrast + |∇x|)``: an edge costs the less, the higher it
    is.
    """
    depth, width = shape
    row = (width + 2) * lanes
    level = np.float32(contrast)
    full = np.float32(FULL_LIMIT)
    for z in range(depth):
        below = np.float32(1 if z + 1 < depth else 0)
        for x in range(width):
            place = (z + 1) * (width + 2) + x + 1
            i = place * lanes
            beside = np.float32(1 if x + 1 < width else 0)
            for lane in range(slices):
                here = image[i + lane]
                fall = below * (image[i + row + lane] - here)
                run = beside * (image[i + lanes + lane] - here)
                pass_ = np.float32(0)
                if lane + 1 < slices:
                    pass_ = image[i + lane + 1] - here
                elif goes_on:
                    pass_ = beyond[place] - here
                height = np.sqrt(fall * fall + run * run + pass_ * pass_)
                limits[i + lane] = np.uint16(full * level / (level + height))


@kernel
def blur_image(image: Floats, taps: Floats, rows: Floats) -> None:
    """Blur an image (y, x) in place: mirrored beyond its first and last row, zero beyond its sides.

    ``rows`` is working memory of the same shape. As
    :func:`~napari_snpore.tomography.detector_blur.blur_images`.
    """
    height, width = image.shape
    radius = len(taps) // 2
    for y in range(height):
        out = rows[y]
        out[:] = 0
        for k in range(-radius, radius + 1):
            source = y + k
            while source < 0 or source >= height:
                source = -1 - source if source < 0 else 2 * height - 1 - source
            line, tap = image[source], taps[k + radius]
            for x in range(width):
                out[x] += tap * line[x]
    for y in range(height):
        line, out = rows[y], image[y]
        out[:] = 0
        for k in range(-radius, radius + 1):
            tap = taps[k + radius]
            for x in range(max(0, -k), min(width, width - k)):
                out[x] += tap * line[x + k]


@kernel
def step_image(
    projection: Floats,
    measured: Floats,
    dual: Floats,
    rates: Floats,
    spread: Floats,
    taps: Floats,
    rows: Floats,
) -> float:
    """Move the dual of one tilt image by its misfit ``b - G A x̄``; return the sum of its squares.

    ``dual ← (dual - rate * misfit) / (1 + rate * spread)``, the proximal step of half the squared
    misfit weighted by one over ``spread``. ``projection`` holds A x̄ on entry and the blurred dual,
    ready for backprojection, on return.
    """
    height, width = projection.shape
    total = 0.0
    for turn in range(2):  # one call: its code is here once
        if len(taps) > 1:
            blur_image(projection, taps, rows)
        if turn == 1:
            break
        for y in range(height):
            squares = 0.0
            for x in range(width):
                misfit = measured[y, x] - projection[y, x]
                squares += np.float64(misfit) * np.float64(misfit)
                rate = rates[x]
                dual[y, x] = (dual[y, x] - rate * misfit) / (np.float32(1) + rate * spread[y, x])
                projection[y, x] = dual[y, x]
            total += squares
    return total


@kernel
def look_ahead(ahead: Floats, image: Floats) -> tuple[float, float]:
    """Take ``ahead`` as the new image, and step over it by as much as it moved; return the sums of
    the absolute moves and of the absolute values.
    """
    moved, size = 0.0, 0.0
    step = 4096
    for start in range(0, len(image), step):
        part, whole = np.float32(0), np.float32(0)
        for i in range(start, min(start + step, len(image))):
            value = ahead[i]
            change = value - image[i]
            part += abs(change)
            whole += abs(value)
            ahead[i] = value + change
            image[i] = value
        moved += float(part)
        size += float(whole)
    return moved, size
