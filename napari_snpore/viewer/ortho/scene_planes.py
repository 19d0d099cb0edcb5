"""The planes of the slices inside the 3D scene: thin pictures where they lie, cut from the same array.

A plane is an image layer of one voxel's thickness: three of 512² reach the graphics card in milliseconds, where napari's own
``depiction="plane"`` would upload the whole volume once for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject

from napari_snpore.viewer.events import connect_while_alive
from napari_snpore.viewer.layers import KEY, array_from_layer
from napari_snpore.viewer.ortho.planes import PLANES
from napari_snpore.viewer.quietly import add_quietly
from napari_snpore.volume import Triple

KIND = "scene plane"


class ScenePlanes:
    """Shows the three planes of one grey layer in 3D, following the cross-hair.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    owner : QObject
        The planes follow the scene as long as it lives.
    """

    def __init__(self, viewer: ViewerModel, owner: QObject) -> None:
        self._viewer = viewer
        self._source: Image | None = None
        self._planes: list[Image] = []
        self._was_visible = True
        connect_while_alive(owner, viewer.dims.events.ndisplay, self._on_ndisplay)
        connect_while_alive(owner, viewer.layers.events.removed, self._on_removed)

    @property
    def source(self) -> Image | None:
        """The layer whose planes are shown."""
        return self._source

    @property
    def shown(self) -> bool:
        """Whether there are planes in the scene."""
        return bool(self._planes)

    def show(self, source: Image, point: Triple) -> None:
        """Put the three planes of a layer into the scene, in place of those that are there."""
        self.hide()
        self._source, self._was_visible = source, source.visible
        for plane in PLANES:
            data, translate = self._cut(source, plane.normal, point)
            layer = Image(
                data,
                name=f"{plane.name} plane",
                scale=source.scale,
                translate=translate,
                units=source.units,
                axis_labels=source.axis_labels,
                colormap=source.colormap,
                contrast_limits=source.contrast_limits,
                gamma=source.gamma,
                interpolation3d="nearest",
                blending="translucent",
                rendering="mip",
                metadata={KEY: {"kind": KIND}},
                visible=self._viewer.dims.ndisplay == 3,
            )
            self._planes.append(layer)
            add_quietly(self._viewer, layer)
            for name in ("contrast_limits", "colormap", "gamma"):
                getattr(source.events, name).connect(self._take_look)
        source.visible = False  # it would hide them; the slices go on showing it

    def move(self, point: Triple) -> None:
        """Cut the planes at another point (z, y, x) in nm."""
        if self._source is None or self._viewer.dims.ndisplay != 3:
            return
        for layer, plane in zip(self._planes, PLANES, strict=False):
            layer.data, layer.translate = self._cut(self._source, plane.normal, point)

    def hide(self) -> None:
        """Take the planes out of the scene, and show the volume again."""
        if self._source is not None:
            self._source.visible = self._was_visible or self._source.visible
            for name in ("contrast_limits", "colormap", "gamma"):
                getattr(self._source.events, name).disconnect(self._take_look)
        planes, self._planes, self._source = self._planes, [], None
        for layer in planes:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    @staticmethod
    def _cut(source: Layer, axis: int, point: Triple) -> tuple[NDArray[Any], NDArray[Any]]:
        data = array_from_layer(source)
        index = int(
            np.clip(np.rint((point[axis] - source.translate[axis]) / source.scale[axis]), 0, data.shape[axis] - 1)
        )
        where: list[slice] = [slice(None)] * 3
        where[axis] = slice(index, index + 1)
        translate = np.array(source.translate, float)
        translate[axis] += index * source.scale[axis]
        return np.asarray(data[tuple(where)]), translate

    def _take_look(self, event: Any) -> None:
        del event
        source = self._source
        if source is not None:
            for layer in self._planes:
                layer.contrast_limits, layer.colormap, layer.gamma = (
                    source.contrast_limits,
                    source.colormap,
                    source.gamma,
                )

    def _on_ndisplay(self, event: Any) -> None:
        del event
        for layer in self._planes:
            layer.visible = self._viewer.dims.ndisplay == 3
        if self._source is not None:
            self.move(tuple(self._viewer.dims.point[-3:]))

    def _on_removed(self, event: Any) -> None:
        if event.value is self._source:
            self.hide()
        elif event.value in self._planes:
            self._planes.remove(event.value)
