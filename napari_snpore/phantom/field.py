"""The random field whose high values become pores.

White noise, band-passed in Fourier space: all waves have nearly the same length and random directions, which gives the
interconnected, evenly wide channels of a spinodal pattern (Cahn, doi 10.1063/1.1695731) and next to no fluctuation on
larger scales, so that a cube of a few nm holds nearly the pore fraction that its place asks for.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_snpore.compute import thread_count


def random_field(
    shape: tuple[int, int, int],
    *,
    spacing_nm: float,
    wavelength_nm: float,
    bandwidth: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return a Gaussian random field, mean 0, not yet scaled.

    Parameters
    ----------
    shape : (int, int, int)
        Voxels (z, y, x).
    spacing_nm : float
        Edge of a voxel.
    wavelength_nm : float
        Mean length of the waves: twice the width of a channel where half of the space is channel.
    bandwidth : float
        Standard deviation of the wave numbers, relative to their mean.
    rng : Generator
        Source of the noise.

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
