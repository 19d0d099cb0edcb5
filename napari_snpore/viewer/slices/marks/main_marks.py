"""Boxes and cross-hair on napari's own canvas while it shows a slice, with the same mouse as on the
ortho slices.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Generator
from typing import Any

from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt

from napari_snpore.viewer.shared.boxes import Boxes, boxes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.slices.linked_views import LinkedViews
from napari_snpore.viewer.slices.marks.box_overlay import BoxOverlay
from napari_snpore.viewer.slices.marks.cross_hair import CrossHair
from napari_snpore.viewer.slices.planes import PLANES, XY, OrthoPlane

_REACH_PX = 7.0


class MainMarks(QObject):
    """What napari's canvas shows over its slice; get it with :func:`marks_on`.

    Nothing is shown in 3D, nor where the slice is none of XY, ZY and XZ. The mouse is napari's
    unless the active layer is only panned and zoomed.

    Parameters
    ----------
    viewer : ViewerModel
        The window.
    canvas : QtViewer
        Its canvas; the marks end with it.
    """

    def __init__(self, viewer: ViewerModel, canvas: QtViewer) -> None:
        super().__init__(canvas)
        self._viewer = viewer
        self._native = canvas.canvas.native
        self.scene = canvas.canvas.view.scene
        self.plane: OrthoPlane = XY
        self._linked: weakref.ref[LinkedViews] | None = None
        self._lines: dict[OrthoPlane, CrossHair] = {}
        self._boxes: Boxes = boxes_of(viewer)
        self.overlay = BoxOverlay(self, self._boxes)
        self._boxes.changed.connect(self.refresh)
        for emitter in (
            viewer.dims.events.point,
            viewer.dims.events.order,
            viewer.dims.events.ndisplay,
        ):
            connect_while_alive(self, emitter, self.refresh)
        viewer.mouse_drag_callbacks.append(_weakly(self._drag))
        viewer.mouse_move_callbacks.append(_weakly(self._hover))
        self.refresh()

    @property
    def shown(self) -> bool:
        """Whether the canvas shows one of the three planes."""
        dims = self._viewer.dims
        return (
            dims.ndisplay == 2
            and dims.ndim == 3
            and any(plane.order == tuple(dims.order) for plane in PLANES)
        )

    @property
    def cross_hair_shown(self) -> bool:
        """Whether there is a cross-hair: with ortho slices beside."""
        return self.shown and self._slices() is not None

    @property
    def nm_per_pixel(self) -> float:
        """Nanometres under one pixel of the screen."""
        return 1.0 / float(self._viewer.scene.camera.zoom)

    def follow(self, linked: LinkedViews | None) -> None:
        """Show the cross-hair of some slices; None shows none."""
        self._linked = None if linked is None else weakref.ref(linked)
        self.refresh()

    def refresh(self, event: Any = None) -> None:
        """Draw what the slice cuts now."""
        del event
        dims, linked = self._viewer.dims, self._slices()
        if self.shown:
            self.plane = next(one for one in PLANES if one.order == tuple(dims.order))
            z, y, x = (float(place) for place in dims.point[-3:])
            self.overlay.limits = None if linked is None else linked.box
            self.overlay.show((z, y, x))
        else:
            self.overlay.hide()
        for plane, lines in self._lines.items():
            lines.show(self.cross_hair_shown and plane is self.plane)
        if self.cross_hair_shown and linked is not None:
            if self.plane not in self._lines:
                self._lines[self.plane] = CrossHair(self.plane, self.scene)
            self._lines[self.plane].move(linked.position, *linked.box)

    def near_lines(self, position: Any) -> tuple[int, ...]:
        """Return the axes whose cross-hair line is within reach of a world position."""
        linked = self._slices()
        if linked is None or not self.shown:
            return ()
        point, reach = linked.position, _REACH_PX * self.nm_per_pixel
        axes = (self.plane.rows, self.plane.columns)
        return tuple(axis for axis in axes if abs(position[axis] - point[axis]) <= reach)

    def jump(self, position: Any) -> None:
        """Move the cross-hair to a position on this slice."""
        self._move((self.plane.rows, self.plane.columns), position)

    def _slices(self) -> LinkedViews | None:
        linked = None if self._linked is None else self._linked()
        return None if linked is None or linked.is_empty else linked

    def _is_ours(self, event: Any) -> bool:
        active = self._viewer.layers.selection.active
        panning = active is None or str(getattr(active, "mode", "pan_zoom")) == "pan_zoom"
        return self.shown and panning and len(event.position) == 3

    def _hover(self, viewer: Any, event: Any) -> None:
        if event.is_dragging or not self._is_ours(event):
            return
        taken, near = self.overlay.holds(self, event.position), self.near_lines(event.position)
        self._viewer.scene.camera.mouse_pan = not taken and not near
        if taken:
            self._native.setCursor(self.overlay.cursor(self, event.position))
        elif near:
            one = near[0] == self.plane.rows
            shape = Qt.CursorShape.SizeVerCursor if one else Qt.CursorShape.SizeHorCursor
            self._native.setCursor(Qt.CursorShape.SizeAllCursor if len(near) == 2 else shape)

    def _drag(self, viewer: Any, event: Any) -> Generator[None, None, None]:
        if event.button != 1 or not self._is_ours(event):
            return
        if self.overlay.holds(self, event.position):
            self._viewer.scene.camera.mouse_pan = False
            yield from self.overlay.drag(self, event)
            self._viewer.scene.camera.mouse_pan = True
            return
        near, start, moved = self.near_lines(event.position), tuple(event.position), False
        self._viewer.scene.camera.mouse_pan = not near
        yield
        while event.type == "mouse_move":
            moved = True
            if near:
                self._move(near, event.position)
            yield
        self._viewer.scene.camera.mouse_pan = True
        if not moved:
            self.jump(start)

    def _move(self, axes: tuple[int, ...], position: Any) -> None:
        linked = self._slices()
        if linked is not None:
            point = linked.position
            z, y, x = (float(position[k]) if k in axes else point[k] for k in range(3))
            linked.move_to((z, y, x))


def marks_on(viewer: ViewerModel, canvas: QtViewer) -> MainMarks:
    """Return the marks of a canvas, which are made when first asked for."""
    found = canvas.findChild(MainMarks)
    return found if isinstance(found, MainMarks) else MainMarks(viewer, canvas)


def _weakly(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return a mouse callback that does not keep the canvas alive when its window is gone."""
    kept = weakref.WeakMethod(method)

    def call(viewer: Any, event: Any) -> Any:
        alive = kept()
        return None if alive is None else alive(viewer, event)

    return call
