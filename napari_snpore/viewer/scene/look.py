"""The scene of a paper in one step: a grey volume in a temperature-like colormap within its bounding box.

The way back is in :mod:`napari_snpore.viewer.scene.before`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_snpore.viewer.layers import kind_of
from napari_snpore.viewer.scene.cameras import look_along
from napari_snpore.viewer.theme import ink_of, is_light

TEMPERATURE = "inferno"
"""Dark to bright by equal steps of lightness, so that grey values keep their order in print and for colour-blind readers."""

ON_WHITE = "inferno on white"
"""The same with a clear low end: vacuum is not drawn black on a white ground."""

RENDERINGS: Mapping[str, str] = {
    "brightest, fading with depth": "attenuated_mip",
    "brightest (MIP)": "mip",
    "mean along the ray": "average",
}
"""What a pixel shows, and napari's name for it; the first shows shapes best."""

_BOX_WIDTH = 1.5
_CLEAR_TO = 0.25  # of the contrast range


def show_volume(viewer: ViewerModel, layer: Layer, *, rendering: str = "mip", keep: Sequence[Layer] = ()) -> None:
    """Show one grey volume in 3D as in the paper: colormap, bounding box, seen from above at an angle.

    Parameters
    ----------
    viewer : ViewerModel
        Whose scene.
    layer : Image
        The volume.
    rendering : str
        napari's name of the way rays are summed.
    keep : sequence of Layer
        Layers that stay visible; other volumes and labels are hidden, planes of the slices are not.
    """
    for other in viewer.layers:
        if (
            other is not layer
            and other not in keep
            and isinstance(other, (Image, Labels))
            and kind_of(other) != "scene plane"
        ):
            other.visible = False
    layer.colormap = temperature(viewer)
    layer.rendering = rendering
    layer.visible = True
    frame(viewer, layer)
    viewer.dims.ndisplay = 3
    look_along(viewer, "oblique")


def frame(viewer: ViewerModel, layer: Layer) -> None:
    """Draw the bounding box of a layer, in a colour that stands out on the background."""
    layer.bounding_box.points = False
    layer.bounding_box.line_thickness = _BOX_WIDTH
    layer.bounding_box.line_color = ink_of(viewer)
    layer.bounding_box.visible = True


def follow_theme(viewer: ViewerModel) -> None:
    """Give what is drawn as in the paper the colours of the theme that the window has now."""
    for layer in viewer.layers:
        if layer.bounding_box.visible:
            layer.bounding_box.line_color = ink_of(viewer)
        if isinstance(layer, Image) and layer.colormap.name in (TEMPERATURE, ON_WHITE):
            layer.colormap = temperature(viewer)


def temperature(viewer: ViewerModel) -> Any:
    """Return the colormap of the scene: on a white ground its low end is clear."""
    from napari.utils.colormaps import Colormap, ensure_colormap

    if not is_light(viewer):
        return TEMPERATURE
    places = np.linspace(0.0, 1.0, 256)
    colours = np.array(ensure_colormap(TEMPERATURE).map(places))
    colours[:, 3] = np.clip(places / _CLEAR_TO, 0.0, 1.0)
    return Colormap(colours, name=ON_WHITE)
