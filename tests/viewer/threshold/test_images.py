"""The Threshold form and the tilt images: the rule projection, the map of the residual, polishing."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep, ReadStep, ReconstructStep, SegmentStep, last_step
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.forms.tilt_images import (
    CUT_OUT,
    NO_SERIES,
    NOT_RECONSTRUCTED,
    images_behind,
    keep_images,
)
from napari_snpore.viewer.shared.layer_history import MOVED
from napari_snpore.viewer.shared.layers import (
    add_layer,
    record_of,
    series_data,
    steps_of,
    volume_data,
)
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.viewer.workbench.step_states import steps_of as work_steps
from napari_snpore.volume import Volume

ANGLES = np.linspace(-70, 70, 29)
READ = ReadStep("fibre.mrc").step


def truth():
    """A rod of carbon (level 1) along y with a hole and a core of tin (level 8)."""
    z, _, x = np.indices((32, 16, 32)) - 15.5
    gray = np.where(np.hypot(z, x) < 13, 1.0, 0.0).astype(np.float32)
    gray[np.hypot(z, x - 6) < 3] = 0.0
    gray[np.hypot(z, x + 5) < 3] = 8.0
    return gray


@pytest.fixture
def series():
    images = project(truth(), ANGLES)
    noise = np.random.default_rng(0).normal(0, 0.2, images.shape)
    return TiltSeries((images + noise).astype(np.float32), ANGLES, 0.5, 0.0, (READ,))


def volume(series, **made):
    step = ReconstructStep(
        "tv", tilts=len(ANGLES), **({"blur_px": 0.0, "blur_from": "user"} | made)
    )
    rough = truth() + np.random.default_rng(1).normal(0, 0.15, truth().shape)
    return Volume(rough.astype(np.float32), 0.5, history=(*series.history, step.step))


@pytest.fixture
def layer(viewer, series):
    add_layer(viewer, series_data(series, "fibre"))
    return add_layer(viewer, volume_data(volume(series), "fibre · TV 90"))


def form(viewer, qtbot):
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.counting.wait()
    widget.counting.wait()  # the images are asked after the count
    return widget


def history(layer):
    return steps_of(record_of(layer))


def test_images_come_from_the_series_in_the_window(viewer, layer, series):
    found = images_behind(viewer, layer)
    np.testing.assert_array_equal(
        found.load(lambda done, total: None, lambda: False).images, series.images
    )
    assert found.known_blur_px == 0.0


def test_images_kept_from_the_reconstruction_outlive_the_series(viewer, layer, series):
    keep_images(layer, series)
    viewer.layers.remove("fibre")
    assert images_behind(viewer, layer).load(None, None) is series


def test_why_there_are_no_images_is_one_sentence(viewer, layer):
    viewer.layers.remove("fibre")
    with pytest.raises(InputError, match=NO_SERIES):
        images_behind(viewer, layer)
    opened = add_layer(viewer, volume_data(Volume(truth(), 0.5), "opened"))
    with pytest.raises(InputError, match=NOT_RECONSTRUCTED):
        images_behind(viewer, opened)
    part = {"name": "extract subvolume", "parameters": {}}
    record = dict(record_of(layer))
    layer.metadata = {"napari_snpore": {**record, "history": [*record["history"], part]}}
    with pytest.raises(InputError, match=CUT_OUT):
        images_behind(viewer, layer)


def test_auto_asks_the_images_of_a_volume_made_by_tv(viewer, layer, qtbot):
    widget = form(viewer, qtbot)
    assert widget.tools.rule == "auto"
    assert widget.residual_map is not None
    assert "by the tilt images: separation" in widget.warning.text()
    t1, t2 = widget.thresholds
    assert 0.3 < t1 < 0.7
    assert 2 < t2 < 7
    phases = widget.apply()
    assert last_step(history(phases), SegmentStep).method == "projection"


def test_auto_takes_the_histogram_where_there_are_no_images(viewer, qtbot, series):
    add_layer(viewer, volume_data(volume(series), "fibre · TV 90"))
    widget = form(viewer, qtbot)
    assert widget.residual_map is None
    assert "Sn first, then carbon (HAADF): separation" in widget.warning.text()
    item = widget.tools.method.model().item(widget.tools.method.findData("projection"))
    assert not item.isEnabled()
    assert item.toolTip() == NO_SERIES
    assert not widget.polish_button.isEnabled()
    assert widget.polish_button.toolTip() == NO_SERIES
    add_layer(viewer, series_data(series, "fibre"))
    assert item.isEnabled(), "the series was opened meanwhile"


def test_thresholds_set_meanwhile_are_not_replaced(viewer, layer, qtbot):
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.thresholds = (0.4, 3.0)
    widget.counting.wait()
    assert widget.thresholds == (0.4, 3.0)
    assert widget.residual_map is None
    widget.tools.rule = "projection"
    widget.suggest()
    widget.counting.wait()
    assert widget.residual_map is not None
    assert widget.thresholds != (0.4, 3.0)


def test_map_is_drawn_once_it_can_be_looked_at(viewer, layer, qtbot):
    widget = form(viewer, qtbot)
    pictures = widget.sensitivity.images
    assert pictures.picture.isHidden()
    widget.sensitivity.expand(animate=False)
    pictures.wait()
    assert pictures.picture.pixmap().width() > 300
    assert "the images allow pore" in pictures.words.text()
    widget._on_phase_count(2)
    widget.counting.wait()
    pictures.wait()
    assert widget.residual_map.residual.ndim == 1, "a map of two phases took its place"


def test_polish_needs_phases_images_and_a_blur(viewer, qtbot, series):
    add_layer(viewer, series_data(series, "fibre"))
    none = {"blur_px": 0.0, "blur_from": "none was used: flat"}
    add_layer(viewer, volume_data(volume(series, **none), "fibre · TV 90"))
    widget = form(viewer, qtbot)
    widget.thresholds = (0.5, 4.0)
    assert "could not be found" in widget.polish_button.toolTip()
    with pytest.raises(InputError, match="could not be found"):
        widget.polish_phases()


def test_polish_apply_drag_and_polish_again(viewer, layer, qtbot):
    """The whole way: plain phases, polished ones, stale after a move, fresh, plain again."""
    widget = form(viewer, qtbot)
    assert widget.polish_button.toolTip() == "Polish needs phases: press Apply first."
    widget.thresholds = (0.35, 4.0)  # too low: noise of the vacuum becomes carbon
    plain = widget.apply()
    wrong = np.count_nonzero((plain.data == 1) != (truth() == 0))
    assert widget.polish_button.isEnabled()
    phases = widget.polish_phases()
    assert phases is plain
    assert [step.name for step in history(phases)][-2:] == ["segment", "polish"]
    assert last_step(history(phases), SegmentStep).thresholds == (0.35, 4.0)
    assert np.count_nonzero((phases.data == 1) != (truth() == 0)) < wrong / 4
    text = widget.result.text()
    assert "before polishing" in text
    assert "polished: pore" in text
    assert "older thresholds" not in text
    assert threshold_step(viewer).holds == "t1 0.35  t2 4, polished"
    assert threshold_step(viewer).state == "done"

    widget.thresholds = (0.5, 4.0)
    assert "the polished phases are of older thresholds" in widget.result.text()
    assert (threshold_step(viewer).state, threshold_step(viewer).stale_by) == ("stale", "moved")
    widget.undo()
    assert MOVED not in phases.metadata
    assert threshold_step(viewer).state == "done"
    widget.thresholds = (0.5, 4.0)
    widget.polish_phases()
    assert threshold_step(viewer).holds == "t1 0.5  t2 4, polished"
    assert threshold_step(viewer).state == "done"

    widget.apply()
    assert last_step(history(phases), PolishStep) is None, "Apply gives plain thresholds back"
    assert "before polishing" not in widget.result.text()


def threshold_step(viewer):
    (step,) = (one for one in work_steps(viewer.layers) if one.name == "Threshold")
    return step


def test_clean_up_comes_after_polishing(viewer, layer, qtbot):
    widget = form(viewer, qtbot)
    widget.thresholds = (0.5, 4.0)
    widget.cleanup.speck_size.setValue(20)
    widget.apply()
    phases = widget.polish_phases()
    names = [step.name for step in history(phases)]
    assert names[-3:] == ["segment", "polish", "clean up"]
    assert last_step(history(phases), SegmentStep).cleanup is None


def test_saved_window_keeps_settings_and_shares(viewer, layer, qtbot):
    widget = form(viewer, qtbot)
    widget.thresholds = (0.5, 4.0)
    widget.polish.boundary_weight.setValue(0.75)
    widget.polish.sweeps.setValue(3)
    widget.apply()
    phases = widget.polish_phases()
    step = last_step(history(phases), PolishStep)
    assert (step.boundary_weight, step.sweeps) == (0.75, 3)
    state = widget.state()
    other = ThresholdWidget(viewer)
    qtbot.addWidget(other)
    other.set_state(state, {one.name: one for one in viewer.layers})
    other.counting.wait()
    assert other.polish.section() == widget.polish.section()
    assert "polished: pore" in other.result.text()
    assert PolishedShares.from_state(state["polished"]).after == pytest.approx(
        [np.mean(phases.data == k) for k in (1, 2, 3)]
    )
