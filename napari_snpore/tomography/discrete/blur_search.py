"""Blur of the tilt images, found with the images alone.

Strategy: a few rows are reconstructed with several trial values of σ, cut into phases and polished.
With too small a σ the phases have sharper images than those measured; with too large a σ the
reconstruction sharpens what is not there. The discrete residual R of the polished phases has a sharp
minimum in between. That of a grey volume has none, because a grey volume can be blurred itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import (
    Progress,
    ShouldStop,
    run_stepped_blocks,
    share_of,
    thread_count,
)
from napari_snpore.errors import InputError
from napari_snpore.tomography.detector_blur import LARGEST_BLUR_PX, blur_images, gaussian_taps
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.discrete.slab_levels import SlabLevels, slab_levels
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import Beam, finite_rows, project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_reconstruction import (
    Course,
    middle_rows,
    noise_of_object,
    variation_weight,
    weakest_level,
)
from napari_snpore.tomography.weights import image_weights

Floats = NDArray[np.float32]

FEWEST_TILTS = 20
"""With fewer images the phases can fit them with any blur."""

_ROWS = 32
"""Rows along y that are reconstructed: half a block of the projector, eight times the reach of a
blur of 1 px."""

_TRIALS = (0.7, 1.0, 1.4)
"""First trial values, px; steps of a factor 1.4, because R depends on the ratio of two blurs."""

_STEP = 1.4

_CLOSE = (1 / 1.1, 1.0, 1.1)
"""Last trials over the estimate: near enough for a parabola, far enough that R differs by more than
the roughness of the curve."""

_OF_HALVES = (1 / 1.25, 1.0, 1.25)
"""The same for halves of the tilts, whose curves are rougher."""

_LEAST_BLUR_PX = 0.25
"""Below, a blur cannot be told from the interpolation of the projector."""

_SHARP = 0.01
"""Least rise of R from the minimum to 1.4 times it, as a share of R: less is the roughness of the
curve."""

_POOR, _POOR_MISFIT = 5.0, 0.01
"""R, and share of the images' norm that phases and noise leave unexplained, from which both together
say that the phases are not those of the object. R alone does not: at a high dose a misfit of half a
percent is many times the noise."""

_ITERATIONS = 140
"""Of each trial, always from nothing: from the volume of another σ, R depends on the way there."""

_SWEEPS = 6

_BOUNDARY_WEIGHT = 1.5
"""Boundary weight of the polishing in the search, several times that of polishing itself: phases that
are free to follow the noise explain it the better, the smaller σ, and with 0.3 there is no minimum at
all. On fibres of other seeds than those of the tests 0.6, 1.0 and 1.5 found 0.96, 0.98 and 1.00 px
for 1 px."""

_OWN_SPREAD = 0.03
"""Spread (one standard deviation) of found over given σ on phantoms with shapes of another family:
what halves of the tilts do not show, because both have it."""

_NEAR = 1.16
"""Trials within this factor of the least residual count for the parabola."""

_WIDEST = 0.3
"""Half width of the interval, as a share of σ, from which it says too little: 10 % of σ cost 1 to 4
points of pore."""

Curve = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class BlurEstimate:
    """Blur of the images as found by :func:`find_blur`.

    Attributes
    ----------
    sigma_px : float
        Standard deviation of a Gaussian on the detector, px; nan where none was found.
    low_95, high_95 : float
        Interval from the spread between halves of the tilts and between found and given values on
        phantoms; nan where none was found.
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
    search = _Search.of(series, levels, phases, noise, thickness_px, threads, should_stop)
    every = np.arange(len(series.angles_deg))
    trials = search.first_trials(every, share_of(progress, 0, 0.5))
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
        halves.append(_minimum(_curve(search.run(every[number::2], near, contrast, part)))[0])
    return _estimate(found, halves, trials)


def _estimate(
    found: float, halves: list[float | None], trials: Mapping[float, _Trial]
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
    if best.residual > _POOR and best.misfit > _POOR_MISFIT:
        reason = (
            f"The phases leave {100 * best.misfit:.1f} % of the images' norm unexplained"
            f" (R = {best.residual:.3g}, where noise alone gives 1)."
        )
    return BlurEstimate(
        found, found - width, found + width, curve, best.levels, reason is None, reason
    )


def _none(reason: str, curve: Curve = ()) -> BlurEstimate:
    return BlurEstimate(math.nan, math.nan, math.nan, curve, (), False, reason)


@dataclass(frozen=True)
class _Trial:
    residual: float
    levels: tuple[float, ...]
    misfit: float = math.inf  # share of the images' norm that is left beyond the noise


def _curve(trials: Mapping[float, _Trial]) -> Curve:
    return tuple(sorted((sigma, trial.residual) for sigma, trial in trials.items()))


def _nearest(trials: Mapping[float, _Trial], sigma: float) -> _Trial:
    return trials[min(trials, key=lambda tried: abs(math.log(tried / sigma)))]


@dataclass(frozen=True, eq=False)
class _Search:
    """The rows in which the blur is sought."""

    images: Floats
    weights: Floats  # one over the power of the noise
    sigma: float  # of the noise of the object
    angles_deg: NDArray[np.float64]
    depth: int
    levels: tuple[float, ...] | None
    phases: int
    threads: int
    should_stop: ShouldStop | None = field(default=None)

    @classmethod
    def of(
        cls,
        series: TiltSeries,
        levels: Sequence[float] | None,
        phases: int,
        noise: NoiseModel | None,
        thickness_px: int | None,
        threads: int | None,
        should_stop: ShouldStop | None,
    ) -> _Search:
        known = None if levels is None else tuple(float(level) for level in levels)
        if known is not None and (
            not known or any(not low < high for low, high in pairwise((0.0, *known)))
        ):
            raise InputError(f"levels is {list(known)}; grey values that rise from 0 are needed.")
        threads = threads or thread_count()
        model = noise_model(series, should_stop=should_stop) if noise is None else noise
        first, last = middle_rows(series.shape[1], _ROWS)
        images = finite_rows(series.images, first, last, "images")
        if not images.max() > 0:
            raise InputError("The images hold no signal above 0; there is no blur to find.")
        weights = image_weights(images, model, threads=threads)
        sigma = noise_of_object(images, model)
        return cls(
            images,
            weights,
            sigma,
            np.asarray(series.angles_deg, np.float64),
            thickness_px or series.shape[2],
            known,
            phases if known is None else len(known) + 1,
            threads,
            should_stop,
        )

    def first_trials(
        self, tilts: NDArray[np.intp], progress: Progress | None
    ) -> dict[float, _Trial]:
        """Try values of σ until the least residual is enclosed."""
        trials = self.run(tilts, _TRIALS, None, progress)
        while True:
            at = min(trials, key=lambda sigma: trials[sigma].residual)
            further = at * _STEP if at == max(trials) else at / _STEP
            inside = min(trials) < at < max(trials)
            if inside or not _LEAST_BLUR_PX <= further <= LARGEST_BLUR_PX:
                return trials
            levels = trials[at].levels
            trials |= self.run(tilts, [further], levels[0] if levels else None, None)

    def run(
        self,
        tilts: NDArray[np.intp],
        trials: Sequence[float],
        contrast: float | None,
        progress: Progress | None,
    ) -> dict[float, _Trial]:
        """Try values of σ for some of the tilts, one per thread; ``contrast`` is the level of the
        weakest phase where it is known.
        """
        images = np.ascontiguousarray(self.images[tilts])
        weights = np.ascontiguousarray(self.weights[tilts])
        angles = self.angles_deg[tilts]
        relative = weights * np.float32(self.sigma**2) if self.sigma > 0 else weights
        strength, _ = variation_weight(images, self.depth, self.sigma)
        beam = Beam(angles, (self.depth, images.shape[2]), images.shape[2])

        def attempt(sigma: float, step: Callable[[], None]) -> _Trial:
            solver = TotalVariation(images, beam, weights=relative, blur_px=sigma)

            def after(*_: float) -> bool:
                step()
                return False

            level = weakest_level if contrast is None else (lambda _: contrast)
            Course(strength, _ITERATIONS, 0.0, level).run(solver, after)
            return self._judge(solver, images, weights, angles, sigma)

        found = run_stepped_blocks(
            attempt,
            trials,
            steps=_ITERATIONS,
            threads=self.threads,
            progress=progress,
            should_stop=self.should_stop,
        )
        return dict(zip(trials, found, strict=True))

    def _judge(
        self,
        solver: TotalVariation,
        images: Floats,
        weights: Floats,
        angles_deg: NDArray[np.float64],
        sigma: float,
    ) -> _Trial:
        """Cut the volume into phases, polish them, and return their residual and levels."""
        voxels = solver.rows(0, images.shape[1])
        found = self._levels(voxels, images, weights, angles_deg, sigma)
        if found is None:
            return _Trial(math.inf, ())
        labels = (np.digitize(voxels, found.thresholds) + 1).astype(np.uint8)
        try:
            polished = polish_labels(
                labels,
                images,
                angles_deg,
                levels=(0.0, 0.0, *found.levels),
                blur_px=sigma,
                weights=weights,
                boundary_weight=_BOUNDARY_WEIGHT,
                sweeps=_SWEEPS,
                threads=1,
            )
        except InputError:  # a blur wider than the objects
            return _Trial(math.inf, ())
        levels = tuple(polished.levels[2:])
        model = np.zeros_like(images)
        for label, level in enumerate(levels, 2):
            sums = project(
                polished.labels == label, angles_deg, detector_px=images.shape[2], threads=1
            )
            model += np.float32(level) * blur_images(sums, sigma, threads=1)
        # rows near the cuts hold what the blur brings from beyond them
        reach = min(len(gaussian_taps(sigma)) // 2, images.shape[1] // 4)
        inner = slice(reach, images.shape[1] - reach)
        squares = weights[:, inner] * (model - images)[:, inner] ** 2
        residual = float(np.mean(squares, dtype=np.float64))
        power = float(np.mean(weights[:, inner] * images[:, inner] ** 2, dtype=np.float64))
        misfit = math.sqrt(max(residual - 1, 0.0) / power) if power > 0 else math.inf
        return _Trial(residual, levels, misfit)

    def _levels(
        self,
        voxels: Floats,
        images: Floats,
        weights: Floats,
        angles_deg: NDArray[np.float64],
        sigma: float,
    ) -> SlabLevels | None:
        if self.levels is not None:
            middle = np.convolve((0.0, *self.levels), (0.5, 0.5), "valid")
            return SlabLevels(self.levels, tuple(middle.tolist()), math.nan)
        return slab_levels(
            voxels,
            images,
            weights,
            angles_deg,
            blur_px=sigma,
            phases=self.phases,
            threads=1,
        )


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
