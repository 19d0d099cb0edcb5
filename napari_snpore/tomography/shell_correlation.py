"""Fourier shell correlation (FSC) of two volumes, over the part of Fourier space that the tilts
measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks, share_of
from napari_snpore.errors import InputError
from napari_snpore.threads import thread_count
from napari_snpore.tomography._shell_kernels import DIRECTIONS, add_shells
from napari_snpore.volume import Volume, array_of, spacing_of

CONE_DEG = 30.0
"""Half-angle of the cones about the axes."""

Outcome = Literal["crossed", "not crossed", "begins below", "no data"]

_TAPER = 0.1
"""Share of a side over which a volume falls to 0 at each end: most of the volume keeps its full
weight.
"""
FEWEST_VOXELS = 8
"""Along each axis."""

_STEPS = 3
"""Parts of the progress: two transforms and the sums over shells, which take about as long each."""

_FEWEST = 8
"""Fewest independent coefficients of a shell: with n of them, noise alone correlates by about 1/√n,
here 0.35.
"""


@dataclass(frozen=True, eq=False)
class ShellCorrelation:
    """A Fourier shell correlation, whole and by direction.

    Attributes
    ----------
    table : DataFrame
        ``direction`` (``all``; ``x`` across the beam, ``y`` along the tilt axis, ``z`` along the
        beam: within 30° of it), ``frequency_per_nm``, ``correlation`` (nan: no data), ``half_bit``
        and ``coefficient_count``, the number of independent measured coefficients.
    """

    table: pd.DataFrame

    def rows(self, direction: str = "all") -> pd.DataFrame:
        """Return the shells of one direction that hold data."""
        return self.table[
            (self.table["direction"] == direction) & self.table["correlation"].notna()
        ]

    def outcome(self, direction: str = "all") -> Outcome:
        """Return whether the curve crosses the half-bit curve.

        ``not crossed``: it stays above up to the finest frequency, so that the voxels and not the
        data set the limit.
        """
        rows = self.rows(direction)
        if rows.empty:
            return "no data"
        below = (rows["correlation"] < rows["half_bit"]).to_numpy()
        if below[0]:
            return "begins below"
        return "crossed" if below.any() else "not crossed"

    def resolution_nm(self, direction: str = "all") -> float:
        """Return one over the frequency where the curve first crosses half-bit, interpolated; nan
        without a crossing.
        """
        if self.outcome(direction) != "crossed":
            return math.nan
        rows = self.rows(direction)
        over = (rows["correlation"] - rows["half_bit"]).to_numpy()
        frequency = rows["frequency_per_nm"].to_numpy()
        k = int(np.flatnonzero(over < 0)[0])
        part = over[k - 1] / (over[k - 1] - over[k])
        return float(1 / (frequency[k - 1] + part * (frequency[k] - frequency[k - 1])))

    @property
    def finest_nm(self) -> float:
        """One over the last frequency: twice the voxel size, which no crossing can pass."""
        return float(1 / self.table["frequency_per_nm"].max())


def fourier_shell_correlation(
    first: Volume | NDArray[Any],
    second: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    angles_deg: ArrayLike | None = None,
    taper: bool = True,
    mask: Volume | NDArray[Any] | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ShellCorrelation:
    """Correlate two volumes shell by shell in Fourier space.

    Parameters
    ----------
    first, second : Volume or array, shape (z, y, x)
        Two independent volumes of the same object; any real dtype.
    spacing : float or (dz, dy, dx), optional
        Voxel size in nm; not needed for a Volume.
    angles_deg : array-like, optional
        Tilts about y: a coefficient counts if :func:`measured_directions` holds for its direction
        in the (z, x) plane, so that the wedge does not enter. Default: all count.
    taper : bool
        Let the volumes fall to their mean (raised cosine) over a tenth of their length at each end,
        so that their borders do not correlate.
    mask : Volume or array, shape (z, y, x) or (z, x), optional
        Weights from 0 to 1 on top of that, such as :func:`soft_cylinder`. A tight or hard-edged
        mask correlates by itself: both volumes then share its shape.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; a stop is noticed between the transforms and within the
        sums.

    Returns
    -------
    ShellCorrelation
        Shells are one coefficient of the shortest side wide, from the first to Nyquist's frequency
        of the coarsest axis.

    Raises
    ------
    InputError
        Different shapes, fewer than three axes, sides below 8 voxels, values that are not finite, a
        mask of another shape or of zeros.

    Notes
    -----
    The half-bit curve is that of van Heel and Schatz (doi 10.1016/j.jsb.2005.05.009), with the number of independent
    coefficients (Friedel mates count once) as n. Memory beside the input: at most 12 bytes per voxel, two transforms and one
    tapered copy; 1.6 GB for 512³.

    Examples
    --------
    >>> volume = np.random.default_rng(0).random((16, 16, 16))
    >>> curve = fourier_shell_correlation(volume, volume, spacing=0.5)
    >>> round(float(curve.table["correlation"].min()), 6), curve.outcome(), curve.finest_nm
    (1.0, 'not crossed', 1.0)
    """
    one, two = array_of(first), array_of(second)
    if one.ndim != 3 or one.shape != two.shape or min(one.shape) < FEWEST_VOXELS:
        raise InputError(
            f"The volumes have shapes {tuple(one.shape)} and {tuple(two.shape)}; two of the same shape (z, y, x) with at least "
            f"{FEWEST_VOXELS} voxels per side are needed."
        )
    size = spacing_of(first, spacing)
    threads = threads or thread_count()
    shape: tuple[int, int, int] = one.shape
    weights = _checked_mask(mask, shape)
    # The shell at radius k of the product of one transform with the conjugate of the other is the
    # part of that frequency that both volumes share: 1 for equal volumes, near 0 for two volumes of
    # noise (Harauz and van Heel, Optik 73 (1986) 146). Example: volumes with sides of 8 voxels of
    # 0.5 nm have shells at 0.25, 0.5, 0.75 and 1 nm⁻¹.
    spectra = []
    for number, data in enumerate((one, two)):
        check_stop(should_stop)
        spectra.append(_spectrum(data, taper, weights, threads))
        if (report := share_of(progress, number / _STEPS, (number + 1) / _STEPS)) is not None:
            report(1, 1)
    frequencies = (
        scipy.fft.fftfreq(shape[0], size[0]),
        scipy.fft.fftfreq(shape[1], size[1]),
        scipy.fft.rfftfreq(shape[2], size[2]),
    )
    width = 1 / min(
        n * d for n, d in zip(shape, size, strict=True)
    )  # no shell misses an axis' coefficients
    nyquist = 1 / (2 * max(size))
    shells = int(nyquist / width + 1e-6) + 1
    measured = np.ones((shape[0], len(frequencies[2])), np.bool_)
    if angles_deg is not None:
        measured = measured_directions(angles_deg, frequencies[0][:, None], frequencies[2][None, :])
    cosine = math.cos(math.radians(CONE_DEG))
    slab = max(
        1, -(-shape[0] // 16)
    )  # the same slabs on any number of threads: sums are added in one order

    def work(start: int) -> NDArray[np.float64]:
        sums = np.zeros((len(DIRECTIONS), shells, 4))
        planes = (start, min(start + slab, shape[0]))
        add_shells(
            spectra[0], spectra[1], planes, frequencies, measured, width, cosine, shape[2], sums
        )
        return sums

    parts = run_blocks(
        work,
        range(0, shape[0], slab),
        threads=threads,
        progress=share_of(progress, 2 / _STEPS, 1.0),
        should_stop=should_stop,
    )
    sums = np.sum(parts, axis=0)[:, 1:]
    return ShellCorrelation(_table(sums, width))


def half_bit(count: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the half-bit threshold for shells of ``count`` independent coefficients (van Heel and
    Schatz 2005).

    Examples
    --------
    >>> float(half_bit(np.array([1e12]))[0].round(4))
    0.1716
    """
    root = np.sqrt(np.maximum(count, 1e-12))
    return np.asarray((0.2071 + 1.9102 / root) / (1.2071 + 0.9102 / root))


def measured_directions(angles_deg: ArrayLike, kz: ArrayLike, kx: ArrayLike) -> NDArray[np.bool_]:
    """Return which directions of Fourier space a tilt series about y has measured.

    Parameters
    ----------
    angles_deg : array-like
        The tilts. One at θ measures the plane through the y axis and the direction (kz, kx) = (sin
        θ, cos θ).
    kz, kx : array-like
        Components of the directions; broadcast.

    Returns
    -------
    bool array
        True between neighbouring tilts at most 1.5 median steps apart, within half a median step of
        any tilt, and on the axis.

    Raises
    ------
    InputError
        Fewer than two different tilts.

    Examples
    --------
    >>> measured_directions([-2, 0, 2, 4], np.sin(np.radians([1, 4.9, 5.2])), np.cos(np.radians([1, 4.9, 5.2])))
    array([ True,  True, False])
    """
    tilts = np.unique(np.round(np.asarray(angles_deg, np.float64).reshape(-1) % 180, 6) % 180)
    if len(tilts) < 2:
        raise InputError("angles_deg holds fewer than two different tilts.")
    gaps = np.diff(
        np.append(tilts, tilts[0] + 180)
    )  # around the half turn: the wedge is the widest
    step = float(np.median(np.delete(gaps, np.argmax(gaps))))
    z, x = np.broadcast_arrays(np.asarray(kz, np.float64), np.asarray(kx, np.float64))
    turn = np.rad2deg(np.arctan2(z, x)) % 180
    before = (
        np.searchsorted(tilts, turn, side="right") - 1
    )  # -1: before the first is after the last
    past = (turn - tilts[before]) % 180
    apart = np.minimum(past, gaps[before] - past)
    return np.asarray(
        (gaps[before] <= 1.5 * step) | (apart <= step / 2 + 1e-6) | ((z == 0) & (x == 0))
    )


def soft_cylinder(
    shape: tuple[int, int], *, radius_px: float, edge_px: float = 8.0
) -> NDArray[np.float32]:
    """Return a mask (z, x): 1 within a radius of the middle, falling to 0 by a raised cosine over
    ``edge_px`` outside of it.

    Raises
    ------
    InputError
        A radius or an edge that is not positive.

    Examples
    --------
    >>> soft_cylinder((1, 7), radius_px=1.0, edge_px=2.0)[0].round(2).tolist()
    [0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0]
    """
    for name, value in (("radius_px", radius_px), ("edge_px", edge_px)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value}; a positive number is needed.")
    z, x = (np.arange(n) - (n - 1) / 2 for n in shape)
    outside = np.clip((np.hypot(z[:, None], x[None, :]) - radius_px) / edge_px, 0, 1)
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * outside), np.float32)


def _checked_mask(mask: Any, shape: tuple[int, int, int]) -> NDArray[np.float32] | None:
    """Return the mask with three axes."""
    if mask is None:
        return None
    weights = np.asarray(array_of(mask), np.float32)
    if weights.shape == (shape[0], shape[2]):
        weights = weights[:, None, :]
    if weights.ndim != 3 or weights.shape not in (shape, (shape[0], 1, shape[2])):
        raise InputError(
            f"mask has shape {np.shape(array_of(mask))}; {shape}, or its (z, x), is needed."
        )
    if not (np.isfinite(weights).all() and weights.any()):
        raise InputError("mask holds no weight, or values that are not finite.")
    return weights


def _spectrum(
    data: Any, taper: bool, mask: NDArray[np.float32] | None, threads: int
) -> NDArray[np.complex64]:
    """Return the half-complex transform of a volume less its weighted mean, times the window and
    the mask.
    """
    values = np.array(data, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError(
            "A volume holds NaN or infinite values; the Fourier shell correlation needs finite ones."
        )
    sides = [_window(n) if taper else np.ones(n, np.float32) for n in values.shape]
    across = sides[1][:, None] * sides[2][None, :]
    total, weight = 0.0, 0.0
    for z, plane in enumerate(values):
        window = sides[0][z] * across if mask is None else sides[0][z] * across * mask[z]
        plane *= window
        total += float(plane.sum(dtype=np.float64))
        weight += float(window.sum(dtype=np.float64))
    for z, plane in enumerate(
        values
    ):  # without the weighted mean, else the window itself would correlate
        plane -= (total / weight) * (
            sides[0][z] * across if mask is None else sides[0][z] * across * mask[z]
        )
    return np.asarray(scipy.fft.rfftn(values, workers=threads, overwrite_x=True))


def _window(n: int) -> NDArray[np.float32]:
    """Return 1 in the middle and a raised cosine at both ends."""
    edge = max(1, round(_TAPER * n))
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    window = np.ones(n, np.float32)
    window[:edge], window[n - edge :] = ramp, ramp[::-1]
    return window


def _table(sums: NDArray[np.float64], width: float) -> pd.DataFrame:
    """Return the curves: Re Σ F₁F₂* / √(Σ|F₁|² Σ|F₂|²) of each shell and direction."""
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
