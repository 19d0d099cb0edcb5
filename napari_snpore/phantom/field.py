"""Gaussian random field of one wavelength, whose high values become pores.

White noise is band-passed in Fourier space. Waves of nearly one length and of random directions
give the interconnected channels of even width of a spinodal pattern (Cahn, doi 10.1063/1.1695731).
Long waves are absent, so that the pore fraction of a cube of a few nm is close to its expected
value.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_snpore.threads import thread_count


def random_field(
    shape: tuple[int, int, int],
    *,
    spacing_nm: float,
    wavelength_nm: float,
    bandwidth: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return a Gaussian random field with mean 0 and arbitrary standard deviation.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    spacing_nm : float
        Edge of a voxel.
    wavelength_nm : float
        Mean wavelength: twice the width of a channel at a pore fraction of one half.
    bandwidth : float
        Standard deviation of the wave numbers, relative to their mean.
    rng : Generator
        Source of the white noise, drawn in one call: the field does not depend on the number of
        threads.

    Returns
    -------
    float32 array, shape (z, y, x)
        The same bit for bit on any number of threads.
    """
    padded = tuple(fft.next_fast_len(n, real=True) for n in shape)
    noise = rng.standard_normal(padded, dtype=np.float32)
    spectrum = fft.rfftn(noise, workers=thread_count(), overwrite_x=True)
    del noise
    mean = 1 / wavelength_nm
    along_y = np.fft.fftfreq(padded[1], spacing_nm)[:, None]
    along_x = np.fft.rfftfreq(padded[2], spacing_nm)[None, :]
    across = along_y**2 + along_x**2
    for plane, along_z in zip(spectrum, np.fft.fftfreq(padded[0], spacing_nm), strict=True):
        distance = (np.sqrt(across + along_z**2) - mean) / (bandwidth * mean)
        plane *= np.exp(-(distance**2) / 2).astype(np.float32)
    field = fft.irfftn(spectrum, s=padded, workers=thread_count(), overwrite_x=True)
    return np.ascontiguousarray(field[tuple(slice(n) for n in shape)], dtype=np.float32)
