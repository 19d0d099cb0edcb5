"""Ortho slices in a real window: what each view shows, the mouse on the cross-hair, what is linked,
and what is refused.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Points
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_snpore.errors import InputError
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.shared.layers import (
    add_layer,
    kind_of,
    phases_data,
    put_layer,
    series_data,
    volume_data,
)
from napari_snpore.viewer.slices.scene_planes import KIND
from napari_snpore.volume import Volume
from tests.viewer.mouse import close_slices, drag, opened, pixel_of, settle

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def ramp(shape=(20, 30, 40)):
    """A volume whose grey value is 10000 z + 100 y + x."""
    z, y, x = np.indices(shape)
    return Volume((10_000 * z + 100 * y + x).astype(np.float32), SPACING, ORIGIN)


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1300, 900)
    return viewer


def shown_plane(view):
    """Return the values that a view shows, as napari draws them."""
    layer = view.model.layers[0]
    return np.asarray(layer._slice.image.view)


def test_three_slices_of_a_ramp_at_a_position_in_nm(window):
    volume = ramp()
    add_layer(window, volume_data(volume, "ramp"))
    widget = opened(window)
    widget.position = (1.0 + 7 * 0.5, 2.0 + 11 * 0.25, 3.0 + 5 * 0.2)
    settle(0.1)
    views = widget.linked.views
    np.testing.assert_array_equal(shown_plane(views["XY"]), volume.data[7])
    np.testing.assert_array_equal(shown_plane(views["XZ"]), volume.data[:, 11])
    np.testing.assert_array_equal(shown_plane(views["ZY"]), volume.data[:, :, 5].T)
    assert "voxel z 7, y 11, x 5" in widget.voxel_text.text()
    assert "71105" in widget.voxel_text.text().replace("7.111e+04", "71105")
    assert window.dims.point == pytest.approx((4.5, 4.75, 4.0)), "napari's own position is the same"


def test_sliders_of_the_window_and_of_a_view_move_the_cross_hair(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    window.dims.set_point(0, 6.0)
    assert widget.position[0] == 6.0
    widget.linked.views["ZY"].model.dims.set_point(2, 5.0)
    assert widget.position[2] == 5.0
    assert window.dims.point[2] == 5.0


def test_the_mouse_drags_the_cross_hair_in_one_view_and_the_others_follow(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    view = widget.linked.views["XY"]
    start = widget.position
    target = (start[0], start[1] + 1.5, start[2] - 2.0)
    drag(qtbot, view.canvas.canvas.native, pixel_of(view, start), pixel_of(view, target))
    assert widget.position == pytest.approx(target, abs=2 * view.nm_per_pixel)
    other = widget.linked.views["XZ"]
    assert other.model.dims.point[1] == pytest.approx(target[1], abs=2 * view.nm_per_pixel)


def test_a_line_alone_moves_one_coordinate_and_a_click_jumps(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    view = widget.linked.views["XY"]
    z, y, x = widget.position
    _, high = widget.linked.box
    on_line = (z, y, (x + high[2]) / 2)  # on the horizontal line, away from the crossing
    target = (z, y + 1.0, on_line[2] + 0.5)
    drag(qtbot, view.canvas.canvas.native, pixel_of(view, on_line), pixel_of(view, target))
    assert widget.position == pytest.approx((z, y + 1.0, x), abs=2 * view.nm_per_pixel)
    there = (z, 2.5, 3.4)
    qtbot.mouseClick(
        view.canvas.canvas.native, Qt.MouseButton.LeftButton, pos=pixel_of(view, there)
    )
    assert widget.position == pytest.approx(there, abs=2 * view.nm_per_pixel)


def test_look_of_a_layer_and_zoom_are_linked(window):
    layer = add_layer(window, volume_data(ramp(), "ramp"))
    phases = add_layer(
        window, phases_data(Volume(np.ones((20, 30, 40), np.uint8), SPACING, ORIGIN), "phases")
    )
    widget = opened(window)
    layer.contrast_limits = (5, 500)
    phases.opacity = 0.3
    phases.visible = False
    for view in widget.linked.views.values():
        assert view.model.layers[0].contrast_limits == [5, 500]
        assert view.model.layers[1].opacity == 0.3
        assert not view.model.layers[1].visible
        assert np.shares_memory(view.model.layers[0].data, layer.data), "one array, three views"
    widget.linked.views["XY"].camera.zoom = 37.0
    assert {view.camera.zoom for view in widget.linked.views.values()} == {37.0}
    widget.field_of_view = 3.0
    for view in widget.linked.views.values():
        height, width = view.canvas.canvas.size
        assert min(height, width) * view.nm_per_pixel >= 3.0 - 1e-6
    window.layers.remove(layer)
    assert [len(view.model.layers) for view in widget.linked.views.values()] == [1, 1, 1]


def test_thick_slices_are_the_mean_and_the_maximum_of_the_slab(window):
    volume = ramp()
    add_layer(window, volume_data(volume, "ramp"))
    widget = opened(window)
    widget.position = (1.0 + 10 * 0.5, 5.0, 5.0)
    widget.thickness.setValue(2.5)  # five slices of 0.5 nm
    widget.thick_way.setCurrentText("mean over")
    settle(0.1)
    np.testing.assert_allclose(
        shown_plane(widget.linked.views["XY"]), volume.data[8:13].mean(axis=0), rtol=1e-6
    )
    widget.thick_way.setCurrentText("maximum over")
    settle(0.1)
    np.testing.assert_array_equal(shown_plane(widget.linked.views["XY"]), volume.data[12])
    widget.thick_way.setCurrentText("single slice")
    settle(0.1)
    np.testing.assert_array_equal(shown_plane(widget.linked.views["XY"]), volume.data[10])


def test_named_positions_are_kept_and_returned_to(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.position = (3.0, 4.0, 5.0)
    assert widget.keep() == "position 1"
    widget.position = (6.0, 6.0, 6.0)
    assert widget.keep("pore mouth") == "pore mouth"
    widget.go_to("position 1")
    assert widget.position == pytest.approx((3.0, 4.0, 5.0))
    layer = next(layer for layer in window.layers if isinstance(layer, Points))
    assert layer.features["name"].tolist() == ["position 1", "pore mouth"]
    with pytest.raises(InputError, match="kept are position 1, pore mouth"):
        widget.go_to("nowhere")


def test_planes_in_the_3d_scene_follow_and_go(window):
    layer = add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.in_scene.setChecked(True)
    assert window.dims.ndisplay == 3
    planes = [one for one in window.layers if kind_of(one) == KIND]
    assert [one.data.shape for one in planes] == [(1, 30, 40), (20, 30, 1), (20, 1, 40)]
    widget.position = (4.5, 4.75, 4.0)
    np.testing.assert_array_equal(planes[0].data[0], layer.data[7])
    assert planes[0].translate[0] == pytest.approx(4.5)
    assert not layer.visible
    assert widget.linked.views["XY"].model.layers[0].visible, "the slices go on showing it"
    widget.in_scene.setChecked(False)
    assert layer.visible
    assert [one.name for one in window.layers] == ["ramp"]


def test_ruler_reads_nm_and_the_profile_of_a_ramp(window, qtbot):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.ruler_button.setChecked(True)
    view = widget.linked.views["XY"]
    z = widget.position[0]
    start, end = (z, 3.0, 4.0), (z, 3.0 + 3.0, 4.0 + 4.0)
    drag(qtbot, view.canvas.canvas.native, pixel_of(view, start), pixel_of(view, end))
    assert "nm" in widget.line_text.text()
    length = float(widget.line_text.text().split("<b>")[1].split(" nm")[0])
    assert length == pytest.approx(5.0, abs=4 * view.nm_per_pixel)
    widget.distances.profile.wait()
    assert widget.profile_plot.isVisibleTo(widget)
    widget.keep_line_button.click()
    kept = window.layers["distances"]
    assert kept.features["distance_nm"].iloc[0] == pytest.approx(length, abs=0.01)


def test_the_oblique_fold_cuts_in_a_thread_and_saves_its_values(window, tmp_path):
    add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    with pytest.raises(InputError, match="no oblique slice yet"):
        widget.oblique.save(tmp_path / "none.tif")
    widget.oblique.expand(animate=False)
    widget.oblique.tilt.setValue(30)
    widget.oblique.wait()
    settle(0.1)
    assert widget.oblique.picture.shape is not None
    from napari_snpore.files import read_volume

    back = read_volume(widget.oblique.save(tmp_path / "slice.tif"))
    np.testing.assert_array_equal(back.data[0], widget.oblique.slice.image)
    assert back.spacing[1] == pytest.approx(0.2)


def test_a_tilt_series_and_flat_images_stay_out_of_the_slices(window):
    widget = opened(window)
    assert not widget.in_scene.isEnabled()
    series = TiltSeries(np.zeros((5, 8, 9), np.float32), np.linspace(-4, 4, 5), 1.0)
    add_layer(window, series_data(series, "tilts"))
    window.add_image(np.zeros((8, 9)))
    window.add_image(np.zeros((4, 5, 8, 9)))
    assert widget.layer is None
    assert all(len(view.model.layers) == 0 for view in widget.linked.views.values())
    window.add_image(np.zeros((5, 8, 9)), name="no size")
    settle(0.1)
    assert "no voxel size" in widget.voxel_text.text()
    widget.position = (1.0, 2.0, 3.0)
    assert widget.position == (1.0, 2.0, 3.0)


def test_closing_the_dock_leaves_the_window_as_it_was(window):
    layer = add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    widget.in_scene.setChecked(True)
    close_slices(window)
    settle(0.1)
    assert [one.name for one in window.layers] == ["ramp"]
    assert layer.visible
    window.dims.ndisplay = 2
    window.dims.set_point(0, 5.0)
    add_layer(window, volume_data(ramp((6, 7, 8)), "later"))
    QApplication.processEvents()


def test_phases_are_applied_again_and_objects_recoloured_while_the_slices_are_open(window):
    """napari's tie of two layers compares label colormaps, which fails: theirs is carried over by
    hand.
    """
    labels = np.ones((6, 8, 10), np.uint8)
    add_layer(window, volume_data(ramp((6, 8, 10)), "fibre"))
    layer = add_layer(window, phases_data(Volume(labels, SPACING, ORIGIN), "fibre · phases"))
    widget = opened(window)
    put_layer(window, phases_data(Volume(labels + 1, SPACING, ORIGIN), "fibre · phases"))
    copies = [view.model.layers["fibre · phases"] for view in widget.linked.views.values()]
    assert all(np.array_equal(copy.data, labels + 1) for copy in copies)
    layer.colormap = DirectLabelColormap(
        color_dict={0: "transparent", 2: "red", None: "transparent"}
    )
    for copy in copies:
        np.testing.assert_allclose(copy.colormap.color_dict[2], (1, 0, 0, 1))


def test_a_hidden_layer_comes_onto_the_slices_when_it_is_shown(window):
    add_layer(window, volume_data(ramp((6, 8, 10)), "fibre"))
    hidden = add_layer(window, volume_data(ramp((6, 8, 10)), "other", visible=False))
    widget = opened(window)
    views = widget.linked.views.values()
    assert [len(view.model.layers) for view in views] == [1, 1, 1]
    hidden.visible = True
    assert [[one.name for one in view.model.layers] for view in views] == [["fibre", "other"]] * 3
    hidden.visible = False
    assert [len(view.model.layers) for view in views] == [2, 2, 2]
    assert not any(view.model.layers["other"].visible for view in views)
