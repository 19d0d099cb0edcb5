"""One of the three slices: a napari canvas on the layers of the window, with cross-hair and a thin
bar.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer
from napari.qt import QtViewer
from napari.utils.action_manager import action_manager
from qtpy.QtCore import QEvent, QObject, QSize, Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_snpore.figures.positions import position
from napari_snpore.numerals import signed
from napari_snpore.viewer.canvas.gl_objects import delete_with_context
from napari_snpore.viewer.canvas.voxels import has_axes_along_world, voxels_between
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.units import UNIT
from napari_snpore.viewer.slices.clicks import slice_clicks
from napari_snpore.viewer.slices.marks.box_overlay import BoxOverlay
from napari_snpore.viewer.slices.marks.cross_hair import CrossHair
from napari_snpore.viewer.slices.marks.kept_distances import KeptDistances
from napari_snpore.viewer.slices.marks.mouse_targets import MouseTarget
from napari_snpore.viewer.slices.marks.scale_bar import PaintedScaleBar
from napari_snpore.viewer.slices.mirror import LayerMirror
from napari_snpore.viewer.slices.planes import OrthoPlane
from napari_snpore.viewer.slices.slab import SlabThickness
from napari_snpore.viewer.slices.slice_bar import SliceBar
from napari_snpore.volume import Triple

_REACH_PX = 7.0
"""Distance from a line within which the mouse drags it."""


class _Canvas(QtViewer):
    """A canvas that ignores dropped files, which the window opens, and that can be made small."""

    def __init__(self, model: ViewerModel) -> None:
        # each canvas binds napari's shortcuts anew, the same as before: without the signal the
        # welcome texts of all canvases are not written hundreds of times
        events = action_manager.events
        shortcut_changed = next(
            getattr(events, name)
            for name in ("shortcut_changed", "shorcut_changed")  # the latter before napari 0.9.2
            if hasattr(events, name)
        )
        with shortcut_changed.blocker():
            super().__init__(model)
        self.dims.setVisible(False)  # the bar has a slider
        delete_with_context(self.canvas._scene_canvas)
        self.setAcceptDrops(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """Return a size at which three fit into a dock."""
        return QSize(300, 300)

    def minimumSizeHint(self) -> QSize:
        """Return a size at which three in a row fit into a window of 1024 px."""
        return QSize(80, 120)


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
        The axis that this view cuts, and where its own position went (nm).
    maximize_asked : str
        The name of the plane that the user wants to see alone, or beside the others again.
    """

    moved = Signal(object)
    looked = Signal(str)
    resized = Signal()
    filled = Signal()
    stretched = Signal()
    slid = Signal(int, float)
    maximize_asked = Signal(str)

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
        self.field_nm: float | None = None
        self._clicks = slice_clicks(source)
        self._clicks.add(self)
        self._point: Triple = (0.0, 0.0, 0.0)
        self._before_click: Triple | None = None
        self._grid: Layer | None = None
        self.scene = self.canvas.canvas.view.scene
        self.cross_hair = CrossHair(plane, self.scene)
        self.distances = KeptDistances(self)
        boxes = boxes_of(source)
        self.boxes = BoxOverlay(self, boxes)
        self.mouse_targets.append(self.boxes)
        boxes.changed.connect(self._draw_boxes)
        self.bar = SliceBar(plane)
        self.bar.stepped.connect(self._on_step)
        self.bar.maximize_asked.connect(self._ask_maximize)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas, 1)
        layout.addStretch(0)  # keeps the bar above while the canvas is not shown yet
        self.canvas.hide()
        self.model.mouse_drag_callbacks.append(self._drag)
        self.model.mouse_move_callbacks.append(self._hover)
        self.model.mouse_double_click_callbacks[:] = [self._double_click]  # napari's zooms
        self.scale_bar = PaintedScaleBar(self.canvas.canvas.native)
        # bound methods are held weakly: closures here would keep all three canvases alive when the
        # window is gone
        self.camera.events.zoom.connect(self._on_camera)
        self.camera.events.center.connect(self._on_camera)
        self.model.dims.events.point.connect(self._on_slider)
        self.model.dims.events.range.connect(self._on_range)
        self.canvas.canvas.native.installEventFilter(self)

    @property
    def is_veiled(self) -> bool:
        """Whether the canvas was not shown yet."""
        return bool(self.canvas.isHidden())

    def unveil(self) -> None:
        """Show the canvas."""
        self.canvas.show()

    @property
    def camera(self) -> Any:
        """The camera of this view."""
        return self.model.scene.camera

    @property
    def nm_per_pixel(self) -> float:
        """Nanometres under one pixel of the screen."""
        return 1.0 / float(self.camera.zoom)

    def show_point(
        self, point: Triple, low: Triple, high: Triple, grid: Layer | None = None
    ) -> None:
        """Show the slice through a point, with its lines (nm).

        Parameters
        ----------
        point, low, high : (float, float, float)
            The point, and the corners of all that is shown.
        grid : Layer, optional
            The layer whose voxels the slider steps through.
        """
        self._point, self._grid = point, grid
        self.cross_hair.move(point, low, high)
        self.boxes.limits = (low, high)
        self.boxes.show(point)
        self.write_bar(low, high)
        self.distances.show(point, self._half_step())
        self._show_place(point[self.plane.normal])

    def write_bar(self, low: Triple, high: Triple) -> None:
        """Write position, thickness and field of view above the slice."""
        axis, grid = self.plane.normal, self._grid
        if not len(self.model.layers):
            self.bar.show_empty()
            self.scale_bar.hide()
            return
        self._show_scale()
        place, name = self._point[axis], "zyx"[axis]
        if grid is None or not has_axes_along_world(grid):
            self.bar.show_unstepped(f"{name} = {signed(place, 2)} {self.unit}")
            return
        step, start = float(grid.scale[axis]), float(grid.translate[axis])
        index = round((place - start) / step)
        self.bar.show_step(index, *voxels_between(grid, axis, low[axis], high[axis]))
        words = position(place, step_nm=step).removesuffix("nm") + self.unit
        details = [f"voxel {index}"]
        if self.thick is not None:
            details = [f"{self.thick.way} of {self.thick.count(axis)}"]
        if self.field_nm:
            details.append(f"field {self.field_nm:.3g} {self.unit}")
        thick = "" if self.thick is None else f"\n{self.thick.words((self.plane,))}"
        self.bar.show_place(
            f"{name} = {words}",
            details=" · ".join(details),
            tip=f"{name} = {words}, voxel {index} of '{grid.name}'{thick}",
        )

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

    def _show_scale(self) -> None:
        if len(self.model.layers):
            self.scale_bar.show_scale(self.nm_per_pixel, self.unit)

    def _on_camera(self, event: Any) -> None:
        del event
        self._show_scale()
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

    def _draw_boxes(self) -> None:
        self.boxes.show(self._point)

    def _on_step(self, index: int) -> None:
        axis, grid = self.plane.normal, self._grid
        if grid is not None:
            place = float(grid.translate[axis]) + index * float(grid.scale[axis])
            self.moved.emit(self._with((axis,), {axis: place}))

    def _ask_maximize(self) -> None:
        self.maximize_asked.emit(self.plane.name)

    def _double_click(self, model: Any, event: Any) -> None:
        del model, event
        before, self._before_click = self._before_click, None
        if before is not None:
            self.moved.emit(before)  # its first click was no jump of the cross-hair
        self._ask_maximize()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice that the canvas got its size."""
        if event is not None and event.type() == QEvent.Type.Resize:
            self._show_scale()
            self.resized.emit()
        return bool(super().eventFilter(watched, event))

    def jump(self, position: Any) -> None:
        """Send the cross-hair to a place on this slice."""
        self._before_click = self._point
        self.moved.emit(self._with((self.plane.rows, self.plane.columns), position))

    def close_canvas(self) -> None:
        """Let go of the layers and of the canvas; the view is of no use afterwards."""
        self.blockSignals(True)
        self.bar.stop()
        self._clicks.remove(self)
        self.mirror.closed()
        self.canvas.close()

    @property
    def shown_nm(self) -> tuple[float, float]:
        """Height and width of what the canvas shows (nm)."""
        height, width = self.size_px
        return height * self.nm_per_pixel, width * self.nm_per_pixel

    @property
    def size_px(self) -> tuple[int, int]:
        """Height and width of the canvas in pixels: those that Qt gave it, which vispy learns of
        when it draws next.
        """
        native = self.canvas.canvas.native
        height, width = native.height(), native.width()
        if self.is_veiled:  # it will fill what is left below the bar
            height, width = self.height() - self.bar.height(), self.width()
        return max(height, 50), max(width, 50)

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
            self._clicks.clicked.emit(start)

    def _with(self, axes: tuple[int, ...], position: Any) -> Triple:
        z, y, x = (float(position[k]) if k in axes else self._point[k] for k in range(3))
        return z, y, x
