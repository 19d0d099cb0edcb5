"""Where the slices lie around napari's canvas, and that a position is that of the voxel shown."""

from __future__ import annotations

import numpy as np
import pytest
from napari._qt.widgets.qt_dims import QtDims
from napari.qt import QtViewer
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMainWindow

from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import add_layer, series_data, volume_data
from napari_snpore.viewer.slices.marks.main_marks import MainMarks
from napari_snpore.volume import Volume
from tests.viewer.mouse import close_slices, drag, opened, pixel_of, settle
from tests.viewer.slices.test_ortho_slices import ramp


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    return viewer


def canvas_of(widget):
    center = ancestor(widget, QMainWindow).centralWidget()
    return next(one for one in center.findChildren(QtViewer) if one.viewer.title == "napari")


def in_window(part):
    """Return the rectangle (left, top, right, bottom) of a widget in its window."""
    corner = part.mapTo(part.window(), part.rect().topLeft())
    return corner.x(), corner.y(), corner.x() + part.width(), corner.y() + part.height()


def test_with_slices_open_the_canvas_is_the_3d_view_and_comes_back_after(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    point = window.dims.point
    widget = opened(window)
    assert window.dims.ndisplay == 3, "no second XY"
    canvas = canvas_of(widget).canvas.native
    assert canvas.isVisible()
    places = {name: in_window(view) for name, view in widget.linked.views.items()}
    here = in_window(canvas)
    assert places["XY"][2] <= places["ZY"][0], "ZY to the right of XY"
    assert places["XY"][3] <= places["XZ"][1], "XZ below XY"
    assert abs(places["XY"][1] - places["ZY"][1]) <= 4, "side by side: one top"
    assert places["XZ"][2] <= here[0], "the scene is the fourth"
    assert places["ZY"][3] <= here[1]
    widget.arrangement = "in a row"
    settle(0.3)
    tops = {in_window(view)[1] for view in widget.linked.views.values()}
    assert len(tops) == 1
    assert in_window(canvas)[3] <= tops.pop(), "below the scene"
    # the side parts of a window of 1024 px leave 270
    assert ancestor(widget, QMainWindow).centralWidget().minimumSizeHint().width() <= 270
    close_slices(window)
    settle(0.2)
    assert window.dims.ndisplay == 2
    assert window.dims.point == pytest.approx(point, abs=0.26), "the same voxel"
    assert canvas.isVisible()


@pytest.mark.parametrize("arrangement", ["2 × 2", "in a row"])
def test_sliders_below_the_canvas_ask_for_no_more_width(window, arrangement):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.arrangement = arrangement
    window.dims.ndisplay = 2
    settle(0.3)
    center = ancestor(widget, QMainWindow).centralWidget()
    sliders = [one for one in center.findChildren(QtDims) if one.isVisible()]
    assert sliders
    assert center.minimumSizeHint().width() <= 270


def test_a_double_click_shows_one_view_alone_and_all_again_at_the_same_place(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    start, views = widget.position, widget.linked.views
    zoom = views["XZ"].camera.zoom
    native = views["XZ"].canvas.canvas.native
    aside = pixel_of(views["XZ"], (start[0] + 2.0, start[1], start[2] + 1.6))

    def double_click():
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=aside)
        qtbot.mouseDClick(native, Qt.MouseButton.LeftButton, pos=aside)
        settle(0.4)

    double_click()
    assert widget.maximized == "XZ"
    assert [view.isVisible() for view in views.values()] == [False, False, True]
    assert not canvas_of(widget).canvas.native.isVisible()
    assert widget.position == start, "its first click was no jump"
    assert views["XZ"].camera.zoom > 1.2 * zoom, "fitted into the larger place"
    aside = pixel_of(views["XZ"], (start[0] + 2.0, start[1], start[2] + 1.6))
    double_click()
    assert widget.maximized == ""
    assert all(view.isVisible() for view in views.values())
    assert canvas_of(widget).canvas.native.isVisible()
    assert widget.position == start
    widget.maximized = "3D"
    assert not any(view.isVisible() for view in views.values())
    assert canvas_of(widget).canvas.native.isVisible()


def test_every_position_is_that_of_a_voxel(window):
    """20 × 30 × 40 voxels have no voxel in their middle; the one beside it is shown and stated."""
    volume = ramp()
    add_layer(window, volume_data(volume, "ramp"))
    widget = opened(window)

    def check():
        index = (np.array(widget.position) - volume.origin) / volume.spacing
        np.testing.assert_allclose(index, np.rint(index), atol=1e-9)
        assert window.dims.point == pytest.approx(widget.position), "what is saved and in plates"
        z, y, x = np.rint(index).astype(int)
        assert f"voxel z {z}, y {y}, x {x}" in widget.voxel_text.text()
        for name, axis, k in (("XY", "z", z), ("XZ", "y", y), ("ZY", "x", x)):
            bar = widget.linked.views[name].bar
            nm = volume.origin["zyx".index(axis)] + k * volume.spacing["zyx".index(axis)]
            called, _, stated, unit = bar.words.partition(" · ")[0].split()
            assert (called, float(stated), unit) == (axis, pytest.approx(nm, abs=1e-6), "nm")
            assert bar.slider.value() == k
        assert [box.value() for box in widget.boxes] == pytest.approx(widget.position, abs=0.006)

    check()
    widget.position = (4.49, 4.87, 7.31)
    assert widget.position == pytest.approx((4.5, 4.75, 7.4))
    check()
    window.dims.set_point(0, 6.26)  # half a voxel, from a script or another form
    assert widget.position[0] == pytest.approx(6.5)
    check()
    low, high = widget.linked.box
    for corner in (low, high):
        widget.position = corner
        check()
    widget.linked.views["XY"].bar.slider.setValue(3)
    assert widget.position[0] == pytest.approx(1.0 + 3 * 0.5)
    check()


def test_going_to_2d_and_back_stays_at_the_voxel(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.position = (2.0, 3.0, 4.0)
    for ndisplay in (2, 3, 2):
        window.dims.ndisplay = ndisplay
        assert widget.position == pytest.approx((2.0, 3.0, 4.0))
    assert window.dims.point == pytest.approx((2.0, 3.0, 4.0))


def test_the_canvas_in_2d_has_boxes_and_the_cross_hair(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    canvas = canvas_of(widget)
    marks = canvas.findChild(MainMarks)
    assert not marks.cross_hair_shown, "the canvas shows 3D"
    window.dims.ndisplay = 2
    settle(0.4)
    assert marks.cross_hair_shown
    z, y, x = widget.position
    target = (z, y + 1.0, x - 2.0)
    camera = window.scene.camera

    def pixel(point):
        native = canvas.canvas.native
        return type(pixel_of(widget.linked.views["XY"], point))(
            round(native.width() / 2 + (point[2] - camera.center[2]) * camera.zoom),
            round(native.height() / 2 + (point[1] - camera.center[1]) * camera.zoom),
        )

    drag(qtbot, canvas.canvas.native, pixel((z, y, x)), pixel(target))
    assert widget.position == pytest.approx(target, abs=0.01)
    boxes = boxes_of(plain_viewer(window))
    boxes.drawing = True
    drag(qtbot, canvas.canvas.native, pixel((z, 3.0, 4.0)), pixel((z, 6.0, 9.0)))
    boxes.drawing = False
    assert len(boxes) == 1
    assert boxes[0].low[1:] == pytest.approx((3.0, 4.0), abs=2 / camera.zoom)
    assert boxes[0].high[1:] == pytest.approx((6.0, 9.0), abs=2 / camera.zoom)
    close_slices(window)
    assert not marks.cross_hair_shown


def test_slices_are_fitted_again_beside_another_sample_and_in_another_size(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    view = widget.linked.views["XY"]
    zoom = view.camera.zoom
    large = Volume(np.zeros((40, 120, 120), np.float32), 0.5)
    add_layer(window, volume_data(large, "large"))
    settle(0.3)
    assert view.camera.zoom < 0.5 * zoom
    before = view.camera.zoom
    window.window.resize(1000, 600)
    settle(0.6)
    assert view.camera.zoom < before
    view.camera.zoom *= 2  # by hand
    by_hand = view.camera.zoom
    window.window.resize(1300, 900)
    settle(0.6)
    assert view.camera.zoom == by_hand


def test_tilt_images_are_no_volume_and_do_not_turn_to_3d(window):
    series = TiltSeries(np.zeros((5, 8, 9), np.float32), np.linspace(-4, 4, 5), 1.0)
    tilts = add_layer(window, series_data(series, "tilts"))
    opened(window)
    assert window.dims.ndisplay == 2
    add_layer(window, volume_data(ramp(), "ramp"))
    assert window.dims.ndisplay == 3
    assert not tilts.visible, "hidden while the scene is shown"
    close_slices(window)
    assert tilts.visible


def test_hidden_slices_come_back_where_they_were(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.position = (2.0, 3.0, 4.0)
    widget.arrangement = "hidden"
    settle(0.2)
    assert window.dims.ndisplay == 2
    assert not any(view.isVisible() for view in widget.linked.views.values())
    widget.arrangement = "2 × 2"
    settle(0.3)
    assert window.dims.ndisplay == 3
    assert all(view.isVisible() for view in widget.linked.views.values())
    assert widget.position == pytest.approx((2.0, 3.0, 4.0))
