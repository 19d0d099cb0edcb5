"""The grey histogram with an opacity curve over it, whose points are dragged."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import QPointF, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

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
        self._held: int | None = None
        super().__init__(parent)
        self.setToolTip(
            "Opacity of each grey value in 3D, over how often it occurs.\n"
            "Drag a point; double-click: add one, or take one away; wheel: zoom."
        )

    @property
    def curve(self) -> OpacityCurve | None:
        """What is drawn; None without a curve."""
        return self._curve

    def set_curve(self, curve: OpacityCurve | None) -> None:
        """Draw a curve; no signal is emitted."""
        self._curve = curve
        self.update()

    def y_of(self, opacity: float) -> float:
        """Return the pixel of an opacity."""
        bottom = float(self.height()) - _BOTTOM
        return bottom - opacity * (bottom - _TOP)

    def opacity_at(self, y: float) -> float:
        """Return the opacity at a pixel, 0 to 1."""
        bottom = float(self.height()) - _BOTTOM
        return float(np.clip((bottom - y) / max(bottom - _TOP, 1.0), 0.0, 1.0))

    def _paint(self, painter: QPainter, bottom: float) -> None:
        super()._paint(painter, bottom)
        if self._curve is None:
            return
        left, right = self._span()
        across = np.linspace(left, right, 200)
        bends = [self.x_of(gray) for gray, _ in self._curve.points]
        across = np.sort(np.concatenate([across, np.clip(bends, left, right)]))
        heights = [self.y_of(float(opacity)) for opacity in self._curve.at(self._grays_at(across))]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = QColor(self._colors.ink)
        painter.setPen(QPen(ink, 2))
        places = [QPointF(x, y) for x, y in zip(across, heights, strict=True)]
        painter.drawPolyline(QPolygonF(places))
        painter.setPen(QPen(QColor(self._colors.background), 1.5))
        painter.setBrush(ink)
        for gray, opacity in self._curve.points:
            if left - 1 <= self.x_of(gray) <= right + 1:
                painter.drawEllipse(QPointF(self.x_of(gray), self.y_of(opacity)), 4.5, 4.5)

    def _point_at(self, x: float, y: float) -> int | None:
        if self._curve is None or self._histogram is None:
            return None
        away = [
            float(np.hypot(self.x_of(gray) - x, self.y_of(opacity) - y))
            for gray, opacity in self._curve.points
        ]
        nearest = int(np.argmin(away))
        return nearest if away[nearest] <= _REACH_PX else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of the point under the mouse."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = self._point_at(event.position().x(), event.position().y())

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the point, or show that one can be dragged."""
        if event is None:
            return
        x, y = event.position().x(), event.position().y()
        if self._held is None:
            over = self._point_at(x, y) is not None
            self.setCursor(Qt.CursorShape.SizeAllCursor if over else Qt.CursorShape.ArrowCursor)
            return
        self._move_point(x, y)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of the point."""
        if event is not None and self._held is not None:
            self._move_point(event.position().x(), event.position().y())
            self._held = None

    def _move_point(self, x: float, y: float) -> None:
        assert self._curve is not None
        assert self._held is not None
        points, k = list(self._curve.points), self._held
        gray = self.gray_at(x)
        apart = max(self._step(), 1e-6 * (self._gray_range[1] - self._gray_range[0]))
        low = points[k - 1][0] + apart if k else -np.inf
        high = points[k + 1][0] - apart if k + 1 < len(points) else np.inf
        if k in (0, len(points) - 1):
            gray = points[k][0]  # the ends go up and down
        points[k] = (float(min(max(gray, low), high)), self.opacity_at(y))
        self._take(points)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Add a point, or take one away."""
        if event is None or self._curve is None or self._histogram is None:
            return
        x, y = event.position().x(), event.position().y()
        points, over = list(self._curve.points), self._point_at(x, y)
        self._held = None
        if over is not None and 0 < over < len(points) - 1:
            del points[over]
        elif over is None:
            gray = self.gray_at(x)
            if any(gray == known for known, _ in points):
                return
            points = sorted([*points, (gray, self.opacity_at(y))])
        self._take(points)

    def _take(self, points: list[tuple[float, float]]) -> None:
        self.set_curve(OpacityCurve(tuple(points)))
        self.curve_changed.emit(self._curve)
