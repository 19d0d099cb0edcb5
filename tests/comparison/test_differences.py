"""Numbers of states and their differences: closed cases, coverage over seeded simulations, and what
happens where numbers are missing.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from fibres import NAN, fibre, number, pores
from scipy import stats

from napari_snpore.comparison.compare import compare_states
from napari_snpore.comparison.number_tables import differences_table, numbers_of_states
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.errors import InputError
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS


def only_difference(a, b):
    table = compare_states({"a": a, "b": b}).differences
    assert len(table) == 1
    return table.iloc[0]


def coverage(truth, repeats, make):
    """Share of simulated comparisons whose interval holds the true difference."""
    held = 0
    for _ in range(repeats):
        a, b = make()
        row = differences_table(numbers_of_states({"a": a, "b": b})).iloc[0]
        held += row["low_95"] <= truth <= row["high_95"]
    return held / repeats


def test_one_fibre_each_by_hand():
    """Halves 3 and 4 make 5."""
    row = only_difference([fibre("x", pores(30.0, 3.0))], [fibre("y", pores(24.0, 4.0))])
    assert (row["difference"], row["low_95"], row["high_95"]) == (-6.0, -11.0, -1.0)
    assert row["below_error"] is np.False_ or row["below_error"] == False  # noqa: E712
    assert (row["n_a"], row["n_b"]) == (1, 1)
    assert row[["p_welch", "p_holm", "effect_size", "effect_low_95"]].isna().all()


def test_asymmetric_intervals_are_combined_per_side():
    """b − a: below it count b's lower and a's upper half, 3 and 4; above it 12 and 5."""
    a = fibre("x", number("Sn clusters", "1", 100.0, 95.0, 104.0))
    b = fibre("y", number("Sn clusters", "1", 110.0, 107.0, 122.0))
    row = only_difference([a], [b])
    assert (row["difference"], row["low_95"], row["high_95"]) == (10.0, 5.0, 23.0)


def test_corrected_is_compared_where_both_have_it_and_said_where_one_has():
    a = fibre("x", number("pore fraction, whole", "%", 40.0, 37.0, 41.0, corrected=38.0))
    b = fibre("y", number("pore fraction, whole", "%", 30.0, 27.0, 33.0, corrected=31.0))
    plain = fibre("z", pores(30.0, 3.0))
    both = compare_states({"a": [a], "b": [b]})
    assert both.differences["difference"].tolist() == [-7.0]
    assert both.differences["compared"].tolist() == ["corrected"]
    one = compare_states({"a": [a], "b": [plain]})
    # the interval 37 to 41 holds the truth whichever value it is drawn around: halves 3 and 1
    assert one.differences["difference"].tolist() == [-10.0]
    assert one.differences["compared"].tolist() == ["value"]
    assert one.differences["low_95"].tolist() == pytest.approx([-10 - math.hypot(3, 1)])
    assert one.differences["high_95"].tolist() == pytest.approx([-10 + math.hypot(3, 3)])
    assert any("Compared as counted" in note for note in one.notes)
    assert not any("Compared as counted" in note for note in both.notes)


def test_the_interval_is_extended_to_a_value_that_lies_outside_it():
    a = fibre("x", number("pore fraction, whole", "%", 40.0, 35.0, 39.0, corrected=37.0))
    row = only_difference([a], [fibre("z", pores(40.0, 0.0))])
    assert (row["difference"], row["low_95"], row["high_95"]) == (0.0, 0.0, 5.0)


def test_several_fibres_by_hand():
    """10, 12, 14: mean 12, sd 2, t(2) = 4.303, half 4.303·2/√3 = 4.968."""
    rows = [pores(value, 1.0) for value in (10.0, 12.0, 14.0)]
    state = [fibre(str(k), row) for k, row in enumerate(rows)]
    found = compare_states({"a": state}).states.iloc[0]
    assert (found["n"], found["value"]) == (3, 12.0)
    assert found["high_95"] - 12 == pytest.approx(4.968, abs=1e-3)
    assert found["dominant_source"] == "between fibres"


def test_more_fibres_do_not_make_the_error_of_one_smaller():
    """Three that agree within 0.1, each known to ±3 and ±4: root mean square 3.37."""
    halves = (3.0, 3.0, 4.0)
    state = [fibre(str(k), pores(20 + 0.1 * k, half)) for k, half in enumerate(halves)]
    found = compare_states({"a": state, "b": state}).states.iloc[0]
    assert found["high_95"] - found["value"] == pytest.approx(math.sqrt(34 / 3))
    assert found["dominant_source"] == "wedge"
    difference = compare_states({"a": state, "b": state}).differences.iloc[0]
    assert difference["high_95"] == pytest.approx(math.sqrt(2 * 34 / 3))


def test_several_fibres_have_welch_holm_and_hedges():
    rng = np.random.default_rng(2)
    values = {"a": rng.normal(30, 1, 3), "b": rng.normal(26, 2, 4), "c": rng.normal(30, 1, 3)}
    results = {
        state: [fibre(f"{state}{k}", pores(v, 0.01)) for k, v in enumerate(part)]
        for state, part in values.items()
    }
    table = compare_states(results).differences
    tests = [
        stats.ttest_ind(values[b], values[a], equal_var=False)
        for a, b in (("a", "b"), ("a", "c"), ("b", "c"))
    ]
    assert table["p_welch"].tolist() == pytest.approx([test.pvalue for test in tests])
    ends = [test.confidence_interval(0.95) for test in tests]
    assert table["low_95"].tolist() == pytest.approx([one.low for one in ends])
    assert table["p_holm"].tolist() == pytest.approx(stats_holm([test.pvalue for test in tests]))
    assert table["effect_size"].notna().all()


def stats_holm(p):
    """Step down, written as Holm did: each against its own level."""
    order = np.argsort(p)
    found, greatest = [0.0] * len(p), 0.0
    for rank, k in enumerate(order):
        greatest = max(greatest, (len(p) - rank) * p[k])
        found[k] = min(greatest, 1.0)
    return found


def test_one_fibre_against_several_has_an_interval_and_no_test():
    several = [fibre(str(k), pores(v, 1.0)) for k, v in enumerate((10.0, 12.0, 14.0))]
    row = only_difference(several, [fibre("z", pores(20.0, 2.0))])
    assert row["high_95"] - 8 == pytest.approx(math.hypot(4.968, 2.0), abs=1e-3)
    assert row[["p_welch", "p_holm", "effect_size"]].isna().all()


def test_equal_states_differ_in_nothing():
    rows = (pores(30.0, 1.0), number("Sn clusters", "1", 100.0, 90.0, 120.0))
    found = compare_states({"a": [fibre("x", *rows)], "b": [fibre("y", *rows)]}).differences
    assert (found["difference"] == 0).all()
    assert found["below_error"].all()


def test_no_interval_no_mark():
    found = compare_states({"a": [fibre("x", pores(30.0))], "b": [fibre("y", pores(20.0, 1.0))]})
    row = found.differences.iloc[0]
    assert row["difference"] == -10
    assert math.isnan(row["low_95"])
    assert row["below_error"] is pd.NA
    assert any("Without an interval" in note for note in found.notes)


def test_missing_numbers_are_left_out_and_named():
    rows = [pores(30.0, 1.0), number("Sn cluster length, median", "nm", 1.4, 1.2, 1.6)]
    found = compare_states({"a": [fibre("x", *rows)], "b": [fibre("y", rows[0])]})
    assert found.differences["quantity"].tolist() == ["pore fraction, whole"]
    assert len(found.states) == 3
    assert any(
        "Sn cluster length, median" in note and "Not in every" in note for note in found.notes
    )


def test_a_number_that_one_fibre_lacks_counts_the_others():
    length = "Sn cluster length, median"
    results = {
        "a": [
            fibre("1", number(length, "nm", 1.0, 0.9, 1.1)),
            fibre("2", number(length, "nm", NAN)),
            fibre("3", number(length, "nm", 2.0, 1.9, 2.1)),
        ]
    }
    row = compare_states(results).states.iloc[0]
    assert (row["n"], row["value"]) == (2, 1.5)


def test_order_of_states_and_numbers_is_kept():
    rows = (number("b first", "1", 1.0), number("a second", "1", 2.0))
    states = ("sodiated", "pristine", "desodiated")
    found = compare_states({state: [fibre("x", *rows)] for state in states})
    assert list(dict.fromkeys(found.states["state"])) == list(states)
    assert list(dict.fromkeys(found.differences["quantity"])) == ["b first", "a second"]
    pairs = found.differences[["state_a", "state_b"]].drop_duplicates().values.tolist()
    assert pairs == [
        ["sodiated", "pristine"], ["sodiated", "desodiated"], ["pristine", "desodiated"],
    ]  # fmt: skip


def test_one_state_alone_is_a_table():
    found = compare_states({"pristine": [fibre("x", pores(30.0, 1.0))]})
    assert len(found.states) == 1
    assert len(found.differences) == 0
    assert list(found.states.columns) == ["state", "n", *NUMBER_COLUMNS]


def test_same_name_and_two_units_are_two_numbers():
    short = "Sn clusters shorter than 2 nm"
    rows = (
        number(short, "% of number", 90.0, 88.0, 92.0),
        number(short, "% of volume", 60.0, 50, 70),
    )
    found = compare_states({"a": [fibre("x", *rows)], "b": [fibre("y", *rows)]})
    assert found.differences["unit"].tolist() == ["% of number", "% of volume"]


def test_calibrated_is_carried():
    a = fibre("x", pores(30.0, 1.0))
    b = fibre("y", pores(20.0, 1.0, calibrated="no, not calibrated here"))
    found = compare_states({"a": [a], "b": [b], "c": [a]})
    assert found.differences["calibrated"].tolist() == [
        "no, not calibrated here", "yes", "no, not calibrated here",
    ]  # fmt: skip
    assert any("not calibrated (b)" in note for note in found.notes)


def test_intervals_of_single_fibres_hold_the_true_difference_in_95_of_100():
    rng = np.random.default_rng(11)

    def make():
        a, b = rng.normal(30, 1.0), rng.normal(25, 2.0)
        return [fibre("x", pores(a, 1.96))], [fibre("y", pores(b, 3.92))]

    assert 0.91 < coverage(-5.0, 300, make) < 0.985


def test_asymmetric_intervals_of_counts_hold_the_true_difference():
    """Poisson counts with Garwood's exact intervals, which are wide: at least 95 %."""
    rng = np.random.default_rng(12)

    def count(name, mean):
        n = int(rng.poisson(mean))
        low, high = stats.chi2.ppf(0.025, 2 * n) / 2, stats.chi2.ppf(0.975, 2 * n + 2) / 2
        return [fibre(name, number("Sn clusters", "1", float(n), np.nan_to_num(low), high))]

    assert 0.93 < coverage(15.0, 300, lambda: (count("x", 5), count("y", 20))) < 0.995


@pytest.mark.parametrize(("n_a", "n_b"), [(3, 3), (2, 5)])
def test_intervals_over_fibres_hold_the_true_difference(n_a, n_b):
    rng = np.random.default_rng(13)

    def make():
        return tuple(
            [fibre(str(k), pores(rng.normal(mean, sd))) for k in range(n)]
            for mean, sd, n in ((30, 1.0, n_a), (25, 2.0, n_b))
        )

    assert 0.92 < coverage(-5.0, 300, make) < 0.995


def test_errors_that_all_fibres_share_are_held_too():
    """A bias of the method, alike in all fibres of a state and unknown within ±1.96."""
    rng = np.random.default_rng(14)

    def make():
        states = []
        for mean in (30, 25):
            bias = rng.normal(0, 1.0)
            states.append(
                [fibre(str(k), pores(mean + bias + rng.normal(0, 0.1), 1.96)) for k in range(3)]
            )
        return tuple(states)

    assert 0.91 < coverage(-5.0, 300, make) < 0.985


SENSITIVITY = pd.DataFrame(
    {
        "threshold": ["t1", "t1", "t2", "t2"],
        "value_gray": [100.5, 100.5, 106.0, 106.0],
        "phase": ["pore", "C", "C", "Sn"],
        "change_percent_per_gray": [10.0, -10.0, 0.5, -0.5],
    }
)


def test_a_sodiated_state_adds_the_shift_of_its_carbon():
    """Vacuum 100, carbon 101: by 10 % t1 moves by 0.05 and t2 by 0.6, pore by 0.5 points, C by
    −0.5 + 0.3, Sn by −0.3.
    """
    rows = [
        number(f"{name} fraction, whole", "%", 33.0, 33.0, 33.0) for name in ("pore", "C", "Sn")
    ]
    results = {
        "pristine": [fibre("x", *rows)],
        "Sodiated": [
            fibre(
                "y",
                *rows,
                tables={"sensitivity": SENSITIVITY},
                conditions={"thresholds": (100.5, 106.0), "thresholds_calibrated": (0.5, 6.0)},
            )
        ],
        "desodiated": [fibre("z", *rows)],
    }
    found = compare_states(results).differences
    between = found[found["state_b"] == "Sodiated"]
    assert between["high_95"].tolist() == pytest.approx([0.5, 0.2, 0.3])
    others = found[(found["state_a"] == "pristine") & (found["state_b"] == "desodiated")]
    assert others["high_95"].tolist() == [0.0, 0.0, 0.0]
    none = compare_states(results, carbon_shift=0.0).differences
    assert none["high_95"].tolist() == [0.0] * 9
    renamed = compare_states(results, sodiated=["desodiated"])
    assert any("of desodiated" in note for note in renamed.notes)


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ({}, "no state"),
        ({"a": []}, "'a' has no fibre"),
        ({" ": [fibre("x", pores(1.0))]}, "no name"),
        ({"a": [fibre("x", pores(1.0)), fibre("x", pores(2.0))]}, "'x' twice"),
        ({"a": [fibre("x", pores(1.0), pores(2.0))]}, "'pore fraction, whole' twice"),
        ({"a": [fibre("x", number("n", "1", 2.0, 3.0, 1.0))]}, "ends before it begins"),
        ({"a": [StateResult("x", pd.DataFrame({"quantity": []}))]}, "no column unit"),
        (
            {"a": [fibre("x", pores(1.0), objects={"Sn": pd.DataFrame({"length_nm": [1.0]})})]},
            "no column width_nm",
        ),
    ],
)
def test_bad_states_are_refused_in_one_sentence(results, words):
    with pytest.raises(InputError, match=words):
        compare_states(results)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"seed": -1}, "seed is -1"),
        ({"draws": 10}, "draws is 10"),
        ({"carbon_shift": 1.5}, "carbon_shift"),
        ({"sodiated": ["c"]}, "the states are a"),
        ({"bins": {"depth_nm": [0, 1]}}, "depth_nm"),
        ({"bins": {"length_nm": [1, 0]}}, "increase"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(options, words):
    with pytest.raises(InputError, match=words):
        compare_states({"a": [fibre("x", pores(1.0))]}, **options)
