"""A dark volume in 3D stands on a dark ground in the light theme too."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.utils.colormaps import Colormap

from napari_snpore.viewer.canvas.axes import show_axes
from napari_snpore.viewer.canvas.ground import keep_ground
from napari_snpore.viewer.shared.layers import KEY


@pytest.fixture
def light(qapp):
    viewer = ViewerModel()
    viewer.theme = "light"
    keep_ground(viewer)
    return viewer


def ground(viewer):
    return tuple(np.asarray(viewer.canvas.background_color)[:3])


def test_black_behind_a_gray_volume_in_3d_alone(light):
    layer = light.add_image(np.zeros((4, 5, 6)), colormap="gray")
    assert ground(light) == (1, 1, 1)
    light.dims.ndisplay = 3
    assert ground(light) == (0, 0, 0)
    layer.visible = False
    assert ground(light) == (1, 1, 1)
    layer.visible = True
    layer.colormap = "gray_r"
    assert ground(light) == (1, 1, 1)
    layer.colormap = "gray"
    light.dims.ndisplay = 2
    assert ground(light) == (1, 1, 1)


def test_a_colormap_with_a_clear_low_end_needs_no_dark_ground(light):
    # named: napari lists an unnamed one in all later windows, by a name that makes them wider
    clear = Colormap([[0, 0, 0, 0], [1, 1, 1, 1]], name="clear")
    light.add_image(np.zeros((4, 5, 6)), colormap=clear)
    light.dims.ndisplay = 3
    assert ground(light) == (1, 1, 1)


def test_phases_on_no_volume_have_a_dark_ground(light):
    """Their pores are white."""
    record = {KEY: {"kind": "phases"}}
    phases = light.add_labels(np.ones((4, 5, 6), np.uint8), metadata=record)
    assert ground(light) == (0, 0, 0)
    phases.visible = False
    assert ground(light) == (1, 1, 1)
    phases.visible = True
    light.add_image(np.zeros((4, 5, 6)), colormap="gray")
    assert ground(light) == (1, 1, 1)
    light.layers.remove(light.layers[-1])
    assert ground(light) == (0, 0, 0)
    light.layers.remove(phases)
    light.add_labels(np.ones((4, 5, 6), np.uint8))
    assert ground(light) == (1, 1, 1)


def test_a_ground_that_the_user_chose_stays(light):
    light.canvas.background_color_override = "green"
    light.add_image(np.zeros((4, 5, 6)), colormap="gray")
    light.dims.ndisplay = 3
    light.dims.ndisplay = 2
    assert light.canvas.background_color_override is not None


def test_the_triad_has_colours_on_dark_grounds_alone(light):
    show_axes(light)
    axes = light.canvas.overlays.axes
    assert not axes.colored
    light.add_image(np.zeros((4, 5, 6)), colormap="gray")
    light.dims.ndisplay = 3
    assert axes.colored
    light.dims.ndisplay = 2
    light.theme = "dark"
    assert axes.colored
