"""Fit of a blurred chord to the profile across a fibre, with an error that includes noise,
structure and misfit.

The error is that of a fit to many stretches along the fibre which scatter about one profile (a
sandwich estimate): it takes noise that is correlated across the fibre, or is no simple noise, as it
is, as long as it is not correlated over the length of a stretch. What the model does not describe
in the mean profile, beyond that scatter, is added with its own correlation length.

References
----------
White, Econometrica 48 (1980) 817, doi 10.2307/1912934; Liang and Zeger, Biometrika 73 (1986) 13, doi 10.1093/biomet/73.1.13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy

from napari_snpore.in_situ.across import Across
from napari_snpore.in_situ.chord import blurred_chord, chord_and_slopes
from napari_snpore.in_situ.frames import FLOAT

_LEAST_BLUR_PX = 0.1
_LEAST_DIAMETER_PX = 3.0
_SURE = 5.0
"""Least height of a fibre's profile, in standard errors of that height."""
_HALF_HEIGHT_OF_DIAMETER = math.sqrt(3) / 2
_ONE_SIGMA = 0.6827


@dataclass(frozen=True)
class ChordFit:
    """A fitted profile, lengths in px; ``reason`` says why there is none, else it is empty."""

    radius: float = math.nan
    radius_error: float = math.nan
    center: float = math.nan
    blur: float = math.nan
    background: float = math.nan
    slope: float = 0.0
    amplitude: float = math.nan
    residual: float = math.nan
    half_height_width: float = math.nan
    reason: str = ""

    def curve(self, position: FLOAT) -> FLOAT:
        """Return the fitted grey value at positions in px."""
        height = self.amplitude / (2 * self.radius)
        chord = blurred_chord(position - self.center, self.radius, self.blur)
        curve: FLOAT = self.background + self.slope * (position - self.center) + height * chord
        return curve


def fit_chord(across: Across, *, tilted_background: bool = False) -> ChordFit:
    """Fit ``background + amplitude · blurred chord / 2R`` to a profile, brighter or darker than its
    surroundings.

    Parameters
    ----------
    across : Across
        The profile, kept apart in several stretches along the fibre, from which the error is taken.
    tilted_background : bool
        Fit a straight line as background; ``background`` is then its value at the axis.
    """
    used = across.pixels >= 0.02 * across.pixels.max(initial=0)
    s, mean, weight = (
        across.position_px[used],
        across.mean[used],
        across.pixels[used].astype(np.float64),
    )
    if len(s) < 12:
        return ChordFit(reason=f"the profile is only {len(s)} px wide")
    scale = float(mean.max() - mean.min())
    if scale <= 0:
        return ChordFit(reason="all grey values are equal")
    level = float(mean.min())
    start = _start(s, (mean - level) / scale, weight)
    if start is None:
        return ChordFit(reason="no fibre stands out between two sides of background")
    found = _solve(s, (mean - level) / scale, weight, start, tilted_background)
    errors = _errors(across, used, level, scale, found, tilted_background)
    center, radius, blur, amplitude, background, slope = found
    model = _model(found, s)[0]
    residual = float(np.sqrt(np.average((model - (mean - level) / scale) ** 2, weights=weight)))
    reason = _doubt(found, errors, s)
    if reason:
        return ChordFit(reason=reason)
    fit = ChordFit(
        radius=float(radius),
        radius_error=float(errors[1]),
        center=float(center),
        blur=float(blur),
        background=float(background * scale + level),
        slope=float(slope * scale),
        amplitude=float(amplitude * scale),
        residual=residual / abs(float(amplitude)),
    )
    return ChordFit(**{**vars(fit), "half_height_width": _half_height(s, mean, fit)})


def _model(p: FLOAT, s: FLOAT) -> tuple[FLOAT, FLOAT]:
    """Return the profile and its derivatives by centre, radius, blur, amplitude, background, slope,
    shape (bin, 6).
    """
    center, radius, blur, amplitude, background, slope = p
    x = s - center
    chord, by_x, by_radius, by_blur = chord_and_slopes(x, radius, blur)
    unit = 1 / (2 * radius)
    value = background + slope * x + amplitude * unit * chord
    slopes = [
        -amplitude * unit * by_x - slope,
        amplitude * unit * (by_radius - chord / radius),
        amplitude * unit * by_blur,
        unit * chord,
        np.ones_like(x),
        x,
    ]
    return value, np.stack(slopes, axis=1)


def _start(s: FLOAT, mean: FLOAT, weight: FLOAT) -> FLOAT | None:
    """Return first values: edges at half height of the smoothed profile, the blur that fits best of
    a few.
    """
    smooth = scipy.ndimage.gaussian_filter1d(mean, max(1.0, len(s) / 100), mode="nearest")
    rim = max(2, len(s) // 12)
    outside = float(np.concatenate([smooth[:rim], smooth[-rim:]]).mean())
    lift = smooth - outside
    peak = int(np.argmax(np.abs(lift)))
    height = float(lift[peak])
    above = lift * np.sign(height) > abs(height) / 2
    left, right = peak, peak
    while left > 0 and above[left - 1]:
        left -= 1
    while right < len(s) - 1 and above[right + 1]:
        right += 1
    if left == 0 or right == len(s) - 1:
        return None
    center = (s[left] + s[right]) / 2
    best: tuple[float, FLOAT] | None = None
    root = np.sqrt(weight)
    for radius in (s[right] - s[left] + 1) / 2 / _HALF_HEIGHT_OF_DIAMETER * np.array([1.0, 0.85]):
        for blur in (0.5, 1.5, 0.05 * radius, 0.15 * radius, 0.4 * radius):
            chord = blurred_chord(s - center, float(radius), float(blur)) / (2 * radius)
            columns = np.stack([chord, np.ones_like(s)], axis=1)
            factors = np.linalg.lstsq(columns * root[:, None], mean * root, rcond=None)[0]
            cost = float((weight * (columns @ factors - mean) ** 2).sum())
            if best is None or cost < best[0]:
                best = cost, np.array([center, radius, blur, factors[0], factors[1], 0.0])
    return None if best is None else best[1]


def _solve(s: FLOAT, mean: FLOAT, weight: FLOAT, start: FLOAT, tilted: bool) -> FLOAT:
    free = 6 if tilted else 5
    root = np.sqrt(weight / weight.mean())
    span = float(s[-1] - s[0])
    low = np.array([s[0] - span, 0.5, _LEAST_BLUR_PX, -np.inf, -np.inf, -np.inf])[:free]
    high = np.array([s[-1] + span, span, span, np.inf, np.inf, np.inf])[:free]
    first = np.clip(start[:free], low * (1 + 1e-9 * np.sign(low)), high)

    def full(p: FLOAT) -> FLOAT:
        return p if tilted else np.append(p, 0.0)

    solved = scipy.optimize.least_squares(
        lambda p: root * (_model(full(p), s)[0] - mean),
        first,
        jac=lambda p: root[:, None] * _model(full(p), s)[1][:, :free],
        bounds=(low, high),
        x_scale=np.array([1.0, 1.0, 1.0, 0.1, 0.1, 0.1 / span])[:free],
        xtol=1e-10,
        ftol=1e-12,
        gtol=1e-12,
        max_nfev=200,
    )
    found: FLOAT = full(solved.x)
    return found


def _errors(
    across: Across, used: FLOAT, level: float, scale: float, p: FLOAT, tilted: bool
) -> FLOAT:
    """Return one standard error of each parameter (amplitude and background in units of ``scale``);
    NaN where there is none.
    """
    free = [k for k in range(6 if tilted else 5) if k != 2 or p[2] > 1.01 * _LEAST_BLUR_PX]
    count = across.count[:, used].astype(np.float64)
    n = count.sum(axis=0)
    full = count.sum(axis=1) > 0
    count = count[full]
    total, place = across.total[:, used][full], across.place[:, used][full]
    s = across.position_px[used]
    model, slopes = _model(p, s)
    jacobian = slopes[:, free]
    # pixels of one stretch sit elsewhere in their bin than those of another where the fibre runs at
    # a slant
    slant = -slopes[:, 0] * (place - count * s)
    apart = (
        (total - count * level) / scale - count * model - slant
    )  # (stretch, bin), summed over pixels
    stretches = len(apart)
    out = np.full(6, np.nan)
    try:
        inverse = np.linalg.inv(jacobian.T @ (n[:, None] * jacobian))
    except np.linalg.LinAlgError:
        return out
    if stretches < 4:
        return out
    scores = apart @ jacobian
    meat = scores.T @ scores * stretches / (stretches - 1)
    misfit = apart.sum(axis=0) / n
    scatter = ((apart - count * misfit) ** 2).sum(axis=0) / n**2 * stretches / (stretches - 1)
    beyond = float((n * misfit**2).sum() / n.sum()) * len(s) / (len(s) - len(free)) - float(
        (n * scatter).sum() / n.sum()
    )
    weighted = n[:, None] * jacobian
    meat += max(beyond, 0.0) * _correlation_length(misfit) * (weighted.T @ weighted)
    # so few stretches know their own scatter only roughly: Student's t for one standard error
    student = float(scipy.special.stdtrit(stretches - 1, 0.5 + _ONE_SIGMA / 2))
    out[free] = student * np.sqrt(np.maximum(np.diag(inverse @ meat @ inverse), 0))
    return out


def _correlation_length(residual: FLOAT) -> float:
    """Return over how many bins a residual is alike: 1 plus twice the sum of its correlations up to
    the first negative one.
    """
    centerd = residual - residual.mean()
    power = float(centerd @ centerd)
    length = 1.0
    for lag in range(1, len(centerd) // 2):
        alike = float(centerd[:-lag] @ centerd[lag:]) / power if power > 0 else 0.0
        if alike <= 0:
            break
        length += 2 * alike
    return length


def _doubt(p: FLOAT, errors: FLOAT, s: FLOAT) -> str:
    """Say why a fit is not that of a fibre; empty where it is."""
    center, radius, blur, amplitude = p[:4]
    if not np.isfinite(errors[[1, 3]]).all():
        return "the fit does not determine the diameter"
    if abs(amplitude) < _SURE * errors[3]:
        return "no single fibre stands out of noise and structure"
    if 2 * radius < _LEAST_DIAMETER_PX:
        return f"the fitted fibre is less than {_LEAST_DIAMETER_PX:g} px wide"
    if center - radius < s[0] or center + radius > s[-1]:
        return "an edge of the fibre lies outside the picture"
    if errors[1] > 0.25 * radius or blur > radius:
        return "the blur hides the diameter"
    return ""


def _half_height(s: FLOAT, mean: FLOAT, fit: ChordFit) -> float:
    """Return the width of the profile at half its height above the background, between straight
    lines through its values.
    """
    lift = (mean - fit.background - fit.slope * (s - fit.center)) * math.copysign(1, fit.amplitude)
    # a peak of noise is not the height
    smooth = scipy.ndimage.gaussian_filter1d(lift, 0.06 * fit.radius, mode="nearest")
    half = smooth[np.abs(s - fit.center) < fit.radius].max(initial=0.0) / 2
    middle = int(np.argmin(np.abs(s - fit.center)))
    ends = []
    for step in (-1, 1):
        k = middle
        while 0 < k < len(s) - 1 and lift[k] > half:
            k += step
        inner = k - step
        drop = lift[inner] - lift[k]
        ends.append(
            s[inner] + (s[k] - s[inner]) * (lift[inner] - half) / drop if drop > 0 else math.nan
        )
    return float(ends[1] - ends[0])
