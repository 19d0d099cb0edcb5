"""Slices of states: the middle one of each, from run folders and from memory, in their order."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore import read_volume
from napari_snpore.errors import MissingFileError
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.study.states.comparing import compare_study
from napari_snpore.study.states.sample import sample_study
from napari_snpore.study.states.state_pictures import (
    MiddleSlice,
    middle_slice,
    slice_of_run,
    state_pictures,
)
from napari_snpore.volume import Volume

STATES = ("pristine", "sodiated", "desodiated")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "runs"
    sample_study(folder)
    return {(state, state): folder / state for state in STATES}


def test_the_slice_of_a_run_is_the_middle_one_of_its_phases(runs):
    folder = runs["sodiated", "sodiated"]
    phases = read_volume(folder / "volumes" / "phases.tif")
    found = slice_of_run(folder)
    middle = phases.shape[1] // 2
    np.testing.assert_array_equal(found.phases.data[:, 0], phases.data[:, middle])
    assert found.phases.origin[1] == pytest.approx(phases.origin[1] + middle * phases.spacing[1])
    assert found.scheme == PORE_C_SN


def test_panels_stand_in_the_order_of_the_states_with_one_field_of_view(runs):
    order = {state: [state] for state in ("desodiated", "pristine", "sodiated")}
    found = state_pictures(order, runs=runs)
    panels = found.panels()
    assert [panel.heading for panel in panels] == [f"{state}, XZ" for state in order]
    sizes = {tuple(np.round(panel.cut.size_nm, 6)) for panel in panels}
    assert len(sizes) == 1  # so that all scale bars are as long
    assert found.left_out == ()


def test_phases_of_a_window_and_of_a_run_stand_beside_each_other(runs):
    of_run = read_volume(runs["pristine", "pristine"] / "volumes" / "phases.tif")
    window = {("mine", "a"): middle_slice(of_run)}
    states = {"pristine": ["pristine"], "mine": ["a", "b"]}
    one, two = state_pictures(states, runs=runs, slices=window).panels()
    assert (one.heading, two.heading) == ("pristine, XZ", "mine, a, XZ")  # which of several
    np.testing.assert_array_equal(one.cut.values, two.cut.values)


def test_what_has_no_slice_is_said(tmp_path):
    full = MiddleSlice(Volume(np.ones((4, 1, 4), np.uint8), 0.5))
    empty = MiddleSlice(Volume(np.zeros((4, 1, 4), np.uint8), 0.5))
    other = MiddleSlice(full.phases, PhaseScheme(("void", "solid"), ("#ffffff", "#000000")))
    given = {("a", "1"): full, ("b", "1"): empty, ("c", "1"): other}
    states = {name: ["1"] for name in "abcd"}
    found = state_pictures(states, slices=given)
    assert list(found.slices) == ["a"]
    assert found.left_out == (
        "No slice of 'b': its middle slice holds no phase.",
        "No slice of 'c': its phases are void, solid, not pore, C, Sn.",
        "No slice of 'd': its phases are not known here.",
    )
    with pytest.raises(MissingFileError, match="phases are not in the folder"):
        slice_of_run(tmp_path)
    assert state_pictures({}).panels() == []


def test_a_study_draws_them_alone_and_on_its_plate(runs, tmp_path):
    study = sample_study(next(iter(runs.values())).parent)
    out = compare_study(study, tmp_path / "out").folder
    names = {path.name for path in (out / "figures").iterdir()}
    assert {"slices.png", "slices.svg", "comparison.png"} <= names
