"""Handles of boxes are in no picture: neither of a plate nor of a movie."""

from __future__ import annotations

import numpy as np

from napari_snpore.viewer.boxes.handles import KIND
from napari_snpore.viewer.figure.scene_margins import without_margins
from napari_snpore.viewer.figure.scene_picture import take_picture
from napari_snpore.viewer.scene.turntable import turntable_frames
from napari_snpore.viewer.shared.layers import add_layer, kind_of, volume_data
from napari_snpore.volume import Volume
from tests.viewer.mouse import settle


def test_neither_plate_nor_movie_shows_the_handles(make_napari_viewer_proxy):
    window = make_napari_viewer_proxy(show=True)
    window.window.resize(1300, 900)
    volume = add_layer(window, volume_data(Volume(np.zeros((8, 8, 8), np.float32), 1.0), "fibre"))
    _, form = window.window.add_plugin_dock_widget("napari-snpore", "Subvolumes")
    window.dims.ndisplay = 3
    form.put("box", center_nm=(4.0, 4.0, 4.0), size_nm=4.0)
    settle(0.5)
    handles = next(layer for layer in window.layers if kind_of(layer) == KIND)
    on_screen = window.screenshot(canvas_only=True, flash=False)[..., :3]
    plate = take_picture(window, volume).rgb
    movie = next(iter(turntable_frames(window, frames=2, degrees=10)))
    assert handles.visible, "back after the picture"
    handles.visible = False
    bare = window.screenshot(canvas_only=True, flash=False)[..., :3]
    assert not np.array_equal(on_screen, bare), "they were on the screen"
    np.testing.assert_array_equal(movie, bare)
    bar = window.canvas.overlays.scale_bar
    bar.visible = False
    whole = window.screenshot(canvas_only=True, flash=False)[..., :3]
    np.testing.assert_array_equal(plate, without_margins(whole))
