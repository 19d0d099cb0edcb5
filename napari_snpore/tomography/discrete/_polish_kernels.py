"""Kernels of polishing: single-voxel changes of a labelled volume with the images in the energy.

The energy is ``E = 1/2 Σ w (G P x - b)² + β Σ unlike pairs``, with the projector P, the blur G on
the detector and the levels x of the labels. It needs two numbers per voxel: the gradient ``g`` of
the first sum by the value of the voxel and its curvature ``h``. A change of the value by d then
costs ``d g + d² h / 2``.

Both come from arrays over the images, ``f = w (G P x - b)`` (the *forces*) and ``w``. The response
of the images to one voxel factors: across the detector a short row ``c`` (two Joseph weights,
blurred) per tilt, along y the taps ``k`` of the Gaussian, the same for all tilts. For a whole
column of voxels, one (z, x) and many y::

    F[y] = Σ_tilt Σ_bin c f,    W[y] = Σ_tilt Σ_bin c² w,    g = k * F,    h = k² * W

so the long sums run over contiguous y, and what a change of one voxel does to the gradients of the
others in its column is a product of known numbers: ``F[y'] += d k[y' - y] W[y']``. The forces are
brought up to date once per column. Nothing is approximated: forces after any number of changes are
those of a new projection, up to rounding.

Layout: ``(tilt, bin, y)`` for forces and weights, with a rim of bins and rows of weight zero;
``(z, x, y)`` for labels, with a rim of one voxel. Arrays are passed flat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel, part_of_kernel
from napari_snpore.tomography._lanes import add_product, add_scaled, load, store, zero

LANES = 32
"""Rows of y in one vector."""

HELD = 128
"""Bit of a label that is never changed."""

NONE = 255
"""Label beyond the box: no neighbour."""

LABEL = 127
"""Bits of the label itself."""

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Integers = NDArray[np.int64]
Labels = NDArray[np.uint8]
PolishBuffers = tuple[
    Integers, Integers, Labels, Labels, Floats, Floats, Floats, Floats, Floats, Doubles, Doubles
]


def polish_buffers(
    tilts: int, taps: Floats, levels: int, slices: int, slab: tuple[int, int, int]
) -> PolishBuffers:
    """Return the working memory of :func:`polish_slab`, and in it what each row of the slab reaches.

    Parameters
    ----------
    tilts, levels : int
        How many there are.
    taps : float32, odd length
        Gaussian of the blur.
    slices : int
        Rows of the volume along y.
    slab : (int, int, int)
        As there.
    """
    first, rows, window = slab
    responses = tilts * (len(taps) + 1)
    folded, along = _fold(first, rows, slices, taps)
    return (
        np.empty(tilts, np.int64),
        folded,
        np.empty(rows + 1, np.uint8),
        np.empty(levels, np.uint8),
        np.empty(responses, np.float32),
        np.empty(responses, np.float32),
        np.empty(window, np.float32),
        np.empty(window, np.float32),
        np.zeros(window, np.float32),
        along,
        np.empty(levels),
    )


def _fold(first: int, rows: int, slices: int, taps: Floats) -> tuple[Integers, Doubles]:
    """Return, for each row of a slab, the row of the window that its taps begin at and how many
    they are, and the taps, mirrored at both ends of the volume.
    """
    radius = len(taps) // 2
    folded, along = np.empty((rows, 2), np.int64), np.zeros((rows, len(taps)))
    for y in range(first, first + rows):
        begin, end = max(0, y - radius), min(slices, y + radius + 1)
        folded[y - first] = begin - (first - radius), end - begin
        for place in range(y - radius, y + radius + 1):
            row = place
            while row < 0 or row >= slices:
                row = -1 - row if row < 0 else 2 * slices - 1 - row
            along[y - first, row - begin] += taps[place - y + radius]
    return folded, along


@part_of_kernel
def _mark_borders(state: Labels, column: int, rows: int, offsets: Integers, border: Labels) -> bool:
    """Mark the rows of a column that have an unlike neighbour and may change; return whether there
    is one.
    """
    for row in range(rows):
        border[row] = 0
    for place in range(len(offsets)):
        beyond = column + offsets[place]
        for row in range(rows):
            own, other = state[column + row], state[beyond + row]
            unlike = (other != NONE) & ((own & LABEL) != (other & LABEL))
            border[row] |= np.uint8(unlike)
    found = 0
    for row in range(rows):
        border[row] &= np.uint8(state[column + row] < HELD)
        found |= border[row]
    return found != 0


@part_of_kernel
def _spread_column(
    z: int,
    x: int,
    tilts: Doubles,
    framed: Floats,
    layout: tuple[int, int],
    starts: Integers,
    spread: Floats,
    squares: Floats,
) -> None:
    """Work out ``c`` of the module docstring for all tilts: index of its first bin, values,
    squares. ``framed``: the taps between two zeros.
    """
    bins, stride = layout
    width = len(framed) - 1
    wide = bins + width
    for tilt in range(tilts.shape[1]):
        place = tilts[2, tilt] + x * tilts[0, tilt] + z * tilts[1, tilt]
        first = int(np.floor(place))
        part = place - first
        lower = tilts[3, tilt] - part * tilts[4, tilt]
        upper = tilts[3, tilt] - (1 - part) * tilts[4, tilt]
        # what falls beside the detector is lost before the blur, as in the projector
        if lower < 0.0 or not 0 <= first < bins:
            lower = 0.0
        if upper < 0.0 or not -1 <= first < bins - 1:
            upper = 0.0
        first = min(max(first, -1), bins - 1)
        starts[tilt] = (tilt * wide + first + 1) * stride
        near, far = np.float32(lower), np.float32(upper)
        for bin_ in range(width):
            value = near * framed[bin_ + 1] + far * framed[bin_]
            spread[tilt * width + bin_] = value
            squares[tilt * width + bin_] = value * value


@part_of_kernel
def _sum_column(
    count: Any,
    forces: Floats,
    weights: Floats,
    row: int,
    stride: int,
    starts: Integers,
    spread: Floats,
    squares: Floats,
    pulls: Floats,
    stiffness: Floats,
) -> None:
    """Work out F and W of the module docstring for ``len(pulls)`` rows from ``row`` on."""
    width = len(spread) // len(starts)
    for chunk in range(0, len(pulls), LANES):
        pull, stiff = zero(count), zero(count)
        for tilt in range(len(starts)):
            index = starts[tilt] + row + chunk
            for place in range(tilt * width, (tilt + 1) * width):
                pull = add_scaled(pull, spread[place], forces, index)
                stiff = add_scaled(stiff, squares[place], weights, index)
                index += stride
        store(pull, pulls, chunk)
        store(stiff, stiffness, chunk)


@part_of_kernel
def _change_forces(
    count: Any,
    forces: Floats,
    weights: Floats,
    row: int,
    stride: int,
    starts: Integers,
    spread: Floats,
    changes: Floats,
) -> None:
    """Add what changes in one column do to the forces; ``changes`` are blurred along y."""
    width = len(spread) // len(starts)
    for chunk in range(0, len(changes), LANES):
        response = load(count, changes, chunk)
        for tilt in range(len(starts)):
            index = starts[tilt] + row + chunk
            for place in range(tilt * width, (tilt + 1) * width):
                force = load(count, forces, index)
                force = add_product(force, spread[place], response, weights, index)
                store(force, forces, index)
                index += stride


@part_of_kernel
def _holds_together(
    state: Labels, voxel: int, offsets: Integers, touching: Integers, bright_from: int
) -> bool:
    """Return whether its bright neighbours (labels from ``bright_from`` on) hang together without a
    voxel; true where it has none.
    """
    bright = 0
    for place in range(len(offsets)):
        other = state[voxel + offsets[place]]
        if other != NONE and (other & LABEL) >= bright_from:
            bright |= 1 << place
    reached = bright & -bright
    grown = 0
    while grown != reached:
        grown = reached
        for place in range(len(offsets)):
            if grown >> place & 1:
                reached |= touching[place] & bright
    return reached == bright


@kernel
def polish_slab(
    count: Any,
    state: Labels,
    shape: tuple[int, int, int],
    forces: Floats,
    weights: Floats,
    tilts: Doubles,
    layout: tuple[int, int],
    framed: Floats,
    levels: Doubles,
    pairs: tuple[Integers, Doubles, int, Integers],
    grows_from: int,
    caution: float,
    slab: tuple[int, int, int],
    planes: tuple[int, int],
    room: PolishBuffers,
    result: Doubles,
) -> None:
    """Visit the voxels of some planes of one slab once, in the order z, x, y, and give each the
    label of least energy.

    Parameters
    ----------
    count : LaneCount
        Of :data:`LANES`.
    state : uint8, flat
        Labels, with :data:`HELD` and :data:`NONE`; changed.
    shape : (int, int, int)
        Voxels (z, x, y) without rim.
    forces, weights : float32, flat
        Layouts of the module docstring; forces change within the rows that the slab reaches.
    tilts : float64, shape (5, tilt)
        cos θ, sin θ, position of voxel (0, 0) on the detector in bins, 1/c and 1/c² with c of
        :mod:`napari_snpore.tomography._kernels`.
    layout : (int, int)
        Bins of the detector without rim, rows of a bin with rim.
    framed : float32, odd length
        Gaussian of the blur between two zeros.
    levels : float64
        Value of each label.
    pairs : (int64 array, float64 array, int, int64 array)
        Index offsets of the neighbours, β times their weights, how many of them (the first) share a
        face or an edge, and for each a bit per neighbour that touches it.
    grows_from : int
        Labels from here on are given only to voxels that share a face or an edge with one of them,
        and taken only from voxels whose neighbours of these labels hang together without them.
    caution : float
        Factor of the curvature when labels are compared, 1 or more; 1 compares energies.
    slab : (int, int, int)
        First row, rows, and rows of the window that starts half the taps before it.
    planes : (int, int)
        First z and the one after the last: planes in several calls give the same bits as in one.
    room : tuple of arrays
        :func:`polish_buffers`.
    result : float64, shape (2,)
        Changed voxels and the change of the energy.
    """
    _, columns, slices = shape
    stride = layout[1]
    offsets, costs, near, touching = pairs
    first, rows, _ = slab
    starts, folded, border, beside, spread, squares, pulls, stiffness, changes, along, alike = room
    for z in range(planes[0], planes[1]):
        for x in range(columns):
            column = ((z + 1) * (columns + 2) + x + 1) * (slices + 2) + 1 + first
            if not _mark_borders(state, column, rows, offsets, border):
                continue
            _spread_column(z, x, tilts, framed, layout, starts, spread, squares)
            _sum_column(
                count,
                forces,
                weights,
                first,
                stride,
                starts,
                spread,
                squares,
                pulls,
                stiffness,
            )
            moved = False
            for row in range(rows):
                if border[row] == 0:
                    continue
                voxel = column + row
                own = state[voxel]
                for label in range(len(levels)):
                    alike[label] = 0.0
                    beside[label] = 0
                for place in range(len(offsets)):
                    other = state[voxel + offsets[place]]
                    if other != NONE:
                        alike[other & LABEL] += costs[place]
                        if place < near:
                            beside[other & LABEL] = 1
                start, reach = folded[row, 0], folded[row, 1]
                gradient = curvature = 0.0
                for place in range(reach):
                    gradient += along[row, place] * pulls[start + place]
                    curvature += along[row, place] * along[row, place] * stiffness[start + place]
                best, gain, least = own, 0.0, 0.0
                for label in range(1, len(levels)):
                    if label >= grows_from and beside[label] == 0:
                        continue
                    change = levels[label] - levels[own]
                    rise = change * (gradient + 0.5 * change * curvature)
                    rise += alike[own] - alike[label]
                    cautious = rise + 0.5 * (caution - 1) * change * change * curvature
                    if cautious < least:
                        best, gain, least = np.uint8(label), rise, cautious
                if best == own:
                    continue
                if best < grows_from <= own and not _holds_together(
                    state, voxel, offsets, touching, grows_from
                ):
                    continue
                state[voxel] = best
                border[row + 1] = (row + 1 < rows) & (state[voxel + 1] < HELD)
                result[0] += 1
                result[1] += gain
                change = levels[best] - levels[own]
                for place in range(reach):
                    part = change * along[row, place]
                    pulls[start + place] += part * stiffness[start + place]
                    changes[start + place] += part
                moved = True
            if moved:
                _change_forces(count, forces, weights, first, stride, starts, spread, changes)
                for place in range(len(changes)):
                    changes[place] = 0.0
