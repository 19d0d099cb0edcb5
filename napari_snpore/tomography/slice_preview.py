"""Reconstruction of single (z, x) planes, to preview a change of method, axis or iterations.

One plane takes a fraction of a second: only its row of the images is interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.history import ReconstructStep
from napari_snpore.threads import thread_count
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.methods import plan
from napari_snpore.tomography.noise import NoiseModel, noise_model
from napari_snpore.tomography.options import Method, Options, Stoppable, Tv, options_of
from napari_snpore.tomography.preview_plane import PreviewPlane
from napari_snpore.tomography.projector import Beam, checked_count
from napari_snpore.tomography.solving import Block, Problem, Run, squares
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.total_variation import TotalVariation
from napari_snpore.tomography.tv_reconstruction import (
    NOISE,
    Course,
    noise_of_object,
    relative_weights,
    variation_weight,
    weakest_level,
)
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
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.

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
        self._noise: NoiseModel | None = None
        self._last: tuple[int, Floats] | None = None
        self._planes: dict[tuple[int, int], PreviewPlane] = {}

    def aligned_by(self, alignment: Alignment | None) -> SlicePreview:
        """Return the preview under another alignment; what was prepared of the images is shared."""
        other = SlicePreview(self.series, alignment, threads=self.threads)
        other._splines, other._planes, other._noise = self._splines, self._planes, self._noise
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

        What is taken from the data (TV's weight, DART's levels) is taken from this plane alone, the
        noise from all images. A blur that is to be found counts as none here: give it a value.
        SIRT and CGLS run for their iterations, also where they would stop at the noise: one plane
        has too few pixels to measure it.
        """
        options = options_of(method, iterations)
        if isinstance(options, Stoppable):
            options = replace(options, iterations=options.limit, stop="iterations")
        row = self.row(y)
        width = row.shape[1]
        depth = width if thickness_px is None else checked_count("thickness_px", thickness_px)
        beam_shape = (depth, width)
        if beam_shape not in self._planes:
            self._planes[beam_shape] = PreviewPlane(
                Beam(self.series.angles_deg, beam_shape, width), threads=self.threads
            )
        planes = self._planes[beam_shape]
        images = np.ascontiguousarray(row[:, None])
        here = replace(self.series, images=images, tilt_axis_angle_deg=0.0, history=())
        problem = Problem(images, planes.beam)
        measured, image = planes.empty_sinogram(), planes.empty_image()
        planes.put_sinogram(images, measured)
        power = float(squares(measured, 1)[0])
        residuals: list[float] = []

        def after_iteration(left: NDArray[np.float64]) -> bool:
            residuals.append(math.sqrt(float(left[0]) / power) if power > 0 else math.nan)
            check_stop(should_stop)
            return False

        if isinstance(options, Tv):
            voxels, found = self._by_tv(here, planes, options, after_iteration, should_stop)
            iterations = len(residuals)
        else:
            run = Run(self.threads, should_stop=should_stop)
            made = plan(here, problem, options, run, planes)
            found, iterations = made.parameters, made.iterations
            made.solver.solve(
                Block(planes, measured, image, False, None, y, self.shape[0], after_iteration),
                iterations,
            )
            voxels = np.empty((beam_shape[0], 1, width), np.float32)
            planes.get_image(image, voxels, (0, 1))
        made_by = ReconstructStep(options.name, iterations=iterations, **found)
        residual = residuals[-1] if residuals else math.nan
        return Slice(voxels[:, 0], residual, tuple(residuals), made_by)

    def _by_tv(
        self,
        row: TiltSeries,
        planes: PreviewPlane,
        options: Tv,
        after_iteration: Callable[[NDArray[np.float64]], bool],
        should_stop: ShouldStop | None,
    ) -> tuple[Floats, dict[str, Any]]:
        """Return the plane by TV, with the blur across the tilt axis in its model."""
        images = np.asarray(row.images, np.float32)
        noise = self._noise_of_series(should_stop)
        sigma = noise_of_object(images, noise)
        if options.weight is None or options.weight == "auto":  # a row has too few held-out pixels
            weight, weight_from = variation_weight(images, planes.beam.shape[0], sigma)
        else:
            weight, weight_from = float(options.weight), "user"
        blur_px, blur_from = 0.0, "none: not found yet"
        if options.blur_px != "auto":
            blur_px, blur_from = options.blur_px, "user"
        solver = TotalVariation(
            images,
            planes.beam,
            weights=relative_weights(images, noise, sigma, threads=self.threads),
            blur_px=blur_px,
            nonnegative=options.nonnegative,
            threads=self.threads,
            planes=planes,
        )
        contrast = weakest_level if options.reweight else None
        course = Course(
            weight,
            options.iterations,
            options.tolerance,
            contrast,
            solver.squares_of_noise(sigma) if weight_from == NOISE else 0.0,
        )
        course.run(solver, lambda _, left: after_iteration(np.array([left])))
        found = {"tv_weight": weight, "tv_weight_from": weight_from, "tv_misfit": course.misfit}
        found |= {"blur_px": blur_px, "blur_from": blur_from, "reweighted": options.reweight}
        return solver.rows(0, 1), found

    def _noise_of_series(self, should_stop: ShouldStop | None) -> NoiseModel:
        """Return the noise of the images, estimated once: a row has too few pixels."""
        if self._noise is None:
            self._noise = noise_model(self.series, should_stop=should_stop)
        return self._noise

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
