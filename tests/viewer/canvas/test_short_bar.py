"""napari's scale bar in a narrow canvas: round, and never longer than there is room."""

from __future__ import annotations

import pytest

from napari_snpore.viewer.canvas.short_bar import keep_scale_bar_short


@pytest.mark.parametrize(
    ("width", "zoom", "length"),
    [
        (128, 4.0, 20.0),  # 0.75 · 128 px are 96 px, 24 nm
        (128, 1.9, 50.0),  # 50.5 nm
        (128, 2.0, 20.0),  # 48 nm
        (128, 400.0, 0.2),  # 0.24 nm
        (199, 4.0, 20.0),  # 37 nm
        (200, 4.0, None),  # napari's longest, 150 px, has room
        (1200, 4.0, None),
    ],
)
def test_the_longest_round_length_that_has_room(viewer, width, zoom, length):
    keep_scale_bar_short(viewer)
    bar = viewer.canvas.overlays.scale_bar
    viewer.scene.camera.zoom = zoom
    viewer.canvas.size = (300, width)
    assert bar.length == length


def test_it_follows_the_zoom_and_goes_back_to_napari_where_there_is_room(viewer):
    keep_scale_bar_short(viewer)
    bar = viewer.canvas.overlays.scale_bar
    viewer.canvas.size = (300, 128)
    viewer.scene.camera.zoom = 4.0
    assert bar.length == 20.0
    viewer.scene.camera.zoom = 8.0
    assert bar.length == 10.0
    viewer.canvas.size = (300, 900)
    assert bar.length is None


def test_a_length_that_the_user_has_set_stays(viewer):
    keep_scale_bar_short(viewer)
    bar = viewer.canvas.overlays.scale_bar
    bar.length = 7.0
    viewer.canvas.size = (300, 128)
    viewer.scene.camera.zoom = 8.0
    assert bar.length == 7.0
