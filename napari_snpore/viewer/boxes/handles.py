"""Handles on the six faces of the selected box in napari's 3D view; dragging a handle moves its
face.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.shared.boxes import Boxes, color_of
from napari_snpore.viewer.shared.events import breathe, connect_while_alive
from napari_snpore.viewer.shared.layers import KEY, VOLUME_AXES, kind_of
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.shared.view_kept import add_keeping_selection, keeping_position

KIND = "box handles"
_REACH_PX = 12.0
_END_ON = 0.98
"""Cosine between an axis and the line of sight from which on a drag along that axis says
nothing.
"""
_FACES = tuple((axis, end) for axis in range(3) for end in (0, 1))


class BoxHandles(QObject):
    """Six points in the 3D scene, as long as a box is selected and ``owner`` lives.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    boxes : Boxes
        Its boxes.
    owner : QObject
        Without it there are no handles.

    Signals
    -------
    refused : str
        Why what the mouse took hold of does not move.
    """

    refused = Signal(str)

    def __init__(self, viewer: ViewerModel, boxes: Boxes, owner: QObject) -> None:
        super().__init__(owner)
        self._viewer, self._boxes = viewer, boxes
        self._layer: Points | None = None
        self._holding = False
        self._color = ""
        boxes.changed.connect(self.refresh)
        connect_while_alive(owner, viewer.dims.events.ndisplay, self.refresh)
        connect_while_alive(owner, viewer.layers.events.removed, self._on_removed)
        viewer.mouse_drag_callbacks.append(self._drag)
        viewer.mouse_move_callbacks.append(self._hover)
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Put the handles onto the faces of the selected box."""
        del event
        index = self._boxes.selected
        if index < 0 or self._viewer.dims.ndisplay != 3 or self._viewer.dims.ndim != 3:
            self._drop()
            return
        box = self._boxes[index]
        points, color = handle_points(box), color_of(index)
        if self._layer is None:
            breathe(self._viewer)  # the boxes themselves are drawn first
        if self._layer is None:
            self._layer = Points(
                points,
                name="box handles",
                size=max(box.size_nm) / 12,
                face_color=color,
                border_color="white",
                units=(UNIT,) * 3,
                axis_labels=VOLUME_AXES,
                blending="translucent_no_depth",
                metadata={KEY: {"kind": KIND}},
            )
            add_keeping_selection(self._viewer, self._layer)
        else:
            if not np.array_equal(self._layer.data, points):
                with keeping_position(self._viewer):  # else napari slices all layers anew, twice
                    self._layer.data = points
                self._layer.size = max(box.size_nm) / 12
            if color != self._color:
                self._layer.face_color = color
        self._color = color

    def close(self) -> None:
        """Take the handles away for good."""
        self._boxes.changed.disconnect(self.refresh)
        for callbacks, ours in (
            (self._viewer.mouse_drag_callbacks, self._drag),
            (self._viewer.mouse_move_callbacks, self._hover),
        ):
            if ours in callbacks:
                callbacks.remove(ours)
        self._drop()

    def under(self, position: Any, direction: Any) -> tuple[int, int] | None:
        """Return (axis, end) of the face whose handle lies on the line of sight; None without one,
        or where it is seen end on.
        """
        return next(
            (face for face in self._hit(position, direction) if not is_end_on(face[0], direction)),
            None,
        )

    def _hit(self, position: Any, direction: Any) -> list[tuple[int, int]]:
        """Return the faces whose handles lie on the line of sight, the nearest first."""
        if self._layer is None or direction is None:
            return []
        away = distance_to_ray(
            np.asarray(self._layer.data), np.asarray(position), np.asarray(direction)
        )
        reach = _REACH_PX / float(self._viewer.scene.camera.zoom)
        return [_FACES[k] for k in np.argsort(away) if away[k] <= reach]

    def _hover(self, viewer: Any, event: Any) -> None:
        if event.is_dragging:
            return
        holding = self.under(event.position, event.view_direction) is not None
        if holding != self._holding:
            self._hold(holding)

    def _drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        if event.button != 1:
            return
        face = self.under(event.position, event.view_direction)
        if face is None:
            for axis, _ in self._hit(event.position, event.view_direction)[:1]:
                self.refused.emit(
                    f"The {'zyx'[axis]} faces of the box are seen end on: turn the view to drag them."
                )
            return
        self._hold(True)
        axis, end = face
        index = self._boxes.selected
        box = self._boxes[index]
        start, moved = handle_points(box)[_FACES.index(face)], False
        low, high = reach_of(self._viewer)
        yield
        while event.type == "mouse_move" and self._boxes.selected == index:
            if not moved:
                self._boxes.remember()
                moved = True
            way = along_axis(
                start, axis, np.asarray(event.position), np.asarray(event.view_direction)
            )
            place = float(
                np.clip(
                    start[axis] + way, min(low[axis], start[axis]), max(high[axis], start[axis])
                )
            )
            least = 2 / float(self._viewer.scene.camera.zoom)
            self._boxes.change(index, box.with_face(axis, end, place, least_nm=least))
            yield
        self._hold(False)

    def _hold(self, holding: bool) -> None:
        """Keep the camera still while the mouse has hold of a handle."""
        self._holding = holding
        self._viewer.scene.camera.mouse_pan = not holding

    def _drop(self) -> None:
        if self._holding:
            self._hold(False)
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer = None


def handle_points(box: NamedBox) -> NDArray[np.float64]:
    """Return the middles of the six faces, shape (6, 3): for each axis the low one, then the high
    one.
    """
    points = np.tile(np.array(box.center_nm, float), (6, 1))
    for k, (axis, end) in enumerate(_FACES):
        points[k, axis] = (box.high if end else box.low)[axis]
    return points


def reach_of(viewer: ViewerModel) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the outermost faces (nm) of the voxels of all volumes and labels: where a face of a
    box may go.

    Everywhere while there is none.
    """
    layers = [
        layer for layer in viewer.layers if isinstance(layer, (Image, Labels)) and layer.ndim == 3
    ]
    layers = [layer for layer in layers if kind_of(layer) not in ("series", "frames")]
    if not layers:
        return np.full(3, -np.inf), np.full(3, np.inf)
    extents = [layer.extent for layer in layers]
    low = np.min([extent.world[0] - np.abs(extent.step) / 2 for extent in extents], axis=0)
    high = np.max([extent.world[1] + np.abs(extent.step) / 2 for extent in extents], axis=0)
    return low, high


def is_end_on(axis: int, direction: Any) -> bool:
    """Say whether the line of sight runs along an axis."""
    unit = np.asarray(direction) / np.linalg.norm(direction)
    return bool(abs(unit[axis]) > _END_ON)


def distance_to_ray(
    points: NDArray[np.float64], position: NDArray[np.float64], direction: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distances of points, shape (n, 3), from the line through ``position`` along
    ``direction``.
    """
    unit = direction / np.linalg.norm(direction)
    found: NDArray[np.float64] = np.linalg.norm(np.cross(points - position, unit), axis=1)
    return found


def along_axis(
    start: NDArray[np.float64],
    axis: int,
    position: NDArray[np.float64],
    direction: NDArray[np.float64],
) -> float:
    """Return how far along an axis from ``start`` the line of sight comes nearest to that axis; 0
    where they are parallel.
    """
    unit = direction / np.linalg.norm(direction)
    lean = float(unit[axis])
    if 1 - lean**2 < 1e-6:
        return 0.0
    way = position - start
    return float((way[axis] - lean * (way @ unit)) / (1 - lean**2))
