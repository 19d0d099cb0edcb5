"""Threshold rules against closed forms: normal distributions whose crossing and overlap are known,
peaks drawn by hand.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.stats import norm
from skimage.filters import threshold_multiotsu

from napari_snpore import gray_histogram, suggest_thresholds
from napari_snpore.errors import InputError
from napari_snpore.segmentation.calibration import GrayCalibration, calibrate_gray
from napari_snpore.segmentation.mixture import fit_mixture
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.segmentation.sensitivity import threshold_curve, threshold_sensitivity
from napari_snpore.segmentation.thresholds import Method, Suggestion
from napari_snpore.study.segmentation_report import clarity_words


def two_modes(n=400_000, share=0.5, apart=4.0, deviation=1.0):
    rng = np.random.default_rng(0)
    second = rng.random(n) < share
    return (
        np.where(second, rng.normal(apart, deviation, n), rng.normal(0, 1, n))
        .astype(np.float32)
        .reshape(-1, 1, 1)
    )


@pytest.mark.parametrize(("share", "deviation"), [(0.5, 1.0), (0.2, 1.0), (0.3, 0.5)])
def test_mixture_crosses_where_both_densities_are_equal(share, deviation):
    found = suggest_thresholds(
        gray_histogram(two_modes(share=share, deviation=deviation)), phases=2, method="mixture"
    )
    grid = np.linspace(0.5, 3.9, 20_000)
    gap = (1 - share) * norm.pdf(grid) - share * norm.pdf(grid, 4, deviation)
    expected = grid[np.argmax(gap < 0)]
    assert found.thresholds[0] == pytest.approx(expected, abs=0.05)


def test_overlap_of_equal_modes_four_deviations_apart():
    found = suggest_thresholds(gray_histogram(two_modes()), phases=2, method="mixture")
    assert found.overlap == pytest.approx(norm.sf(2), rel=0.1)


def test_mixture_finds_shares_means_and_deviations():
    rng = np.random.default_rng(1)
    values = np.concatenate(
        [rng.normal(0, 1, 60_000), rng.normal(6, 0.5, 30_000), rng.normal(12, 2, 10_000)]
    )
    histogram = gray_histogram(values.reshape(-1, 1, 1))
    mixture = fit_mixture(histogram.counts.astype(float), histogram.centers, 3)
    assert mixture.shares == pytest.approx([0.6, 0.3, 0.1], abs=0.01)
    assert mixture.means == pytest.approx([0, 6, 12], abs=0.1)
    assert mixture.deviations == pytest.approx([1, 0.5, 2], rel=0.1)


def test_kmeans_lies_half_way_between_the_means_of_otsus_classes():
    rng = np.random.default_rng(2)
    data = np.clip(
        np.concatenate(
            [rng.normal(40, 9, 5000), rng.normal(120, 9, 3000), rng.normal(210, 9, 2000)]
        ),
        0,
        255,
    )
    data = data.astype(np.uint8).reshape(100, 10, 10)
    low, high = threshold_multiotsu(data, 3)
    means = [
        data[part].mean() for part in (data <= low, (data > low) & (data <= high), data > high)
    ]
    found = suggest_thresholds(gray_histogram(data), method="kmeans").thresholds
    assert found == pytest.approx([(means[0] + means[1]) / 2, (means[1] + means[2]) / 2], abs=1)


def test_valley_lies_in_the_lowest_count():
    counts = np.concatenate(
        [[5, 9, 20, 9, 4, 2, 1, 2, 5, 12, 30, 12, 5, 3, 2, 1, 1, 1, 4, 10, 25, 10, 3]]
    )
    data = np.repeat(np.arange(len(counts)), counts * 20).astype(np.uint8).reshape(-1, 1, 1)
    low, high = suggest_thresholds(gray_histogram(data), method="valley").thresholds
    assert low == pytest.approx(6, abs=0.6)
    assert high == pytest.approx(16, abs=1.1)


def test_valley_says_where_there_are_too_few_peaks():
    ramp = np.repeat(np.arange(64), np.arange(64) + 1).astype(np.uint8).reshape(-1, 1, 1)
    with pytest.raises(InputError, match="take another rule"):
        suggest_thresholds(gray_histogram(ramp), phases=2, method="valley")


def test_calibration_is_the_same_for_any_gain_and_offset():
    rng = np.random.default_rng(3)
    share = rng.random(200_000)
    level = np.where(share < 0.45, 0.0, np.where(share < 0.85, 1.0, 12.0))
    gray = (level + rng.normal(0, 0.1, level.size)).astype(np.float32).reshape(-1, 10, 10)
    rule = (0.5, 6.0)
    for gain, offset in ((1.0, 0.0), (37.0, 500.0)):
        found = calibrate_gray(gray_histogram(gray * gain + offset))
        assert found.vacuum == pytest.approx(offset, abs=0.05 * gain)
        assert found.carbon == pytest.approx(offset + gain, abs=0.05 * gain)
        assert found.to_gray(rule) == pytest.approx(
            [offset + gain / 2, offset + 6 * gain], abs=0.5 * gain
        )
        assert found.to_calibrated(found.to_gray(rule)) == pytest.approx(rule)
    with pytest.raises(InputError, match="does not lie above"):
        GrayCalibration(2.0, 1.0)


def test_fraction_of_evenly_spread_values_follows_its_threshold_in_proportion():
    """Values from 0 to 10: a grey unit is 10 percentage points, and one point is a tenth of a
    unit.
    """
    histogram = gray_histogram(np.linspace(0, 10, 1_000_000).reshape(100, 100, 100))
    table = threshold_sensitivity(histogram, [3.0, 6.0], names=["pore", "C", "Sn"])
    assert table["phase"].tolist() == ["pore", "C", "C", "Sn"]
    assert table["fraction_percent"].to_numpy() == pytest.approx([30, 30, 30, 40], abs=0.01)
    assert table["change_percent_per_gray"].to_numpy() == pytest.approx(
        [10, -10, 10, -10], rel=0.01
    )
    assert table["plateau_from_gray"].to_numpy() == pytest.approx([2.9, 2.9, 5.9, 5.9], abs=0.02)
    assert table["plateau_to_gray"].to_numpy() == pytest.approx([3.1, 3.1, 6.1, 6.1], abs=0.02)


def test_an_empty_gap_is_a_plateau():
    data = np.repeat([10, 200], [600, 400]).astype(np.uint8).reshape(10, 10, 10)
    table = threshold_sensitivity(gray_histogram(data), [100])
    assert (table["change_percent_per_gray"] == 0).all()
    assert table["plateau_from_gray"].max() <= 12
    assert table["plateau_to_gray"].min() >= 198
    curve = threshold_curve(gray_histogram(data), [100], 0)
    assert set(np.round(curve["phase_1_percent"])) <= {0, 60, 100}


@pytest.mark.parametrize(("offset", "unit"), [(1e9, 1.0), (-1e9, 1.0), (0.0, 1e290), (0.0, 1e-200)])
@pytest.mark.parametrize("method", get_args(Method))
def test_no_rule_depends_on_offset_or_unit_of_the_grey_values(method, offset, unit):
    """a + b·v has the thresholds a + b·t: at 10⁹ the float64 steps are 10⁻⁷."""
    rng = np.random.default_rng(0)
    gray = np.concatenate(
        [rng.normal(*peak) for peak in ((5, 2, 20000), (100, 6, 8000), (1300, 60, 1500))]
    ).reshape(1, 1, -1)
    phases = 2 if method == "li" else 3
    one = suggest_thresholds(gray_histogram(gray), phases=phases, method=method)
    other = suggest_thresholds(gray_histogram(offset + unit * gray), phases=phases, method=method)
    found = (np.array(other.thresholds) - offset) / unit
    np.testing.assert_allclose(found, one.thresholds, rtol=1e-6)
    assert other.separation == pytest.approx(one.separation, abs=1e-6)
    assert other.overlap == pytest.approx(one.overlap, abs=1e-6, nan_ok=True)


def test_a_rule_of_two_phases_names_no_tin():
    assert "Sn" in rule_name("haadf")
    assert "Sn" not in rule_name("haadf", phases=2)
    assert rule_name("li", phases=2) == rule_name("li")
    words = clarity_words(Suggestion((0.5,), 0.9, None, "haadf"))
    assert words.startswith(rule_name("haadf", phases=2))
