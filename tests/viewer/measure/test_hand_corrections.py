"""Corrections by hand in the Measure form: numbers follow, everything can be undone, and each is in
the history.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import EditByHandStep, MergeObjectsStep, SegmentStep, all_steps
from napari_snpore.viewer.edits.watch import hand_edits
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_from_layer
from napari_snpore.volume import Volume

MADE = SegmentStep((1.0, 5.0), ("pore", "C", "Sn")).step
BODY = 8 * 10 * 12


@pytest.fixture
def phases(viewer, drawn_phases):
    made = Volume(drawn_phases.data, drawn_phases.spacing, drawn_phases.origin, (MADE,))
    return add_layer(viewer, phases_data(made, "fibre · phases"))


@pytest.fixture
def widget(qtbot, viewer, phases):
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.measure()
    return made


def objects(viewer):
    return viewer.layers["fibre · Sn objects"]


def label_at(viewer, voxel):
    return int(np.asarray(objects(viewer).data)[voxel])


def steps(layer):
    return [step.name for step in volume_from_layer(layer).history]


def share(widget, name):
    return widget.fractions.query(f"region == 'whole' and name == '{name}'")[
        "fraction_percent"
    ].item()


def test_fractions_and_objects_follow_the_brush_and_its_undo(widget, viewer, phases):
    """A new Sn object of one voxel, far from all others."""
    phases.brush_size = 1
    phases.paint((7, 3, 3), 3)
    table = widget.follow_phases()
    assert sorted(table["voxel_count"]) == [1, 1, 8, 8]
    assert share(widget, "Sn") == pytest.approx(100 * 18 / BODY)
    assert label_at(viewer, (7, 3, 3)) == 4
    assert len(objects(viewer).features) == 5
    assert steps(objects(viewer)) == ["segment", "edit by hand", "label"]
    assert "1 voxel: C → Sn" in widget.hand.panel.words.text()
    phases.undo()
    table = widget.follow_phases()
    assert sorted(table["voxel_count"]) == [1, 8, 8]
    assert share(widget, "Sn") == pytest.approx(100 * 17 / BODY)
    assert steps(objects(viewer)) == ["segment", "label"]


def test_a_stroke_beside_the_objects_is_in_their_history_too(widget, viewer, phases):
    phases.data_setitem((np.array([7, 7]), np.array([8, 8]), np.array([7, 8])), 2)
    table = widget.follow_phases()
    assert sorted(table["voxel_count"]) == [1, 8, 8]
    assert share(widget, "pore") == 0
    assert steps(objects(viewer)) == ["segment", "edit by hand", "label"]
    assert "stale" not in widget.object_result.text()
    assert widget.hand.panel.undo_button.isEnabled()
    widget.undo()
    widget.follow_phases()
    assert share(widget, "pore") == pytest.approx(100 * 2 / BODY)


def test_dead_pores_follow(widget, phases):
    """A pore of three voxels that nothing reaches; there was one of two."""
    phases.data_setitem((np.array([3] * 3), np.array([9] * 3), np.array([4, 5, 6])), 1)
    widget.follow_phases()
    assert widget.dead_pores["dead_voxel_count"].tolist() == [5, 5, 5]


def test_numbers_that_follow_are_those_of_a_new_measurement(widget, phases):
    phases.data_setitem((np.array([2, 3, 4]), np.array([2] * 3), np.array([9] * 3)), 3)
    phases.data_setitem((np.array([5]), np.array([5]), np.array([4])), 0)  # a hole of exterior
    followed = widget.follow_phases().copy()
    fractions = widget.fractions.copy()
    again = widget.measure()
    columns = [name for name in again if name != "label"]
    order = ["voxel_count", "length_nm", "centroid_z_nm"]
    left = followed.sort_values(order).reset_index(drop=True)[columns]
    right = again.sort_values(order).reset_index(drop=True)[columns]
    assert left.equals(right)
    assert fractions.equals(widget.fractions)


def test_two_objects_are_merged_and_parted_again(widget, viewer, phases):
    bar, block = label_at(viewer, (2, 2, 2)), label_at(viewer, (5, 5, 4))
    before = np.array(objects(viewer).data)
    table = widget.merge_objects(bar, block)
    assert sorted(table["voxel_count"]) == [1, 16]
    assert label_at(viewer, (2, 2, 2)) == label_at(viewer, (5, 5, 4))
    assert steps(objects(viewer)) == ["segment", "label", "merge objects by hand"]
    assert hand_edits(phases) == (), "no voxel of the phases changed"
    widget.undo()
    assert np.array_equal(objects(viewer).data, before)
    assert sorted(widget.table["voxel_count"]) == [1, 8, 8]
    assert steps(objects(viewer)) == ["segment", "label"]
    widget.redo()
    widget.hand.work.wait()
    assert sorted(widget.table["voxel_count"]) == [1, 16]
    assert steps(objects(viewer)) == ["segment", "label", "merge objects by hand"]


def test_an_object_is_split_by_a_line(widget, viewer):
    """The bar of 8 voxels along x from 2 to 9, cut between 4 and 5."""
    bar = label_at(viewer, (2, 2, 2))
    table = widget.split_object(bar, ((2, 0, 4.5), (2, 11, 4.5)), axis=0)
    assert sorted(table["voxel_count"]) == [1, 3, 5, 8]
    assert label_at(viewer, (2, 2, 4)) != label_at(viewer, (2, 2, 5))
    assert steps(objects(viewer))[-1] == "split object by hand"
    with pytest.raises(InputError, match="does not pass through"):
        widget.split_object(bar, ((2, 0, 12), (2, 11, 12)))
    widget.undo()
    assert sorted(widget.table["voxel_count"]) == [1, 8, 8]


def test_a_deleted_object_is_another_phase(widget, viewer, phases):
    block = label_at(viewer, (5, 5, 4))
    table = widget.delete_object(block)
    assert sorted(table["voxel_count"]) == [1, 8]
    assert (np.asarray(phases.data)[5:7, 5:7, 4:6] == 2).all(), "carbon, as stated"
    assert hand_edits(phases) == (EditByHandStep(8, ((3, 2, 8),)),)
    assert share(widget, "Sn") == pytest.approx(100 * 9 / BODY)
    assert int(np.max(objects(viewer).data)) == 2, "numbers have no gap"
    widget.undo()
    table = widget.follow_phases()
    assert sorted(table["voxel_count"]) == [1, 8, 8]
    assert hand_edits(phases) == ()


def test_an_object_is_deleted_into_the_phase_that_is_named(widget, viewer, phases):
    widget.delete_object(label_at(viewer, (5, 5, 4)), into="pore")
    assert hand_edits(phases) == (EditByHandStep(8, ((3, 1, 8),)),)
    with pytest.raises(InputError, match="'gold'"):
        widget.delete_object(1, into="gold")
    with pytest.raises(InputError, match="that is to be deleted"):
        widget.delete_object(99)


def test_corrections_of_objects_hold_when_the_phases_are_painted(widget, viewer, phases):
    widget.merge_objects(label_at(viewer, (2, 2, 2)), label_at(viewer, (5, 5, 4)))
    phases.brush_size = 1
    phases.paint((2, 2, 10), 3)
    assert sorted(widget.follow_phases()["voxel_count"]) == [1, 17]
    assert steps(objects(viewer)) == ["segment", "edit by hand", "label", "merge objects by hand"]
    widget.undo()
    widget.hand.work.wait()
    assert sorted(widget.table["voxel_count"]) == [1, 8, 9], "the merge is undone, the paint is not"


def test_corrections_of_objects_hold_when_they_are_measured_again(widget, viewer):
    widget.merge_objects(label_at(viewer, (2, 2, 2)), label_at(viewer, (5, 5, 4)))
    widget.measure()
    widget.hand.work.wait()
    assert sorted(widget.table["voxel_count"]) == [1, 16]
    merged = all_steps(volume_from_layer(objects(viewer)).history, MergeObjectsStep)
    assert [one.voxels for one in merged] == [16]


def test_separated_objects_follow_too(qtbot, viewer):
    z, y, x = np.indices((20, 20, 36))
    balls = sum(((z - 10) ** 2 + (y - 10) ** 2 + (x - c) ** 2 <= 64) for c in (10, 25)) > 0
    made = Volume(np.where(balls, 3, 2).astype(np.uint8), 0.5, history=(MADE,))
    layer = add_layer(viewer, phases_data(made, "pair · phases"))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.separated.setChecked(True)
    widget.contrast.setValue(0.5)
    assert len(widget.measure()) == 2
    layer.data_setitem((np.array([1, 1]), np.array([1, 1]), np.array([1, 2])), 3)
    table = widget.follow_phases()
    assert sorted(table["voxel_count"])[0] == 2
    assert len(table) == 3
    assert set(table["objects_from"]) == {"separated h=0.5 nm"}


def test_phases_that_are_made_again_are_not_followed(widget, viewer, phases, drawn_phases):
    from napari_snpore.viewer.shared.layers import put_layer

    other = np.minimum(drawn_phases.data, 2)
    other[3, 3, 3] = 3
    again = Volume(other, drawn_phases.spacing, drawn_phases.origin, (MADE,))
    put_layer(viewer, phases_data(again, "fibre · phases"))
    assert "stale" in widget.object_result.text()
    phases.brush_size = 1
    phases.paint((7, 3, 3), 3)
    assert sorted(widget.follow_phases()["voxel_count"]) == [1, 8, 8]


def test_a_saved_measurement_says_what_was_corrected(widget, viewer, phases, tmp_path):
    phases.brush_size = 1
    phases.paint((7, 3, 3), 3)
    widget.follow_phases()
    widget.merge_objects(label_at(viewer, (2, 2, 2)), label_at(viewer, (5, 5, 4)))
    folder = widget.save(tmp_path / "measured")
    summary = (folder / "summary.txt").read_text(encoding="utf-8")
    assert "Edited by hand  1 voxel: C → Sn" in summary
    assert "two objects merged into one of 16 voxels" in summary
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in record["results"]["edited_by_hand"]] == [
        "edit by hand",
        "merge objects by hand",
    ]
    table = (folder / "tables" / "objects_Sn.csv").read_text(encoding="utf-8")
    assert "connected 26, merged by hand" in table


def test_more_objects_than_a_byte_holds(qtbot, viewer):
    """255 objects fit into the labels; a split makes one more."""
    data = np.full((1 * 3, 32 * 2 + 1, 16 * 3 + 2), 2, np.uint8)
    places = [(1, 2 * r + 1, 3 * c + 1) for r in range(32) for c in range(8)][:255]
    for z, y, x in places:
        data[z, y, x : x + 2] = 3
    add_layer(viewer, phases_data(Volume(data, 0.5, history=(MADE,)), "many · phases"))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    assert len(widget.measure()) == 255
    layer = viewer.layers["many · Sn objects"]
    assert layer.data.dtype == np.uint8
    z, y, x = places[7]
    label = int(layer.data[z, y, x])
    assert len(widget.split_object(label, ((z, 0, x + 0.5), (z, 9, x + 0.5)))) == 256
    assert int(np.max(layer.data)) == 256
    widget.undo()
    assert int(np.max(layer.data)) == 255
