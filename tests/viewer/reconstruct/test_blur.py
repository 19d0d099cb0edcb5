"""Blur in the Reconstruct form: found, given, none; what reaches the volume and the preview."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.forms.tilt_images import images_behind
from napari_snpore.viewer.reconstruct import steps
from napari_snpore.viewer.reconstruct.blur_panel import BlurPanel, blur_in_words
from napari_snpore.viewer.reconstruct.result_text import convergence_statements
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.shared.layers import add_layer, record_of, series_data, steps_of

ANGLES = np.arange(-70.0, 71.0, 7.0)
FOUND = BlurEstimate(1.02, 0.95, 1.09, ((0.7, 2.0), (1.0, 1.1), (1.4, 2.0)), (1.0, 12.0), True)
FLAT = BlurEstimate(math.nan, math.nan, math.nan, (), (), False, "The minimum is flat.")
WIDE = BlurEstimate(1.2, 0.7, 1.7, (), (), False, "Halves of the tilts give 0.90 and 1.50 px.")


@pytest.fixture
def series():
    """A rod of grey 3 and radius 8 px along y: every projection is 3 · 2√(R² − x²)."""
    x = np.arange(32) - 15.5
    profile = 6 * np.sqrt(np.clip(64 - x**2, 0, None))
    images = np.broadcast_to(profile, (len(ANGLES), 16, 32)).astype(np.float32)
    return TiltSeries(images, ANGLES, 0.5)


@pytest.fixture
def widget(viewer, qtbot, series):
    add_layer(viewer, series_data(series, "rod"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    widget.aligning.mode.setCurrentText("aligned already")
    widget.compares.setChecked(False)
    widget.method.iterations.setValue(6)
    return widget


@pytest.fixture
def panel(qtbot):
    panel = BlurPanel()
    qtbot.addWidget(panel)
    return panel


def found(monkeypatch, estimate):
    """Let the search return an estimate at once; return the series that it was asked about."""
    asked = []

    def find(series, **options):
        asked.append(series)
        return estimate

    monkeypatch.setattr(steps, "find_blur", find)
    return asked


def test_total_variation_is_the_method_of_a_new_form(widget):
    assert widget.method.key == "tv"
    assert widget.method.section().options.blur_px == "auto"
    assert widget.method.section().options.reweight
    assert not widget.method.blur.isHidden()
    widget.method.method.setCurrentIndex(widget.method.method.findData("sirt"))
    assert widget.method.blur.isHidden()


def test_what_was_found_is_said_with_its_interval():
    assert blur_in_words(FOUND) == "<b>1.02 px</b> (0.95–1.09)"
    assert blur_in_words(FLAT) == "⚠ no blur was found: the minimum is flat."
    assert "not reliable: halves of the tilts give 0.90 and 1.50 px" in blur_in_words(WIDE)


def test_auto_takes_what_was_found_only_where_it_is_reliable(panel):
    assert panel.blur_px == "auto"
    panel.take(WIDE)
    assert panel.blur_px == "auto"
    assert "Set <i>given</i> and a value" in panel.words.text()
    assert panel.pixels.value() == pytest.approx(1.2), "offered as the value to be given"
    panel.mode.setCurrentIndex(1)
    assert panel.blur_px == pytest.approx(1.2)
    panel.mode.setCurrentIndex(0)
    panel.take(FOUND)
    assert panel.blur_px == 1.02
    panel.mode.setCurrentIndex(2)
    assert panel.blur_px == 0.0


def test_a_given_value_is_not_replaced_by_a_found_one(panel):
    panel.mode.setCurrentIndex(1)
    panel.pixels.setValue(0.8)
    panel.take(FOUND)
    assert panel.blur_px == pytest.approx(0.8)
    assert "1.02 px" in panel.words.text()


def test_state_of_what_was_found_comes_back(panel, qtbot):
    panel.take(WIDE)
    other = BlurPanel()
    qtbot.addWidget(other)
    other.set_found_state(panel.found_state())
    assert other.estimate == WIDE
    panel.take(FLAT)
    other.set_found_state(panel.found_state())
    assert math.isnan(other.estimate.sigma_px)
    assert other.estimate.reason == FLAT.reason


def test_find_reaches_preview_and_volume(widget, viewer, monkeypatch):
    asked = found(monkeypatch, FOUND)
    widget._live.wait()
    assert "without blur (not found yet" in widget.slice.caption.text()
    assert widget.find_blur() == FOUND
    assert asked[0].shape == (len(ANGLES), 16, 32)
    widget._live.wait()
    assert "blur 1.02 px" in widget.slice.caption.text()
    layer = widget.reconstruct()
    made = required_step(steps_of(record_of(layer)), ReconstructStep)
    assert (made.blur_px, made.blur_from) == (1.02, "images")
    assert "<b>1.02 px</b> (0.95 to 1.09), found in the images" in widget.numbers.text()
    assert "not converged after 6 iterations" in widget.numbers.text()
    assert images_behind(viewer, layer).known_blur_px == 1.02


def test_a_blur_that_is_not_reliable_asks_for_a_value(widget, monkeypatch):
    found(monkeypatch, FLAT)
    widget.find_blur()
    assert "give a value" in widget.status.message.text()
    assert "no blur was found: the minimum is flat" in widget.method.blur.words.text()


def test_a_blur_goes_with_the_images_that_it_was_found_in(widget, monkeypatch):
    found(monkeypatch, FOUND)
    widget.find_blur()
    widget.tilts.left_out = [3]
    assert widget.method.blur.estimate is None
    assert widget.method.blur.blur_px == "auto"


def test_find_aligns_first_where_that_is_to_do(widget, monkeypatch):
    asked = found(monkeypatch, FOUND)
    widget.aligning.mode.setCurrentText("axis angle given")
    widget.find_blur()
    assert widget.alignment is not None
    assert asked[0].history[-1].name == "align"
    assert widget.method.blur.estimate == FOUND


def test_too_few_tilts_are_said_where_none_is_used(viewer, qtbot, series):
    """find_blur itself refuses fewer than 20 tilts; the volume is made without blur."""
    few = TiltSeries(series.images[:10], ANGLES[:10], 0.5)
    add_layer(viewer, series_data(few, "rod"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    widget.aligning.mode.setCurrentText("aligned already")
    widget.compares.setChecked(False)
    widget.method.iterations.setValue(6)
    layer = widget.reconstruct()
    assert "not found: the model has none" in widget.numbers.text()
    assert "There are 10 tilts" in widget.numbers.text()
    assert "there are 10 tilts" in widget.method.blur.words.text()
    assert images_behind(viewer, layer).known_blur_px is None


def test_saved_window_keeps_blur_and_options(widget, viewer, qtbot, monkeypatch):
    found(monkeypatch, FOUND)
    widget.find_blur()
    widget.method.reweight.setChecked(False)
    other = ReconstructWidget(viewer)
    qtbot.addWidget(other)
    other.set_state(widget.state(), {"rod": viewer.layers["rod"]})
    assert other.method.blur.estimate == FOUND
    assert not other.method.reweight.isChecked()
    assert other.method.iterations.value() == 6
    assert other.method.section() == widget.method.section()


def test_a_volume_of_another_method_says_nothing_of_blur():
    assert convergence_statements(ReconstructStep("sirt", iterations=50)) == []


def test_preview_of_total_variation_is_capped(widget):
    widget.method.iterations.setValue(300)
    widget._live.wait()
    assert "at most 100 iterations" in widget.slice.caption.text()
    widget.method.iterations.setValue(60)
    widget._live.wait()
    assert "at most" not in widget.slice.caption.text()


def test_nothing_to_search_in_is_one_sentence(viewer, qtbot):
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    assert not widget.method.blur.find_button.isEnabled()
    with pytest.raises(InputError, match="No blur was sought"):
        widget.find_blur()
