"""From an aligned tilt series to a volume: WBP, SIRT, CGLS, TV and DART behind one name.

What the methods share lives in ``solving``, each method in a file of its own, when to stop in ``stopping``, the projector in
``projector``. A residual is the share ``‖b - A x‖ / ‖b‖`` of the measured images ``b`` that the projections of the volume
``x`` leave unexplained.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, thread_count
from napari_snpore.errors import InputError
from napari_snpore.history import ReconstructStep
from napari_snpore.tomography import astra_backend, sirt
from napari_snpore.tomography.methods import MethodOptions, Plan, plan
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes
from napari_snpore.tomography.quality import tilt_step
from napari_snpore.tomography.solving import (
    IterationCallback,
    Ledger,
    PartialCallback,
    Problem,
    Run,
    checked_problem,
    solve_blocks,
)
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.wbp import Filter
from napari_snpore.volume import Volume

Method = Literal["sirt", "wbp", "cgls", "tv", "dart"]
Stop = Literal["iterations", "noise"]
Backend = Literal["auto", "cpu", "astra"]

_OWNERS: dict[str, tuple[str, ...]] = {
    "filter": ("wbp",),
    "iterations": ("sirt", "cgls", "tv", "dart"),
    "initial": ("sirt", "cgls", "tv", "dart"),
    "stop": ("sirt", "cgls"),
    "tv_weight": ("tv",),
    "gray_levels": ("dart",),
}
_QUICK_ITERATIONS = 5


def reconstruct(
    series: TiltSeries,
    *,
    method: Method = "sirt",
    iterations: int | None = None,
    nonnegative: bool = True,
    thickness_px: int | None = None,
    filter: Filter | None = None,  # noqa: A002  (the field's word, and only here)
    stop: Stop = "iterations",
    tv_weight: float | None = None,
    gray_levels: int | Sequence[float] | None = None,
    support: Volume | NDArray[np.bool_] | None = None,
    initial: Volume | NDArray[Any] | None = None,
    seed: int = 0,
    backend: Backend = "auto",
    out: Any = None,
    memory_limit: int | None = None,
    threads: int | None = None,
    callback: IterationCallback | None = None,
    partial: PartialCallback | None = None,
    finish_now: ShouldStop | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Volume:
    """Reconstruct a volume from an aligned tilt series.

    Parameters
    ----------
    series : TiltSeries
        Aligned: the tilt axis is image axis y and runs through the middle of the images. Images of any real dtype, on disk
        or in memory; background should read 0.
    method : {"sirt", "wbp", "cgls", "tv", "dart"}
        SIRT (simultaneous iterative reconstruction), weighted backprojection, conjugate gradients on the least squares, least
        squares with total variation, or the discrete algebraic technique; each has its source in its own module.
    iterations : int, optional
        Default: SIRT 50, CGLS 20, TV 150, DART 20 drawings of the classes. With ``stop="noise"`` the most that are
        allowed (SIRT 200, CGLS 60).
    nonnegative : bool
        Keep voxels at 0 or above at every iteration. Weighted backprojection has no constraint; DART has its levels.
    thickness_px : int, optional
        Voxels along z; default as many as an image has pixels along x. Less is quicker; the object has to fit.
    filter : {"ram-lak", "shepp-logan", "cosine", "hamming", "hann"}, optional
        WBP: the ramp (default), or the ramp times a window that lowers noise and resolution.
    stop : {"iterations", "noise"}
        SIRT and CGLS: after ``iterations``, or as soon as the residual on 16 slices has fallen to the noise level of the images
        (:func:`~napari_snpore.tomography.noise.noise_level`).
    tv_weight : float, optional
        TV: the weight λ in grey units. Default from the data: 0.6 σ √tilts with σ the noise of the images, at least half
        of the mean grey value along the brightest ray.
    gray_levels : int or sequence of float, optional
        DART: the grey values of the phases, vacuum first, rising; or how many to find in the data (default 3).
    support : mask, shape (z, y, x) or (z, x), optional
        Where the object may be; voxels outside stay 0.
    initial : Volume or array, shape (z, y, x), optional
        The volume to start from; default zero. Not changed.
    seed : int
        DART: seed of the random choice of free voxels.
    backend : {"auto", "cpu", "astra"}
        ``astra``: SIRT and WBP on a CUDA device by ASTRA; ``auto`` takes it where there is one.
    out : array-like, shape (z, y, x), float32, optional
        Where the volume is written, block by block: a memory map or an array on disk for one larger than memory.
    memory_limit : int, optional
        Bytes that may be held beside the images: blocks are made so narrow that they fit, and without ``out`` the volume
        itself counts.
    threads : int, optional
        Default :func:`~napari_snpore.compute.thread_count`; the result is the same bit for bit.
    callback : callable, optional
        ``callback(iteration, residual)`` after each iteration, over all slices: called as soon as the last block of slices has
        got that far.
    partial : callable, optional
        ``partial(volume, iteration)``: the array that is being filled, from time to time (SIRT: the whole of it at that
        iteration; others: at first a quick SIRT, which the result then replaces slice by slice).
    finish_now : callable, optional
        True ends the work and keeps the volume as it is; the history says how far it got.
    progress : callable, optional
        ``progress(done, total)``, counted in blocks times iterations.
    should_stop : callable, optional
        Noticed at each iteration; nothing is kept.

    Returns
    -------
    Volume
        float32, shape (z, y, x), voxels as large as a pixel, the rotation centre in the middle. Its grey values times the
        voxel count along a ray give the images. The last step of its history holds method, parameters and, for iterative
        methods, ``residuals``, one an iteration.

    Raises
    ------
    InputError
        A tilt axis that is not vertical, fewer than three different tilts, images with NaN or infinity or without any
        signal, an unknown method, filter, stop or backend, a number of iterations or a thickness below 1, a support, initial
        or ``out`` that does not fit, options of one method given to another, a limit that is too low.
    Stopped
        ``should_stop`` was true.

    Notes
    -----
    In weighted backprojection each tilt counts by the angle that it stands for (half the gaps to its neighbours), and the
    weights are scaled to a half turn: a uniform disc reads its density at its centre whatever the tilt range. Beyond the
    range nothing is measured; the volume is longer along the beam by ``wedge_elongation``.

    Planes are reconstructed one by one: total variation and the neighbours that DART looks at lie within the (z, x) plane.
    """
    check_options(
        method,
        {
            "filter": filter,
            "iterations": iterations,
            "initial": initial,
            "stop": None if stop == "iterations" else stop,
            "tv_weight": tv_weight,
            "gray_levels": gray_levels,
        },
    )
    _check_choice("stop", stop, Stop)
    _check_choice("backend", backend, Backend)
    problem = checked_problem(series, thickness_px, support, initial)
    target, left = _checked_out(out, problem.shape, memory_limit)
    run = Run(threads or thread_count(), progress, should_stop, finish_now, partial, left)
    wish = MethodOptions(method, iterations, nonnegative, filter or "ram-lak", stop, tv_weight, gray_levels, seed)
    made = plan(series, problem, wish, run)
    ledger = Ledger(problem.slices, made.iterations, callback)
    gpu = _on_gpu(backend, method)
    if gpu:
        astra_backend.solve_on_gpu(problem, method, made.solver, made.iterations, nonnegative, target, ledger, run)
    else:
        if partial is not None and not made.solver.resumable and method != "wbp":
            _fill_quickly(problem, nonnegative, target, run)
        solve_blocks(problem, made.solver, made.iterations, target, ledger, run)
    parameters: dict[str, Any] = {"method": method, "thickness_px": problem.beam.shape[0], **made.parameters}
    parameters["tilts"] = len(series.angles_deg)
    if len(series.angles_deg) > 1:
        parameters["tilt_step_deg"] = tilt_step(series.angles_deg)
    parameters |= {"support": support is not None, "backend": "astra" if gpu else "cpu"}
    if method != "wbp":
        parameters |= _outcome(ledger, made, nonnegative)
    step = ReconstructStep(**parameters).step
    return Volume(target, (series.pixel_size_nm,) * 3, history=(*series.history, step))


def _fill_quickly(problem: Problem, nonnegative: bool, out: Any, run: Run) -> None:
    """Show a volume at once; the method proper starts where it would have started without."""
    quick = sirt.Sirt.of(Planes(problem.beam, min(LANE_COUNTS)), nonnegative=nonnegative)
    look = Run(run.threads, None, run.should_stop, None, run.partial, run.memory_limit)
    solve_blocks(problem, quick, _QUICK_ITERATIONS, out, Ledger(problem.slices, _QUICK_ITERATIONS), look)


def _outcome(ledger: Ledger, made: Plan, nonnegative: bool) -> dict[str, Any]:
    residuals = ledger.residuals()
    fewest, most = ledger.iterations()
    words: dict[str, Any] = {"iterations": fewest, "nonnegative": nonnegative}
    if fewest < made.iterations:
        words["finished_early"] = f"{fewest} to {most} of {made.iterations} iterations"
    return words | {"residual": residuals[-1] if residuals else math.nan, "residuals": residuals}


def _on_gpu(backend: str, method: str) -> bool:
    if backend == "cpu" or (backend == "auto" and method not in astra_backend.METHODS):
        return False
    if backend == "auto":
        return astra_backend.available()
    if method not in astra_backend.METHODS:
        raise InputError(f"backend 'astra' offers {' and '.join(astra_backend.METHODS)}; {method} runs on 'cpu'.")
    if not astra_backend.available():
        raise InputError("backend is 'astra', but ASTRA is not installed or finds no CUDA device; use 'auto' or 'cpu'.")
    return True


def check_options(method: str, given: dict[str, Any]) -> None:
    """Refuse options (those that are not None) that belong to other methods."""
    _check_choice("method", method, Method)
    for name, value in given.items():
        if value is not None and method not in _OWNERS[name]:
            owners = ", ".join(_OWNERS[name])
            raise InputError(f"{name} is for method {owners}; {method!r} takes none.")


def _check_choice(name: str, value: str, choices: Any) -> None:
    if value not in get_args(choices):
        raise InputError(f"{name} is {value!r}; one of {', '.join(get_args(choices))} is needed.")


def _checked_out(out: Any, shape: tuple[int, int, int], memory_limit: int | None) -> tuple[Any, int | None]:
    """Return where the volume goes, and what the limit leaves beside it."""
    if out is not None:
        if tuple(getattr(out, "shape", ())) != shape or np.dtype(getattr(out, "dtype", object)) != np.float32:
            raise InputError(f"out needs shape {shape} and type float32.")
        return out, memory_limit
    size = 4 * math.prod(shape)
    if memory_limit is not None and size >= memory_limit:
        raise InputError(
            f"memory_limit is {memory_limit / 1e6:.0f} MB, the volume alone takes {size / 1e6:.0f} MB; give out, an array "
            "on disk."
        )
    return np.empty(shape, np.float32), None if memory_limit is None else memory_limit - size


def warm_up() -> None:
    """Compile the kernels of SIRT and WBP, or load them from the cache, so that the first reconstruction starts at once.

    Takes seconds the first time on a machine, a fraction of one later; meant for a thread in the background.
    """
    beam = Beam([-30.0, 0.0, 60.0], (4, 4), 4)
    for lanes in LANE_COUNTS:
        planes = Planes(beam, lanes)
        row_weights, column_weights = sirt.sirt_weights(planes)
        image, sinogram = planes.empty_image(), planes.empty_sinogram()
        planes.forward(image, sinogram)
        planes.weigh(sinogram, row_weights)
        planes.backward(sinogram, image, column_weights)
