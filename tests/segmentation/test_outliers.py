"""A few voxels far outside all others move no threshold, stay in the counts and are named."""

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.segmentation.calibration import calibrate_gray
from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.segmentation.outliers import most_outliers, outliers_of
from napari_snpore.segmentation.sensitivity import threshold_curve
from napari_snpore.segmentation.thresholds import suggest_thresholds

RULES = ["haadf", "multiotsu", "kmeans", "valley", "mixture", "minimum_error"]
HOT = {"uint8": 255, "uint16": 65535, "int16": 32767, "float32": 1e6}


def balls(dtype, phases=3, n=48, seed=1):
    """Return a ball of carbon (100) with tin (200 or 1300) in it, around it vacuum (20), with
    noise.
    """
    top = 200.0 if dtype == "uint8" else 1300.0
    carbon = 60.0 if dtype == "uint8" else 100.0
    z, y, x = np.indices((n, n, n)) - n / 2 + 0.5
    gray = np.where(z**2 + y**2 + x**2 < 20**2, carbon, 20.0)
    if phases == 3:
        for a, b, c in ((0, 0, 8), (6, 0, -6), (-8, 5, 0), (0, -9, 0)):
            gray[(z - a) ** 2 + (y - b) ** 2 + (x - c) ** 2 < 4.5**2] = top
    gray += np.random.default_rng(seed).normal(0, 4, gray.shape)
    return gray.astype(dtype)


def scattered(gray, count, seed=2):
    """Return the flat indices of some voxels of the vacuum, far from each other."""
    return np.random.default_rng(seed).choice(gray.size, count, replace=False)


@pytest.mark.parametrize("dtype", HOT)
@pytest.mark.parametrize("count", [1, 10, 100])
@pytest.mark.parametrize("method", RULES)
@pytest.mark.parametrize("phases", [2, 3])
def test_hot_voxels_move_no_rule(dtype, count, method, phases):
    gray = balls(dtype, phases)
    clean = suggest_thresholds(gray_histogram(gray), phases=phases, method=method)
    hot = gray.copy()
    hot.flat[scattered(gray, count)] = HOT[dtype]
    found = suggest_thresholds(gray_histogram(hot), phases=phases, method=method)
    shares = gray_histogram(gray).fractions
    np.testing.assert_allclose(shares(found.thresholds), shares(clean.thresholds), atol=0.003)
    if dtype != "uint8":
        said = "1 voxel is" if count == 1 else f"{count} voxels are"
        assert said in found.warning
        assert "as bright as all others" in found.warning


@pytest.mark.parametrize("dtype", ["int16", "float32"])
@pytest.mark.parametrize("method", RULES)
def test_cold_voxels_move_no_rule(dtype, method):
    gray = balls(dtype)
    clean = suggest_thresholds(gray_histogram(gray), method=method)
    gray.flat[scattered(gray, 20)] = -32768
    found = suggest_thresholds(gray_histogram(gray), method=method)
    np.testing.assert_allclose(found.thresholds, clean.thresholds, atol=25)
    assert "20 voxels are far darker than all others" in found.warning


def test_hot_voxels_of_any_height_and_cold_ones_together():
    gray = balls("float32")
    clean = suggest_thresholds(gray_histogram(gray)).thresholds
    places = scattered(gray, 100)
    gray.flat[places[:80]] = np.geomspace(1e4, 1e30, 80)
    gray.flat[places[80:]] = -np.geomspace(1e4, 1e12, 20)
    found = suggest_thresholds(gray_histogram(gray))
    np.testing.assert_allclose(found.thresholds, clean, atol=25)
    assert "80 voxels are more than 6 times as bright" in found.warning
    assert "20 voxels are far darker" in found.warning


def test_the_calibration_does_not_move_either():
    gray = balls("float32")
    clean = calibrate_gray(gray_histogram(gray))
    gray.flat[scattered(gray, 30)] = 1e7
    found = calibrate_gray(gray_histogram(gray))
    assert found.vacuum == pytest.approx(clean.vacuum, abs=1)
    assert found.carbon == pytest.approx(clean.carbon, abs=2)
    assert clean.warning is None
    assert "30 voxels" in found.warning


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_counts_and_fractions_stay_those_of_all_voxels(dtype):
    gray = balls("float32")
    gray.flat[scattered(gray, 90)] = np.round(np.linspace(-2e8, 2e9, 90))
    gray = gray.astype(dtype)
    histogram = gray_histogram(gray)
    assert histogram.counts.sum() == gray.size
    assert (histogram.minimum, histogram.maximum) == (gray.min(), gray.max())
    assert histogram.mean == pytest.approx(gray.astype(float).mean())
    assert histogram.saturated_share == 1 / gray.size
    assert (histogram.edges[0], histogram.edges[-1]) == (gray.min(), gray.max())
    assert (np.diff(histogram.edges) > 0).all()
    numpys, _ = np.histogram(gray.astype(float), histogram.edges)
    assert np.abs(histogram.counts - numpys).sum() <= 4  # voxels on an edge, to rounding
    for limit in (60.0, 700.0, 3e5):
        assert histogram.fractions([limit])[0] == pytest.approx(np.mean(gray < limit), abs=5e-4)


def test_bins_between_the_phases_are_as_fine_as_without_the_hot_voxel():
    gray = balls("float32")
    before = gray_histogram(gray).step
    gray[0, 0, 0] = 1e9
    assert gray_histogram(gray).step < 2.5 * before


def test_an_ordinary_volume_has_no_outliers():
    rng = np.random.default_rng(0)
    for values in (
        rng.normal(0, 1, 200_000),
        rng.exponential(1, 200_000),
        rng.random(200_000),
        np.where(rng.random(200_000) < 0.01, 12.0, 1.0) + rng.normal(0, 0.2, 200_000),
    ):
        histogram = gray_histogram(values.astype(np.float32).reshape(200, 100, 10))
        assert histogram.tails == (0, 0)
        assert outliers_of(histogram).sentence() is None
        assert histogram.core.voxel_count >= values.size - 10


def test_a_small_third_phase_is_no_outlier_where_only_two_values_are_left():
    """Bulk 0 and 1; the 12 of 20 voxels is kept, for three phases need three values."""
    gray = np.zeros((20, 20, 20), np.uint8)
    gray[:5] = 1
    gray[0, 0, :10] = 12
    t1, t2 = suggest_thresholds(gray_histogram(gray)).thresholds
    assert 0 < t1 <= 1 < t2 <= 12


def test_a_volume_of_one_value_and_a_few_others_has_no_core():
    gray = np.zeros((40, 40, 40), np.float32)
    gray[0, 0, :3] = 5.0
    histogram = gray_histogram(gray)
    assert histogram.core is histogram
    assert histogram.counts.sum() == gray.size
    with pytest.raises(InputError, match="fewer than 3 different"):
        suggest_thresholds(histogram)


def test_how_many_may_be_outliers():
    """128 in a volume of a million, a hundred-thousandth of a large one, 0.2 % of a slice."""
    assert [most_outliers(n) for n in (100, 10_000, 10**6, 10**9)] == [0, 20, 128, 10_000]


def test_the_curve_of_a_threshold_spans_the_phases():
    gray = balls("float32")
    gray[0, 0, 0] = 1e9
    places = threshold_curve(gray_histogram(gray), [60.0, 700.0], 1)["threshold_gray"]
    assert 1300 < places.max() < 3000


@pytest.mark.parametrize("threads", ["1", "2"])
def test_bits_do_not_depend_on_threads(threads, monkeypatch):
    gray = balls("float32")
    gray.flat[scattered(gray, 50)] = np.geomspace(1e4, 1e9, 50)
    monkeypatch.setenv("SNPORE_THREADS", "1")
    one = gray_histogram(gray)
    monkeypatch.setenv("SNPORE_THREADS", threads)
    other = gray_histogram(gray)
    np.testing.assert_array_equal(one.counts, other.counts)
    np.testing.assert_array_equal(one.edges, other.edges)
