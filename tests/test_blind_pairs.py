"""Differences between the phantoms of the blind test: which pairs there are, and what counts as found."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from benchmarks.blind_pairs import all_pairs, null_pairs, null_table, power, power_table

PORE = "pore fraction, whole"


def rows_of(values, truths, halves, *, refused=(), seeds=None, contrast="easy"):
    """Phantoms of one kind: what is read, the truth and the half-width of the interval."""
    known = zip(values, truths, halves, strict=True)
    return pd.DataFrame(
        {
            "simulator": "model",
            "family": "fibre",
            "contrast": contrast,
            "shape": "96x96x96",
            "dose": 1000.0,
            "seed": seed,
            "quantity": PORE,
            "unit": "%",
            "truth": truth,
            "value": value + 1,
            "corrected": value,
            "low_95": value - half,
            "high_95": value + half,
            "calibrated": "yes",
            "refused": seed in refused,
        }
        for seed, (value, truth, half) in enumerate(known, 2100)
    )


def test_a_phantom_is_in_one_null_pair_and_differences_are_those_of_corrected_values():
    rows = rows_of([40.0, 41.0, 50.0, 43.0, 44.0], [40.0, 40.5, 42.0, 43.0, 44.0], [3.0] * 5)
    pairs = null_pairs(rows)
    assert pairs["true"].tolist() == [0.5, 1.0]
    assert pairs["difference"].tolist() == [1.0, -7.0]
    half = math.hypot(3, 3)
    assert pairs["low_95"].tolist() == pytest.approx([1 - half, -7 - half])
    assert pairs["beyond"].tolist() == [False, True]
    assert pairs["holds"].tolist() == [True, False]
    table = null_table(pairs)
    assert "| 2 | 0.75, 1 points | 1 of 2 | 1 | 1 |" in table


def test_pairs_of_other_kinds_are_none_and_refused_phantoms_are_left_out():
    easy = rows_of([40.0, 41.0, 42.0], [40.0, 41.0, 42.0], [1.0] * 3, refused=(2101,))
    hard = rows_of([40.0], [40.0], [1.0], contrast="realistic")
    pairs = null_pairs(pd.concat([easy, hard]))
    assert pairs["true"].tolist() == [2.0]
    assert all_pairs(pd.concat([easy, hard]))["true"].tolist() == [2.0]


def test_power_counts_pairs_by_their_true_difference():
    rows = rows_of([40.0, 41.5, 50.0], [40.0, 41.5, 50.0], [2.0] * 3)
    found = power(all_pairs(rows)).set_index("from")
    assert found.loc[1.0, "pairs"] == 1
    assert found.loc[1.0, "found_percent"] == 0
    assert found.loc[8.0, "pairs"] == 2  # 8.5 and 10 points, both above √(2² + 2²)
    assert found.loc[8.0, "found_percent"] == 100
    assert "| 8 to 16 points | 2 | 100 % | 0 |" in power_table(found.reset_index())
