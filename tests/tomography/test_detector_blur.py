"""Blur of the images against scipy, and as its own transpose."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from napari_snpore.errors import InputError
from napari_snpore.tomography._variation_kernels import blur_image
from napari_snpore.tomography.detector_blur import (
    REACH,
    blur_images,
    check_blur_px,
    gaussian_taps,
)

SIGMAS = (0.3, 1.0, 1.7, 4.0)


@pytest.fixture
def images():
    return np.random.default_rng(220).random((3, 21, 30), dtype=np.float32)


def by_scipy(images, sigma):
    rows = gaussian_filter1d(images.astype(float), sigma, axis=1, mode="reflect", truncate=REACH)
    return gaussian_filter1d(rows, sigma, axis=2, mode="constant", truncate=REACH)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_blur_is_that_of_scipy(images, sigma):
    assert blur_images(images, sigma) == pytest.approx(by_scipy(images, sigma), abs=1e-5)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("height", [1, 2, 21])
def test_blur_of_the_solver_is_the_same(images, sigma, height):
    image = np.ascontiguousarray(images[0, :height])
    expected = by_scipy(image[None], sigma)[0]
    blur_image(image, gaussian_taps(sigma), np.empty_like(image))
    assert image == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_blur_is_its_own_transpose(images, sigma):
    other = np.random.default_rng(221).normal(size=images.shape).astype(np.float32)
    one = (blur_images(images, sigma).astype(float) * other).sum()
    two = (images.astype(float) * blur_images(other, sigma)).sum()
    assert one == pytest.approx(two, rel=1e-5, abs=1e-4)


def test_no_blur_is_the_images_themselves(images):
    assert blur_images(images, 0.0) is images


def test_bits_do_not_depend_on_threads(images):
    one, two = (blur_images(images, 1.3, threads=threads) for threads in (1, 2))
    assert np.array_equal(one, two)


@pytest.mark.parametrize("sigma", [-0.1, 8.5, np.nan, "1", True, None])
def test_what_is_no_blur_is_refused(sigma):
    with pytest.raises(InputError, match="a number of pixels from 0 to 8"):
        check_blur_px(sigma)
