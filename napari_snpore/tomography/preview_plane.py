"""Projection operator of a single (z, x) plane by shearing, for the live preview of one
cross-section.

:class:`PreviewPlane` takes the place of :class:`~napari_snpore.tomography.projector.Planes`, so that
every method runs on it unchanged. It is several times as fast for one plane, and differs from the full
reconstruction by the interpolation that ``_shear_kernels`` describes.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import run_blocks
from napari_snpore.kernels import for_kernel
from napari_snpore.threads import thread_count
from napari_snpore.tomography._kernels import interleave, separate, weigh_residual
from napari_snpore.tomography._shear_kernels import (
    FINE,
    interpolate_bins,
    line_length,
    shear_backward,
    shear_forward,
    spread_bins,
)
from napari_snpore.tomography.projector import Beam, aligned_zeros

Floats = NDArray[np.float32]


class PreviewPlane:
    """One plane of a :class:`Beam`, as image and sinogram, and the operator between them.

    Parameters
    ----------
    beam : Beam
        The geometry.
    threads : int, optional
        Default :func:`~napari_snpore.threads.thread_count`; the result is the same bit for bit.
    """

    lanes = 1

    def __init__(self, beam: Beam, threads: int | None = None) -> None:
        self.beam = beam
        self.threads = threads or thread_count()
        self._lines = [
            np.empty((len(walk.rays), FINE, line_length(walk.planes, walk.cells)), np.float32)
            for walk in beam.walks
        ]
        self._sums = [np.empty((walk.planes, walk.cells), np.float32) for walk in beam.walks]

    def empty_image(self) -> Floats:
        """Return a zero image, flat."""
        return aligned_zeros(self.beam.image_size)

    def empty_sinogram(self) -> Floats:
        """Return a zero sinogram, flat."""
        return aligned_zeros(self.beam.sinogram_size)

    def put_image(self, rows: Floats, image: Floats) -> None:
        """Copy voxels (z, 1, x) into an image."""
        interleave(1, for_kernel(rows), image, (1, 1))

    def put_sinogram(self, rows: Floats, sinogram: Floats) -> None:
        """Copy images (tilt, 1, x) into a sinogram."""
        interleave(1, for_kernel(rows), sinogram, (0, self.beam.rim))

    def get_image(self, image: Floats, rows: Floats, part: tuple[int, int]) -> None:
        """Copy an image into voxels (z, 1, x)."""
        separate(1, image, rows, part, (1, 1))

    def forward(self, image: Floats, sinogram: Floats, factor: float = 1.0) -> None:
        """Add ``factor`` times the projections of ``image`` to ``sinogram``."""
        plane = image.reshape(self.beam.shape[0] + 2, self.beam.shape[1] + 2)
        sources = [
            image if walk.steps[2] == 1 else np.ascontiguousarray(plane.T).ravel()
            for walk in self.beam.walks
        ]

        def work(block: tuple[int, int, int]) -> None:
            number, first, last = block
            walk = self.beam.walks[number]
            shear_forward(
                sources[number],
                sinogram,
                walk.rays,
                walk.bins,
                walk.planes,
                walk.cells,
                factor,
                np.empty(self._lines[number].shape[1:], np.float32),
                (first, last),
            )

        run_blocks(
            work, self._shares([len(walk.rays) for walk in self.beam.walks]), threads=self.threads
        )

    def backward(
        self, sinogram: Floats, image: Floats, weights: Floats, lowest: float = -math.inf
    ) -> None:
        """Add ``weights`` (one a voxel, flat) times the backprojection to ``image`` and raise what
        is below ``lowest``.
        """
        self._add(sinogram, image, weights, lowest, adjoint=True)

    def smear(self, sinogram: Floats, image: Floats, weights: Floats) -> None:
        """Like :meth:`backward`, reading the detector by plain linear interpolation."""
        self._add(sinogram, image, weights, -math.inf, adjoint=False)

    def weigh(self, residual: Floats, weights: Floats) -> NDArray[np.float64]:
        """Return the sum of squares of a residual, and multiply it by ``weights`` (tilt, detector),
        flat.
        """
        squares = np.zeros(1)
        weigh_residual(
            1,
            residual,
            weights,
            len(self.beam.angles_deg),
            self.beam.detector_px,
            self.beam.rim,
            squares,
        )
        return squares

    def _add(
        self, sinogram: Floats, image: Floats, weights: Floats, lowest: float, *, adjoint: bool
    ) -> None:
        fill = spread_bins if adjoint else interpolate_bins

        def lay(block: tuple[int, int, int]) -> None:
            number, first, last = block
            walk = self.beam.walks[number]
            fill(
                sinogram,
                walk.rays,
                walk.bins,
                walk.planes,
                self._lines[number],
                (first, last),
            )

        def gather(block: tuple[int, int, int]) -> None:
            number, first, last = block
            walk = self.beam.walks[number]
            lines, sums = self._lines[number], self._sums[number]
            shear_backward(lines, walk.rays, walk.planes, walk.cells, adjoint, sums, (first, last))

        run_blocks(
            lay, self._shares([len(walk.rays) for walk in self.beam.walks]), threads=self.threads
        )
        run_blocks(
            gather, self._shares([walk.planes for walk in self.beam.walks]), threads=self.threads
        )
        depth, width = self.beam.shape
        inner = image.reshape(depth + 2, width + 2)[1:-1, 1:-1]
        total = np.zeros((depth, width), np.float32)
        for walk, sums in zip(self.beam.walks, self._sums, strict=True):
            total += sums if walk.steps[2] == 1 else sums.T
        total *= weights.reshape(depth, width)
        np.maximum(inner + total, np.float32(lowest), out=inner)

    def _shares(self, sizes: list[int]) -> list[tuple[int, int, int]]:
        """Cut each walk's tilts or planes into one share a thread: (walk, first, last)."""
        blocks = []
        for number, size in enumerate(sizes):
            bounds = np.linspace(0, size, self.threads + 1).astype(int).tolist()
            blocks += [(number, first, last) for first, last in pairwise(bounds) if last > first]
        return blocks
