"""Thresholds judged by the images: exact classes, a phantom, and maps drawn by hand."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from napari_snpore import (
    NoiseModel,
    TiltSeries,
    Volume,
    gray_histogram,
    make_phantom,
    projection_residual,
    simulate_tilt_series,
    suggest_thresholds,
)
from napari_snpore.errors import DisagreementError, InputError, Stopped
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.thresholds import Suggestion

UNIT = NoiseModel(1.0, 0.0, np.inf)


def drawn(levels, *, shape=(20, 24, 22)):
    """Random compact classes of the given levels, and their projections along z and x, by sums."""
    field = gaussian_filter(np.random.default_rng(5).normal(size=shape), 2)
    cuts = np.quantile(field, np.linspace(0.6, 0.92, len(levels)))
    gray = np.array([0.0, *levels], np.float32)[np.digitize(field, cuts)]
    side = max(shape)
    padded = np.zeros((side, shape[1], side), np.float32)
    padded[: shape[0], :, : shape[2]] = gray
    images = np.stack([padded.sum(axis=0), padded.sum(axis=2).T])
    return padded, TiltSeries(images, [0.0, 90.0], 0.15)


@pytest.mark.parametrize("levels", [(2.0,), (1.0, 12.0), (1.0, 2.0), (1.0, 3.5, 6.0)])
def test_classes_without_noise_give_their_levels_exactly(levels):
    volume, series = drawn(levels)
    found = projection_residual(series, volume, blur_px=0.0, phases=len(levels) + 1, noise=UNIT)
    np.testing.assert_allclose(found.levels, (0.0, *levels), rtol=1e-4)
    assert found.minimum == pytest.approx(0, abs=1e-4)
    middles = [(low + high) / 2 for low, high in zip((0.0, *levels), levels, strict=False)]
    np.testing.assert_allclose(found.suggestion.thresholds, middles)
    assert found.suggestion.method == "projection"
    assert "2 images" in found.suggestion.warning


@pytest.fixture(scope="module")
def fibre():
    """A fibre of 12 nm with tin at 12 times carbon; the volume is its grey values with soft edges
    and noise that hides the gap below carbon, the images have 1,000 counts and a blur of 0.6 px.
    """
    phantom = make_phantom("pristine", shape=(48,) * 3, spacing=0.25, seed=4)
    series = simulate_tilt_series(phantom, angles_deg=np.arange(-69, 70, 2.0), dose=1000, seed=4)
    soft = gaussian_filter(np.array([0, 0, 1, 12], np.float32)[phantom.phases], 0.3)
    soft *= np.random.default_rng(0).normal(1, 0.3, soft.shape)
    volume = Volume(soft.astype(np.float32), phantom.spacing)
    return replace(phantom, volume=volume), series, 0.15 / 0.25


def test_levels_are_found_where_the_histogram_has_no_gap(fibre):
    phantom, series, blur_px = fibre
    suggestion = suggest_thresholds(gray_histogram(phantom.volume))
    assert suggestion.thresholds[0] < 0.1  # vacuum and carbon flow into each other
    found = projection_residual(series, phantom.volume, blur_px=blur_px)
    np.testing.assert_allclose(found.levels, (0, 1, 12), rtol=0.03)
    assert 0.5 < found.minimum < 2
    assert found.suggestion.thresholds[0] == pytest.approx(found.levels[1] / 2, abs=0.01)
    inside = gray_histogram(phantom.volume, mask=phantom.envelope)
    shares = inside.fractions(found.suggestion.thresholds)
    for phase, share in zip((1, 2, 3), shares, strict=True):
        truth = np.mean(phantom.phases[phantom.envelope] == phase)
        assert 100 * share == pytest.approx(100 * truth, abs=2)
    for (low, high), share in zip(found.fraction_ranges(inside), shares, strict=True):
        assert low <= 100 * share <= high
    assert found.residual.shape == (len(found.thresholds),) * 2
    assert np.isnan(found.residual[np.tril_indices(len(found.thresholds))]).all()
    assert found.minimum <= np.nanmin(found.residual)


def test_same_bits_on_any_number_of_threads_and_for_lazy_data(fibre):
    phantom, series, blur_px = fibre
    one = projection_residual(series, phantom.volume, blur_px=blur_px, noise=UNIT, threads=1)
    two = projection_residual(
        series, np.asarray(phantom.volume.data), blur_px=blur_px, noise=UNIT, threads=2
    )
    np.testing.assert_array_equal(one.residual, two.residual)
    np.testing.assert_equal(asdict(one.suggestion), asdict(two.suggestion))  # nan is equal to nan


def test_a_hot_voxel_moves_nothing(fibre):
    phantom, series, blur_px = fibre
    plain = projection_residual(series, phantom.volume, blur_px=blur_px, noise=UNIT)
    hot = np.array(phantom.volume.data)
    hot[2, 16, 3] = 1e7
    found = projection_residual(series, hot, blur_px=blur_px, noise=UNIT)
    np.testing.assert_allclose(found.suggestion.thresholds, plain.suggestion.thresholds, rtol=0.02)
    np.testing.assert_allclose(found.levels, plain.levels, rtol=0.01)


def test_progress_and_stop(fibre):
    phantom, series, blur_px = fibre
    shares = []
    projection_residual(
        series,
        phantom.volume,
        blur_px=blur_px,
        slices=4,
        progress=lambda done, total: shares.append(done / total),
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1
    with pytest.raises(Stopped):
        projection_residual(series, phantom.volume, blur_px=blur_px, should_stop=lambda: True)


def parabola(*, allowance=0.04):
    """R = 1 + (t1 − 3)² + (t2 − 6)² on a fine grid."""
    grid = np.linspace(0.05, 9.95, 100)
    t1, t2 = np.meshgrid(grid, grid, indexing="ij")
    residual = np.where(t2 > t1, 1 + (t1 - 3) ** 2 + (t2 - 6) ** 2, np.nan)
    best = Suggestion((3.0, 6.0), 0.5, None, "projection")
    return ResidualMap(grid, residual, (0.0, 4.0, 8.0), (3.0, 6.0), 1.0, allowance, best, 1.0)


def test_ranges_of_a_parabola_and_even_gray_values():
    values = np.linspace(0, 10, 100_001).reshape(1, 1, -1)
    ranges = parabola().fraction_ranges(gray_histogram(values))
    # a circle of radius 0.2: t1 from 2.8 to 3.2, and t2 − t1 = 3 ± 0.2 √2
    np.testing.assert_allclose(ranges[0], (28, 32), atol=0.15)
    np.testing.assert_allclose(ranges[1], (30 - 2 * 2**0.5, 30 + 2 * 2**0.5), atol=0.5)
    np.testing.assert_allclose(ranges[2], (38, 42), atol=0.15)
    allowed = parabola().allowed
    area = np.count_nonzero(allowed) * 0.1**2
    assert area == pytest.approx(np.pi * 0.2**2, rel=0.15)


def test_nothing_above_the_minimum_allows_only_the_suggestion():
    found = parabola(allowance=0.0)
    np.testing.assert_array_equal(found.allowed_thresholds(), [[3.0, 6.0]])
    assert found.residual_at((3.0, 6.0)) == pytest.approx(1.0, abs=0.01)
    assert np.isnan(found.residual_at((3.0, 11.0)))


def test_what_does_not_fit_is_refused(fibre):
    phantom, series, _ = fibre
    gray = phantom.volume.data
    with pytest.raises(InputError, match=r"needs \(z, 48, 48\)"):
        projection_residual(series, gray[:, :40], blur_px=1.0)
    with pytest.raises(InputError, match="as a TiltSeries"):
        projection_residual(None, gray, blur_px=1.0)
    with pytest.raises(DisagreementError):
        projection_residual(series, Volume(gray, 0.3), blur_px=1.0)
    for blur_px in (-1.0, np.nan, 99.0):
        with pytest.raises(InputError, match="blur_px"):
            projection_residual(series, gray, blur_px=blur_px)
    for phases in (1, 6, 2.5, True):
        with pytest.raises(InputError, match="phases"):
            projection_residual(series, gray, blur_px=1.0, phases=phases)
    with pytest.raises(InputError, match="slices"):
        projection_residual(series, gray, blur_px=1.0, slices=0)
    dark = TiltSeries(np.zeros(series.shape, np.float32), series.angles_deg, 0.25)
    with pytest.raises(InputError, match="no signal"):
        projection_residual(dark, gray, blur_px=1.0, noise=UNIT)
    with pytest.raises(InputError, match="fewer than 3 different"):
        projection_residual(series, (gray > 1).astype(np.uint8), blur_px=1.0, noise=UNIT)


def test_doubts_are_put_in_words(fibre):
    phantom, series, blur_px = fibre
    alike, images = drawn((1.0, 1.2))
    found = projection_residual(images, alike, blur_px=0.0, noise=UNIT)
    assert "1 and 1.2 beside t2 differ by less" in found.suggestion.warning
    few = TiltSeries(series.images[::6], series.angles_deg[::6], 0.25)
    assert (
        "12 images" in projection_residual(few, phantom.volume, blur_px=blur_px).suggestion.warning
    )
    inverted = TiltSeries(series.images.max() - series.images, series.angles_deg, 0.25)
    wrong = projection_residual(inverted, phantom.volume, blur_px=blur_px, noise=UNIT)
    assert wrong.suggestion.warning
