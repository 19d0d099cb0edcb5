"""Noise of the images as a function of their grey value: variance a + b·I.

b is one over the gain (counting noise rises with the signal), a what does not depend on it. For
classes of grey value over all tilts the variance is measured as a median of the squares of
:mod:`~napari_snpore.tomography.noise_samples`, so that the few places with structure or a hot pixel
do not count, and the straight line is fitted to these medians by least absolute deviations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.tomography.noise_samples import NoiseSamples, noise_samples
from napari_snpore.tomography.tilt_series import TiltSeries

Doubles = NDArray[np.float64]

MEDIAN_SQUARE = 0.454936
"""Median of the square of a standard normal number."""

_CLASSES = 24
"""Classes of grey value with as many samples each; fewer where one would hold less than 64."""

_SMALLEST_CLASS = 64

_ROUNDS = 4
"""Rounds of medians and fit: the squares of a class are divided by the variance that the last round
expects at each of them, or the median of a class of unlike pixels would be too low. The third round
changes b by less than 0.1 %."""

_FIT_STEPS = 60
"""Steps of reweighted least squares; the deviations have then converged to 1e-4."""

_SMALL = 1e-3
"""Share of the mean variance, and relative deviation, below which neither gains more weight."""

_ROUNDING = 1e-12
"""Smallest variance as a share of the images' mean square: some ten roundings of a float32."""

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
        return np.maximum(self.interpolation * self._raw(gray), self.floor)

    def power(self, gray: ArrayLike) -> NDArray[Any]:
        """Return the noise power at low spatial frequencies, as the variance of a raw pixel, grey
        units squared.

        Interpolation takes noise away at high frequencies and leaves low ones as they are: a model
        whose projections are smooth over some pixels is compared with this noise.
        """
        return np.maximum(self._raw(gray), self.floor)

    def _raw(self, gray: ArrayLike) -> NDArray[Any]:
        values = np.asarray(gray)
        if values.dtype != np.float32:
            values = values.astype(np.float64)
        return values.dtype.type(self.a) + values.dtype.type(self.b) * np.maximum(values, 0)


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
    return _fitted(noise_samples(series, progress=progress, should_stop=should_stop))


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
    model = _fitted(samples)
    if samples.mean_square == 0:
        return NoiseLevel(0.0, 0.0)
    factor, first = model.interpolation, samples.mean_above_zero
    noise = max(factor * (model.a + model.b * first), 0.0)
    share = math.sqrt(noise / samples.mean_square)
    if first == 0:
        return NoiseLevel(share, math.sqrt(noise))
    # the mean of a + b·I with I as weight is a + b times the mean of I² over that of I
    weighted = model.a + model.b * samples.mean_square_above_zero / first
    return NoiseLevel(share, math.sqrt(max(factor * weighted, 0.0)))


def _fitted(samples: NoiseSamples) -> NoiseModel:
    floor = max(_ROUNDING * samples.mean_square, _TINY)
    a, b = _fit(samples.gray.astype(np.float64), samples.square.astype(np.float64))
    gain = 1.0 / b if b > 0 else math.inf
    return NoiseModel(a, b, gain, samples.interpolation, floor)


def _fit(gray: Doubles, square: Doubles) -> tuple[float, float]:
    """Fit a + b·max(gray, 0) to the variances of classes of grey value."""
    if not square.any():
        return 0.0, 0.0
    order = np.argsort(gray, kind="stable")
    count = min(_CLASSES, max(1, len(order) // _SMALLEST_CLASS))
    classes = np.array_split(order, count)
    above = np.maximum(gray, 0)
    sizes = np.array([len(members) for members in classes], np.float64)
    places = np.array([above[members].mean() for members in classes])
    darkest = float(np.median(above[classes[0]]))
    expected = np.ones(len(gray))
    line = (0.0, 0.0)
    for _ in range(_ROUNDS):
        variances = np.array(
            [
                np.median(square[members] / expected[members])
                / MEDIAN_SQUARE
                * expected[members].mean()
                for members in classes
            ]
        )
        if not variances.any():
            return 0.0, 0.0
        line = _line(places, variances, sizes, darkest)
        mean = line[0] + line[1] * float(above.mean())
        expected = np.maximum(line[0] + line[1] * above, _SMALL * mean)
    return line


def _line(
    places: Doubles, variances: Doubles, sizes: Doubles, darkest: float
) -> tuple[float, float]:
    """Return a and b of least absolute relative deviations, b ≥ 0 and a + b·darkest ≥ 0.

    Relative deviations, because the error of a measured variance is a share of it; a class far out
    (hot pixels) then pulls no harder than any other.
    """
    x = places - darkest  # at the darkest class the variance is a number of its own, not negative
    middle = np.average(variances, weights=sizes)
    model = np.full_like(variances, max(float(np.median(variances)), _SMALL * middle))
    low, slope = float(np.median(variances)), 0.0
    for _ in range(_FIT_STEPS):
        off = np.abs(variances - low - slope * x) / model
        weights = sizes / model**2 / np.maximum(off, _SMALL)
        s0, s1, s2 = weights.sum(), (weights * x).sum(), (weights * x * x).sum()
        v0, v1 = (weights * variances).sum(), (weights * x * variances).sum()
        determinant = s0 * s2 - s1 * s1
        if determinant > 1e-12 * s0 * s2:
            low, slope = (s2 * v0 - s1 * v1) / determinant, (s0 * v1 - s1 * v0) / determinant
        else:  # one grey value
            low, slope = v0 / s0, 0.0
        if low < 0:
            low, slope = 0.0, max(v1 / s2, 0.0)
        elif slope < 0:
            low, slope = v0 / s0, 0.0
        line = low + slope * x
        model = np.maximum(line, _SMALL * float(np.average(line, weights=sizes)))
        if not model.min() > 0:
            break
    return float(low - slope * darkest), float(slope)
