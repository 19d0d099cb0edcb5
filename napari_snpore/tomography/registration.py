"""Displacements between tilt images: centre of mass, cross-correlation with cosine stretch, and a
small-step fit.

Works on frames whose tilt axis is image axis y. The direction of that axis and the use of the
displacements are decided by the callers.
"""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

FLOAT = NDArray[np.float64]
IMAGES = NDArray[np.float32]
_ROD_PX = 4.0
"""Standard deviation, px, of the Gaussian along the axis whose result is subtracted as the rod's
part.
"""

_STEEPEST_STRETCH = np.cos(np.deg2rad(80.0))
"""Cosine at which the stretch is limited: beyond 80° a specimen is no slab, and the stretch grows
without limit.
"""


def gauge_terms(angles_deg: FLOAT) -> FLOAT:
    """Return the columns 1, cosθ, sinθ: what a displacement across the axis may hold without being
    an error.
    """
    angles = np.deg2rad(angles_deg)
    return np.stack([np.ones_like(angles), np.cos(angles), np.sin(angles)], axis=1)


def gauge_part(across: FLOAT, angles_deg: FLOAT) -> tuple[FLOAT, float]:
    """Return the least-squares part of ``across`` in 1, cosθ, sinθ, and the constant of that
    part.
    """
    terms = gauge_terms(angles_deg)
    factors = np.linalg.lstsq(terms, across, rcond=None)[0]
    return terms @ factors, float(factors[0])


def centers_of_mass(frames: IMAGES) -> FLOAT:
    """Return the centre of mass across the axis of each frame, in px from the centre of the
    frame.
    """
    profile = frames.sum(axis=1, dtype=np.float64)  # (tilt, x)
    place = np.arange(profile.shape[1]) - (profile.shape[1] - 1) / 2
    mass = profile.sum(axis=1)
    floor = 1e-3 * max(float(np.abs(mass).max()), np.finfo(np.float64).tiny)
    across: FLOAT = profile @ place / np.maximum(mass, floor)
    return across


def shifts_along_axis(frames: IMAGES) -> FLOAT:
    """Return the shift along the axis that brings each frame onto the common projection.

    The sum of an image across the tilt axis does not depend on the tilt as long as all mass is in
    the field, so these profiles differ by a shift alone; each is correlated with their mean, which
    is made sharper three times.
    """
    profiles = frames.sum(axis=2, dtype=np.float64)
    profiles -= profiles.mean(axis=1, keepdims=True)
    length = profiles.shape[1]
    spectra = scipy.fft.rfft(profiles * np.hanning(length + 2)[1:-1], 2 * length)
    frequency = np.fft.rfftfreq(2 * length)
    reference = spectra[len(frames) // 2]
    shifts = np.zeros(len(frames))
    for _ in range(3):
        correlation = scipy.fft.irfft(np.conj(spectra) * reference, 2 * length)
        shifts = np.array([_peak_1d(row, limit=length // 4) for row in correlation])
        reference = (spectra * np.exp(-2j * np.pi * frequency * shifts[:, None])).mean(axis=0)
    return shifts


def track_by_correlation(frames: IMAGES, angles_deg: FLOAT) -> FLOAT:
    """Follow the specimen from the lowest tilt outwards by cross-correlating neighbours.

    Before each comparison the image of the higher tilt is stretched across the axis by the ratio of
    the cosines, since a flat specimen is foreshortened by cosθ; both are tapered and band-passed.

    Parameters
    ----------
    frames : array, float32, shape (tilt, y, x)
        Tilt axis along y.
    angles_deg : array, shape (tilt,)
        Tilt angles, ascending.

    Returns
    -------
    array, shape (tilt, 2)
        Shifts (along, across) in px that bring each frame onto that of the lowest tilt.

    References
    ----------
    Guckenberger, Ultramicroscopy 9 (1982) 167.
    """
    cosines = np.maximum(np.abs(np.cos(np.deg2rad(angles_deg))), _STEEPEST_STRETCH)
    lowest = int(np.argmin(np.abs(angles_deg)))
    shifts = np.zeros((len(frames), 2))
    taper, band = _taper(frames.shape[1:]), _band(frames.shape[1:])
    for step, stop in ((1, len(frames)), (-1, -1)):
        for tilt in range(lowest + step, stop, step):
            before = tilt - step
            ratio = cosines[before] / cosines[tilt]
            stretched = _stretch_across(frames[tilt], ratio)
            along, across = _peak_2d(frames[before], stretched, taper, band)
            shifts[tilt] = shifts[before, 0] + along, (shifts[before, 1] + across) / ratio
    return shifts


def wide_shift(reference: IMAGES, frame: IMAGES) -> FLOAT:
    """Return the shift (along, across) that brings a frame onto a reference, however far apart they
    are.

    What does not change along the axis is taken off before: a rod fits itself everywhere along it.
    """
    one, two = (
        image - scipy.ndimage.gaussian_filter1d(image, _ROD_PX, axis=0, mode="nearest")
        for image in (reference, frame)
    )
    return np.array(_peak_2d(one, two, _taper(frame.shape), _band(frame.shape)))


def small_shifts(
    frames: IMAGES, references: IMAGES, *, smoothing_px: float = 1.0, along_axis: bool = True
) -> FLOAT:
    """Return the shifts (along, across) that bring each frame onto its reference, for distances of
    a px or two.

    One Gauss-Newton step per pass on the squared difference; a gain and a constant are fitted along
    with the shift, so that beam current and detector level do not disturb it. Without
    ``along_axis`` only the shift across is fitted. No peak is interpolated, hence no pull towards
    whole pixels.
    """
    out = np.zeros((len(frames), 2))
    for tilt, (frame, reference) in enumerate(zip(frames, references, strict=True)):
        smooth = scipy.ndimage.gaussian_filter(
            reference.astype(np.float64), smoothing_px, mode="nearest"
        )
        image = scipy.ndimage.gaussian_filter(
            frame.astype(np.float64), smoothing_px, mode="nearest"
        )
        inner = (slice(2, -2), slice(2, -2)) if min(frame.shape) > 8 else (slice(None), slice(None))
        slope_y, slope_x = np.gradient(smooth)
        slope_y *= along_axis
        columns = [slope_y, slope_x, smooth, np.ones_like(smooth)]
        terms = np.stack([column[inner].ravel() for column in columns], axis=1)
        inverse = np.linalg.pinv(terms.T @ terms, rcond=1e-9, hermitian=True)
        for _ in range(2):
            moved = scipy.ndimage.shift(image, out[tilt], order=1, mode="nearest")
            fitted = inverse @ (terms.T @ moved[inner].ravel())
            gain = fitted[2] if abs(fitted[2]) > 0.2 else 1.0
            # moved(r) ~ gain * reference(r - d): its slopes hold -gain * d, and -d brings it back
            out[tilt] += np.clip(fitted[:2] / gain, -2.0, 2.0)
    return out


def axial_likeness(frames: IMAGES, references: IMAGES) -> float:
    """Return how much of the structure along the axis two sets of frames share, from 0 (nothing but
    noise) to 1.

    The normalised product of the slopes along y, pooled over all frames, without the part that a
    movement across the axis makes as well: a featureless rod gives about 0 even where it runs
    obliquely, for its shift along the axis is not in the data. Slopes below 3 % of those across
    count as nothing.
    """
    shared = power_one = power_two = power_across = 0.0
    for frame, reference in zip(frames, references, strict=True):
        one, two = (_axial_slopes(image.astype(np.float64)) for image in (frame, reference))
        shared += float((one[0] * two[0]).sum())
        power_one += float((one[0] ** 2).sum())
        power_two += float((two[0] ** 2).sum())
        power_across += float((two[1] ** 2).sum())
    power = np.sqrt(power_one * power_two) + 1e-3 * power_across
    return shared / power if power > 0 else 0.0


def _axial_slopes(image: FLOAT) -> tuple[FLOAT, FLOAT]:
    """Return the slopes of a frame along y, free of those along x, and those along x."""
    along, across = (
        slope[2:-2]
        for slope in np.gradient(scipy.ndimage.gaussian_filter(image, 1.0, mode="nearest"))
    )
    power = float((across**2).sum())
    return along - (float((along * across).sum()) / power if power > 0 else 0.0) * across, across


def _stretch_across(frame: IMAGES, ratio: float) -> IMAGES:
    """Stretch a frame across the axis, about its centre, by ``ratio``."""
    middle = (frame.shape[1] - 1) / 2
    matrix, offset = np.array([1.0, 1.0 / ratio]), np.array([0.0, middle - middle / ratio])
    stretched: IMAGES = scipy.ndimage.affine_transform(
        frame, matrix, offset=offset, order=1, mode="nearest"
    )
    return stretched


def _taper(shape: tuple[int, ...]) -> FLOAT:
    """Raised cosine from the inscribed ellipse's rim inwards over a third of its radius."""
    axes = [np.abs(np.arange(n) - (n - 1) / 2) / (n / 2) for n in shape]
    radius = np.hypot(axes[0][:, None], axes[1][None, :])
    window: FLOAT = 0.5 * (1 + np.cos(np.pi * np.clip((radius - 0.66) / 0.34, 0, 1)))
    return window


def _band(shape: tuple[int, ...]) -> FLOAT:
    """Band-pass for spectra: no level and slow change, no pixel noise."""
    fy = np.fft.fftfreq(shape[0])[:, None]
    fx = np.fft.rfftfreq(shape[1])[None, :]
    square = fy**2 + fx**2
    low = 1.0 / max(shape)
    window: FLOAT = np.exp(-square / (2 * 0.15**2)) * (1 - np.exp(-square / (2 * low**2)))
    return window


def _peak_2d(reference: IMAGES, frame: IMAGES, taper: FLOAT, band: FLOAT) -> tuple[float, float]:
    """Return the shift (dy, dx) that brings ``frame`` onto ``reference``, from the peak of the
    cross-correlation.
    """
    spectra = [
        scipy.fft.rfft2((image - image.mean()) * taper) * band for image in (reference, frame)
    ]
    correlation = scipy.fft.irfft2(spectra[0] * np.conj(spectra[1]), s=reference.shape)
    ny, nx = correlation.shape
    y, x = np.unravel_index(int(correlation.argmax()), correlation.shape)
    along = y + _vertex(correlation[y - 1, x], correlation[y, x], correlation[(y + 1) % ny, x])
    across = x + _vertex(correlation[y, x - 1], correlation[y, x], correlation[y, (x + 1) % nx])
    return along - ny * (along > ny / 2), across - nx * (across > nx / 2)


def _peak_1d(correlation: FLOAT, *, limit: int) -> float:
    """Place of the highest value within ``limit`` of lag 0 of a circular correlation, to a fraction
    of a px.
    """
    lags = np.arange(-limit, limit + 1)
    peak = int(lags[np.argmax(correlation[lags])])
    return peak + _vertex(
        correlation[peak - 1], correlation[peak], correlation[(peak + 1) % len(correlation)]
    )


def _vertex(left: float, middle: float, right: float) -> float:
    """Place of the vertex of the parabola through three points at −1, 0, 1; 0 where they are
    straight.
    """
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
