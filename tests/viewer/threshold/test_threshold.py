"""The threshold widget without a window: thresholds, fractions, phases, envelope, and what it
refuses.
"""

from __future__ import annotations

import json

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.notifications import notification_manager

from napari_snpore.errors import InputError
from napari_snpore.files import read_volume, write_volume
from napari_snpore.history import SegmentStep, last_step
from napari_snpore.segmentation.envelope import envelope_skin
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import EnvelopeSection, ThresholdSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases
from napari_snpore.viewer.shared.layers import (
    add_layer,
    kind_of,
    phases_data,
    record_of,
    volume_data,
    volume_from_layer,
)
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.window.packing import Packer, unpack
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.25), (1.0, 2.0, 3.0)


@pytest.fixture
def steps():
    """0, 1, ..., 11 along x: 4 × 5 voxels of each grey value."""
    return np.broadcast_to(np.arange(12, dtype=np.uint8), (4, 5, 12)).copy()


@pytest.fixture
def rod():
    """A solid rod along y, 28 voxels across, grey 100, with a slit of Sn (grey 220), in vacuum of
    grey 10.
    """
    z, _, x = np.indices((48, 20, 48)) - 23.5
    gray = np.where(np.hypot(z, x) < 14, 100, 10).astype(np.uint8)
    gray[22:26, :, 22:26] = 220
    return gray


def widget_for(viewer, qtbot, data, **scale):
    if scale.pop("bare", False):
        viewer.add_image(data, name="bare")
    else:
        add_layer(viewer, volume_data(Volume(data, SPACING, ORIGIN), "fibre · SIRT 50"))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    return widget


def test_thresholds_and_layer_are_usable_before_the_histogram(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    assert widget.layer is viewer.layers[0]
    widget.thresholds = (3, 9)
    assert widget.thresholds == (3.0, 9.0)
    widget.counting.wait()
    assert widget.thresholds == (3.0, 9.0), "a suggestion must not replace what a script set"
    assert widget.fractions == pytest.approx((3 / 12, 6 / 12, 3 / 12))


def test_apply_labels_by_the_definition_and_keeps_the_place(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    phases = widget.apply()
    assert isinstance(phases, Labels)
    assert phases.name == "fibre · phases"
    assert phases.data.dtype == np.uint8
    np.testing.assert_array_equal(phases.data[0, 0], [1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3])
    volume = volume_from_layer(phases)
    assert volume.spacing == pytest.approx(SPACING)
    assert volume.origin == pytest.approx(ORIGIN)
    assert volume.history[-1].parameters["thresholds"] == [3.0, 9.0]
    assert record_of(phases)["phase_names"] == ["pore", "C", "Sn"]
    assert not any(kind_of(layer) == "preview" for layer in viewer.layers)


def test_apply_again_renews_the_same_layer(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    first = widget.apply()
    widget.thresholds = (1, 2)
    second = widget.apply()
    assert second is first
    assert np.count_nonzero(second.data == 1) == 20
    assert record_of(second)["history"][-1]["parameters"]["thresholds"] == [1.0, 2.0]


def test_phases_made_again_lie_above_volumes_that_were_opened_since(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    phases = widget.apply()
    drawn = viewer.add_points(np.zeros((1, 3)), name="marks", units=("nm",) * 3)
    other = add_layer(viewer, volume_data(Volume(steps, SPACING, ORIGIN), "other"))
    marks = viewer.add_points(np.zeros((1, 3)), name="more marks", units=("nm",) * 3)
    widget.layer = viewer.layers["fibre · SIRT 50"]
    widget.apply()
    assert list(viewer.layers) == [viewer.layers["fibre · SIRT 50"], drawn, other, phases, marks]


def test_new_thresholds_uncover_the_preview(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    phases = widget.apply()
    assert phases.visible
    widget.thresholds = (4, 9)
    assert not phases.visible, "phases of older thresholds would cover the preview"
    assert any(kind_of(layer) == "preview" for layer in viewer.layers)
    assert widget.apply().visible


def test_another_volume_gets_its_own_suggestion(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.counting.wait()
    brighter = add_layer(viewer, volume_data(Volume(steps * 20, 1.0), "brighter"))
    assert widget.layer is brighter
    widget.counting.wait()
    assert widget.thresholds[1] > 20


def test_suggestion_falls_into_the_gaps(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.counting.wait()
    t1, t2 = widget.thresholds
    assert 10 < t1 <= 100 < t2 <= 220
    assert widget.fractions == pytest.approx([np.mean(rod == gray) for gray in (10, 100, 220)])


def test_envelope_takes_the_vacuum_out_of_the_pores(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.thresholds = (50, 150)
    widget.counting.wait()
    assert "whole box" in widget.result.text()
    assert widget.fractions[0] > 0.6
    widget.envelope.make_button.click()
    widget.status.wait()
    assert widget.fractions[0] < 0.04, "a solid rod has no pores but the notches of its voxel steps"
    assert "envelope" in widget.result.text()
    phases = widget.apply()
    assert np.count_nonzero(phases.data == 0) > 0.6 * rod.size
    np.testing.assert_array_equal(phases.data == 3, rod == 220)


def test_skin_is_what_the_outside_touches():
    body = np.zeros((7, 6, 7), bool)
    body[1:6, :, 1:6] = True  # cut by the box along y
    expected = body.copy()
    expected[2:5, :, 2:5] = False
    np.testing.assert_array_equal(envelope_skin(body), expected)


def test_a_moved_threshold_makes_the_envelope_stale_and_apply_makes_it_fresh(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.thresholds = (50, 150)
    widget.envelope.make_button.click()
    widget.status.wait()
    assert "stale" not in widget.envelope.state.text()
    widget.thresholds = (60, 150)
    assert "stale" in widget.envelope.state.text()
    widget.apply()
    assert "stale" not in widget.envelope.state.text()
    widget.envelope.tau.setValue(0.6)
    assert "stale" in widget.envelope.state.text()


def enclosed_and_another(viewer, qtbot, rod):
    """Return a widget with phases inside an envelope, and then a second volume, which is chosen."""
    widget = widget_for(viewer, qtbot, rod)
    widget.thresholds = (50, 150)
    widget.counting.wait()
    widget.envelope.ray_length.setValue(2.5)
    widget.envelope.make_button.click()
    widget.status.wait()
    widget.apply()
    add_layer(viewer, volume_data(Volume(rod // 2, SPACING, ORIGIN), "other"))
    widget.counting.wait()
    return widget


def test_a_volume_that_is_chosen_again_has_its_thresholds_and_its_envelope(viewer, qtbot, rod):
    widget = enclosed_and_another(viewer, qtbot, rod)
    inside = widget._viewer.layers["fibre · phases"].data.copy()
    assert widget.thresholds != (50.0, 150.0)
    assert "none yet" in widget.envelope.state.text()
    widget.envelope.ray_length.setValue(4.0)
    widget.thresholds = (20, 60, 90)
    widget.layer = viewer.layers["fibre · SIRT 50"]
    assert widget.thresholds == (50.0, 150.0)
    assert "rays of 2.5" in widget.envelope.state.text()
    assert "stale" not in widget.envelope.state.text()
    np.testing.assert_array_equal(widget.apply().data, inside)
    widget.layer = viewer.layers["other"]
    assert widget.thresholds == (20.0, 60.0, 90.0)
    assert len(widget.boxes.boxes) == 3
    assert widget.envelope.ray_length.value() == 4.0


def test_a_volume_with_other_grey_values_is_not_taken_for_the_old_one(viewer, qtbot, rod):
    widget = enclosed_and_another(viewer, qtbot, rod)
    viewer.layers["fibre · SIRT 50"].data = rod + 5
    widget.layer = viewer.layers["fibre · SIRT 50"]
    widget.counting.wait()
    assert widget.thresholds != (50.0, 150.0)
    assert "none yet" in widget.envelope.state.text()


def test_an_envelope_that_is_ready_after_another_volume_was_chosen_is_kept(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    other = viewer.add_image(rod // 2, name="other", scale=SPACING, units=("nm",) * 3)
    widget.layer = viewer.layers["fibre · SIRT 50"]
    widget.thresholds = (50, 150)
    widget.counting.wait()
    widget.envelope.make_button.click()
    widget.layer = other
    widget.status.wait()
    assert "none yet" in widget.envelope.state.text()
    assert "fibre · envelope" in widget.status.message.text()
    widget.layer = viewer.layers["fibre · SIRT 50"]
    assert "rays of" in widget.envelope.state.text()
    assert (widget.apply().data == 0).any()


def test_apply_says_that_phases_of_the_envelope_give_way_to_the_whole_box(viewer, qtbot, rod):
    widget = enclosed_and_another(viewer, qtbot, rod)
    # a smoothed fibre has the name of the fibre, and no envelope yet
    add_layer(viewer, volume_data(Volume(rod, SPACING, ORIGIN), "fibre · median 1"))
    widget.thresholds = (50, 150)
    widget.counting.wait()
    assert "would replace the phases of the envelope" in widget.result.text()
    phases = widget.apply()
    assert not (phases.data == 0).any()
    for words in (widget.status.message.text(), widget.result.text()):
        assert "The phases of the envelope were replaced by phases of the whole box" in words
    widget.envelope.make_button.click()
    widget.status.wait()
    assert "replace" not in widget.result.text()
    assert (widget.apply().data == 0).any()
    assert "replace" not in widget.status.message.text()


def test_a_volume_removed_while_its_envelope_or_phases_are_made_is_said(viewer, qtbot, rod):
    for press in ("envelope", "apply"):
        viewer.layers.clear()
        widget = widget_for(viewer, qtbot, rod)
        widget.thresholds = (50, 150)
        widget.counting.wait()
        (widget.envelope.make_button if press == "envelope" else widget.main_button).click()
        viewer.layers.remove("fibre · SIRT 50")
        widget.status.wait()
        assert (
            "'fibre · SIRT 50' was removed meanwhile; nothing was made"
            in widget.status.message.text()
        )
        assert len(viewer.layers) == 0


def saved_and_taken_up(widget, qtbot):
    """Return a new widget in a new viewer that took up what the window of the first one keeps."""
    packer = Packer()
    text = json.dumps(packer.pack(dict(widget.state()), "the widget"))
    assert packer.notes == []
    again = ViewerModel()
    made = {}
    for layer in widget._viewer.layers:
        if kind_of(layer) != "preview":
            made[layer.name] = again.add_layer(type(layer).create(*layer.as_layer_data_tuple()))
    new = ThresholdWidget(again)
    qtbot.addWidget(new)
    new.set_state(unpack(json.loads(text), packer.arrays), made)
    return new


def test_a_saved_widget_makes_the_same_phases_bit_for_bit(viewer, qtbot, rod):
    rng = np.random.default_rng(1)
    noisy = np.clip(rod + rng.normal(0, 12, rod.shape), 0, 255).astype(np.uint8)
    widget = widget_for(viewer, qtbot, noisy)
    widget.thresholds = (55, 160)
    widget.envelope.ray_length.setValue(2.5)
    widget.envelope.tau.setValue(0.6)
    widget.envelope.make_button.click()
    widget.status.wait()
    widget.cleanup.majority.setValue(1)
    widget.cleanup.fill.setCurrentIndex(1)
    widget.cleanup.speck_size.setValue(5)
    widget.cleanup.method.setCurrentText("median")
    widget.region.choice.setCurrentText("envelope")
    widget.tools.log.setChecked(False)
    phases = widget.apply().data.copy()
    again = saved_and_taken_up(widget, qtbot)
    # not made anew with what stands in the boxes: kept, voxel by voxel
    assert again.fractions == widget.fractions
    assert "rays of 2.5" in again.envelope.state.text()
    assert "stale" not in again.envelope.state.text()
    assert again.state()["settings"] == widget.state()["settings"]
    assert not any(kind_of(layer) == "preview" for layer in again._viewer.layers), (
        "it was not shown"
    )
    assert not again._viewer.layers["fibre · envelope"].visible
    np.testing.assert_array_equal(again.apply().data, phases)
    again.thresholds = (56, 160)
    assert "stale" in again.envelope.state.text()
    assert any(kind_of(layer) == "preview" for layer in again._viewer.layers), (
        "phases of older thresholds give way"
    )


def test_a_saved_window_shows_the_phases_that_it_showed(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.apply()
    add_layer(viewer, volume_data(Volume(steps, SPACING, ORIGIN), "other"))
    widget.thresholds = (3, 9)
    widget.apply()
    viewer.layers["fibre · phases"].visible = True
    again = saved_and_taken_up(widget, qtbot)
    again.counting.wait()
    assert again._viewer.layers["fibre · phases"].visible
    assert again._viewer.layers["other · phases"].visible


def test_a_saved_window_leaves_the_preview_of_its_volume(viewer, qtbot, steps):
    """napari collects garbage for each layer that goes, once a canvas."""
    widget = widget_for(viewer, qtbot, steps)
    widget.counting.wait()
    preview = viewer.layers["fibre · preview"]
    state = {**widget.state(), "thresholds": [3.0, 9.0]}
    gone = []
    viewer.layers.events.removed.connect(gone.append)
    widget.set_state(state, {layer.name: layer for layer in viewer.layers})
    widget.counting.wait()
    assert gone == []
    assert viewer.layers["fibre · preview"] is preview
    assert widget.thresholds == (3, 9)
    widget.set_state({**state, "thresholds": []}, {layer.name: layer for layer in viewer.layers})
    assert [event.value for event in gone] == [preview], "it was of thresholds that are none now"


def test_apply_waits_for_the_envelope_of_a_saved_window(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.thresholds = (50, 150)
    widget.envelope.make_button.click()
    widget.status.wait()
    again = saved_and_taken_up(widget, qtbot)
    assert not again.main_button.isEnabled()
    assert (again.apply().data == 0).any(), "vacuum is outside the envelope"
    assert again.main_button.isEnabled()
    third = saved_and_taken_up(
        saved_and_taken_up(widget, qtbot), qtbot
    )  # saved again before it was unpacked
    third.counting.wait()
    assert "rays of" in third.envelope.state.text()


def test_a_saved_widget_without_an_envelope_has_none(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    again = saved_and_taken_up(widget, qtbot)
    again.counting.wait()
    assert again.thresholds == (3.0, 9.0)
    assert "none yet" in again.envelope.state.text()
    assert any(kind_of(layer) == "preview" for layer in again._viewer.layers), "it was shown"


def test_layer_without_a_voxel_size_gets_phases_but_no_envelope(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps, bare=True)
    widget.thresholds = (3, 9)
    assert not widget.envelope.make_button.isEnabled()
    assert "no voxel size" in widget.envelope.state.text()
    assert np.count_nonzero(widget.apply().data == 3) == 60


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32", "float64", ">f4"])
def test_dtypes(viewer, qtbot, steps, dtype):
    widget = widget_for(viewer, qtbot, (steps.astype(np.int16) - 5).astype(dtype))
    widget.thresholds = (-2, 4)
    widget.counting.wait()
    assert np.bincount(widget.apply().data.ravel()).tolist() == [0, 60, 120, 60]
    assert ("float32" in widget.warning.text()) == (dtype in ("int32", "float64"))


def test_lazy_and_multiscale_layers(viewer, qtbot, steps):
    viewer.add_image(da.from_array(steps, chunks=(2, 5, 12)), name="lazy")
    viewer.add_image([steps, steps[::2, ::2, ::2]], name="pyramid", multiscale=True)
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    for name in ("lazy", "pyramid"):
        widget.layer = viewer.layers[name]
        widget.thresholds = (3, 9)
        assert widget.apply().data.shape == steps.shape


def test_one_and_four_phases(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (6,)
    assert widget.fractions == pytest.approx((0.5, 0.5))
    assert len(widget.boxes.boxes) == 1
    widget.thresholds = (3, 6, 9)
    assert widget.fractions == pytest.approx((0.25,) * 4)
    assert np.bincount(widget.apply().data.ravel()).tolist() == [0, 60, 60, 60, 60]


def test_undo_and_redo(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.thresholds = (4, 9)
    widget.undo()
    assert widget.thresholds == (3.0, 9.0)
    widget.redo()
    assert widget.thresholds == (4.0, 9.0)


def test_undo_goes_back_over_another_number_of_phases(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.thresholds = (4, 9)
    widget.counting.wait()
    widget.phases.box.setValue(4)
    assert len(widget.thresholds) == 3
    widget.undo()
    assert widget.thresholds == (4.0, 9.0)
    widget.undo()
    assert widget.thresholds == (3.0, 9.0)


def test_typed_threshold_counts_at_once_and_nonsense_is_refused(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.counting.wait()
    widget.boxes.boxes[0].setValue(6)
    assert widget.thresholds == (6.0, 9.0)
    assert widget.fractions == pytest.approx((6 / 12, 3 / 12, 3 / 12))
    widget.boxes.boxes[0].setValue(10)
    assert widget.thresholds == (6.0, 9.0)
    assert "increasing" in widget.status.message.text()
    assert widget.boxes.boxes[0].value() == 6
    for bad in ((9, 3), (3, 3), (float("nan"), 4), ()):
        with pytest.raises(InputError, match="increasing"):
            widget.thresholds = bad


def test_only_grey_volumes_are_offered(viewer, qtbot, steps):
    viewer.add_image(np.zeros((20, 20)), name="flat")
    viewer.add_image(np.zeros((20, 20, 20, 3), np.uint8), rgb=True, name="color")
    viewer.add_labels(steps.astype(int), name="labels")
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.layer is None
    assert not widget.main_button.isEnabled()
    with pytest.raises(InputError, match="no volume yet"):
        widget.apply()


def test_constant_volume_and_nan_are_said(viewer, qtbot):
    widget = widget_for(viewer, qtbot, np.full((5, 5, 5), 7, np.uint8))
    widget.counting.wait()
    assert "fewer than 3" in widget.counting.message.text()
    notification_manager.records.clear()
    bad = np.zeros((5, 5, 5), np.float32)
    bad[0, 0, 0] = np.nan
    layer = add_layer(viewer, volume_data(Volume(bad, 1.0), "bad"))
    widget.layer = layer
    widget.counting.wait()
    assert "NaN" in widget.counting.message.text()
    assert len(notification_manager.records) == 1
    with pytest.raises(InputError, match="NaN"):  # and no word of waiting for the histogram
        widget.apply()


def test_what_was_wrong_with_a_layer_goes_with_it(viewer, qtbot, monkeypatch):
    monkeypatch.setattr("napari_snpore.viewer.shared.worker._FRESH_S", 0.0)
    bad = np.zeros((5, 5, 5), np.float32)
    bad[0, 0, 0] = np.nan
    widget = widget_for(viewer, qtbot, bad)
    widget.counting.wait()
    with pytest.raises(InputError):
        widget.apply()
    assert "NaN" in widget.status.message.text()
    viewer.layers.clear()
    assert not widget.status.message.text()


def test_layer_removed_while_it_is_counted(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    viewer.layers.clear()
    widget.counting.wait()
    assert widget.layer is None
    assert widget.thresholds == ()
    assert widget.fractions == ()


def test_choice_follows_the_selection(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    other = add_layer(viewer, volume_data(Volume(steps, 1.0), "other"))
    assert widget.layer is other
    viewer.layers.selection.active = viewer.layers["fibre · SIRT 50"]
    assert widget.layer.name == "fibre · SIRT 50"
    viewer.layers["fibre · SIRT 50"].name = "renamed"
    assert widget.layer.name == "renamed"


@pytest.fixture
def three_specimens(viewer, qtbot, rod):
    """A form that shows 'pristine', while another of three volumes is selected in napari."""
    for name in ("pristine", "sodiated", "desodiated"):
        add_layer(viewer, volume_data(Volume(rod, SPACING, ORIGIN), name))
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    viewer.layers.selection.active = viewer.layers["sodiated"]
    widget.layer = viewer.layers["pristine"]
    widget.thresholds = (50, 150)
    widget.counting.wait()
    return widget


@pytest.mark.parametrize("button", ["make_button", "field_button"])
def test_the_form_keeps_its_volume_when_it_adds_a_layer(three_specimens, viewer, button):
    widget = three_specimens
    getattr(widget.envelope, button).click()
    widget.status.wait()
    assert widget.layer.name == "pristine"
    assert viewer.layers.selection.active.name == "sodiated"
    assert widget.thresholds == (50, 150)


def test_apply_labels_the_chosen_volume_inside_its_envelope(three_specimens, viewer):
    widget = three_specimens
    widget.envelope.make_button.click()
    widget.status.wait()
    phases = widget.apply()
    assert phases.name == "pristine · phases"
    assert (np.asarray(phases.data) == 0).any(), "vacuum around the rod is exterior"
    assert "sodiated · phases" not in viewer.layers


def test_a_choice_after_the_envelope_is_followed(three_specimens, viewer):
    widget = three_specimens
    widget.envelope.make_button.click()
    widget.status.wait()
    viewer.layers.selection.active = viewer.layers["desodiated"]
    assert widget.layer.name == "desodiated"
    viewer.layers.selection.active = viewer.layers["sodiated"]
    assert widget.layer.name == "sodiated"


def test_the_occlusion_is_of_the_body_that_the_envelope_is_made_of(viewer, qtbot, rod):
    """A shell of noise in the vacuum shadows the void inside it; it is no part of the body, and
    shadows nothing.
    """
    noisy = rod.copy()
    noisy[2:6, 8:12, 2:6] = 100
    noisy[3:5, 9:11, 3:5] = 10
    widget = widget_for(viewer, qtbot, noisy)
    widget.thresholds = (50, 150)
    for button in (widget.envelope.make_button, widget.envelope.field_button):
        button.click()
        widget.status.wait()
    field = np.asarray(viewer.layers["fibre · occlusion"].data)
    assert field[3:5, 9:11, 3:5].max() < 0.5, "open void, as for the envelope"
    inside = widget.apply().data > 0
    assert (field[inside] >= 0.5).all()
    assert not inside[3:5, 9:11, 3:5].any()


def phases_of_a_run(rod, tmp_path, cut_axes):
    """Write and read the phases of a run whose recipe names the cut axes."""
    made = find_phases(
        Volume(rod, SPACING, ORIGIN),
        ThresholdSection(values=[50, 150]),
        EnvelopeSection(cut_axes=cut_axes, ray_length_nm=2.0),
        context=RunContext(Record("run")),
    )
    write_volume(tmp_path / "phases.tif", made.phases)
    return read_volume(tmp_path / "phases.tif")


def test_a_warning_comes_before_apply_replaces_the_phases_of_a_run(viewer, qtbot, rod, tmp_path):
    read = phases_of_a_run(rod, tmp_path, [1])
    widget = widget_for(viewer, qtbot, rod)
    add_layer(
        viewer,
        phases_data(
            Volume(np.asarray(read.data), read.spacing, read.origin, read.history), "fibre · phases"
        ),
    )
    widget.thresholds = (60, 150)
    widget.counting.wait()
    assert "Apply would replace the phases of the envelope" in widget.result.text()


def test_the_window_and_a_run_write_the_same_step(viewer, qtbot, rod, tmp_path):
    widget = widget_for(viewer, qtbot, rod)
    widget.thresholds = (50, 150)
    widget.envelope.ray_length.setValue(2.0)
    widget.envelope.cut.setChecked(False)
    widget.envelope.make_button.click()
    widget.status.wait()
    made = volume_from_layer(widget.apply()).history
    run = phases_of_a_run(rod, tmp_path, []).history
    assert last_step(made, SegmentStep) == last_step(run, SegmentStep)


def test_what_is_said_of_a_suggestion_goes_with_its_thresholds(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.counting.wait()
    suggested = widget.thresholds
    assert "Sn first, then carbon (HAADF): separation" in widget.warning.text()
    widget.plot.drag_started.emit()
    widget.plot.thresholds_changed.emit((50.0, suggested[1]))
    assert "separation" not in widget.warning.text(), "at once, while it is dragged"
    assert "set by hand; suggested were t1" in widget.warning.text()
    widget.plot.drag_finished.emit()
    widget.undo()
    assert widget.thresholds == suggested
    assert "Sn first, then carbon (HAADF): separation" in widget.warning.text()


def test_phases_of_older_thresholds_are_said_to_be_so(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.thresholds = (3, 9)
    widget.apply()
    assert "of other thresholds" not in widget.result.text()
    widget.thresholds = (4, 9)
    assert "the phases layer is of other thresholds than these" in widget.result.text()
    widget.apply()
    assert "of other thresholds" not in widget.result.text()


def test_a_rule_that_finds_nothing_leaves_no_numbers_of_another_one(viewer, qtbot, rod):
    widget = widget_for(viewer, qtbot, rod)
    widget.counting.wait()
    assert widget.fractions
    widget.tools.rule = "li"  # two phases only
    widget.phases.box.setValue(4)
    assert widget.thresholds == ()
    assert widget.fractions == ()
    assert not widget.result.text()
    assert "separation" not in widget.warning.text()


def test_every_rule_has_a_name_and_a_sentence_in_the_list(viewer, qtbot, steps):
    from qtpy.QtCore import Qt

    widget = widget_for(viewer, qtbot, steps)
    box = widget.tools.method
    for k in range(box.count()):
        assert box.itemText(k) != box.itemData(k), "a name, not a key"
        assert box.itemData(k, Qt.ItemDataRole.ToolTipRole).endswith(".")
    with pytest.raises(InputError, match="one of auto, projection"):
        widget.tools.rule = "none"


def test_windows_saved_with_keys_of_rules_open(viewer, qtbot, steps):
    widget = widget_for(viewer, qtbot, steps)
    widget.tools.rule = "kmeans"
    state = dict(widget.state())
    assert state["settings"]["tools"]["method"] == "kmeans"
    widget.tools.rule = "auto"
    widget.set_state(state, {layer.name: layer for layer in viewer.layers})
    assert widget.tools.rule == "kmeans"
