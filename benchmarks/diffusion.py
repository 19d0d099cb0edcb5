"""Time of the effective diffusivity relative to conjugate gradients of scipy on the same equations.

``python -m benchmarks.diffusion`` prints the ratios at 128³ and 256³; above 1 the package is faster.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy import ndimage
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, cg

from benchmarks.peers import ratio
from napari_snpore.measurement.diffusion import effective_diffusivity
from napari_snpore.measurement.labelling import label_objects

EDGES = (128, 256)
PORE_SHARE = 0.3
_RESIDUAL = 1e-4
"""Of scipy's residual over the right-hand side: its flux is then off by more than ours, which the last
column shows; a tighter one would take it longer."""


def pores(edge: int, *, seed: int = 5) -> np.ndarray:
    """Return a pore network that joins both faces across z, bool (z, y, x)."""
    noise = np.random.default_rng(seed).normal(size=(edge,) * 3).astype(np.float32)
    smooth = ndimage.gaussian_filter(noise, 2.5, mode="wrap")
    mask = smooth < np.quantile(smooth[::3, ::3, ::3], PORE_SHARE)
    groups = label_objects(mask, connectivity=6)
    both = np.intersect1d(groups[0], groups[-1])
    return np.isin(groups, both[both > 0])


def equations(mask: np.ndarray) -> tuple[csr_array, np.ndarray, np.ndarray]:
    """Return matrix, right-hand side and the nodes of the last face: diffusion along z."""
    number = np.full(mask.shape, -1, np.int32)
    count = int(mask.sum())
    number[mask] = np.arange(count, dtype=np.int32)
    rows, columns = [], []
    for axis in range(3):
        before = (slice(None),) * axis
        low, high = number[(*before, slice(None, -1))], number[(*before, slice(1, None))]
        both = (low >= 0) & (high >= 0)
        rows += [low[both], high[both]]
        columns += [high[both], low[both]]
    at = (np.concatenate(rows), np.concatenate(columns))
    joined = coo_array((np.ones(len(at[0])), at), shape=(count, count)).tocsr()
    first, last = number[0][number[0] >= 0], number[-1][number[-1] >= 0]
    diagonal = np.asarray(joined.sum(axis=1)).ravel()
    diagonal[first] += 2
    diagonal[last] += 2
    right = np.zeros(count)
    right[first] = 2
    return csr_array(diags_array(diagonal) - joined), right, last


def scipy_diffusivity(mask: np.ndarray) -> float:
    """Compute the same by scipy: its matrix and conjugate gradients, preconditioned by the diagonal."""
    matrix, right, last = equations(mask)
    inverse = 1 / matrix.diagonal()
    preconditioner = LinearOperator(matrix.shape, matvec=lambda x: inverse * x)
    x, failed = cg(matrix, right, rtol=_RESIDUAL, maxiter=20_000, M=preconditioner)
    if failed:
        raise RuntimeError("scipy did not converge")
    return float(2 * x[last].sum() * mask.shape[0] ** 2 / mask.size)


class DiffusivityAgainstScipy:
    """Time of the effective diffusivity of a pore network relative to scipy's."""

    params = (EDGES,)
    param_names = ("edge",)
    timeout = 3600

    def track_ratio(self, edge: int) -> float:
        mask = pores(edge)

        def ours() -> int:
            effective_diffusivity(mask, direction="z", spacing=1.0)
            return 1

        def theirs() -> int:
            scipy_diffusivity(mask)
            return 1

        return ratio(ours, theirs, rounds=1)

    track_ratio.unit = "ratio"


class Diffusivity:
    """Own time and memory, for the history of one machine."""

    params = (EDGES,)
    param_names = ("edge",)
    timeout = 1200

    def setup(self, edge: int) -> None:
        self.mask = pores(edge)
        effective_diffusivity(self.mask[:16, :16, :16], direction="z", spacing=1.0)

    def time_effective_diffusivity(self, edge: int) -> None:
        effective_diffusivity(self.mask, direction="z", spacing=1.0)

    def peakmem_effective_diffusivity(self, edge: int) -> None:
        effective_diffusivity(self.mask, direction="z", spacing=1.0)


def main() -> None:
    """Print every ratio, and by how much the two results differ."""
    bench = DiffusivityAgainstScipy()
    for edge in EDGES:
        mask = pores(edge)
        ours = effective_diffusivity(mask, direction="z", spacing=1.0).relative_diffusivity
        differs = abs(scipy_diffusivity(mask) / ours - 1)
        sys.stdout.write(
            f"{edge}³: {bench.track_ratio(edge):.1f} x scipy; results differ by {differs:.1e}\n"
        )


if __name__ == "__main__":
    main()
