from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Image, Labels, Points
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QFontMetrics
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_snpore.errors import InputError
from napari_snpore.files import write_volume
from napari_snpore.history import (
    AlignStep,
    BinStep,
    CleanupParameters,
    EnvelopeStep,
    LabelStep,
    PlantedPhasesStep,
    ReadStep,
    ReconstructStep,
    SegmentStep,
    SmoothStep,
    parsed_history,
)
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.subvolume import NamedBox
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layer_history import note_compared
from napari_snpore.viewer.shared.layers import (
    KEY,
    add_layer,
    envelope_data,
    objects_data,
    phases_data,
    phases_like,
    put_layer,
    series_data,
    volume_data,
)
from napari_snpore.viewer.shared.long_words import breakable
from napari_snpore.viewer.slices.positions import keep_position
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.workbench.layer_watch import LayerWatch
from napari_snpore.viewer.workbench.specimen import specimens_of
from napari_snpore.viewer.workbench.step_states import (
    FIGURE,
    NOTHING_YET,
    SIGNS,
    WORDS,
    in_situ_step,
    next_step,
    steps_of,
)
from napari_snpore.viewer.workbench.widget import WorkbenchWidget
from napari_snpore.volume import Volume

READ = ReadStep("HAADF.mrc").step
ENVELOPE = {"ray_length_nm": 6.0, "occlusion_threshold": 0.5, "cut_axes": (1,)}


def of(layers, name, **options):
    return next(step for step in steps_of(layers, **options) if step.name == name)


def add_series(viewer):
    images = np.ones((5, 8, 8), np.float32)
    return add_layer(
        viewer, series_data(TiltSeries(images, np.arange(5) * 2.0 - 4, 0.5, 0.0, (READ,)), "needle")
    )


def volume(*more, file="HAADF.mrc"):
    steps = (ReadStep(file).step, AlignStep("auto", 0.0, 0.0, ((0.0, float("nan")),)).step)
    made = ReconstructStep("sirt", iterations=50).step
    gray = np.random.default_rng(0).random((8, 8, 8), np.float32)
    return Volume(gray, 0.5, history=(*steps, made, *more))


def add_volume(viewer, made=None):
    return put_layer(viewer, volume_data(volume() if made is None else made, "needle · SIRT 50"))


def history_of(layer):
    return parsed_history(layer.metadata[KEY], layer.name)


def envelope_step(**more):
    return EnvelopeStep(**{**ENVELOPE, "directions": 128, "largest_body": True, **more})


def put_phases(viewer, source, thresholds=(0.48, 6.1), *, cleanup=None, **envelope):
    labels = np.zeros((8, 8, 8), np.uint8)
    labels[2:6, 2:6, 2:6] = 2
    labels[3, 3, 3] = 3
    around = envelope_step(threshold=thresholds[0], **envelope) if envelope else None
    made_by = SegmentStep(thresholds, PORE_C_SN.names, envelope=around, cleanup=cleanup)
    return put_layer(
        viewer,
        phases_like(
            source,
            Volume(labels, 1.0, history=(*history_of(source), made_by.step)),
            "needle · phases",
            PORE_C_SN,
        ),
    )


def put_objects(viewer, phases, phase="Sn"):
    steps = history_of(phases)
    labels = Volume((np.asarray(phases.data) == 3).astype(np.uint8), 0.5, history=steps)
    named = labels.after(LabelStep(phase, 1), labels.data)
    table = pd.DataFrame({"label": [1], "voxel_count": [1]})
    return put_layer(viewer, objects_data(named, table, f"needle · {phase} objects", phase=phase))


def put_envelope(viewer, source, **more):
    steps = history_of(source)
    skin = Volume(np.zeros((8, 8, 8), bool), 0.5, history=(*steps, envelope_step(**more).step))
    return put_layer(viewer, envelope_data(skin, "needle · envelope"))


def test_an_empty_window_says_what_to_do_first():
    steps = steps_of([])
    assert [step.number for step in steps] == list(range(1, 11))
    assert [step.state for step in steps] == ["ready", *["waits"] * 9]
    assert steps[0].hint == NOTHING_YET
    assert steps[1].words == "after Tilt series"
    assert steps[6].words == "after Threshold"
    assert all(step.layer is None for step in steps)
    assert next_step(steps) is steps[0]


def test_every_state_has_a_sign_of_its_own_and_a_word():
    assert len(set(SIGNS.values())) == len(SIGNS) == len(set(WORDS.values()))


def test_series_names_its_file_and_tilts(viewer):
    series = add_series(viewer)
    step = of(viewer.layers, "Tilt series")
    assert (step.holds, step.state, step.layer) == ("HAADF.mrc · 5 × 2°", "done", series)
    reconstruct = of(viewer.layers, "Reconstruct")
    assert (reconstruct.state, reconstruct.layer, reconstruct.widget) == (
        "ready",
        series,
        "Reconstruct",
    )
    assert of(viewer.layers, "Threshold").words == "after Reconstruct"
    assert next_step(steps_of(viewer.layers)).name == "Reconstruct"


def test_a_prepared_series_leaves_the_opened_one_in_its_row(viewer):
    opened = add_series(viewer)
    steps = (READ, BinStep(2).step)
    made = TiltSeries(np.ones((5, 4, 4), np.float32), np.arange(5) * 2.0, 1.0, 0.0, steps)
    add_layer(viewer, series_data(made, "needle · prepared"))
    assert of(viewer.layers, "Tilt series").layer is opened


def test_volume_says_how_it_was_made_and_readies_what_follows(viewer):
    add_series(viewer)
    layer = add_volume(viewer)
    states = {step.name: step.state for step in steps_of(viewer.layers)}
    assert of(viewer.layers, "Reconstruct").holds == "SIRT 50"
    assert of(viewer.layers, "Threshold").layer is layer
    assert [states[name] for name in ("Reconstruct", "Threshold", "Envelope", "Slices", "Subvolumes", "Figure")] == [
        "done", *["ready"] * 5,
    ]  # fmt: skip
    assert states["Measure"] == "waits"


def test_opened_volume_needs_no_series(viewer):
    viewer.add_image(np.zeros((4, 5, 6), np.float32), name="plain", units="nm")
    assert of(viewer.layers, "Tilt series").state == "spare"
    step = of(viewer.layers, "Reconstruct")
    assert (step.state, step.words) == ("done", "4 × 5 × 6 voxels")


def test_volume_without_voxel_size_is_marked(viewer):
    viewer.add_image(np.zeros((4, 5, 6), np.float32), name="plain")
    assert "no voxel size" in of(viewer.layers, "Reconstruct").words
    assert of(viewer.layers, "Envelope").words == "needs a voxel size"


def test_volume_of_another_series_is_stale(viewer):
    add_series(viewer)
    add_volume(viewer, volume(file="other.mrc"))
    step = of(viewer.layers, "Reconstruct")
    assert (step.state, step.words) == ("stale", "SIRT 50, stale: series")


def test_phases_name_their_thresholds(viewer):
    source = add_volume(viewer)
    phases = put_phases(viewer, source)
    step = of(viewer.layers, "Threshold")
    assert (step.state, step.words, step.layer) == ("done", "t1 0.48  t2 6.1", source)
    measure = of(viewer.layers, "Measure")
    assert (measure.state, measure.layer) == ("ready", phases)


def test_phases_of_an_older_volume_are_stale_and_so_is_all_that_follows(viewer):
    source = add_volume(viewer)
    put_objects(viewer, put_phases(viewer, source))
    assert of(viewer.layers, "Measure").state == "done"
    add_volume(viewer, volume(SmoothStep("median", 1).step))
    assert of(viewer.layers, "Reconstruct").holds == "SIRT 50, median 1"
    assert of(viewer.layers, "Threshold").words == "t1 0.48  t2 6.1, stale: volume"
    assert of(viewer.layers, "Measure").words == "Sn: 1 object, stale: older phases"


def test_a_volume_of_total_variation_names_its_blur(viewer):
    made = ReconstructStep("tv", iterations=180, blur_px=1.023, blur_from="images").step
    gray = Volume(np.zeros((8, 8, 8), np.float32), 0.5, history=(READ, made))
    put_layer(viewer, volume_data(gray, "needle · TV 180"))
    assert of(viewer.layers, "Reconstruct").holds == "TV 180, blur 1.02 px"


def test_phases_of_one_of_two_volumes_are_fresh(viewer):
    put_phases(viewer, add_volume(viewer))
    add_layer(viewer, volume_data(volume(SmoothStep("median", 1).step), "needle · smooth"))
    assert of(viewer.layers, "Threshold").state == "done"


@pytest.mark.parametrize(
    ("thresholds", "more", "reason"),
    [
        ((0.5, 6.1), {}, "thresholds"),
        ((0.48, 6.1), {"ray_length_nm": 7.0}, "envelope"),
        ((0.48, 6.1), {"cleanup": CleanupParameters(fill=(3,))}, "phases"),
    ],
)
def test_objects_of_other_phases_are_stale_and_say_why(viewer, thresholds, more, reason):
    source = add_volume(viewer)
    put_objects(viewer, put_phases(viewer, source))
    put_phases(viewer, source, thresholds, **more)
    step = of(viewer.layers, "Measure")
    assert step.state == "stale"
    assert step.words == f"Sn: 1 object, stale: {reason}"
    assert f"Made before the {reason} changed" in step.hint
    assert next_step(steps_of(viewer.layers)) == step


def test_history_compares_after_a_save(viewer):
    phases = put_phases(viewer, add_volume(viewer))
    objects = put_objects(viewer, phases)
    phases.metadata[KEY]["history"][-1]["parameters"]["thresholds"] = (0.48, 6.1)
    assert objects.metadata[KEY]["history"][-2]["parameters"]["thresholds"] == [0.48, 6.1]
    assert of(viewer.layers, "Measure").state == "done"


def test_planted_phases_can_be_measured_but_thresholds_are_still_to_do(viewer):
    gray = volume()
    truth = Volume(
        np.ones((8, 8, 8), np.uint8), 0.5, history=(*gray.history, PlantedPhasesStep().step)
    )
    planted = add_layer(viewer, phases_data(truth, "needle · true phases"))
    add_volume(viewer, gray)
    assert of(viewer.layers, "Threshold").state == "ready"
    assert of(viewer.layers, "Measure").layer is planted
    put_objects(viewer, planted)
    made = put_phases(viewer, viewer.layers["needle · SIRT 50"])
    assert of(viewer.layers, "Measure").state == "done", (
        "objects of the true phases are fresh beside other phases"
    )
    assert of(viewer.layers, "Measure").layer is made


def test_envelope_of_the_layer_or_of_the_phases(viewer):
    source = add_volume(viewer)
    phases = put_phases(viewer, source, **ENVELOPE)
    step = of(viewer.layers, "Envelope")
    assert (step.state, step.words, step.widget) == ("done", "rays 6 nm, τ 0.5", "Threshold")
    put_envelope(viewer, source)
    assert of(viewer.layers, "Envelope").state == of(viewer.layers, "Threshold").state == "done"
    put_envelope(viewer, source, ray_length_nm=9.0)
    assert of(viewer.layers, "Envelope").state == "done"
    assert of(viewer.layers, "Threshold").words == "t1 0.48  t2 6.1, stale: envelope"
    viewer.layers.remove(phases)
    assert of(viewer.layers, "Threshold").state == "ready"


def test_envelope_of_another_threshold_is_stale_where_it_is_recorded(viewer):
    source = add_volume(viewer)
    put_phases(viewer, source, **ENVELOPE)
    put_envelope(viewer, source, threshold=0.48)
    assert of(viewer.layers, "Envelope").state == "done"
    put_envelope(viewer, source, threshold=0.6)
    assert of(viewer.layers, "Envelope").words == "rays 6 nm, τ 0.5, stale: thresholds"


def test_slices_keep_positions_and_subvolumes_their_names(viewer):
    add_volume(viewer)
    keep_position(viewer, "tip", (1.0, 2.0, 2.0))
    for name in ("centre", "edge"):
        boxes_of(viewer).put(NamedBox(name, (2.0, 2.0, 2.0), (2.0, 2.0, 2.0)))
    assert of(viewer.layers, "Slices").words == "1 position"
    assert of(viewer.layers, "Subvolumes").words == "centre, edge"


def test_parts_of_older_phases_are_stale_here_and_there(qtbot, viewer):
    source = add_volume(viewer)
    put_phases(viewer, source)
    cutting = SubvolumeWidget(viewer)
    qtbot.addWidget(cutting)
    cutting.put("centre", center_nm=(1.75, 1.75, 1.75), size_nm=2.0)
    cutting.extract()
    assert specimens_of(viewer.layers) == ["needle", "centre box"]
    assert of(viewer.layers, "Subvolumes", specimen="needle").state == "done"
    part = of(viewer.layers, "Threshold", specimen="centre box")
    assert (part.state, part.words) == ("done", "t1 0.48  t2 6.1")
    put_phases(viewer, source, (0.5, 6.1))
    assert of(viewer.layers, "Subvolumes", specimen="needle").words == "centre, stale: older cut"
    assert of(viewer.layers, "Threshold", specimen="centre box").stale_by == "whole"


def test_figure_is_done_where_its_layer_says_so(viewer):
    source = add_volume(viewer)
    phases = put_phases(viewer, source)
    phases.metadata = {
        **phases.metadata,
        FIGURE: {"file": "plate.pdf", "history": phases.metadata[KEY]["history"]},
    }
    assert of(viewer.layers, "Figure").words == "plate.pdf"
    put_phases(viewer, source, (0.5, 6.1))
    assert of(viewer.layers, "Figure").words == "plate.pdf, stale: phases"


def test_selected_layers_decide_where_several_fit(viewer):
    first = add_volume(viewer)
    second = add_layer(viewer, volume_data(volume(), "needle · WBP"))
    assert of(viewer.layers, "Threshold").layer is second
    assert of(viewer.layers, "Threshold", active=first).layer is first


def test_two_phases_measured_stand_in_one_row(viewer):
    phases = put_phases(viewer, add_volume(viewer))
    put_objects(viewer, phases)
    put_objects(viewer, phases, "pore")
    assert of(viewer.layers, "Measure").words == "Sn 1, pore 1 objects"


def test_layers_of_others_are_no_specimen(viewer):
    viewer.add_layer(Points(np.zeros((1, 3)), name="dots"))
    viewer.add_layer(Image(np.zeros((4, 4, 3), np.uint8), rgb=True, name="photo"))
    assert specimens_of(viewer.layers) == []


def test_in_situ_stands_apart(viewer):
    assert in_situ_step(viewer.layers).words == "needs images in time"
    frames = viewer.add_image(
        np.zeros((6, 8, 8)), name="movie", metadata={KEY: {"kind": "frames", "history": []}}
    )
    step = in_situ_step(viewer.layers)
    assert (step.number, step.words, step.layer, step.widget) == (
        None,
        "6 images, ready",
        frames,
        "In situ",
    )


def test_painting_after_a_measurement_is_noticed_and_made_again_it_is_fresh(viewer, qtbot):
    owner = QObject()
    watch = LayerWatch(viewer, owner)
    source = add_volume(viewer)
    phases = put_phases(viewer, source)
    put_objects(viewer, phases)
    step = of(viewer.layers, "Measure", edited_since=watch.edited_since)
    assert step.state == "done"
    with qtbot.waitSignal(watch.changed):
        phases.paint((4, 4, 4), 3)
    step = of(viewer.layers, "Measure", edited_since=watch.edited_since)
    assert step.words == "Sn: 1 object, stale: phases edited"
    put_objects(viewer, phases)
    assert of(viewer.layers, "Measure", edited_since=watch.edited_since).state == "done"
    source.data = np.zeros((8, 8, 8), np.float32)
    assert of(viewer.layers, "Threshold", edited_since=watch.edited_since).stale_by == "volume"
    put_phases(viewer, source)
    assert of(viewer.layers, "Threshold", edited_since=watch.edited_since).state == "done"


def test_layers_that_come_in_any_order_are_not_stale(viewer):
    owner = QObject()
    put_objects(viewer, put_phases(viewer, add_volume(viewer)))
    layers = list(viewer.layers)
    viewer.layers.clear()
    watch = LayerWatch(viewer, owner)
    for layer in reversed(layers):  # as a saved window may bring them
        viewer.add_layer(layer)
    assert not [
        step
        for step in steps_of(viewer.layers, edited_since=watch.edited_since)
        if step.state == "stale"
    ]


def test_long_words_may_break():
    assert breakable("SIRT 50") == "SIRT 50"
    broken = breakable("a_rather_long_name_2024-11-03.mrc")
    assert broken.replace("\u200b", "") == "a_rather_long_name_2024-11-03.mrc"
    assert max(map(len, broken.split("\u200b"))) <= 13


@pytest.fixture
def widget(qtbot, viewer):
    made = WorkbenchWidget(viewer)
    qtbot.addWidget(made)
    return made


def test_rows_follow_the_layers(widget, viewer, qtbot):
    assert widget.sentence.isVisibleTo(widget)
    assert "open finished runs" in widget.rows[9].toolTip()
    layer = add_volume(viewer)
    qtbot.waitUntil(lambda: widget.rows[1].words.text() == "SIRT 50", timeout=2000)
    assert not widget.sentence.isVisibleTo(widget)
    assert widget.rows[2].sign.text() == "▸"
    assert widget.rows[2].name.font().bold()
    assert widget.rows[2].accessibleName() == "Threshold: ready"
    layer.name = "tip · SIRT 50"
    qtbot.waitUntil(lambda: widget.title.text() == "tip", timeout=2000)
    viewer.layers.clear()
    qtbot.waitUntil(lambda: widget.sentence.isVisibleTo(widget), timeout=2000)


def test_the_first_row_asks_for_files_without_blocking(widget):
    widget.rows[0].click()
    dialog = widget.findChild(QFileDialog)
    assert dialog is not None
    assert not dialog.isModal()
    dialog.close()


def test_compare_is_ready_with_two_fibres_and_done_until_phases_change(viewer):
    first = put_phases(viewer, add_volume(viewer))
    assert of(viewer.layers, "Compare").words == "needs two fibres, or runs"
    add_layer(viewer, phases_data(Volume(np.ones((4, 4, 4), np.uint8), 0.5), "tip · phases"))
    assert of(viewer.layers, "Compare").state == "ready"
    assert of(viewer.layers, "Compare").holds == "2 fibres"
    note_compared(list(viewer.layers), ("pristine", "sodiated"))
    assert of(viewer.layers, "Compare").state == "done"
    assert of(viewer.layers, "Compare").words == "pristine, sodiated"
    del first


def test_a_row_selects_its_input(widget, viewer):
    source = add_volume(viewer)
    phases = put_phases(viewer, source)
    widget.open_step("Threshold")
    assert viewer.layers.selection.active is source
    widget.open_step("Measure")
    assert viewer.layers.selection.active is phases
    assert "no window" in widget.status.message.text()
    with pytest.raises(InputError, match="Comparison"):
        widget.open_step("Comparison")


def test_specimens_follow_the_selection_and_can_be_chosen(widget, viewer):
    add_volume(viewer)
    other = add_layer(viewer, volume_data(Volume(np.zeros((4, 4, 4), np.float32), 1.0), "tip"))
    widget.refresh()
    assert [widget.specimen_box.itemText(k) for k in range(widget.specimen_box.count())] == [
        "needle",
        "tip",
    ]
    viewer.layers.selection.active = viewer.layers["needle · SIRT 50"]
    assert widget.specimen == "needle"
    viewer.layers.selection.active = other
    assert widget.specimen == "tip"
    widget.specimen = "needle"
    assert widget.steps[1].holds == "SIRT 50"
    with pytest.raises(InputError, match="'gone'"):
        widget.specimen = "gone"


def test_steps_of_the_real_widgets(widget, viewer, qtbot):
    z, _, x = np.indices((20, 12, 20))
    gray = np.where((z - 10) ** 2 + (x - 10) ** 2 < 49, 100, 5).astype(np.uint8)
    gray[9:12, 4:8, 9:12] = 200
    add_layer(viewer, volume_data(Volume(gray, 0.5, history=(READ,)), "rod"))
    threshold, measure = ThresholdWidget(viewer), MeasureWidget(viewer)
    for one in (threshold, measure):
        qtbot.addWidget(one)
    threshold.counting.wait()
    threshold.thresholds = 50, 150
    threshold.envelope.make_button.click()
    threshold.status.wait()
    assert [step.state for step in widget.steps[2:4]] == ["ready", "done"]
    threshold.apply()
    assert [step.state for step in widget.steps[2:4]] == ["done", "done"]
    measure.measure()
    assert widget.steps[6].words == "Sn: 1 object"
    threshold.thresholds = 50, 120
    assert widget.steps[6].state == "done", "nothing was applied yet"
    threshold.apply()
    assert widget.steps[6].words == "Sn: 1 object, stale: thresholds"
    measure.measure()
    assert widget.steps[6].state == "done"
    layer = viewer.layers["rod · phases"]
    assert isinstance(layer, Labels)
    layer.data = np.minimum(np.asarray(layer.data), 2)
    assert widget.steps[6].stale_by == "painted"


def test_files_and_samples_open_and_what_cannot_be_read_is_said(make_napari_viewer_proxy, tmp_path):
    window = make_napari_viewer_proxy(show=True)
    viewer = window.__wrapped__
    widget = WorkbenchWidget(viewer)
    window.window.add_dock_widget(widget, name="Workbench", area="right")
    path = write_volume(tmp_path / "tip.tif", Volume(np.zeros((4, 5, 6), np.float32), 0.5))
    (tmp_path / "broken.mrc").write_bytes(b"no volume")
    widget.open_files([str(path), str(tmp_path / "broken.mrc")])
    assert [layer.name for layer in viewer.layers] == ["tip"]
    assert widget.status.message.text().startswith("⚠")
    assert "broken.mrc" in widget.status.message.text()
    needle = widget.sample_button.menu().actions()[0]
    assert needle.text().startswith("Needle")
    needle.trigger()
    assert widget.specimen == "needle"
    assert widget.steps[0].holds == "HAADF.dm3 · 91 × 2°"
    assert not widget.status.message.text()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off_at_320_pixels(make_napari_viewer_proxy, qtbot, theme):
    window = make_napari_viewer_proxy(show=True)
    viewer = window.__wrapped__
    viewer.theme = theme
    long = TiltSeries(
        np.ones((5, 8, 8), np.float32), np.arange(5) * 2.0, 0.5, 0.0,
        (ReadStep("a_rather_long_name_of_a_series_2024-11-03_HAADF_aligned.mrc").step,),
    )  # fmt: skip
    add_layer(viewer, series_data(long, "needle"))
    put_objects(viewer, put_phases(viewer, add_volume(viewer), **ENVELOPE))
    widget = WorkbenchWidget(viewer)
    dock = window.window.add_dock_widget(widget, name="Workbench", area="right")
    dock.setFixedWidth(320)
    QTest.qWait(300)
    for row in widget.rows:
        assert row.width() <= 320
        assert row.words.height() >= row.words.heightForWidth(row.words.width())
        assert row.name.contentsRect().width() >= QFontMetrics(row.name.font()).horizontalAdvance(
            row.name.text()
        )
        assert row.sign.geometry().right() <= row.width()
    for button in (widget.open_button, widget.sample_button):
        assert button.geometry().right() <= widget.width()


def test_a_click_opens_the_widget_of_a_step_in_a_window(make_napari_viewer_proxy, qtbot):
    window = make_napari_viewer_proxy(show=True)
    window.window.resize(1200, 800)
    viewer = window.__wrapped__
    source = add_volume(viewer)
    put_phases(viewer, source)
    widget = WorkbenchWidget(viewer)
    window.window.add_dock_widget(widget, name="Workbench", area="right")
    QTest.qWait(200)
    qtbot.mouseClick(widget.rows[6], Qt.MouseButton.LeftButton)
    QTest.qWait(300)
    (form,) = [
        one for one in window.window.dock_widgets.values() if type(one).__name__ == "MeasureWidget"
    ]
    assert form.isVisible()
    assert form.layer.name == "needle · phases"
    widget.rows[2].setFocus()
    qtbot.keyClick(widget.rows[2], Qt.Key.Key_Return)
    QTest.qWait(300)
    (second,) = [
        one
        for one in window.window.dock_widgets.values()
        if type(one).__name__ == "ThresholdWidget"
    ]
    assert second.isVisible()
    assert second.layer.name == source.name
    second.counting.wait()
    second.status.wait()
    qtbot.mouseClick(widget.rows[6], Qt.MouseButton.LeftButton)  # raised, not opened twice
    QTest.qWait(200)
    assert (
        sum(type(one).__name__ == "MeasureWidget" for one in window.window.dock_widgets.values())
        == 1
    )
    assert not form.visibleRegion().isEmpty()
    qtbot.keyClick(widget.rows[6], Qt.Key.Key_Down)
    assert widget.rows[7].hasFocus() or not widget.rows[7].window().isActiveWindow()


def test_images_in_time_alone_ask_for_no_tilt_series(viewer, qtbot):
    from napari_snpore.in_situ import ImageSeries
    from napari_snpore.viewer.in_situ.layers import frames_data

    widget = WorkbenchWidget(viewer)
    qtbot.addWidget(widget)
    add_layer(viewer, frames_data(ImageSeries(np.zeros((3, 16, 16)), 0.5), "movie"))
    assert widget.steps[0].state == "spare"
    assert (widget.steps[-1].name, widget.steps[-1].state) == ("In situ", "ready")
    assert widget.sentence.isHidden()
