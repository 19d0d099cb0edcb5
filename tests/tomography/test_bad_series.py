"""What is wrong with a tilt series is said in one sentence that names the image, or makes no
difference.
"""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.tomography.alignment import align
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.preparation import subtract_background
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_inspection import inspect_tilts
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.arange(-60, 61, 10.0)
X = np.arange(32) - 15.5
IMAGES = np.broadcast_to(6 * np.sqrt(np.clip(64 - X**2, 0, None)), (13, 24, 32)).astype(np.float32)
IMAGES = IMAGES + np.random.default_rng(0).random(IMAGES.shape, np.float32)


def series(images=IMAGES, angles=ANGLES):
    return TiltSeries(images, angles, 1.0)


def spoiled(tilt, value):
    images = IMAGES.copy()
    images[tilt] = value
    return series(images)


@pytest.mark.parametrize("step", [reconstruct, align], ids=["reconstruct", "align"])
@pytest.mark.parametrize("value", [0.0, 65535.0])
def test_a_black_or_wholly_saturated_image_is_named(step, value):
    with pytest.raises(
        InputError, match="Image 5 of the tilt series has the same value everywhere; leave it out"
    ):
        step(spoiled(5, value))


@pytest.mark.parametrize("step", [reconstruct, align, subtract_background, repair_pixels])
def test_an_image_with_a_hole_is_named(step):
    images = IMAGES.copy()
    images[2, 3, 4] = np.nan
    with pytest.raises(InputError, match="Image 2 of the tilt series holds NaN"):
        step(series(images))


@pytest.mark.parametrize("step", [reconstruct, align], ids=["reconstruct", "align"])
def test_two_tilts_are_too_few(step):
    with pytest.raises(InputError, match="at least 3"):
        step(series(IMAGES[:2], ANGLES[:2]))


@pytest.mark.parametrize("method", ["sirt", "wbp", "cgls", "tv"])
def test_the_order_of_the_tilts_makes_no_difference(method):
    order = np.random.default_rng(1).permutation(13)
    options = {} if method == "wbp" else {"iterations": 3}
    one = reconstruct(series(), method=method, **options).data
    two = reconstruct(series(IMAGES[order], ANGLES[order]), method=method, **options).data
    assert two == pytest.approx(one, abs=1e-5 * float(one.max()))


@pytest.mark.parametrize("method", ["sirt", "wbp"])
def test_an_image_that_is_there_twice_counts_as_what_it_is(method):
    """Weighted backprojection: the two share the angle that one stands for. SIRT: nearly the same
    volume.
    """
    twice = np.r_[0:13, 6]
    options = {} if method == "wbp" else {"iterations": 30}
    once = reconstruct(series(), method=method, **options).data
    both = reconstruct(series(IMAGES[twice], ANGLES[twice]), method=method, **options).data
    assert np.linalg.norm(both - once) < (1e-5 if method == "wbp" else 0.1) * np.linalg.norm(once)
    assert (
        inspect_tilts(series(IMAGES[twice], ANGLES[twice]))["reason"]
        .str.contains("same angle as")
        .sum()
        == 1
    )


def test_saturated_pixels_are_a_reason():
    counts = (IMAGES * 100).astype(np.uint16)
    counts[4, :2] = 65535
    reasons = inspect_tilts(series(counts))["reason"]
    assert reasons[4] == "8 % of its pixels are saturated"
    assert (reasons.drop(4) == "").all()


@pytest.mark.parametrize("step", [reconstruct, align, subtract_background])
@pytest.mark.parametrize("unit", [1e300, 1e20, 1e-300])
def test_grey_values_beyond_float32_are_refused_by_their_image(step, unit):
    with pytest.raises(InputError, match=r"Image \d+ of the tilt series holds grey values up to"):
        step(series(IMAGES.astype(np.float64) * unit))


def test_an_offset_of_a_milliard_makes_no_difference_to_the_alignment():
    """float32 has steps of 64 there; float64 images keep their digits."""
    wide = np.pad(IMAGES.astype(np.float64), ((0, 0), (0, 0), (8, 8)))
    moved = np.stack([np.roll(one, k % 3, axis=1) for k, one in enumerate(wide)])
    one, other = (align(series(moved + offset), tilt_axis_angle_deg=0.0) for offset in (0, 1e9))
    np.testing.assert_allclose(other.shifts_px, one.shifts_px, atol=1e-2)
