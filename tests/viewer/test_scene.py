"""The 3D scene: look and way back, cuts in nm on any voxel size, views, surfaces as layers, and a movie in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Surface

from napari_snpore.errors import InputError
from napari_snpore.viewer.boxes import NamedBox, boxes_of
from napari_snpore.viewer.layers import add_layer, kind_of, phases_data, volume_data
from napari_snpore.viewer.scene.cameras import cameras_of
from napari_snpore.viewer.scene.clipping import Cut, box_cuts, clip, in_data
from napari_snpore.viewer.scene.look import TEMPERATURE
from napari_snpore.viewer.widgets.scene import SceneWidget
from napari_snpore.volume import Volume

SPACING, ORIGIN = (0.5, 0.25, 0.2), (1.0, 2.0, 3.0)


def grey(shape=(12, 16, 20)):
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
    add_layer(viewer, volume_data(grey(), "fibre"))
    add_layer(viewer, phases_data(balls(), "fibre · phases"))
    return viewer


def test_a_plane_in_nm_keeps_the_same_side_in_data_coordinates():
    """Closed form: world = scale · data + translate, so both sides of the plane keep their sign."""
    viewer_layer = volume_layer()
    cut = Cut((3.0, 4.0, 5.0), (0.3, -0.5, 0.8))
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
    kept = np.all([(points - plane.position) @ np.array(plane.normal) > 0 for plane in planes], axis=0)
    world = points * SPACING + ORIGIN
    np.testing.assert_array_equal(kept, np.all((world > (2.0, 3.0, 4.0)) & (world < (4.0, 5.0, 6.0)), axis=1))
    clip([layer], [])
    assert len(layer.experimental_clipping_planes) == 0


def volume_layer():
    from napari.layers import Layer

    return Layer.create(*volume_data(grey(), "v"))


def test_scene_of_the_paper_and_back(filled):
    widget = SceneWidget(filled)
    volume, phases = filled.layers["fibre"], filled.layers["fibre · phases"]
    before = (volume.colormap.name, volume.rendering, volume.visible, phases.visible, filled.dims.ndisplay)
    widget.show_scene()
    assert filled.dims.ndisplay == 3
    assert volume.colormap.name == TEMPERATURE
    assert volume.bounding_box.visible
    assert not phases.visible
    widget.show_before()
    assert (volume.colormap.name, volume.rendering, volume.visible, phases.visible, filled.dims.ndisplay) == before
    assert not volume.bounding_box.visible
    assert not widget.before_button.isEnabled()


def test_surfaces_lie_on_their_voxels_and_follow_their_rows(filled):
    widget = SceneWidget(filled)
    assert list(widget.phase_rows.ticks) == ["pore", "C", "Sn"]
    widget.smoothing.setValue(0)
    widget.make_surfaces()
    surfaces = {layer.name: layer for layer in filled.layers if isinstance(layer, Surface)}
    assert set(surfaces) == {"fibre · pore surface", "fibre · C surface", "fibre · Sn surface"}
    low, high = surfaces["fibre · Sn surface"].extent.world
    np.testing.assert_allclose(low, np.array(ORIGIN) + (np.array([3, 4, 4]) - 0.5) * SPACING, atol=1e-5)
    np.testing.assert_allclose(high, np.array(ORIGIN) + (np.array([5, 7, 8]) + 0.5) * SPACING, atol=1e-5)
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
        lambda: volume.experimental_clipping_planes[0].position[0] == pytest.approx((3.5 - ORIGIN[0]) / SPACING[0])
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
    add_layer(window, volume_data(grey(), "fibre"))
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
