"""The truth tables of the study of phantoms: hand-made numbers against hand-made truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_snpore.comparison.state_result import StateResult
from napari_snpore.study.run_errors import NUMBER_COLUMNS
from napari_snpore.study.states.study_demo import (
    demo_study,
    demo_text,
    truth_of_differences,
    truth_of_states,
)
from napari_snpore.study.states.study_recipe import placed

PORE = ("pore fraction, whole", "%")
COUNT = ("Sn clusters", "1")


def result(value, low, high, count):
    rows = [
        {"quantity": PORE[0], "unit": PORE[1], "value": value, "low_95": low, "high_95": high},
        {"quantity": COUNT[0], "unit": COUNT[1], "value": count},
        {"quantity": "not planted", "unit": "nm", "value": 1.0},
    ]
    return (StateResult("phantom", pd.DataFrame(rows, columns=list(NUMBER_COLUMNS))),)


def test_covered_is_said_of_every_number_and_difference():
    found = {"a": result(30.0, 28.0, 32.0, 10), "b": result(20.0, 19.0, 22.0, 12)}
    planted = {"a": {PORE: 31.5, COUNT: 11.0}, "b": {PORE: 23.0, COUNT: 12.0}}
    truth = truth_of_states(planted, found)
    assert truth["state"].tolist() == ["a", "a", "b", "b"]
    assert truth["truth"].tolist() == [31.5, 11.0, 23.0, 12.0]
    assert truth.loc[truth["unit"] == "%", "covered"].tolist() == [True, False]
    assert truth.loc[truth["unit"] == "1", "covered"].isna().all()

    row = {"quantity": PORE[0], "unit": PORE[1], "state_a": "a", "state_b": "b"}
    row |= {"difference": -10.0, "low_95": -13.0, "high_95": -8.6, "below_error": False}
    differences = truth_of_differences(planted, pd.DataFrame([row, {**row, "quantity": "other"}]))
    assert differences["truth"].tolist() == [-8.5]
    assert differences["covered"].tolist() == [False]

    text = demo_text(truth, differences)
    assert "1 of 2 intervals of numbers hold the planted truth." in text
    assert "0 of 1 intervals of differences hold the planted truth." in text


def test_an_interval_that_ends_at_the_truth_holds_it():
    planted = {"a": {PORE: np.nextafter(32.0, 33.0)}}
    assert truth_of_states(planted, {"a": result(30.0, 28.0, 32.0, 1)})["covered"].tolist() == [
        True
    ]


def test_the_study_of_phantoms_is_a_study(tmp_path):
    study = demo_study(tmp_path, twins=0)
    assert [state.name for state in study.state] == ["pristine", "sodiated", "desodiated"]
    assert study.shared["uncertainty"] == {"twins": 0}
    text = placed(study, tmp_path, relative=True).to_toml()
    assert str(tmp_path) not in text
    assert "phantoms/sodiated/tilts.tif" in text


@pytest.mark.parametrize("covered", [True, False, None])
def test_words_of_coverage(covered):
    low, high = {True: (30.0, 33.0), False: (33.0, 34.0), None: (np.nan, np.nan)}[covered]
    truth = truth_of_states({"a": {PORE: 31.5}}, {"a": result(32.0, low, high, 1)})
    word = {True: "yes", False: "NO", None: "–"}[covered]
    assert (
        demo_text(truth, pd.DataFrame(columns=["state_a", "state_b", "covered"]))
        .splitlines()[2]
        .endswith(word)
    )
