"""What the colours of a layer mean, and the colour bar of a picture of the scene in a plate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_snpore.figures.page import Box, new_figure
from napari_snpore.figures.panels import ImagePanel
from napari_snpore.figures.plate_spec import ColorScale
from napari_snpore.figures.style import FigureStyle
from napari_snpore.viewer.scene.color_scale import color_scale, coloring_column, scale_of_scene
from napari_snpore.viewer.shared.layer_colors import object_colormap
from napari_snpore.viewer.shared.layers import add_layer, objects_data, phases_data, volume_data
from napari_snpore.volume import Volume

TABLE = pd.DataFrame(
    {
        "label": np.arange(1, 11),
        "length_nm": np.arange(1.0, 11.0),
        "aspect_ratio": np.linspace(0.9, 0.1, 10) ** 2,
    }
)


def objects(viewer):
    labels = np.zeros((4, 4, 10), np.uint16)
    labels[1, 1] = np.arange(1, 11)
    return add_layer(viewer, objects_data(Volume(labels, 0.5), TABLE, "fibre · Sn", phase="Sn"))


def test_objects_have_the_scale_of_the_quantity_that_they_are_coloured_by(viewer):
    layer = objects(viewer)
    layer.colormap = object_colormap(None)
    assert color_scale(layer) is None, "a colour for each is no number"
    for column, title in (("length_nm", "Length (nm)"), ("aspect_ratio", "Aspect ratio")):
        layer.colormap = object_colormap(TABLE[column])
        assert coloring_column(layer) == column
        scale = color_scale(layer)
        assert scale.title == title
        assert (scale.low, scale.high) == pytest.approx(
            tuple(np.percentile(TABLE[column], (1, 99)))
        )
    hidden = np.arange(10) % 2 == 0
    layer.colormap = object_colormap(TABLE["length_nm"], shown=hidden, chosen=3)
    assert coloring_column(layer) == "length_nm", "some hidden, one that stands out"


def test_of_what_is_visible_objects_come_before_a_volume_and_phases_have_no_scale(viewer):
    gray = add_layer(viewer, volume_data(Volume(np.ones((4, 4, 10), np.float32), 0.5), "fibre"))
    gray.contrast_limits = (2.0, 7.0)
    add_layer(viewer, phases_data(Volume(np.ones((4, 4, 10), np.uint8), 0.5), "fibre · phases"))
    layer = objects(viewer)
    layer.colormap = object_colormap(TABLE["length_nm"])
    assert scale_of_scene(viewer.layers).title == "Length (nm)"
    layer.visible = False
    scale = scale_of_scene(viewer.layers)
    assert (scale.title, scale.low, scale.high) == ("Grey value", 2.0, 7.0)
    gray.visible = False
    assert scale_of_scene(viewer.layers) is None


def test_the_picture_in_a_plate_has_its_bar_from_the_low_to_the_high_value():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    scale = ColorScale("Length (nm)", 2.0, 12.0, ramp)
    style = FigureStyle()
    figure = new_figure(style, width_mm=80, height_mm=80)
    panel = ImagePanel("3D scene", np.zeros((50, 50, 3), np.uint8), color_scale=scale)
    panel.draw(figure, Box(0, 0, 80, 80), style)
    bar = next(axes for axes in figure.axes if axes.get_title(loc="right") == "Length (nm)")
    assert bar.get_ylim() == (2.0, 12.0)
    image = bar.images[0].get_array()
    assert np.asarray(image)[0, 0, 0] == 255, "the high end is above"
    assert [float(tick) for tick in bar.get_yticks() if 2 <= tick <= 12]
