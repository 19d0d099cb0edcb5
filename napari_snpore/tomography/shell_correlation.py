"""Fourier shell correlation of two volumes: up to which frequency they agree, counting only what the tilts measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import fft

from napari_snpore.compute import run_blocks, thread_count
from napari_snpore.errors import InputError
from napari_snpore.tomography._shell_kernels import DIRECTIONS, add_shells
from napari_snpore.volume import Volume, array_of, spacing_of

CONE_DEG = 30.0
"""Half-angle of the cones about the axes."""

_ANGLE_STEPS = 1440
_TAPER = 0.1  # share of a side over which a volume falls to 0 at each of its ends
_FEWEST = 8  # independent coefficients below which a shell says nothing


@dataclass(frozen=True, eq=False)
class ShellCorrelation:
    """A Fourier shell correlation, whole and by direction.

    Attributes
    ----------
    table : DataFrame
        ``direction`` (``all``; ``x`` across the beam, ``y`` along the tilt axis, ``z`` along the beam: within 30° of it),
        ``frequency_per_nm``, ``correlation`` (nan: no data), ``half_bit`` and ``coefficient_count``, the number of independent
        measured coefficients.
    """

    table: pd.DataFrame

    def resolution_nm(self, direction: str = "all") -> float:
        """Return one over the frequency where the correlation first falls below the half-bit curve.

        nan where it begins below it, or where there is no data; the finest frequency (Nyquist) where it never falls below.
        """
        rows = self.table[(self.table["direction"] == direction) & self.table["correlation"].notna()]
        if rows.empty:
            return math.nan
        over = (rows["correlation"] - rows["half_bit"]).to_numpy()
        frequency = rows["frequency_per_nm"].to_numpy()
        below = np.flatnonzero(over < 0)
        if not len(below):
            return float(1 / frequency[-1])
        k = int(below[0])
        if k == 0:
            return math.nan
        part = over[k - 1] / (over[k - 1] - over[k])
        return float(1 / (frequency[k - 1] + part * (frequency[k] - frequency[k - 1])))

    def reaches_nyquist(self, direction: str = "all") -> bool:
        """Tell whether the curve stays above half-bit up to the last frequency: the voxels, not the data, set the limit."""
        rows = self.table[(self.table["direction"] == direction) & self.table["correlation"].notna()]
        return not rows.empty and bool((rows["correlation"] >= rows["half_bit"]).all())


def fourier_shell_correlation(
    first: Volume | NDArray[Any],
    second: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    angles_deg: ArrayLike | None = None,
    taper: bool = True,
    threads: int | None = None,
) -> ShellCorrelation:
    """Correlate two volumes shell by shell in Fourier space.

    Parameters
    ----------
    first, second : Volume or array, shape (z, y, x)
        Two independent volumes of the same object; any real dtype.
    spacing : float or (dz, dy, dx), optional
        Voxel size in nm; not needed for a Volume.
    angles_deg : array-like, optional
        Tilts about y: a coefficient counts if its direction in the (z, x) plane lies within half a tilt step of a tilt that was
        measured, so that the wedge does not enter. Default: all count.
    taper : bool
        Let the volumes fall to 0 (raised cosine) over a tenth of their length at each end, so that their borders do not
        correlate. No tighter mask is used: that would correlate by itself.
    threads : int, optional
        Default :func:`~napari_snpore.compute.thread_count`; the result is the same bit for bit.

    Returns
    -------
    ShellCorrelation
        Shells are one coefficient of the shortest side wide, from the first to Nyquist's frequency of the coarsest axis.

    Raises
    ------
    InputError
        Different shapes, fewer than three axes, sides below 8 voxels, values that are not finite.

    Notes
    -----
    The half-bit curve is that of van Heel and Schatz (doi 10.1016/j.jsb.2005.05.009), with the number of independent
    coefficients as n. Memory: both transforms, 8 bytes a voxel together with the tapered copy of one volume.

    Examples
    --------
    >>> volume = np.random.default_rng(0).random((16, 16, 16))
    >>> curve = fourier_shell_correlation(volume, volume, spacing=0.5)
    >>> round(float(curve.table["correlation"].min()), 6), curve.resolution_nm()
    (1.0, 1.0)
    """
    one, two = array_of(first), array_of(second)
    if one.ndim != 3 or one.shape != two.shape or min(one.shape) < 8:
        raise InputError(
            f"The volumes have shapes {tuple(one.shape)} and {tuple(two.shape)}; two of the same shape (z, y, x) with at least 8 "
            "voxels a side are needed."
        )
    size = spacing_of(first, spacing)
    threads = threads or thread_count()
    spectra = [_spectrum(data, taper, threads) for data in (one, two)]
    shape = tuple(one.shape)
    frequencies = (fft.fftfreq(shape[0], size[0]), fft.fftfreq(shape[1], size[1]), fft.rfftfreq(shape[2], size[2]))
    width = 1 / min(n * d for n, d in zip(shape, size, strict=True))  # no shell misses an axis' coefficients
    nyquist = 1 / (2 * max(size))
    shells = int(nyquist / width + 1e-6) + 1
    measured = np.ones(_ANGLE_STEPS, np.bool_) if angles_deg is None else measured_directions(angles_deg)
    cosine = math.cos(math.radians(CONE_DEG))
    slab = max(1, -(-shape[0] // 16))  # the same slabs on any number of threads: sums are added in one order

    def work(start: int) -> NDArray[np.float64]:
        sums = np.zeros((len(DIRECTIONS), shells, 4))
        planes = (start, min(start + slab, shape[0]))
        add_shells(spectra[0], spectra[1], planes, frequencies, measured, width, cosine, shape[2], sums)
        return sums

    sums = np.sum(run_blocks(work, range(0, shape[0], slab), threads=threads), axis=0)[:, 1:]
    return ShellCorrelation(_table(sums, width))


def half_bit(count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half-bit threshold for shells of ``count`` independent coefficients (van Heel and Schatz 2005).

    Examples
    --------
    >>> float(half_bit(np.array([1e12]))[0].round(4))
    0.1716
    """
    root = np.sqrt(np.maximum(count, 1e-12))
    return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))


def measured_directions(angles_deg: ArrayLike) -> NDArray[np.bool_]:
    """Tell for equal steps of the angle of (kz, kx) over [0°, 180°) whether a tilt lies within half the median step."""
    angles = np.sort(np.asarray(angles_deg, np.float64).reshape(-1) % 180)
    distinct = np.unique(np.round(angles, 6))
    if len(distinct) < 2:
        raise InputError("angles_deg holds fewer than two different tilts.")
    half_step = float(np.median(np.diff(distinct))) / 2
    centers = (np.arange(_ANGLE_STEPS) + 0.5) * 180 / _ANGLE_STEPS
    apart = np.abs(centers[:, None] - distinct[None, :])
    return np.asarray(np.minimum(apart, 180 - apart).min(axis=1) <= half_step + 90 / _ANGLE_STEPS)


def _spectrum(data: Any, taper: bool, threads: int) -> NDArray[np.complex64]:
    values = np.array(data, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError("A volume holds NaN or infinite values; the Fourier shell correlation needs finite ones.")
    values -= values.mean(dtype=np.float64)
    if taper:
        for axis, n in enumerate(values.shape):
            shape = [1, 1, 1]
            shape[axis] = n
            values *= _window(n).reshape(shape)
    return np.asarray(fft.rfftn(values, workers=threads, overwrite_x=True))


def _window(n: int) -> NDArray[np.float32]:
    """Return 1 in the middle and a raised cosine at both ends."""
    edge = max(1, round(_TAPER * n))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    window = np.ones(n, np.float32)
    window[:edge], window[n - edge :] = ramp, ramp[::-1]
    return window


def _table(sums: NDArray[np.float64], width: float) -> pd.DataFrame:
    parts = []
    for direction, rows in zip(DIRECTIONS, sums, strict=True):
        product, one, two, count = rows.T
        power = np.sqrt(one * two)
        known = (count >= _FEWEST) & (power > 0)
        correlation = np.divide(product, power, out=np.full(len(rows), np.nan), where=known)
        parts.append(
            pd.DataFrame(
                {
                    "direction": direction,
                    "frequency_per_nm": np.arange(1, len(rows) + 1) * width,
                    "correlation": correlation,
                    "half_bit": half_bit(count),
                    "coefficient_count": count,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
