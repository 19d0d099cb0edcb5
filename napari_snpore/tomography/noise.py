"""Noise of the images as a function of their grey value: variance a + b·I.

b is one over the gain (counting noise rises with the signal), a what does not depend on it. How
it is sampled is in :mod:`~napari_snpore.tomography.noise_samples`, how the line is fitted in
:mod:`~napari_snpore.tomography.noise_line`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.threads import thread_count
from napari_snpore.tomography.noise_line import fit_line
from napari_snpore.tomography.noise_samples import NoiseSamples, noise_samples
from napari_snpore.tomography.tilt_series import TiltSeries

_BRIGHTEST = 99.5
"""Percentile of the grey value above which a pixel counts no more in the mean over the object."""

_ROUNDING = 1e-12
"""Smallest variance as a share of the images' mean square: some ten roundings of a float32."""

_SAMPLED_BYTES, _MOST_SAMPLED_BYTES, _THREAD_BYTES = 60.0, 1e6, 19.0
"""Peak while the noise is sampled: bytes per pixel, at most so many for an image, and those per pixel
of the image that each thread works on."""

_TINY = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class NoiseModel:
    """Noise of the images of a tilt series as a function of their grey value.

    Parameters
    ----------
    a : float
        Variance of a raw pixel at grey value 0, grey units squared. Negative where the images still
        hold a dark level that carries no noise: then the line meets 0 at that level.
    b : float
        Variance per grey value, grey units, not negative.
    gain : float
        Detected counts per grey unit, 1/b; infinite where b is 0.
    interpolation : float
        Variance of the pixels of the images over that of raw pixels, the mean over all pixels;
        1 where nothing was interpolated.
    floor : float
        Smallest variance that :meth:`variance` and :meth:`power` return, grey units squared,
        positive: nothing divides by 0.

    Raises
    ------
    InputError
        A number out of its range.

    Examples
    --------
    >>> NoiseModel(1.0, 0.5, 2.0, interpolation=0.5).variance([-3.0, 0.0, 10.0]).tolist()
    [0.5, 0.5, 3.0]
    """

    a: float
    b: float
    gain: float
    interpolation: float = 1.0
    floor: float = _TINY

    def __post_init__(self) -> None:
        for name in ("a", "b"):
            if not math.isfinite(getattr(self, name)):
                raise InputError(f"{name} is {getattr(self, name)}; a finite number is needed.")
        if self.b < 0:
            raise InputError(f"b is {self.b}; 0 or more is needed.")
        for name in ("gain", "interpolation", "floor"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name)}; a positive number is needed.")

    def variance(self, gray: ArrayLike) -> NDArray[Any]:
        """Return the variance of pixels of the images as they are, grey units squared.

        Parameters
        ----------
        gray : array
            Grey values, best of smoothed images: single pixels carry the noise that is asked for.
        """
        return self._line(gray, self.interpolation)

    def power(self, gray: ArrayLike) -> NDArray[Any]:
        """Return the noise power at low spatial frequencies, as the variance of a raw pixel, grey
        units squared.

        Interpolation takes noise away at high frequencies and leaves low ones as they are: a model
        whose projections are smooth over some pixels is compared with this noise.
        """
        return self._line(gray, 1.0)

    def _line(self, gray: ArrayLike, factor: float) -> NDArray[Any]:
        values = np.asarray(gray)
        kind = np.float32 if values.dtype == np.float32 else np.float64
        above = np.maximum(values, 0).astype(kind, copy=False)
        line = kind(factor * self.a) + kind(factor * self.b) * above
        return np.asarray(np.maximum(line, kind(self.floor)))


@dataclass(frozen=True)
class NoiseLevel:
    """The noise of a tilt series.

    Attributes
    ----------
    share : float
        Its norm over the norm of the images: comparable with a residual.
    sigma : float
        Its standard deviation in grey units of the images, averaged with their grey value as
        weight: that of the object, not of the vacuum.
    """

    share: float
    sigma: float


def noise_model(
    series: TiltSeries, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> NoiseModel:
    """Estimate the noise of a tilt series from its images alone.

    Parameters
    ----------
    series : TiltSeries
        Raw or aligned, of any number type; what an alignment by this package did to the noise is
        taken from the history. Read one image at a time.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    NoiseModel
        Right to some 5 % where the images are blurred by one pixel or more (standard deviation).
        Sharper structure reads as noise where it is stronger than the noise, and noise that the
        detector or another program has smoothed reads too low. Images of one grey value tell
        ``a + b·I`` there and not its two parts.

    Raises
    ------
    InputError
        NaN or infinite values in an image.
    Stopped
        ``should_stop`` returned true.

    Examples
    --------
    >>> counts = np.random.default_rng(0).poisson(np.full((4, 64, 64), 50.0) * np.linspace(0, 2, 64))
    >>> model = noise_model(TiltSeries(counts, np.arange(4.0), 1.0))
    >>> bool(abs(model.b - 1) < 0.1)
    True
    """
    tilts, image = series.shape[0], math.prod(series.shape[1:])
    check_memory(
        f"The noise of {shape_text(series.shape)} pixels (tilt, y, x)",
        tilts * min(_SAMPLED_BYTES * image, _MOST_SAMPLED_BYTES)
        + thread_count() * _THREAD_BYTES * image,
    )
    samples = noise_samples(series, progress=progress, should_stop=should_stop)
    return _fitted(samples, should_stop)


def noise_level(
    series: TiltSeries, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> NoiseLevel:
    """Estimate how strong the noise of a tilt series is over all images.

    Parameters
    ----------
    series : TiltSeries
        As for :func:`noise_model`.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    NoiseLevel
        From the same estimate as :func:`noise_model`, which see for its limits.
    """
    samples = noise_samples(series, progress=progress, should_stop=should_stop)
    model = _fitted(samples, should_stop)
    if samples.mean_square == 0 or (model.a == 0 and model.b == 0):
        return NoiseLevel(0.0, 0.0)
    gray = samples.gray.astype(np.float64)
    variance = model.variance(gray)
    # a hot pixel is not the object
    weight = np.clip(gray, 0.0, max(float(np.percentile(gray, _BRIGHTEST)), 0.0))
    weighted = model.variance(weight)
    share = math.sqrt(float(variance.mean()) / samples.mean_square)
    if not weight.any():
        return NoiseLevel(share, math.sqrt(float(variance.mean())))
    return NoiseLevel(share, math.sqrt(float(np.average(weighted, weights=weight))))


def _fitted(samples: NoiseSamples, should_stop: ShouldStop | None) -> NoiseModel:
    floor = max(_ROUNDING * samples.mean_square, _TINY)
    gray = np.maximum(samples.gray, 0).astype(np.float64)
    a, b = fit_line(gray, samples.square, floor, should_stop=should_stop)
    gain = 1.0 / b if b > 0 else math.inf
    return NoiseModel(a, b, gain, samples.interpolation, floor)
