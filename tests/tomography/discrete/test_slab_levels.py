"""Grey levels of the phases in a slab against those that the images were made with."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete.slab_levels import slab_levels
from napari_snpore.tomography.projector import project

TILTS = np.arange(-69, 70, 6.0)


def slab(levels, seed=230):
    """A rod along y with round pores and, where there is a second level, bright balls."""
    rng = np.random.default_rng(seed)
    z, y, x = np.mgrid[:48, :24, :48].astype(np.float32)
    volume = np.where(np.hypot(z - 23.5, x - 23.5) < 20, levels[0], 0).astype(np.float32)
    for k in range(24):
        center = rng.uniform((12, 0, 12), (36, 24, 36))
        far = np.sqrt((z - center[0]) ** 2 + (y - center[1]) ** 2 + (x - center[2]) ** 2)
        volume[far < rng.uniform(3, 5)] = 0 if k % 3 or len(levels) == 1 else levels[1]
    return volume


def found_in(volume, blur_px=1.0, **options):
    """Levels found with the true volume smoothed, and its blurred images."""
    images = blur_images(project(volume, TILTS), blur_px)
    smooth = gaussian_filter(volume, 0.7, mode="nearest")
    weights = np.ones_like(images)
    return slab_levels(smooth, images, weights, TILTS, blur_px=blur_px, **options)


@pytest.mark.parametrize("levels", [(1.0, 2.0), (1.0, 3.5), (1.0, 12.0), (40.0, 500.0)])
def test_levels_are_those_of_the_object(levels):
    found = found_in(slab(levels))
    assert found.levels == pytest.approx(levels, rel=0.05)
    assert found.thresholds[0] == pytest.approx(levels[0] / 2, rel=0.1)
    assert levels[0] < found.thresholds[1] < levels[1]


def test_one_level_above_vacuum():
    found = found_in(slab((3.0,)), phases=2)
    assert found.levels == pytest.approx((3.0,), rel=0.05)
    assert len(found.thresholds) == 1


def test_bits_do_not_depend_on_threads():
    volume = slab((1.0, 5.0))
    assert found_in(volume, threads=1) == found_in(volume, threads=2)


def test_a_flat_volume_has_no_levels():
    assert found_in(np.zeros((48, 24, 48), np.float32)) is None
