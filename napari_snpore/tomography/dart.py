"""DART: the discrete algebraic reconstruction technique (Batenburg and Sijbers, doi
10.1109/TIP.2011.2131661).

For objects of a few known grey levels. Voxels inside a class are set to its level and held; those
beside another class, and a random share of all, are fitted to the images by SIRT; then classes are
drawn anew. The result holds the levels alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography._dart_kernels import (
    classify,
    free_voxels,
    hold_fixed,
    paint_levels,
    smooth_free,
)
from napari_snpore.tomography.sirt import sirt_weights
from napari_snpore.tomography.solving import Block, Planar, squares

Floats = NDArray[np.float32]

_START = 30  # SIRT iterations before the first classes are drawn
_INNER = 10  # SIRT iterations on the free voxels
_FREE_SHARE = 0.15
_SMOOTHING = 0.3


@dataclass(frozen=True, eq=False)
class DartSolver:
    """``levels`` are the grey values of the classes, rising; the same seed gives the same volume
    bit for bit.
    """

    levels: Floats
    row_weights: Floats
    column_weights: Floats
    seed: int = 0
    images: int = 3
    sinograms: int = 2
    resumable: bool = False

    @classmethod
    def of(cls, planes: Planar, levels: Floats, *, seed: int = 0) -> DartSolver:
        """Work out the weights of a geometry."""
        return cls(np.asarray(levels, np.float32), *sirt_weights(planes), seed=seed)

    def solve(self, block: Block, iterations: int) -> None:
        """See :class:`~napari_snpore.tomography.solving.Solver`; one iteration is one drawing of
        the classes.
        """
        planes, image = block.planes, block.image
        lanes, shape = planes.lanes, planes.beam.shape
        residual, scale = block.measured.copy(), planes.empty_sinogram()
        kept, free = planes.empty_image(), planes.empty_image()
        classes = np.empty(len(image), np.uint8)
        lowest = float(self.levels[0])
        if not block.started:
            self._start(block, residual, lowest)
        for iteration in range(iterations):
            classify(image, self.levels, classes)
            place = (block.first, block.slices)
            free_voxels(
                lanes,
                classes,
                self.levels,
                image,
                free,
                shape,
                place,
                self.seed * 65537 + iteration,
                _FREE_SHARE,
            )
            block.confine(image)
            block.confine(free)
            kept[:] = image
            self._rays(block, free, scale)
            for _ in range(_INNER):
                block.look()
                residual[:] = block.measured
                planes.forward(image, residual, -1.0)
                block.look()
                residual *= scale
                planes.backward(residual, image, self.column_weights, lowest)
                hold_fixed(image, kept, free)
            kept[:] = image
            last = iteration + 1 == iterations
            if not last:
                smooth_free(lanes, kept, free, shape, _SMOOTHING, image)
            if block.report(self._left(block, kept, residual)):
                break
        paint_levels(image, self.levels)
        block.confine(image)

    def _start(self, block: Block, residual: Floats, lowest: float) -> None:
        planes, image = block.planes, block.image
        for _ in range(_START):
            block.look()
            planes.weigh(residual, self.row_weights)
            planes.backward(residual, image, self.column_weights, lowest)
            block.confine(image)
            residual[:] = block.measured
            planes.forward(image, residual, -1.0)

    def _rays(self, block: Block, free: Floats, scale: Floats) -> None:
        """Work out one over the part of each ray that lies in free voxels."""
        scale[:] = 0
        block.planes.forward(free, scale)
        np.divide(1, scale, out=scale, where=scale > 1e-3)
        scale[scale > 1e3] = 0

    def _left(self, block: Block, image: Floats, residual: Floats) -> NDArray[np.float64]:
        """Return the squared residual of the discrete image: what is published is what is
        judged.
        """
        paint_levels(image, self.levels)
        block.confine(image)
        residual[:] = block.measured
        block.planes.forward(image, residual, -1.0)
        return squares(residual, block.planes.lanes)
