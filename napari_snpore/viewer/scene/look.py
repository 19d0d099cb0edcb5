"""3D scene of a grey volume: temperature-like colormap, bounding box, and restoring of the view."""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer

from napari_snpore.viewer.canvas.axes import axes_shown, show_axes
from napari_snpore.viewer.canvas.fitted import fit_shown, keep_fitted
from napari_snpore.viewer.scene.cameras import look_along
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.theme import ink_of, is_light
from napari_snpore.viewer.shared.view_kept import keeping_position

TEMPERATURE = "inferno"
"""Dark to bright by equal steps of lightness, so that grey values keep their order in print and for
colour-blind readers.
"""

ON_WHITE = "inferno paper"
"""The same with a clear low end: vacuum is not drawn black on a white ground. The name is short: napari
lists every colormap that was ever in use, and the longest name is the width of its controls.
"""

RENDERINGS: Mapping[str, str] = {
    "brightest, fading with depth": "attenuated_mip",
    "brightest (MIP)": "mip",
    "mean along the ray": "average",
    "added up by opacity": "translucent",
}
"""What a pixel shows, and napari's name for it; the first shows shapes best."""

_BOX_WIDTH = 1.5
_CLEAR_TO = 0.25  # of the contrast range
_SEEN: tuple[str, ...] = ("visible",)
_SHOWN_OF_IMAGES = ("visible", "colormap", "rendering", "blending")
_SHOWN_OF_BOXES = ("visible", "points", "line_thickness", "line_color")


class SceneLook:
    """What a scene looked like: taken before it is changed, and given back.

    Parameters
    ----------
    viewer : ViewerModel
        Whose layers and camera.
    """

    def __init__(self, viewer: ViewerModel) -> None:
        camera = viewer.scene.camera
        self._viewer = weakref.ref(viewer)
        self._ndisplay = viewer.dims.ndisplay
        self._camera = {
            name: getattr(camera, name) for name in ("perspective", "angles", "center", "zoom")
        }
        self._fitted = not keep_fitted(viewer).moved_by_hand
        self._axes = axes_shown(viewer)
        self._layers: weakref.WeakKeyDictionary[
            Layer, tuple[Mapping[str, Any], Mapping[str, Any]]
        ] = weakref.WeakKeyDictionary()
        for layer in viewer.layers:
            self._take(layer)

    def remember(self) -> None:
        """Record the display settings of layers added since, before they change; surfaces are not
        recorded.
        """
        viewer = self._viewer()
        for layer in [] if viewer is None else viewer.layers:
            if layer not in self._layers and kind_of(layer) != "surface":
                self._take(layer)

    def give_back(self) -> None:
        """Show what is still there of it as it was; surfaces that were drawn since are hidden,
        other new layers stay.
        """
        viewer = self._viewer()
        if viewer is None:
            return
        with keeping_position(viewer):  # napari takes the slice that the camera of 3D looks at
            viewer.dims.ndisplay = self._ndisplay
        for layer in viewer.layers:
            if layer in self._layers:
                look, box = self._layers[layer]
                for name, value in box.items():
                    setattr(layer.bounding_box, name, value)
                for name, value in look.items():
                    setattr(layer, name, value)
            elif kind_of(layer) == "surface":
                layer.visible = False
        for name, value in self._camera.items():
            setattr(viewer.scene.camera, name, value)
        if self._fitted:  # the canvas may have another size by now, and changes it again
            fit_shown(viewer)
        show_axes(viewer, self._axes)

    def _take(self, layer: Layer) -> None:
        names = _SHOWN_OF_IMAGES if isinstance(layer, Image) else _SEEN
        look = {name: getattr(layer, name) for name in names}
        self._layers[layer] = (
            look,
            {name: getattr(layer.bounding_box, name) for name in _SHOWN_OF_BOXES},
        )


def show_volume(
    viewer: ViewerModel, layer: Layer, *, rendering: str = "mip", keep: Sequence[Layer] = ()
) -> None:
    """Show one grey volume in 3D as in the paper: colormap, bounding box, seen from above at an
    angle.

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
    show_axes(viewer)
    viewer.dims.ndisplay = 3
    look_along(viewer, "oblique")


def frame(viewer: ViewerModel, layer: Layer) -> None:
    """Draw the bounding box of a layer, in a colour that contrasts with the background."""
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
    colors = np.array(ensure_colormap(TEMPERATURE).map(places))
    colors[:, 3] = np.clip(places / _CLEAR_TO, 0.0, 1.0)
    return Colormap(colors, name=ON_WHITE)
