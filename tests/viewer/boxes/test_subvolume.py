"""Boxes and their fractions: arithmetic by hand, the layer that keeps them, what is cut, and the
mouse in a real window.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Vectors
from qtpy.QtCore import QPoint, Qt
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication, QMainWindow

from napari_snpore.errors import InputError
from napari_snpore.subvolume import NamedBox, box_between
from napari_snpore.viewer.boxes.handles import KIND as HANDLES
from napari_snpore.viewer.boxes.handles import along_axis, distance_to_ray, handle_points
from napari_snpore.viewer.boxes.widget import SubvolumeWidget
from napari_snpore.viewer.shared.boxes import boxes_of, edges
from napari_snpore.viewer.shared.layers import add_layer, kind_of, phases_data, volume_data
from napari_snpore.viewer.slices.widget import open_slices_of
from napari_snpore.volume import Volume
from tests.viewer.mouse import drag, opened, pixel_of, settle

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def halves():
    """Phases whose lower half (z < 10) is pore and whose upper half is Sn, all of it inside the
    envelope.
    """
    labels = np.full((20, 30, 40), 3, np.uint8)
    labels[:10] = 1
    return Volume(labels, SPACING, ORIGIN)


def ramp():
    z, y, x = np.indices((20, 30, 40))
    return Volume((10_000 * z + 100 * y + x).astype(np.float32), SPACING, ORIGIN)


@pytest.fixture
def filled(viewer):
    add_layer(viewer, volume_data(ramp(), "ramp"))
    add_layer(viewer, phases_data(halves(), "ramp · phases"))
    return viewer


def test_a_box_has_twelve_edges_and_moves_by_its_faces():
    box = box_between("b", (0, 0, 0), (1, 2, 3))
    assert (box.center_nm, box.size_nm) == ((0.5, 1.0, 1.5), (1, 2, 3))
    starts, ways = edges(box)[:, 0], edges(box)[:, 1]
    assert len(starts) == 12
    assert np.abs(ways).sum() == pytest.approx(4 * (1 + 2 + 3))
    assert box.with_face(1, 1, 5.0, least_nm=0.1).high == (1, 5, 3)
    assert box.with_face(1, 1, -5.0, least_nm=0.1).size_nm[1] == pytest.approx(0.1), (
        "a face does not pass the other one"
    )
    assert box.moved(2, -1.0).low == (0, 0, -1)


def test_line_of_sight_against_hand_made_geometry():
    start, down = np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 0.0])
    assert along_axis(start, 1, np.array([-9.0, 6.5, 3.0]), down) == pytest.approx(4.5), (
        "looking along z, at y = 6.5"
    )
    assert along_axis(start, 0, np.array([5.0, 0.0, 0.0]), down) == 0, (
        "an axis seen end on cannot be dragged"
    )
    slant = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    # the line (t, t, 3) and the axis (1, y, 3): they meet at y = 1, one below the start
    assert along_axis(start, 1, np.array([0.0, 0.0, 3.0]), slant) == pytest.approx(-1.0)
    np.testing.assert_allclose(
        distance_to_ray(np.array([[7.0, 3.0, 4.0]]), np.zeros(3), down), [5.0]
    )
    assert handle_points(box_between("b", (0, 0, 0), (2, 4, 6))).tolist()[2:4] == [
        [1, 0, 3],
        [1, 4, 3],
    ]


def test_boxes_live_in_a_layer_and_come_back_from_it(filled):
    boxes = boxes_of(filled)
    boxes.put(NamedBox("centre", (5.0, 5.0, 6.0), (2.0, 2.0, 2.0)))
    boxes.put(NamedBox("edge", (5.0, 3.0, 6.0), (1.0, 2.0, 3.0)))
    layer = next(layer for layer in filled.layers if isinstance(layer, Vectors))
    data, meta, kind = layer.as_layer_data_tuple()
    filled.layers.remove(layer)
    assert len(boxes) == 0
    from napari.layers import Layer

    filled.add_layer(Layer.create(np.array(data), meta, kind))
    assert [(boxes[k].name, boxes[k].center_nm, boxes[k].size_nm) for k in range(2)] == [
        ("centre", (5.0, 5.0, 6.0), (2.0, 2.0, 2.0)),
        ("edge", (5.0, 3.0, 6.0), (1.0, 2.0, 3.0)),
    ]


def test_fractions_of_a_box_half_in_each_phase(filled):
    """Planes z = 8, 9 are pore and 10, 11 Sn: half and half."""
    widget = SubvolumeWidget(filled)
    middle = ORIGIN[0] + 9.5 * SPACING[0]
    widget.put("half", center_nm=(middle, 5.0, 6.0), size_nm=(4 * SPACING[0], 1.0, 1.0))
    widget.put("low", center_nm=(ORIGIN[0] + 2 * SPACING[0], 5.0, 6.0), size_nm=1.0)
    table = widget.fractions.pivot(index="box", columns="name", values="fraction_percent")
    assert table.loc["half", "pore"] == pytest.approx(50.0)
    assert table.loc["half", "Sn"] == pytest.approx(50.0)
    assert table.loc["low", "pore"] == pytest.approx(100.0)
    filled.layers["ramp · phases"].data = np.full((20, 30, 40), 3, np.uint8)
    settle(0.1)
    assert widget.fractions.set_index(["box", "name"]).loc[
        ("half", "Sn"), "fraction_percent"
    ] == pytest.approx(100.0)


def test_parts_keep_their_place_and_values(filled):
    widget = SubvolumeWidget(filled)
    widget.put("b", center_nm=(5.0, 5.0, 6.0), size_nm=2.0)
    parts = {layer.name: layer for layer in widget.extract("b")}
    assert set(parts) == {"b box · ramp", "b box · ramp · phases"}
    source, part = filled.layers["ramp"], parts["b box · ramp"]
    offset = np.round((np.array(part.translate) - np.array(source.translate)) / SPACING).astype(int)
    np.testing.assert_allclose(
        offset * SPACING, np.array(part.translate) - np.array(source.translate), atol=1e-9
    )
    cut = tuple(
        slice(start, start + side) for start, side in zip(offset, part.data.shape, strict=True)
    )
    np.testing.assert_array_equal(part.data, source.data[cut])
    assert not np.shares_memory(part.data, source.data), "a part may be painted on"
    assert part.data.shape == (4, 8, 10)
    assert np.abs(part.extent.world.mean(axis=0) - (5.0, 5.0, 6.0)).max() <= max(SPACING)


def test_presets_lie_in_the_fibre_and_edge_is_nearer_the_surface(viewer):
    y, x = np.indices((60, 60)) - 29.5
    disc = (y**2 + x**2 < 25**2).astype(np.uint8) * 2
    phases = Volume(np.repeat(disc[None], 40, axis=0), 0.5)
    add_layer(viewer, phases_data(phases, "fibre · phases"))
    widget = SubvolumeWidget(viewer)
    widget.place_presets(6.0)
    center, edge = widget.boxes.named("centre"), widget.boxes.named("edge")
    axis = (29.5 * 0.5, 29.5 * 0.5)
    assert np.hypot(*(np.array(center.center_nm[1:]) - axis)) < 0.5
    assert np.hypot(*(np.array(edge.center_nm[1:]) - axis)) > 5
    assert (widget.fractions["voxel_count"] > 0).any()


def test_csv_of_all_boxes(filled, tmp_path):
    widget = SubvolumeWidget(filled)
    with pytest.raises(InputError, match="no fraction to save"):
        widget.save_csv(tmp_path / "none.csv")
    widget.put("a", center_nm=(5.0, 5.0, 6.0), size_nm=2.0)
    table = pd.read_csv(widget.save_csv(tmp_path / "boxes.csv"))
    assert set(table["box"]) == {"a"}
    assert table["fraction_percent"].sum() == pytest.approx(100.0)


def test_bad_boxes_are_named_in_a_sentence(filled):
    widget = SubvolumeWidget(filled)
    for size in (0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match="positive sizes are needed"):
            widget.put("b", center_nm=(5.0, 5.0, 6.0), size_nm=size)
    widget.put("far", center_nm=(500.0, 5.0, 6.0), size_nm=1.0)
    widget.extract("far")
    assert "far" not in [layer.name for layer in filled.layers]
    assert widget.status.message.text().startswith("⚠")
    with pytest.raises(InputError, match="none"):
        widget.boxes.named("none")


def test_layers_of_another_voxel_size_are_cut_at_the_same_place(filled):
    add_layer(
        filled,
        volume_data(Volume(np.ones((10, 15, 20), np.float32), (1.0, 0.5, 0.4), ORIGIN), "coarse"),
    )
    widget = SubvolumeWidget(filled)
    widget.put("b", center_nm=(5.0, 5.0, 6.0), size_nm=2.0)
    parts = widget.extract("b")
    middles = [layer.extent.world.mean(axis=0) for layer in parts]
    assert len(parts) == 3
    assert np.ptp(middles, axis=0).max() <= 1.0


def test_a_number_that_is_not_typed_stays_exact(filled):
    widget = SubvolumeWidget(filled)
    center, size = (5.12345, 5.0006, 6.00049), (2.0005, 1.125, 1.98765)
    widget.put("b", center_nm=center, size_nm=size)
    widget.center_boxes[0].setValue(6.0)
    assert widget.boxes[0] == NamedBox("b", (6.0, *center[1:]), size)
    widget.size_boxes[2].setValue(1.5)
    assert widget.boxes[0] == NamedBox("b", (6.0, *center[1:]), (*size[:2], 1.5))


def test_what_was_typed_placed_or_removed_is_taken_back(filled):
    widget = SubvolumeWidget(filled)
    assert not widget.placing.undo_button.isEnabled()
    first = NamedBox("a", (5.0, 5.0, 6.0), (2.0, 2.0, 2.0))
    widget.put("a", center_nm=first.center_nm, size_nm=2.0)
    widget.center_boxes[1].setValue(4.0)
    widget.put("c", center_nm=(5.0, 5.0, 6.0), size_nm=1.0)
    widget.placing.remove_button.click()
    assert [box.name for box in widget.boxes] == ["a"]
    widget.undo()
    assert [box.name for box in widget.boxes] == ["a", "c"]
    widget.undo()
    widget.undo()
    assert list(widget.boxes) == [first]
    widget.redo()
    assert widget.boxes[0].center_nm[1] == 4.0
    widget.undo()
    widget.placing.undo_button.click()
    assert len(widget.boxes) == 0
    widget.undo()
    widget.redo()
    assert list(widget.boxes) == [first]


def cylinder_phases(radius_nm, spacing=0.5):
    """A fibre along y, solid carbon."""
    across = (np.arange(80) - 39.5) * spacing
    disc = np.hypot(across[:, None], across[None]) < radius_nm
    return Volume(np.repeat(np.where(disc, 2, 0).astype(np.uint8)[:, None], 60, axis=1), spacing)


def test_who_presses_before_the_usual_size_is_known_gets_cubes_of_it(viewer):
    add_layer(viewer, phases_data(cylinder_phases(12.0), "fibre · phases"))
    widget = SubvolumeWidget(viewer)
    widget.placing.preset_button.click()
    widget.status.wait()
    assert widget.boxes.named("centre").size_nm[0] == pytest.approx(7.2, abs=0.2)


def test_a_new_cube_is_sized_by_the_fibre_until_the_user_says_otherwise(viewer, qtbot):
    """0.6 of a radius of 12 nm is 7.2 nm."""
    add_layer(viewer, phases_data(cylinder_phases(12.0), "fibre · phases"))
    widget = SubvolumeWidget(viewer)
    widget.place_presets()
    assert widget.cube_size.value() == pytest.approx(7.2, abs=0.2)
    assert widget.boxes.named("edge").center_nm[2] - widget.boxes.named("centre").center_nm[2] > 3.6
    widget.place_presets(20.0)
    assert "24 nm across" in widget.status.message.text()
    assert widget.boxes.named("edge").size_nm[0] < 8, "no box was moved"
    add_layer(viewer, phases_data(cylinder_phases(8.0), "slim · phases"))
    qtbot.wait(50)
    assert widget.cube_size.value() == 20.0


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1500, 950)
    add_layer(viewer, volume_data(ramp(), "ramp"))
    add_layer(viewer, phases_data(halves(), "ramp · phases"))
    return viewer


def seen_along_z(window):
    """Return the main canvas in 3D, and a function from (y, x) in nm to its pixels."""
    window.dims.ndisplay = 3
    window.scene.camera.angles = (0, 0, 0)  # along z: y down, x to the right
    window.reset_view()
    settle(1.0)
    main = [
        one
        for one in QApplication.topLevelWidgets()
        if isinstance(one, QMainWindow) and one.isVisible()
    ]
    canvas = main[-1].centralWidget().findChild(QOpenGLWidget)
    zoom, center = window.scene.camera.zoom, window.scene.camera.center

    def pixel(y, x):
        return QPoint(
            round(canvas.width() / 2 + (x - center[2]) * zoom),
            round(canvas.height() / 2 + (y - center[1]) * zoom),
        )

    return canvas, pixel


def test_the_mouse_draws_moves_and_sizes_a_box_on_the_slices(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    slices = opened(window)
    view = slices.linked.views["XY"]
    canvas, near = view.canvas.canvas.native, 3 * view.nm_per_pixel
    widget.draw_button.setChecked(True)
    z = slices.position[0]
    drag(qtbot, canvas, pixel_of(view, (z, 3.0, 4.0)), pixel_of(view, (z, 5.0, 8.0)))
    widget.draw_button.setChecked(False)
    boxes = widget.boxes
    assert len(boxes) == 1
    assert boxes[0].low[1:] == pytest.approx((3.0, 4.0), abs=near)
    assert boxes[0].high[1:] == pytest.approx((5.0, 8.0), abs=near)
    assert boxes[0].size_nm[0] == pytest.approx(2.0, abs=near), "as thick as its shorter side"
    inside = (z, 3.6, 5.0)
    drag(qtbot, canvas, pixel_of(view, inside), pixel_of(view, (z, 4.6, 5.5)))
    assert boxes[0].low[1:] == pytest.approx((4.0, 4.5), abs=near)
    drag(qtbot, canvas, pixel_of(view, (z, 4.7, 8.5)), pixel_of(view, (z, 4.7, 9.5)))
    assert boxes[0].high[2] == pytest.approx(9.5, abs=near), "its right border was dragged"
    assert widget.center_boxes[2].value() == pytest.approx(boxes[0].center_nm[2], abs=0.01)
    assert widget.table.item(0, 2).text() != ""


def test_a_face_is_dragged_by_its_handle_in_3d(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.put("b", center_nm=(5.75, 5.6, 6.9), size_nm=(4.0, 3.0, 3.0))
    canvas, pixel = seen_along_z(window)
    assert sum(kind_of(layer) == HANDLES for layer in window.layers) == 1
    zoom = window.scene.camera.zoom
    drag(qtbot, canvas, pixel(5.6, 8.4), pixel(5.6, 9.4))
    assert widget.boxes[0].high == pytest.approx((7.75, 7.1, 9.4), abs=4 / zoom)
    assert widget.boxes[0].low == pytest.approx((3.75, 4.1, 5.4), abs=4 / zoom)


def test_handles_go_with_the_dock_and_the_boxes_stay(window):
    dock, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    window.dims.ndisplay = 3
    widget.put("b", center_nm=(5.0, 5.0, 6.0), size_nm=2.0)
    assert any(kind_of(layer) == HANDLES for layer in window.layers)
    window.window.remove_dock_widget(dock)
    settle(0.1)
    assert not any(kind_of(layer) == HANDLES for layer in window.layers)
    assert any(isinstance(layer, Vectors) for layer in window.layers)


def test_draw_opens_the_slices_and_goes_on_when_they_are_opened_again(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.draw_button.click()
    slices = open_slices_of(window)
    assert slices is not None
    window.window.remove_dock_widget(slices)
    settle(0.2)
    view = opened(window).linked.views["XY"]
    assert widget.draw_button.isChecked()
    drag(
        qtbot,
        view.canvas.canvas.native,
        pixel_of(view, (1, 3.0, 4.0)),
        pixel_of(view, (1, 5.0, 8.0)),
    )
    assert len(widget.boxes) == 1
    drawn = list(widget.boxes)
    widget.undo()
    assert len(widget.boxes) == 0
    widget.redo()
    assert list(widget.boxes) == drawn, "a drag is one step"


def test_a_click_on_the_border_of_a_box_selects_it(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    slices = opened(window)
    view, z = slices.linked.views["XY"], slices.position[0]
    widget.put("left", center_nm=(z, 4.0, 5.0), size_nm=1.5)
    widget.put("right", center_nm=(z, 7.5, 9.0), size_nm=1.5)
    before = list(widget.boxes), slices.position
    settle(0.1)
    qtbot.mouseClick(
        view.canvas.canvas.native, Qt.MouseButton.LeftButton, pos=pixel_of(view, (z, 4.3, 4.25))
    )
    assert widget.boxes.selected == 0
    assert (list(widget.boxes), slices.position) == before


def test_a_face_stops_at_the_end_of_the_volume_in_3d(window, qtbot):
    """The voxels along x go from 3 - 0.1 to 3 + 39.5 · 0.2 = 10.9 nm."""
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.put("b", center_nm=(5.75, 5.6, 6.9), size_nm=(4.0, 3.0, 3.0))
    canvas, pixel = seen_along_z(window)
    drag(qtbot, canvas, pixel(5.6, 8.4), pixel(5.6, 14.0))
    assert widget.boxes[0].high[2] == pytest.approx(10.9)
    widget.undo()
    assert widget.boxes[0].high[2] == pytest.approx(8.4)


def test_a_face_seen_end_on_says_so(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.put("b", center_nm=(5.75, 5.6, 6.9), size_nm=(4.0, 3.0, 3.0))
    canvas, pixel = seen_along_z(window)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=pixel(5.6, 6.9))
    assert "z faces of the box are seen end on" in widget.status.message.text()


def test_the_camera_is_given_back_when_the_widget_goes_under_the_mouse(window, qtbot):
    dock, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.put("b", center_nm=(5.75, 5.6, 6.9), size_nm=(4.0, 3.0, 3.0))
    canvas, pixel = seen_along_z(window)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=pixel(5.6, 8.4))
    assert not window.scene.camera.mouse_pan
    window.window.remove_dock_widget(dock)
    settle(0.1)
    assert window.scene.camera.mouse_pan
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=pixel(5.6, 8.4))


def test_enter_ends_an_edit_first_and_extracts_then(window, qtbot):
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    widget.put("b", center_nm=(5.0, 5.0, 6.0), size_nm=2.0)
    before = len(window.layers)
    for field, typed in (
        (widget.name_box, "mine"),
        (widget.size_boxes[0], "1.5"),
        (widget.size_boxes[1], "2.00"),
    ):
        field.setFocus()
        field.selectAll()
        qtbot.keyClicks(field, typed)
        qtbot.keyClick(field, Qt.Key.Key_Return)
    assert (widget.boxes[0].name, widget.boxes[0].size_nm) == ("mine", (1.5, 2.0, 2.0))
    assert not widget.status.busy
    assert len(window.layers) == before
    qtbot.keyClick(widget.size_boxes[1], Qt.Key.Key_Return)
    widget.status.wait()
    qtbot.waitUntil(lambda: len(window.layers) == before + 2)
