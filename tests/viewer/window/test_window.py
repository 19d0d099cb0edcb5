"""A few things that only a real window shows: the mouse on a threshold, colours read back from the
screen, injection.
"""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QPushButton, QWidget

from napari_snpore.segmentation.phases import PORE_C_SN, segment
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data
from napari_snpore.viewer.threshold.preview import PhasePreview
from napari_snpore.volume import Volume

PALETTE = np.array([[int(c[k : k + 2], 16) for k in (1, 3, 5)] for c in PORE_C_SN.colors])


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1000, 700)
    return viewer


def plugin_widget(viewer, name):
    _, widget = viewer.window.add_plugin_dock_widget("napari-snpore", name)
    QApplication.processEvents()
    return widget


def canvas_phases(viewer, shape):
    """Read the canvas back and return the phase (1, 2, 3) at the middle of every voxel of the slice
    shown.
    """
    QApplication.processEvents()
    viewer.reset_view(margin=0)
    picture = viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    height, width = picture.shape[:2]
    zoom = min(height / shape[0], width / shape[1])
    top, left = (height - zoom * shape[0]) / 2, (width - zoom * shape[1]) / 2
    rows = (top + zoom * (np.arange(shape[0]) + 0.5)).astype(int)
    columns = (left + zoom * (np.arange(shape[1]) + 0.5)).astype(int)
    colors = picture[np.ix_(rows, columns)]
    return np.abs(colors[:, :, None] - PALETTE).sum(axis=3).argmin(axis=2) + 1


@pytest.mark.parametrize(
    ("dtype", "low", "t1", "t2"),
    [
        ("uint8", 0, 80, 200),
        ("int16", -128, -30, 90),
        ("uint16", 40_000, 40_100, 40_101),
        ("float32", 0, 64, 192),
    ],
)
def test_screen_shows_the_phases_that_apply_makes(window, qtbot, dtype, low, t1, t2):
    gray = (low + np.arange(256)).reshape(1, 16, 16).astype(dtype)
    source = add_layer(window, volume_data(Volume(gray, 1.0), "steps"))
    source.visible = False
    owner = window.window.add_dock_widget(QLabel("owner"), name="owner").widget()
    viewer = window.__wrapped__
    preview = PhasePreview(viewer, owner)
    preview.show(viewer.layers[0], (t1, t2), PORE_C_SN)
    preview.layer.opacity = 1.0
    window.canvas.overlays.scale_bar.visible = False
    np.testing.assert_array_equal(canvas_phases(window, (16, 16)), segment(gray, (t1, t2))[0])


def test_mouse_drags_a_line_and_the_picture_follows(window, qtbot):
    gray = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    add_layer(window, volume_data(Volume(gray, 1.0), "steps"))
    window.canvas.overlays.scale_bar.visible = False
    widget = plugin_widget(window, "Threshold")
    widget.counting.wait()
    widget.thresholds = (80, 200)
    QApplication.processEvents()
    plot = widget.plot
    native = plot
    y = native.height() // 2
    start, end = (QPoint(round(plot.x_of(value)), y) for value in (80, 128))
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(native, (start + end) / 2)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=end)
    t1, t2 = widget.thresholds
    assert t1 == pytest.approx(128, abs=2)
    assert t2 == 200
    window.layers["steps · preview"].opacity = 1.0
    np.testing.assert_array_equal(canvas_phases(window, (16, 16)), segment(gray, (t1, t2))[0])
    assert widget.fractions == pytest.approx((t1 / 256, (200 - t1) / 256, 56 / 256))


def test_widgets_open_from_the_menus_with_the_viewer(window):
    for name in ("Reconstruct", "Threshold", "Measure"):
        widget = plugin_widget(window, name)
        assert widget.isVisible()
        assert not widget.main_button.isEnabled(), f"{name} has nothing to work on yet"


def test_needle_from_the_sample_menu_is_in_nm_on_every_axis(window):
    (layer,) = window.open_sample("napari-snpore", "needle")
    assert [str(unit) for unit in layer.units] == ["nanometer"] * 3
    assert layer.axis_labels == ("tilt", "y", "x")
    assert layer.data.shape == (91, 64, 64)
    widget = plugin_widget(window, "Reconstruct")
    assert widget.layer.name == "needle"


def test_dock_closed_while_work_runs(window, qtbot):
    from napari_snpore.tomography.tilt_series import TiltSeries

    images = np.random.default_rng(0).random((40, 32, 64), np.float32)
    add_layer(window, series_data(TiltSeries(images, np.linspace(-70, 70, 40), 0.5), "noise"))
    dock, widget = window.window.add_plugin_dock_widget("napari-snpore", "Reconstruct")
    widget.aligning.mode.setCurrentText("aligned already")
    widget.method.iterations.setValue(2000)
    widget.start()
    qtbot.waitUntil(lambda: widget.status.bar.maximum() == 1000, timeout=20_000)
    window.window.remove_dock_widget(dock)
    for _ in range(20):
        QApplication.processEvents()
    assert [layer.name for layer in window.layers] == ["noise"]


def test_closing_the_dock_takes_the_preview_away(window):
    add_layer(
        window, volume_data(Volume(np.arange(256, dtype=np.uint8).reshape(1, 16, 16), 1.0), "steps")
    )
    dock, widget = window.window.add_plugin_dock_widget("napari-snpore", "Threshold")
    widget.thresholds = (80, 200)
    assert "steps · preview" in window.layers
    window.window.remove_dock_widget(dock)
    QApplication.processEvents()
    assert [layer.name for layer in window.layers] == ["steps"]


def test_a_form_with_a_canvas_stays_in_the_window(window):
    window.window.add_plugin_dock_widget("napari-snpore", "Ortho slices")
    QTest.qWait(100)
    dock, _ = window.window.add_plugin_dock_widget("napari-snpore", "Workbench")
    assert not dock.features() & QDockWidget.DockWidgetFeature.DockWidgetFloatable
    QTest.mouseDClick(dock.titleBarWidget(), Qt.MouseButton.LeftButton, pos=QPoint(60, 8))
    assert not dock.isFloating(), "in another window its canvas could not be painted"
    assert dock.titleBarWidget().findChild(QPushButton, "QTitleBarFloatButton").isHidden()


@pytest.mark.parametrize("moved", [False, True])
def test_a_step_selects_labels_in_3d_though_the_mouse_never_moved_there(
    window, qtbot, drawn_phases, moved
):
    gray = Volume(np.asarray(drawn_phases.data, np.float32), drawn_phases.spacing)
    source = add_layer(window, volume_data(gray, "needle"))
    phases = add_layer(
        window, phases_data(Volume(drawn_phases.data, drawn_phases.spacing), "needle · phases")
    )
    window.layers.selection.active = source
    bench = plugin_widget(window, "Workbench")
    if moved:
        inside = bench.window().centralWidget().findChildren(QWidget)
        canvas = next(one for one in inside if type(one).__name__ == "CanvasBackendDesktop")
        for place in ((50, 50), (90, 80), (150, 120)):
            qtbot.mouseMove(canvas, QPoint(*place))
    window.dims.ndisplay = 3
    told = []
    phases.events.visible.connect(told.append)
    bench.open_step("Measure")
    assert window.layers.selection.active.name == "needle · phases"
    assert phases.visible
    assert not told
