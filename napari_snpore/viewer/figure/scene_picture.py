"""Picture of the 3D scene of the window, kept until something in the scene changes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from napari.layers import Image, Labels, Layer, Surface
from qtpy.QtCore import QObject

from napari_snpore.figures.plate_spec import ScenePicture
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.canvas.canvas_picture import canvas_picture
from napari_snpore.viewer.canvas.tool_layers import without_tools
from napari_snpore.viewer.figure.layer_appearance import nm_per_world_unit, shown_scheme
from napari_snpore.viewer.figure.scene_margins import without_margins
from napari_snpore.viewer.scene.cameras import CameraView
from napari_snpore.viewer.scene.color_bar import color_bar_of
from napari_snpore.viewer.scene.color_scale import scale_of_scene
from napari_snpore.viewer.scene.look import SceneLook, show_volume
from napari_snpore.viewer.scene.phase_surfaces import KIND as SURFACE
from napari_snpore.viewer.shared.events import connect_while_alive, plain_viewer
from napari_snpore.viewer.shared.layers import kind_of, record_of

_APPEARANCE = (
    "visible", "opacity", "blending", "scale", "translate", "contrast_limits", "gamma", "rendering", "depiction", "shading",
    "iso_gradient_mode", "iso_threshold", "attenuation", "interpolation3d", "selected_label", "show_selected_label",
    "size", "edge_width", "experimental_clipping_planes", "plane", "affine",
)  # fmt: skip
_SAME_SIZE = 0.03
"""Share by which the canvas may change for the same picture: one more line in a form makes it a few
pixels smaller.
"""
_CONTENTS = (
    "data",
    "paint",
    "labels_update",
    "colormap",
    "features",
    "edge_color",
    "face_color",
    "border_color",
)


class SceneCamera(QObject):
    """Takes a picture of the scene, and returns the last one while window and layers are unchanged.

    Parameters
    ----------
    viewer : Viewer
        With a window.
    parent : QObject
        It ends with this one.
    """

    def __init__(self, viewer: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._edits = 0
        self._taken: tuple[str, tuple[int, int], ScenePicture] | None = None
        connect_while_alive(self, viewer.layers.events.inserted, self._watch_new)
        for layer in viewer.layers:
            self._watch(layer)

    def has(self, volume: Layer) -> bool:
        """Say whether the last picture still shows the window as it is."""
        if self._taken is None or self._taken[0] != self._state(volume):
            return False
        pairs = zip(self._taken[1], self._viewer.canvas.size, strict=True)
        return all(abs(old - new) <= _SAME_SIZE * old for old, new in pairs)

    def picture(self, volume: Layer) -> ScenePicture:
        """Return the picture of the scene, new or the last one."""
        if self._taken is None or not self.has(volume):
            made = take_picture(self._viewer, volume)
            self._taken = self._state(volume), self._viewer.canvas.size, made
        return self._taken[2]

    def _watch_new(self, event: Any) -> None:
        self._edits += 1
        self._watch(event.value)

    def _watch(self, layer: Layer) -> None:
        for name in _CONTENTS:
            if hasattr(layer.events, name):
                connect_while_alive(self, getattr(layer.events, name), self._on_edit)

    def _on_edit(self, event: Any) -> None:
        if isinstance(event.source, Image) and event.type == "colormap":
            return  # it is in the state: taking a picture changes it, and back
        self._edits += 1

    def _state(self, volume: Layer) -> str:
        """Return everything that decides the picture, as a text to compare."""
        viewer = self._viewer
        camera, three = viewer.scene.camera, viewer.dims.ndisplay == 3
        bar = color_bar_of(plain_viewer(viewer))
        window = [viewer.theme, self._edits, id(volume), three, bar is not None and bar.shown]
        if three:
            window += [camera.angles, camera.center, camera.zoom, camera.perspective]
        layers = [
            [
                id(layer),
                layer.bounding_box.visible,
                _colormap_words(layer),
                *(str(getattr(layer, name, None)) for name in _APPEARANCE),
            ]
            for layer in viewer.layers
        ]
        return repr([window, layers])


def take_picture(viewer: Any, volume: Layer) -> ScenePicture:
    """Return the 3D scene as the window shows it; a window in 2D shows the scene of the paper for
    the picture, then 2D again.
    """
    give_back: Callable[[], None] | None = None
    if viewer.dims.ndisplay != 3 and isinstance(volume, Image):
        give_back = SceneLook(viewer).give_back
        show_volume(viewer, volume, rendering="attenuated_mip")
    bar = viewer.canvas.overlays.scale_bar
    shown, bar.visible = bar.visible, False  # the figure draws its own
    try:
        color_bar = color_bar_of(plain_viewer(viewer))
        with without_tools(viewer), nullcontext() if color_bar is None else color_bar.hidden():
            rgb = canvas_picture(viewer)
        camera = viewer.scene.camera
        across = float(viewer.canvas.size[1]) / rgb.shape[1] * nm_per_world_unit(viewer, volume)[-1]
        scale = across / float(camera.zoom) if float(camera.perspective) == 0 else None
        return ScenePicture(
            np.ascontiguousarray(without_margins(rgb)),
            scale,
            _phases_shown(viewer),
            CameraView.of(viewer).values(),
            None if color_bar is None or not color_bar.shown else scale_of_scene(viewer.layers),
        )
    finally:
        bar.visible = shown
        if give_back is not None:
            give_back()


def _phases_shown(viewer: Any) -> PhaseScheme | None:
    """Return the phases in the scene: their surfaces, and those of labels."""
    found: dict[str, str] = {}
    for layer in viewer.layers:
        if not layer.visible:
            continue
        if isinstance(layer, Surface) and kind_of(layer) == SURFACE:
            red, green, blue = (round(255 * float(part)) for part in layer.colormap.colors[0][:3])
            found.setdefault(str(record_of(layer)["phase"]), f"#{red:02x}{green:02x}{blue:02x}")
        elif isinstance(layer, Labels) and kind_of(layer) == "phases":
            for name, color in zip(
                shown_scheme(layer).names, shown_scheme(layer).colors, strict=True
            ):
                if not color.endswith("00", 7):
                    found.setdefault(name, color[:7])
    known = PORE_C_SN.names
    names = sorted(found, key=lambda name: known.index(name) if name in known else len(known))
    return PhaseScheme(tuple(names), tuple(found[name] for name in names)) if found else None


def _colormap_words(layer: Layer) -> str:
    colors = getattr(getattr(layer, "colormap", None), "colors", None)
    return (
        ""
        if not isinstance(layer, (Image, Surface)) or colors is None
        else np.asarray(colors).tobytes().hex()
    )
