"""Seeded synthetic data of the benchmarks."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from napari_snpore.measurement.objects import label_objects
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES_DEG = np.arange(-70, 71, 2.0)  # 71 tilts


def fibre_series(width: int, slices: int, *, seed: int = 0) -> TiltSeries:
    """Return 71 tilts of a porous rod with bright clusters, ``width`` pixels across and ``slices``
    along the tilt axis."""
    rng = np.random.default_rng(seed)
    z, x = np.mgrid[:width, :width] - (width - 1) / 2
    plane = (np.hypot(z, x) < 0.4 * width).astype(np.float32)
    for _ in range(60):
        radius, turn, distance = (
            rng.uniform(1, width / 20),
            rng.uniform(0, 2 * np.pi),
            width * rng.uniform(0, 0.38),
        )
        inside = np.hypot(z - distance * np.cos(turn), x - distance * np.sin(turn)) < radius
        plane[inside] = rng.choice([0, 0, 12])
    images = project(plane[:, None], ANGLES_DEG)
    noisy = rng.poisson(np.repeat(images, slices, axis=1) * 5) / 5
    return TiltSeries(noisy.astype(np.float32), ANGLES_DEG, 0.15)


def blobs_512() -> np.ndarray:
    """Return labels of some 2,800 blobs of 720 voxels each in 512³, smoothed noise above its top
    1.5 %."""
    noise = gaussian_filter(
        np.random.default_rng(11).random((512, 512, 512), dtype=np.float32), 5.5
    )
    return label_objects(noise > np.quantile(noise, 0.985))


def with_a_pore_of_millions(labels: np.ndarray) -> np.ndarray:
    """Return labels with one more object in the middle: a ball of 8.6 million voxels with a rough
    surface."""
    edge = 260
    grid = np.arange(edge, dtype=np.float32) - (edge - 1) / 2
    radius = np.sqrt(grid[:, None, None] ** 2 + grid[:, None] ** 2 + grid**2)
    rough = gaussian_filter(np.random.default_rng(12).standard_normal((edge,) * 3, np.float32), 3)
    out = labels.copy()
    start = (labels.shape[0] - edge) // 2
    middle = out[(slice(start, start + edge),) * 3]
    middle[radius < 127 + 3 * rough / rough.std()] = labels.max() + 1
    return out


def specks_512(count: int) -> np.ndarray:
    """Return labels of ``count`` separate cubes of up to 27 voxels in 512³."""
    labels = np.zeros((512, 512, 512), np.uint32)
    cells = np.sort(np.random.default_rng(13).permutation(100**3)[:count])
    for number, (z, y, x) in enumerate(
        5 * np.stack(np.unravel_index(cells, (100,) * 3), axis=1), start=1
    ):
        labels[z + 1 : z + 4, y + 1 : y + 4, x + 1 : x + 4] = number
    labels[1::5, 1::5, 1::5] = 0  # incomplete cubes: their hulls have to be computed
    return labels
