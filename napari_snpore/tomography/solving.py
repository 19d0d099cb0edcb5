"""Checked input of a reconstruction, and its solution by any method, block of planes after block.

Blocks are read off the tilt images, solved to the end and written into the result, so that memory
beside input and output is one block per thread, whatever the size of the volume; either may lie on
disk. A method is a
:class:`Solver`: it is given one block, and reports the residual after each iteration.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import BlockSteps, Progress, ShouldStop, run_stepped_blocks
from napari_snpore.errors import InputError
from napari_snpore.tomography.projector import (
    LANE_COUNTS,
    Beam,
    Planes,
    checked_count,
    finite_rows,
    slice_blocks,
)
from napari_snpore.tomography.tilt_series import TiltSeries, check_image
from napari_snpore.volume import Volume, array_of

Floats = NDArray[np.float32]

IterationCallback = Callable[[int, float], None]
"""``callback(iteration, residual)``, iterations counted from 1, called from the thread that started
the work.
"""

PartialCallback = Callable[[Any, int], None]
"""``partial(volume, iteration)``: the array that is being filled, all of it at least at that
iteration.
"""

_MOST_SHOWN = 10  # iterations between two looks at a volume that is being improved
_FEWEST_TILTS = 3


@dataclass(frozen=True, eq=False)
class Problem:
    """Images, the rays that made them, and what is known of the object beforehand."""

    images: Any  # (tilt, y, x)
    beam: Beam
    support: Any = None  # bool (z, y, x): where the object may be
    initial: Any = None  # (z, y, x)

    @property
    def slices(self) -> int:
        """Planes along the tilt axis."""
        return int(self.images.shape[1])

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels (z, y, x) of the result."""
        depth, width = self.beam.shape
        return depth, self.slices, width

    def at(self, rows: NDArray[np.intp]) -> Problem:
        """Return the same problem for some of the slices."""
        images = np.stack([np.asarray(image[rows]) for image in self.images])
        part = [
            None if data is None else np.asarray(data)[:, rows]
            for data in (self.support, self.initial)
        ]
        return Problem(images, self.beam, *part)


class Planar(Protocol):
    """Some planes side by side and the operator between their images and sinograms; :class:`Planes`
    is one.
    """

    beam: Beam
    lanes: int

    def empty_image(self) -> Floats: ...  # noqa: D102
    def empty_sinogram(self) -> Floats: ...  # noqa: D102
    def forward(self, image: Floats, sinogram: Floats, factor: float = 1.0) -> None: ...  # noqa: D102
    def backward(  # noqa: D102
        self, sinogram: Floats, image: Floats, weights: Floats, lowest: float = ...
    ) -> None: ...
    def smear(self, sinogram: Floats, image: Floats, weights: Floats) -> None: ...  # noqa: D102
    def weigh(self, residual: Floats, weights: Floats) -> NDArray[np.float64]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Block:
    """Planes that are solved together: what was measured, where to start, and where the object may
    be.
    """

    planes: Planar
    measured: Floats
    image: Floats  # start; the solver leaves its result here
    started: bool  # whether the start is anything but zero
    support: Floats | None
    first: int  # place of the first plane among all slices
    slices: int  # how many there are
    report: Callable[[NDArray[np.float64]], bool]
    """Takes the squared residual of each lane after an iteration; true asks to end with what there
    is.
    """
    look: Callable[[], None] = lambda: None
    """Raises where the work was cancelled: asked within an iteration, between passes over all
    rays.
    """

    def confine(self, image: Floats) -> None:
        """Set to zero what lies outside the support."""
        if self.support is not None:
            np.multiply(image, self.support, out=image)


class Solver(Protocol):
    """A reconstruction method."""

    @property
    def images(self) -> int:
        """Arrays of the size of a block's image that it holds beside ``Block.image``, for the
        memory limit.
        """

    @property
    def sinograms(self) -> int:
        """The same for sinograms, beside ``Block.measured``."""

    @property
    def resumable(self) -> bool:
        """Whether solving n and then m more iterations from there equals n + m at once."""

    def solve(self, block: Block, iterations: int) -> None:
        """Improve ``block.image`` in a number of iterations, and report the residual after each."""


@dataclass(frozen=True)
class Run:
    """How the caller wants the work done."""

    threads: int
    progress: Progress | None = None
    should_stop: ShouldStop | None = None
    finish_now: ShouldStop | None = None
    partial: PartialCallback | None = None
    memory_limit: int | None = None


def check_images(series: TiltSeries) -> bool:
    """Refuse images with NaN or infinity, of other types than real numbers, or one without contrast
    among others; return whether any pixel is not 0.

    Raises
    ------
    InputError
    """
    signal, flat = False, []
    for index, image in enumerate(series.images):
        pixels = np.asarray(image)
        if pixels.dtype.kind not in "buif":
            raise InputError(
                f"The tilt series is of type {pixels.dtype}; images of real numbers are needed."
            )
        check_image(pixels, index)
        signal = signal or bool(pixels.any())
        if pixels.min() == pixels.max():
            flat.append(index)
    if signal and 0 < len(flat) < len(series.images):
        raise InputError(
            f"Image {flat[0]} of the tilt series has the same value everywhere; leave it out."
        )
    return signal


def checked_problem(
    series: TiltSeries,
    thickness_px: int | None,
    support: Any = None,
    initial: Volume | NDArray[Any] | None = None,
) -> Problem:
    """Refuse what cannot be reconstructed, image by image; see
    :func:`~napari_snpore.tomography.reconstruct`.
    """
    if abs(series.tilt_axis_angle_deg) > 1e-6:
        raise InputError(
            f"The tilt axis lies at {series.tilt_axis_angle_deg:g}° to image axis y; align the series first, "
            "so that it is 0."
        )
    distinct = len(np.unique(series.angles_deg))
    if distinct < _FEWEST_TILTS:
        raise InputError(
            f"angles_deg holds {distinct} different tilts; a reconstruction needs at least 3."
        )
    if not check_images(series):
        raise InputError("The tilt series is zero everywhere; there is nothing to reconstruct.")
    width = series.shape[2]
    depth = width if thickness_px is None else checked_count("thickness_px", thickness_px)
    problem = Problem(series.images, Beam(series.angles_deg, (depth, width), width))
    return replace(
        problem,
        support=_checked_support(support, problem.shape),
        initial=_checked_initial(initial, problem.shape),
    )


def _checked_support(support: Any, shape: tuple[int, int, int]) -> Any:
    if support is None:
        return None
    mask = array_of(support)
    flat = (shape[0], 1, shape[2])
    if tuple(mask.shape) == (shape[0], shape[2]):
        mask = np.asarray(mask)[:, None]
    if tuple(mask.shape) not in (shape, flat):
        raise InputError(
            f"support has shape {tuple(np.shape(support))}; (z, y, x) {shape} of the volume or (z, x) of one plane is needed."
        )
    if mask.dtype != np.bool_:
        raise InputError(f"support is of type {mask.dtype}; a mask of booleans is needed.")
    return np.broadcast_to(mask, shape) if tuple(mask.shape) == flat else mask


def _checked_initial(initial: Volume | NDArray[Any] | None, shape: tuple[int, ...]) -> Any:
    if initial is None:
        return None
    data = array_of(initial)
    if tuple(data.shape) != shape:
        raise InputError(
            f"initial has shape {tuple(data.shape)}; the volume to be reconstructed has {shape}."
        )
    return data


class Ledger:
    """Squared residuals of every slice and iteration, filled by the workers, read by the calling
    thread.
    """

    def __init__(
        self, slices: int, iterations: int, callback: IterationCallback | None = None
    ) -> None:
        self.measured = np.zeros(slices)
        self.left = np.full((iterations, slices), np.nan)
        self._callback = callback
        self._told = 0

    def report(self) -> None:
        """Call back for each iteration that all slices have finished since the last time."""
        while (
            self._callback is not None
            and self._told < len(self.left)
            and not np.isnan(self.left[self._told]).any()
        ):
            self._callback(self._told + 1, self._share(self._told))
            self._told += 1

    def residuals(self) -> list[float]:
        """Return ``‖b - A x‖ / ‖b‖`` after each iteration that every slice took part in."""
        complete = ~np.isnan(self.left).any(axis=1)
        return [self._share(int(iteration)) for iteration in np.flatnonzero(complete)]

    def iterations(self) -> tuple[int, int]:
        """Return the fewest and the most iterations that a slice took."""
        taken = (~np.isnan(self.left)).sum(axis=0)
        return int(taken.min()), int(taken.max())

    def _share(self, iteration: int) -> float:
        return math.sqrt(float(self.left[iteration].sum()) / float(self.measured.sum()))


def solve_blocks(
    problem: Problem, solver: Solver, iterations: int, out: Any, ledger: Ledger, run: Run
) -> None:
    """Solve all slices into ``out`` (z, y, x), anything that numpy can assign slices to.

    Who wants to look on (``run.partial``) or to end early (``run.finish_now``) gets rounds over the
    whole volume, each of a few iterations, where the method can be resumed; the result is the same
    bit for bit.
    """
    blocks = fitting_blocks(problem, solver, run)
    looks = run.partial is not None or run.finish_now is not None
    ends = round_ends(iterations) if looks and solver.resumable else [iterations]
    steps = len(blocks) * iterations
    done_before = 0
    for first_iteration, end in zip([0, *ends], ends, strict=False):
        work = _BlockWork(problem, solver, (first_iteration, end), out, ledger, run.finish_now)

        def report(done: int, total: int, before: int = done_before) -> None:
            ledger.report()
            if run.progress is not None:
                run.progress(before + done, steps)

        run_stepped_blocks(
            work,
            blocks,
            steps=end - first_iteration,
            threads=run.threads,
            progress=report,
            should_stop=run.should_stop,
        )
        done_before += len(blocks) * (end - first_iteration)
        if run.partial is not None:
            run.partial(out, end)
        if run.finish_now is not None and run.finish_now():
            break


def round_ends(iterations: int) -> list[int]:
    """Return after which iterations the whole volume is looked at: soon at first, then every ten.

    Examples
    --------
    >>> round_ends(30)
    [2, 5, 10, 20, 30]
    """
    early = [end for end in (2, 5) if end < iterations]
    return [*early, *range(_MOST_SHOWN, iterations, _MOST_SHOWN), iterations]


@dataclass(frozen=True)
class _BlockWork:
    """Solves one block, from iteration ``span[0]`` to ``span[1]``."""

    problem: Problem
    solver: Solver
    span: tuple[int, int]
    out: Any
    ledger: Ledger
    finish_now: ShouldStop | None

    def __call__(self, block: tuple[int, int, int], step: BlockSteps) -> None:
        first, last, lanes = block
        if self.finish_now is not None and self.span[0] > 0 and self.finish_now():
            return
        problem, ledger = self.problem, self.ledger
        planes = Planes(problem.beam, lanes)
        measured, image = planes.empty_sinogram(), planes.empty_image()
        planes.put_sinogram(finite_rows(problem.images, first, last, "images"), measured)
        start = problem.initial if self.span[0] == 0 else self.out
        if start is not None:
            planes.put_image(finite_rows(start, first, last, "initial"), image)
        support = None
        if problem.support is not None:
            support = planes.empty_image()
            planes.put_image(
                np.ascontiguousarray(problem.support[:, first:last], np.float32), support
            )
        ledger.measured[first:last] = squares(measured, lanes)[: last - first]
        taken = self.span[0]

        def report(left: NDArray[np.float64]) -> bool:
            nonlocal taken
            ledger.left[taken, first:last] = left[: last - first]
            taken += 1
            step()
            return self.finish_now is not None and self.finish_now()

        ready = Block(
            planes,
            measured,
            image,
            start is not None,
            support,
            first,
            problem.slices,
            report,
            step.look,
        )
        if start is not None:
            ready.confine(image)
        self.solver.solve(ready, self.span[1] - self.span[0])
        store(planes, image, self.out, first, last)


def store(planes: Planes, image: Floats, out: Any, first: int, last: int) -> None:
    """Write the voxels of a block into slices ``first`` to ``last`` of ``out``."""
    if isinstance(out, np.ndarray):
        planes.get_image(image, np.asarray(out), (first, last))
        return
    depth, width = planes.beam.shape
    rows = np.empty((depth, last - first, width), np.float32)
    planes.get_image(image, rows, (0, last - first))
    out[:, first:last] = rows


def squares(flat: Floats, lanes: int) -> NDArray[np.float64]:
    """Return the sum of squares of each lane of a flat array, in a fixed order of additions."""
    total = np.zeros(lanes)
    step = 1 << 16
    for start in range(0, len(flat) // lanes, step):
        part = flat[start * lanes : (start + step) * lanes].reshape(-1, lanes).astype(np.float64)
        total += np.einsum("il,il->l", part, part)
    return total


def fitting_blocks(problem: Problem, solver: Solver, run: Run) -> list[tuple[int, int, int]]:
    """Cut the slices into blocks whose working memory stays below the caller's limit: wide ones
    where they fit.

    Raises
    ------
    InputError
        Not even the narrowest block fits; the sentence says what would.
    """
    if run.memory_limit is None:
        return slice_blocks(problem.slices, run.threads)
    narrowest = working_bytes(problem, solver, min(LANE_COUNTS))
    for lanes in sorted(LANE_COUNTS, reverse=True):
        if run.threads * working_bytes(problem, solver, lanes) <= run.memory_limit:
            blocks = slice_blocks(problem.slices, run.threads)
            if max(block[2] for block in blocks) <= lanes:
                return blocks
            return [
                (y, min(y + lanes, problem.slices), lanes) for y in range(0, problem.slices, lanes)
            ]
    raise InputError(
        f"memory_limit is {run.memory_limit / 1e6:.0f} MB; {run.threads} threads need at least "
        f"{run.threads * narrowest / 1e6:.0f} MB for planes of {problem.beam.shape[0]} x {problem.beam.shape[1]} voxels; allow "
        "more, use fewer threads, or bin the images."
    )


def working_bytes(problem: Problem, solver: Solver, lanes: int) -> int:
    """Return the bytes that one thread holds while it solves a block of so many planes."""
    beam = problem.beam
    images = 1 + solver.images + (problem.support is not None)
    sinograms = 1 + solver.sinograms
    # rows as they are read and written, before and after they are laid out
    rows = 2 * max(math.prod(beam.shape), len(beam.angles_deg) * beam.detector_px)
    return 4 * lanes * (images * beam.image_size + sinograms * beam.sinogram_size + rows)
