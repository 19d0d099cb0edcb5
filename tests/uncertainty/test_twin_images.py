"""Images of a twin against closed forms: path lengths, the blur of an edge, counting noise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore import NoiseModel, TiltSeries, Volume
from napari_snpore.errors import InputError
from napari_snpore.history import AlignStep, SimulateTwinStep, required_step
from napari_snpore.uncertainty.twin_images import correlated_noise, twin_images

ANGLES = np.array([-60.0, 0.0, 45.0])
SILENT = NoiseModel(0.0, 0.0, math.inf)


def bar(shape=(64, 12, 64), half=8):
    """A square bar of carbon along y with a core of Sn."""
    labels = np.zeros(shape, np.uint8)
    z, x = shape[0] // 2, shape[2] // 2
    labels[z - half : z + half, :, x - half : x + half] = 2
    labels[z - 2 : z + 2, :, x - 2 : x + 2] = 3
    return Volume(labels, (0.5, 0.5, 0.5))


def series_of(volume, angles=ANGLES, history=()):
    images = np.zeros((len(angles), *volume.shape[1:]), np.float32)
    return TiltSeries(images, angles, 0.5, history=history)


def test_the_mass_of_each_image_is_that_of_the_levels():
    volume = bar()
    made = twin_images(
        volume, series_of(volume), levels=(0, 0, 1.0, 12.0), blur_px=1.0, noise=SILENT, seed=0
    )
    per_row = (16 * 16 - 16) * 1.0 + 16 * 12.0
    np.testing.assert_allclose(
        made.images.sum(axis=2), per_row, rtol=3e-3
    )  # a line through voxels at an angle


def test_an_edge_is_blurred_by_the_given_gaussian():
    volume = bar(half=16)
    made = twin_images(
        volume, series_of(volume), levels=(0, 0, 1.0, 1.0), blur_px=1.5, noise=SILENT, seed=0
    )
    profile = made.images[1, 6]  # at 0°: a step of height 32
    x = np.arange(64) - 15.5  # middle of the step, between pixels 15 and 16
    # a Gaussian of unit pixels, cut off at 3.5 σ, on a step of pixels: the normal distribution
    expected = [32 * 0.5 * (1 + math.erf(one / (1.5 * math.sqrt(2)))) for one in x[:32]]
    np.testing.assert_allclose(profile[:32], expected, atol=0.16)


def test_noise_has_the_variance_of_the_model_at_each_gray_value():
    labels = np.full((64, 200, 64), 2, np.uint8)
    labels[:, :, :20] = labels[:, :, 44:] = 0
    volume = Volume(labels, (0.5, 0.5, 0.5))
    noise = NoiseModel(0.25, 0.5, 2.0)
    series = series_of(volume, np.array([0.0]))
    options = {"levels": (0, 0, 1.0), "blur_px": 0.0, "seed": 3}
    clean = twin_images(volume, series, noise=SILENT, **options).images
    change = twin_images(volume, series, noise=noise, **options).images - clean
    assert change[..., :18].var() == pytest.approx(0.25, rel=0.06)
    assert change[..., 24:40].var() == pytest.approx(0.25 + 0.5 * 64, rel=0.06)


def test_noise_is_as_correlated_as_the_interpolation_leaves_it():
    # in the middle between four pixels a cubic spline leaves 0.57 of the variance of white noise
    step = AlignStep("given", 0.0, 0.0, ((0.5, 0.5),))
    volume = bar((4, 200, 200))
    series = series_of(volume, np.array([0.0]), (step.step,))
    got = correlated_noise(series, np.random.default_rng(0))[0, 8:-8, 8:-8]
    assert got.var() == pytest.approx(0.57, abs=0.02)
    twice = series_of(volume, np.array([0.0]), (step.step, step.step))
    assert correlated_noise(twice, np.random.default_rng(0)).var() < 0.5


def test_residual_shifts_move_the_images_by_the_given_distance():
    volume = bar((64, 64, 64))
    angles = np.linspace(-60, 60, 41)
    options = {"levels": (0, 0, 1.0, 3.0), "blur_px": 1.0, "noise": SILENT, "seed": 5}
    series = series_of(volume, angles)
    still = twin_images(volume, series, **options).images
    moved = twin_images(volume, series, residual_px=0.4, **options).images
    places = np.arange(64)
    shift = [(b.sum(0) @ places) / b.sum() - (a.sum(0) @ places) / a.sum()
             for a, b in zip(still, moved, strict=True)]  # fmt: skip
    assert np.std(shift) == pytest.approx(0.4, rel=0.35)
    np.testing.assert_allclose(moved.sum(axis=(1, 2)), still.sum(axis=(1, 2)), rtol=1e-3)


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads():
    volume = bar()
    noise = NoiseModel(0.1, 0.1, 10.0)
    options = {"levels": (0, 0, 1.0, 12.0), "blur_px": 1.0, "noise": noise, "residual_px": 0.2}
    one, two = (
        twin_images(volume, series_of(volume), seed=4, threads=threads, **options)
        for threads in (1, 2)
    )
    assert one.images.tobytes() == two.images.tobytes()
    other = twin_images(volume, series_of(volume), seed=5, **options)
    assert (other.images != one.images).mean() > 0.9
    step = required_step(one.history, SimulateTwinStep)
    assert (step.seed, step.blur_px, step.levels) == (4, 1.0, (0.0, 0.0, 1.0, 12.0))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"levels": (0, 0, 1.0)}, "grey value per phase"),
        ({"levels": (0, 0, 1.0, math.nan)}, "grey value per phase"),
        ({"blur_px": -1.0}, "blur_px"),
        ({"residual_px": math.nan}, "residual_px"),
    ],
)
def test_what_makes_no_images_is_refused(change, words):
    volume = bar()
    options = {"levels": (0, 0, 1.0, 12.0), "blur_px": 1.0, "noise": SILENT, "seed": 0} | change
    with pytest.raises(InputError, match=words):
        twin_images(volume, series_of(volume), **options)


def test_phases_of_another_field_are_refused():
    with pytest.raises(InputError, match="shape"):
        twin_images(
            bar((64, 10, 64)),
            series_of(bar()),
            levels=(0, 0, 1, 2),
            blur_px=1.0,
            noise=SILENT,
            seed=0,
        )
