"""Blur of the tilt images, found with the images alone.

Strategy: a few rows are reconstructed with several trial values of σ, cut into phases and polished.
With too small a σ the phases have sharper images than those measured; with too large a σ the
reconstruction sharpens what is not there. The discrete residual R of the polished phases has a sharp
minimum in between. That of a grey volume has none, because a grey volume can be blurred itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, share_of, stops_at_once
from napari_snpore.tomography.detector_blur import LARGEST_BLUR_PX
from napari_snpore.tomography.discrete.blur_trials import BlurTrial, BlurTrials
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.solving import check_images
from napari_snpore.tomography.tilt_series import TiltSeries

FEWEST_TILTS = 20
"""With fewer images the phases can fit them with any blur."""

_TRIALS = (0.7, 1.0, 1.4)
"""First trial values, px; steps of a factor 1.4, because R depends on the ratio of two blurs."""

_STEP = 1.4

_CLOSE = (1 / 1.1, 1.0, 1.1)
"""Last trials over the estimate: near enough for a parabola, far enough that R differs by more than
the roughness of the curve."""

_OF_HALVES = (1 / 1.25, 1.0, 1.25)
"""The same for halves of the tilts, whose curves are rougher."""

_ITERATIONS_OF_HALVES = 140
"""More than with all tilts: halves that have not converged differ for that reason alone (balls of seed
121: interval of ± 9 % with 100, of ± 7 % with 140)."""

_LEAST_BLUR_PX = 0.25
"""Below, a blur cannot be told from the interpolation of the projector."""

_SHARP = 0.01
"""Least rise of R from the minimum to 1.4 times it, as a share of R: less is the roughness of the
curve."""

_POOR_MISFIT = 0.1
"""Share of the images' norm that phases and noise leave unexplained from which the phases are not
those of the object. Noise without an object (``test_noise_alone_is_a_reason``) left 15 %, fibres
with 0.3 px of shifts left by an alignment 2 to 7 %, with their blur found. R says nothing of it: at a
high dose a misfit of half a percent is many times the noise."""

_OWN_SPREAD = 0.03
"""Allowance (one standard deviation, share of σ) for what halves of the tilts do not show, because
both have it: on fibres, field cuts and balls of seeds from 100 on, found over given σ was 0.98 to
1.02. It is not calibrated beyond those."""

_NEAR = 1.16
"""Trials within this factor of the least residual count for the parabola."""

_WIDEST = 0.3
"""Half width of the interval, as a share of σ, from which it says too little: 10 % of σ cost 1 to 4
points of pore."""

_SHARE_OF_FIRST = 0.9
"""Share of the progress of the first values that those tried always take."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class BlurEstimate:
    """Blur of the images as found by :func:`find_blur`.

    Attributes
    ----------
    sigma_px : float
        Standard deviation of a Gaussian on the detector, px; nan where none was found.
    low_95, high_95 : float
        Interval from the spread between halves of the tilts and an allowance of 3 % (one standard
        deviation) for what both share; its coverage is not calibrated. nan where none was found.
    curve : tuple of (float, float)
        Trial values of σ (px) and the discrete residual R of each, by rising σ.
    levels : tuple of float
        Grey levels of the phases at the minimum, vacuum not included.
    reliable : bool
        Whether the minimum can be trusted; False: take a known value, or none.
    reason : str or None
        A sentence where it is not reliable.
    """

    sigma_px: float
    low_95: float
    high_95: float
    curve: tuple[tuple[float, float], ...]
    levels: tuple[float, ...]
    reliable: bool
    reason: str | None = None


@stops_at_once
def find_blur(
    series: TiltSeries,
    *,
    levels: Sequence[float] | None = None,
    phases: int = 3,
    noise: NoiseModel | None = None,
    thickness_px: int | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> BlurEstimate:
    """Find the blur of aligned tilt images: probe, interpolation and residual shifts together.

    Parameters
    ----------
    series : TiltSeries
        Aligned, vacuum at 0.
    levels : sequence of float, optional
        Grey levels of the phases above vacuum where they are known; default found with the images.
    phases : int
        Vacuum included; ignored beside ``levels``.
    noise : NoiseModel, optional
        Default: estimated from the series.
    thickness_px : int, optional
        Voxels along z; default as many as an image has pixels along x.
    threads : int, optional
        The result is the same bit for bit.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    BlurEstimate

    Raises
    ------
    InputError
        Levels that do not rise from 0, or images without signal.
    Stopped
        ``should_stop`` returned true.

    Notes
    -----
    One Gaussian for all depths: a probe that widens with its distance from focus, and a tail, are
    summed up in it.
    """
    if len(series.angles_deg) < FEWEST_TILTS:
        return _none(
            f"There are {len(series.angles_deg)} tilts; the blur needs {FEWEST_TILTS} or more."
        )
    check_images(series)
    faults = image_faults(series, should_stop=should_stop)
    if faults.weighty:
        return _none(f"{faults.sentence} They outweigh what a blur changes.")
    search = BlurTrials.of(series, levels, phases, noise, thickness_px, threads, should_stop)
    # by angle: halves of tilts that were recorded from 0 to both sides would each be one side
    every = np.argsort(series.angles_deg, kind="stable")
    trials = _first_trials(search, every, share_of(progress, 0, 0.5))
    found, reason = _minimum(_curve(trials))
    if found is None:
        return _none(reason or "", _curve(trials))
    contrast = _nearest(trials, found).levels[0]
    close = [found * factor for factor in _CLOSE]
    trials |= search.run(every, close, contrast, share_of(progress, 0.5, 0.8))
    found, reason = _minimum(_curve(trials))
    if found is None:
        return _none(reason or "", _curve(trials))
    halves = []
    for number in (0, 1):
        part = share_of(progress, 0.8 + 0.1 * number, 0.9 + 0.1 * number)
        near = [found * factor for factor in _OF_HALVES]
        tried = search.run(every[number::2], near, contrast, part, _ITERATIONS_OF_HALVES)
        halves.append(_minimum(_curve(tried))[0])
    return _estimate(found, halves, trials)


def _estimate(
    found: float, halves: list[float | None], trials: Mapping[float, BlurTrial]
) -> BlurEstimate:
    """Put the blur and its interval together, and say what makes it doubtful."""
    best, curve = _nearest(trials, found), _curve(trials)
    known = [half for half in halves if half is not None]
    width, reason = math.nan, None
    if len(known) < 2:
        reason = "Halves of the tilts show no minimum of their own."
    else:
        # the mean of two halves differs from each by half of their distance
        width = 2 * math.hypot(_OWN_SPREAD * found, abs(known[0] - known[1]) / 2)
        if width > _WIDEST * found:
            reason = f"Halves of the tilts give {known[0]:.2f} and {known[1]:.2f} px."
    if best.misfit > _POOR_MISFIT:
        reason = (
            f"The phases leave {100 * best.misfit:.1f} % of the images' norm unexplained"
            f" (R = {best.residual:.3g}, where noise alone gives 1)."
        )
    return BlurEstimate(
        found, found - width, found + width, curve, best.levels, reason is None, reason
    )


def _none(reason: str, curve: Curve = ()) -> BlurEstimate:
    return BlurEstimate(math.nan, math.nan, math.nan, curve, (), False, reason)


def _curve(trials: Mapping[float, BlurTrial]) -> Curve:
    return tuple(sorted((sigma, trial.residual) for sigma, trial in trials.items()))


def _nearest(trials: Mapping[float, BlurTrial], sigma: float) -> BlurTrial:
    return trials[min(trials, key=lambda tried: abs(math.log(tried / sigma)))]


def _first_trials(
    search: BlurTrials, tilts: NDArray[np.intp], progress: Progress | None
) -> dict[float, BlurTrial]:
    """Try values of σ until the least residual is enclosed."""
    contrast = search.weakest_level(tilts)
    trials = search.run(tilts, _TRIALS, contrast, share_of(progress, 0, _SHARE_OF_FIRST))
    done = _SHARE_OF_FIRST
    while True:
        at = min(trials, key=lambda sigma: trials[sigma].residual)
        further = _further(_curve(trials))
        if further is None or not _LEAST_BLUR_PX <= further <= LARGEST_BLUR_PX:
            return trials
        levels = trials[at].levels
        # how many follow is not known: each takes half of what is left of the bar
        part, done = share_of(progress, done, (done + 1) / 2), (done + 1) / 2
        trials |= search.run(tilts, [further], levels[0] if levels else contrast, part)


def _further(curve: Curve) -> float | None:
    """Return the next σ beside the least R; None where it is enclosed, or there is nothing to try.

    A σ with which no levels fit says nothing: half the step is tried before it.

    Examples
    --------
    >>> round(_further(((0.7, 3.0), (1.0, 2.0), (1.4, 1.0))), 3)
    1.96
    >>> round(_further(((0.7, 3.0), (1.0, 2.0), (1.4, math.inf))), 3)
    1.183
    >>> _further(((0.7, 3.0), (1.0, 2.0), (1.4, 4.0)))
    """
    at, least = min(curve, key=lambda point: point[1])
    if not math.isfinite(least):
        return None
    tried = dict(curve)
    for side in (_STEP, 1 / _STEP):
        if any(
            (sigma > at) == (side > 1) for sigma, value in curve if sigma != at and value < math.inf
        ):
            continue
        steps = [at * side, at * math.sqrt(side)]
        return next((step for step in steps if not _is_tried(step, tried)), None)
    return None


def _is_tried(sigma: float, tried: Mapping[float, float]) -> bool:
    return any(math.isclose(sigma, one, rel_tol=1e-9) for one in tried)


def _minimum(curve: Curve) -> tuple[float | None, str | None]:
    """Return the vertex of a parabola in σ² through the least R and what lies near it, or why
    there is none.

    Examples
    --------
    >>> curve = tuple((s, 1 + (s**2 - 1.44) ** 2) for s in (0.7, 1.0, 1.4))
    >>> round(_minimum(curve)[0], 6)
    1.2
    """
    usable = [(sigma, value) for sigma, value in curve if math.isfinite(value)]
    if len(usable) < 3:
        return None, "No rising grey levels of phases fit the images."
    at = min(range(len(usable)), key=lambda k: usable[k][1])
    if at in (0, len(usable) - 1):
        side = "smallest" if at == 0 else "largest"
        return None, f"The residual still falls at the {side} blur tried, {usable[at][0]:.2f} px."
    # in σ² the curve is nearly a parabola; in σ it is far steeper above the minimum than below
    x, r = np.square([sigma for sigma, _ in usable]), np.array([value for _, value in usable])
    near = np.abs(np.log(x / x[at])) < 2 * math.log(_NEAR)
    near[at - 1 : at + 2] = True
    curvature, slope, _ = np.polyfit(x[near], r[near], 2)
    if curvature * (x[at] * (_STEP**2 - 1)) ** 2 < _SHARP * float(r[at]):
        return None, "The residual hardly depends on the blur: its minimum is flat."
    vertex = float(np.clip(-slope / (2 * curvature), x[at - 1], x[at + 1]))
    return math.sqrt(vertex), None
