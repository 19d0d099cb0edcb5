"""The reconstruct widget without a window, on a rod whose projections are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog

from napari_snpore.errors import InputError
from napari_snpore.gray_limits import volume_limits
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.shared.layers import add_layer, series_data, volume_from_layer

PIXEL, RADIUS = 0.5, 8.0
ANGLES = np.arange(-70.0, 71.0, 4.0)


@pytest.fixture
def series():
    """A rod of grey 3 and radius 8 px along y: every projection is 3 · 2√(R² − x²)."""
    x = np.arange(32) - 15.5
    profile = 6 * np.sqrt(np.clip(RADIUS**2 - x**2, 0, None))
    images = np.broadcast_to(profile, (len(ANGLES), 16, 32)).astype(np.float32)
    return TiltSeries(images, ANGLES, PIXEL)


@pytest.fixture
def widget(viewer, qtbot, series):
    add_layer(viewer, series_data(series, "rod"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    widget.aligning.mode.setCurrentText("aligned already")
    choose(widget, "sirt")
    return widget


def choose(widget, method):
    widget.method.method.setCurrentIndex(widget.method.method.findData(method))


def test_form_says_what_the_series_is(widget):
    assert "36 tilts, −70° to 70°, step 4.00°, pixel 0.5000 nm" in widget.about.text()
    assert widget.main_button.text() == "Reconstruct 32 × 16 × 32"


def test_volume_of_the_rod(widget, viewer):
    widget.method.iterations.setValue(30)
    layer = widget.reconstruct()
    assert layer.name == "rod · SIRT 30"
    volume = volume_from_layer(layer)
    assert volume.shape == (32, 16, 32)
    assert volume.spacing == pytest.approx((PIXEL,) * 3)
    middle = np.asarray(volume.data)[13:19, 2:4, 13:19]
    assert middle.mean() == pytest.approx(3, rel=0.1)
    assert not viewer.layers["rod"].visible
    assert viewer.layers.selection.active is layer
    assert viewer.dims.point[0] == pytest.approx(8, abs=PIXEL), (
        "the slice in the middle of the volume is shown"
    )


def test_numbers_beside_the_volume(widget):
    widget.method.iterations.setValue(30)
    widget.reconstruct()
    quality = widget.result.quality
    assert quality.crowther_nm == pytest.approx(8 * np.radians(4), rel=0.1)  # D 8 nm
    assert quality.wedge_elongation == pytest.approx(1.31, abs=0.01)  # ±70°
    assert widget.even_odd is not None
    text = widget.numbers.text()
    assert "even/odd resolution" in text
    assert "consistency" in text
    assert "residual" in text
    assert "D·Δθ" in text
    assert "wedge × <b>1.31</b>" in text


def test_numbers_of_other_settings_are_marked_stale(widget):
    widget.method.iterations.setValue(5)
    widget.reconstruct()
    fresh = widget.numbers.text()
    assert "stale" not in fresh
    widget.method.iterations.setValue(6)
    assert "These results are stale" in widget.numbers.text()
    widget.method.iterations.setValue(5)
    assert widget.numbers.text() == fresh
    widget.tilts.left_out = [0]
    widget.tilts.changed.emit()
    assert "These results are stale" in widget.numbers.text()


def test_numbers_of_another_series_are_marked_stale(widget, viewer, series):
    widget.method.iterations.setValue(5)
    widget.reconstruct()
    fresh = widget.numbers.text()
    other = add_layer(viewer, series_data(series, "other"))
    widget.layer = other
    assert "These results are stale" in widget.numbers.text()
    widget.layer = viewer.layers["rod"]
    assert widget.numbers.text() == fresh


def test_a_series_that_is_gone_has_to_be_opened_before_its_numbers_are_made_again(widget, viewer):
    widget.method.iterations.setValue(5)
    made = widget.reconstruct()
    assert widget.status.message.text() == "Made 'rod · SIRT 5'."
    viewer.layers.remove("rod")
    assert not widget.main_button.isEnabled()
    assert "Drop a tilt series here, or File > Open Sample; then" in widget.numbers.text()
    viewer.layers.remove(made)
    assert not widget.status.message.text(), "there is no such layer any more"


def test_wbp_is_named_after_itself(widget):
    widget.method.method.setCurrentIndex(widget.method.method.findData("wbp"))
    assert widget.reconstruct().name == "rod · WBP"
    assert widget.result.volume.history[-1].parameters["filter"] == "ram-lak"


def test_alignment_is_run_and_reported(widget, viewer):
    widget.aligning.mode.setCurrentText("axis angle given")
    widget.aligning.axis_angle.setValue(0.0)
    widget.keep_aligned.setChecked(True)
    widget.method.iterations.setValue(5)
    widget.reconstruct()
    assert widget.result.alignment.tilt_axis_angle_deg == 0.0
    assert "axis <b>0.0°</b>" in widget.aligning.found.text().replace("−0.0", "0.0")
    assert "rod · aligned" in viewer.layers


def test_cancel_leaves_no_volume(widget, viewer, qtbot):
    widget.method.iterations.setValue(5000)
    widget.start()
    qtbot.waitUntil(lambda: widget.status.bar.maximum() == 1000, timeout=20_000)
    widget.status.cancel()
    widget.status.wait()
    assert "cancelled" in widget.status.message.text()
    assert [layer.name for layer in viewer.layers] == ["rod"]


def test_axis_angle_is_asked_for_only_where_it_is_used(widget):
    assert widget.aligning.axis_angle.isHidden()
    widget.aligning.mode.setCurrentText("axis angle given")
    assert not widget.aligning.axis_angle.isHidden()
    widget.method.method.setCurrentIndex(widget.method.method.findData("wbp"))
    assert widget.method.iterations.isHidden()


def test_nothing_to_reconstruct_is_one_sentence(viewer, qtbot):
    viewer.add_image(np.zeros((5, 6, 7)), name="no series")
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    assert widget.layer is None
    assert not widget.main_button.isEnabled()
    with pytest.raises(InputError, match="no tilt series yet"):
        widget.reconstruct()


def test_an_image_of_nan_is_refused_by_its_number(viewer, qtbot, series):
    images = series.images.copy()
    images[3, 0, 0] = np.nan
    add_layer(viewer, series_data(TiltSeries(images, ANGLES, PIXEL), "bad"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    with pytest.raises(InputError, match="Image 3"):
        widget.reconstruct()


def live(widget):
    """Wait for the plane under the present settings."""
    widget._live.wait()
    return widget.slice.picture.shape


def test_one_plane_is_there_before_anything_is_pressed(widget):
    assert live(widget) == (32, 32)
    assert widget.slice.place.text().startswith("8 px")
    assert "SIRT 50" in widget.slice.caption.text()
    widget.slice.slider.setValue(0)
    live(widget)
    assert widget.slice.place.text() == "0 px, 0 nm"


@pytest.mark.parametrize("method", ["wbp", "cgls", "tv", "dart"])
def test_every_method_has_its_plane_and_its_volume(widget, method):
    widget.compares.setChecked(False)
    choose(widget, method)
    widget.method.blur_mode.setCurrentText("none")
    if method != "wbp":
        widget.method.iterations.setValue(8)
    live(widget)
    assert method.upper() in widget.slice.caption.text()
    layer = widget.reconstruct()
    assert layer.name == ("rod · WBP" if method == "wbp" else f"rod · {method.upper()} 8")
    assert widget.result.volume.history[-1].parameters["method"] == method


def test_a_wish_of_the_method_alone_reaches_the_volume(widget):
    widget.compares.setChecked(False)
    widget.method.method.setCurrentIndex(widget.method.method.findData("dart"))
    widget.method.iterations.setValue(3)
    widget.method.levels.setText("0, 3")
    widget.reconstruct()
    assert widget.result.volume.history[-1].parameters["gray_levels"] == [0.0, 3.0]
    widget.method.levels.setText("none, some")
    with pytest.raises(InputError, match="Grey values are 'none, some'"):
        widget.reconstruct()


def test_stop_at_the_noise_level_says_the_noise(widget):
    widget.compares.setChecked(False)
    widget.method.stop.setCurrentIndex(1)
    assert widget.method.iterations.value() == 200
    widget.reconstruct()
    assert "noise of the images" in widget.numbers.text()


def test_finish_now_keeps_what_there_is(widget, viewer, qtbot):
    widget.method.iterations.setValue(5000)
    widget.start()
    qtbot.waitUntil(
        lambda: any("iteration" in layer.name for layer in viewer.layers), timeout=20_000
    )
    assert not widget.status.finish_button.isHidden()
    widget.status.finish_button.click()
    widget.status.wait()
    used = widget.result.volume.history[-1].parameters
    assert used["iterations"] < 5000
    assert "of 5000 iterations" in used["finished_early"]
    assert [layer.name for layer in viewer.layers] == ["rod", f"rod · SIRT {used['iterations']}"]
    assert "finished early" in widget.numbers.text()


def test_the_volume_that_grows_is_no_choice_and_goes_with_cancel(widget, viewer, qtbot):
    widget.method.iterations.setValue(5000)
    widget.start()
    qtbot.waitUntil(lambda: len(viewer.layers) == 2, timeout=20_000)
    assert widget.layer is viewer.layers["rod"]
    widget.status.cancel()
    widget.status.wait()
    assert [layer.name for layer in viewer.layers] == ["rod"]


def test_unticked_tilts_are_left_out(widget):
    widget.compares.setChecked(False)
    widget.method.iterations.setValue(3)
    widget.tilts.left_out = [0, 35]
    assert "34 of 36 used" in widget.tilts_fold.text()
    widget.reconstruct()
    assert len(widget.result.aligned.angles_deg) == 34
    assert widget.tilts.table.item(0, 3).text() == "", "no residual where no image took part"
    assert widget.tilts.table.item(1, 3).text().endswith("%")


def test_a_bad_tilt_is_named(viewer, qtbot, series):
    images = series.images.copy()
    images[4] = 0
    add_layer(viewer, series_data(TiltSeries(images, ANGLES, PIXEL), "rod"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    qtbot.waitUntil(lambda: "looks bad" in widget.tilts_fold.text(), timeout=10_000)
    assert "same value everywhere" in widget.tilts.table.item(4, 4).text()
    assert widget.tilts.left_out == [], "nothing is left out unasked"


def test_the_cross_section_is_that_of_the_volume_once_it_is_made(widget, viewer):
    """The rod has one cross-section; one plane of the volume is changed by hand to tell it."""
    widget.compares.setChecked(False)
    widget.method.iterations.setValue(50)
    live(widget)
    assert "SIRT 50, residual" in widget.slice.caption.text()
    widget.reconstruct()
    assert widget.slice.caption.text() == "of the volume 'rod · SIRT 50'"
    live(widget)
    assert widget.slice.caption.text() == "of the volume 'rod · SIRT 50'"
    widget.result.volume.data[:, 3, :] = 0
    widget.slice.slider.setValue(220)  # row 3 of 16
    assert widget.slice.place.text() == "3 px, 1.5 nm"
    assert not widget.slice.picture._pixels.any()
    live(widget)
    assert not widget.slice.picture._pixels.any()
    widget.method.iterations.setValue(51)
    live(widget)
    assert "SIRT 51, residual" in widget.slice.caption.text()
    assert widget.slice.picture._pixels.any()


def test_a_few_bright_voxels_do_not_leave_the_volume_dark():
    gray = np.tile(np.linspace(0, 10, 101, dtype=np.float32), (30, 30, 1))
    gray[3, 4, :60] = 1000  # 0.07 % of the voxels
    assert volume_limits(gray) == pytest.approx((0, 10), abs=0.1)
    assert volume_limits(np.zeros((4, 4, 4), np.float32))[1] > 0


def test_contrast_of_a_volume_that_is_made_again_is_the_users(widget):
    widget.compares.setChecked(False)
    widget.method.iterations.setValue(5)
    layer = widget.reconstruct()
    assert layer.contrast_limits[1] == pytest.approx(np.percentile(layer.data, 99.9), rel=1e-6)
    assert layer.contrast_limits_range[1] == pytest.approx(layer.data.max())
    layer.contrast_limits = (0, 1)
    assert widget.reconstruct() is layer
    assert layer.contrast_limits == [0, 1]


def test_a_first_look_during_a_run_is_looked_at_again_after_it(aligned, qtbot):
    aligned.method.iterations.setValue(2000)
    aligned.start()
    aligned.aligning.offset.setValue(aligned.aligning.offset.value() + 1)
    qtbot.waitUntil(lambda: "first look" in aligned.slice.caption.text(), timeout=20_000)
    aligned.status.cancel()
    aligned.status.wait()
    qtbot.waitUntil(lambda: "SIRT 2000" in aligned.slice.caption.text(), timeout=30_000)


@pytest.fixture
def aligned(widget):
    widget.aligning.mode.setCurrentText("axis angle given")
    widget.align()
    return widget


def test_axis_set_by_hand_replaces_what_was_found(aligned):
    aligned.aligning.offset.setValue(3.5)
    assert aligned.alignment.tilt_axis_offset_px == 3.5
    assert "set by hand" in aligned.aligning.found.text()
    live(aligned)
    assert aligned.aligning.after.shape == (36, 32)
    aligned.compares.setChecked(False)
    aligned.method.iterations.setValue(3)
    aligned.reconstruct()
    assert aligned.result.alignment.tilt_axis_offset_px == 3.5


def test_numbers_of_another_axis_are_marked_stale(aligned):
    aligned.compares.setChecked(False)
    aligned.method.iterations.setValue(3)
    aligned.reconstruct()
    fresh, offset = aligned.numbers.text(), aligned.aligning.offset.value()
    assert "stale" not in fresh
    aligned.aligning.offset.setValue(offset + 3)
    assert "These results are stale" in aligned.numbers.text()
    aligned.aligning.offset.setValue(offset)
    assert aligned.numbers.text() == fresh


def test_alignment_follows_the_tilts_and_goes_with_the_pixels(aligned):
    whole = aligned.alignment
    aligned.tilts.left_out = [2]
    assert aligned.alignment.shifts_px.tolist() == np.delete(whole.shifts_px, 2, axis=0).tolist()
    aligned.tilts.left_out = []
    assert aligned.alignment is whole
    aligned.preparing.bin.setValue(2)
    assert aligned.alignment is None, "its px are no longer those of the images"
    live(aligned)
    assert aligned.slice.picture.shape == (16, 16)


def test_hand_of_a_new_alignment_follows_the_last_axis(aligned):
    """Of an axis and its opposite direction, which gives the mirror image, the window takes the one
    nearest to the last.
    """
    aligned.aligning.axis_angle.setValue(-150.0)
    assert aligned.alignment.tilt_axis_angle_deg == -150.0
    aligned.aligning.mode.setCurrentText("automatic")
    aligned.preparing.bin.setValue(2)
    choice = aligned._choice(aligned.alignment)
    assert choice.known is None
    assert choice.section.tilt_axis_angle_deg is None
    assert choice.reference_axis_deg == -150.0


def answer(form, path):
    """Give the dialog that a button opened its answer; nothing waits for it."""
    dialog = form.findChildren(QFileDialog)[-1]
    assert not dialog.isModal()
    dialog.fileSelected.emit(path)
    dialog.close()


def test_alignment_goes_out_to_imod_and_comes_back(aligned, tmp_path):
    path = str(tmp_path / "rod.xf")
    aligned.aligning.export_button.click()
    answer(aligned.aligning, path)
    assert len((tmp_path / "rod.tlt").read_text().split()) == 36
    found = aligned.alignment
    aligned.aligning.offset.setValue(9.0)
    aligned.aligning.import_button.click()
    answer(aligned.aligning, path)
    across = found.shifts_px[:, 1] - found.tilt_axis_offset_px
    assert aligned.alignment.shifts_px[:, 1] == pytest.approx(across, abs=1e-3)
    aligned.tilts.left_out = [0]
    aligned.aligning.import_button.click()
    answer(aligned.aligning, path)
    assert "36 images, 35 tilts" in aligned.status.message.text()


def test_prepared_series_is_shown_beside_and_the_choice_stays(widget, viewer):
    widget.preparing.bin.setValue(2)
    widget.preparing.show_button.click()
    widget.status.wait()
    assert viewer.layers["rod · prepared"].data.shape == (36, 8, 16)
    assert widget.layer is viewer.layers["rod"]
    widget.preparing.bin.setValue(1)
    widget.preparing.rows[0].setValue(12)
    widget.preparing.rows[1].setValue(4)
    live(widget)
    assert "crop along y is 12 to 4 px" in widget.slice.picture.words


def test_a_prepared_series_does_not_change_the_choice_of_another_form(
    widget, viewer, qtbot, series
):
    """The series of this form is "rod", the user looks at "other": a second form follows the user
    and stays there.
    """
    other = add_layer(viewer, series_data(series, "other"))
    second = ReconstructWidget(viewer)
    qtbot.addWidget(second)
    viewer.layers.selection.active = other
    widget._layer_choice.layer = viewer.layers["rod"]
    assert second._layer_choice.layer is other
    widget._show_prepared()
    widget.status.wait()
    assert "rod · prepared" in viewer.layers
    assert viewer.layers.selection.active is other
    assert second._layer_choice.layer is other
    assert widget._layer_choice.layer is viewer.layers["rod"]


@pytest.mark.parametrize("start", ["start", "start_alignment", "start_find"])
def test_a_series_that_is_removed_meanwhile_ends_its_work(widget, viewer, qtbot, start):
    widget.aligning.mode.setCurrentIndex(0)
    widget.method.iterations.setValue(5000)
    getattr(widget, start)()
    qtbot.wait(50)
    viewer.layers.clear()
    assert not widget.status.busy
    assert "'rod' was removed meanwhile; no" in widget.status.message.text()
    assert widget.main_button.text() == "Reconstruct"
    qtbot.wait(500)
    assert widget.alignment is None
    assert len(viewer.layers) == 0


def test_an_alignment_of_one_series_is_not_taken_for_another(widget, viewer, qtbot, series):
    widget.aligning.mode.setCurrentIndex(0)
    widget.start_alignment()
    other = add_layer(viewer, series_data(series, "another rod"))
    widget.layer = other
    widget.status.wait()
    assert widget.alignment is None
    widget.layer = viewer.layers["rod"]
    assert widget.align() is not None


def test_bright_field_is_said_and_can_be_inverted(widget, viewer, series, qtbot):
    assert "invert" not in widget.about.text()
    bright = TiltSeries(100 - np.asarray(series.images), ANGLES, PIXEL)
    widget.layer = add_layer(viewer, series_data(bright, "bright rod"))
    qtbot.waitUntil(lambda: "invert the images" in widget.about.text(), timeout=20_000)
    assert not widget.preparing.section([]).invert
    widget.preparing.invert.setChecked(True)
    assert widget.preparing.section([]).invert
    widget.method.iterations.setValue(30)
    volume = volume_from_layer(widget.reconstruct())
    assert np.asarray(volume.data)[13:19, 2:4, 13:19].mean() == pytest.approx(3, rel=0.1)
