"""The peers as their users run them on two cores: one slice a call, one process a core."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

import numpy as np


def astra_slice(sinogram: np.ndarray, angles_deg: np.ndarray, algorithm: str, iterations: int) -> np.ndarray:
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

    return iradon(sinogram.T, theta=angles_deg, filter_name="ramp", interpolation="linear", circle=True)


@contextmanager
def two_processes() -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of two fresh processes."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        yield pool


def ratio(ours: Callable[[], int], theirs: Callable[[], int], rounds: int) -> float:
    """Return how many times longer the peer takes for a slice: the median over pairs measured in turn.

    Both return the number of slices that they made. One unmeasured call of each comes first (compilation, imports).
    """
    ours(), theirs()
    return statistics.median(_seconds(theirs) / _seconds(ours) for _ in range(rounds))


def _seconds(work: Callable[[], int]) -> float:
    """Return the time of one slice."""
    start = time.perf_counter()
    slices = work()
    return (time.perf_counter() - start) / slices
