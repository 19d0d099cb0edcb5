"""Two samples: against published values and scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from napari_snpore.comparison.effect_size import hedges_g, holm_adjusted, welch_test


def sample(mean, sd, n):
    x = np.linspace(-1, 1, n)
    return mean + sd * (x - x.mean()) / x.std(ddof=1)


@pytest.mark.parametrize(("n_a", "n_b"), [(2, 2), (3, 5), (12, 7)])
def test_welch_is_that_of_scipy(n_a, n_b):
    rng = np.random.default_rng(n_a)
    a, b = rng.normal(0, 1, n_a), rng.normal(1, 3, n_b)
    half, p = welch_test(a, b)
    other = stats.ttest_ind(b, a, equal_var=False)
    low, high = other.confidence_interval(0.95)
    assert p == pytest.approx(other.pvalue, rel=1e-9)
    assert half == pytest.approx((high - low) / 2, rel=1e-9)


def test_holm_by_hand():
    """Five values: 0.01·5, 0.02·4, 0.03·3, then none below the one before it; the unknown one does
    not count.
    """
    found = holm_adjusted([0.03, 0.01, math.nan, 0.05, 0.02, 0.04])
    assert found[[1, 4, 0, 5, 3]] == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert math.isnan(found[2])
    assert holm_adjusted([0.7, 0.9]).tolist() == [1.0, 1.0]


def test_hedges_g_of_a_textbook():
    """Borenstein et al., Introduction to Meta-Analysis (2009), chapter 4: means 103 and 100, standard
    deviations 5.5 and 4.5, n = 50 each give d = 0.5970 and g = 0.5924, variance 0.0411.
    """
    g, low, high = hedges_g(sample(100, 4.5, 50), sample(103, 5.5, 50))
    assert g == pytest.approx(0.5924, abs=5e-5)
    half = 1.96 * math.sqrt(
        0.0411
    )  # of a normal distribution, which 98 degrees of freedom are near
    assert (low, high) == pytest.approx((0.5924 - half, 0.5924 + half), abs=0.01)


@pytest.mark.parametrize(("n_a", "n_b", "shift"), [(3, 3, 2.0), (4, 6, -0.5), (10, 3, 4.0)])
def test_ends_of_the_effect_put_the_observed_t_at_the_percentiles(n_a, n_b, shift):
    a, b = sample(0, 1, n_a), sample(shift, 1, n_b)
    _, low, high = hedges_g(a, b)
    scale = math.sqrt(1 / n_a + 1 / n_b)
    t = stats.ttest_ind(b, a).statistic
    assert stats.nct.cdf(t, n_a + n_b - 2, low / scale) == pytest.approx(0.975, abs=3e-4)
    assert stats.nct.cdf(t, n_a + n_b - 2, high / scale) == pytest.approx(0.025, abs=3e-4)


def test_a_huge_effect_has_an_interval():
    g, low, high = hedges_g([1.0, 1.01, 1.02], [2.0, 2.02, 2.01])
    assert low < g < high


def test_samples_without_scatter_have_no_test():
    """0.7 + 0.1 is not 0.8 in floating point: its last digit is no scatter."""
    a, b = [0.8, 0.8, 0.7 + 0.1], [1.0, 1.0, 1.0]
    assert math.isnan(welch_test(a, b).p)
    assert math.isnan(hedges_g(a, b).g)


def test_the_true_effect_lies_in_95_of_100_intervals():
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(600):
        _, low, high = hedges_g(rng.normal(0, 1, 3), rng.normal(1.5, 1, 4))
        held += low <= 1.5 <= high
    assert 0.92 < held / 600 < 0.98
