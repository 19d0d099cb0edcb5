"""From an aligned tilt series to a volume: weighted backprojection and SIRT.

Blocks of planes are taken off the tilt images, reconstructed to the end and written into the result, so that memory beside
input and output is one block a thread. What the methods share (geometry, checks, blocks, residuals) is here; the arithmetic
is in :mod:`napari_snpore.tomography.projector`.

A residual is the share ``‖b - A x‖ / ‖b‖`` of the measured images ``b`` that the projections of the volume ``x`` leave
unexplained.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_snpore.compute import Progress, ShouldStop, run_stepped_blocks, thread_count
from napari_snpore.errors import InputError
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, checked_count, finite_rows, slice_blocks
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Step, Volume

Method = Literal["sirt", "wbp"]
Filter = Literal["ram-lak", "shepp-logan", "cosine", "hamming", "hann"]

DEFAULT_ITERATIONS = 50

IterationCallback = Callable[[int, float], None]
"""``callback(iteration, residual)``, iterations counted from 1, called from the thread that started the work."""


def reconstruct(
    series: TiltSeries,
    *,
    method: Method = "sirt",
    iterations: int | None = None,
    nonnegative: bool = True,
    thickness_px: int | None = None,
    filter: Filter = "ram-lak",  # noqa: A002  (the field's word, and only here)
    initial: Volume | NDArray[Any] | None = None,
    threads: int | None = None,
    callback: IterationCallback | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Volume:
    """Reconstruct a volume from an aligned tilt series.

    Parameters
    ----------
    series : TiltSeries
        Aligned: the tilt axis is image axis y and runs through the middle of the images. Images of any real dtype, on disk
        or in memory; background should read 0.
    method : {"sirt", "wbp"}
        SIRT (simultaneous iterative reconstruction technique, doi 10.1016/0022-5193(72)90180-4) or weighted (filtered)
        backprojection.
    iterations : int, optional
        SIRT only; default 50. More iterations sharpen the volume and raise its noise.
    nonnegative : bool
        SIRT only: keep voxels at 0 or above at every iteration. Weighted backprojection has no constraint.
    thickness_px : int, optional
        Voxels along z; default as many as an image has pixels along x. Less is quicker; the object has to fit.
    filter : {"ram-lak", "shepp-logan", "cosine", "hamming", "hann"}
        Weighted backprojection only: the ramp, or the ramp times a window that lowers noise and resolution.
    initial : Volume or array, shape (z, y, x), optional
        SIRT only: the volume to start from; default zero. Not changed.
    threads : int, optional
        Default :func:`~napari_snpore.compute.thread_count`; the result is the same bit for bit.
    callback : callable, optional
        ``callback(iteration, residual)`` after each iteration (SIRT), over all slices: called as soon as the last block of
        slices has got that far.
    progress : callable, optional
        ``progress(done, total)``, counted in blocks times iterations.
    should_stop : callable, optional
        Noticed at each iteration; nothing is kept.

    Returns
    -------
    Volume
        float32, shape (z, y, x), voxels as large as a pixel, the rotation centre in the middle. Its grey values times the
        voxel count along a ray give the images. The last step of its history holds method, parameters and, for SIRT,
        ``residuals``, one an iteration.

    Raises
    ------
    InputError
        A tilt axis that is not vertical, fewer than three different tilts, images with NaN or infinity or without any
        signal, an unknown method or filter, a number of iterations or a thickness below 1, an initial volume that does not
        fit, or options of one method given to the other.
    Stopped
        ``should_stop`` was true.

    Notes
    -----
    In weighted backprojection each tilt counts by the angle that it stands for (half the gaps to its neighbours), and the
    weights are scaled to a half turn: a uniform disc reads its density at its centre whatever the tilt range. Beyond the
    range nothing is measured; the volume is longer along the beam by ``wedge_elongation``.
    """
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; one of {', '.join(get_args(Method))} is needed.")
    problem = _checked_problem(series, thickness_px)
    run = _Run(threads or thread_count(), progress, should_stop)
    if method == "wbp":
        if iterations is not None or initial is not None:
            raise InputError("iterations and initial belong to method 'sirt'; 'wbp' takes neither.")
        data = _wbp(problem, _checked_filter(filter), run)
        step = Step("reconstruct", {"method": method, "filter": filter, "thickness_px": problem.beam.shape[0]})
    else:
        count = DEFAULT_ITERATIONS if iterations is None else checked_count("iterations", iterations)
        data, residuals = _sirt(problem, count, nonnegative, initial, callback, run)
        parameters = {
            "method": method,
            "iterations": count,
            "nonnegative": nonnegative,
            "thickness_px": problem.beam.shape[0],
            "residual": residuals[-1],
            "residuals": residuals,
        }
        step = Step("reconstruct", parameters)
    return Volume(data, (series.pixel_size_nm,) * 3, history=(*series.history, step))


@dataclass(frozen=True)
class _Run:
    """How the caller wants the work done."""

    threads: int
    progress: Progress | None
    should_stop: ShouldStop | None

    def blocks(self, work: Callable[[tuple[int, int, int], Callable[[], None]], None], slices: int, steps: int) -> None:
        """Work through all slices; ``work(block, step)`` as in :func:`run_stepped_blocks`."""
        run_stepped_blocks(
            work,
            slice_blocks(slices, self.threads),
            steps=steps,
            threads=self.threads,
            progress=self.progress,
            should_stop=self.should_stop,
        )


@dataclass(frozen=True, eq=False)
class _Problem:
    """What every method starts from: the images and the rays that made them."""

    images: Any  # (tilt, y, x)
    beam: Beam

    @property
    def slices(self) -> int:
        return int(self.images.shape[1])

    def empty_volume(self) -> NDArray[np.float32]:
        depth, width = self.beam.shape
        return np.empty((depth, self.slices, width), np.float32)

    def load(self, planes: Planes, first: int, last: int) -> NDArray[np.float32]:
        """Return the sinogram of some slices."""
        sinogram = planes.empty_sinogram()
        planes.put_sinogram(finite_rows(self.images, first, last, "images"), sinogram)
        return sinogram


def _checked_problem(series: TiltSeries, thickness_px: int | None) -> _Problem:
    if abs(series.tilt_axis_angle) > 1e-6:
        raise InputError(
            f"The tilt axis lies at {series.tilt_axis_angle:g}° to image axis y (tilt_axis_angle); align the series first, "
            "so that it is 0."
        )
    distinct = len(np.unique(series.angles_deg))
    if distinct < 3:
        raise InputError(f"angles_deg holds {distinct} different tilts; a reconstruction needs at least 3.")
    signal = False
    for index, image in enumerate(series.images):
        pixels = np.asarray(image)
        if pixels.dtype.kind not in "buif":
            raise InputError(f"The tilt series is of type {pixels.dtype}; images of real numbers are needed.")
        if not np.isfinite(pixels).all():
            raise InputError(
                f"Image {index} of the tilt series holds NaN or infinite values; leave it out or repair it."
            )
        signal = signal or bool(pixels.any())
    if not signal:
        raise InputError("The tilt series is zero everywhere; there is nothing to reconstruct.")
    width = series.shape[2]
    depth = width if thickness_px is None else checked_count("thickness_px", thickness_px)
    return _Problem(series.images, Beam(series.angles_deg, (depth, width), width))


def _checked_filter(name: str) -> str:
    if name not in get_args(Filter):
        raise InputError(f"filter is {name!r}; one of {', '.join(get_args(Filter))} is needed.")
    return name


def _sirt(
    problem: _Problem,
    iterations: int,
    nonnegative: bool,
    initial: Volume | NDArray[Any] | None,
    callback: IterationCallback | None,
    run: _Run,
) -> tuple[NDArray[np.float32], list[float]]:
    """Iterate ``x ← max(0, x + C Aᵀ R (b - A x))``, R and C one over the row and column sums of A."""
    volume = problem.empty_volume()
    start = _checked_initial(initial, volume.shape)
    row_weights, column_weights = sirt_weights(problem.beam)
    lowest = 0.0 if nonnegative else -math.inf
    ledger = _Ledger(problem.slices, iterations, callback)

    def work(block: tuple[int, int, int], step: Callable[[], None]) -> None:
        first, last, lanes = block
        planes = Planes(problem.beam, lanes)
        measured = problem.load(planes, first, last)
        image = planes.empty_image()
        if start is not None:
            planes.put_image(finite_rows(start, first, last, "initial"), image)
        residual = measured.copy()
        if start is not None:
            planes.forward(image, residual, -1.0)
        ledger.measured[first:last] = planes.weigh(measured.copy(), row_weights)[: last - first]
        planes.weigh(residual, row_weights)
        for iteration in range(iterations):
            planes.backward(residual, image, column_weights, lowest)
            residual[:] = measured
            planes.forward(image, residual, -1.0)
            ledger.left[iteration, first:last] = planes.weigh(residual, row_weights)[: last - first]
            step()
        planes.get_image(image, volume[:, first:last])

    def tell(done: int, total: int) -> None:
        ledger.tell()
        if run.progress is not None:
            run.progress(done, total)

    replace(run, progress=tell).blocks(work, problem.slices, iterations)
    return volume, ledger.residuals()


class _Ledger:
    """Squared residuals of every slice and iteration, filled by the workers, read by the calling thread."""

    def __init__(self, slices: int, iterations: int, callback: IterationCallback | None) -> None:
        self.measured = np.zeros(slices)
        self.left = np.full((iterations, slices), np.nan)
        self._callback = callback
        self._told = 0

    def tell(self) -> None:
        """Call back for each iteration that all slices have finished since the last time."""
        while self._callback is not None and self._told < len(self.left) and not np.isnan(self.left[self._told]).any():
            self._callback(self._told + 1, self._share(self._told))
            self._told += 1

    def residuals(self) -> list[float]:
        return [self._share(iteration) for iteration in range(len(self.left))]

    def _share(self, iteration: int) -> float:
        return math.sqrt(float(self.left[iteration].sum()) / float(self.measured.sum()))


def _checked_initial(initial: Volume | NDArray[Any] | None, shape: tuple[int, ...]) -> Any:
    if initial is None:
        return None
    data = initial.data if isinstance(initial, Volume) else np.asarray(initial)
    if tuple(data.shape) != shape:
        raise InputError(f"initial has shape {tuple(data.shape)}; the volume to be reconstructed has {shape}.")
    return data


def sirt_weights(beam: Beam) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return one over the row sums (tilt, detector) and the column sums (z, x) of the projector, flat; 0 where it is empty."""
    planes = Planes(beam, 8)
    depth, width = beam.shape
    pixels, voxels = (
        np.empty((len(beam.angles_deg), 1, beam.detector_px), np.float32),
        np.empty((depth, 1, width), np.float32),
    )
    image, sinogram = planes.empty_image(), planes.empty_sinogram()
    planes.put_image(np.ones_like(voxels), image)
    planes.forward(image, sinogram)
    planes.get_sinogram(sinogram, pixels)
    image[:], sinogram[:] = 0, 0
    planes.put_sinogram(np.ones_like(pixels), sinogram)
    planes.backward(sinogram, image, np.ones(depth * width, np.float32))
    planes.get_image(image, voxels)
    return _inverse(pixels), _inverse(voxels)


def _inverse(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    flat = sums.reshape(-1)
    return np.divide(1, flat, out=np.zeros_like(flat), where=flat > 1e-6)


def _wbp(
    problem: _Problem,
    name: str,
    run: _Run,
) -> NDArray[np.float32]:
    """Filter along the detector, then backproject by linear interpolation."""
    volume = problem.empty_volume()
    size = fft.next_fast_len(2 * problem.beam.detector_px, real=True)
    # (tilt, 1, frequency)
    response = (tilt_weights(problem.beam.angles_deg)[:, None, None] * ramp_filter(size, name)).astype(np.float32)
    unit = np.ones(math.prod(problem.beam.shape), np.float32)

    def work(block: tuple[int, int, int], _: Callable[[], None]) -> None:
        first, last, lanes = block
        rows = finite_rows(problem.images, first, last, "images")
        filtered = fft.irfft(fft.rfft(rows, size, axis=2) * response, size, axis=2)[:, :, : rows.shape[2]]
        planes = Planes(problem.beam, lanes)
        sinogram, image = planes.empty_sinogram(), planes.empty_image()
        planes.put_sinogram(np.ascontiguousarray(filtered, np.float32), sinogram)
        planes.smear(sinogram, image, unit)
        planes.get_image(image, volume[:, first:last])

    run.blocks(work, problem.slices, 1)
    return volume


def ramp_filter(size: int, name: str) -> NDArray[np.float64]:
    """Return the response of a ramp-type filter at the ``size // 2 + 1`` frequencies of a real transform.

    The ramp is the transform of its band-limited kernel (1/4 at 0, ``-1/(π n)²`` at odd n), so that the mean of a padded
    row is kept right (Kak and Slaney, doi 10.1137/1.9780898719277, chapter 3); the other names multiply it by a window.
    """
    offsets = np.minimum(np.arange(size), size - np.arange(size))
    kernel = np.zeros(size)
    kernel[0] = 0.25
    odd = offsets % 2 == 1
    kernel[odd] = -1 / (np.pi * offsets[odd]) ** 2
    ramp: NDArray[np.float64] = fft.rfft(kernel).real
    turns = np.arange(len(ramp)) / size  # cycles a pixel, up to 1/2
    window = {
        "ram-lak": np.ones_like(turns),
        "shepp-logan": np.sinc(turns),
        "cosine": np.cos(np.pi * turns),
        "hamming": 0.54 + 0.46 * np.cos(2 * np.pi * turns),
        "hann": 0.5 + 0.5 * np.cos(2 * np.pi * turns),
    }[name]
    return np.asarray(ramp * window, dtype=np.float64)


def tilt_weights(angles_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the angle that each tilt stands for, in radians, scaled so that all together make half a turn.

    Half the gaps to both neighbours; the outermost tilts count their one gap on both sides, unless the series closes the
    half turn. Tilts at the same angle share.
    """
    turned = np.deg2rad(angles_deg) % np.pi  # a projection and its mirror image at 180° hold the same
    distinct, place, copies = np.unique(np.round(turned, 9), return_inverse=True, return_counts=True)
    gaps = np.diff(np.append(distinct, distinct[0] + np.pi))  # gap after each tilt, around the half turn
    widest = int(np.argmax(gaps))
    others = np.delete(gaps, widest)
    before, after = np.roll(gaps, 1), gaps.copy()
    if gaps[widest] > 1.5 * others.max():  # the missing wedge
        first = (widest + 1) % len(distinct)
        after[widest] = before[widest]
        before[first] = after[first]
    weights = (before + after) / 2
    weights = weights * np.pi / weights.sum() / copies
    return np.array(weights[place], dtype=np.float64)


def warm_up() -> None:
    """Compile the kernels of this module, or load them from the cache, so that the first reconstruction starts at once.

    Takes seconds the first time on a machine, a fraction of one later; meant for a thread in the background.
    """
    beam = Beam([-30.0, 0.0, 60.0], (4, 4), 4)
    row_weights, column_weights = sirt_weights(beam)
    for lanes in LANE_COUNTS:
        planes = Planes(beam, lanes)
        image, sinogram = planes.empty_image(), planes.empty_sinogram()
        planes.forward(image, sinogram)
        planes.weigh(sinogram, row_weights)
        planes.backward(sinogram, image, column_weights)
