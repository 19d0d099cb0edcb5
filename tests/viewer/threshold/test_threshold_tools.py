"""What stands beside the thresholds: clean-up, smoothing, edited phases, sensitivity, the occlusion
field.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.layers import (
    add_layer,
    kind_of,
    record_of,
    volume_data,
    volume_from_layer,
)
from napari_snpore.viewer.threshold.widget import ThresholdWidget
from napari_snpore.volume import Volume


@pytest.fixture
def widget(viewer, qtbot):
    """A rod of grey 100 along y in vacuum of grey 10, with one speck and one block of grey 220."""
    z, _, x = np.indices((40, 16, 40)) - 19.5
    gray = np.where(np.hypot(z, x) < 14, 100, 10).astype(np.uint8)
    gray[18:22, 4:8, 18:22] = 220
    gray[25, 10, 20] = 220
    add_layer(viewer, volume_data(Volume(gray, 0.5), "fibre"))
    made = ThresholdWidget(viewer)
    qtbot.addWidget(made)
    made.thresholds = (50, 150)
    made.counting.wait()
    return made


def test_specks_go_with_apply_and_are_counted(widget):
    widget.cleanup.speck_size.setValue(2)
    phases = widget.apply()
    assert phases.data[25, 10, 20] == 2
    assert np.count_nonzero(phases.data == 3) == 64
    assert "specks of phase 3 below 2 voxels: 1 voxels changed" in widget.status.message.text()
    assert record_of(phases)["history"][-1]["parameters"]["cleanup"]["specks"] == [[3, 2]]


def test_nothing_is_cleaned_unless_it_is_asked_for(widget):
    phases = widget.apply()
    assert np.count_nonzero(phases.data == 3) == 65
    assert "cleanup" not in record_of(phases)["history"][-1]["parameters"]


def test_smoothing_makes_a_volume_and_takes_it(widget, viewer):
    original = viewer.layers["fibre"]
    widget.cleanup.strength.setValue(1.5)
    widget.cleanup.smooth_button.click()
    widget.status.wait()
    widget.counting.wait()
    assert widget.layer.name == "fibre · gaussian 1.5"
    expected = ndimage.gaussian_filter(original.data.astype(np.float32), 1.5, mode="nearest")
    assert widget.layer.data == pytest.approx(expected, abs=1e-3)
    assert volume_from_layer(widget.layer).history[-1].name == "smooth"
    assert not original.visible
    assert "root mean square" in widget.status.message.text()


def test_edited_names_and_colours_reach_the_phases(widget):
    widget.phases.names[1].setText("NaSn2")
    widget.phases.names[1].editingFinished.emit()
    widget.phases.set_color(1, "#123456")
    assert widget.shares.text().split("   ")[1].startswith("NaSn2")
    phases = widget.apply()
    assert record_of(phases)["phase_names"] == ["pore", "NaSn2", "Sn"]
    assert record_of(phases)["phase_colors"][1] == "#123456"
    assert widget.thresholds == (50.0, 150.0), "names change no threshold"


def test_a_name_that_is_no_file_name_is_refused_and_the_old_one_stays(widget):
    widget.phases.names[2].setText("Sn/SnO2")
    widget.phases.names[2].editingFinished.emit()
    assert "cannot be part of a file name" in widget.status.message.text()
    assert widget.phases.names[2].text() == "Sn"


def test_sensitivity_follows_the_threshold_while_it_is_open(widget):
    assert widget.sensitivity.words.text() == "", "closed: nothing is computed"
    widget.sensitivity.expand()
    # vacuum is 10 and carbon 100: any threshold above the one and up to the other gives the same
    assert (
        "pore stays within one point from <b>10.0</b> to <b>100</b>"
        in widget.sensitivity.words.text()
    )
    widget.sensitivity.which.setCurrentIndex(1)
    widget.thresholds = (50, 180)
    assert "C stays within one point" in widget.sensitivity.words.text()


def test_occlusion_is_shown_from_0_in_the_open_to_1_in_the_solid(widget, viewer):
    widget.envelope.ray_length.setValue(3.0)
    widget.envelope.field_button.click()
    widget.status.wait()
    layer = viewer.layers["fibre · occlusion"]
    assert layer.data[0, 8, 0] == 0
    assert layer.data[20, 8, 20] == 1
    assert kind_of(layer) == "occlusion"
    assert widget.layer is viewer.layers["fibre"]


def test_redo_takes_an_undo_back(widget):
    widget.thresholds = (60, 160)
    widget.tools.undo.click()
    assert widget.thresholds == (50.0, 150.0)
    widget.tools.redo.click()
    assert widget.thresholds == (60.0, 160.0)


def test_smoothing_needs_a_volume(viewer, qtbot):
    made = ThresholdWidget(viewer)
    qtbot.addWidget(made)
    made.cleanup.wants_smooth.emit()
    assert "no volume yet" in made.status.message.text()
    with pytest.raises(InputError):
        made.apply()


def test_histogram_of_the_shown_slice_and_of_the_envelope(widget, viewer):
    whole = widget.region.histogram
    assert whole.voxel_count == 40 * 16 * 40
    assert widget.region.figures.text().startswith("10.0 to 220, mean ")
    viewer.dims.set_current_step(0, 20)
    widget.region.choice.setCurrentText("shown slice")
    widget.region.wait()
    plane = viewer.layers["fibre"].data[20]
    assert widget.region.histogram.voxel_count == plane.size
    assert widget.region.histogram.mean == pytest.approx(plane.mean())
    viewer.dims.set_current_step(0, 0)
    widget.region.wait()
    assert widget.region.histogram.mean == pytest.approx(viewer.layers["fibre"].data[0].mean())
    widget.region.choice.setCurrentText("envelope")
    assert widget.region.figures.text() == "no envelope yet"
    widget.envelope.make_button.click()
    widget.status.wait()
    assert widget.region.histogram.voxel_count < whole.voxel_count
    assert widget.region.histogram.fractions([50])[0] < 0.03, (
        "the steps of a digital rod, no vacuum beside it"
    )
