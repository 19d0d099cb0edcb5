"""A 3D scene has its axes in their own order, which is right-handed; 2D has any order."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_snpore.viewer.canvas.hand import keep_hand


@pytest.fixture
def viewer():
    made = ViewerModel()
    made.add_image(np.zeros((4, 5, 6)))
    return made


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 0, 1), (2, 1, 0)])
def test_3d_has_the_axes_in_turn_and_2d_the_order_before(viewer, order):
    keep_hand(viewer)
    viewer.dims.order = order
    assert viewer.dims.order == order
    viewer.dims.ndisplay = 3
    assert viewer.dims.order == (0, 1, 2)
    viewer.dims.ndisplay = 2
    assert viewer.dims.order == order


def test_a_roll_in_3d_is_seen_in_2d_only(viewer):
    viewer.dims.order = (1, 0, 2)
    viewer.dims.ndisplay = 3
    keep_hand(viewer)
    assert viewer.dims.order == (0, 1, 2)
    viewer.dims.roll()
    assert viewer.dims.order == (0, 1, 2)
    viewer.dims.ndisplay = 2
    assert viewer.dims.order == (2, 0, 1)


def test_an_axis_of_time_stays_outside_the_scene(viewer):
    viewer.add_image(np.zeros((3, 4, 5, 6)))
    viewer.dims.order = (0, 3, 1, 2)
    keep_hand(viewer)
    viewer.dims.ndisplay = 3
    assert viewer.dims.order == (0, 1, 2, 3)
