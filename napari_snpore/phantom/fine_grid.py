"""Phases of a phantom on a finer grid, with the voxel staircases at their faces rounded off.

Strategy: the indicator (0 or 1) of every phase is read at the centres of the fine voxels through a
narrow Gaussian, and the fine voxel gets the phase whose indicator is the largest there. Rounding
makes convex bodies a little smaller, small clusters most. A constant per phase, added to its
indicator, compensates for it: the constants are fitted until the phases keep their volumes (Broyden's method, doi
10.1090/S0025-5718-1965-0198670-6, from the areas of the faces).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

_SIGMA = 0.6
"""Standard deviation of the Gaussian in voxels of the given grid: the least at which a slanted plane
of voxels reads as a plane, its steps below a tenth of a voxel."""

_REACH = 2
"""Voxels beyond which the Gaussian is cut off: 3.3 standard deviations."""

_ROWS = 8
"""Planes of the given grid per block."""

_SLOPE = 2 / (_SIGMA * math.sqrt(2 * math.pi))
"""Difference of the indicators of two phases per voxel of distance from their common face: a
constant c moves the face by c / slope."""

_ROUNDS = 6
"""Largest number of corrections of the constants."""

_LEAST_ANSWER = 0.1
"""Least answer of the volumes to a step, as a share of the expected one, from which is learned."""

_TOLERANCE = 1e-3
"""Change of a phase's volume, as a share of the body, at which the corrections end. A face that lies
flat on the grid moves by whole fine voxels, so that less is not always possible."""

_TOLERANCE_LAST = 2e-4
"""The same for the last phase, Sn: its grey value multiplies the error of the mass by 12."""


def fine_phases(
    phases: Labels,
    refine: int,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Labels:
    """Return phases on a grid ``refine`` times finer along each axis.

    Parameters
    ----------
    phases : array, uint8, shape (z, y, x)
        0 exterior, 1 and above: the phases of the body. The box is mirrored at its faces.
    refine : int
        1 returns the phases as they are.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    uint8 array, shape (refine · z, refine · y, refine · x)
        Fine voxel j has its centre at ``(j + 0.5) / refine − 0.5`` of the given grid. Every phase
        keeps its volume to about 0.1 % of the envelope, regions of some nm theirs to 0.2 %.
    """
    if refine == 1:
        return phases
    kinds = np.unique(phases)
    wanted = _counts(phases, kinds)
    body = max(1.0, float(wanted[kinds > 0].sum()))
    inverse = np.linalg.pinv(_response(phases, kinds))
    step = before = np.zeros(len(kinds))
    padded = np.pad(phases, _REACH, mode="symmetric")
    taps = _taps(refine)
    out = np.empty(tuple(refine * n for n in phases.shape), np.uint8)
    constants = np.zeros(len(kinds))
    tolerances = np.full(len(kinds), _TOLERANCE)
    tolerances[-1] = _TOLERANCE_LAST

    def label(first: int) -> NDArray[np.float64]:
        last = min(first + _ROWS, phases.shape[0])
        piece = padded[first : last + 2 * _REACH]
        out[refine * first : refine * last] = _largest(piece, kinds, taps, constants)
        return _counts(out[refine * first : refine * last], kinds)

    for done in range(_ROUNDS):
        part = share_of(progress, done / _ROUNDS, (done + 1) / _ROUNDS)
        blocks = range(0, phases.shape[0], _ROWS)
        counts = run_blocks(label, blocks, progress=part, should_stop=should_stop)
        excess = np.sum(counts, axis=0) / refine**3 - wanted
        if (np.abs(excess) <= tolerances * body).all():
            break
        if done > 0:
            # Broyden's update: the inverse agrees with what the last step did, where that is not
            # against all expectation
            image = inverse @ (excess - before)
            if step @ image > _LEAST_ANSWER * (step @ step):
                inverse += np.outer(step - image, step @ inverse) / (step @ image)
        step, before = -inverse @ excess, excess
        constants += step
    return out


def _counts(phases: Labels, kinds: Labels) -> NDArray[np.float64]:
    """Return the number of voxels of each of some phases."""
    return np.bincount(phases.ravel(), minlength=256)[kinds].astype(np.float64)


def _response(phases: Labels, kinds: Labels) -> NDArray[np.float64]:
    """Return the derivative of the volumes (voxels) of the phases by their constants.

    A constant moves the faces of its phase: their area, by pairs of phases, is that of the voxel
    faces.
    """
    index = np.zeros(256, np.uint8)
    index[kinds] = np.arange(len(kinds))
    areas = np.zeros((len(kinds), len(kinds)))
    for axis in range(3):
        first, second = [slice(None)] * 3, [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        pairs = index[phases[tuple(first)]] * np.uint8(len(kinds)) + index[phases[tuple(second)]]
        areas += np.bincount(pairs.ravel(), minlength=areas.size).reshape(areas.shape)
    areas += areas.T
    np.fill_diagonal(areas, 0)
    return (np.diag(areas.sum(axis=1)) - areas) / _SLOPE


def _taps(refine: int) -> list[Floats]:
    """Return the weights of the Gaussian, one row per position of a fine voxel in a given one."""
    rows = []
    for part in range(refine):
        places = np.arange(-_REACH, _REACH + 1) - ((part + 0.5) / refine - 0.5)
        weights = np.exp(-0.5 * (places / _SIGMA) ** 2)
        rows.append((weights / weights.sum()).astype(np.float32))
    return rows


def _largest(
    piece: Labels, kinds: Labels, taps: list[Floats], constants: NDArray[np.float64]
) -> Labels:
    """Return the phase with the largest indicator in every fine voxel of a padded piece."""
    best: Floats | None = None
    for kind, constant in zip(kinds, constants, strict=True):
        value = (piece == kind).astype(np.float32)
        for axis in (0, 2, 1):
            value = _read(value, taps, axis)
        value += np.float32(constant)
        if best is None:
            best, label = value, np.full(value.shape, kind, np.uint8)
        else:
            larger = value > best
            np.maximum(best, value, out=best)
            label[larger] = kind
    return label


def _read(values: Floats, taps: list[Floats], axis: int) -> Floats:
    """Return values at the fine positions along one axis, whose margin is cut off."""
    refine = len(taps)
    inner = [slice(None)] * 3
    inner[axis] = slice(_REACH, -_REACH)
    shape = list(values.shape)
    shape[axis] = refine * (shape[axis] - 2 * _REACH)
    out = np.empty(shape, np.float32)
    for part, weights in enumerate(taps):
        place = [slice(None)] * 3
        place[axis] = slice(part, None, refine)
        out[tuple(place)] = ndimage.correlate1d(values, weights, axis=axis)[tuple(inner)]
    return out
