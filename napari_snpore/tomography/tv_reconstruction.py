"""Total variation of a whole tilt series: weights, λ, convergence, reweighting and slabs.

:mod:`~napari_snpore.tomography.total_variation` holds the iteration itself; this module decides how
it is run. The same course (:class:`Course`) runs a volume, the few rows in which the blur is sought,
and the plane of a preview.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.tomography.discrete.slab_levels import slab_bytes, slab_levels
from napari_snpore.tomography.noise import NoiseModel
from napari_snpore.tomography.projector import finite_rows
from napari_snpore.tomography.row_slabs import most_rows, row_slabs
from napari_snpore.tomography.solving import Ledger, Problem, Run, round_ends
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.weights import image_weights, least_power_of_slabs

Floats = NDArray[np.float32]

NOISE_WEIGHT = 0.25
"""λ over σ √tilts, from the noise of a backprojection: high enough that noise alone makes no voxel
differ from its neighbours, low enough that what it takes from a wall of three voxels is a tenth."""

NOISE = "noise of the images"
"""Where a λ from the noise comes from, for the history."""

CLEAN_WEIGHT = 0.5
"""Least λ over the mean grey value along the brightest ray: images without noise still leave the
missing wedge open."""

_EDGE_WEIGHT = 1.5
"""λ after the first reweighting over λ before: flat places, whose gradient is some tenths of a
carbon level, keep their λ."""

_PLAIN_ITERATIONS = 40
"""Iterations before the first reweighting: edges lie where they will stay, to a voxel."""

_BETWEEN = 10
"""Iterations between two reweightings."""

_LEVELS_AT = (0, 40, 100)
"""Iterations after the first reweighting at which the level of the weakest phase is found again: at
first what tin smears onto carbon raises it."""

_MISFIT_AT = (40, 100)
"""Iterations after the plain ones at which the squares left of the images are compared with noise.
What no volume explains (residual shifts, another blur, noise that the estimate missed) is no
evidence for a voxel: the images count as if their noise were as large, as in polishing."""

MOST_MISFIT = 3.0
"""Largest factor on λ. With 0.3 px of shifts left in the images (R = 2) the factor R itself brought
fractions nearer to the truth than its root; without noise R has no bound."""

_LEVEL_ROWS = 24
"""Rows in which it is found."""

_LEAST_REWEIGHTED = 40
"""Fewest iterations after the first reweighting: right after it the volume hardly moves at first."""

_FIRST_LOOK = 5
"""Iteration from which the volume is shown."""

HELD_OUT_ROWS = 48
"""Rows in which λ is chosen by held-out tilts: half a million pixels are held out at 512 px, and the
work is a fraction of that of the volume."""

_TRIED_VOLUMES = 7
"""Volumes of these rows beside a solver: the best so far, the usual one, two of the present one, and
copies, padded, while one is projected."""

_VOLUMES = 5.75
"""Arrays of the size of a slab that are held: two volumes, three fields, half of one for the limits
of the fields; the rest for the rims."""

_STACKS = 6
"""Arrays of the size of its images: images, weights, dual, projections, and two for their rims and
what comes and goes."""

_OBJECT = 0.2
"""Share of the brightest grey value of an image above which a pixel counts as object: carbon beside
tin is darker than that, so that the noise is that of the thicker half of a fibre."""

_BRIGHTEST = 99.9
"""Percentile that stands for the brightest grey value: hot pixels lie above it."""


def noise_of_object(
    images: Any, noise: NoiseModel, *, should_stop: ShouldStop | None = None
) -> float:
    """Return the standard deviation of the noise (raw pixels, grey units) over the object: the
    pixels of each image above a fifth of its brightest, hot ones left out.
    """
    total, count = 0.0, 0
    for image in images:
        check_stop(should_stop)
        pixels = np.asarray(image, np.float32)
        inside = pixels[pixels > _OBJECT * np.percentile(pixels, _BRIGHTEST)]
        total += float(np.sum(noise.power(inside), dtype=np.float64))
        count += inside.size
    return math.sqrt(total / count) if count and not noise.a == noise.b == 0 else 0.0


def relative_weights(
    images: Floats,
    noise: NoiseModel,
    sigma: float,
    *,
    least_power: float | None = None,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> Floats:
    """Return the weights of the pixels, 1 where the noise is ``sigma``, that of the object."""
    weights = image_weights(
        images, noise, least_power=least_power, threads=threads, should_stop=should_stop
    )
    if sigma > 0:
        weights *= np.float32(sigma**2)
    return weights


def variation_weight(
    images: Any, depth: int, sigma: float, *, should_stop: ShouldStop | None = None
) -> tuple[float, str]:
    """Return λ and what it was taken from."""
    noise = NOISE_WEIGHT * sigma * math.sqrt(len(images))
    brightest = -math.inf
    for image in images:
        check_stop(should_stop)
        brightest = max(brightest, float(np.percentile(np.asarray(image), _BRIGHTEST)) / depth)
    if noise >= CLEAN_WEIGHT * brightest:
        return noise, NOISE
    return CLEAN_WEIGHT * brightest, "grey value of the images"


@dataclass
class Course:
    """The iterations of one slab: plain ones, then reweighted ones until the volume stays.

    Attributes
    ----------
    weight : float
        λ.
    limit : int
        Most iterations.
    tolerance : float
        See :class:`~napari_snpore.tomography.options.Tv`.
    contrast : callable or None
        Returns the grey value of the weakest phase in a slab, against which a gradient is an edge;
        None: no reweighting.
    noise_squares : float
        Sum of squares that noise alone leaves of the images of the slab; 0: λ stays as it is.
    plain : int
        Iterations before the first reweighting.
    misfit : float
        Squares left of the images over those that noise leaves, from 1 to 3: the factor on λ.
    """

    weight: float
    limit: int
    tolerance: float
    contrast: Callable[[TotalVariation], float] | None
    noise_squares: float = 0.0
    plain: int = _PLAIN_ITERATIONS
    misfit: float = 1.0
    converged: bool = False

    def run(self, solver: TotalVariation, after: Callable[[int, float], bool] | None = None) -> int:
        """Iterate; return the iterations done.

        ``after(iteration, squares)`` is called after each iteration, counted from 1; true ends the
        work.
        """
        level = 0.0
        for iteration in range(1, self.limit + 1):
            reweighted = self.contrast is not None and iteration > self.plain
            squares = solver.iterate(
                self.weight * self.misfit * (_EDGE_WEIGHT if reweighted else 1.0)
            )
            if after is not None and after(iteration, squares):
                return iteration
            since = iteration - self.plain
            if since in _MISFIT_AT and self.noise_squares > 0:
                self.misfit = min(max(squares / self.noise_squares, 1.0), MOST_MISFIT)
            if self.contrast is not None and since >= 0 and since % _BETWEEN == 0:
                if since in _LEVELS_AT:
                    level = self.contrast(solver)
                solver.favor_edges(level)
            if iteration >= self.plain + _LEAST_REWEIGHTED and solver.change < self.tolerance:
                self.converged = True
                return iteration
        return self.limit


def weakest_level(solver: TotalVariation, *, should_stop: ShouldStop | None = None) -> float:
    """Return the grey level of the weakest phase of a slab, from its middle rows and their images;
    the mean grey value of what is above vacuum where no levels fit.
    """
    first, last = middle_rows(solver.images.shape[1], _LEVEL_ROWS)
    voxels = solver.rows(first, last)
    found = slab_levels(
        voxels,
        np.ascontiguousarray(solver.images[:, first:last]),
        solver.weights_of(first, last),
        solver.beam.angles_deg,
        blur_px=solver.blur_px,
        threads=solver.threads,
        should_stop=should_stop,
    )
    if found is not None:
        return found.levels[0]
    bright = voxels[voxels > 0]
    return float(bright.mean()) if bright.size else 1.0


def middle_rows(slices: int, count: int) -> tuple[int, int]:
    """Return the first and last (excluded) of ``count`` rows in the middle, or of all."""
    first = max((slices - count) // 2, 0)
    return first, min(first + count, slices)


@dataclass(frozen=True, eq=False)
class VariationSettings:
    """What the reconstruction of all slabs shares.

    Attributes
    ----------
    noise : NoiseModel
    sigma : float
        Of the noise of the object, see :func:`noise_of_object`.
    blur_px, weight, limit, tolerance, nonnegative, reweight
        As in :class:`~napari_snpore.tomography.options.Tv`, with the values that it leaves to the
        data.
    weigh_misfit : bool
        Multiply λ by the squares left of the images over those that noise leaves; for a λ that comes
        from the noise.
    """

    noise: NoiseModel
    sigma: float
    blur_px: float
    weight: float
    limit: int
    tolerance: float
    nonnegative: bool
    reweight: bool
    weigh_misfit: bool


@dataclass(frozen=True)
class SolvedSlabs:
    """How the slabs ended: whether all converged, the greatest factor on λ, and their rows."""

    converged: bool
    misfit: float
    rows: tuple[tuple[int, int], ...]


def solve_slabs(
    problem: Problem, settings: VariationSettings, out: Any, ledger: Ledger, run: Run
) -> SolvedSlabs:
    """Solve all slabs into ``out``."""
    slabs = row_slabs(problem.shape, settings.blur_px)
    least = least_power_of_slabs(
        slabs, problem.images, settings.noise, run.threads, run.should_stop
    )
    converged, misfit, taken = True, 1.0, 0
    for number, slab in enumerate(slabs):
        first, last, low, high = slab.first, slab.last, slab.low, slab.high
        images = finite_rows(problem.images, low, high, "images")
        initial = problem.initial
        if initial is None and run.partial is not None and _ends(run):
            initial = (
                out  # a quick volume lies there already: better than one iteration from nothing
            )
        parts = [None if data is None else data[:, low:high] for data in (problem.support, initial)]
        solver = TotalVariation(
            images,
            problem.beam,
            # no name for them here: the solver keeps their inverse alone
            weights=relative_weights(
                images,
                settings.noise,
                settings.sigma,
                least_power=least,
                threads=run.threads,
                should_stop=run.should_stop,
            ),
            blur_px=settings.blur_px,
            nonnegative=settings.nonnegative,
            support=parts[0],
            initial=parts[1],
            threads=run.threads,
            should_stop=run.should_stop,
        )
        course = Course(
            settings.weight,
            settings.limit,
            settings.tolerance,
            partial(weakest_level, should_stop=run.should_stop) if settings.reweight else None,
            solver.squares_of_noise(settings.sigma) if settings.weigh_misfit else 0.0,
        )
        power = np.einsum("tyx,tyx->y", images, images, dtype=np.float64)
        measured = power[slab.inside]
        ledger.measured[first:last] = measured
        share = float(measured.sum() / max(power.sum(), 1e-300))
        # not before the volume is nearer to its end than the quick one that is shown already
        looks = {end for end in round_ends(settings.limit) if end >= _FIRST_LOOK}

        def keep(
            solver: TotalVariation = solver, span: tuple[int, int] = (first, last), low: int = low
        ) -> None:
            for start, rows in solver.pieces(span[0] - low, span[1] - low):
                out[:, low + start : low + start + rows.shape[1]] = rows

        def after(
            iteration: int,
            squares: float,
            number: int = number,
            span: tuple[int, int] = (first, last),
            share: float = share,
            looks: set[int] = looks,
            keep: Callable[[], None] = keep,
        ) -> bool:
            if number == len(slabs) - 1:
                ledger.report()  # of the iterations before: the last one is measured again at its end
            ledger.left[iteration - 1, span[0] : span[1]] = squares * share / (span[1] - span[0])
            if run.progress is not None:
                run.progress(number * settings.limit + iteration, len(slabs) * settings.limit)
            check_stop(run.should_stop)
            if run.partial is not None and iteration in looks:
                keep()
                run.partial(out, iteration)
            return _ends(run)

        taken = course.run(solver, after)
        ledger.left[taken - 1, first:last] = solver.squares_left() * share / (last - first)
        converged = converged and course.converged
        misfit = max(misfit, course.misfit)
        keep()
        if _ends(run):
            converged = False
    ledger.report()
    if run.progress is not None and taken < settings.limit:
        run.progress(len(slabs) * settings.limit, len(slabs) * settings.limit)
    return SolvedSlabs(converged, misfit, tuple((slab.first, slab.last) for slab in slabs))


def _ends(run: Run) -> bool:
    return run.finish_now is not None and run.finish_now()


def largest_slab_bytes(
    shape: tuple[int, int, int],
    tilts: int,
    threads: int,
    *,
    blur_px: float = 0.0,
    confined: bool = False,
    reweight: bool = True,
    held_out: bool = False,
) -> float:
    """Return the bytes that TV takes for its largest slab of a volume (z, y, x), or for the rows in
    which λ is chosen by held-out tilts, where that is more.
    """
    depth, slices, width = shape
    rows = most_rows(shape, blur_px)
    # a support is a mask, and while it is made one as numbers
    needed = 4 * rows * width * ((_VOLUMES + 1.25 * confined) * depth + _STACKS * tilts)
    levels = slab_bytes((depth, min(_LEVEL_ROWS, rows), width), tilts, threads)
    if held_out:
        tried = 4.0 * min(HELD_OUT_ROWS, slices) * width
        tried *= (_VOLUMES + _TRIED_VOLUMES) * depth + (_STACKS + 2) * tilts
        needed = max(needed, tried)
    return needed + levels if reweight else needed


def check_memory(
    problem: Problem, run: Run, *, blur_px: float, reweight: bool, held_out: bool = False
) -> None:
    """Refuse a memory limit below what the largest slab takes."""
    if run.memory_limit is None:
        return
    needed = largest_slab_bytes(
        problem.shape,
        len(problem.beam.angles_deg),
        run.threads,
        blur_px=blur_px,
        confined=problem.support is not None,
        reweight=reweight,
        held_out=held_out,
    )
    if needed > run.memory_limit:
        raise InputError(
            f"memory_limit leaves {run.memory_limit / 1e6:.3g} MB; TV couples all rows by the blur and needs "
            f"{needed / 1e6:.3g} MB for this volume; allow more, take SIRT, or bin the images."
        )
