"""The 3D scene: look and way back, cuts in nm on any voxel size, views, surfaces as layers, and a
movie in a real window.
"""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Surface

from napari_snpore.errors import InputError
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.scene import widget as scene_widget
from napari_snpore.viewer.scene.cameras import cameras_of
from napari_snpore.viewer.scene.clipping import ClippingCut, box_cuts, clip, in_data
from napari_snpore.viewer.scene.look import TEMPERATURE
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import KEY, add_layer, kind_of, phases_data, volume_data
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def gray(shape=(12, 16, 20)):
    return Volume(np.random.default_rng(1).random(shape, dtype=np.float32), SPACING, ORIGIN)


def balls():
    """Carbon all around, one Sn block and one pore block inside, each closed."""
    labels = np.zeros((12, 16, 20), np.uint8)
    labels[1:-1, 1:-1, 1:-1] = 2
    labels[3:6, 4:8, 4:9] = 3
    labels[7:10, 9:13, 11:16] = 1
    return Volume(labels, SPACING, ORIGIN)


@pytest.fixture
def filled(viewer):
    add_layer(viewer, volume_data(gray(), "fibre"))
    add_layer(viewer, phases_data(balls(), "fibre · phases"))
    return viewer


def test_a_plane_in_nm_keeps_the_same_side_in_data_coordinates():
    """Closed form: world = scale · data + translate, so both sides of the plane keep their sign."""
    viewer_layer = volume_layer()
    cut = ClippingCut((3.0, 4.0, 5.0), (0.3, -0.5, 0.8))
    plane = in_data(viewer_layer, cut)
    points = np.random.default_rng(0).uniform(-5, 30, (200, 3))
    world = points * SPACING + ORIGIN
    in_world = (world - cut.place_nm) @ np.array(cut.normal)
    in_voxels = (points - plane["position"]) @ np.array(plane["normal"])
    np.testing.assert_array_equal(np.sign(in_world), np.sign(in_voxels))
    assert np.linalg.norm(plane["normal"]) == pytest.approx(1.0)


def test_six_planes_keep_what_lies_in_the_box():
    layer = volume_layer()
    clip([layer], box_cuts((2.0, 3.0, 4.0), (4.0, 5.0, 6.0)))
    planes = layer.experimental_clipping_planes
    points = np.random.default_rng(0).uniform(-5, 30, (500, 3))
    kept = np.all(
        [(points - plane.position) @ np.array(plane.normal) > 0 for plane in planes], axis=0
    )
    world = points * SPACING + ORIGIN
    np.testing.assert_array_equal(
        kept, np.all((world > (2.0, 3.0, 4.0)) & (world < (4.0, 5.0, 6.0)), axis=1)
    )
    clip([layer], [])
    assert len(layer.experimental_clipping_planes) == 0


def volume_layer():
    from napari.layers import Layer

    return Layer.create(*volume_data(gray(), "v"))


def test_scene_of_the_paper_and_back(filled):
    widget = SceneWidget(filled)
    volume, phases = filled.layers["fibre"], filled.layers["fibre · phases"]
    before = (
        volume.colormap.name,
        volume.rendering,
        volume.visible,
        phases.visible,
        filled.dims.ndisplay,
    )
    widget.show_scene()
    assert filled.dims.ndisplay == 3
    assert volume.colormap.name == TEMPERATURE
    assert volume.bounding_box.visible
    assert not phases.visible
    widget.show_before()
    assert (
        volume.colormap.name,
        volume.rendering,
        volume.visible,
        phases.visible,
        filled.dims.ndisplay,
    ) == before
    assert not volume.bounding_box.visible
    assert not widget.before_button.isEnabled()


def test_as_before_is_fitted_again_in_a_canvas_of_another_size(filled):
    """The zoom that fits follows the size of the canvas: twice the size, twice the zoom."""
    filled.reset_view()
    widget = SceneWidget(filled)
    zoom = filled.scene.camera.zoom
    widget.show_scene()
    filled.canvas.size = tuple(2 * length for length in filled.canvas.size)
    widget.show_before()
    assert filled.scene.camera.zoom == pytest.approx(2 * zoom, rel=0.01)


def test_surfaces_lie_on_their_voxels_and_follow_their_rows(filled):
    widget = SceneWidget(filled)
    assert list(widget.phase_rows.ticks) == ["pore", "C", "Sn"]
    widget.smoothing.setValue(0)
    widget.make_surfaces()
    surfaces = {layer.name: layer for layer in filled.layers if isinstance(layer, Surface)}
    assert set(surfaces) == {"fibre · pore surface", "fibre · C surface", "fibre · Sn surface"}
    low, high = surfaces["fibre · Sn surface"].extent.world
    np.testing.assert_allclose(
        low, np.array(ORIGIN) + (np.array([3, 4, 4]) - 0.5) * SPACING, atol=1e-5
    )
    np.testing.assert_allclose(
        high, np.array(ORIGIN) + (np.array([5, 7, 8]) + 0.5) * SPACING, atol=1e-5
    )
    assert not filled.layers["fibre · phases"].visible
    widget.phase_rows.opacities["C"].setValue(70)
    assert surfaces["fibre · C surface"].opacity == pytest.approx(0.7)
    widget.phase_rows.ticks["pore"].setChecked(False)
    assert not surfaces["fibre · pore surface"].visible
    surfaces["fibre · pore surface"].visible = True
    assert widget.phase_rows.ticks["pore"].isChecked(), "the row follows napari's own list"
    widget.make_surfaces()
    assert sum(isinstance(layer, Surface) for layer in filled.layers) == 3, "made again in place"
    assert "triangles" in widget.status.message.text()


def test_phases_removed_while_their_surfaces_are_made_are_named(filled):
    widget = SceneWidget(filled)
    widget.surface_button.click()
    filled.layers.remove("fibre · phases")
    widget.status.wait()
    assert (
        widget.status.message.text()
        == "⚠ 'fibre · phases' was removed meanwhile; nothing was drawn."
    )
    assert not any(isinstance(layer, Surface) for layer in filled.layers)


def test_surfaces_are_hidden_and_layers_come_back_as_before(filled):
    widget = SceneWidget(filled)
    widget.make_surfaces()
    widget.show_scene()
    later = add_layer(filled, volume_data(gray(), "later"))
    widget.layer = filled.layers["fibre"]
    widget.show_scene()
    assert not later.visible
    widget.closed()
    again = SceneWidget(filled)  # the dock was closed and opened again
    assert again.before_button.isEnabled()
    again.show_before()
    assert filled.dims.ndisplay == 2
    assert later.visible
    assert filled.layers["fibre · phases"].visible
    assert not any(layer.visible for layer in filled.layers if isinstance(layer, Surface))
    assert not again.before_button.isEnabled()


def test_tick_of_the_bounding_box_tells_the_truth(filled):
    other = add_layer(filled, volume_data(gray(), "other"))
    widget = SceneWidget(filled)
    widget.layer = filled.layers["fibre"]
    widget.show_scene()
    assert widget.boxed.isChecked()
    widget.layer = other
    assert not widget.boxed.isChecked()
    assert not other.bounding_box.visible
    widget.layer = filled.layers["fibre"]
    assert widget.boxed.isChecked()
    again = SceneWidget(filled)
    again.layer = filled.layers["fibre"]
    assert again.boxed.isChecked()
    widget.show_before()
    assert not widget.boxed.isChecked()
    assert not again.boxed.isChecked()
    filled.layers["fibre"].bounding_box.visible = True
    assert widget.boxed.isChecked()


def test_planes_of_the_slices_stay_in_the_scene(filled):
    from napari_snpore.viewer.slices.scene_planes import KIND

    plane = filled.add_image(
        np.zeros((1, 4, 4)), scale=SPACING, units=("nm",) * 3, metadata={KEY: {"kind": KIND}}
    )
    widget = SceneWidget(filled)
    widget.show_scene()
    assert plane.visible


def test_scene_follows_the_theme(filled):
    """On white, what is empty (the low end) is clear, and lines are dark; on black, as before."""
    widget = SceneWidget(filled)
    volume = filled.layers["fibre"]
    widget.show_scene()
    assert volume.colormap.map(np.array([0.0]))[0, 3] == 1
    assert np.mean(volume.bounding_box.line_color[:3]) > 0.5
    filled.theme = "light"
    assert volume.colormap.map(np.array([0.0]))[0, 3] == 0
    assert volume.colormap.map(np.array([0.5]))[0, 3] == 1
    assert np.mean(volume.bounding_box.line_color[:3]) < 0.5
    filled.theme = "dark"
    assert volume.colormap.name == TEMPERATURE
    assert np.mean(volume.bounding_box.line_color[:3]) > 0.5
    widget.show_before()
    assert volume.colormap.name == "gray"


def test_surfaces_of_two_reconstructions_stand_beside_each_other(viewer):
    sirt = add_layer(viewer, phases_data(balls(), "fibre · SIRT 50 · phases"))
    wbp = add_layer(viewer, phases_data(balls(), "fibre · WBP · phases"))
    widget = SceneWidget(viewer)
    for layer in (sirt, wbp):
        widget.phases = layer
        widget.make_surfaces()
    surfaces = [layer.name for layer in viewer.layers if isinstance(layer, Surface)]
    assert len(surfaces) == 6
    assert {"fibre · SIRT 50 · Sn surface", "fibre · WBP · Sn surface"} <= set(surfaces)
    widget.phase_rows.ticks["Sn"].setChecked(False)
    assert viewer.layers["fibre · SIRT 50 · Sn surface"].visible
    assert not viewer.layers["fibre · WBP · Sn surface"].visible


def test_surfaces_go_with_renamed_phases(filled):
    widget = SceneWidget(filled)
    widget.make_surfaces()
    filled.layers["fibre · phases"].name = "needle"
    assert "needle · Sn surface" in filled.layers
    widget.phase_rows.opacities["Sn"].setValue(30)
    assert filled.layers["needle · Sn surface"].opacity == pytest.approx(0.3)
    filled.layers["needle · Sn surface"].name = "my tin"
    filled.layers["needle"].name = "fibre"
    widget.make_surfaces()
    assert sum(isinstance(layer, Surface) for layer in filled.layers) == 3
    assert "my tin" in filled.layers, "a name that the user gave stays"


def test_surfaces_of_labels_in_micrometres_lie_on_their_voxels(viewer):
    um = {
        "scale": np.array(SPACING) / 1000,
        "translate": np.array(ORIGIN) / 1000,
        "units": ("um",) * 3,
    }
    labels = viewer.add_labels(np.array(balls().data), **um)
    widget = SceneWidget(viewer)
    widget.smoothing.setValue(0)
    widget.make_surfaces()
    low, high = viewer.layers[f"{labels.name} · Sn surface"].extent.world
    np.testing.assert_allclose(
        low, np.array(ORIGIN) + (np.array([3, 4, 4]) - 0.5) * SPACING, atol=1e-5
    )
    np.testing.assert_allclose(
        high, np.array(ORIGIN) + (np.array([5, 7, 8]) + 0.5) * SPACING, atol=1e-5
    )
    assert viewer.scene.camera.center == pytest.approx((3.75, 3.875, 4.9), abs=0.3)


def test_wide_labels_are_drawn_and_large_ones_refused_by_name(viewer):
    wide = viewer.add_labels(
        balls().data.astype(np.int64), name="wide", scale=SPACING, units=("nm",) * 3
    )
    widget = SceneWidget(viewer)
    widget.make_surfaces()
    assert "wide · Sn surface" in viewer.layers
    wide.data[0, 0, 0] = 300
    wide.data = wide.data.copy()
    widget.phases = wide
    widget.make_surfaces()
    assert "'wide' has labels from 0 to 300" in widget.status.message.text()


def test_a_layer_of_thousands_of_objects_does_not_stop_the_window(viewer):
    many = np.arange(3000).reshape(10, 10, 30)
    viewer.add_labels(many, name="grains", scale=SPACING, units=("nm",) * 3)
    widget = SceneWidget(viewer)
    assert len(widget.phase_rows.ticks) == 20
    assert "2,999" in widget.phase_note.text()
    assert "objects" in widget.phase_note.text()
    add_layer(viewer, phases_data(balls(), "p"))
    widget.phases = viewer.layers["p"]
    assert widget.phase_note.text() == ""


def test_small_bodies_and_coarse_blocks_are_said(viewer, monkeypatch):
    labels = np.array(balls().data)
    labels[9, 3, 3:5] = 3
    add_layer(viewer, phases_data(Volume(labels, SPACING, ORIGIN), "p"))
    widget = SceneWidget(viewer)
    widget.make_surfaces()
    assert "1 of Sn" in widget.status.message.text().split("too small to smooth")[1]
    assert "blocks" not in widget.status.message.text()
    monkeypatch.setitem(scene_widget._DETAILS, widget.detail.currentText(), 100)  # most triangles
    widget.make_surfaces()
    assert "in blocks of" in widget.status.message.text()


def test_cut_by_a_box_follows_the_box_and_goes_with_the_widget(filled, qtbot):
    widget = SceneWidget(filled)
    boxes = boxes_of(filled)
    boxes.put(NamedBox("centre", (4.0, 4.0, 5.0), (2.0, 1.0, 1.0)))
    assert "box centre" in widget.clip.choices
    widget.clip.by.setCurrentText("box centre")
    volume = filled.layers["fibre"]
    assert len(volume.experimental_clipping_planes) == 6
    boxes.put(NamedBox("centre", (4.0, 4.0, 5.0), (1.0, 1.0, 1.0)))
    qtbot.waitUntil(
        lambda: (
            volume.experimental_clipping_planes[0].position[0]
            == pytest.approx((3.5 - ORIGIN[0]) / SPACING[0])
        )
    )
    widget.clip.by.setCurrentText("plane across y")
    assert len(volume.experimental_clipping_planes) == 1
    assert volume.experimental_clipping_planes[0].normal == pytest.approx((0, 1, 0))
    widget.clip.flip.setChecked(True)
    assert volume.experimental_clipping_planes[0].normal == pytest.approx((0, -1, 0))
    widget.closed()
    assert len(volume.experimental_clipping_planes) == 0


def test_views_are_kept_and_returned_to(filled):
    widget = SceneWidget(filled)
    with pytest.raises(InputError, match="2D"):
        widget.views.keep()
    widget.views.go("along y")
    assert filled.scene.camera.view_direction == pytest.approx((0, 1, 0), abs=1e-6)
    filled.scene.camera.zoom = 12.5
    assert widget.views.keep() == "view"
    assert widget.views.keep("mouth") == "mouth"
    kept = filled.scene.camera.angles
    widget.views.go("along z")
    assert filled.scene.camera.view_direction == pytest.approx((-1, 0, 0), abs=1e-6)
    widget.views.go("mouth")
    assert filled.scene.camera.angles == pytest.approx(kept)
    assert filled.scene.camera.zoom == 12.5
    with pytest.raises(InputError, match="no view 'nowhere'"):
        widget.views.go("nowhere")


def test_keep_replaces_the_view_of_the_name_shown(filled):
    widget = SceneWidget(filled)
    panel = widget.views
    panel.go("along y")
    panel.keep("mouth")
    panel.go("along x")
    panel.names.setCurrentText("mouth")
    panel.keep_button.click()
    assert list(panel.cameras.views) == ["mouth"]
    panel.go("along z")
    panel.go("mouth")
    assert filled.scene.camera.view_direction == pytest.approx((0, 0, 1), abs=1e-6)
    panel.go("along z")
    panel.keep_button.click()
    assert list(panel.cameras.views) == ["mouth", "view"], "the name of an axis stays that axis's"


def test_views_are_renamed_and_removed(filled):
    widget = SceneWidget(filled)
    panel = widget.views
    said = []
    panel.failed.connect(said.append)
    panel.go("along y")
    assert not panel.rename_button.isEnabled(), "an axis is not ours to rename"
    panel.keep("mouth")
    panel.keep("back")
    panel.go("mouth")
    panel.names.setEditText("inlet")
    panel.rename_button.click()
    assert list(panel.cameras.views) == ["inlet", "back"]
    panel.names.setEditText("back")
    panel.rename_button.click()
    assert "no free name" in said[0]
    panel.remove("inlet")
    assert list(panel.cameras.views) == ["back"]
    with pytest.raises(InputError, match="kept are back"):
        panel.remove("inlet")


def test_tick_of_perspective_follows_the_view(filled):
    widget = SceneWidget(filled)
    panel = widget.views
    panel.go("along y")
    panel.perspective.setChecked(True)
    opened = filled.scene.camera.perspective
    panel.keep("near")
    panel.perspective.setChecked(False)
    panel.keep("flat")
    panel.go("near")
    assert panel.perspective.isChecked()
    assert filled.scene.camera.perspective == opened > 0
    panel.go("flat")
    assert not panel.perspective.isChecked()
    filled.scene.camera.perspective = 20.0
    assert panel.perspective.isChecked()
    assert filled.scene.camera.perspective == 20.0, "napari's own angle is kept"


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize(("name", "axis"), [("along z", 0), ("along y", 1), ("along x", 2)])
def test_along_an_axis_is_along_it_however_axes_are_rolled(filled, order, name, axis):
    filled.dims.order = order
    widget = SceneWidget(filled)
    widget.views.go(name)
    along = np.abs(filled.scene.camera.view_direction)  # in the order of the axes shown
    assert filled.dims.order == (0, 1, 2), "3D has them in turn"
    assert int(np.argmax(along)) == axis
    assert along.max() == pytest.approx(1.0)


def test_scene_is_fitted_to_what_is_shown(filled):
    widget = SceneWidget(filled)
    widget.show_scene()
    zoom, center = filled.scene.camera.zoom, filled.scene.camera.center
    widget.show_before()
    far = add_layer(
        filled,
        volume_data(Volume(np.zeros((4, 4, 4), np.float32), SPACING, (500.0, 500.0, 500.0)), "far"),
    )
    far.visible = False
    widget.layer = filled.layers["fibre"]
    widget.show_scene()
    assert filled.scene.camera.zoom == pytest.approx(zoom)
    assert filled.scene.camera.center == pytest.approx(center)


def test_state_comes_back(filled):
    widget = SceneWidget(filled)
    widget.views.go("along x")
    widget.views.keep("side")
    widget.smoothing.setValue(3)
    state = widget.state()
    cameras_of(filled).views.clear()
    other = SceneWidget(filled)
    other.set_state(state, {layer.name: layer for layer in filled.layers})
    assert other.smoothing.value() == 3
    assert list(other.views.cameras.views) == ["side"]
    assert other.layer is filled.layers["fibre"]


def test_an_empty_window_and_no_ticked_phase_are_refused_in_a_sentence(viewer):
    widget = SceneWidget(viewer)
    assert not widget.main_button.isEnabled()
    assert not widget.surface_button.isEnabled()
    with pytest.raises(InputError):
        widget.show_scene()
    add_layer(viewer, phases_data(balls(), "p"))
    for tick in widget.phase_rows.ticks.values():
        tick.setChecked(False)
    widget.make_surfaces()
    assert "No phase is ticked" in widget.status.message.text()


def test_a_turntable_of_the_real_window_is_saved(make_napari_viewer_proxy, tmp_path):
    window = make_napari_viewer_proxy(show=True)
    add_layer(window, volume_data(gray(), "fibre"))
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "3D scene")
    widget.show_scene()
    widget.movie.frames.setValue(4)
    widget.movie.save(tmp_path / "turn.gif")
    widget.status.wait()
    from PIL import Image

    with Image.open(tmp_path / "turn.gif") as movie:
        assert movie.n_frames == 4
    with pytest.raises(InputError, match="mp4"):
        widget.movie.save(tmp_path / "turn.avi")
    assert [kind_of(layer) for layer in window.layers] == ["volume"]
