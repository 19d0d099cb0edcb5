"""Planes of the slices in the 3D scene: image layers one voxel thick, cut from the same array.

A plane is an image layer of one voxel's thickness: three of 512² reach the graphics card in
milliseconds, where napari's own ``depiction="plane"`` would upload the whole volume once for each.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_snpore.viewer.shared.events import breathe, connect_while_alive
from napari_snpore.viewer.shared.layers import KEY, array_from_layer, refuse_turned
from napari_snpore.viewer.shared.view_kept import add_in_two_turns, keeping_position
from napari_snpore.viewer.slices.mirror import can_be_sliced
from napari_snpore.viewer.slices.planes import PLANES, OrthoPlane
from napari_snpore.volume import Triple

KIND = "scene plane"
_PLACE = ("data", "scale", "translate", "units")


class ScenePlanes(QObject):
    """Shows the three planes of one layer in 3D, following the cross-hair.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    owner : QObject
        The planes follow the scene as long as it lives.

    Signals
    -------
    gone
        The planes left the scene because their layer did, or because they were removed by hand.
    """

    gone = Signal()

    def __init__(self, viewer: ViewerModel, owner: QObject) -> None:
        super().__init__(owner)
        self._viewer = viewer
        self._source: Image | Labels | None = None
        self._planes: dict[OrthoPlane, Layer] = {}
        self._indices: dict[OrthoPlane, int] = {}
        self._hidden: list[Layer] = []
        connect_while_alive(self, viewer.dims.events.ndisplay, self._on_ndisplay)
        connect_while_alive(self, viewer.layers.events.removed, self._on_removed)

    @property
    def source(self) -> Layer | None:
        """The layer whose planes are shown."""
        return self._source

    @property
    def shown(self) -> bool:
        """Whether there are planes in the scene."""
        return bool(self._planes)

    @property
    def hidden(self) -> tuple[Layer, ...]:
        """The volumes that were hidden because they would cover the planes; they come back when the
        planes go.
        """
        return tuple(self._hidden)

    def show(self, source: Image | Labels, point: Triple) -> None:
        """Put the three planes of a layer into the scene, in place of those that are there.

        Raises
        ------
        InputError
            Not three axes, in colour, or turned against the axes.
        """
        array_from_layer(source)
        refuse_turned(source, source.name)
        self.hide()
        self._source = source
        for plane in PLANES:
            layer = self._new_plane(source, plane, point)
            self._planes[plane], self._indices[plane] = layer, _index(source, plane.normal, point)
            add_in_two_turns(self._viewer, layer)
            breathe(self._viewer)  # each is drawn with shaders of its own the first time
            if self._planes.get(plane) is not layer:
                return  # what it was cut from is gone, or others are shown by now
        for name in _appearance_of(source):
            getattr(source.events, name).connect(self._copy_appearance)
        for name in _PLACE:
            getattr(source.events, name).connect(self._cut_again)
        self._hidden = [
            layer
            for layer in self._viewer.layers
            if layer.visible and isinstance(layer, (Image, Labels)) and can_be_sliced(layer)
        ]
        for layer in self._hidden:
            layer.visible = False  # the slices go on showing it

    def move(self, point: Triple) -> None:
        """Cut the planes that a point (z, y, x) in nm moves anew."""
        if self._source is None or self._viewer.dims.ndisplay != 3:
            return
        at = {plane: _index(self._source, plane.normal, point) for plane in self._planes}
        moved = [plane for plane, index in at.items() if index != self._indices.get(plane)]
        if not moved:
            return
        self._indices |= at
        with keeping_position(self._viewer):  # else napari slices all layers anew for each of them
            for plane in moved:
                layer = self._planes[plane]
                layer.data, layer.translate = self._cut(self._source, plane.normal, at[plane])

    def hide(self) -> None:
        """Take the planes out of the scene, and show the volumes again."""
        source, self._source = self._source, None
        if source is not None:
            for name in _appearance_of(source):
                getattr(source.events, name).disconnect(self._copy_appearance)
            for name in _PLACE:
                getattr(source.events, name).disconnect(self._cut_again)
        planes, self._planes = self._planes, {}
        self._indices.clear()
        for layer in planes.values():
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        hidden, self._hidden = self._hidden, []
        for layer in hidden:
            layer.visible = True

    def _new_plane(self, source: Image | Labels, plane: OrthoPlane, point: Triple) -> Layer:
        index = _index(source, plane.normal, point)
        data, translate = self._cut(source, plane.normal, index)
        common = {
            "name": f"{plane.name} plane",
            "scale": source.scale,
            "translate": translate,
            "units": source.units,
            "axis_labels": source.axis_labels,
            "metadata": {KEY: {"kind": KIND}},
            "visible": self._viewer.dims.ndisplay == 3,
            **{name: getattr(source, name) for name in _appearance_of(source)},
        }
        if isinstance(source, Labels):
            return Labels(data, opacity=1.0, **common)
        return Image(
            data, interpolation3d="nearest", blending="translucent", rendering="mip", **common
        )

    @staticmethod
    def _cut(source: Layer, axis: int, index: int) -> tuple[NDArray[Any], NDArray[Any]]:
        data = array_from_layer(source)
        where: list[slice] = [slice(None)] * 3
        where[axis] = slice(index, index + 1)
        translate = np.array(source.translate, float)
        translate[axis] += index * source.scale[axis]
        return np.asarray(data[tuple(where)]), translate

    def _copy_appearance(self, event: Any) -> None:
        del event
        if self._source is not None:
            for layer in self._planes.values():
                for name in _appearance_of(self._source):
                    setattr(layer, name, getattr(self._source, name))

    def _cut_again(self, event: Any) -> None:
        del event
        if self._source is not None:
            for layer in self._planes.values():
                layer.scale, layer.units = self._source.scale, self._source.units
            self._indices.clear()
            self.move(self._point())

    def _on_ndisplay(self, event: Any) -> None:
        del event
        for layer in self._planes.values():
            layer.visible = self._viewer.dims.ndisplay == 3
        if self._source is not None:
            self.move(self._point())

    def _point(self) -> Triple:
        z, y, x = (float(value) for value in self._viewer.dims.point[-3:])
        return z, y, x

    def _on_removed(self, event: Any) -> None:
        self._planes = {
            plane: layer for plane, layer in self._planes.items() if layer is not event.value
        }
        self._hidden = [layer for layer in self._hidden if layer is not event.value]
        if self._source is not None and (event.value is self._source or not self._planes):
            self.hide()
            self.gone.emit()


def _index(source: Layer, axis: int, point: Triple) -> int:
    """Return which voxel of a layer a point (z, y, x) in nm lies in, along one axis."""
    place = (point[axis] - source.translate[axis]) / source.scale[axis]
    return int(np.clip(np.rint(place), 0, array_from_layer(source).shape[axis] - 1))


def _appearance_of(source: Image | Labels) -> tuple[str, ...]:
    """Return what the planes take over from their layer, the range before the colours that lie in
    it.
    """
    return ("colormap",) if isinstance(source, Labels) else ("contrast_limits", "colormap", "gamma")
