"""The grey histogram with an opacity curve over it, whose points are dragged."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QWidget
from vispy.scene.visuals import Line, Markers

from napari_snpore.viewer.forms.histogram_plot import HistogramPlot
from napari_snpore.viewer.scene.opacity_curve.curve import OpacityCurve

_REACH_PX = 9.0
_TOP, _BOTTOM = 20.0, 20.0
"""Pixels above and below the bars, as in the histogram."""


class OpacityPlot(HistogramPlot):
    """Histogram and curve: the height of the curve is the opacity of a grey value.

    Drag a point to move it, double-click to add one, double-click on one to take it away; the wheel
    zooms the grey axis.

    Signals
    -------
    curve_changed : object
        The new curve, at every move.
    """

    curve_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        self._curve: OpacityCurve | None = None
        self._curve_line: Any = None
        self._held: int | None = None
        super().__init__(parent)
        self._curve_line = Line(
            np.zeros((2, 2), np.float32), width=2, method="gl", parent=self.canvas.scene
        )
        self._points = Markers(parent=self.canvas.scene)
        for order, visual in ((6, self._curve_line), (7, self._points)):
            visual.order = order
            visual.set_gl_state("translucent", depth_test=False)
        self.setToolTip(
            "Opacity of each grey value in 3D, over how often it occurs.\n"
            "Drag a point; double-click: add one, or take one away; wheel: zoom."
        )
        self._draw()

    @property
    def curve(self) -> OpacityCurve | None:
        """What is drawn; None without a curve."""
        return self._curve

    def set_curve(self, curve: OpacityCurve | None) -> None:
        """Draw a curve; no signal is emitted."""
        self._curve = curve
        self._draw()

    def y_of(self, opacity: float) -> float:
        """Return the canvas pixel of an opacity."""
        bottom = float(self.canvas.size[1]) - _BOTTOM
        return bottom - opacity * (bottom - _TOP)

    def opacity_at(self, y: float) -> float:
        """Return the opacity at a canvas pixel, 0 to 1."""
        bottom = float(self.canvas.size[1]) - _BOTTOM
        return float(np.clip((bottom - y) / max(bottom - _TOP, 1.0), 0.0, 1.0))

    def _draw(self) -> None:
        super()._draw()
        if self._curve_line is None:
            return
        shown = self._curve is not None and self._histogram is not None
        self._curve_line.visible = self._points.visible = shown
        if shown:
            self._draw_curve()
        self.canvas.update()

    def _draw_curve(self) -> None:
        assert self._curve is not None
        left, right = self._span()
        across = np.linspace(left, right, 200)
        bends = [self.x_of(gray) for gray, _ in self._curve.points]
        across = np.sort(np.concatenate([across, np.clip(bends, left, right)]))
        heights = [self.y_of(float(opacity)) for opacity in self._curve.at(self._grays_at(across))]
        places = np.stack([across, heights], axis=1).astype(np.float32)
        self._curve_line.set_data(places, color=self._colors.ink)
        points = [(self.x_of(gray), self.y_of(opacity)) for gray, opacity in self._curve.points]
        inside = [point for point in points if left - 1 <= point[0] <= right + 1]
        self._points.visible = bool(inside)
        if inside:
            self._points.set_data(
                np.array(inside, np.float32),
                size=9,
                face_color=self._colors.ink,
                edge_color=self._colors.background,
                edge_width=1.5,
            )

    def _point_at(self, position: Any) -> int | None:
        if self._curve is None or self._histogram is None:
            return None
        away = [
            float(np.hypot(self.x_of(gray) - position[0], self.y_of(opacity) - position[1]))
            for gray, opacity in self._curve.points
        ]
        nearest = int(np.argmin(away))
        return nearest if away[nearest] <= _REACH_PX else None

    def _on_press(self, event: Any) -> None:
        if event.button == 1:
            self._held = self._point_at(event.pos)

    def _on_move(self, event: Any) -> None:
        if self._held is None:
            over = self._point_at(event.pos) is not None
            self.canvas.native.setCursor(
                Qt.CursorShape.SizeAllCursor if over else Qt.CursorShape.ArrowCursor
            )
            return
        self._move_point(event.pos)

    def _on_release(self, event: Any) -> None:
        if self._held is not None:
            self._move_point(event.pos)  # vispy drops moves that follow each other quickly
            self._held = None

    def _move_point(self, position: Any) -> None:
        assert self._curve is not None
        assert self._held is not None
        points, k = list(self._curve.points), self._held
        gray = self.gray_at(position[0])
        apart = max(self._step(), 1e-6 * (self._gray_range[1] - self._gray_range[0]))
        low = points[k - 1][0] + apart if k else -np.inf
        high = points[k + 1][0] - apart if k + 1 < len(points) else np.inf
        if k in (0, len(points) - 1):
            gray = points[k][0]  # the ends go up and down
        points[k] = (float(min(max(gray, low), high)), self.opacity_at(position[1]))
        self._take(points)

    def _on_double_click(self, event: Any) -> None:
        if self._curve is None or self._histogram is None:
            return
        points, over = list(self._curve.points), self._point_at(event.pos)
        self._held = None
        if over is not None and 0 < over < len(points) - 1:
            del points[over]
        elif over is None:
            gray = self.gray_at(event.pos[0])
            if any(gray == known for known, _ in points):
                return
            points = sorted([*points, (gray, self.opacity_at(event.pos[1]))])
        self._take(points)

    def _take(self, points: list[tuple[float, float]]) -> None:
        self.set_curve(OpacityCurve(tuple(points)))
        self.curve_changed.emit(self._curve)
