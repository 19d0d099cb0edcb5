"""What a window looked like before its scene was made, and the way back to it; one a window, whichever widget asks."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_snpore.viewer.layers import kind_of
from napari_snpore.viewer.quietly import still_position

_SEEN: tuple[str, ...] = ("visible",)
_SEEN_OF_IMAGES = ("visible", "colormap", "rendering", "blending")
_SEEN_OF_BOXES = ("visible", "points", "line_thickness", "line_color")


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
        self._camera = {name: getattr(camera, name) for name in ("perspective", "angles", "center", "zoom")}
        self._layers: weakref.WeakKeyDictionary[Layer, tuple[Mapping[str, Any], Mapping[str, Any]]] = (
            weakref.WeakKeyDictionary()
        )
        for layer in viewer.layers:
            self._take(layer)

    def remember(self) -> None:
        """Take the look of the layers that came since, before they are changed too; surfaces are part of the scene."""
        viewer = self._viewer()
        for layer in [] if viewer is None else viewer.layers:
            if layer not in self._layers and kind_of(layer) != "surface":
                self._take(layer)

    def give_back(self) -> None:
        """Show what is still there of it as it was; surfaces that were drawn since are hidden, other new layers stay."""
        viewer = self._viewer()
        if viewer is None:
            return
        with still_position(viewer):  # napari takes the slice that the camera of 3D looks at
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

    def _take(self, layer: Layer) -> None:
        names = _SEEN_OF_IMAGES if isinstance(layer, Image) else _SEEN
        look = {name: getattr(layer, name) for name in names}
        self._layers[layer] = (look, {name: getattr(layer.bounding_box, name) for name in _SEEN_OF_BOXES})


_OF: weakref.WeakKeyDictionary[Any, SceneLook] = weakref.WeakKeyDictionary()


def remember_look(viewer: ViewerModel) -> None:
    """Take the look of a window, the first time; later that of the layers that came since."""
    found = _found(viewer)
    if found is None:
        _OF[viewer] = SceneLook(viewer)
    else:
        found.remember()


def has_look_before(viewer: ViewerModel) -> bool:
    """Say whether there is a way back."""
    return _found(viewer) is not None


def show_before(viewer: ViewerModel) -> None:
    """Give a window the look that was taken, and forget it."""
    found = _found(viewer)
    if found is not None:
        del _OF[viewer]
        found.give_back()


def _found(viewer: ViewerModel) -> SceneLook | None:
    return next((look for known, look in _OF.items() if known is viewer), None)
