"""Blur of the tilt images, found with the images alone.

Strategy: a few rows are reconstructed with several trial values of σ, cut into phases and polished.
With too small a σ the phases have sharper images than those measured; with too large a σ the
reconstruction sharpens what is not there. The discrete residual R of the polished phases has a sharp
minimum in between. That of a grey volume has none, because a grey volume can be blurred itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of, thread_count
from napari_snpore.errors import InputError
from napari_snpore.tomography.detector_blur import LARGEST_BLUR_PX
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.discrete.slab_levels import SlabLevels, slab_levels
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import Beam, finite_rows
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
"""Rows along y that are reconstructed: half a lane block, and four times the reach of the blur."""

_FIRST_TRIALS = (0.7, 1.0, 1.4)
"""First trial values, px; steps of a factor 1.4, because R depends on the ratio of two blurs."""

_STEP = 1.4
_CLOSE = 1.12
"""Factor between the last trials and the estimate: near enough for a parabola, far enough that R
differs by more than the roughness of the curve."""

_LEAST_BLUR_PX = 0.25
"""Below, a blur cannot be told from the interpolation of the projector."""

_SHARP = 0.01
"""Least rise of R from the minimum to 1.4 times it on both sides, as a share of R: less is the
roughness of the curve."""

_POOR = 5.0
"""R from which the phases do not explain the images at all."""

_ITERATIONS = 120
"""Of each trial, always from nothing: from the volume of another σ, R depends on the way there."""

_SWEEPS = 4

_OWN_SPREAD = 0.03
"""Spread (one standard deviation) of found over given σ on phantoms with shapes of another family:
what halves of the tilts do not show, because both have it."""


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
    trials = search.run(
        np.arange(len(series.angles_deg)), _FIRST_TRIALS, share_of(progress, 0, 0.6)
    )
    curve = tuple(sorted((sigma, trial.residual) for sigma, trial in trials.items()))
    found, reason = _minimum(curve)
    if found is None:
        return _none(reason or "", curve)
    best = trials[min(trials, key=lambda sigma: abs(math.log(sigma / found)))]
    halves = []
    for number, start in enumerate((0, 1)):
        part = share_of(progress, 0.6 + 0.2 * number, 0.8 + 0.2 * number)
        near = (found / _STEP, found, found * _STEP)
        of_half = search.run(np.arange(start, len(series.angles_deg), 2), near, part, extend=False)
        at, _ = _minimum(tuple(sorted((s, trial.residual) for s, trial in of_half.items())))
        halves.append(math.nan if at is None else at)
    spread = abs(halves[0] - halves[1]) / 2
    width = 2 * math.hypot(_OWN_SPREAD * found, spread) if math.isfinite(spread) else math.nan
    if not math.isfinite(width):
        reason = "Halves of the tilts show no minimum of their own."
    elif width > _WIDEST * found:
        reason = f"Halves of the tilts give {halves[0]:.2f} and {halves[1]:.2f} px."
    elif best.residual > _POOR:
        reason = f"The phases do not explain the images (R = {best.residual:.3g}, where noise alone gives 1)."
    return BlurEstimate(
        found, found - width, found + width, curve, best.levels, reason is None, reason
    )


_WIDEST = 0.3
"""Half width of the interval from which it says too little: 10 % of σ cost 1 to 4 points of pore."""


def _none(reason: str, curve: tuple[tuple[float, float], ...] = ()) -> BlurEstimate:
    return BlurEstimate(math.nan, math.nan, math.nan, curve, (), False, reason)


@dataclass(frozen=True)
class _Trial:
    residual: float
    levels: tuple[float, ...]


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

    def run(
        self,
        tilts: NDArray[np.intp],
        trials: Sequence[float],
        progress: Progress | None,
        *,
        extend: bool = True,
    ) -> dict[float, _Trial]:
        """Try values of σ for some of the tilts, further ones until the minimum is enclosed, then
        two close to it.
        """
        images = np.ascontiguousarray(self.images[tilts])
        weights = np.ascontiguousarray(self.weights[tilts])
        beam = Beam(self.angles_deg[tilts], (self.depth, images.shape[2]), images.shape[2])
        relative = weights * np.float32(self.sigma**2) if self.sigma > 0 else weights
        strength, _ = variation_weight(images, self.depth, self.sigma)
        done: dict[float, _Trial] = {}

        def attempt(sigma: float) -> None:
            solver = TotalVariation(
                images, beam, weights=relative, blur_px=sigma, threads=self.threads
            )
            Course(
                strength, _ITERATIONS, 0.0, partial(weakest_level, should_stop=self.should_stop)
            ).run(solver, self._noted)
            done[sigma] = self._judge(solver, images, weights, beam.angles_deg, sigma)
            if progress is not None:
                progress(min(len(done), 7), 7)

        for sigma in trials:
            attempt(sigma)
        while extend:
            at = min(done, key=lambda sigma: done[sigma].residual)
            further = at * _STEP if at == max(done) else at / _STEP
            inside = min(done) < at < max(done)
            if inside or not _LEAST_BLUR_PX <= further <= LARGEST_BLUR_PX:
                break
            attempt(further)
        found, _ = _minimum(tuple(sorted((s, trial.residual) for s, trial in done.items())))
        if found is not None and extend:
            for sigma in (found / _CLOSE, found, found * _CLOSE):
                attempt(sigma)
        return done

    def _noted(self, *_: float) -> bool:
        check_stop(self.should_stop)
        return False

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
                sweeps=_SWEEPS,
                threads=self.threads,
                should_stop=self.should_stop,
            )
        except InputError:  # a blur wider than the objects
            return _Trial(math.inf, ())
        return _Trial(polished.residual, tuple(polished.levels[2:]))

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
            threads=self.threads,
            should_stop=self.should_stop,
        )


def _minimum(curve: tuple[tuple[float, float], ...]) -> tuple[float | None, str | None]:
    """Return the vertex of the parabola in log σ through the least R and its two neighbours, or why
    there is none.

    Examples
    --------
    >>> curve = tuple((s, 1 + math.log(s / 1.2) ** 2) for s in (0.7, 1.0, 1.4))
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
    x = np.log([usable[k][0] for k in (at - 1, at, at + 1)])
    r = np.array([usable[k][1] for k in (at - 1, at, at + 1)])
    slopes = np.diff(r) / np.diff(x)
    curvature = float((slopes[1] - slopes[0]) / (x[2] - x[0]))
    rise = curvature * math.log(_STEP) ** 2
    if rise < _SHARP * float(r[1]):
        return None, "The residual hardly depends on the blur: its minimum is flat."
    vertex = float((x[0] + x[1]) / 2 - slopes[0] / (2 * curvature))
    return math.exp(vertex), None
