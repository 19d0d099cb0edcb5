"""The triad of axes has room in a small canvas, also while the scene is turned."""

from __future__ import annotations

import numpy as np
import pytest

from napari_snpore.viewer.canvas.axes import axes_size, show_axes


def drawn_side(viewer):
    """Return the side of what napari draws the axes in (px)."""
    canvas = viewer.window._qt_viewer.canvas
    (drawn,) = canvas._viewer_overlay_to_visual[viewer.canvas.overlays.axes]
    return drawn.node.size


@pytest.mark.parametrize(
    ("canvas", "side"),
    [((800.0, 600.0), 170.0), ((321.0, 139.0), 90.0), ((300.0, 100.0), 80.0), ((30.0, 30.0), 40.0)],
)
def test_axes_are_smaller_where_there_is_no_room(canvas, side):
    assert axes_size(*canvas) == side


def test_a_turn_of_the_camera_leaves_the_axes_as_large_as_they_were(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros((8, 8, 8)))
    viewer.dims.ndisplay = 3
    viewer.canvas.size = (321, 139)
    show_axes(viewer)
    viewer.scene.camera.angles = (10.0, 20.0, 30.0)
    assert viewer.canvas.overlays.axes.size == 90
    assert tuple(drawn_side(viewer)) == (90, 90)


def test_a_theme_leaves_the_axes_as_large_as_they_were(make_napari_viewer_proxy):
    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros((8, 8, 8)))
    viewer.dims.ndisplay = 3
    viewer.canvas.size = (321, 139)
    show_axes(viewer)
    viewer.theme = "light" if viewer.theme == "dark" else "dark"
    assert tuple(drawn_side(viewer)) == (90, 90)
    viewer.canvas.overlays.axes.colored = not viewer.canvas.overlays.axes.colored
    assert tuple(drawn_side(viewer)) == (90, 90)
