"""The grey histogram with draggable thresholds, painted by Qt.

Everything is laid out in pixels: one column of the histogram a pixel, so that a drag costs the same
for any volume. What the thresholds mean is not known here; the owner listens to the signals and
sets new thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPen, QPolygonF, QWheelEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.shared.theme import PlotColors

_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 6, 20, 20
_GRIP_PX = 8
_FONT_SIZE = 7.5
_BEHIND = 0.22
"""Opacity of the ranges of the phases behind the bars."""


class HistogramPlot(QWidget):
    """A log or linear histogram, its phase ranges shaded in their colours, with one line per
    threshold.

    Drag a line to move its threshold; turn the wheel to zoom the grey axis about the pointer,
    double-click to see all of it.
    """

    thresholds_changed = Signal(tuple)
    """Emitted at every move of a drag."""
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram: Histogram | None = None
        self._thresholds: tuple[float, ...] = ()
        self._scheme = PORE_C_SN
        self._colors = PlotColors()
        self._log = True
        self._gray_range = (0.0, 1.0)
        self._dragged: int | None = None
        self._empty_text = ""
        self.setMinimumHeight(140)  # what the form of thresholds gives it
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMouseTracking(True)
        self.setToolTip(
            "How often each grey value occurs in the whole volume, exactly.\n"
            "Drag a line to move a threshold; wheel: zoom; double-click: all grey values."
        )

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(340, 180)

    @property
    def gray_range(self) -> tuple[float, float]:
        """Grey values at the left and the right end of the axis."""
        return self._gray_range

    def set_histogram(self, histogram: Histogram | None, empty: str = "") -> None:
        """Show a histogram, or a sentence where there is none yet."""
        self._histogram, self._empty_text = histogram, empty
        if histogram is not None:
            self._gray_range = self._whole()
        self.update()

    def set_thresholds(self, thresholds: Sequence[float]) -> None:
        """Move the lines, and draw them where they are new; no signal is emitted."""
        if self._thresholds != tuple(thresholds):
            self._thresholds = tuple(thresholds)
            self.update()

    def set_scheme(self, scheme: PhaseScheme) -> None:
        """Set names and colours of the phases."""
        self._scheme = scheme
        self.update()

    def set_log(self, log: bool) -> None:
        """Choose a logarithmic (base 10, of count + 1) or a linear height."""
        self._log = log
        self.update()

    def set_colors(self, colors: PlotColors) -> None:
        """Set the colours around the phases, after a change of theme."""
        self._colors = colors
        self.update()

    def x_of(self, gray: float) -> float:
        """Return the pixel of a grey value."""
        low, high = self._gray_range
        left, right = self._span()
        return left + (gray - low) / (high - low) * (right - left)

    def gray_at(self, x: float) -> float:
        """Return the grey value at a pixel."""
        return float(self._grays_at(np.float64(x)))

    def _grays_at(self, x: Any) -> NDArray[np.float64]:
        low, high = self._gray_range
        left, right = self._span()
        return np.asarray(low + (x - left) / (right - left) * (high - low))

    def _span(self) -> tuple[float, float]:
        return float(_LEFT), float(max(self.width() - _RIGHT, _LEFT + 1))

    def _whole(self) -> tuple[float, float]:
        histogram = self._histogram
        assert histogram is not None
        return float(histogram.core.edges[0]), float(histogram.core.edges[-1])

    def _step(self) -> float:
        """Smallest distance between two thresholds, and the grid they are dragged on for
        integers.
        """
        return self._histogram.step if self._histogram is not None else 0.0

    def paintEvent(self, event: Any) -> None:
        """Draw ranges, bars, thresholds, names and ticks."""
        del event
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._colors.background))
        font = painter.font()
        font.setPointSizeF(_FONT_SIZE)
        painter.setFont(font)
        if self._histogram is None:
            words = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.setPen(QColor(self._colors.ink))
            painter.drawText(self.rect(), words, self._empty_text)
        else:
            self._paint(painter, float(self.height() - _BOTTOM))
        painter.end()

    def _paint(self, painter: QPainter, bottom: float) -> None:
        left, right = self._span()
        edges = np.arange(left, right + 1)
        tops = bottom - (bottom - _TOP) * self._heights(edges)
        colors = [QColor(color) for color in self._scheme.colors]
        phase = np.searchsorted(
            np.asarray(self._thresholds), self._grays_at((edges[:-1] + edges[1:]) / 2), side="right"
        )
        phase = np.minimum(phase, len(colors) - 1)
        for k, color in enumerate(colors):
            mine = np.flatnonzero(phase == k)
            if mine.size:
                _paint_range(painter, color, edges[mine[0]], edges[mine[-1] + 1], (_TOP, bottom))
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawPolygon(_stairs(edges[mine[0] : mine[-1] + 2], tops[mine], bottom))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor.fromRgbF(*self._colors.faint), 1))
        painter.drawPolyline(_stairs(edges, tops, None))
        self._paint_lines(painter, bottom, colors)
        painter.setPen(QColor(self._colors.ink))
        self._paint_names(painter)
        self._paint_ticks(painter, bottom)

    def _heights(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height 0..1 of each pixel column: the voxels whose grey values it covers."""
        assert self._histogram is not None
        below = np.interp(self._grays_at(edges), self._histogram.edges, self._histogram.cumulative)
        counts = np.diff(below)
        heights = np.log10(counts + 1) if self._log else counts
        return np.asarray(heights / max(float(heights.max()), 1e-12))

    def _paint_lines(self, painter: QPainter, bottom: float, colors: list[QColor]) -> None:
        for k, threshold in enumerate(self._thresholds):
            x = self.x_of(threshold)
            if not _LEFT <= x <= self._span()[1]:
                continue
            for color, width in (
                (QColor(0, 0, 0, 190), 4),
                (colors[min(k + 1, len(colors) - 1)], 2),
            ):
                pen = QPen(color, width)
                pen.setCapStyle(Qt.PenCapStyle.FlatCap)
                painter.setPen(pen)
                painter.drawLine(QPointF(x, _TOP - 6), QPointF(x, bottom))

    def _paint_names(self, painter: QPainter) -> None:
        left, right = self._span()
        limits = [left, *(min(max(self.x_of(t), left), right) for t in self._thresholds), right]
        written = -np.inf
        for name, start, end in zip(self._scheme.names, limits[:-1], limits[1:], strict=False):
            half = painter.fontMetrics().horizontalAdvance(name) / 2 + 2
            x = min(max((start + end) / 2, left + half - 2), right - half)
            if (
                end > start and x - half >= written
            ):  # a name may lean over its range, not over another name
                _write(painter, name, x, 8.0)
                written = x + half

    def _paint_ticks(self, painter: QPainter, bottom: float) -> None:
        left, right = self._span()
        values = round_ticks(*self._gray_range, at_most=max(2, int((right - left) / 70)))
        for value in values:
            words = f"{value:g}".replace("-", "\N{MINUS SIGN}")
            half = painter.fontMetrics().horizontalAdvance(words) / 2
            x = float(np.clip(self.x_of(value), left + half - 2, max(right - half + 2, left)))
            _write(painter, words, x, bottom + 10)

    def _nearest(self, x: float) -> int | None:
        distances = [abs(self.x_of(t) - x) for t in self._thresholds]
        if self._histogram is None or not distances or min(distances) > _GRIP_PX:
            return None
        nearest = [k for k, d in enumerate(distances) if d <= min(distances) + 0.5]
        return nearest[-1] if x >= self.x_of(self._thresholds[nearest[0]]) else nearest[0]

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take hold of the line under the mouse."""
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if (nearest := self._nearest(event.position().x())) is not None:
            self._dragged = nearest
            self.drag_started.emit()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the line, or show that one can be dragged."""
        if event is None:
            return
        if self._dragged is None:
            near = self._nearest(event.position().x()) is not None
            self.setCursor(Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor)
            return
        self._drag_to(event.position().x())

    def _drag_to(self, x: float) -> None:
        assert self._dragged is not None
        gray = self.gray_at(x)
        histogram = self._histogram
        if histogram is not None and np.dtype(histogram.dtype).kind in "iub":
            gray = float(round(gray))
        low, high = self._allowed_range(self._dragged)
        moved = list(self._thresholds)
        moved[self._dragged] = float(min(max(gray, low), high))
        if tuple(moved) == self._thresholds:
            return  # the mouse moved along the line, or within one grey value
        self.set_thresholds(moved)
        self.thresholds_changed.emit(tuple(moved))

    def _allowed_range(self, index: int) -> tuple[float, float]:
        """Return the smallest and largest value of a threshold between its neighbours and the ends
        of the axis.
        """
        step, (low, high) = self._step(), self._gray_range
        if index > 0:
            low = max(low, self._thresholds[index - 1] + step)
        if index + 1 < len(self._thresholds):
            high = min(high, self._thresholds[index + 1] - step)
        return low, max(low, high)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of the line."""
        if event is not None and self._dragged is not None:
            self._drag_to(event.position().x())
            self._dragged = None
            self.drag_finished.emit()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom the grey axis about the mouse."""
        if event is None or self._histogram is None:
            return
        event.accept()
        whole = self._whole()
        about = self.gray_at(event.position().x())
        factor = 0.8 ** float(np.sign(event.angleDelta().y()))
        low, high = (about + (end - about) * factor for end in self._gray_range)
        if high - low < 4 * self._step():
            return
        self._gray_range = (max(low, whole[0]), min(high, whole[1]))
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show all grey values."""
        del event
        if self._histogram is not None:
            self._gray_range = self._whole()
            self.update()


def round_ticks(low: float, high: float, *, at_most: int) -> list[float]:
    """Return at most so many round numbers between two ends: steps of 1, 2 or 5 times a power of
    ten.

    Examples
    --------
    >>> round_ticks(0, 255, at_most=5)
    [0.0, 100.0, 200.0]
    """
    span = high - low
    exponent = int(np.floor(np.log10(span / max(at_most, 1))))
    step = next(
        s
        for e in (exponent, exponent + 1)
        for m in (1, 2, 5)
        if (s := m * 10.0**e) * at_most >= span
    )  # at_most steps of 10 ** (exponent + 1) always reach
    first = int(np.ceil(low / step - 1e-9))
    return [round(k * step, 12) for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _paint_range(
    painter: QPainter, color: QColor, start: float, end: float, rows: tuple[float, float]
) -> None:
    behind = QColor(color)
    behind.setAlphaF(_BEHIND)
    painter.fillRect(QRectF(start, rows[0], end - start, rows[1] - rows[0]), behind)


def _stairs(
    edges: NDArray[np.float64], tops: NDArray[np.float64], bottom: float | None
) -> QPolygonF:
    """Return the outline of bars, closed at a bottom where one is given."""
    across, up = np.repeat(edges, 2)[1:-1], np.repeat(tops, 2)
    if bottom is not None:
        across, up = np.r_[edges[0], across, edges[-1]], np.r_[bottom, up, bottom]
    return QPolygonF([QPointF(x, y) for x, y in zip(across, up, strict=True)])


def _write(painter: QPainter, words: str, x: float, y: float) -> None:
    """Write words centred about a point."""
    painter.drawText(QRectF(x - 100, y - 10, 200, 20), Qt.AlignmentFlag.AlignCenter, words)
