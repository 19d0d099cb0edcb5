"""SIRT: the simultaneous iterative reconstruction technique (doi 10.1016/0022-5193(72)90180-4)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography.solving import Block, Planar

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SirtSolver:
    """Iterates ``x ← max(0, x + C Aᵀ R (b - A x))``, R and C one over the row and column sums of
    A.
    """

    row_weights: Floats
    column_weights: Floats
    nonnegative: bool = True
    images: int = 0
    sinograms: int = 1
    resumable: bool = True

    @classmethod
    def of(cls, planes: Planar, *, nonnegative: bool = True) -> SirtSolver:
        """Work out the weights of a geometry; ``planes`` is any number of planes of it."""
        return cls(*sirt_weights(planes), nonnegative=nonnegative)

    def solve(self, block: Block, iterations: int) -> None:
        """See :class:`~napari_snpore.tomography.solving.Solver`."""
        planes, image = block.planes, block.image
        lowest = 0.0 if self.nonnegative else -math.inf
        residual = block.measured.copy()
        if block.started:
            planes.forward(image, residual, -1.0)
        planes.weigh(residual, self.row_weights)
        block.look()
        for _ in range(iterations):
            planes.backward(residual, image, self.column_weights, lowest)
            block.look()
            block.confine(image)
            residual[:] = block.measured
            planes.forward(image, residual, -1.0)
            if block.report(planes.weigh(residual, self.row_weights)):
                return


def sirt_weights(planes: Planar) -> tuple[Floats, Floats]:
    """Return one over the row sums (tilt, detector) and the column sums (z, x) of the projector,
    flat; 0 where it is empty.
    """
    rows, columns = operator_sums(planes)
    return _inverse(rows), _inverse(columns)


def operator_sums(planes: Planar) -> tuple[Floats, Floats]:
    """Return the row sums (tilt, detector) and the column sums (z, x) of the projector, flat, of
    the first lane.
    """
    beam = planes.beam
    (depth, width), bins, tilts = beam.shape, beam.detector_px, len(beam.angles_deg)
    image, sinogram = planes.empty_image(), planes.empty_sinogram()
    voxels = image.reshape(depth + 2, -1, planes.lanes)[1:-1, 1 : width + 1]
    pixels = sinogram.reshape(-1, beam.bins, planes.lanes)[:tilts, beam.rim : beam.rim + bins]
    voxels[:] = 1
    planes.forward(image, sinogram)
    rows = pixels[..., 0].copy()
    image[:], sinogram[:] = 0, 0
    pixels[:] = 1
    planes.backward(sinogram, image, np.ones(depth * width, np.float32))
    return rows.reshape(-1), voxels[..., 0].reshape(-1).copy()


def _inverse(sums: Floats) -> Floats:
    return np.divide(1, sums, out=np.zeros_like(sums), where=sums > 1e-6)
