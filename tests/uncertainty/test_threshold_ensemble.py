"""Joint draws of thresholds, blur and envelope, with numbers that follow them by a known rule."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore.errors import InputError, Stopped
from napari_snpore.uncertainty.threshold_ensemble import (
    Choices,
    as_three_times,
    ensemble_spread,
    threshold_ensemble,
)

PORE, COUNT = ("pore", "%"), ("clusters", "1")


def evaluate(thresholds, occlusion, ray_nm):
    """Pore follows t1, τ and the ray length; the count is a step of t2."""
    t1, t2 = thresholds
    around = 0.0 if math.isnan(occlusion) else 50 * occlusion + ray_nm
    return {PORE: 30 + 10 * t1 + around, COUNT: 5.0 if t2 < 3 else 4.0}


CHOICES = Choices(
    thresholds=(1.0, 2.0),
    allowed=[(t1, 2.0) for t1 in np.linspace(0.9, 1.1, 101)],
    occlusion_threshold=0.5,
    ray_length_nm=5.0,
    blur_sd_px=0.1,
    per_px={PORE: 20.0},
)


def spreads(draws=2000, choices=CHOICES, **given):
    found = ensemble_spread(threshold_ensemble(evaluate, choices, draws=draws, **given))
    return found[found["quantity"] == "pore"].set_index("source")["spread"]


def test_each_source_has_the_spread_of_its_own_range():
    found = spreads()
    assert found["thresholds"] == pytest.approx(10 * 0.2 / math.sqrt(12), rel=0.05)
    assert found["blur"] == pytest.approx(20 * 0.1, rel=0.05)
    # τ within 0.02 and the ray length within a fifth of 5 nm, both uniform
    assert found["envelope"] == pytest.approx(math.hypot(50 * 0.02, 1.0) / math.sqrt(3), rel=0.05)
    squares = sum(found[name] ** 2 for name in ("thresholds", "blur", "envelope"))
    assert found["together"] == pytest.approx(math.sqrt(squares), rel=0.05)


@pytest.mark.parametrize("source", ["thresholds", "blur", "envelope"])
def test_a_source_alone_gives_its_own_spread(source):
    assert spreads(sources=[source])["together"] == pytest.approx(spreads()[source], rel=0.1)


def test_draws_of_one_source_do_not_depend_on_the_others():
    every = threshold_ensemble(evaluate, CHOICES, draws=5, seed=3)
    alone = threshold_ensemble(evaluate, CHOICES, draws=5, seed=3, sources=["thresholds"])
    assert every["t1_gray"].tolist() == alone["t1_gray"].tolist()
    again = threshold_ensemble(evaluate, CHOICES, draws=5, seed=4)
    assert every["t1_gray"].tolist() != again["t1_gray"].tolist()


def test_thresholds_beside_those_allowed_count_from_the_ones_used():
    choices = Choices((1.0, 2.0), [(1.2, 2.0)])
    assert spreads(25, choices)["together"] == pytest.approx(10 * 0.2)


def test_nothing_in_doubt_is_no_spread():
    found = ensemble_spread(threshold_ensemble(evaluate, Choices((1.0, 2.0)), draws=4))
    assert found["spread"].tolist() == [0.0, 0.0]


def test_draws_that_are_refused_are_left_out_and_counted():
    def refuses(thresholds, occlusion, ray_nm):
        if thresholds[0] > 1.05:
            raise InputError("No voxel reaches the first threshold.")
        return evaluate(thresholds, occlusion, ray_nm)

    found = ensemble_spread(threshold_ensemble(refuses, CHOICES, draws=40))
    assert 20 < found["n"].iloc[0] < 40
    assert found["spread"].isna().all(), "a quarter of the draws is lost"


def test_thrice_is_mean_and_deviation_of_three():
    table = threshold_ensemble(evaluate, CHOICES, draws=3)
    change = table[(table["quantity"] == "pore") & (table["draw"] > 0)]["change"]
    row = as_three_times(table).iloc[0]
    assert (row["mean"], row["sd"]) == pytest.approx((change.mean(), change.std(ddof=1)))


def test_what_is_refused():
    with pytest.raises(InputError, match="draws is 0"):
        threshold_ensemble(evaluate, CHOICES, draws=0)
    with pytest.raises(InputError, match="source 'noise' is unknown"):
        threshold_ensemble(evaluate, CHOICES, sources=["noise"])
    with pytest.raises(Stopped):
        threshold_ensemble(evaluate, CHOICES, should_stop=lambda: True)
