"""Measuring without a window: what counts as phases, cut axes, stopping, numbering of given
labels.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest

from napari_snpore import Volume
from napari_snpore.errors import InputError, Stopped
from napari_snpore.study.measurement_report import dead_pore_statements, measurement_text
from napari_snpore.study.measuring import (
    ObjectSource,
    measure_labels,
    measure_phases,
    phase_names_of,
)
from napari_snpore.study.numbers import measured_numbers
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.run_context import RunContext


@pytest.fixture
def phases():
    """A rod of carbon along y with a sealed pore of 8 voxels and one cluster of 20 voxels."""
    z, _, x = np.mgrid[:24, :16, :24] - np.array([11.5, 0, 11.5])[:, None, None, None]
    labels = np.where(np.hypot(z, x) < 9, 2, 0).astype(np.uint8)
    labels[11:13, 4:6, 11:13] = 1
    labels[11:13, 9:11, 9:14] = 3
    return Volume(labels, 0.5)


def test_rod_with_one_pore_and_one_cluster(phases):
    found = measure_phases(phases)
    assert list(found.objects) == ["pore", "Sn"]
    assert found.objects["pore"]["voxel_count"].tolist() == [8]
    assert found.objects["Sn"]["voxel_count"].tolist() == [20]
    assert found.dead_pores.table["dead_voxel_count"].tolist() == [8, 8, 8]
    body = int(np.count_nonzero(phases.data))
    whole = found.fractions.query("region == 'whole'").set_index("name")
    assert whole.loc["Sn", "fraction_percent"] == pytest.approx(100 * 20 / body)
    assert np.array_equal(np.asarray(found.labels["Sn"].data) > 0, phases.data == 3)
    assert {"shells", "contacts_Sn", "networks", "dead_pore_objects"} <= set(found.details)


def test_separated_objects_go_with_their_own_contacts(phases):
    found = measure_phases(phases, sources=[ObjectSource("Sn", 0.5)])
    assert list(found.objects) == ["Sn_separated"]
    assert found.objects["Sn_separated"]["objects_from"].unique().tolist() == ["separated h=0.5 nm"]
    assert "contacts_Sn_separated" in found.details
    assert found.details["separation_curve"]["name"].unique().tolist() == ["Sn"]


def test_a_wide_body_without_place_for_cubes_is_measured_without_them(phases):
    """A plate 2 voxels thick has no room for a cube of 0.6 of the radius; asked for one, it is
    refused.
    """
    labels = np.zeros((24, 16, 24), np.uint8)
    labels[11:13] = 2
    plate = Volume(labels, 0.5)
    section = MeasureSection(details=False)
    assert set(measure_phases(plate, section).fractions["region"]) <= {"whole", "centre", "edge"}
    with pytest.raises(InputError, match="size_nm"):
        measure_phases(plate, MeasureSection(details=False, subvolume_nm=100.0))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.full((4, 4, 4), 0.5, np.float32), "not float32"),
        (np.arange(64, dtype=np.int32).reshape(4, 4, 4), "labels go from 0 to 63"),
        (np.full((4, 4, 4), -1, np.int8), "labels go from -1 to -1"),
        (np.zeros((4, 4, 4), np.uint8), "Every voxel is exterior"),
    ],
)
def test_what_is_no_phase_volume_is_refused(data, sentence):
    with pytest.raises(InputError, match=sentence):
        measure_phases(Volume(data, 1.0))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (np.full((4, 4, 4), 0.5, np.float32), "labels are float32"),
        (np.zeros((4, 4, 4), np.uint8), "0 everywhere"),
    ],
)
def test_what_holds_no_objects_is_refused(data, sentence):
    with pytest.raises(InputError, match=sentence):
        measure_labels(Volume(data, 1.0))


@pytest.mark.parametrize("largest", [9, 2**26, 2**60])
def test_given_labels_are_numbered_in_their_order(largest):
    labels = np.array([[[0, 5, 3, largest, 3]]], np.uint64)
    found = measure_labels(Volume(labels, 1.0))
    assert found.labels["labelled"].data.tolist() == [[[0, 2, 1, 3, 1]]]
    assert found.objects["labelled"]["given_label"].tolist() == [3, 5, largest]
    assert found.objects["labelled"]["voxel_count"].tolist() == [2, 1, 1]


def test_more_phases_than_three_are_numbered():
    assert phase_names_of(Volume(np.array([[[0, 2]]], np.uint8), 1.0)) == ("pore", "C", "Sn")
    assert phase_names_of(Volume(np.array([[[0, 4]]], np.uint8), 1.0)) == tuple(
        f"phase {k}" for k in range(1, 5)
    )


@pytest.mark.parametrize("step", ["dead pores", "measure Sn", "details"])
def test_work_stops_within_a_step(phases, step):
    """The second question within the step is answered with stop: it is asked there, not only
    between steps.
    """
    running = [""]
    asked = {step: 0}

    @contextmanager
    def monitor(name):
        running[0] = name
        yield None

    def should_stop():
        if running[0] == step:
            asked[step] += 1
        return asked[step] >= 2

    context = RunContext(Record("test"), monitor, should_stop)
    with pytest.raises(Stopped):
        measure_phases(phases, MeasureSection(thickness=True), context=context)
    assert running == [step]


def test_report_names_what_is_missing(phases):
    full = Volume(np.where(phases.data == 0, 2, phases.data).astype(np.uint8), 0.5)
    assert "No exterior in these phases" in measurement_text(
        measure_phases(full, MeasureSection(details=False))
    )
    solid = Volume(np.where(phases.data > 0, 2, 0).astype(np.uint8), 0.5)
    found = measure_phases(solid, MeasureSection(details=False))
    assert "no pore voxel" in dead_pore_statements(found.dead_pores)[0].sentence
    assert "Objects, Sn     none" in measurement_text(found)


def test_a_box_that_leaves_the_volume_is_named():
    phases = Volume(np.full((8, 8, 8), 2, np.uint8), 1.0)
    box = {"name": "rim", "center_nm": [3.5, 3.5, 7.0], "size_nm": 4.0}
    with pytest.raises(InputError, match=r"measure.boxes, 'rim': .* leaves the volume"):
        measure_phases(phases, MeasureSection(boxes=[box]))


def test_boxes_of_the_recipe_win_over_placed_cubes_and_may_have_unlike_edges():
    labels = np.zeros((20, 12, 20), np.uint8)
    labels[2:18, :, 2:18] = 2
    labels[2:18, :6, 2:18] = 1
    boxes = [
        {"name": "edge", "center_nm": [9.5, 2.5, 9.5], "size_nm": 4.0},
        {"name": "slab", "center_nm": [9.5, 5.5, 9.5], "size_nm": [2.0, 8.0, 4.0]},
    ]
    section = MeasureSection(boxes=boxes, details=False)
    found = measure_phases(Volume(labels, 1.0), section, names=("pore", "C"), sources=[])
    numbers = measured_numbers(found)
    assert numbers["pore fraction, edge cube", "%"] == 100.0
    assert numbers["pore fraction, slab cuboid", "%"] == 50.0
    assert ("pore fraction, centre cube", "%") in numbers
