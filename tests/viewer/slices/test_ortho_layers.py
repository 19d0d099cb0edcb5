"""Which layers the ortho slices take and how: colours, units, axes, layers that change or are
turned, and the dock's end.
"""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari.qt import QtViewer

from napari_snpore.viewer.shared.layers import add_layer, phases_data, record_of, volume_data
from napari_snpore.viewer.shared.voxel_size import to_nm
from napari_snpore.viewer.slices.slice_view import SliceView
from napari_snpore.volume import Volume
from tests.viewer.mouse import close_slices, opened, settle
from tests.viewer.slices.test_ortho_slices import ORIGIN, SPACING, ramp


@pytest.fixture
def window(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy(show=True)
    viewer.window.resize(1500, 950)
    return viewer


def fits(widget):
    """Return the zoom over the zoom at which all is just seen, in the view where it is tightest."""
    low, high = widget.linked.box
    shares = []
    for view in widget.linked.views.values():
        native, zoom = view.canvas.canvas.native, view.camera.zoom
        shares.append((high[view.plane.rows] - low[view.plane.rows]) * zoom / native.height())
        shares.append((high[view.plane.columns] - low[view.plane.columns]) * zoom / native.width())
    return max(shares)


def test_the_first_picture_fills_its_canvas(window):
    add_layer(window, volume_data(ramp(), "ramp"))
    add_layer(
        window, phases_data(Volume(np.ones((20, 30, 40), np.uint8), SPACING, ORIGIN), "phases")
    )
    assert fits(opened(window)) == pytest.approx(1.0, abs=0.02)


def test_a_volume_that_comes_later_fills_the_canvas_too(window):
    widget = opened(window)
    add_layer(window, volume_data(ramp(), "ramp"))
    settle(0.3)
    assert fits(widget) == pytest.approx(1.0, abs=0.02)


def test_a_volume_in_colour_is_sliced_and_has_no_values(window):
    image = np.random.default_rng(0).integers(0, 255, (10, 20, 30, 3), dtype=np.uint8)
    window.add_image(image, rgb=True, name="color")
    widget = opened(window)
    assert widget.layer is None
    widget.position = (3.0, 4.0, 5.0)
    shown = np.asarray(widget.linked.views["XY"].model.layers[0]._slice.image.view)
    np.testing.assert_array_equal(shown, image[3])
    add_layer(window, volume_data(ramp(), "ramp"))
    assert widget.layer.name == "ramp"


def test_micrometres_are_counted_in_nm(window):
    place = {
        "scale": np.array(SPACING) / 1000,
        "translate": np.array(ORIGIN) / 1000,
        "units": ("um",) * 3,
    }
    layer = window.add_image(ramp().data, name="µm", **place)
    window.dims.set_point(range(3), (0.006, 0.005, 0.007))
    widget = opened(window)
    assert widget.position == pytest.approx((6.0, 5.0, 7.0)), "the window stays where it was"
    np.testing.assert_allclose(layer.scale, SPACING)
    np.testing.assert_allclose(layer.translate, ORIGIN)
    assert {str(unit) for unit in layer.units} == {"nanometer"}
    assert record_of(layer)["history"][-1]["parameters"]["source"] == "converted from micrometer"
    assert widget.linked.box == pytest.approx(np.array(((0.75, 1.875, 2.9), (10.75, 9.375, 10.9))))
    other = window.add_image(ramp().data, name="one more", **place)
    np.testing.assert_allclose(other.scale, SPACING)
    assert "voxel z 10, y 12, x 20" in widget.voxel_text.text()


def test_other_units_are_left_alone(viewer):
    pixels = viewer.add_image(np.zeros((4, 5, 6)))
    nm = viewer.add_image(np.zeros((4, 5, 6)), scale=(2, 3, 4), units=("nm",) * 3)
    angstrom = viewer.add_image(np.zeros((4, 5, 6)), scale=(2, 3, 4), units=("angstrom",) * 3)
    for layer in (pixels, nm, angstrom):
        to_nm(layer)
    assert str(pixels.units[0]) == "pixel"
    assert nm.scale.tolist() == [2, 3, 4]
    assert not record_of(nm)
    np.testing.assert_allclose(angstrom.scale, (0.2, 0.3, 0.4))


def test_another_layer_is_drawn_once(window, monkeypatch):
    """Unit, voxels, position and thickness change together: each would draw all three slices."""
    first = add_layer(window, volume_data(ramp(), "ramp"))
    far = Volume(np.zeros((20, 30, 40), np.uint8), SPACING, (100.0, 100.0, 100.0))
    second = add_layer(window, volume_data(far, "far"))
    widget = opened(window)
    widget.layer = first
    drawn = []
    with monkeypatch.context() as patch:
        patch.setattr(SliceView, "show_point", lambda self, *_: drawn.append(self.plane.name))
        widget.layer = second
    assert sorted(drawn) == ["XY", "XZ", "ZY"]
    assert widget.position[0] >= 100.0, "it moved into the layer"


def test_layers_with_too_many_or_too_few_axes_say_so_and_are_in_nobodys_way(window):
    window.add_image(np.zeros((3, 5, 8, 9)), name="time series")
    widget = opened(window)
    assert "'time series' has 4 axes" in widget.voxel_text.text()
    window.layers.clear()
    window.add_image(np.zeros((512, 512)), name="flat")
    window.dims.set_point(0, 300)
    add_layer(window, volume_data(ramp(), "ramp"))
    low, high = np.array(widget.linked.box)
    np.testing.assert_allclose(
        widget.position, (low + high) / 2, atol=0.5, err_msg="not in the far corner"
    )


def test_the_box_follows_data_and_place_of_a_layer(window):
    layer = add_layer(window, volume_data(ramp(), "ramp"))
    widget = opened(window)
    layer.data = ramp((40, 30, 40)).data
    assert widget.linked.box[1][0] == pytest.approx(1.0 + 39.5 * 0.5)
    layer.affine = np.array([[1, 0, 0, 5], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
    assert widget.linked.box[0][0] == pytest.approx(1.0 + 5.0 - 0.25)
    widget.position = (10.0, 5.0, 5.0)
    for view in widget.linked.views.values():
        np.testing.assert_allclose(view.model.layers[0].affine.translate, (5, 0, 0))
    assert "voxel z 8, y 12, x 10" in widget.voxel_text.text()


@pytest.mark.filterwarnings("ignore:Non-orthogonal slicing")
def test_a_turned_layer_counts_its_own_voxels_and_has_no_planes(window):
    layer = add_layer(window, volume_data(Volume(ramp((20, 20, 20)).data, 0.5), "turned"))
    layer.rotate = 30
    widget = opened(window)
    widget.position = (4.0, 6.0, 5.0)
    angle, place = np.radians(30), np.array(widget.position)  # on napari's grid
    back = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    y, x = np.rint(back @ place[1:] / 0.5).astype(int)
    assert f"voxel z 8, y {y}, x {x}: value" in widget.voxel_text.text()
    widget.in_scene.setChecked(True)
    assert not widget.in_scene.isChecked()
    assert "turned" in widget.status.message.text()
    assert [one.name for one in window.layers] == ["turned"]


def test_a_closed_dock_leaves_no_canvas_behind(window):
    layer = add_layer(window, volume_data(ramp(), "ramp"))
    gc.collect()
    before = len(QtViewer._instances)
    for _ in range(2):
        widget = opened(window)
        close_slices(window)
        del widget
        settle(0.3)
        gc.collect()
        assert len(QtViewer._instances) <= before
    layer.contrast_limits = (5, 500)
    window.dims.set_point(0, 5.0)
    window.layers.remove(layer)


def test_layers_that_go_together_cost_one_garbage_collection_per_canvas(window, monkeypatch):
    """napari collects garbage in each canvas that loses a layer, for 0.2 s in a long session."""
    for name in ("one", "two", "three"):
        add_layer(window, volume_data(ramp(), name))
    widget = opened(window)
    views = widget.linked.views.values()
    assert [len(view.model.layers) for view in views] == [3, 3, 3]
    collected = []
    with monkeypatch.context() as patch:
        patch.setattr("napari._vispy.canvas.gc.collect", lambda *_: collected.append(1))
        window.layers.clear()
    assert [len(view.model.layers) for view in views] == [0, 0, 0]
    assert widget.linked.is_empty
    assert len(collected) == 1 + len(views)
    add_layer(window, volume_data(ramp(), "four"))
    assert [len(view.model.layers) for view in views] == [1, 1, 1]


def test_the_field_of_view_follows_the_wheel_and_the_cross_hair(window):
    add_layer(window, volume_data(ramp((40, 60, 60)), "ramp"))
    widget = opened(window)
    widget.field_of_view = 4.0
    view = widget.linked.views["XY"]
    view.camera.zoom *= 2
    assert widget.field.value() == pytest.approx(2.0, abs=0.1)
    z, y, x = widget.position
    middle = view.camera.center
    widget.position = (z, y + 0.3, x)
    assert view.camera.center == middle, "still in sight"
    widget.position = (z, y, x + 4.0)
    assert view.camera.center[2] == pytest.approx(x + 4.0)
    assert widget.linked.views["XZ"].camera.center[2] == pytest.approx(x + 4.0)
