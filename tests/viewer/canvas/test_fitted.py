"""The picture stays fitted into napari's canvas while its size changes, until it is moved by hand."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtTest import QTest

from napari_snpore.viewer.canvas.fitted import keep_fitted
from napari_snpore.viewer.canvas.tool_layers import without_tools
from napari_snpore.viewer.shared.layers import KEY


def fitted_zoom(viewer, side, margin=0.05):
    """Return the zoom at which a square of a side fills the canvas but for napari's margin."""
    return (1 - margin) * min(viewer.canvas.size) / side


def test_a_canvas_of_another_size_shows_everything_again(viewer):
    viewer.add_image(np.zeros((10, 50, 50)))
    keeper = keep_fitted(viewer)
    assert keep_fitted(viewer) is keeper, "one for a window"
    assert viewer.scene.camera.zoom == pytest.approx(fitted_zoom(viewer, 50))
    viewer.canvas.size = (300, 400)
    QTest.qWait(150)
    assert viewer.scene.camera.zoom == pytest.approx(0.95 * 300 / 50)
    viewer.dims.ndisplay = 3
    viewer.scene.camera.angles = (10, 20, 30)
    QTest.qWait(150)
    viewer.canvas.size = (600, 800)
    QTest.qWait(150)
    assert tuple(viewer.scene.camera.angles) == pytest.approx((10, 20, 30)), "turned by hand, kept"
    assert not keeper.moved_by_hand


def test_what_was_zoomed_by_hand_stays(viewer):
    viewer.add_image(np.zeros((10, 50, 50)))
    keeper = keep_fitted(viewer)
    viewer.scene.camera.zoom = 3.21
    assert keeper.moved_by_hand
    viewer.canvas.size = (300, 400)
    viewer.add_image(np.zeros((10, 90, 90)))
    QTest.qWait(150)
    assert viewer.scene.camera.zoom == 3.21
    viewer.reset_view()  # napari's home button
    assert not keeper.moved_by_hand
    assert viewer.scene.camera.zoom == pytest.approx(0.95 * 300 / 90)


def test_a_zoom_before_the_first_dock_was_one_by_hand(viewer):
    viewer.add_image(np.zeros((10, 50, 50)))
    viewer.scene.camera.zoom = 3.21
    viewer.scene.camera.center = (0.0, 1.0, 2.0)
    assert keep_fitted(viewer).moved_by_hand
    assert viewer.scene.camera.zoom == 3.21
    assert tuple(viewer.scene.camera.center) == (0.0, 1.0, 2.0)


def test_a_sample_that_opens_beside_others_comes_into_the_picture(viewer):
    viewer.add_image(np.zeros((10, 50, 50)))
    keep_fitted(viewer)
    viewer.add_image(np.zeros((10, 200, 200)))
    QTest.qWait(150)
    assert viewer.scene.camera.zoom == pytest.approx(fitted_zoom(viewer, 200))


def test_handles_are_hidden_for_a_picture_and_shown_after_it(viewer):
    points = viewer.add_points(np.zeros((6, 3)), metadata={KEY: {"kind": "box handles"}})
    image = viewer.add_image(np.zeros((4, 5, 6)))
    shown = []

    def fail():
        shown.extend([points.visible, image.visible])
        raise KeyError

    with pytest.raises(KeyError), without_tools(viewer):
        fail()
    assert shown == [False, True]
    assert points.visible
    points.visible = False
    with without_tools(viewer):
        pass
    assert not points.visible, "hidden by the user, it stays so"
