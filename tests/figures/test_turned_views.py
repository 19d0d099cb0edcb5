"""Views of phases by ray casting, on bodies whose pictures are known."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from napari_snpore import Volume
from napari_snpore.figures import turned_views
from napari_snpore.figures.ray_views import MOST_VOXELS, Camera, ray_view, scene_of
from napari_snpore.segmentation.phases import PORE_C_SN

COLORS = PORE_C_SN.colors


def view(labels, turn=0.0, up=0.0, *, extent=(40.0, 40.0), spacing=(1.0, 1.0, 1.0)):
    scene = scene_of(labels, spacing, COLORS)
    return ray_view(scene, Camera(turn, up), extent_nm=extent, pixel_nm=0.5)


def shown(picture):
    """Return which pixels are not white."""
    return (picture < 255).any(axis=2)


def test_a_ball_is_a_disc_of_its_size_from_all_sides():
    z, y, x = np.mgrid[-16:17, -16:17, -16:17]
    ball = np.where(z**2 + y**2 + x**2 <= 12**2, 3, 0).astype(np.uint8)
    for turn in (0.0, 60.0, 120.0):
        picture = view(ball, turn, 20.0)
        area = shown(picture).sum() * 0.25
        assert area == pytest.approx(np.pi * 12.3**2, rel=0.05)


def test_a_turn_shows_the_other_side_of_a_box():
    """4 × 20 × 30 voxels (z, y, x): 30 wide from the front, 4 from the side, 20 high from both."""
    box = np.zeros((34, 34, 34), np.uint8)
    box[15:19, 7:27, 2:32] = 3
    for turn, width in ((0.0, 30), (90.0, 4)):
        rows, columns = np.nonzero(shown(view(box, turn)))
        assert np.ptp(rows) * 0.5 == pytest.approx(20, abs=1.1)
        assert np.ptp(columns) * 0.5 == pytest.approx(width, abs=1.1)


def test_what_lies_to_the_right_is_drawn_on_the_right_and_y_down():
    body = np.zeros((20, 20, 20), np.uint8)
    body[8:12, 2:5, 15:18] = 3
    body[8:12, 15:18, 2:5] = 2
    picture = view(body)
    yellow = np.argwhere((picture[..., 0] > 100) & (picture[..., 2] < 60)).mean(axis=0)
    blue = np.argwhere(shown(picture) & (picture[..., 2] > picture[..., 0])).mean(axis=0)
    assert yellow[0] < blue[0]
    assert yellow[1] > blue[1]


def test_the_last_phase_shows_through_the_one_before_and_pores_are_left_out():
    body = np.zeros((24, 24, 24), np.uint8)
    body[4:20, 4:20, 4:20] = 2
    hidden = view(body)
    body[9:15, 9:15, 9:15] = 3
    seen = view(body)
    middle = (seen.shape[0] // 2, seen.shape[1] // 2)
    assert seen[middle][0] > hidden[middle][0]  # more yellow
    pores = np.zeros_like(body)
    pores[4:20, 4:20, 4:20] = 1
    assert scene_of(pores, (1.0, 1.0, 1.0), COLORS) is None


def test_a_face_towards_the_light_is_brighter_than_one_that_is_not():
    ball = np.zeros((33, 33, 33), np.uint8)
    z, y, x = np.mgrid[-16:17, -16:17, -16:17]
    ball[z**2 + y**2 + x**2 <= 12**2] = 3
    picture = view(ball).astype(int)
    upper_left, lower_right = picture[30, 30], picture[50, 50]
    assert upper_left.sum() > lower_right.sum()
    color = 255 * np.array(to_rgb(COLORS[2]))
    assert (picture[shown(picture)] <= color + 1).all()


def test_voxels_that_are_no_cubes_keep_their_proportions():
    box = np.zeros((20, 20, 20), np.uint8)
    box[5:15, 5:15, 5:15] = 3
    rows, columns = np.nonzero(shown(view(box, spacing=(1.0, 2.0, 1.0))))
    assert np.ptp(rows) / np.ptp(columns) == pytest.approx(2.0, rel=0.1)


def test_large_volumes_are_thinned_and_nothing_solid_is_a_sentence():
    large = np.zeros((MOST_VOXELS + 8, 8, 8), np.uint8)
    large[:, 2:6, 2:6] = 3
    assert scene_of(large, (1.0, 1.0, 1.0), COLORS).stride == 2
    figure = turned_views(Volume(np.zeros((8, 8, 8), np.uint8), 1.0))
    assert "No voxel is solid" in figure.texts[0].get_text()
