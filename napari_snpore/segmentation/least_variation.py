"""Denoising by total variation (Rudin, Osher and Fatemi), with a look for a stop in every iteration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FLOAT32 = NDArray[np.float32]

_STEP = 1 / 6
"""Of the dual field: the largest with which the projection converges, one over twice the axes."""

_ITERATIONS = 200
_SETTLED = 2e-4
"""Change of the energy in one iteration, as a share of the first, at which it ends; both numbers are
scikit-image's, so that a strength means the same.
"""


def least_variation(
    noisy: FLOAT32, weight: float, look: Callable[[], None] = lambda: None
) -> FLOAT32:
    """Return the volume u with the least ½ |u − noisy|² + ``weight`` · |∇u|.

    Parameters
    ----------
    noisy : array, float32, shape (z, y, x)
    weight : float
        In grey values times voxels.
    look : callable
        Called in every iteration; what it raises ends the work.

    Returns
    -------
    array, float32

    References
    ----------
    Chambolle, doi 10.1023/B:JMIV.0000011325.36760.1e: projection onto the dual field.
    """
    field = np.zeros((3, *noisy.shape), np.float32)
    smooth = noisy
    first = before = 0.0
    for iteration in range(_ITERATIONS):
        look()
        if iteration:
            smooth = noisy - _divergence(field)
        slope = _gradient(smooth)
        steepness = np.sqrt(np.einsum("azyx,azyx->zyx", slope, slope))
        energy = float(np.square(smooth - noisy).sum()) + weight * float(steepness.sum())
        energy /= noisy.size
        field -= np.float32(_STEP) * slope
        field /= np.float32(_STEP / weight) * steepness + np.float32(1)
        if iteration == 0:
            first = energy
        elif abs(before - energy) < _SETTLED * first:
            break
        before = energy
    return smooth


def _gradient(volume: FLOAT32) -> FLOAT32:
    """Return the differences to the next voxel along z, y, x; 0 at the last."""
    slope = np.zeros((3, *volume.shape), np.float32)
    for axis in range(3):
        to, of = _next(axis), _last(axis)
        np.subtract(volume[to], volume[of], out=slope[axis][of])
    return slope


def _divergence(field: FLOAT32) -> FLOAT32:
    """Return what is the gradient's negative adjoint."""
    total = field.sum(axis=0)
    for axis in range(3):
        total[_next(axis)] -= field[axis][_last(axis)]
    return np.asarray(total)


def _next(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if k == axis else slice(None) for k in range(3))


def _last(axis: int) -> tuple[slice, ...]:
    return tuple(slice(None, -1) if k == axis else slice(None) for k in range(3))
