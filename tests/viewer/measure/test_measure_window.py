"""The Measure form in a real window, with the mouse: brush strokes, undo by the keyboard, clicks on
objects and rows, and a cut along a line that is drawn.
"""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QWidget

from napari_snpore.history import EditByHandStep, SegmentStep
from napari_snpore.viewer.edits.watch import hand_edits
from napari_snpore.viewer.shared.layers import add_layer, phases_data, volume_data
from napari_snpore.volume import Volume
from tests.viewer.mouse import drag, opened, pixel_of, settle

MADE = SegmentStep((1.0, 5.0), ("pore", "C", "Sn")).step


def drawn():
    """Return a block of carbon of 24 × 40 × 40 voxels with a bar of Sn, 4 × 4 × 20, and a cube,
    4 × 4 × 4.
    """
    labels = np.zeros((30, 48, 48), np.uint8)
    labels[3:27, 4:44, 4:44] = 2
    labels[13:17, 10:14, 10:30] = 3
    labels[13:17, 30:34, 30:34] = 3
    return labels


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    model = viewer.__wrapped__
    labels = drawn()
    gray = np.where(labels == 3, 6.0, labels).astype(np.float32)
    add_layer(model, volume_data(Volume(gray, 0.5), "fibre"))
    add_layer(model, phases_data(Volume(labels, 0.5, history=(MADE,)), "fibre · phases"))
    model.window.resize(1366, 768)
    _, widget = model.window.add_plugin_dock_widget("napari-snpore", "Measure")
    widget.measure()
    model.dims.set_point(0, 15 * 0.5)
    settle(0.5)
    return model, widget


def canvas_of(viewer):
    main = viewer.window._qt_window
    return max(
        (one for one in main.findChildren(QWidget) if type(one).__name__ == "CanvasBackendDesktop"),
        key=lambda one: one.width(),
    )


def pixel(viewer, voxel):
    """Return where a voxel of the slice lies on the canvas."""
    native = canvas_of(viewer)
    _, row, column = viewer.scene.camera.center
    zoom = viewer.scene.camera.zoom
    y, x = voxel[1] * 0.5, voxel[2] * 0.5
    return QPoint(
        round(native.width() / 2 + (x - column) * zoom),
        round(native.height() / 2 + (y - row) * zoom),
    )


def click(viewer, qtbot, voxel):
    native, place = canvas_of(viewer), pixel(viewer, voxel)
    qtbot.mouseMove(native, place)
    settle(0.05)
    qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=place)
    settle(0.2)


def test_strokes_by_the_mouse_change_the_numbers_and_ctrl_z_takes_them_back(window, qtbot):
    viewer, widget = window
    phases = viewer.layers["fibre · phases"]
    phases.visible = True
    viewer.layers.selection.active = phases
    phases.mode, phases.selected_label, phases.brush_size = "paint", 3, 1
    native = canvas_of(viewer)
    drag(qtbot, native, pixel(viewer, (15, 38, 10)), pixel(viewer, (15, 38, 16)))
    table = widget.follow_phases()
    assert len(table) == 3
    (edit,) = hand_edits(phases)
    painted = int(np.count_nonzero(np.asarray(phases.data)[15, 38] == 3))
    assert edit == EditByHandStep(painted, ((2, 3, painted),))
    assert painted >= 5
    assert sorted(table["voxel_count"]) == [painted, 64, 320]
    QTest.keyClick(native, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(0.3)
    assert hand_edits(phases) == ()
    assert sorted(widget.follow_phases()["voxel_count"]) == [64, 320]


def test_a_click_finds_the_object_and_its_row(window, qtbot):
    viewer, widget = window
    widget.objects.open_table()
    settle(0.4)
    viewer.reset_view()
    settle(0.3)
    click(viewer, qtbot, (15, 31, 31))
    label = widget.objects.chosen_object
    assert label is not None
    assert widget.table.iloc[label - 1]["voxel_count"] == 64
    rows = widget.objects.table_view.view.selectionModel().selectedRows()
    assert [widget.objects.table_view.model.label_of(row.row()) for row in rows] == [label]
    click(viewer, qtbot, (15, 20, 38))
    assert widget.objects.chosen_object is None
    view = widget.objects.table_view.view
    row = widget.objects.table_view.model.row_of(3 - label)
    place = view.visualRect(widget.objects.table_view.model.index(row, 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert widget.objects.chosen_object == 3 - label


def test_an_object_is_cut_along_a_line_that_is_drawn(window, qtbot):
    viewer, widget = window
    click(viewer, qtbot, (15, 12, 12))
    widget.hand.panel.toggleButton().click()
    widget.hand.panel.split_button.click()
    before = viewer.scene.camera.center
    drag(qtbot, canvas_of(viewer), pixel(viewer, (15, 6, 19.5)), pixel(viewer, (15, 18, 19.5)))
    widget.hand.work.wait()
    assert viewer.scene.camera.center == before, "the line does not move the picture"
    assert not [one.name for one in viewer.layers if one.name == "cut line"]
    counts = sorted(widget.table["voxel_count"])
    assert counts[0] == 64
    assert sum(counts[1:]) == 320
    assert len(counts) == 3
    assert counts[1] % 16 == 0, "whole columns of 4 × 4 voxels through the depth"
    QTest.keyClick(canvas_of(viewer), Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    settle(0.3)
    widget.hand.work.wait()
    assert sorted(widget.table["voxel_count"]) == [64, 320]


def test_two_objects_are_merged_by_two_clicks(window, qtbot):
    viewer, widget = window
    click(viewer, qtbot, (15, 12, 12))
    widget.hand.panel.merge_button.click()
    click(viewer, qtbot, (15, 31, 31))
    widget.hand.work.wait()
    assert widget.table["voxel_count"].tolist() == [384]
    widget.undo()
    assert sorted(widget.table["voxel_count"]) == [64, 320]


def test_the_slices_find_objects_and_cut_them_too(window, qtbot):
    """While slices are open the main picture is in 3D: the bar is clicked and cut on XZ."""
    viewer, widget = window
    slices = opened(viewer)
    slices.linked.move_to((15 * 0.5, 12 * 0.5, 40 * 0.5))
    settle(0.4)
    view = slices.linked.views["XZ"]
    native = view.canvas.canvas.native
    qtbot.mouseClick(
        native, Qt.MouseButton.LeftButton, pos=pixel_of(view, (15 * 0.5, 12 * 0.5, 13 * 0.5))
    )
    settle(0.3)
    label = widget.objects.chosen_object
    assert label is not None
    assert widget.table.iloc[label - 1]["voxel_count"] == 320
    widget.hand.panel.split_button.setChecked(True)
    middle = 19.5 * 0.5
    drag(qtbot, native, pixel_of(view, (5.0, 6.0, middle)), pixel_of(view, (9.5, 6.0, middle)))
    widget.hand.work.wait()
    counts = sorted(widget.table["voxel_count"])
    assert len(counts) == 3
    assert counts[0] == 64
    assert sum(counts[1:]) == 320
    assert not widget.hand.panel.split_button.isChecked()
