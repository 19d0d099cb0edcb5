"""Seeded data of the benchmarks, made on the spot."""

from __future__ import annotations

import numpy as np

from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES_DEG = np.arange(-70, 71, 2.0)  # 71 tilts


def fibre_series(width: int, slices: int, *, seed: int = 0) -> TiltSeries:
    """71 tilts of a porous rod with bright clusters, ``width`` pixels across and ``slices`` along the tilt axis."""
    rng = np.random.default_rng(seed)
    z, x = np.mgrid[:width, :width] - (width - 1) / 2
    plane = (np.hypot(z, x) < 0.4 * width).astype(np.float32)
    for _ in range(60):
        radius, turn, distance = rng.uniform(1, width / 20), rng.uniform(0, 2 * np.pi), width * rng.uniform(0, 0.38)
        inside = np.hypot(z - distance * np.cos(turn), x - distance * np.sin(turn)) < radius
        plane[inside] = rng.choice([0, 0, 12])
    images = project(plane[:, None], ANGLES_DEG)
    noisy = rng.poisson(np.repeat(images, slices, axis=1) * 5) / 5
    return TiltSeries(noisy.astype(np.float32), ANGLES_DEG, 0.15)
