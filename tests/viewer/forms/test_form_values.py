"""What was set in a widget's boxes comes back with a saved window."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_snpore import TiltSeries, Volume
from napari_snpore.in_situ import ImageSeries
from napari_snpore.viewer.in_situ.layers import frames_data
from napari_snpore.viewer.in_situ.widget import InSituWidget
from napari_snpore.viewer.measure.widget import MeasureWidget
from napari_snpore.viewer.reconstruct.widget import ReconstructWidget
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data


@pytest.fixture
def viewer():
    return ViewerModel()


def again(widget, viewer):
    """Return a second widget of the same window with the state of the first, through JSON."""
    state = json.loads(json.dumps(widget.state()))
    other = type(widget)(viewer)
    other.set_state(state, {layer.name: layer for layer in viewer.layers})
    assert other.state() == widget.state()
    return other


def test_reconstruct_keeps_its_settings(viewer, qtbot):
    images = np.random.default_rng(0).random((9, 16, 20)).astype(np.float32)
    add_layer(viewer, series_data(TiltSeries(images, np.linspace(-60, 60, 9), 0.5), "tilts"))
    widget = ReconstructWidget(viewer)
    qtbot.addWidget(widget)
    widget.tilts.left_out = [2, 5]
    widget.preparing.bin.setValue(2)
    widget.preparing.columns[1].setValue(16)
    widget.preparing.background.setCurrentText("value")
    widget.preparing.level.setValue(7)
    widget.aligning.mode.setCurrentIndex(1)
    widget.aligning.axis_angle.setValue(84.5)
    widget.method.method.setCurrentIndex(widget.method.method.findData("cgls"))
    widget.method.iterations.setValue(13)
    widget.method.thickness.setValue(12)
    widget.compares.setChecked(False)
    other = again(widget, viewer)
    qtbot.addWidget(other)
    assert other.method.section() == widget.method.section()
    assert other.method.section().options.iterations == 13
    assert other.preparing.section(other.tilts.left_out) == widget.preparing.section([2, 5])
    assert other.aligning.given_angle == 84.5
    assert not other.compares.isChecked()
    for one in (widget, other):
        one.closed()


def test_measure_keeps_its_settings(viewer, qtbot):
    phases = np.random.default_rng(0).integers(0, 4, (8, 8, 8)).astype(np.uint8)
    add_layer(viewer, volume_data(Volume(phases * 10, 0.5), "grey"))
    layer = add_layer(viewer, phases_data(Volume(phases, 0.5), "phases"))
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.layer, widget.phase = layer, "pore"
    widget.separated.setChecked(True)
    widget.contrast.setValue(0.7)
    widget.connectivity.setCurrentText("18")
    widget.with_gray.setChecked(True)
    widget.place.wanted.setChecked(True)
    widget.place.shell.setValue(1.5)
    other = again(widget, viewer)
    qtbot.addWidget(other)
    assert other._options() == widget._options()
    assert (other.phase, other.separated.isChecked(), other.connectivity.currentText()) == (
        "pore",
        True,
        "18",
    )


def test_in_situ_keeps_its_settings(viewer, qtbot):
    images = np.random.default_rng(0).random((4, 16, 20)).astype(np.float32)
    add_layer(viewer, frames_data(ImageSeries(images, 0.5), "movie"))
    widget = InSituWidget(viewer)
    qtbot.addWidget(widget)
    widget.seconds.setValue(2.5)
    widget.settings.fixed.setChecked(True)
    widget.settings.angle.setValue(12)
    widget.region.draw()
    other = again(widget, viewer)
    qtbot.addWidget(other)
    assert other.region.layer is widget.region.layer is not None
    assert other.seconds.value() == 2.5
    assert other.settings.angle.value() == 12
    assert other.settings.angle.isEnabled()


def test_values_of_another_version_are_passed_over(viewer, qtbot):
    widget = MeasureWidget(viewer)
    qtbot.addWidget(widget)
    widget.set_state({"layer": "gone", "settings": {"no_such_box": 3, "connectivity": "7"}}, {})
    assert widget.connectivity.currentText() in ("6", "18", "26")
