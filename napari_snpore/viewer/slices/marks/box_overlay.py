"""Boxes of a window on one slice: rectangles where the slice cuts them, moved and resized with the
mouse.
"""

from __future__ import annotations

import weakref
from collections.abc import Generator
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from vispy.scene.visuals import Line

from napari_snpore.subvolume import NamedBox, box_between
from napari_snpore.viewer.shared.boxes import Boxes, color_of
from napari_snpore.viewer.slices.marks.mouse_targets import OverlayHost
from napari_snpore.volume import Triple

_REACH_PX = 6.0
_LEAST_PX = 4.0
"""A drag that is shorter draws no box."""


class BoxOverlay:
    """Rectangles of all boxes on one view; the selected one takes the mouse, the others where their
    border is clicked.

    Parameters
    ----------
    view : OverlayHost
        Where they are drawn.
    boxes : Boxes
        Of the window.
    """

    def __init__(self, view: OverlayHost, boxes: Boxes) -> None:
        self._view, self._boxes = weakref.proxy(view), boxes
        self._lines: list[Line] = []
        self._point: Triple = (0.0, 0.0, 0.0)
        self.limits: tuple[Triple, Triple] | None = None

    def show(self, point: Triple) -> None:
        """Draw what the slice through a point (z, y, x) in nm cuts; boxes beside it are faint."""
        self._point = point
        plane = self._view.plane
        while len(self._lines) < len(self._boxes):
            line = Line(np.zeros((5, 2), np.float32), parent=self._view.scene)
            line.order = 999
            line.set_gl_state("translucent", depth_test=False)
            self._lines.append(line)
        for k, line in enumerate(self._lines):
            line.visible = k < len(self._boxes)
            if not line.visible:
                continue
            box = self._boxes[k]
            (top, left), (bottom, right) = (
                (end[plane.rows], end[plane.columns]) for end in (box.low, box.high)
            )
            corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
            cut = self._cuts(box)
            line.set_data(
                np.array(corners, np.float32),
                color=(*_rgb(color_of(k)), 1.0 if cut else 0.3),
                width=3.0 if k == self._boxes.selected else 1.5,
            )

    def hide(self) -> None:
        """Draw nothing until the next :meth:`show`."""
        for line in self._lines:
            line.visible = False

    def holds(self, view: OverlayHost, position: Any) -> bool:
        """Take the mouse to draw, on a border of a box, or inside the selected one where no line of
        the cross-hair is near.
        """
        if self._boxes.drawing or self._box_at(position) is not None:
            return True
        return self._inside(position) and not view.near_lines(position)

    def cursor(self, view: OverlayHost, position: Any) -> Qt.CursorShape:
        """Return what a drag from here would do."""
        if self._boxes.drawing:
            return Qt.CursorShape.CrossCursor
        if self._box_at(position) not in (None, self._boxes.selected):
            return Qt.CursorShape.PointingHandCursor
        grip = self._grip(self._selected(), position)
        if len(grip) == 2:
            ends = {end for _, end in grip}
            return (
                Qt.CursorShape.SizeFDiagCursor if len(ends) == 1 else Qt.CursorShape.SizeBDiagCursor
            )
        if grip:
            return (
                Qt.CursorShape.SizeVerCursor
                if grip[0][0] == view.plane.rows
                else Qt.CursorShape.SizeHorCursor
            )
        return Qt.CursorShape.OpenHandCursor

    def drag(self, view: OverlayHost, event: Any) -> Generator[None, None, None]:
        """Draw, move or size a box until the button is released; one whose border was hit is
        selected first.
        """
        if self._boxes.drawing:
            yield from self._draw(view, event)
            return
        hit, selected = self._box_at(event.position), self._boxes.selected
        index = self._boxes.selected = selected if hit is None else hit
        box = self._boxes[index]
        start, grip = np.array(event.position), self._grip(box, event.position)
        least, moved = 2 * view.nm_per_pixel, False
        yield
        while event.type == "mouse_move" and index < len(self._boxes):
            if not moved:
                self._boxes.remember()
            changed, moved = box, True
            if grip:
                for axis, end in grip:
                    changed = changed.with_face(
                        axis, end, self._kept_in(axis, event.position[axis]), least_nm=least
                    )
            else:
                for axis in (view.plane.rows, view.plane.columns):
                    changed = changed.moved(
                        axis, self._shift(box, axis, event.position[axis] - start[axis])
                    )
            self._boxes.change(index, changed)
            yield
        if not moved and index == selected:
            view.jump(start)

    def _draw(self, view: OverlayHost, event: Any) -> Generator[None, None, None]:
        """Draw a rectangle; across the slice the box is as thick as its shorter side."""
        plane, start, name = view.plane, np.array(event.position, float), self._boxes.new_name()
        drawn = False
        yield
        while event.type == "mouse_move":
            one, two = start.copy(), np.array(event.position, float)
            for axis in (plane.rows, plane.columns):
                one[axis], two[axis] = (
                    self._kept_in(axis, one[axis]),
                    self._kept_in(axis, two[axis]),
                )
            sides = np.abs(two - one)[[plane.rows, plane.columns]]
            if sides.min() >= _LEAST_PX * view.nm_per_pixel:
                half = sides.min() / 2
                middle = self._point[plane.normal]
                one[plane.normal], two[plane.normal] = middle - half, middle + half
                if self.limits is not None:
                    low, high = (limit[plane.normal] for limit in self.limits)
                    one[plane.normal], two[plane.normal] = (
                        max(one[plane.normal], low),
                        min(two[plane.normal], high),
                    )
                if not drawn:
                    self._boxes.remember()
                    drawn = True
                self._boxes.put(box_between(name, one.tolist(), two.tolist()))
            yield

    def _selected(self) -> NamedBox | None:
        index = self._boxes.selected
        return self._boxes[index] if 0 <= index < len(self._boxes) else None

    def _cuts(self, box: NamedBox) -> bool:
        axis = self._view.plane.normal
        return box.low[axis] <= self._point[axis] <= box.high[axis]

    def _inside(self, position: Any) -> bool:
        box, plane = self._selected(), self._view.plane
        return (
            box is not None
            and self._cuts(box)
            and all(
                box.low[axis] <= position[axis] <= box.high[axis]
                for axis in (plane.rows, plane.columns)
            )
        )

    def _box_at(self, position: Any) -> int | None:
        """Return the index of the box whose border is under the mouse, the selected one first; None
        without one.
        """
        chosen = self._boxes.selected
        order = sorted(range(len(self._boxes)), key=lambda k: k != chosen)
        return next((k for k in order if self._grip(self._boxes[k], position)), None)

    def _grip(self, box: NamedBox | None, position: Any) -> tuple[tuple[int, int], ...]:
        """Return (axis, end) of the one or two borders of a box under the mouse."""
        plane = self._view.plane
        if box is None or not self._cuts(box):
            return ()
        reach = _REACH_PX * self._view.nm_per_pixel
        axes = (plane.rows, plane.columns)
        if not all(
            box.low[axis] - reach <= position[axis] <= box.high[axis] + reach for axis in axes
        ):
            return ()
        found = []
        for axis in axes:
            away = [abs(position[axis] - end[axis]) for end in (box.low, box.high)]
            if min(away) <= reach:
                found.append((axis, int(away[1] < away[0])))
        return tuple(found)

    def _kept_in(self, axis: int, place: float) -> float:
        if self.limits is None:
            return float(place)
        return float(np.clip(place, self.limits[0][axis], self.limits[1][axis]))

    def _shift(self, box: NamedBox, axis: int, wanted: float) -> float:
        """Return how far the box moves along an axis before it meets the end of the volume."""
        if self.limits is None:
            return float(wanted)
        low, high = self.limits[0][axis] - box.low[axis], self.limits[1][axis] - box.high[axis]
        return float(np.clip(wanted, min(low, 0.0), max(high, 0.0)))


def _rgb(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return red, green, blue
