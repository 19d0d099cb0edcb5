"""Single pixels far outside all others: found, repaired, and without a say in the alignment."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.tomography.alignment import align
from napari_snpore.tomography.bad_pixels import far_pixels, repair_pixels, without_far_pixels
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.arange(-70.0, 71.0, 5.0)


def scene(shape=(64, 64), seed=0):
    """Noise of 5 on a ball of 100 to 1000."""
    y, x = np.indices(shape) - np.array(shape)[:, None, None] / 2
    ball = 1000 * np.sqrt(np.clip(1 - (x**2 + y**2) / (0.1 * shape[0] * shape[1]), 0, None))
    return (ball + np.random.default_rng(seed).normal(0, 5, shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 64), (300, 400)])
@pytest.mark.parametrize("value", [65535.0, -30000.0, 1e30])
def test_a_pixel_far_outside_is_found_and_nothing_else(shape, value):
    image = scene(shape)
    assert not far_pixels(image).any()
    image[20, 30] = value
    assert np.argwhere(far_pixels(image)).tolist() == [[20, 30]]
    clean, count = without_far_pixels(image)
    assert count == 1
    assert abs(clean[20, 30] - ndimage.median_filter(image, 5)[20, 30]) < 60
    assert image[20, 30] == np.float32(value), "the input was changed"


def test_a_spot_and_a_corner_are_found():
    image = scene((128, 128))
    image[10:13, 40:43] = 50000
    image[0, 0] = 50000
    expected = np.zeros(image.shape, bool)
    expected[10:13, 40:43] = expected[0, 0] = True
    np.testing.assert_array_equal(far_pixels(image), expected)


def test_a_bright_particle_is_no_fault():
    """Its rim rises towards it, as a probe of σ 0.7 px makes it."""
    image = scene((128, 128))
    point = np.zeros(image.shape)
    point[40, 50] = 200000
    image += ndimage.gaussian_filter(point, 0.7).astype(np.float32)
    assert image.max() > 20 * 1000
    assert not far_pixels(image).any()


@pytest.mark.parametrize("image", [np.zeros((32, 32), np.float32), np.eye(8, dtype=np.float32)])
def test_images_of_one_or_two_values_stay(image):
    clean, count = without_far_pixels(image)
    assert count == 0
    np.testing.assert_array_equal(clean, image)


def test_repair_takes_a_spot_out_that_has_no_good_neighbour():
    images = np.stack([scene(seed=k) for k in range(5)])
    images[:, 31:33, 31:33] = 60000
    images[2, 50, 50] = 60000
    done = repair_pixels(TiltSeries(images, ANGLES[:5], 1.0))
    assert np.abs(done.images[:, 31:33, 31:33] - 1000).max() < 100
    assert done.images.max() < 1100
    assert done.history[-1].parameters["fixed_pixel_count"] == 4


@pytest.fixture(scope="module")
def rod():
    """Four bright balls in a rod along y, shifted by up to some px a tilt."""
    from napari_snpore import project

    z, y, x = np.indices((48, 48, 48)) - 23.5
    volume = np.where(np.hypot(z, x) < 15, 100, 0).astype(np.float32)
    for cz, cy, cx in ((4, -12, 5), (-6, 0, 3), (2, 10, -7), (0, -3, -6)):
        volume[(z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 < 10] = 1200
    images = np.pad(np.asarray(project(volume, ANGLES)), ((0, 0), (8, 8), (8, 8)))
    shifts = np.random.default_rng(0).normal(0, 3, (len(ANGLES), 2))
    moved = [ndimage.shift(one, by, order=1) for one, by in zip(images, shifts, strict=True)]
    return np.stack(moved).astype(np.float32) + np.random.default_rng(1).normal(
        0, 5, images.shape
    ).astype(np.float32)


def test_a_stuck_pixel_has_no_say_in_the_alignment(rod):
    """The axis of the rod is image y; without a stuck pixel it is found to 0.2°."""
    stuck = rod.copy()
    stuck[:, 37, 20] = 65535
    stuck[::3, 5, 50] = -4000
    found = align(TiltSeries(stuck, ANGLES, 1.0))
    assert found.tilt_axis_angle_deg == pytest.approx(0, abs=0.5)
    (note,) = (note for note in found.notes if "pixels" in note)
    assert f"{len(ANGLES)} of {len(ANGLES)} images" in note
    assert "repair_pixels" in note


def test_clean_images_are_aligned_without_a_word(rod):
    assert not any("pixels" in note for note in align(TiltSeries(rod, ANGLES, 1.0)).notes)
