"""Electron probe that is not a Gaussian: a disc with a tail, wider above and below the focus.

A convergent probe is a disc whose radius grows with the distance from the focus; the finite source
rounds its edge, and aberrations give it a tail that falls as the inverse cube of the radius, as the
envelope of an Airy pattern does. Each part has a closed form as a profile and as a transfer
function, so that images are convolved without an error from sampling the profile.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import j1

from napari_snpore.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """Shape of the electron probe and its change with depth.

    The intensity at a depth is ``(1 − tail_share) · disc + tail_share · tail``, convolved with a
    Gaussian source. Disc: uniform, of radius ``sqrt((disc_nm / 2)² + (half_angle · depth)²)``.
    Tail: ``tail_nm / (2π (r² + tail_nm²)^(3/2))``. The depth is counted from the focus, which lies
    in the middle of the box.

    Parameters
    ----------
    disc_nm : float
        Diameter of the disc in focus, nm.
    source_sigma_nm : float
        Standard deviation of the Gaussian source, nm. The defaults of both give a full width at
        half maximum of 0.37 nm in focus.
    tail_share : float
        Share of the electrons in the tail, 0 to below 1.
    tail_nm : float
        Radius within which 29 % of the tail lie, nm.
    half_angle_mrad : float
        Half-angle of convergence in mrad; 0: the same disc at every depth.

    Raises
    ------
    InputError
        A negative or infinite number, or a share of 1 and more.
    """

    disc_nm: float = 0.4
    source_sigma_nm: float = 0.08
    tail_share: float = 0.1
    tail_nm: float = 0.3
    half_angle_mrad: float = 10.0

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if not (math.isfinite(value) and value >= 0):
                raise InputError(f"{one.name} is {value}; 0 or a positive number is needed.")
        if self.tail_share >= 1:
            raise InputError(f"tail_share is {self.tail_share}; a share below 1 is needed.")

    @classmethod
    def gaussian(cls, sigma_nm: float) -> Probe:
        """Return a Gaussian probe of one width at every depth."""
        return cls(0.0, sigma_nm, 0.0, 0.0, 0.0)

    def radius_nm(self, depth_nm: float) -> float:
        """Return the radius of the disc at a depth below the focus.

        Examples
        --------
        >>> Probe(disc_nm=0.3).radius_nm(20.0)
        0.25
        """
        return math.hypot(self.disc_nm / 2, 1e-3 * self.half_angle_mrad * depth_nm)

    def transfer(self, frequency_per_nm: ArrayLike, depth_nm: float = 0.0) -> Floats:
        """Return the transfer function: the Fourier transform of the intensity, 1 at frequency 0.

        Parameters
        ----------
        frequency_per_nm : array-like
            Spatial frequency in cycles per nm, any shape.
        depth_nm : float
            Distance from the focus along the beam.
        """
        wave = 2 * np.pi * np.asarray(frequency_per_nm, np.float64)
        phase = wave * self.radius_nm(depth_nm)
        safe = np.where(phase == 0, 1.0, phase)
        disc = np.where(phase == 0, 1.0, 2 * j1(safe) / safe)
        mixed = (1 - self.tail_share) * disc + self.tail_share * np.exp(-wave * self.tail_nm)
        return np.asarray(mixed * np.exp(-0.5 * (wave * self.source_sigma_nm) ** 2))
