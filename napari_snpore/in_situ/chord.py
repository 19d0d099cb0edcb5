"""Chord length of a circle, blurred by a Gaussian: the profile model of a cylinder across its
axis.
"""

from __future__ import annotations

import numpy as np

from napari_snpore.in_situ.frames import FLOAT

_REACH = 8.0
"""Standard deviations beyond which a Gaussian is nothing (1e-14 of its height)."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def blurred_chord(x: FLOAT, radius: float, blur: float) -> FLOAT:
    """Return the chord ``2·sqrt(R² − x²)`` (0 outside) convolved with a Gaussian of standard
    deviation ``blur``.

    Parameters
    ----------
    x : array
        Distance from the axis, in any unit.
    radius, blur : float
        In the same unit, both positive.

    Returns
    -------
    array
        Blurred chord, in that unit, to some 1e-10 of the radius.

    Examples
    --------
    >>> float(blurred_chord(np.array([0.0]), 40.0, 0.01)[0].round(3))
    80.0
    """
    return chord_and_slopes(x, radius, blur)[0]


def chord_and_slopes(x: FLOAT, radius: float, blur: float) -> tuple[FLOAT, FLOAT, FLOAT, FLOAT]:
    """Return the blurred chord and its derivatives by x, radius and blur.

    With ``t = R·sin a`` the root of the chord becomes a cosine, so that the integrand and all its
    derivatives are smooth up to the rim; only the part of the circle that the Gaussian reaches is
    integrated. Gauss's rule then converges as fast for a blur of a thousandth of the radius as for
    one of its size.
    """
    x = np.asarray(x, dtype=np.float64)[:, None]
    low, high = (np.arcsin(np.clip((x + side * _REACH * blur) / radius, -1, 1)) for side in (-1, 1))
    half = (high - low) / 2
    angle = low + half + half * _NODES
    distance = (x - radius * np.sin(angle)) / blur
    bell = half * _WEIGHTS * np.exp(-0.5 * distance**2) / (blur * np.sqrt(2 * np.pi))
    weighted = 2 * radius**2 * np.cos(angle) ** 2 * bell
    return (
        weighted.sum(axis=1),
        (-weighted * distance / blur).sum(axis=1),
        2 * radius * bell.sum(axis=1),
        (weighted * (distance**2 - 1) / blur).sum(axis=1),
    )
