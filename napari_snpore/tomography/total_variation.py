"""TV: least squares with total variation, for objects of few grey values with sharp edges.

Minimises ``½ ‖A x - b‖² + λ Σ |∇x|`` plane by plane, ``|∇x|`` the length of the gradient in the (z,
x) plane in grey units a voxel, by the primal-dual method of Chambolle and Pock (doi
10.1007/s10851-010-0251-1) with the diagonal steps of Pock and Chambolle (doi
10.1109/ICCV.2011.6126441), which need neither a norm of A nor a step size from the user.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.tomography._variation_kernels import look_ahead, step_data, step_gradient
from napari_snpore.tomography.sirt import operator_sums
from napari_snpore.tomography.solving import Block, Planar, squares

Floats = NDArray[np.float32]

_RISE = 0.5  # one over the sum of a row of the gradient
_FALL = 4.0  # the sum of a column of the gradient
_BALANCE = 2.0


@dataclass(frozen=True, eq=False)
class TvSolver:
    """The primal-dual iteration; ``weight`` is λ in grey units."""

    weight: float
    rates: Floats  # one a bin: the steps of the images' dual
    steps: Floats  # one per voxel
    nonnegative: bool = True
    balance: float = 1.0  # steps of the images' side over those of the volume's
    images: int = 3
    sinograms: int = 3
    resumable: bool = False

    @classmethod
    def of(
        cls, planes: Planar, weight: float, *, nonnegative: bool = True, balance: float = _BALANCE
    ) -> TvSolver:
        """Work out the steps of a geometry."""
        rows, columns = operator_sums(planes)
        rates = np.divide(balance, rows, out=np.zeros_like(rows), where=rows > 1e-3 * rows.max())
        steps = 1 / (balance * (columns + np.float32(_FALL)))
        return cls(weight, rates.astype(np.float32), steps.astype(np.float32), nonnegative, balance)

    def solve(self, block: Block, iterations: int) -> None:
        """See :class:`~napari_snpore.tomography.solving.Solver`."""
        planes, image, beam = block.planes, block.image, block.planes.beam
        along_z, along_x, ahead = planes.empty_image(), planes.empty_image(), image.copy()
        misfit = block.measured.copy()
        planes.forward(image, misfit, -1.0)
        left, dual = misfit.copy(), planes.empty_sinogram()
        downhill = -self.steps
        lowest = 0.0 if self.nonnegative else -math.inf
        for iteration in range(iterations):
            if iteration > 0:
                misfit[:] = block.measured
                planes.forward(ahead, misfit, -1.0)
            total = np.zeros(planes.lanes)
            tilts = len(beam.angles_deg)
            step_data(
                planes.lanes,
                misfit,
                dual,
                left,
                self.rates,
                tilts,
                beam.detector_px,
                beam.rim,
                total,
            )
            if iteration > 0 and block.report(total):
                return
            rise, limit = _RISE * self.balance, self.weight
            step_gradient(
                planes.lanes, ahead, image, along_z, along_x, beam.shape, rise, limit, self.steps
            )
            planes.backward(dual, ahead, downhill, lowest)
            block.confine(ahead)
            look_ahead(ahead, image)
        misfit[:] = block.measured
        planes.forward(image, misfit, -1.0)
        block.report(squares(misfit, planes.lanes))
