"""SIRT and weighted backprojection on an NVIDIA GPU, by ASTRA where it is installed (GPL-3, the
optional extra ``astra``).

Behind the same names and with the same conventions as the processor's kernels; numbers agree within
``TOLERANCE``, because a GPU interpolates its textures with 8 bits of a fraction and adds in another
order. Nothing is imported until it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import check_stop
from napari_snpore.tomography.projector import finite_rows
from napari_snpore.tomography.solving import Ledger, Problem, Run
from napari_snpore.tomography.wbp import WbpSolver

TOLERANCE = 0.02
"""Largest relative difference (norm) from the processor's volume at equal iterations."""

METHODS = ("sirt", "wbp")
_SLAB_BYTES = 2_000_000_000  # of the volume on the card at once


@cache
def available() -> bool:
    """Tell whether ASTRA is installed and finds a CUDA device."""
    try:
        import astra

        return bool(astra.use_cuda())
    except Exception:  # an ASTRA that cannot load its driver is no ASTRA: the processor does the work, without a word
        return False


def solve_on_gpu(
    problem: Problem,
    method: str,
    solver: Any,
    iterations: int,
    nonnegative: bool,
    out: Any,
    ledger: Ledger,
    run: Run,
) -> None:
    """Reconstruct slab after slab into ``out``; arguments as in
    :func:`~napari_snpore.tomography.solving.solve_blocks`.
    """
    depth, slices, width = problem.shape
    thick = max(1, min(slices, _SLAB_BYTES // (4 * depth * width)))
    firsts = range(0, slices, thick)
    for number, first in enumerate(firsts):
        last = min(first + thick, slices)

        def report(taken: int, done: int = number * iterations) -> bool:
            ledger.report()
            if run.progress is not None:
                run.progress(done + taken, len(firsts) * iterations)
            check_stop(run.should_stop)
            return run.finish_now is not None and run.finish_now()

        with _Slab(problem, first, last) as slab:
            if method == "wbp":
                slab.backproject(solver)
                report(1)
            else:
                slab.iterate(iterations, nonnegative, ledger, report)
            out[:, first:last] = slab.volume()
        if run.partial is not None:
            run.partial(out, iterations)


class _Slab:
    """Some slices on the card: ASTRA's z is our y, its rows are our z from the far side."""

    def __init__(self, problem: Problem, first: int, last: int) -> None:
        import astra

        self.astra, self.problem, self.first, self.last = astra, problem, first, last
        depth, width = problem.beam.shape
        count, detector = last - first, problem.beam.detector_px
        self.space = astra.create_vol_geom(depth, width, count)
        self.rays = astra.create_proj_geom(
            "parallel3d", 1.0, 1.0, count, detector, np.deg2rad(problem.beam.angles_deg)
        )
        self.kept: list[int] = []
        self.algorithms: list[int] = []

    def __enter__(self) -> _Slab:
        rows = finite_rows(self.problem.images, self.first, self.last, "images")
        self.rows = np.ascontiguousarray(rows.transpose(1, 0, 2))  # (y, tilt, x)
        start: Any = 0.0
        if self.problem.initial is not None:
            voxels = finite_rows(self.problem.initial, self.first, self.last, "initial")
            start = np.ascontiguousarray(voxels.transpose(1, 0, 2)[:, ::-1])
        self.target = self._keep("-vol", self.space, start)
        return self

    def __exit__(self, *_: object) -> None:
        self.astra.algorithm.delete(self.algorithms)
        self.astra.data3d.delete(self.kept)

    def _keep(self, kind: str, geometry: Any, data: Any) -> int:
        handle = int(self.astra.data3d.create(kind, geometry, data))
        self.kept.append(handle)
        return handle

    def _algorithm(self, name: str, images: int, options: dict[str, Any]) -> int:
        configuration = self.astra.astra_dict(name)
        configuration["ProjectionDataId"] = images
        configuration["ReconstructionDataId"] = self.target
        configuration["option"] = options
        handle = int(self.astra.algorithm.create(configuration))
        self.algorithms.append(handle)
        return handle

    def iterate(
        self, iterations: int, nonnegative: bool, ledger: Ledger, report: Callable[[int], bool]
    ) -> None:
        """Run SIRT and note the residual of the whole slab after each iteration, spread evenly over
        its slices.
        """
        options: dict[str, Any] = {"MinConstraint": 0.0} if nonnegative else {}
        if self.problem.support is not None:
            mask = np.asarray(self.problem.support[:, self.first : self.last], np.float32)
            options["ReconstructionMaskId"] = self._keep(
                "-vol", self.space, np.ascontiguousarray(mask.transpose(1, 0, 2)[:, ::-1])
            )
        algorithm = self._algorithm(
            "SIRT3D_CUDA", self._keep("-sino", self.rays, self.rows), options
        )
        count = self.last - self.first
        ledger.measured[self.first : self.last] = np.square(self.rows, dtype=np.float64).sum(
            axis=(1, 2)
        )
        for iteration in range(iterations):
            self.astra.algorithm.run(algorithm, 1)
            left = float(self.astra.algorithm.get_res_norm(algorithm)) ** 2
            ledger.left[iteration, self.first : self.last] = left / count
            if report(iteration + 1):
                return

    def backproject(self, solver: WbpSolver) -> None:
        """Filter on the processor, backproject on the card."""
        from scipy import fft

        spectra = fft.rfft(self.rows, solver.size, axis=2) * solver.response
        filtered = fft.irfft(spectra, solver.size, axis=2)[:, :, : self.rows.shape[2]].astype(
            np.float32
        )
        images = self._keep("-sino", self.rays, np.ascontiguousarray(filtered))
        self.astra.algorithm.run(self._algorithm("BP3D_CUDA", images, {}))

    def volume(self) -> NDArray[np.float32]:
        """Return the voxels (z, y, x)."""
        found = self.astra.data3d.get(self.target)[:, ::-1]
        if self.problem.support is not None:
            found = found * np.asarray(self.problem.support[:, self.first : self.last]).transpose(
                1, 0, 2
            )
        return np.asarray(found.transpose(1, 0, 2), np.float32)
