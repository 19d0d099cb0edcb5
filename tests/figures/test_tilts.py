from __future__ import annotations

import numpy as np
import pytest
from legible import assert_legible, texts_of
from scipy import ndimage

from napari_snpore.errors import InputError, MissingAnglesError, MissingScaleError
from napari_snpore.figures import FigureStyle, sinogram, tilt_images
from napari_snpore.history import AlignStep
from napari_snpore.tomography.tilt_series import TiltSeries

ANGLES = np.array([10.0, -60.0, -3.0, 55.0, 70.0])


@pytest.fixture
def series():
    images = np.random.default_rng(0).random((5, 40, 30)).astype(np.float32)
    return TiltSeries(images, ANGLES, 0.5)


def drawn(figure):
    return [
        image.get_array()
        for axes in figure.axes
        for image in axes.images
        if image.get_gid() == "tilt-image"
    ]


def meshes(figure):
    """Grey values of the two sinograms, rows from the lowest tilt up."""
    return [
        np.asarray(axes.collections[0].get_array()).reshape(len(ANGLES), -1) for axes in figure.axes
    ]


def test_both_ends_and_the_tilt_nearest_zero(series):
    figure = tilt_images(series)
    for image, index in zip(drawn(figure), (1, 2, 4), strict=True):
        np.testing.assert_array_equal(image, series.images[index])
    assert {"−60.0°", "−3.0°", "+70.0°"} <= set(texts_of(figure))


def test_scale_bar_of_tilts_is_in_nm(series):
    figure = tilt_images(series)
    (bar,) = [
        patch for axes in figure.axes for patch in axes.patches if patch.get_gid() == "scale-bar"
    ]
    assert "5 nm" in texts_of(figure), "30 px of 0.5 nm are 15 nm, a third of it is 5"
    assert bar.get_width() == pytest.approx(10)


@pytest.mark.parametrize("shape", [(5, 40, 30), (5, 400, 20), (5, 6, 300), (5, 8, 8)])
@pytest.mark.parametrize("count", [1, 3, 9])
def test_tilt_images_of_any_shape_are_legible(shape, count):
    series = TiltSeries(np.zeros(shape, dtype=np.uint16), np.linspace(-70, 70, 5), 0.3)
    figure = tilt_images(
        series, indices=[index % 5 for index in range(count)], style=FigureStyle(letters=count == 3)
    )
    assert_legible(figure)
    assert any(patch.get_gid() == "scale-bar" for axes in figure.axes for patch in axes.patches)


@pytest.mark.parametrize("indices", [[], [5], [-6]])
def test_images_that_are_not_there_are_refused(series, indices):
    with pytest.raises(InputError, match="indices"):
        tilt_images(series, indices=indices)


def test_sinogram_takes_one_row_sorted_by_tilt(series):
    raw, aligned = meshes(sinogram(series, series, y=7))
    expected = np.asarray(series.images)[np.argsort(ANGLES), 7]
    np.testing.assert_allclose(aligned, expected)
    np.testing.assert_allclose(raw, expected, rtol=1e-5)


@pytest.mark.parametrize("axis", [90.0, -90.0, 30.0])
def test_raw_images_are_read_along_the_line_that_becomes_the_row(axis):
    """A smooth object, drawn with its axis upright and, turned by scipy, with its axis at an angle:
    the same sinogram.
    """
    y, x = np.indices((41, 41)) - 20.0
    upright = np.stack(
        [np.exp(-((x - t) ** 2 + (y - 2) ** 2) / 18) for t in (-6.0, -3.0, 0.0, 3.0, 6.0)]
    ).astype(np.float32)
    # scipy turns from axis 1 towards axis 2 for axes=(2, 1): the direction of the definitions'
    # angle
    turned = ndimage.rotate(upright, axis, axes=(1, 2), reshape=False, order=3, mode="constant")
    angles = np.linspace(-60, 60, 5)
    before = TiltSeries(turned, angles, 0.5)
    after = TiltSeries(upright, angles, 0.5)
    across = [
        np.asarray(axes.collections[0].get_array()).reshape(5, -1)
        for axes in sinogram(before, after, y=22, tilt_axis_angle_deg=axis).axes
    ]
    np.testing.assert_allclose(across[0], across[1], atol=0.03)
    told = sinogram(before, after.after(AlignStep("auto", axis, 0.0, ()), upright), y=22)
    np.testing.assert_array_equal(
        np.asarray(told.axes[0].collections[0].get_array()).reshape(5, -1), across[0]
    )


def test_sinogram_axes_are_in_nm_and_degrees(series):
    figure = sinogram(series, series)
    assert figure.axes[0].get_xlim() == (-7.5, 7.5)
    assert figure.axes[0].get_ylim() == pytest.approx((-88.5, 77.5)), (
        "half a step beyond the first and the last tilt"
    )
    assert {"Tilt (°)", "Across the tilt axis (nm)", "raw", "aligned, y = 10 nm"} <= set(
        texts_of(figure)
    )
    assert_legible(figure)


def test_plain_arrays_need_angles_and_pixel_size(series):
    images = np.asarray(series.images)
    sinogram(images, images[:, 3], angles_deg=ANGLES, pixel_size_nm=0.5)
    with pytest.raises(MissingAnglesError, match="angles_deg"):
        sinogram(images, images, pixel_size_nm=0.5)
    with pytest.raises(MissingScaleError, match="pixel_size_nm"):
        sinogram(images, images, angles_deg=ANGLES)
    with pytest.raises(MissingAnglesError, match="4 tilt angles"):
        sinogram(images, images, angles_deg=ANGLES[:4], pixel_size_nm=0.5)
    with pytest.raises(InputError, match="row from 0 to 39"):
        sinogram(series, series, y=40)
    with pytest.raises(InputError, match="shape"):
        sinogram(images[0, 0], images, angles_deg=ANGLES, pixel_size_nm=0.5)


def test_one_tilt_is_a_series_too():
    one = TiltSeries(np.ones((1, 5, 5)), [0.0], 1.0)
    assert_legible(tilt_images(one))
    assert_legible(sinogram(one, one))
