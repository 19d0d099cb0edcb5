"""Sums over shells of Fourier space for the Fourier shell correlation, of one slab of a
half-complex transform.

A coefficient at frequency f belongs to the shell round(|f| / width). The transform of a real volume
holds one of each pair of Friedel mates F(−f) = F(f)*, except in its first and (for an even size)
last x: those count half, so that the sum of the weights is the number of independent coefficients.
"""

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
    measured: Any,
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
    measured : bool, shape (z, x // 2 + 1)
        Whether some tilt measured the direction of (kz, kx).
    width : float
        Of a shell, in the unit of the frequencies.
    cosine : float
        Of the half-angle of the cones about the axes.
    full : int
        Voxels along x of the volumes: all but its first and, if it is even, last coefficient
        represent two.
    sums : float64, shape (4, shell, 4)
        For each of DIRECTIONS and shell: the real part of the product, both powers, and the number
        of independent coefficients.
    """
    fz, fy, fx = frequencies
    shells = sums.shape[1]
    square = cosine * cosine
    for z in range(planes[0], planes[1]):
        for y in range(len(fy)):
            for x in range(len(fx)):
                if not measured[z, x]:
                    continue
                zz, yy, xx = fz[z] * fz[z], fy[y] * fy[y], fx[x] * fx[x]
                length = zz + yy + xx
                shell = int(np.sqrt(length) / width + 0.5)
                if shell >= shells or shell == 0:
                    continue
                weight = 1.0
                if x == 0 or (full % 2 == 0 and x == full // 2):
                    weight = 0.5  # its Friedel mate is in this half as well
                one, two = first[z, y, x], second[z, y, x]
                product = weight * (
                    np.float64(one.real) * two.real + np.float64(one.imag) * two.imag
                )
                power = weight * (np.float64(one.real) * one.real + np.float64(one.imag) * one.imag)
                other = weight * (np.float64(two.real) * two.real + np.float64(two.imag) * two.imag)
                side = 0  # cones are narrower than 45°: one at most
                if xx >= square * length:
                    side = 1
                elif yy >= square * length:
                    side = 2
                elif zz >= square * length:
                    side = 3
                for direction in range(0, side + 1, max(side, 1)):
                    sums[direction, shell, 0] += product
                    sums[direction, shell, 1] += power
                    sums[direction, shell, 2] += other
                    sums[direction, shell, 3] += weight
