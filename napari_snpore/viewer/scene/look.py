"""The scene of a paper in one step, and the way back: a grey volume in a temperature-like colormap within its bounding box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_snpore.viewer.scene.cameras import look_along

TEMPERATURE = "inferno"
"""Dark to bright by equal steps of lightness, so that grey values keep their order in print and for colour-blind readers."""

RENDERINGS: Mapping[str, str] = {
    "brightest, fading with depth": "attenuated_mip",
    "brightest (MIP)": "mip",
    "mean along the ray": "average",
}
"""What a pixel shows, and napari's name for it; the first shows shapes best."""

_BOX_WIDTH = 1.5


class SceneLook:
    """What a scene looked like: taken before it is changed, and given back.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers and camera.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        camera = viewer.scene.camera
        self._viewer = viewer
        self._ndisplay = viewer.dims.ndisplay
        self._camera = (camera.angles, camera.center, camera.zoom)
        self._layers: list[tuple[Layer, dict[str, Any], bool]] = []
        for layer in viewer.layers:
            names = ("visible", "colormap", "rendering", "blending") if isinstance(layer, Image) else ("visible",)
            boxed = bool(layer.bounding_box.visible)
            self._layers.append((layer, {name: getattr(layer, name) for name in names}, boxed))

    def give_back(self) -> None:
        """Show what is still there of it as it was; layers that came later stay as they are."""
        viewer = self._viewer
        viewer.dims.ndisplay = self._ndisplay
        for layer, look, boxed in self._layers:
            if layer in viewer.layers:
                layer.bounding_box.visible = boxed
                for name, value in look.items():
                    setattr(layer, name, value)
        viewer.scene.camera.angles, viewer.scene.camera.center, viewer.scene.camera.zoom = self._camera


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
        Layers that stay visible; other volumes and labels are hidden.
    """
    for other in viewer.layers:
        if other is not layer and other not in keep and type(other).__name__ in ("Image", "Labels"):
            other.visible = False
    layer.colormap = TEMPERATURE
    layer.rendering = rendering
    layer.visible = True
    frame(viewer, layer)
    viewer.dims.ndisplay = 3
    look_along(viewer, "oblique")


def frame(viewer: ViewerModel, layer: Layer) -> None:
    """Draw the bounding box of a layer, in a colour that stands out on the background."""
    layer.bounding_box.points = False
    layer.bounding_box.line_thickness = _BOX_WIDTH
    layer.bounding_box.line_color = "white" if viewer.theme == "dark" else "black"
    layer.bounding_box.visible = True
