"""Quick reconstructions of the axis search, against the same iteration in whole arrays."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import Stopped
from napari_snpore.tomography.matching import quick_volume
from napari_snpore.tomography.projector import backproject, project

ANGLES = np.linspace(-70, 64, 9)
ITERATIONS = 5


def images(rows):
    return np.random.default_rng(0).random((len(ANGLES), rows, 20), np.float32) * 50 - 2


def in_whole_arrays(frames):
    """SIRT with x ≥ 0, relaxed by the momentum (t − 1) / t' of Nesterov, t' = (1 + √(1 + 4t²)) / 2."""
    size = frames.shape[2]
    ray = project(np.ones((size, 1, size), np.float32), ANGLES)
    voxel = backproject(np.ones((len(ANGLES), 1, size), np.float32), ANGLES)
    ray, voxel = (1 / np.maximum(sums, sums.max() / 100) for sums in (ray, voxel))
    before = ahead = np.zeros((size, frames.shape[1], size), np.float32)
    t = 1.0
    for _ in range(ITERATIONS):
        step = voxel * backproject(ray * (frames - project(ahead, ANGLES)), ANGLES)
        now = np.maximum(ahead + step, 0)
        after = (1 + np.sqrt(1 + 4 * t**2)) / 2
        ahead = now + np.float32((t - 1) / after) * (now - before)
        before, t = now, after
    return before


@pytest.mark.parametrize("rows", [1, 9, 70])
@pytest.mark.parametrize("threads", ["1", "3"])
def test_blocks_of_rows_give_what_whole_arrays_give(monkeypatch, rows, threads):
    monkeypatch.setenv("SNPORE_THREADS", threads)
    found = quick_volume(images(rows), ANGLES, iterations=ITERATIONS)
    np.testing.assert_allclose(found, in_whole_arrays(images(rows)), rtol=1e-5, atol=1e-5)


def test_a_stop_is_heard():
    with pytest.raises(Stopped):
        quick_volume(images(4), ANGLES, iterations=ITERATIONS, should_stop=lambda: True)
