"""Errors in the window: estimated for polished phases with images, shown where the numbers are, stale
after an edit.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.history import (
    EditByHandStep,
    EstimateErrorsStep,
    PolishStep,
    ReadStep,
    ReconstructStep,
    last_step,
    stored_history,
)
from napari_snpore.study.run_errors import NUMBER_COLUMNS, SOURCE_COLUMNS
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.shared.layers import (
    KEY,
    add_layer,
    record_of,
    series_data,
    steps_of,
    volume_data,
)
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume

ANGLES = np.linspace(-70, 70, 29)


def truth():
    """A rod of carbon (level 1) along y with a hole and a core of tin (level 8)."""
    z, _, x = np.indices((32, 16, 32)) - 15.5
    gray = np.where(np.hypot(z, x) < 13, 1.0, 0.0).astype(np.float32)
    gray[np.hypot(z, x - 6) < 3] = 0.0
    gray[np.hypot(z, x + 5) < 3] = 8.0
    return gray


@pytest.fixture
def volume(viewer):
    noise = np.random.default_rng(0).normal(0, 0.2, (29, 16, 32))
    images = (project(truth(), ANGLES) + noise).astype(np.float32)
    series = TiltSeries(images, ANGLES, 0.5, 0.0, (ReadStep("fibre.mrc").step,))
    step = ReconstructStep(
        "tv", tilts=29, blur_px=0.0, blur_from="user", iterations=60, converged=False
    ).step
    rough = truth() + np.random.default_rng(1).normal(0, 0.15, truth().shape)
    made = Volume(rough.astype(np.float32), 0.5, history=(*series.history, step))
    add_layer(viewer, series_data(series, "fibre"))
    return add_layer(viewer, volume_data(made, "fibre · TV 60"))


@pytest.fixture
def threshold(viewer, volume, qtbot):
    widget = ThresholdWidget(viewer)
    qtbot.addWidget(widget)
    widget.counting.wait()
    widget.counting.wait()
    return widget


@pytest.fixture
def measure(viewer, threshold, qtbot):
    phases = threshold.apply()
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.layer = phases
    return widget


ROW = ("pore fraction, whole", "%", 40.1, 1.2, 38.9, 38.0, 39.8, None, None, "thresholds",
       "yes", "none")  # fmt: skip
STEP = EstimateErrorsStep(1, 0, (ROW,), (("pore fraction, whole", "%", "thresholds", 38.2, 39.5),))


def keep(layer, *steps):
    history = (*steps_of(record_of(layer)), *(step.step for step in steps))
    layer.metadata = {**layer.metadata, KEY: {**record_of(layer), **stored_history(history)}}


def test_rows_are_those_of_the_tables():
    assert len(ROW) == len(NUMBER_COLUMNS)
    assert len(STEP.sources[0]) == len(SOURCE_COLUMNS)


def test_errors_of_polished_phases_are_estimated_and_stale_after_an_edit(measure, threshold):
    assert "not polished" in measure.errors.why_not()
    assert not measure.errors.panel.button.isEnabled()
    with pytest.raises(InputError, match="not polished"):
        measure.estimate_errors()
    phases = threshold.polish_phases()
    assert last_step(steps_of(record_of(phases)), PolishStep) is not None
    assert measure.errors.why_not() == ""
    assert measure.errors.panel.button.isEnabled()
    measure.errors.panel.twins.setValue(1)
    measure.estimate_errors()
    kept = last_step(steps_of(record_of(phases)), EstimateErrorsStep)
    rows = {row[0]: dict(zip(NUMBER_COLUMNS, row, strict=True)) for row in kept.numbers}
    pore = rows["pore fraction, whole"]
    counted = 100 * np.mean(phases.data[phases.data > 0] == 1)
    assert pore["value"] == pytest.approx(counted, abs=1e-9)
    assert pore["corrected"] == pytest.approx(pore["value"] - pore["twin_bias"])
    assert f"pore <b>{pore['corrected']:.1f} " in measure.errors.result.text()
    phases.paint((16, 8, 16), 1)
    from napari_snpore.viewer.edits.watch import edits_of

    edits_of(phases).settle()
    assert last_step(steps_of(record_of(phases)), EditByHandStep) is not None
    assert "of the phases before they were edited by hand" in measure.errors.result.text()
    assert "pore <b>" not in measure.errors.result.text()
    assert "edited by hand, which a twin cannot repeat" in measure.errors.why_not()
    phases.undo()
    edits_of(phases).settle()
    assert measure.errors.why_not() == "", "the edit was taken back"
    assert "pore <b>" in measure.errors.result.text()


def test_forms_show_value_and_error_and_hover_its_sources(measure, threshold, qtbot):
    phases = measure.layer
    keep(phases, STEP)
    for widget, text in ((measure, measure.errors.result), (threshold, threshold.result)):
        assert "pore <b>38.9 ± 0.9 %</b>" in text.text(), widget
        tip = text.toolTip()
        assert "counted 40.1 %" in tip
        assert "38.0 to 39.8 %" in tip
        assert "thresholds 38.2 to 39.5" in tip
    threshold.thresholds = (0.3, 3.0)
    assert "38.9" not in threshold.result.text(), "the thresholds were moved"


def test_what_is_not_calibrated_is_said_with_its_sign(measure):
    rows = ((*ROW[:5], math.nan, math.nan, None, None, "", "no, not calibrated here", "none"),)
    clean = tuple(tuple(None if one != one else one for one in row) for row in rows)
    keep(measure.layer, EstimateErrorsStep(1, 0, clean, notes=("Too few counts.",)))
    text = measure.errors.result.text()
    assert "pore <b>38.9 %</b> (corrected by a digital twin, no interval)" in text
    assert "⚠ Too few counts." in text
    assert "⚠ Not calibrated: no phantoms of known truth" in text


def test_without_images_the_button_says_why(measure, threshold, viewer):
    threshold.polish_phases()
    viewer.layers.remove("fibre")
    from napari_snpore.viewer.forms.tilt_images import NO_SERIES

    assert measure.errors.why_not() in ("", NO_SERIES)
    viewer.layers.remove("fibre · TV 60")
    assert "not in the window" in measure.errors.why_not()
    assert measure.errors.panel.button.toolTip() == measure.errors.why_not()


def test_boxes_show_errors_of_the_numbers_they_were_estimated_for(measure, viewer, qtbot):
    from napari_snpore.viewer.boxes.widget import SubvolumeWidget

    phases = measure.layer
    form = SubvolumeWidget(viewer)
    qtbot.addWidget(form)
    form.layer = phases
    form.put("mine", center_nm=(8.0, 4.0, 8.0), size_nm=4.0)
    counted = form.fractions.set_index("name")["fraction_percent"]
    assert form.table.item(0, 2).text() == f"{counted['pore']:.1f}"
    best = counted["pore"] - 1.0
    row = ("pore fraction, mine cube", "%", float(counted["pore"]), 1.0, best, best - 0.9, best + 0.9,
           None, None, "thresholds", "yes", "none")  # fmt: skip
    keep(phases, EstimateErrorsStep(1, 0, (row,)))
    form.counting.result()
    assert form.table.item(0, 2).text() == f"{best:.1f} ± 0.9"
    assert "Corrected by a digital twin" in form.table.item(0, 2).toolTip()
    form.put("mine", center_nm=(9.0, 4.0, 9.0), size_nm=4.0)
    form.counting.result()
    assert "±" not in form.table.item(0, 2).text(), "the box was moved"


def test_a_cancelled_estimate_leaves_nothing(measure, threshold):
    phases = threshold.polish_phases()
    before = steps_of(record_of(phases))
    measure.errors.start()
    assert measure.status.busy
    assert not measure.errors.panel.button.isEnabled()
    measure.status.cancel()
    measure.status.wait()
    assert steps_of(record_of(phases)) == before
    assert measure.errors.panel.button.isEnabled()


def test_a_saved_window_keeps_how_many_twins_and_draws(measure, viewer):
    measure.errors.panel.twins.setValue(3)
    measure.errors.panel.draws.setValue(40)
    state = measure.state()
    measure.errors.panel.twins.setValue(1)
    measure.set_state(state, {layer.name: layer for layer in viewer.layers})
    assert (measure.errors.panel.twins.value(), measure.errors.panel.draws.value()) == (3, 40)
