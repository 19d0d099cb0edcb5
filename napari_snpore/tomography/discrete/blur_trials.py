"""Trial values of the blur: a few rows reconstructed with each, cut into phases, polished and judged.

The residual R of the polished phases is what :mod:`~napari_snpore.tomography.discrete.blur_search`
makes as small as possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from threading import Event

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_stepped_blocks
from napari_snpore.errors import InputError
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.threads import thread_count
from napari_snpore.tomography.detector_blur import blur_images, gaussian_taps
from napari_snpore.tomography.discrete.input_checks import MAX_PHASES, checked_phases
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.discrete.slab_levels import SlabLevels, slab_bytes, slab_levels
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.projector import Beam, checked_count, finite_rows, project
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

_ROWS = 32
"""Rows along y that are reconstructed: half a block of the projector, eight times the reach of a
blur of 1 px."""

ITERATIONS = 100
"""Of each trial, always from nothing: from the volume of another σ, R depends on the way there. With
140 the blur that was found differed by about 1 % (phantoms of seeds 110 to 121)."""

_LEVEL_ROWS = 16
"""Rows in which the levels of the phases are found; polishing fits them again in all."""

_FIRST_ITERATIONS, _FIRST_BLUR_PX = 60, 1.0
"""Of the reconstruction that tells the level of the weakest phase to the first trials."""

_SWEEPS = 6

_BOUNDARY_WEIGHT = 1.5
"""Boundary weight of the polishing in the search, several times that of polishing itself: phases that
are free to follow the noise explain it the better, the smaller σ, and with 0.3 there is no minimum at
all. On fibres of other seeds than those of the tests 0.6, 1.0 and 1.5 found 0.96, 0.98 and 1.00 px
for 1 px."""


_VOLUMES, _STACKS, _LEAST_BYTES = 10.0, 10.0, 8e6
"""Peak of a trial beside its level sets, in volumes and image stacks of the rows; and the rest."""

_MOST_TRIALS = 3
"""Trials at the same time."""


def trials_bytes(shape: tuple[int, int, int], tilts: int, threads: int) -> float:
    """Return about how many bytes the search takes for a volume (z, y, x): one trial a thread."""
    depth, slices, width = shape
    rows = min(slices, _ROWS)
    volume, stack = 4 * depth * rows * width, 4 * tilts * rows * width
    one = slab_bytes((depth, rows, width), tilts, 1) + _VOLUMES * volume + _STACKS * stack
    return min(threads, _MOST_TRIALS) * one + _LEAST_BYTES


@dataclass(frozen=True)
class BlurTrial:
    """What one trial value gave.

    Attributes
    ----------
    residual : float
        Discrete residual R of the polished phases; infinite where no rising levels fit.
    levels : tuple of float
        Grey levels of the phases above vacuum.
    misfit : float
        Share of the norm of the images that phases and noise leave unexplained.
    """

    residual: float
    levels: tuple[float, ...] = ()
    misfit: float = math.inf


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of some images; ``relative``: their weights, 1 where the noise is that of the object."""

    images: Floats
    weights: Floats
    relative: Floats
    strength: float
    beam: Beam

    def solver(
        self, blur_px: float, should_stop: ShouldStop | None, threads: int = 1
    ) -> TotalVariation:
        return TotalVariation(
            self.images,
            self.beam,
            weights=self.relative,
            blur_px=blur_px,
            threads=threads,
            should_stop=should_stop,
        )


@dataclass(frozen=True, eq=False)
class BlurTrials:
    """The rows in which the blur is sought.

    Attributes
    ----------
    images, weights : float32 array, shape (tilt, row, x)
        Rows of the images, and one over the power of their noise.
    sigma : float
        Standard deviation of the noise of the object, grey units; 0 where there is none.
    angles_deg : float64 array, shape (tilt,)
    depth : int
        Voxels along z.
    levels : tuple of float or None
        Grey levels of the phases above vacuum, where they are known.
    phases : int
        Vacuum included.
    threads, should_stop
        See :mod:`napari_snpore.compute`.
    """

    images: Floats
    weights: Floats
    sigma: float
    angles_deg: NDArray[np.float64]
    depth: int
    levels: tuple[float, ...] | None
    phases: int
    threads: int
    should_stop: ShouldStop | None = None

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
    ) -> BlurTrials:
        """Check what :func:`~napari_snpore.tomography.discrete.blur_search.find_blur` was given, and
        take the rows.
        """
        known = None if levels is None else tuple(float(level) for level in levels)
        if known is not None and (
            not known or any(not low < high for low, high in pairwise((0.0, *known)))
        ):
            raise InputError(f"levels is {list(known)}; grey values that rise from 0 are needed.")
        if known is not None and len(known) >= MAX_PHASES:
            raise InputError(
                f"levels has {len(known)} values; at most {MAX_PHASES - 1} above vacuum are possible."
            )
        count = checked_phases(phases) if known is None else len(known) + 1
        depth = series.shape[2]
        if thickness_px is not None:
            depth = checked_count("thickness_px", thickness_px)
        threads = threads or thread_count()
        tilts, slices, width = series.shape
        check_memory(
            f"Finding the blur of {shape_text(series.shape)} pixels (tilt, y, x)",
            trials_bytes((depth, slices, width), tilts, threads),
        )
        model = noise_model(series, should_stop=should_stop) if noise is None else noise
        first, last = middle_rows(series.shape[1], _ROWS)
        images = finite_rows(series.images, first, last, "images")
        if not images.max() > 0:
            raise InputError("The images hold no signal above 0; there is no blur to find.")
        weights = image_weights(images, model, threads=threads, should_stop=should_stop)
        sigma = noise_of_object(images, model, should_stop=should_stop)
        return cls(
            images,
            weights,
            sigma,
            np.asarray(series.angles_deg, np.float64),
            depth,
            known,
            count,
            threads,
            should_stop,
        )

    def run(
        self,
        tilts: NDArray[np.intp],
        trials: Sequence[float],
        contrast: float,
        progress: Progress | None,
        iterations: int = ITERATIONS,
    ) -> dict[float, BlurTrial]:
        """Try values of σ for some of the tilts, one per thread.

        Parameters
        ----------
        tilts : int array
            Indices of the images.
        trials : sequence of float
            Values of σ, px.
        contrast : float
            Level of the weakest phase, against which a gradient is an edge.
        progress : callable or None
            See :mod:`napari_snpore.compute`.
        iterations : int
            Of each trial.
        """
        rows = self._rows(tilts)

        stopped = Event()  # for the steps of a trial that run in its own thread

        def watch() -> bool:
            if self.should_stop is not None and self.should_stop():
                stopped.set()
            return stopped.is_set()

        def attempt(sigma: float, step: Callable[[], None]) -> BlurTrial:
            solver = rows.solver(sigma, stopped.is_set)

            def after(*_: float) -> bool:
                step()
                return False

            Course(rows.strength, iterations, 0.0, lambda _: contrast).run(solver, after)
            return self._judge(solver, rows, sigma, stopped.is_set)

        found = run_stepped_blocks(
            attempt,
            trials,
            steps=iterations,
            threads=self.threads,
            progress=progress,
            should_stop=watch,
        )
        return dict(zip(trials, found, strict=True))

    def weakest_level(self, tilts: NDArray[np.intp]) -> float:
        """Return the level of the weakest phase before any blur is known."""
        rows = self._rows(tilts)
        solver = rows.solver(_FIRST_BLUR_PX, self.should_stop, self.threads)
        for _ in range(_FIRST_ITERATIONS):
            solver.iterate(rows.strength)
        return weakest_level(solver, should_stop=self.should_stop)

    def _rows(self, tilts: NDArray[np.intp]) -> _Rows:
        images = np.ascontiguousarray(self.images[tilts])
        weights = np.ascontiguousarray(self.weights[tilts])
        relative = weights * np.float32(self.sigma**2) if self.sigma > 0 else weights
        strength, _ = variation_weight(images, self.depth, self.sigma)
        beam = Beam(self.angles_deg[tilts], (self.depth, images.shape[2]), images.shape[2])
        return _Rows(images, weights, relative, strength, beam)

    def _judge(
        self, solver: TotalVariation, rows: _Rows, sigma: float, should_stop: ShouldStop
    ) -> BlurTrial:
        """Cut the volume into phases, polish them, and return their residual and levels."""
        images, weights, angles_deg = rows.images, rows.weights, rows.beam.angles_deg
        voxels = solver.rows(0, images.shape[1])
        found = self._levels(voxels, images, weights, angles_deg, sigma, should_stop)
        if found is None:
            return BlurTrial(math.inf)
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
                should_stop=should_stop,
            )
        except InputError:  # a blur wider than the objects
            return BlurTrial(math.inf)
        levels = tuple(polished.levels[2:])
        model = np.zeros_like(images)
        for label, level in enumerate(levels, 2):
            sums = project(
                polished.labels == label,
                angles_deg,
                detector_px=images.shape[2],
                threads=1,
                should_stop=should_stop,
            )
            model += np.float32(level) * blur_images(sums, sigma, threads=1)
        # rows near the cuts hold what the blur brings from beyond them
        reach = min(len(gaussian_taps(sigma)) // 2, images.shape[1] // 4)
        inner = slice(reach, images.shape[1] - reach)
        squares = weights[:, inner] * (model - images)[:, inner] ** 2
        residual = float(np.mean(squares, dtype=np.float64))
        power = float(np.mean(weights[:, inner] * images[:, inner] ** 2, dtype=np.float64))
        misfit = math.sqrt(max(residual - 1, 0.0) / power) if power > 0 else math.inf
        return BlurTrial(residual, levels, misfit)

    def _levels(
        self,
        voxels: Floats,
        images: Floats,
        weights: Floats,
        angles_deg: NDArray[np.float64],
        sigma: float,
        should_stop: ShouldStop,
    ) -> SlabLevels | None:
        """Return the levels and thresholds of the phases: found with the images, or the known ones
        with thresholds half way between.
        """
        if self.levels is not None:
            middle = np.convolve((0.0, *self.levels), (0.5, 0.5), "valid")
            return SlabLevels(self.levels, tuple(middle.tolist()), math.nan)
        first, last = middle_rows(images.shape[1], _LEVEL_ROWS)
        return slab_levels(
            np.ascontiguousarray(voxels[:, first:last]),
            np.ascontiguousarray(images[:, first:last]),
            np.ascontiguousarray(weights[:, first:last]),
            angles_deg,
            blur_px=sigma,
            phases=self.phases,
            threads=1,
            should_stop=should_stop,
        )
