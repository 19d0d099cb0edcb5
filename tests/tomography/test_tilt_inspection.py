"""Bad tilts are named with their reason, bad pixels are replaced and real points are not; binning,
cropping, mass.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_snpore.errors import InputError
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.preparation import (
    bin_series,
    crop_series,
    normalize_mass,
    subtract_background,
)
from napari_snpore.tomography.tilt_inspection import inspect_tilts, leave_out_tilts
from napari_snpore.tomography.tilt_series import TiltSeries


def rods(count=15, seed=0):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    angles = np.linspace(-56, 56, count)
    images = []
    for angle in angles:
        rod = np.abs(x - 32 - 6 * np.sin(np.deg2rad(angle)) * ((y // 8) % 2)) < 9
        sharp = 100 + 400.0 * rod
        images.append(
            gaussian_filter(sharp, 0.7) + rng.normal(0, 8, (64, 64))
        )  # 0.7 px: as sharp as a probe gets
    return np.round(images).astype(np.uint16), angles


def test_good_tilts_have_no_reason():
    images, angles = rods()
    table = inspect_tilts(TiltSeries(images, angles, 1.0))
    assert (table["reason"] == "").all()
    assert table["mass_gray"].to_numpy() == pytest.approx(images.sum(axis=(1, 2)))


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda image: image * 0, "same value everywhere"),
        (lambda image: np.where(np.arange(64) < 40, 65535, image), "saturated"),
        (lambda image: (image * 0.6).astype(np.uint16), "% off that of its neighbours"),
        (lambda image: gaussian_filter(image.astype(float), (0, 5)).astype(np.uint16), "blurred"),
    ],
    ids=["black", "saturated", "dim", "blurred"],
)
@pytest.mark.parametrize("tilt", [0, 7, 14])
def test_a_bad_tilt_is_named_with_its_reason(spoil, word, tilt):
    images, angles = rods()
    images[tilt] = spoil(images[tilt])
    table = inspect_tilts(TiltSeries(images, angles, 1.0))
    assert word in table["reason"][tilt]
    assert (table["reason"].drop(tilt) == "").all()


def test_nan_and_a_repeated_angle_are_named():
    images, angles = rods()
    images = images.astype(np.float32)
    images[3, 0, 0] = np.nan
    angles[10] = angles[9]
    reasons = inspect_tilts(TiltSeries(images, angles, 1.0))["reason"]
    assert "NaN" in reasons[3]
    assert reasons[10] == "has the same angle as tilt 9"


def test_tilts_are_left_out_by_number():
    images, angles = rods()
    left = leave_out_tilts(TiltSeries(images, angles, 1.0), [2, 5])
    assert np.array_equal(left.images, np.delete(images, [2, 5], axis=0))
    assert np.array_equal(left.angles_deg, np.delete(angles, [2, 5]))
    assert left.history[-1].parameters == {"tilts": [2, 5]}
    with pytest.raises(InputError, match="tilts 0 to 14"):
        leave_out_tilts(TiltSeries(images, angles, 1.0), [15])
    with pytest.raises(InputError, match="leaves 2 tilts"):
        leave_out_tilts(TiltSeries(images, angles, 1.0), range(13))


def test_bad_pixels_are_replaced_and_real_points_stay():
    images, angles = rods()
    images = images.astype(np.float32)
    point = np.zeros((64, 64))
    point[20, 30] = 6000.0
    images += gaussian_filter(point, 0.7)  # the narrowest thing that is real
    clean = images.copy()
    rng = np.random.default_rng(1)
    hot = [(t, *rng.integers(2, 62, 2)) for t in range(len(images)) for _ in range(3)]
    for t, y, x in hot:
        images[t, y, x] += 3000
    images[:, 50, 12] = 0  # dead at every tilt
    done = repair_pixels(TiltSeries(images, angles, 1.0))
    assert done.history[-1].parameters["fixed_pixel_count"] == 1
    touched = done.images != images
    assert all(touched[place] for place in hot)
    assert touched[:, 50, 12].all()
    assert touched.sum() <= len(hot) + len(images) + 2
    assert np.array_equal(done.images[:, 19:22, 29:32], clean[:, 19:22, 29:32])
    assert np.abs(done.images - clean).max() < 450, "a repaired pixel reads as its surroundings"


def test_bins_average_and_keep_the_scale():
    images = np.arange(3 * 17 * 18, dtype=np.uint16).reshape(3, 17, 18)
    done = bin_series(TiltSeries(images, [0, 1, 2], 0.5), 2)
    assert done.images[1, 0, 0] == images[1, :2, :2].mean()
    assert done.shape == (3, 8, 9)
    assert done.pixel_size_nm == 1.0
    with pytest.raises(InputError, match="fewer than 8 px"):
        bin_series(TiltSeries(images, [0, 1, 2], 0.5), 3)


def test_a_crop_is_a_view():
    images = np.zeros((3, 20, 30), np.float32)
    part = crop_series(TiltSeries(images, [0, 1, 2], 1.0), (2, 12), (5, 25))
    assert part.shape == (3, 10, 20)
    assert np.shares_memory(part.images, images)
    with pytest.raises(InputError, match="crop along x is 5 to 31"):
        crop_series(TiltSeries(images, [0, 1, 2], 1.0), (2, 12), (5, 31))


def test_mass_is_made_equal_after_the_background_only():
    images, angles = rods()
    images = (images * np.linspace(0.9, 1.1, 15)[:, None, None]).astype(np.float32)
    series = TiltSeries(images, angles, 1.0)
    with pytest.raises(InputError, match="background was subtracted"):
        normalize_mass(series)
    done = normalize_mass(subtract_background(series))
    mass = done.images.sum(axis=(1, 2), dtype=float)
    assert mass.std() < 1e-6 * mass.mean()
