"""Reconstruction of a volume from an aligned tilt series by WBP, SIRT, CGLS, TV or DART.

The options of each method live in ``options``, what the methods share in ``solving``, each solver
in a file of its own, when to stop in ``stopping``, the projector in ``projector``. A residual is
the share ``‖b - A x‖ / ‖b‖`` of the measured images ``b`` that the projections of the volume ``x``
leave unexplained.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.history import ReconstructStep
from napari_snpore.threads import thread_count
from napari_snpore.tomography import astra_backend
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.discrete.polish import polish_labels
from napari_snpore.tomography.image_faults import image_faults
from napari_snpore.tomography.methods import plan
from napari_snpore.tomography.options import Method, Options, Tv, Wbp, check_choice, options_of
from napari_snpore.tomography.projector import LANE_COUNTS, Beam, Planes, project
from napari_snpore.tomography.quality import resolution_guide, tilt_step
from napari_snpore.tomography.shared_slabs import solve_in_processes
from napari_snpore.tomography.sirt import SirtSolver, sirt_weights
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
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_method import solve_tv
from napari_snpore.tomography.tv_reconstruction import weakest_level
from napari_snpore.volume import Volume

Backend = Literal["auto", "cpu", "astra"]

_QUICK_ITERATIONS = 5


def reconstruct(
    series: TiltSeries,
    *,
    method: Method | Options = "sirt",
    iterations: int | None = None,
    thickness_px: int | None = None,
    blur: BlurEstimate | None = None,
    support: Volume | NDArray[np.bool_] | None = None,
    initial: Volume | NDArray[Any] | None = None,
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
        Aligned: the tilt axis is image axis y and runs through the middle of the images. Images of
        any real dtype, on disk or in memory; background should read 0.
    method : {"sirt", "wbp", "cgls", "tv", "dart"} or Sirt, Wbp, Cgls, Tv, Dart
        A name takes the method's defaults; the dataclass of that name in
        :mod:`~napari_snpore.tomography.options` holds its options, such as
        ``Sirt(iterations=100, stop="noise")`` or ``Tv(weight=3.0)``.
    iterations : int, optional
        Short for the option of the same name, beside the name of a method. Default: SIRT 50, CGLS
        20, TV at most 300, DART 20.
    thickness_px : int, optional
        Voxels along z; default as many as an image has pixels along x. Less is quicker; the object
        has to fit.
    blur : BlurEstimate, optional
        From :func:`~napari_snpore.tomography.discrete.blur_search.find_blur`, for a TV that would
        search for it: ``blur_px="auto"``.
    support : mask, shape (z, y, x) or (z, x), optional
        Where the object may be; voxels outside stay 0.
    initial : Volume or array, shape (z, y, x), optional
        The volume to start from; default zero. Not changed.
    backend : {"auto", "cpu", "astra"}
        ``astra``: SIRT and WBP on a CUDA device by ASTRA; ``auto`` takes it where there is one.
    out : array-like, shape (z, y, x), float32, optional
        Where the volume is written, block by block: a memory map or an array on disk for one larger
        than memory.
    memory_limit : int, optional
        Bytes that may be held beside the images: blocks are made so narrow that they fit, and
        without ``out`` the volume itself counts.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    callback : callable, optional
        ``callback(iteration, residual)`` after each iteration, over all slices: called as soon as
        the last block of slices has got that far.
    partial : callable, optional
        ``partial(volume, iteration)``: the array that is being filled, from time to time (SIRT: the
        whole of it at that iteration; others: at first a quick SIRT, which the result then replaces
        slice by slice, TV slab by slab at some of its iterations).
    finish_now : callable, optional
        True ends the work and keeps the volume as it is; the history says how far it got.
    progress : callable, optional
        ``progress(done, total)``, counted in blocks times iterations.
    should_stop : callable, optional
        Noticed at each iteration; nothing is kept.

    Returns
    -------
    Volume
        float32, shape (z, y, x), voxels as large as a pixel, the rotation centre in the middle. Its
        grey values times the voxel count along a ray give the images. The last step of its history
        holds method, parameters, the thickness ``thickness_nm`` of the object as estimated from the
        images, the resolution guide ``crowther_nm`` (thickness times tilt step) and, for iterative
        methods, ``residuals``, one per iteration.

    Raises
    ------
    InputError
        A tilt axis that is not vertical, fewer than three different tilts, images with NaN or
        infinity or without any signal, an unknown method or backend, a number of iterations or a
        thickness below 1, a support, initial or ``out`` that does not fit, an initial volume for
        WBP, a limit that is too low.
    Stopped
        ``should_stop`` was true.

    Notes
    -----
    In weighted backprojection each tilt counts by the angle that it represents (half the gaps to its neighbours), and the
    weights are scaled to a half turn: a uniform disc reads its density at its centre whatever the tilt range. Beyond the
    range nothing is measured; the volume is longer along the beam by ``wedge_elongation``.

    Planes are reconstructed one by one; the neighbours that DART looks at lie within the (z, x)
    plane. TV is three-dimensional, because the blur of the images joins neighbouring planes.
    """
    options = options_of(method, iterations)
    check_choice("backend", backend, Backend)
    if initial is not None and isinstance(options, Wbp):
        raise InputError("initial is for iterative methods; wbp starts from nothing.")
    problem = checked_problem(series, thickness_px, support, initial)
    target, left = _checked_out(out, problem.shape, memory_limit)
    run = Run(threads or thread_count(), progress, should_stop, finish_now, partial, left)
    gpu = _on_gpu(backend, options.name)
    nonnegative = getattr(options, "nonnegative", True)
    if blur is not None and not (isinstance(options, Tv) and options.blur_px == "auto"):
        raise InputError("blur is for tv with blur_px 'auto'; give one or the other.")
    if isinstance(options, Tv):
        if partial is not None:
            _fill_quickly(problem, nonnegative, target, run)
        ledger = Ledger(problem.slices, options.iterations, callback)
        found, limit = solve_tv(series, problem, options, blur, target, ledger, run)
    else:
        made = plan(series, problem, options, run)
        found, limit = made.parameters, made.iterations
        ledger = Ledger(problem.slices, limit, callback)
        if gpu:
            astra_backend.solve_on_gpu(
                problem, options.name, made.solver, limit, nonnegative, target, ledger, run
            )
        else:
            if partial is not None and not made.solver.resumable and not isinstance(options, Wbp):
                _fill_quickly(problem, nonnegative, target, run)
            if not solve_in_processes(problem, made.solver, limit, target, ledger, run):
                solve_blocks(problem, made.solver, limit, target, ledger, run)
    parameters: dict[str, Any] = {
        "method": options.name,
        "thickness_px": problem.beam.shape[0],
        **found,
    }
    parameters |= {"tilts": len(series.angles_deg), "tilt_step_deg": tilt_step(series.angles_deg)}
    parameters |= asdict(resolution_guide(series))
    parameters |= {"support": support is not None, "backend": "astra" if gpu else "cpu"}
    if hasattr(options, "nonnegative"):
        parameters["nonnegative"] = nonnegative
    notes = (found.get("note"), image_faults(series, should_stop=should_stop).sentence)
    parameters["note"] = " ".join(note for note in notes if note) or None
    if not isinstance(options, Wbp):
        parameters |= _outcome(ledger, limit, converged=bool(found.get("converged")))
    step = ReconstructStep(**parameters).step
    return Volume(target, (series.pixel_size_nm,) * 3, history=(*series.history, step))


def _fill_quickly(problem: Problem, nonnegative: bool, out: Any, run: Run) -> None:
    """Show a volume at once; the method itself starts where it would have started without."""
    quick = SirtSolver.of(Planes(problem.beam, min(LANE_COUNTS)), nonnegative=nonnegative)
    look = Run(run.threads, None, run.should_stop, None, run.partial, run.memory_limit)
    solve_blocks(
        problem, quick, _QUICK_ITERATIONS, out, Ledger(problem.slices, _QUICK_ITERATIONS), look
    )


def _outcome(ledger: Ledger, limit: int, *, converged: bool) -> dict[str, Any]:
    residuals = ledger.residuals()
    fewest, most = ledger.iterations()
    words: dict[str, Any] = {"iterations": fewest}
    if fewest < limit and not converged:
        words["finished_early"] = f"{fewest} to {most} of {limit} iterations"
    return words | {"residual": residuals[-1] if residuals else math.nan, "residuals": residuals}


def _on_gpu(backend: str, method: str) -> bool:
    if backend == "cpu" or (backend == "auto" and method not in astra_backend.METHODS):
        return False
    if backend == "auto":
        return astra_backend.available()
    if method not in astra_backend.METHODS:
        raise InputError(
            f"backend 'astra' offers {' and '.join(astra_backend.METHODS)}; {method} runs on 'cpu'."
        )
    if not astra_backend.available():
        raise InputError(
            "backend is 'astra', but ASTRA is not installed or finds no CUDA device; use 'auto' or 'cpu'."
        )
    return True


def _checked_out(
    out: Any, shape: tuple[int, int, int], memory_limit: int | None
) -> tuple[Any, int | None]:
    """Return where the volume goes, and what the limit leaves beside it."""
    if out is not None:
        if (
            tuple(getattr(out, "shape", ())) != shape
            or np.dtype(getattr(out, "dtype", object)) != np.float32
        ):
            raise InputError(f"out needs shape {shape} and type float32.")
        return out, memory_limit
    size = 4 * math.prod(shape)
    if memory_limit is not None and size >= memory_limit:
        raise InputError(
            f"memory_limit is {memory_limit / 1e6:.3g} MB, the volume alone takes {size / 1e6:.3g} MB; give out, an array "
            "on disk."
        )
    return np.empty(shape, np.float32), None if memory_limit is None else memory_limit - size


def warm_up(should_stop: ShouldStop | None = None) -> None:
    """Compile the kernels of SIRT, WBP, TV and polishing, or load them from the cache, so that the
    first reconstruction starts at once.

    Takes seconds the first time on a machine, a fraction of one later; meant for a thread in the
    background, with ``should_stop()`` called between kernels.
    """
    warm_up_sirt()
    check_stop(should_stop)
    warm_up_tv(should_stop)


def warm_up_sirt() -> None:
    """Compile the projector, and what SIRT needs beside it."""
    beam = Beam([-30.0, 0.0, 60.0], (4, 4), 4)
    planes = Planes(beam, min(LANE_COUNTS))
    row_weights, column_weights = sirt_weights(planes)
    image, sinogram = planes.empty_image(), planes.empty_sinogram()
    planes.forward(image, sinogram)
    planes.weigh(sinogram, row_weights)
    planes.backward(sinogram, image, column_weights)


def warm_up_tv(should_stop: ShouldStop | None = None) -> None:
    """Run TV, the levels of its phases and polishing on a few voxels: a rod with a core."""
    width, angles = 12, np.linspace(-60.0, 60.0, 3)
    labels = np.ones((width, max(LANE_COUNTS) + min(LANE_COUNTS), width), np.uint8)  # two parts
    labels[3:9, :, 3:9] = 2
    labels[5:7, :, 5:7] = 3
    levels = (0.0, 0.0, 1.0, 4.0)
    images = project(np.array(levels, np.float32)[labels], angles)
    weights = np.ones_like(images)
    beam = Beam(angles, (width, width), width)
    solver = TotalVariation(images, beam, weights=weights, blur_px=1.0)
    for _ in range(5):
        check_stop(should_stop)
        solver.iterate(1.0)
    solver.favor_edges(weakest_level(solver))
    solver.squares_left()
    check_stop(should_stop)
    polish_labels(labels, images, angles, levels=levels, blur_px=1.0, weights=weights, sweeps=1)
