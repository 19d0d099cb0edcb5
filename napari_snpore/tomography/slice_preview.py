"""Reconstruction of single (z, x) planes, to preview a change of method, axis or iterations.

One plane takes a fraction of a second: only its row of the images is interpolated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop, run_blocks, thread_count
from napari_snpore.errors import InputError
from napari_snpore.history import ReconstructStep
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.methods import plan
from napari_snpore.tomography.options import Method, Options, Stoppable, options_of
from napari_snpore.tomography.preview_plane import PreviewPlane
from napari_snpore.tomography.projector import Beam
from napari_snpore.tomography.solving import Block, Problem, Run, squares
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape, row_places

Floats = NDArray[np.float32]

_PAD = 12  # px that scipy repeats around an image before it fits splines with mode 'nearest'


@dataclass(frozen=True, eq=False)
class Slice:
    """A reconstructed (z, x) plane.

    Attributes
    ----------
    image : float32, shape (z, x)
    residual : float
        ``‖b - A x‖ / ‖b‖`` of this plane; nan for weighted backprojection and an empty plane.
    residuals : tuple of float
        The same after each iteration.
    made_by : ReconstructStep
        Method and options that were used, with the values that were found in the data.
    """

    image: Floats
    residual: float
    residuals: tuple[float, ...]
    made_by: ReconstructStep


class SlicePreview:
    """Planes of a tilt series, reconstructed one by one.

    Parameters
    ----------
    series : TiltSeries
        Aligned, or raw with the alignment that is to be tried.
    alignment : Alignment, optional
        Only the row that is asked for is interpolated; it equals that row of
        ``alignment.apply(series)``.
    threads : int, optional
        Default :func:`~napari_snpore.compute.thread_count`; the result is the same bit for bit.

    Notes
    -----
    The plane differs from that of :func:`~napari_snpore.tomography.reconstruct` by less than 1.5 % (norm; DART by single
    voxels at edges): its projector reads the detector off a line of quarter voxels.
    """

    def __init__(
        self, series: TiltSeries, alignment: Alignment | None = None, *, threads: int | None = None
    ) -> None:
        self.series = series
        self.threads = threads or thread_count()
        self._alignment = alignment
        self._splines: list[Floats] | None = None
        self._last: tuple[int, Floats] | None = None
        self._planes: dict[tuple[int, int], PreviewPlane] = {}

    def aligned_by(self, alignment: Alignment | None) -> SlicePreview:
        """Return the preview under another alignment; what was prepared of the images is shared."""
        other = SlicePreview(self.series, alignment, threads=self.threads)
        other._splines, other._planes = self._splines, self._planes
        return other

    @property
    def shape(self) -> tuple[int, int]:
        """Rows (y) and columns (x) of the aligned images."""
        _, ny, nx = self.series.shape
        return (
            (ny, nx)
            if self._alignment is None
            else aligned_shape((ny, nx), self._alignment.tilt_axis_angle_deg)
        )

    def row(self, y: int) -> Floats:
        """Return row ``y`` of all aligned images, shape (tilt, x)."""
        rows, columns = self.shape
        if not 0 <= y < rows:
            raise InputError(f"y is {y}; the images have rows 0 to {rows - 1}.")
        if self._last is not None and self._last[0] == y:
            return self._last[1]
        if self._alignment is None:
            row = np.stack([np.asarray(image[y], np.float32) for image in self.series.images])
        else:
            row = self._interpolated(self._alignment, y, columns)
        if not np.isfinite(row).all():
            raise InputError(
                f"The images hold NaN or infinite values in row {y}; leave them out or repair them."
            )
        self._last = (y, row)
        return row

    def reconstruct(
        self,
        y: int,
        *,
        method: Method | Options = "sirt",
        iterations: int | None = None,
        thickness_px: int | None = None,
        should_stop: ShouldStop | None = None,
    ) -> Slice:
        """Reconstruct plane ``y``; options as in
        :func:`~napari_snpore.tomography.reconstruction.reconstruct`.

        What is taken from the data (TV's weight, DART's levels) is taken from this plane alone.
        SIRT and CGLS run for their iterations, also where they would stop at the noise: one plane
        has too few pixels to measure it.
        """
        options = options_of(method, iterations)
        if isinstance(options, Stoppable):
            options = replace(options, iterations=options.limit, stop="iterations")
        row = self.row(y)
        width = row.shape[1]
        beam_shape = (thickness_px or width, width)
        if beam_shape not in self._planes:
            self._planes[beam_shape] = PreviewPlane(
                Beam(self.series.angles_deg, beam_shape, width), threads=self.threads
            )
        planes = self._planes[beam_shape]
        images = np.ascontiguousarray(row[:, None])
        here = replace(self.series, images=images, tilt_axis_angle_deg=0.0, history=())
        problem = Problem(images, planes.beam)
        made = plan(here, problem, options, Run(self.threads, should_stop=should_stop), planes)
        measured, image = planes.empty_sinogram(), planes.empty_image()
        planes.put_sinogram(images, measured)
        power = float(squares(measured, 1)[0])
        residuals: list[float] = []

        def after_iteration(left: NDArray[np.float64]) -> bool:
            residuals.append(math.sqrt(float(left[0]) / power) if power > 0 else math.nan)
            check_stop(should_stop)
            return False

        made.solver.solve(
            Block(planes, measured, image, False, None, y, self.shape[0], after_iteration),
            made.iterations,
        )
        voxels = np.empty((beam_shape[0], 1, width), np.float32)
        planes.get_image(image, voxels)
        made_by = ReconstructStep(options.name, iterations=made.iterations, **made.parameters)
        residual = residuals[-1] if residuals else math.nan
        return Slice(voxels[:, 0], residual, tuple(residuals), made_by)

    def _interpolated(self, alignment: Alignment, y: int, columns: int) -> Floats:
        images = self.series.images
        if self._splines is None:
            self._splines = run_blocks(
                lambda k: scipy.ndimage.spline_filter(
                    np.pad(np.asarray(images[k], np.float32), _PAD, mode="edge"),
                    3,
                    np.float32,
                    mode="nearest",
                ),
                range(len(images)),
                threads=self.threads,
            )
        splines = self._splines
        places = (
            row_places(
                images.shape[1:], alignment.tilt_axis_angle_deg, alignment.tilt_axis_offset_px, y
            )
            + _PAD
        )

        def one(tilt: int) -> Floats:
            where = places - alignment.shifts_px[tilt][:, None]
            return np.asarray(
                scipy.ndimage.map_coordinates(
                    splines[tilt], where, np.float32, mode="nearest", prefilter=False
                )
            )

        out = np.stack(run_blocks(one, range(len(images)), threads=self.threads))
        return out.reshape(len(images), columns)
