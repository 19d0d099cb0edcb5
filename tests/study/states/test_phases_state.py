"""Phases in memory as the result of a fibre: hand-made blocks with counts known beforehand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from napari_snpore.comparison.compare import compare_states
from napari_snpore.errors import InputError, Stopped
from napari_snpore.files import read_volume
from napari_snpore.history import EditByHandStep, ReconstructStep, SegmentStep
from napari_snpore.measurement.objects import label_objects, measure_objects
from napari_snpore.study.pipeline import run_study
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_errors import RunErrors, no_sources
from napari_snpore.study.states.phases_state import conditions_of_phases, state_of_phases
from napari_snpore.study.states.state_result import read_state_result
from napari_snpore.uncertainty.number_table import NUMBER_COLUMNS
from napari_snpore.volume import Volume
from tests.study.states.conftest import QUICK

SPACING = (0.5, 0.5, 0.5)


def drawn(*steps):
    """Return a bar of C in an exterior, 8 × 10 × 8 voxels, with a pore of 32 and two Sn voxels."""
    labels = np.zeros((10, 10, 10), np.uint8)
    labels[1:9, :, 1:9] = 2
    labels[4:6, 3:7, 3:7] = 1
    labels[2, 2, 2] = labels[7, 7, 7] = 3
    return Volume(labels, SPACING, history=tuple(step.step for step in steps))


def value_of(result, quantity):
    rows = result.numbers[result.numbers["quantity"] == quantity]
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


def test_numbers_are_the_counts_and_have_no_interval():
    found = state_of_phases("bar", drawn())
    assert value_of(found, "pore fraction, whole") == pytest.approx(100 * 32 / 640)
    assert value_of(found, "pore fraction of the box, whole") == pytest.approx(100 * 32 / 1000)
    assert value_of(found, "Sn clusters") == 2
    assert value_of(found, "pores") == 1
    assert value_of(found, "dead share of pore volume, connectivity 6") == 100.0
    assert value_of(found, "Sn cluster length, median") == pytest.approx(0.5 * math.sqrt(3))
    assert list(found.numbers.columns) == list(NUMBER_COLUMNS)
    assert set(found.numbers["calibrated"]) == {"no, errors not estimated"}
    assert found.numbers["low_95"].isna().all()


def test_profile_and_slabs_are_those_of_the_fibre():
    found = state_of_phases("bar", drawn())
    whole = found.profile[found.profile["sector"] == "all"]
    assert whole["voxel_count"].sum() == 640
    slabs = found.tables["slabs"]
    pore = slabs[slabs["name"] == "pore"]
    assert pore["voxel_count"].tolist() == [0, 0, 0, 8, 8, 8, 8, 0, 0, 0]


def test_given_objects_are_taken_and_the_others_are_measured():
    phases = drawn()
    mask = phases.data == 3
    mask[7, 7, 7] = False  # as if a user had deleted one
    given = measure_objects(Volume(label_objects(mask), SPACING))
    found = state_of_phases("bar", phases, objects={"Sn": given})
    assert len(found.objects["Sn"]) == 1
    assert value_of(found, "Sn clusters") == 1
    assert len(found.objects["pore"]) == 1


def test_neighbours_correlation_and_cubes_are_those_of_the_fibre():
    found = state_of_phases("bar", drawn()).tables
    # the nearest faces of both voxels lie 4 voxels apart along each axis
    assert found["nearest"]["surface_distance_nm"].tolist() == pytest.approx(
        [0.5 * 4 * math.sqrt(3)] * 2
    )
    along_z = found["correlation"].query("direction == 'z' and distance_nm == 0.5")
    assert along_z["s2"].tolist() == [pytest.approx(16 / 560)]  # of 7 × 10 × 8 pairs of voxels
    largest = found["cube sizes"].iloc[-1]  # it holds the whole pore
    assert (largest["edge_nm"], largest["mean_percent"]) == (4.0, 100 * 32 / 512)


def test_neighbours_are_looked_for_among_the_objects_that_were_given():
    phases = drawn()
    mask = phases.data == 3
    mask[7, 7, 7] = False
    labels = Volume(label_objects(mask), SPACING)
    objects = {"Sn": measure_objects(labels)}
    found = state_of_phases("bar", phases, objects=objects, labels={"Sn": labels})
    assert found.tables["nearest"]["surface_distance_nm"].isna().all()  # one object alone


@pytest.mark.parametrize("state", ["pristine", "sodiated"])
def test_a_specimen_and_its_run_folder_give_the_same_tables(state, grey_files, tmp_path):
    recipe = Recipe(
        input={"volume": str(grey_files / f"{state}.tif")},
        **{**QUICK, "measure": {"details": True}},
    )
    run_study(recipe, tmp_path / "run")
    of_run = read_state_result(tmp_path / "run")
    phases = read_volume(tmp_path / "run" / "volumes" / "phases.tif")
    found = state_of_phases("run", phases)
    shared = {"nearest", "correlation", "cube sizes", "slabs", "dead pores"}
    assert shared <= set(found.tables)
    for name in shared:
        pd.testing.assert_frame_equal(
            found.tables[name].reset_index(drop=True),
            of_run.tables[name],
            check_dtype=False,
            rtol=1e-5,  # digits of the files
        )
    both = compare_states({"run": [of_run], "window": [replace(found, name="window")]}).states
    both = both[both["quantity"].str.contains("nearest|centres|correlation")]
    assert len(both) == 6
    for _, rows in both.groupby("quantity"):
        assert rows["value"].iloc[0] == pytest.approx(rows["value"].iloc[1], rel=1e-5)


def test_errors_that_the_history_keeps_are_the_numbers():
    numbers = state_of_phases("bar", drawn()).numbers
    numbers.loc[0, ["low_95", "high_95"]] = [3.0, 7.0]
    kept = RunErrors(numbers, no_sources(), None, twins=1, notes=("A note.",)).step
    phases = drawn(kept)
    found = state_of_phases("bar", phases)
    assert found.numbers.loc[0, ["low_95", "high_95"]].tolist() == [3.0, 7.0]
    assert found.notes == ("A note.",)


def test_after_an_edit_by_hand_no_error_holds_and_the_counts_are_new():
    numbers = state_of_phases("bar", drawn()).numbers
    numbers.loc[0, ["value", "low_95", "high_95"]] = [99.0, 98.0, 100.0]
    kept = RunErrors(numbers, no_sources(), None, twins=1).step
    phases = drawn(kept, EditByHandStep(1, ((2, 1, 1),)))
    found = state_of_phases("bar", phases)
    assert value_of(found, "pore fraction, whole") == pytest.approx(5.0)
    assert set(found.numbers["calibrated"]) == {"no, edited by hand"}
    assert found.conditions["edited_by_hand"]


def test_conditions_come_from_the_history():
    made = ReconstructStep("tv", tilts=70, tilt_step_deg=2.0, thickness_nm=24.0, blur_px=0.5)
    found = conditions_of_phases(drawn(made, SegmentStep((0.5, 6.0), method="haadf")), 3)
    assert found["voxel_nm"] == SPACING
    assert (found["tilts"], found["tilt_step_deg"], found["thickness_nm"]) == (70, 2.0, 24.0)
    assert (found["method"], found["blur_px"], found["thresholds"]) == ("tv", 0.5, (0.5, 6.0))
    assert found["threshold_rule"] == "Sn first, then carbon (HAADF)"
    assert "dose" not in found  # not in the history: not guessed


def test_a_block_without_an_exterior_has_no_profile():
    labels = np.full((6, 6, 6), 2, np.uint8)
    labels[:3] = 1
    found = state_of_phases("block", Volume(labels, SPACING))
    assert found.profile is None
    assert value_of(found, "pore fraction, whole") == 50.0
    assert "Sn" not in found.objects


def test_an_empty_volume_is_refused_and_work_can_be_stopped():
    with pytest.raises(InputError, match="exterior"):
        state_of_phases("nothing", Volume(np.zeros((4, 4, 4), np.uint8), SPACING))
    with pytest.raises(Stopped):
        state_of_phases("bar", drawn(), should_stop=lambda: True)
