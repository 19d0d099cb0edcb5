"""Reconstruction by peers as usually run on two cores: one slice per call, one process per core."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np


def astra_slice(
    sinogram: np.ndarray, angles_deg: np.ndarray, algorithm: str, iterations: int
) -> np.ndarray:
    """Reconstruct one slice (tilt, detector) with ASTRA's CPU projector ``linear``."""
    import astra

    width = sinogram.shape[1]
    geometry = astra.create_vol_geom(width, width)
    rays = astra.create_proj_geom("parallel", 1.0, width, np.deg2rad(angles_deg))
    projector = astra.create_projector("linear", rays, geometry)
    data = astra.data2d.create("-sino", rays, sinogram)
    volume = astra.data2d.create("-vol", geometry, 0)
    configuration = astra.astra_dict(algorithm)
    configuration.update(ProjectorId=projector, ProjectionDataId=data, ReconstructionDataId=volume)
    if algorithm == "SIRT":
        configuration["option"] = {"MinConstraint": 0}
    task = astra.algorithm.create(configuration)
    astra.algorithm.run(task, iterations)
    result = astra.data2d.get(volume)
    astra.algorithm.delete(task)
    astra.data2d.delete([data, volume])
    astra.projector.delete(projector)
    return result


def iradon_slice(sinogram: np.ndarray, angles_deg: np.ndarray) -> np.ndarray:
    """Reconstruct one slice with scikit-image."""
    from skimage.transform import iradon

    return iradon(
        sinogram.T, theta=angles_deg, filter_name="ramp", interpolation="linear", circle=True
    )


class SparseSirt:
    """SIRT with a sparse matrix (the weights of ASTRA's ``linear``) and all slices as columns of a
    dense one."""

    def __init__(self, images: np.ndarray, angles_deg: np.ndarray) -> None:
        import astra

        tilts, self.slices, width = images.shape
        geometry = astra.create_vol_geom(width, width)
        rays = astra.create_proj_geom("parallel", 1.0, width, np.deg2rad(angles_deg))
        projector = astra.create_projector("linear", rays, geometry)
        handle = astra.projector.matrix(projector)
        self.forward = astra.matrix.get(handle).astype(np.float32)
        astra.matrix.delete(handle)
        astra.projector.delete(projector)
        self.backward = self.forward.T.tocsr()
        self.columns = np.ascontiguousarray(images.transpose(0, 2, 1).reshape(tilts * width, -1))
        self.rows = 1 / np.maximum(self.forward.sum(axis=1).A, 1e-6).astype(np.float32)
        self.voxels = 1 / np.maximum(self.backward.sum(axis=1).A, 1e-6).astype(np.float32)

    def run(self, iterations: int) -> int:
        """Reconstruct all slices, half of them in each of two threads (scipy releases the GIL)."""
        with ThreadPoolExecutor(2) as pool:
            list(
                pool.map(
                    lambda half: self._half(half, iterations),
                    np.array_split(self.columns, 2, axis=1),
                )
            )
        return self.slices

    def _half(self, data: np.ndarray, iterations: int) -> np.ndarray:
        data = np.ascontiguousarray(data)
        volume = np.zeros((self.forward.shape[1], data.shape[1]), np.float32)
        for _ in range(iterations):
            step = self.backward @ (self.rows * (data - self.forward @ volume))
            volume = np.maximum(volume + self.voxels * step, 0)
        return volume


@contextmanager
def two_processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of two fresh processes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


def ratio(ours: Callable[[], int], theirs: Callable[[], int], rounds: int) -> float:
    """Return the time of the peer per slice divided by our own: the median over alternating pairs.

    Both callables return the number of slices that they made. Each is called once before
    (compilation, imports).
    """
    ours(), theirs()
    return statistics.median(_seconds(theirs) / _seconds(ours) for _ in range(rounds))


def _seconds(work: Callable[[], int]) -> float:
    """Return the time of one slice."""
    start = time.perf_counter()
    slices = work()
    return (time.perf_counter() - start) / slices
