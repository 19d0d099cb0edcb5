"""Signs and order of the corrections, against scipy's shift and rotate and against arithmetic by
hand.
"""

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape, axis_rotation, warp_images
from napari_snpore.tomography.working_frames import working_frames
from tests.tomography.ellipsoids import axis_vectors


def spot(shape, y, x, width=1.5):
    rows, columns = np.indices(shape)
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * width**2)).astype(np.float32)


def place(image):
    return np.array(ndimage.center_of_mass(np.where(image > 0.05, image, 0)))


def test_shift_alone_is_scipys_shift():
    image = np.random.default_rng(0).random((21, 26)).astype(np.float32)
    moved = warp_images(image[None], np.array([[1.7, -2.4]]), 0.0)[0]
    np.testing.assert_allclose(moved, ndimage.shift(image, (1.7, -2.4), mode="nearest"), atol=1e-5)


@pytest.mark.parametrize("phi", [30.0, -40.0])
def test_rotation_alone_is_scipys_rotate(phi):
    image = ndimage.gaussian_filter(np.random.default_rng(1).random((31, 31)), 2).astype(np.float32)
    turned = warp_images(image[None], np.zeros((1, 2)), phi)[0]
    # scipy turns by a positive angle from x towards -y: what lies along (cos, sin) in (dy, dx)
    # comes to lie along y
    expected = ndimage.rotate(image, -phi, reshape=False, mode="nearest")
    inner = slice(8, -8)
    np.testing.assert_allclose(turned[inner, inner], expected[inner, inner], atol=1e-5)


@pytest.mark.parametrize("phi", [0.0, 5.0, 45.0, 87.5, 90.0, -60.0])
def test_spot_moves_to_where_the_definitions_put_it(phi):
    shape, shift, offset = (41, 53), np.array([2.0, -1.5]), 3.25
    center = (np.array(shape) - 1) / 2
    raw = center + np.array([4.0, 6.0])
    series = TiltSeries(spot(shape, *raw)[None], [0.0], 1.0, tilt_axis_angle_deg=12.0)
    aligned = Alignment([shift], phi, offset, [0.0]).apply(series)
    along, across = axis_vectors(phi)
    moved = raw - center + shift
    new_center = (np.array(aligned.shape[1:]) - 1) / 2
    expected = new_center + np.array([moved @ along, moved @ across - offset])
    np.testing.assert_allclose(place(aligned.images[0]), expected, atol=0.05)
    assert aligned.tilt_axis_angle_deg == 0.0
    assert aligned.images.dtype == np.float32
    assert aligned.history[-1].name == "align"
    np.testing.assert_allclose(axis_rotation(phi).T @ along, (1, 0), atol=1e-12)


def test_sides_change_places_for_an_axis_that_lies():
    assert aligned_shape((10, 20), 0.0) == (10, 20)
    assert aligned_shape((10, 20), 45.0) == (10, 20)
    assert aligned_shape((10, 20), 87.0) == (20, 10)
    assert aligned_shape((10, 20), -90.0) == (20, 10)


def test_quarter_turn_of_a_lying_axis_loses_nothing():
    image = np.random.default_rng(2).integers(-500, 500, (12, 17)).astype(np.int16)
    turned = warp_images(image[None], np.zeros((1, 2)), 90.0)[0]
    # along = +x of the raw image, across = -y of it
    np.testing.assert_allclose(turned, image[::-1].T, atol=1e-2)


def test_beyond_the_field_the_edge_goes_on():
    image = np.full((16, 16), 5.0, np.float32)
    image[:, 0] = 9.0
    moved = warp_images(image[None], np.array([[0.0, 4.0]]), 0.0)[0]
    np.testing.assert_allclose(moved[:, :4], 9.0, atol=1e-4)


@pytest.mark.parametrize("shape", [(64, 64), (61, 90), (200, 131)])
def test_working_frames_keep_the_place_of_things(shape):
    raw = (np.array(shape) - 1) / 2 + (5.0, -7.0)
    frames = working_frames(spot(shape, *raw, width=5.0)[None] + 100, size=48)
    shift, phi = np.array([[3.0, -2.0]]), 25.0
    along, across = axis_vectors(phi)
    image = frames.resampled(phi, shift)[0]
    expected = (frames.size - 1) / 2 + (
        np.array([(5, -7) @ along, (5, -7) @ across]) + shift[0]
    ) / frames.binning
    np.testing.assert_allclose(place(image / image.max()), expected, atol=0.05)
    np.testing.assert_array_equal(
        frames.resampled(phi, shift, rows=slice(5, 30, 4))[0], image[5:30:4]
    )
    assert abs(np.median(image)) < 0.05
