"""The reconstruct widget without a window, on a rod whose projections are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.errors import InputError
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.layers import add_layer, series_data, volume_from_layer
from napari_snpore.viewer.widgets.reconstruct import ReconstructWidget

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
    widget.alignment.setCurrentText("aligned already")
    return widget


def test_form_says_what_the_series_is(widget):
    assert "36 tilts, −70° to 70°, step 4.00°, pixel 0.500 nm" in widget.about.text()
    assert widget.main_button.text() == "Reconstruct 32 × 16 × 32"


def test_volume_of_the_rod(widget, viewer):
    widget.iterations.setValue(30)
    layer = widget.reconstruct()
    assert layer.name == "rod · SIRT 30"
    volume = volume_from_layer(layer)
    assert volume.shape == (32, 16, 32)
    assert volume.spacing == pytest.approx((PIXEL,) * 3)
    middle = np.asarray(volume.data)[13:19, 2:4, 13:19]
    assert middle.mean() == pytest.approx(3, rel=0.1)
    assert not viewer.layers["rod"].visible
    assert viewer.layers.selection.active is layer
    assert viewer.dims.point[0] == pytest.approx(8, abs=PIXEL), "the slice in the middle of the volume is shown"


def test_numbers_beside_the_volume(widget):
    widget.iterations.setValue(30)
    widget.reconstruct()
    quality = widget.result.quality
    assert quality.crowther_nm == pytest.approx(8 * np.radians(4), rel=0.1)  # D 8 nm
    assert quality.wedge_elongation == pytest.approx(1.31, abs=0.01)  # ±70°
    text = widget.numbers.text()
    assert "residual" in text
    assert "D·Δθ" in text
    assert "wedge × <b>1.31</b>" in text


def test_wbp_is_named_after_itself(widget):
    widget.method.setCurrentIndex(widget.method.findData("wbp"))
    assert widget.reconstruct().name == "rod · WBP"
    assert widget.result.volume.history[-1].parameters["filter"] == "ram-lak"


def test_alignment_is_run_and_reported(widget, viewer):
    widget.alignment.setCurrentText("axis angle given")
    widget.axis_angle.setValue(0.0)
    widget.keep_aligned.setChecked(True)
    widget.iterations.setValue(5)
    widget.reconstruct()
    assert widget.result.alignment.tilt_axis_angle == 0.0
    assert "axis <b>0.0°</b>" in widget.numbers.text().replace("−0.0", "0.0")
    assert "rod · aligned" in viewer.layers


def test_cancel_leaves_no_volume(widget, viewer, qtbot):
    widget.iterations.setValue(5000)
    widget.start()
    qtbot.waitUntil(lambda: widget.status.bar.maximum() == 1000, timeout=20_000)
    widget.status.cancel()
    widget.status.wait()
    assert "cancelled" in widget.status.message.text()
    assert [layer.name for layer in viewer.layers] == ["rod"]


def test_axis_angle_is_asked_for_only_where_it_is_used(widget):
    assert widget.axis_angle.isHidden()
    widget.alignment.setCurrentText("axis angle given")
    assert not widget.axis_angle.isHidden()
    widget.method.setCurrentIndex(widget.method.findData("wbp"))
    assert widget.iterations.isHidden()


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
