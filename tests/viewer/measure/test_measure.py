from __future__ import annotations

import math
import threading

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_snpore.compute import check_stop
from napari_snpore.errors import InputError
from napari_snpore.history import DetectionLimitStep, EnvelopeStep, ReconstructStep, SegmentStep
from napari_snpore.viewer.forms.small_histogram import SmallHistogram
from napari_snpore.viewer.measure.widget import EACH_LABEL, MeasureWidget
from napari_snpore.viewer.open.open_run import find_runs
from napari_snpore.viewer.shared.layer_colors import object_colormap
from napari_snpore.viewer.shared.layers import add_layer, phases_data, record_of, volume_data
from napari_snpore.volume import Volume


@pytest.fixture
def widget(qtbot, viewer, drawn_phases):
    add_layer(viewer, phases_data(drawn_phases, "fibre · phases"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    return made


def test_objects_of_a_drawn_block_are_those_that_were_drawn(widget):
    table = widget.measure()
    assert sorted(table["voxel_count"]) == [1, 8, 8]
    bar = table.loc[table["length_nm"].idxmax()]
    assert bar["length_nm"] == pytest.approx(math.sqrt(0.5**2 + 0.25**2 + 2.0**2))
    assert bar["width_nm"] == pytest.approx(0.25)
    assert table["objects_from"].unique().tolist() == ["connected 26"]


def test_the_layer_of_objects_lies_where_the_phases_lie(widget, viewer, drawn_phases):
    table = widget.measure()
    layer = viewer.layers["fibre · Sn objects"]
    assert isinstance(layer, Labels)
    assert layer.scale == pytest.approx(drawn_phases.spacing)
    assert layer.translate == pytest.approx(drawn_phases.origin)
    assert np.array_equal(np.asarray(layer.data) > 0, drawn_phases.data == 3)
    assert len(layer.features) == len(table) + 1
    for label in table["label"]:
        row = layer.features.iloc[label]
        assert row["index"] == label
        assert row["voxel_count"] == np.count_nonzero(np.asarray(layer.data) == label)


def test_fractions_and_dead_pores_stand_beside_the_objects(widget):
    widget.measure()
    body = 8 * 10 * 12
    shares = widget.fractions.query("region == 'whole'").set_index("name")["fraction_percent"]
    assert shares["pore"] == pytest.approx(100 * 2 / body)
    assert shares["Sn"] == pytest.approx(100 * 17 / body)
    assert widget.dead_pores["dead_share_of_pore"].tolist() == [1.0, 1.0, 1.0]
    words = widget.fraction_result.text()
    assert "of the envelope" in words
    assert "dead pores <b>100 %</b>" in words
    assert "not resolved" in widget.object_result.text()


def test_both_bounds_of_the_dead_share_have_three_digits(qtbot, viewer):
    """An open pit of 997 voxels, and 3 that touch it by an edge: dead at 6 neighbours, not at 26."""
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 2
    labels[1:10, 3:13, 3:14] = 1
    labels[10, 3, 3:10] = 1
    labels[10, 13, 3:6] = 1
    add_layer(viewer, phases_data(Volume(labels, (1.0, 1.0, 1.0)), "open"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.phase_box.setCurrentIndex(made.phase_box.findData(1))
    made.measure()
    words = made.fraction_result.text()
    assert "dead pores <b>0.300 %</b>" in words
    assert "0.00 % at 26" in words


def test_phases_without_an_exterior_say_so(qtbot, viewer, drawn_phases):
    inside = Volume(drawn_phases.data[1:-1, 1:-1, 1:-1], drawn_phases.spacing)
    add_layer(viewer, phases_data(inside, "inside"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.measure()
    assert made.dead_pores is None
    assert "No exterior" in made.fraction_result.text()


def test_measuring_again_replaces_the_layer(widget, viewer):
    widget.measure()
    widget.measure()
    widget.phase = "pore"
    widget.measure()
    assert [layer.name for layer in viewer.layers] == [
        "fibre · phases",
        "fibre · Sn objects",
        "fibre · pore objects",
    ]


def test_connectivity_goes_with_the_phase(widget):
    widget.phase = "pore"
    assert widget.connectivity.currentText() == "6"
    widget.phase = "Sn"
    assert widget.connectivity.currentText() == "26"


def test_two_touching_balls_are_one_object_until_they_are_separated(qtbot, viewer):
    z, y, x = np.indices((20, 20, 36))
    balls = sum(((z - 10) ** 2 + (y - 10) ** 2 + (x - c) ** 2 <= 64) for c in (10, 25)) > 0
    labels = np.where(balls, 3, 2).astype(np.uint8)
    add_layer(viewer, phases_data(Volume(labels, (0.5, 0.5, 0.5)), "pair"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    assert len(made.measure()) == 1
    made.separated.setChecked(True)
    made.contrast.setValue(0.5)
    table = made.measure()
    assert len(table) == 2
    assert set(table["objects_from"]) == {"separated h=0.5 nm"}


def test_grey_values_of_the_objects(widget, viewer, drawn_phases):
    gray = np.where(drawn_phases.data == 3, 12.0, 1.0).astype(np.float32)
    add_layer(viewer, volume_data(Volume(gray, drawn_phases.spacing), "fibre"))
    widget.with_gray.setChecked(True)
    table = widget.measure()
    assert table["intensity_mean"].tolist() == [12.0] * 3


def segmented(cut_axes):
    """Return the step that a run writes for phases inside an envelope."""
    return SegmentStep(
        (1.0, 5.0), ("pore", "C", "Sn"), envelope=EnvelopeStep(4.0, 0.5, 128, cut_axes, 1.0, True)
    ).step


def test_cut_axes_are_those_of_the_segmentation(qtbot, viewer, drawn_phases):
    labels = drawn_phases.data.copy()
    labels[0] = labels[1]  # the block reaches the face z = 0
    labels[0:2, 4, 6] = (
        1  # a pore that is open to that face alone; axis 1 is cut where the history names none
    )
    cut = Volume(labels, drawn_phases.spacing, history=(segmented((0,)),))
    add_layer(viewer, phases_data(cut, "cut"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.measure()
    assert made.dead_pores["dead_voxel_count"].tolist() == [2, 2, 2]
    assert made.dead_pores["open_to_cut_voxel_count"].tolist() == [2, 2, 2]


def test_a_run_without_cut_axes_is_measured_without(qtbot, viewer, drawn_phases):
    """The same pore, open to the face y = 0: where y is no cut it reaches the outside."""
    labels = drawn_phases.data.copy()
    labels[:, 0] = labels[:, 1]
    labels[4, 0:2, 6] = 1
    whole = Volume(labels, drawn_phases.spacing, history=(segmented(()),))
    add_layer(viewer, phases_data(whole, "whole"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    made.measure()
    assert made.dead_pores["dead_voxel_count"].tolist() == [2, 2, 2], (
        "the two voxels that were sealed before"
    )
    assert made.dead_pores["open_to_cut_voxel_count"].tolist() == [0, 0, 0]


def test_saved_folder_holds_the_table(widget, tmp_path):
    with pytest.raises(InputError, match="press Measure first"):
        widget.save(tmp_path / "early")
    table = widget.measure()
    folder = widget.save(tmp_path / "measured")
    back = pd.read_csv(folder / "tables" / "objects_Sn.csv")
    assert back["length_nm"].tolist() == pytest.approx(table["length_nm"].tolist())
    assert find_runs(folder) == [folder], "it opens again in napari"
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        widget.save(folder)


def test_a_phase_that_is_absent_is_refused_in_one_sentence(qtbot, viewer, drawn_phases):
    labels = np.minimum(drawn_phases.data, 2)
    add_layer(viewer, phases_data(Volume(labels, drawn_phases.spacing), "no tin"))
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    with pytest.raises(InputError, match="No voxel of these phases is Sn"):
        made.measure()
    with pytest.raises(InputError, match="'gold'"):
        made.phase = "gold"


def test_labels_without_voxel_size_are_refused(qtbot, viewer):
    viewer.add_labels(np.ones((4, 4, 4), np.uint8), name="bare")
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    with pytest.raises(InputError, match="no voxel size"):
        made.measure()


def test_an_empty_viewer_says_what_to_do(qtbot, viewer):
    made = MeasureWidget(viewer)
    qtbot.addWidget(made)
    assert made.layer is None
    assert not made.main_button.isEnabled()
    with pytest.raises(InputError, match="Make phases first"):
        made.measure()


def test_the_choice_follows_the_selected_layer(qtbot, widget, viewer, drawn_phases):
    second = add_layer(viewer, phases_data(drawn_phases, "second"))
    viewer.layers.selection.active = viewer.layers["fibre · phases"]
    assert widget.layer is viewer.layers["fibre · phases"]
    viewer.layers.selection.active = second
    assert widget.layer is second
    viewer.layers.remove(second)
    assert widget.layer is viewer.layers["fibre · phases"]


def test_numbers_of_painted_phases_are_marked_stale(widget, viewer):
    widget.measure()
    layer = viewer.layers["fibre · phases"]
    layer.data = np.where(np.asarray(layer.data) == 1, 2, np.asarray(layer.data))
    assert "stale" in widget.object_result.text()


def test_numbers_of_other_settings_are_marked_stale_until_these_come_back(widget):
    widget.measure()
    fresh = widget.object_result.text()
    assert "stale" not in fresh
    earlier = widget.phase
    widget.phase_box.setCurrentIndex(0 if widget.phase_box.currentIndex() else 1)
    assert "stale" in widget.object_result.text()
    assert "stale" in widget.fraction_result.text()
    widget.phase = earlier
    assert widget.object_result.text() == fresh
    widget.limit.setValue(widget.limit.value() + 1)
    assert "Measure makes them fresh" in widget.object_result.text()
    widget.measure()
    assert "stale" not in widget.object_result.text()


def test_objects_are_coloured_by_a_quantity():
    colors = object_colormap([1.0, 2.0, np.nan, 4.0])
    mapped = colors.map(np.array([0, 1, 2, 3, 4]))
    assert mapped[0, 3] == 0
    assert np.allclose(mapped[3], (0.5, 0.5, 0.5, 1), atol=0.01)
    assert mapped[4, 0] > mapped[1, 0]  # viridis ends in yellow and starts in violet
    assert np.all(mapped[1:, 3] == 1)


def test_no_object_is_too_dark_to_be_seen_over_grey_values():
    colors = object_colormap(None).map(np.arange(200))
    assert colors[0, 3] == 0
    assert (colors[1:, :3].max(axis=1) > 0.8).all()
    assert len(np.unique(colors[1:], axis=0)) > 40
    few = object_colormap(None, shown=np.array([True, False, True]), chosen=3)
    assert np.allclose(few.map(np.array([1])), colors[1], atol=0.01)


def test_small_histogram_counts_what_it_is_given(qtbot):
    plot = SmallHistogram("aspect ratio (1)", ends=(0.0, 1.0))
    qtbot.addWidget(plot)
    plot.show_values([0.01, 0.02, 0.99, 1.0, np.nan], color="#f4c20d")
    assert plot.counts[0] == 2
    assert plot.counts[-1] == 2
    assert plot.counts.sum() == 4
    assert "n = 4" in plot.toolTip()


def test_dead_pores_are_shown_where_they_are(widget, viewer, drawn_phases):
    widget.show_dead.setChecked(True)
    widget.measure()
    layer = viewer.layers["fibre · dead pores"]
    assert np.array_equal(np.asarray(layer.data) > 0, drawn_phases.data == 1)
    assert layer.scale == pytest.approx(drawn_phases.spacing)
    assert viewer.layers.selection.active is viewer.layers["fibre · Sn objects"]
    assert widget.layer is viewer.layers["fibre · phases"]


def test_tables_of_place_come_with_sentences_a_curve_and_files(qtbot, viewer, tmp_path):
    distance = np.hypot(*(np.mgrid[:40, :40] - 19.5))[:, None, :].repeat(16, axis=1)
    phases = np.where(distance < 16, 2, 0).astype(np.uint8)
    phases[distance < 4] = 1
    phases[14:17, 6:9, 26:29] = 3
    # the envelope is 16 nm wide: no part of D·Δθ
    history = (
        ReconstructStep("sirt", tilt_step_deg=2.0, thickness_nm=40.4, crowther_nm=1.41).step,
    )
    add_layer(viewer, phases_data(Volume(phases, 0.5, history=history), "fibre · phases"))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.place.wanted.setChecked(True)
    widget.place.shell.setValue(2.0)
    widget.measure()
    words = widget.place.result.text()
    assert "pore 0.0 % down to 2 nm below the surface, 100.0 % deeper than 6 nm" in words
    assert "Network, pore" in words
    assert "along y" in words
    assert "encapsulated" in words
    assert not widget.place.curve.isHidden()
    assert "D·Δθ (nm) 1.41" in widget.length_plot.toolTip(), (
        "as the history says, not 0.56 nm from the envelope"
    )
    widget.save(tmp_path / "tin")
    shells = pd.read_csv(tmp_path / "tin" / "tables" / "shells.csv")
    assert shells["voxel_count"].sum() == 2 * np.count_nonzero(phases)
    assert (tmp_path / "tin" / "tables" / "contacts_Sn.csv").is_file()
    widget.place.wanted.setChecked(False)
    widget.measure()
    assert not widget.place.result.text()


def test_labels_of_many_objects_are_no_phases_but_can_be_measured(viewer, qtbot):
    viewer.add_labels(
        np.arange(3000, dtype=np.uint16).reshape(10, 15, 20), scale=(1, 1, 1), units=("nm",) * 3
    )
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    assert [widget.phase_box.itemText(k) for k in range(widget.phase_box.count())] == [EACH_LABEL]
    assert len(widget.measure()) == 2999


def test_phases_that_are_removed_meanwhile_are_not_measured(widget, viewer, qtbot, monkeypatch):
    go_on = threading.Event()

    def slow(phases, options, intensity, progress, should_stop):
        while not should_stop() and not go_on.wait(0.01):
            pass
        go_on.set()
        check_stop(should_stop)

    monkeypatch.setattr("napari_snpore.viewer.measure.widget.measure_layer", slow)
    widget.main_button.click()
    viewer.layers.clear()
    assert "'fibre · phases' was removed meanwhile" in widget.status.message.text()
    assert go_on.wait(1)
    qtbot.wait(50)
    assert widget.table is None
    assert len(viewer.layers) == 0


def test_lengths_below_the_detection_limit_of_their_phase_are_shaded(qtbot, viewer, drawn_phases):
    found = DetectionLimitStep(
        phase="Sn", clusters=600, runs=2, seed=0, diameter_nm=0.4, length_nm=0.62
    )
    named = Volume(
        drawn_phases.data,
        drawn_phases.spacing,
        drawn_phases.origin,
        (*drawn_phases.history, found.step),
    )
    add_layer(viewer, phases_data(named, "fibre · phases"))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.measure()
    assert "Shaded, below 0.62" in widget.length_plot.toolTip()
    assert "Shaded" not in widget.width_plot.toolTip()
    objects = viewer.layers["fibre · Sn objects"]
    assert record_of(objects)["size_limit_nm"] == (0.4, 0.62)
    widget.length_plot.grab()  # it can be painted
