"""The voxel that a position means, by a grid written down by hand."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_snpore.viewer.canvas.voxels import on_voxel, voxels_between

LAYER = Image(np.zeros((4, 5, 6)), scale=(0.5, 0.25, 2.0), translate=(1.0, 2.0, -3.0))
"""Centres along z: 1.0 1.5 2.0 2.5; along y: 2.0 2.25 … 3.0; along x: −3 −1 1 3 5 7."""


@pytest.mark.parametrize(
    ("point", "center"),
    [
        ((1.0, 2.0, -3.0), (1.0, 2.0, -3.0)),
        ((1.2, 2.1, -2.1), (1.0, 2.0, -3.0)),
        ((1.25, 2.125, -2.0), (1.5, 2.25, -1.0)),  # a face belongs to the voxel after it
        ((9.9, 2.0, 100.0), (10.0, 2.0, 101.0)),  # the grid goes on beyond the layer
    ],
)
def test_a_position_is_that_of_the_voxel_that_holds_it(point, center):
    assert on_voxel(LAYER, point) == pytest.approx(center)
    assert on_voxel(LAYER, center) == on_voxel(LAYER, point), "once is enough"


def test_between_outer_faces_it_is_the_first_or_the_last_voxel():
    low, high = (0.75, 1.875, -4.0), (2.75, 3.125, 8.0)
    assert on_voxel(LAYER, low, (low, high)) == pytest.approx((1.0, 2.0, -3.0))
    assert on_voxel(LAYER, high, (low, high)) == pytest.approx((2.5, 3.0, 7.0))
    assert [voxels_between(LAYER, axis, low[axis], high[axis]) for axis in range(3)] == [
        (0, 3),
        (0, 4),
        (0, 5),
    ]


def test_without_a_grid_along_the_axes_a_position_stays_as_it_is():
    turned = Image(np.zeros((4, 5, 6)), rotate=20)
    for layer in (None, turned, Image(np.zeros((3, 4)))):
        assert on_voxel(layer, (1.23, 4.56, 7.89)) == (1.23, 4.56, 7.89)
