"""One of the three slices: a napari canvas on the layers of the window, with cross-hair and a line
of text.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_snpore.viewer.canvases.gl_objects import delete_with_context
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.slices.box_overlay import BoxOverlay
from napari_snpore.viewer.slices.cross_hair import CrossHair
from napari_snpore.viewer.slices.kept_distances import KeptDistances
from napari_snpore.viewer.slices.mirror import LayerMirror
from napari_snpore.viewer.slices.mouse_targets import MouseTarget
from napari_snpore.viewer.slices.planes import OrthoPlane
from napari_snpore.viewer.slices.slab import SlabThickness
from napari_snpore.volume import Triple

_REACH_PX = 7.0
"""Distance from a line within which the mouse drags it."""

_PLAYS_FROM_PX = 280
"""Least width in pixels for a slider, its button and its numbers in one row."""


class _Canvas(QtViewer):
    """A canvas that ignores dropped files, which the window opens, and that can be made small."""

    def __init__(self, model: ViewerModel) -> None:
        super().__init__(model)
        delete_with_context(self.canvas._scene_canvas)
        self.setAcceptDrops(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Return a size at which three fit into a dock."""
        return QSize(300, 300)

    def minimumSizeHint(self) -> QSize:
        """Return a size that is still of use."""
        return QSize(120, 120)


class SliceView(QWidget):
    """Shows one plane of the layers of a window.

    A drag near a line of the cross-hair moves it, near their crossing both; a click elsewhere moves
    the cross-hair there, a drag elsewhere moves the picture as in napari. Overlays that take the
    mouse first, such as boxes, are in ``mouse_targets``.

    Signals
    -------
    moved : object
        The point (z, y, x) in nm that the user sends the cross-hair to.
    looked : str
        The name of the plane whose camera moved.
    resized
        The canvas has another size: later than the widget around it.
    filled
        Layers came or went.
    stretched
        The extent of the layers changed.
    slid : int, float
        The axis of a slider of this view, and where it went (nm).
    """

    moved = Signal(object)
    looked = Signal(str)
    resized = Signal()
    filled = Signal()
    stretched = Signal()
    slid = Signal(int, float)

    def __init__(
        self, source: ViewerModel, plane: OrthoPlane, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.plane = plane
        self.model = ViewerModel(title=plane.name, order=plane.order)
        self.model.theme = source.theme
        self.canvas = _Canvas(self.model)
        self.mirror = LayerMirror(source, self.model, self, self.filled.emit)
        self.mouse_targets: list[MouseTarget] = []
        self.thick: SlabThickness | None = None
        self.unit = UNIT
        self._point: Triple = (0.0, 0.0, 0.0)
        self.scene = self.canvas.canvas.view.scene
        self.cross_hair = CrossHair(plane, self.scene)
        self.distances = KeptDistances(self)
        boxes = boxes_of(source)
        self.boxes = BoxOverlay(self, boxes)
        self.mouse_targets.append(self.boxes)
        boxes.changed.connect(self._draw_boxes)
        self.title = QLabel(plane.name)
        self.title.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addWidget(self.title)
        layout.addWidget(self.canvas, 1)
        self.model.mouse_drag_callbacks.append(self._drag)
        self.model.mouse_move_callbacks.append(self._hover)
        self.model.canvas.overlays.scale_bar.visible = True
        # bound methods are held weakly: closures here would keep all three canvases alive when the
        # window is gone
        self.camera.events.zoom.connect(self._on_camera)
        self.camera.events.center.connect(self._on_camera)
        self.model.dims.events.point.connect(self._on_slider)
        self.model.dims.events.range.connect(self._on_range)
        self.canvas.canvas.native.installEventFilter(self)
        self.filled.connect(self._bare_sliders)
        self._bare_sliders()

    @property
    def camera(self) -> Any:
        """The camera of this view."""
        return self.model.scene.camera

    @property
    def nm_per_pixel(self) -> float:
        """Nanometres under one pixel of the screen."""
        return 1.0 / float(self.camera.zoom)

    def show_point(self, point: Triple, low: Triple, high: Triple) -> None:
        """Show the slice through a point, with its lines (nm)."""
        self._point = point
        self.cross_hair.move(point, low, high)
        self.boxes.limits = (low, high)
        self.boxes.show(point)
        self._write_title()
        self.distances.show(point, self._half_step())
        self._show_place(point[self.plane.normal])

    def _half_step(self) -> float:
        dims = self.model.dims
        return dims.range[self.plane.normal].step / 2 if dims.ndim == 3 else 0.0

    def _show_place(self, place: float) -> None:
        """Cut at a place along the normal (nm), of any thickness: napari gets margins and place as
        one step.
        """
        dims, axis = self.model.dims, self.plane.normal
        if dims.ndim != 3:
            return
        left, right = [0.0] * 3, [0.0] * 3
        if self.thick is not None:
            left[axis], right[axis] = self.thick.margins(axis, place)
        thicker = not np.allclose(
            [dims.margin_left, dims.margin_right], [left, right], rtol=0, atol=1e-9
        )
        if thicker:
            with dims.events.margin_left.blocker(), dims.events.margin_right.blocker():
                dims.margin_left, dims.margin_right = tuple(left), tuple(right)
        if dims.point[axis] != place:
            dims.set_point(axis, place)
        elif thicker:
            dims.events.margin_right(value=dims.margin_right)

    def _on_camera(self, event: Any) -> None:
        del event
        if not self.mirror.filling:
            self.looked.emit(self.plane.name)

    def _on_range(self, event: Any) -> None:
        del event
        if not self.mirror.filling:
            self.stretched.emit()

    def _on_slider(self, event: Any) -> None:
        del event
        dims = self.model.dims
        if dims.ndim == 3 and not self.mirror.filling:
            self.slid.emit(self.plane.normal, float(dims.point[self.plane.normal]))

    def _bare_sliders(self) -> None:
        """Hide the axis label, which the title repeats, and on a narrow slice the play button."""
        for slider in self.canvas.dims.slider_widgets:
            slider.axis_label.setVisible(False)
            slider.play_button.setVisible(self.width() >= _PLAYS_FROM_PX)

    def _draw_boxes(self) -> None:
        self.boxes.show(self._point)

    def _write_title(self) -> None:
        axis = "zyx"[self.plane.normal]
        self.title.setText(
            f"<span style='color:{self.plane.color}'>■</span> <b>{self.plane.name}</b> at {axis} = "
            f"{self._point[self.plane.normal]:.2f} {self.unit}"
        )

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice that the canvas got its size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._bare_sliders()
            self.resized.emit()
        return bool(super().eventFilter(watched, event))

    def jump(self, position: Any) -> None:
        """Send the cross-hair to a place on this slice."""
        self.moved.emit(self._with((self.plane.rows, self.plane.columns), position))

    def close_canvas(self) -> None:
        """Let go of the layers and of the canvas; the view is of no use afterwards."""
        self.blockSignals(True)
        self.mirror.closed()
        self.canvas.close()

    @property
    def shown_nm(self) -> tuple[float, float]:
        """Height and width of what the canvas shows (nm)."""
        height, width = self.canvas.canvas.size
        return max(height, 50) * self.nm_per_pixel, max(width, 50) * self.nm_per_pixel

    def near_lines(self, position: Any) -> tuple[int, ...]:
        """Return the axes whose cross-hair coordinate the mouse has hold of at a world position."""
        reach = _REACH_PX * self.nm_per_pixel
        axes = (self.plane.rows, self.plane.columns)
        return tuple(axis for axis in axes if abs(position[axis] - self._point[axis]) <= reach)

    def _taker(self, position: Any) -> MouseTarget | None:
        return next((target for target in self.mouse_targets if target.holds(self, position)), None)

    def _hover(self, model: Any, event: Any) -> None:
        if event.is_dragging or len(event.position) != 3:
            return
        taker = self._taker(event.position)
        near = () if taker is not None else self.near_lines(event.position)
        self.camera.mouse_pan = taker is None and not near
        style = Qt.CursorShape.ArrowCursor
        if taker is not None:
            style = taker.cursor(self, event.position)
        elif len(near) == 2:
            style = Qt.CursorShape.SizeAllCursor
        elif near:
            style = (
                Qt.CursorShape.SizeVerCursor
                if near[0] == self.plane.rows
                else Qt.CursorShape.SizeHorCursor
            )
        self.canvas.canvas.native.setCursor(style)

    def _drag(self, model: Any, event: Any) -> Generator[None, None, None]:
        if event.button != 1 or len(event.position) != 3:
            return
        taker = self._taker(event.position)
        if taker is not None:
            self.camera.mouse_pan = False
            yield from taker.drag(self, event)
            return
        near, start = self.near_lines(event.position), tuple(event.position)
        self.camera.mouse_pan = not near
        moved = False
        yield
        while event.type == "mouse_move":
            moved = True
            if near:
                self.moved.emit(self._with(near, event.position))
            yield
        if not moved:
            self.jump(start)

    def _with(self, axes: tuple[int, ...], position: Any) -> Triple:
        z, y, x = (float(position[k]) if k in axes else self._point[k] for k in range(3))
        return z, y, x
