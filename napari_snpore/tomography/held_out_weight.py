"""λ and iterations of TV, chosen by the prediction of tilt images that were held out.

Strategy: some rows are solved from three quarters of the tilts with a few values of λ around the
usual one. The λ, and the iteration, whose volume predicts an eighth of the tilts best is tried
against the usual λ on the last eighth, which nothing was chosen with. It is used for all tilts only
if it predicts those better beyond the error; else λ stays the usual one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, check_stop, share_of
from napari_snpore.history import HeldOutChoice, ReconstructStep
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.held_out import (
    HeldOutGain,
    TiltSplit,
    mean_squares,
    paired_gain,
)
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.projector import Beam, finite_rows, project
from napari_snpore.tomography.solving import Problem, Run
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_reconstruction import (
    HELD_OUT_ROWS,
    Course,
    VariationSettings,
    middle_rows,
    relative_weights,
    variation_weight,
    weakest_level,
)

Floats = NDArray[np.float32]

HELD_OUT = "held-out tilts"
"""Where λ comes from, for the history."""

_RIM = 6
"""Rows at each end that are solved and not compared: blur and gradients reach across the cut."""

_FACTORS = (0.5, 1.0, 2.0)
"""First values of λ over the usual one; further ones by steps of 2 until the best is enclosed, then
by √2 beside it."""

_LARGEST_STEP = 8.0
"""Farthest λ from the usual one, as a factor."""

_FIRST_LOOK, _LOOK_EVERY = 40, 20
"""Iterations at which the held-out images are predicted: λ is lowered at edges from the 40th on."""


@dataclass(frozen=True)
class WeightTrial:
    """One λ: how well its volume predicts the images for validation, and after how many iterations.

    Attributes
    ----------
    factor : float
        λ over the usual one.
    residual : float
        Least mean residual of the images for validation.
    iterations : int
        At which it is reached.
    at_end : bool
        Whether that is where the volume had converged, or where the iterations ended.
    """

    factor: float
    residual: float
    iterations: int
    at_end: bool


@dataclass(frozen=True)
class WeightChoice:
    """λ and iterations that predict held-out images best, and whether they gain on the usual ones.

    Attributes
    ----------
    factor : float
        λ over the usual one.
    iterations : int or None
        After which to stop; None: where the volume converges.
    gain : HeldOutGain
        On the images of the test.
    tried : tuple of (float, float)
        Factors and their residuals on the images for validation, by rising factor.
    """

    factor: float
    iterations: int | None
    gain: HeldOutGain
    tried: tuple[tuple[float, float], ...]

    @property
    def record(self) -> HeldOutChoice:
        """What the history keeps of it."""
        gain = self.gain
        return HeldOutChoice(
            self.factor,
            gain.images,
            gain.residual,
            gain.usual_residual,
            gain.difference,
            gain.gains,
            # JSON has no infinity
            gain.error_95 if math.isfinite(gain.error_95) else None,
            self.iterations,
        )


def choose_weight(
    problem: Problem, settings: VariationSettings, run: Run, *, seed: int = 0
) -> WeightChoice:
    """Choose λ and iterations by held-out tilts, and test the choice once.

    Parameters
    ----------
    problem : Problem
        All tilts.
    settings : VariationSettings
        Those of the whole volume; its λ is scaled to the tilts that are left for training.
    run : Run
        Threads, progress and cancel.
    seed : int
        Of the split of the tilts.

    Raises
    ------
    InputError
        Fewer than 20 tilts.
    Stopped
        ``run.should_stop`` returned true.
    """
    rows = _HeldOutRows.of(problem, settings, run, TiltSplit.of(problem.beam.angles_deg, seed))
    trials: dict[float, WeightTrial] = {}
    factor: float | None = _FACTORS[0]
    chosen = usual = np.empty(0, np.float32)
    while factor is not None:
        trial, best_volume, end_volume = rows.solve(factor, _part(run, len(trials)))
        # two volumes are kept, not two of each trial
        if all(trial.residual < other.residual for other in trials.values()):
            chosen = best_volume
        if factor == 1.0:
            usual = end_volume
        trials[factor] = trial
        factor = _FACTORS[len(trials)] if len(trials) < len(_FACTORS) else _further(trials)
    best = min(trials.values(), key=lambda trial: trial.residual)
    gain = paired_gain(rows.test_residuals(chosen), rows.test_residuals(usual))
    if run.progress is not None:
        run.progress(1000, 1000)
    tried = tuple(sorted((factor, trial.residual) for factor, trial in trials.items()))
    return WeightChoice(best.factor, None if best.at_end else best.iterations, gain, tried)


def with_choice_kept(options: Tv, made: ReconstructStep) -> Tv:
    """Return the options that repeat a reconstruction with the λ and the iterations that held-out
    tilts chose for it, instead of choosing again; other options as they are.
    """
    if options.weight != "auto":
        return options
    chosen = made.held_out
    if chosen is None or not chosen.gain or made.tv_weight is None:
        return replace(options, weight=None)
    weight = made.tv_weight * (made.tv_misfit or 1.0)
    if chosen.iterations is None:
        return replace(options, weight=weight)
    return replace(options, weight=weight, iterations=chosen.iterations, tolerance=0.0)


def _further(tried: Mapping[float, WeightTrial]) -> float | None:
    """Return the next factor to try; None where the best one is enclosed closely enough."""
    best = min(tried, key=lambda factor: tried[factor].residual)
    for step in (2.0, math.sqrt(2)):
        above = any(1 < factor / best < 1.1 * step for factor in tried)
        below = any(1 < best / factor < 1.1 * step for factor in tried)
        if not above and best * step < 1.01 * _LARGEST_STEP:
            return best * step
        if not below and best / step > 0.99 / _LARGEST_STEP:
            return best / step
    return None


def _part(run: Run, number: int) -> Progress | None:
    """Return the progress of one trial; how many follow is not known: each takes a fifth of what is
    left of the bar.
    """
    done = 1 - 0.8**number
    return share_of(run.progress, done, done + 0.2 * (1 - done))


@dataclass(frozen=True, eq=False)
class _HeldOutRows:
    """Rows that are solved from the tilts for training and compared with the others."""

    images: Floats
    weights: Floats
    beam: Beam
    settings: VariationSettings
    split: TiltSplit
    compared: slice
    run: Run

    @classmethod
    def of(
        cls, problem: Problem, settings: VariationSettings, run: Run, split: TiltSplit
    ) -> _HeldOutRows:
        first, last = middle_rows(problem.slices, HELD_OUT_ROWS)
        images = finite_rows(problem.images, first, last, "images")
        weights = relative_weights(
            images, settings.noise, settings.sigma, threads=run.threads, should_stop=run.should_stop
        )
        # by the rule for all tilts, so that a factor on it means the same
        usual, _ = variation_weight(
            [problem.images[tilt] for tilt in split.training],
            problem.beam.shape[0],
            settings.sigma,
            should_stop=run.should_stop,
        )
        rim = _RIM if last - first < problem.slices else 0
        return cls(
            images,
            weights,
            problem.beam,
            replace(settings, weight=usual),
            split,
            slice(rim, last - first - rim),
            run,
        )

    def solve(self, factor: float, progress: Progress | None) -> tuple[WeightTrial, Floats, Floats]:
        """Solve the rows with λ times a factor, and look at the images for validation now and then;
        return the trial and the volumes (z, rows, x) at its best iteration and at its end.
        """
        settings, run, tilts = self.settings, self.run, list(self.split.training)
        solver = TotalVariation(
            self.images[tilts],
            Beam(self.beam.angles_deg[tilts], self.beam.shape, self.beam.detector_px),
            weights=self.weights[tilts],
            blur_px=settings.blur_px,
            nonnegative=settings.nonnegative,
            threads=run.threads,
            should_stop=run.should_stop,
        )
        course = Course(
            factor * settings.weight,
            settings.limit,
            settings.tolerance,
            partial(weakest_level, should_stop=run.should_stop) if settings.reweight else None,
            solver.squares_of_noise(settings.sigma) if settings.weigh_misfit else 0.0,
        )
        count = self.images.shape[1]
        least, best_at, best = math.inf, 0, solver.rows(0, count)

        def look(iteration: int) -> Floats:
            nonlocal least, best_at, best
            volume = solver.rows(0, count)
            residual = float(self._residuals(volume, self.split.validation).mean())
            if residual < least:
                least, best_at, best = residual, iteration, volume
            return volume

        def after(iteration: int, squares: float) -> bool:
            check_stop(run.should_stop)
            if progress is not None:
                progress(iteration, settings.limit)
            if iteration >= _FIRST_LOOK and iteration % _LOOK_EVERY == 0:
                look(iteration)
            return run.finish_now is not None and run.finish_now()

        taken = course.run(solver, after)
        end = look(taken)
        return WeightTrial(factor, least, best_at, best_at == taken), best, end

    def test_residuals(self, volume: Floats) -> NDArray[np.float64]:
        """Return the residual of each image of the test."""
        return self._residuals(volume, self.split.test)

    def _residuals(self, volume: Floats, tilts: Sequence[int]) -> NDArray[np.float64]:
        chosen, rows = list(tilts), self.compared
        run = self.run
        images = project(
            volume,
            self.beam.angles_deg[chosen],
            detector_px=self.beam.detector_px,
            threads=run.threads,
            should_stop=run.should_stop,
        )
        predicted = blur_images(
            images, self.settings.blur_px, threads=run.threads, should_stop=run.should_stop
        )
        # the settings' weights are relative to the noise of the object
        scale = self.settings.sigma**2 if self.settings.sigma > 0 else 1.0
        squares = mean_squares(
            predicted[:, rows], self.images[chosen][:, rows], self.weights[chosen][:, rows]
        )
        return squares / scale
