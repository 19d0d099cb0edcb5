"""Sums over shells of Fourier space, of one slab of a half-complex transform."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import kernel

DIRECTIONS = ("all", "x", "y", "z")

Doubles = NDArray[np.float64]


@kernel
def add_shells(
    first: Any,
    second: Any,
    planes: tuple[int, int],
    frequencies: tuple[Doubles, Doubles, Doubles],
    measured: NDArray[np.bool_],
    width: float,
    cosine: float,
    full: int,
    sums: Doubles,
) -> None:
    """Add the products of two transforms to the sums of their shells.

    Parameters
    ----------
    first, second : complex64, shape (z, y, x // 2 + 1)
        Transforms of real volumes along all axes.
    planes : (int, int)
        First and last (excluded) z of this slab.
    frequencies : three float64 arrays
        Of each axis (z, y, x), in one unit.
    measured : bool
        Whether the direction of (kz, kx) is measured, for equal steps of its angle over [0, 180°).
    width : float
        Of a shell, in the unit of the frequencies.
    cosine : float
        Of the half-angle of the cones about the axes.
    full : int
        Voxels along x of the volumes: all but its first and, if it is even, last coefficient stand for two.
    sums : float64, shape (4, shell, 4)
        For each of DIRECTIONS and shell: the real part of the product, both powers, and the number of independent
        coefficients.
    """
    fz, fy, fx = frequencies
    shells, steps = sums.shape[1], len(measured)
    for z in range(planes[0], planes[1]):
        for y in range(len(fy)):
            for x in range(len(fx)):
                radius = np.sqrt(fz[z] * fz[z] + fy[y] * fy[y] + fx[x] * fx[x])
                shell = int(radius / width + 0.5)
                if shell >= shells or shell == 0:
                    continue
                if fz[z] != 0.0 or fx[x] != 0.0:
                    turn = np.arctan2(fz[z], fx[x]) / np.pi
                    if not measured[int((turn % 1.0) * steps) % steps]:
                        continue
                weight = 1.0
                if x == 0 or (full % 2 == 0 and x == full // 2):
                    weight = 0.5  # its Friedel mate is in this half as well
                one, two = first[z, y, x], second[z, y, x]
                product = weight * (np.float64(one.real) * two.real + np.float64(one.imag) * two.imag)
                power = weight * (np.float64(one.real) * one.real + np.float64(one.imag) * one.imag)
                other = weight * (np.float64(two.real) * two.real + np.float64(two.imag) * two.imag)
                for direction in range(4):
                    inside = (
                        direction == 0
                        or (direction == 1 and abs(fx[x]) >= cosine * radius)
                        or (direction == 2 and abs(fy[y]) >= cosine * radius)
                        or (direction == 3 and abs(fz[z]) >= cosine * radius)
                    )
                    if inside:
                        sums[direction, shell, 0] += product
                        sums[direction, shell, 1] += power
                        sums[direction, shell, 2] += other
                        sums[direction, shell, 3] += weight
