"""Measurement of restoration by learning: the slope of its loss against differences, its planes by
hand, its errors by construction. Training itself needs JAX and optax.
"""

import sys

import numpy as np
import pytest
import scipy

from benchmarks import learned_training as training
from benchmarks.learned import fewest_wrong, planned_cases, wedge_error
from benchmarks.learned_network import (
    first_parameters,
    jax_modules,
    layer_sizes,
    stacked_planes,
)
from benchmarks.learned_training import TrainingSettings, Views, train
from napari_snpore.errors import MissingExtraError
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.wbp import ramp_filter

ANGLES = np.arange(-66, 67, 6.0)


def rod(n=24, slices=16):
    """A rod of grey value 1 with a hole and a bright core, along y."""
    z, _, x = np.mgrid[:n, :slices, :n] - (n - 1) / 2
    volume = (np.hypot(z, x) < 0.4 * n).astype(np.float32)
    volume[np.hypot(z - 4, x + 3) < 2.5] = 0
    volume[np.hypot(z + 3, x - 3) < 2.5] = 5
    return volume


def views_of(volume, seed, noise=0.5):
    rng = np.random.default_rng(seed)
    images = blur_images(project(volume, ANGLES), 1.0)
    images += rng.normal(0, noise, images.shape).astype(np.float32)
    weights = rng.uniform(0.5, 1.5, images.shape).astype(np.float32)
    return Views(images, weights, ANGLES, 1.0)


def test_planes_carry_their_neighbours_mirrored_at_the_ends_and_padded():
    volume = np.zeros((3, 6, 5), np.float32)
    volume[:] = np.arange(6)[:, None]
    planes = stacked_planes(volume, np.array([0, 3, 5]))
    assert planes.shape == (3, 4, 8, 5)
    assert planes[:, 0, 0].tolist() == [[2, 1, 0, 1, 2], [1, 2, 3, 4, 5], [3, 4, 5, 4, 3]]
    assert not planes[:, 3].any()
    assert not planes[:, :, 5:].any()


def test_there_are_as_many_weights_as_stated():
    weights = sum(kernel.size + bias.size for kernel, bias in first_parameters(16, 0))
    assert 0.11e6 < weights < 0.13e6
    assert len(first_parameters(8, 0)) == len(layer_sizes(8)) + 1


@pytest.mark.parametrize(("first", "rim"), [(0, (0, 2)), (2, (2, 2)), (4, (2, 0))])
def test_the_slope_is_that_of_the_loss(first, rim):
    views = views_of(rod(), 1)
    rng = np.random.default_rng(2)
    planes = rng.uniform(0, 2, (12, 24, 24)).astype(np.float32)
    rows = slice(first, first + 12)
    slope = training._slope(planes, views, rows, (24, 16), None)

    def loss(values):
        volume = np.ascontiguousarray(values.transpose(1, 0, 2))
        rest = views.rest(volume, rows).astype(np.float64)
        rest[:, : rim[0]] = 0
        rest[:, 12 - rim[1] :] = 0
        rest *= np.sqrt(views.weights[:, rows])
        size = scipy.fft.next_fast_len(2 * 24, real=True)
        spectra = scipy.fft.rfft(rest, size, axis=2) * ramp_filter(size, "ram-lak")
        filtered = scipy.fft.irfft(spectra, size, axis=2)[..., :24]
        return 0.5 * (rest * filtered).sum() * np.pi / len(ANGLES)

    for _ in range(3):
        way = rng.normal(size=planes.shape).astype(np.float32)
        change = (loss(planes + 0.5 * way) - loss(planes - 0.5 * way)) / 1.0
        assert (slope.astype(np.float64) * way).sum() == pytest.approx(change, rel=2e-3)


def test_without_its_packages_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "optax", None)
    with pytest.raises(MissingExtraError, match="pip install jax optax"):
        jax_modules()


def trained(seed=0):
    truth = rod()
    volume = truth + np.random.default_rng(3).normal(0, 0.3, truth.shape).astype(np.float32)
    halves = views_of(truth, 4), views_of(truth, 5)
    settings = TrainingSettings(features=4, epochs=40, seed=seed)
    return volume, train((volume, volume), halves, volume, views_of(truth, 6), settings)


def test_training_predicts_unseen_images_better_and_is_repeatable():
    pytest.importorskip("jax", reason="jax and optax are not installed")
    volume, network = trained()
    squares = [square for _, square in network.curve]
    assert min(squares) < 0.9 * squares[0]
    restored = network.apply(volume)
    off = [np.linalg.norm(one - rod()) for one in (restored, volume)]
    assert off[0] < 0.9 * off[1]
    assert restored.shape == volume.shape
    assert (restored >= 0).all()
    assert np.array_equal(trained()[1].apply(volume), restored)
    assert not np.array_equal(trained(seed=1)[1].apply(volume), restored)


def test_only_waves_steeper_than_the_steepest_tilt_count_for_the_wedge():
    z, _, x = np.mgrid[:32, :8, :32]
    truth = np.float32(np.cos(2 * np.pi * 3 * z / 32) + np.cos(2 * np.pi * 3 * x / 32))
    along_z, along_x = (np.float32(np.cos(2 * np.pi * 3 * axis / 32)) for axis in (z, x))
    assert wedge_error(along_z, truth) == pytest.approx(1, abs=1e-5)
    assert wedge_error(0.5 * along_z, truth) == pytest.approx(0.5, abs=1e-5)
    assert wedge_error(along_x, truth) == pytest.approx(0, abs=1e-5)


def test_an_untrained_network_returns_its_input():
    pytest.importorskip("jax", reason="jax and optax are not installed")
    volume = rod()
    network = training.RestoringNetwork(first_parameters(4, 0), 1.25, ())
    assert np.allclose(network.apply(volume), volume, atol=1e-6)


def test_the_best_thresholds_of_phases_apart_are_without_a_wrong_voxel():
    phases = np.random.default_rng(7).integers(1, 4, 3000).astype(np.uint8)
    gray = np.float32([0, 0.1, 1.0, 7.0])[phases]
    assert fewest_wrong(gray, phases) == 0
    swapped = gray.copy()
    swapped[:30] = np.float32([0, 1.0, 0.1, 7.0])[phases[:30]]
    expected = (phases[:30] < 3).sum() / 3000
    assert fewest_wrong(swapped, phases) == pytest.approx(expected)


def test_cases_differ_in_what_the_table_tells_them_apart_by():
    cases = planned_cases(96, (100.0, 1000.0), 3, 2, 20.0)
    columns = {tuple(case.columns().values()) for case in cases}
    assert len(columns) == len(cases) == 2 * 2 * 3 * 2
    assert [case.phantom.dose for case in cases[:2]] == [100.0, 1000.0]
