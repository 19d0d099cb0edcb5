"""The blind test of the intervals: which phantoms it plans, and what it counts as covered."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from benchmarks.blind_numbers import CONTRASTS, GROUPS, PHANTOMS, planned_cases
from benchmarks.blind_report import ConstantWidth, coverage_table, summary, with_limits
from benchmarks.calibrate_numbers import planned_cases as calibration_cases
from napari_snpore.uncertainty.calibration import calibration_table, interval_reach
from napari_snpore.uncertainty.conditions import Conditions

CASE = {"simulator": "model", "family": "fibre", "contrast": "easy", "shape": "96x96x96"}
PORE = ("pore fraction, whole", "%")
FOUND = Conditions(3.0, 1040.0, 2.01, 0.9)


def test_half_of_each_cell_is_from_outside_the_model():
    cases = planned_cases()
    group = {family: name for name, families in GROUPS.items() for family in families}
    cells = Counter((group[case.phantom.family], case.phantom.contrast) for case in cases)
    assert cells == {(name, contrast): PHANTOMS for name in GROUPS for contrast in CONTRASTS}
    outside = Counter(
        (group[case.phantom.family], case.phantom.contrast, case.phantom.shape)
        for case in cases
        if case.simulator != "model"
    )
    sizes = {(96, 48, 96): 6, (96, 96, 96): 10, (176, 176, 176): 4}
    assert all(count == sizes[shape] for (*_, shape), count in outside.items())
    assert len(outside) == len(cells) * len(sizes)


def test_no_phantom_of_the_test_is_one_of_the_calibration():
    seeds = [case.phantom.seed for case in planned_cases()]
    calibrated = [case.phantom.seed for case in calibration_cases(40)]
    assert len(set(seeds)) == len(seeds)
    assert len(set(calibrated)) == len(calibrated)
    assert not set(seeds) & set(calibrated)
    assert max(calibrated) < 2000 <= min(seeds)


def tables_of(errors, polished):
    """Phantoms with a truth of 40 %, each off by one of the errors after its twin."""
    cases, rows = [], []
    for seed, (error, good) in enumerate(zip(errors, polished, strict=True), 2100):
        key = CASE | {"seed": seed, "dose": 1000.0}
        found = {f"{name}_found": value for name, value in vars(FOUND).items()}
        cases.append(key | {"polished": good} | found)
        value = {"truth": 40.0, "value": 40.0 + error + 0.5, "twin_bias": 0.5, "together": 0.0}
        rows.append(key | {"quantity": PORE[0], "unit": PORE[1]} | value)
    return pd.DataFrame(rows), pd.DataFrame(cases)


def test_what_is_covered_refused_and_left():
    reach = interval_reach(*PORE, 40.0, 0.0, FOUND)
    half = (reach.below + reach.above) / 2
    errors = [0.0, 0.9 * reach.below, -1.1 * reach.above, 0.5 * half]
    quantities, cases = tables_of(errors, [True, True, True, False])
    rows = with_limits(quantities, cases)
    constant = ConstantWidth({(*PORE, "easy"): 2 * half})
    found = summary(rows, constant).iloc[0]
    assert (found["phantoms"], found["refused"], found["covered"]) == (4, 1, 2)
    assert found["calibrated"] == 3
    assert found["rms_after"] == pytest.approx(np.sqrt(np.mean(np.square(errors[:3]))))
    assert found["median_half"] == pytest.approx(half)
    # width of all, and 40 times the tenth of a half-width that one truth lies beyond
    assert found["score"] == pytest.approx(2 * half + 40 * 0.1 * reach.above / 3)
    assert found["score_constant"] == pytest.approx(4 * half)
    assert "2 of 4" in coverage_table(summary(rows, constant))


def test_the_shipped_table_knows_all_that_is_asked_for():
    known = set(calibration_table()["quantity"])
    assert {"pore fraction, centre cube", "pore fraction, edge cube", PORE[0]} <= known
