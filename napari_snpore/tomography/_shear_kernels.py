"""Projection of one plane by shearing, for the live preview.

Many planes side by side share the work of finding weights; a single one cannot. But along a row of
voxels the shift of a tilt's rays is constant: shifted rows are added up on a line ``FINE`` times as
fine as the voxels, which is plain contiguous arithmetic, and the detector is read off that line by
linear interpolation. Backward is the exact transpose. Against Joseph's weights the line makes rays
smoother by a small fraction of a voxel; a test states how little a reconstruction notices.

Layouts are those of :mod:`napari_snpore.tomography._kernels` with one lane; the image of steep
tilts is passed transposed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

FINE = 4
ROWS = 16

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]


def line_length(planes: int, cells: int) -> int:
    """Return how many voxels a line spans: a row and its largest shift to both sides (slopes are at
    most 1).
    """
    return cells + planes + 8


@kernel
def shear_forward(
    image: Floats,
    sinogram: Floats,
    rays: Doubles,
    bins: Integers,
    planes: int,
    cells: int,
    factor: float,
    lines: Floats,
    tilts: tuple[int, int],
) -> None:
    """Add ``factor`` times the projections of an image to a sinogram; as ``gather_rays``, rows
    ``cells + 2`` long. ``lines`` (FINE, length): working memory.
    """
    length = lines.shape[1]
    lowest = -(planes // 2) - 3
    middle = 0.5 * (planes - 1)
    for tilt in range(tilts[0], tilts[1]):
        slope = rays[tilt, 2]
        lines[:] = 0
        for plane in range(planes):
            row = image[(plane + 1) * (cells + 2) : (plane + 2) * (cells + 2)]
            for fine in range(FINE):
                shift = (plane - middle) * slope + fine / FINE
                whole = int(np.floor(shift))
                upper = np.float32(shift - whole)
                lower = np.float32(1) - upper
                line = lines[fine, -lowest - whole : -lowest - whole + cells + 1]
                for cell in range(len(line)):
                    line[cell] += lower * row[cell] + upper * row[cell + 1]
        start = (rays[tilt, 0] + middle * slope - lowest) * FINE
        step = rays[tilt, 1] * FINE
        weight = rays[tilt, 3] * factor
        for bin_ in range(bins[tilt, 2]):
            place = start + bin_ * step
            if place < 0 or place >= FINE * length - FINE - 1:
                continue
            index = int(place)
            part = np.float32(place - index)
            before = lines[index % FINE, index // FINE]
            after = lines[(index + 1) % FINE, (index + 1) // FINE]
            sinogram[bins[tilt, 0] + bin_ * bins[tilt, 1]] += np.float32(weight) * (
                before + part * (after - before)
            )


@kernel
def spread_bins(
    sinogram: Floats,
    rays: Doubles,
    bins: Integers,
    planes: int,
    lines: Floats,
    tilts: tuple[int, int],
) -> None:
    """Transpose of reading the detector off the lines: ``lines`` (tilt, FINE, length),
    overwritten.
    """
    length = lines.shape[2]
    lowest = -(planes // 2) - 3
    middle = 0.5 * (planes - 1)
    for tilt in range(tilts[0], tilts[1]):
        lines[tilt] = 0
        start = (rays[tilt, 0] + middle * rays[tilt, 2] - lowest) * FINE
        step = rays[tilt, 1] * FINE
        weight = np.float32(rays[tilt, 3])
        for bin_ in range(bins[tilt, 2]):
            place = start + bin_ * step
            if place < 0 or place >= FINE * length - FINE - 1:
                continue
            index = int(place)
            part = np.float32(place - index)
            value = weight * sinogram[bins[tilt, 0] + bin_ * bins[tilt, 1]]
            lines[tilt, index % FINE, index // FINE] += (np.float32(1) - part) * value
            lines[tilt, (index + 1) % FINE, (index + 1) // FINE] += part * value


@kernel
def interpolate_bins(
    sinogram: Floats,
    rays: Doubles,
    bins: Integers,
    planes: int,
    lines: Floats,
    tilts: tuple[int, int],
) -> None:
    """Read the detector at every place of the lines by linear interpolation, 0 beyond its ends: for
    backprojection proper.
    """
    length = lines.shape[2]
    lowest = -(planes // 2) - 3
    middle = 0.5 * (planes - 1)
    for tilt in range(tilts[0], tilts[1]):
        start = rays[tilt, 0] + middle * rays[tilt, 2]
        last = bins[tilt, 2] - 1
        for fine in range(FINE):
            for cell in range(length):
                place = (lowest + cell + fine / FINE - start) / rays[tilt, 1]
                value = np.float32(0)
                if place > -1 and place < last + 1:
                    below = int(np.floor(place))
                    part = np.float32(place - below)
                    if below >= 0:
                        value += (np.float32(1) - part) * sinogram[
                            bins[tilt, 0] + below * bins[tilt, 1]
                        ]
                    if below < last:
                        value += part * sinogram[bins[tilt, 0] + (below + 1) * bins[tilt, 1]]
                lines[tilt, fine, cell] = value


@kernel
def shear_backward(
    lines: Floats,
    rays: Doubles,
    planes: int,
    cells: int,
    adjoint: bool,
    image: Floats,
    part: tuple[int, int],
) -> None:
    """Add up, for the planes of ``part``, what the lines of all tilts hold at each voxel; ``image``
    (planes, cells), overwritten.

    ``adjoint``: with the weights of :func:`shear_forward`; else each line is read once, by linear
    interpolation.
    """
    lowest = -(planes // 2) - 3
    middle = 0.5 * (planes - 1)
    for first in range(part[0], part[1], ROWS):
        last = min(first + ROWS, part[1])
        for plane in range(first, last):
            image[plane] = 0
        for tilt in range(lines.shape[0]):
            slope = rays[tilt, 2]
            for plane in range(first, last):
                row = image[plane]
                for fine in range(FINE if adjoint else 1):
                    shift = (plane - middle) * slope + fine / FINE
                    whole = int(np.floor(shift))
                    share = np.float32(shift - whole)
                    # voxel 1 of the row with its rim is cell 0 here
                    if adjoint:
                        near = lines[tilt, fine, -lowest - whole + 1 : -lowest - whole + 1 + cells]
                        far = lines[tilt, fine, -lowest - whole : -lowest - whole + cells]
                    else:
                        place = FINE * (1.0 - shift - lowest)
                        index = int(place)
                        share = np.float32(place - index)
                        near = lines[tilt, index % FINE, index // FINE : index // FINE + cells]
                        far = lines[
                            tilt,
                            (index + 1) % FINE,
                            (index + 1) // FINE : (index + 1) // FINE + cells,
                        ]
                    rest = np.float32(1) - share
                    for cell in range(len(row)):
                        row[cell] += rest * near[cell] + share * far[cell]
