"""The slider goes from slice to slice, each once, whatever surfaces and boxes are drawn around the
voxels.
"""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_snpore.subvolume import NamedBox
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.viewer.scene.widget import SceneWidget
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layers import add_layer, phases_data, series_data, volume_data
from napari_snpore.viewer.shared.slider_steps import keep_steps_on_voxels
from napari_snpore.volume import Volume

SHAPE, SPACING, ORIGIN = (12, 16, 20), (0.5, 0.25, 0.2), (10.0, 20.0, 30.0)
WHOLE = NamedBox(
    "whole", (12.75, 21.875, 31.9), (6.0, 4.0, 4.0)
)  # from face to face: half a voxel beyond the centres


def fill(viewer):
    numbered = np.empty(SHAPE, np.float32)
    numbered[:] = np.arange(12)[:, None, None]  # the slice of number k is k all over
    labels = np.full(SHAPE, 2, np.uint8)
    labels[3:6, 4:8, 4:9] = 3
    add_layer(viewer, volume_data(Volume(numbered, SPACING, ORIGIN), "fibre"))
    add_layer(viewer, phases_data(Volume(labels, SPACING, ORIGIN), "fibre · phases"))


def slices_walked_through(viewer):
    found = []
    for step in range(viewer.dims.nsteps[0]):
        viewer.dims.set_current_step(0, step)
        found.append(viewer.layers["fibre"].get_value(viewer.dims.point, world=True))
    return found


@pytest.mark.parametrize("drawn", ["surfaces", "box", "both", "box moved"])
def test_every_slice_is_reached_once(viewer, drawn):
    fill(viewer)
    before = viewer.dims.range
    if drawn in ("surfaces", "both"):
        SceneWidget(viewer).make_surfaces()
        viewer.dims.ndisplay = 2
    if drawn != "surfaces":
        boxes_of(viewer).put(WHOLE)
    if drawn == "box moved":
        boxes_of(viewer).change(0, WHOLE.moved(0, -0.2))
    assert slices_walked_through(viewer) == list(range(12))
    assert viewer.dims.range == before
    assert viewer.dims.range[0] == pytest.approx((10.0, 15.5, 0.5))


def test_a_voxel_of_more_than_a_nanometre_is_still_one_step(viewer):
    add_layer(
        viewer, volume_data(Volume(np.zeros((5, 6, 7), np.float32), (4.0, 4.0, 4.0)), "coarse")
    )
    boxes_of(viewer).put(NamedBox("box", (8.0, 8.0, 8.0), (8.0, 8.0, 8.0)))
    assert viewer.dims.nsteps == (5, 6, 7)


def test_hidden_tilt_images_lengthen_no_axis_of_the_volume(viewer):
    keep_steps_on_voxels(viewer)
    fill(viewer)
    before = viewer.dims.range
    images = TiltSeries(np.ones((60, 16, 20), np.float32), np.arange(60.0), 0.5)
    series = add_layer(viewer, series_data(images, "tilts"))
    assert viewer.dims.nsteps[0] > 12
    series.visible = False
    assert viewer.dims.range == before
    assert slices_walked_through(viewer) == list(range(12))
    for layer in viewer.layers:
        layer.visible = layer is series
    assert viewer.dims.range[0] == pytest.approx((0.0, 29.5, 0.5)), "each image, and no more"
    for layer in viewer.layers:
        layer.visible = layer is not series
    viewer.layers.remove(series)
    assert viewer.dims.range == before


def test_a_new_volume_widens_the_range_again(viewer):
    fill(viewer)
    boxes_of(viewer).put(WHOLE)
    add_layer(
        viewer,
        volume_data(Volume(np.zeros(SHAPE, np.float32), SPACING, (12.0, 20.0, 30.0)), "other"),
    )
    assert viewer.dims.range[0] == pytest.approx((10.0, 17.5, 0.5))


def test_position_stays_in_a_real_window(make_napari_viewer_proxy):
    window = make_napari_viewer_proxy(show=True)
    fill(window)
    window.dims.set_current_step(0, 6)
    before = window.dims.point
    _, widget = window.window.add_plugin_dock_widget("napari-snpore", "3D scene")
    widget.make_surfaces()
    QTest.qWait(100)
    assert window.dims.point == pytest.approx(before)
    widget.make_surfaces()
    widget.show_before()
    QTest.qWait(100)
    assert window.dims.point == pytest.approx(before)
    assert slices_walked_through(window) == list(range(12))


def test_a_dragged_box_moves_no_slider(viewer):
    fill(viewer)
    boxes = boxes_of(viewer)
    boxes.put(WHOLE)
    heard = []
    for name in ("range", "nsteps", "current_step", "point"):
        getattr(viewer.dims.events, name).connect(heard.append)
    boxes.change(0, WHOLE.moved(0, 0.3))
    boxes.change(0, WHOLE.moved(1, -0.7))
    assert heard == []


def test_boxes_before_any_volume(viewer):
    boxes_of(viewer).put(WHOLE)
    assert viewer.dims.ndim == 3
    fill(viewer)
    assert slices_walked_through(viewer) == list(range(12))
