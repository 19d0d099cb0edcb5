"""Oblique slices without a window: values of linear fields, the three planes, borders, and
dtypes.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.oblique import oblique_slice, plane_axes
from napari_snpore.viewer.forms.gray_image import GrayImage
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def test_oblique_slices_of_a_linear_ramp_are_exact():
    """Linear interpolation of a linear field is exact at any angle."""
    z, y, x = np.indices((24, 30, 36)) * np.array(SPACING)[:, None, None, None]
    volume = Volume((2 * z + 3 * y + 5 * x).astype(np.float32), SPACING, ORIGIN)
    center = (1.0 + 6.0, 2.0 + 3.5, 3.0 + 3.4)
    found = oblique_slice(volume, center_nm=center, tilt_deg=35, turn_deg=20)
    rows, columns = np.indices(found.image.shape) * found.pixel_nm
    place = (
        np.array(found.first_nm)[:, None, None]
        + found.down[:, None, None] * rows
        + found.right[:, None, None] * columns
    )
    inner = np.all(
        [
            (place[k] > ORIGIN[k]) & (place[k] < ORIGIN[k] + (volume.shape[k] - 1) * SPACING[k])
            for k in range(3)
        ],
        axis=0,
    )
    expected = sum(factor * (place[k] - ORIGIN[k]) for k, factor in enumerate((2, 3, 5)))
    assert inner.sum() > 500
    np.testing.assert_allclose(found.image[inner], expected[inner], rtol=1e-5)
    assert math.isclose(float(np.linalg.norm(found.normal)), 1.0)


@pytest.mark.parametrize(
    ("angles", "normal"), [((0, 0), (1, 0, 0)), ((90, 0), (0, 1, 0)), ((90, 90), (0, 0, 1))]
)
def test_angles_of_the_three_planes(angles, normal):
    down, right = plane_axes(*angles)
    assert abs(np.cross(down, right) @ np.array(normal)) == pytest.approx(1.0)


@pytest.mark.parametrize("tilt", [0, 90, 180, -90])
def test_planes_along_the_axes_keep_their_border(tilt):
    """A volume of ones has no zero in any of its planes, borders included, wherever the plane
    lies.
    """
    volume = Volume(np.ones((11, 12, 13), np.float32), 0.3, (1.0, 2.0, 3.0))
    for center in (
        (1.0, 2.0, 3.0),
        (2.5, 3.6, 4.8),
        (1.0 + 10 * 0.3, 2.0 + 11 * 0.3, 3.0 + 12 * 0.3),
    ):
        found = oblique_slice(volume, center_nm=center, tilt_deg=tilt, turn_deg=0)
        assert (found.image == 1).all()


def test_half_precision_is_cut_like_single_precision():
    values = np.random.default_rng(3).random((20, 21, 22)).astype(np.float16)
    one, two = (
        oblique_slice(Volume(data, SPACING), center_nm=(4.0, 2.0, 2.0), tilt_deg=40, turn_deg=15)
        for data in (values, values.astype(np.float32))
    )
    np.testing.assert_array_equal(one.image, two.image)


def test_a_point_outside_is_refused_in_plain_numbers():
    with pytest.raises(InputError, match=r"The point \(0\.00, 1\.50, 99\.00\) nm lies outside"):
        oblique_slice(
            Volume(np.ones((4, 5, 6)), 1.0),
            center_nm=tuple(np.array([0, 1.5, 99])),
            tilt_deg=0,
            turn_deg=0,
        )


def test_a_picture_with_holes_keeps_its_contrast(qtbot):
    plane = np.tile(np.linspace(0, 1, 50), (40, 1))
    whole, holed = GrayImage(60), GrayImage(60)
    for picture in (whole, holed):
        qtbot.addWidget(picture)
    whole.show_image(plane)
    plane[3, 4] = np.nan
    holed.show_image(plane)
    other = np.ones(plane.shape, bool)
    other[3, 4] = False
    np.testing.assert_allclose(
        holed._pixels[other].astype(int), whole._pixels[other].astype(int), atol=1
    )
    assert holed._pixels[3, 4] == 0
    holed.show_image(np.full((5, 6), np.nan))
    assert (holed._pixels == 0).all()
