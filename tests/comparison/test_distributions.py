"""Distributions of sizes: distances against scipy, intervals that vary with the fibre, bins."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from fibres import fibre, objects, pores, slices
from scipy import stats

from napari_snpore.comparison.bins import PAPER_BINS
from napari_snpore.comparison.compare import compare_states
from napari_snpore.comparison.distributions import distances_of_size, state_objects


def one(name, table, **parts):
    return fibre(name, pores(30.0, 1.0), objects={"Sn": table}, **parts)


def random_objects(rng, count=400, scale=1.0, length_nm=100.0):
    return objects(scale * rng.gamma(6, 0.25, count), rng.uniform(0, length_nm, count))


def row_of(found, quantity="length", weighting="number"):
    table = found.distributions
    chosen = (table["quantity"] == quantity) & (table["weighting"] == weighting)
    assert chosen.sum() == 1
    return table[chosen].iloc[0]


def test_the_distance_by_number_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a, b = random_objects(rng), random_objects(rng, 250, 1.2)
    found = compare_states({"a": [one("x", a)], "b": [one("y", b)]})
    for quantity, column in (("length", "length_nm"), ("volume", "volume_nm3")):
        expected = stats.ks_2samp(a[column], b[column]).statistic
        assert row_of(found, quantity)["ks_distance"] == pytest.approx(expected, abs=1e-12)


def test_the_distance_by_volume_by_hand():
    """Volumes in units of π/6: a 1 and 8, b 8 alone: below 2 nm lies 1/9 of a and nothing of b."""
    a, b = objects([1.0, 2.0], [0.0, 50.0]), objects([2.0, 2.0], [0.0, 50.0])
    found = compare_states({"a": [one("x", a)], "b": [one("y", b)]})
    assert row_of(found)["ks_distance"] == 0.5
    assert row_of(found, weighting="volume")["ks_distance"] == pytest.approx(1 / 9)


def test_cut_objects_are_left_out_and_shapes_are_of_resolved_ones():
    cut = objects([1.0, 1.0, 9.0], [0, 50, 100], cut=[False, False, True])
    small = objects([1.0, 1.0], [0, 50], resolved=[True, False])
    found = compare_states({"a": [one("x", cut)], "b": [one("y", small)]})
    assert row_of(found)[["objects_a", "objects_b", "ks_distance"]].tolist() == [2, 2, 0.0]
    assert row_of(found, "aspect ratio")[["objects_a", "objects_b"]].tolist() == [2, 1]


def test_fibres_count_alike_whatever_their_objects():
    """1000 objects of 1 nm in one fibre, 10 of 3 nm in the other: half of the state lies below 2."""
    many, few = objects(np.ones(1000), np.arange(1000)), objects(np.full(10, 3.0), np.arange(10))
    other = objects(np.full(5, 3.0), np.arange(5))
    found = compare_states({"a": [one("x", many), one("y", few)], "b": [one("z", other)]})
    assert row_of(found)["ks_distance"] == 0.5


def test_n_counts_the_fibres_that_have_an_object():
    """Of two fibres of b the box cuts the only object of one: the mean is of the other alone."""
    table, cut = objects([1.0, 2.0], [1.0, 9.0]), objects([5.0], [4.0], cut=True)
    found = compare_states({"a": [one("x", table)], "b": [one("y", table), one("z", cut)]})
    assert set(found.distributions["n_b"]) == {1}
    assert set(found.shares.loc[found.shares["state"] == "b", "n"]) == {1}
    assert set(found.distributions["ks_distance"]) == {0.0}


def test_equal_states_are_below_the_error_and_an_empty_one_is_not_known():
    rng = np.random.default_rng(1)
    table = random_objects(rng)
    found = compare_states({"a": [one("x", table)], "b": [one("y", table)]})
    assert row_of(found)["ks_distance"] == 0
    assert found.distributions["below_error"].dropna().all()
    none = compare_states({"a": [one("x", table)], "b": [one("y", table.iloc[:0])]})
    assert math.isnan(row_of(none)["ks_distance"])


def flagged(make, repeats):
    """Share of pairs of equal fibres that are called different."""
    count = 0
    for k in range(repeats):
        rng = np.random.default_rng([7, k])
        results = {state: [one(state, *make(rng))] for state in ("a", "b")}
        states = state_objects(results, draws=200, seed=k)["Sn"]
        count += not distances_of_size(states, "length_nm", "number")[0]["below_error"]
    return count / repeats


def test_of_equal_fibres_five_of_100_are_called_different():
    assert flagged(lambda rng: (random_objects(rng),), 150) < 0.1


def test_neighbours_that_are_alike_make_the_interval_wider():
    """Objects in stretches of 4 nm have one size each: the number of objects says nothing, and a
    plain test of Kolmogorov and Smirnov calls most of such pairs different.
    """

    def table(rng):
        stretch = np.repeat(np.arange(50), 20)
        size = rng.gamma(6, 0.25, 50)
        return objects(size[stretch], 4.0 * stretch + rng.uniform(0, 4.0, 1000)), size

    def with_slices(rng):
        objects_along, size = table(rng)
        along = slices(np.repeat(size / 10, 4))
        return objects_along, along

    count = 0
    for k in range(80):
        rng = np.random.default_rng([9, k])
        results = {}
        for state in ("a", "b"):
            objects_along, along = with_slices(rng)
            results[state] = [replace(one(state, objects_along), tables={"slabs": along})]
        states = state_objects(results, draws=200, seed=k)["Sn"]
        count += not distances_of_size(states, "length_nm", "number")[0]["below_error"]
        pair = [results[state][0].objects["Sn"]["length_nm"] for state in ("a", "b")]
        assert stats.ks_2samp(*pair).pvalue < 0.05
    assert count / 80 < 0.15


def test_another_size_is_called_different():
    rng = np.random.default_rng(3)
    a, b = random_objects(rng, 800), random_objects(rng, 800, 1.3)
    row = row_of(compare_states({"a": [one("x", a)], "b": [one("y", b)]}))
    assert not row["below_error"]
    assert 0 < row["low_95"] < row["ks_distance"] < row["high_95"] <= 1


def test_slabs_are_two_correlation_lengths_thick_or_it_is_said():
    """Blocks of 10 nm: correlated over 5 to 10 nm, so that 400 nm hold 20 slabs at least; 60 nm hold
    too few.
    """
    rng = np.random.default_rng(4)
    long = slices(np.repeat(rng.uniform(0.1, 0.3, 40), 10))
    short = slices(np.repeat(rng.uniform(0.1, 0.3, 6), 10))
    table = objects(rng.gamma(6, 0.25, 300), rng.uniform(0, 60, 300))
    stretched = table.assign(centroid_y_nm=table["centroid_y_nm"] * 400 / 60)
    found = compare_states(
        {
            "long": [one("x", stretched, tables={"slabs": long})],
            "short": [one("y", table, tables={"slabs": short})],
        }
    )
    row = row_of(found)
    assert 20 <= int(row["slabs_a"]) <= 40
    assert row["slabs_b"] == "8"
    said = [note for note in found.notes if "Too short for 8 slabs" in note]
    assert len(said) == 1
    assert "short" in said[0]
    assert "long" not in said[0]


def test_without_a_place_there_is_no_interval():
    table = objects([1.0, 2.0, 3.0], [0, 1, 2]).drop(columns="centroid_y_nm")
    found = compare_states({"a": [one("x", table)], "b": [one("y", table)]})
    assert math.isnan(row_of(found)["low_95"])
    assert any("No place along the fibre" in note for note in found.notes)


def test_same_seed_same_bits_and_the_order_of_states_does_not_matter():
    rng = np.random.default_rng(6)
    a, b = random_objects(rng), random_objects(rng)
    results = {"a": [one("x", a)], "b": [one("x", b)]}
    found = row_of(compare_states(results, seed=4))
    again = row_of(compare_states(results, seed=4))
    turned = row_of(compare_states(dict(reversed(results.items())), seed=4))
    other = row_of(compare_states(results, seed=5))
    assert found["high_95"] == again["high_95"] == turned["high_95"] != other["high_95"]


def test_shares_in_bins_by_hand():
    """Of lengths 0.25, 1.9, 2.0, 4.0 and 7 nm one lies in each of five bins, two beyond the last edge
    among them; an aspect ratio of 1 belongs to the last bin.
    """
    found = compare_states(
        {"a": [one("x", objects([0.25, 1.9, 2.0, 4.0, 7.0], np.arange(5)))]}
    ).shares
    lengths = found[(found["quantity"] == "length") & (found["weighting"] == "number")]
    shares = dict(zip(lengths["bin_from"], lengths["share_percent"], strict=True))
    expected = {0.25: 20.0, 1.75: 20.0, 2.0: 20.0, 4.0: 40.0}
    assert {place: share for place, share in shares.items() if share} == pytest.approx(expected)
    assert math.isinf(lengths["bin_to"].iloc[-1])
    ratios = found[(found["quantity"] == "aspect ratio") & (found["weighting"] == "number")]
    assert ratios["share_percent"].tolist() == [0.0] * 19 + [100.0]
    assert ratios["bin_to"].iloc[-1] == 1.0


def test_shares_add_up_and_hold_the_share_of_all():
    """The share shorter than 1.5 nm of a gamma distribution, k = 6, θ = 0.25, from scipy."""
    rng = np.random.default_rng(8)
    found = compare_states(
        {"a": [one("x", random_objects(rng, 2000))]}, bins={"length_nm": [0, 1.5, 10]}
    ).shares
    row = found[(found["weighting"] == "number")].iloc[0]
    expected = 100 * stats.gamma.cdf(1.5, 6, scale=0.25)
    assert row["low_95"] < expected < row["high_95"]
    sums = found.groupby("weighting")["share_percent"].sum()
    assert sums.tolist() == pytest.approx([100.0, 100.0])


def test_bins_of_the_paper_have_its_limits_among_their_edges():
    """Definitions, section 12: shorter than 2 nm, aspect ratios 0.25 to 0.80 and 0.95 to 1.00, 0.25 to
    4.00 nm.
    """
    for limit in (0.25, 2.0, 4.0):
        assert limit in PAPER_BINS["length_nm"]
    for limit in (0.25, 0.8, 0.95, 1.0):
        assert np.isclose(PAPER_BINS["aspect_ratio"], limit, atol=1e-12).any()
