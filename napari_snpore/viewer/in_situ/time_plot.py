"""Plot of points with error bars against time, with two fitted lines and the time of the shown
frame, painted by Qt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

_LEFT, _RIGHT, _TOP, _BELOW = 50.0, 10.0, 10.0, 32.0
_HEIGHT = 160


@dataclass(frozen=True, eq=False)
class Points:
    """One curve: values and standard errors, with the colour of its name."""

    y: NDArray[np.float64]
    error: NDArray[np.float64]
    color: str
    name: str = ""


class TimePlot(QWidget):
    """Plot of values against time; a click emits the time at that place, to show its frame.

    Signals
    -------
    asked : float
        The time that was clicked.
    """

    asked = Signal(float)

    def __init__(self, up: str) -> None:
        super().__init__()
        self._up, self._across = up, "time (s)"
        self._x: NDArray[np.float64] = np.empty(0)
        self._curves: list[Points] = []
        self._lines: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._now: float | None = None
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.CrossCursor)

    @property
    def values(self) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
        """Times, and the values of each curve."""
        return self._x, [curve.y for curve in self._curves]

    def sizeHint(self) -> QSize:
        """Return a width that fits a dock."""
        return QSize(280, _HEIGHT)

    def show_curves(
        self, x: Any, curves: Sequence[Points], *, across: str, lines: Any = None, tip: str = ""
    ) -> None:
        """Draw curves over common times.

        Parameters
        ----------
        x : array-like
            Times, rising.
        curves : sequence of Points
            As long as ``x``; what is not finite is left out.
        across : str
            Title of the horizontal axis, with its unit.
        lines : (array-like, array-like), optional
            Corners of a broken line.
        tip : str
            What the colours and lines mean.
        """
        self._x, self._curves, self._across = np.asarray(x, np.float64), list(curves), across
        self._lines = None if lines is None else tuple(np.asarray(one, np.float64) for one in lines)  # type: ignore[assignment]
        self.setToolTip(f"{tip} Click to go to a frame.".strip())
        self.update()

    def mark(self, time: float | None) -> None:
        """Mark the time of the frame that is shown."""
        self._now = time
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Ask for the frame at the place that was clicked."""
        if event is not None and self._x.size:
            share = (event.position().x() - _LEFT) / max(self.width() - _LEFT - _RIGHT, 1)
            first, last = self._ends()
            self.asked.emit(first + float(np.clip(share, 0, 1)) * (last - first))

    def paintEvent(self, event: Any) -> None:
        """Draw axes, lines, points, and the mark."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        font = painter.font()
        font.setPointSizeF(7.5)
        painter.setFont(font)
        frame = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BELOW)
        first, last = self._ends()
        low, high = self._range()
        self._axes(painter, frame, ink, (first, last), (low, high))

        def place(x: float, y: float) -> QPointF:
            return QPointF(
                frame.left() + (x - first) / max(last - first, 1e-300) * frame.width(),
                frame.bottom() - (y - low) / max(high - low, 1e-300) * frame.height(),
            )

        if self._now is not None and first <= self._now <= last:
            painter.setPen(QPen(QColor(ink.red(), ink.green(), ink.blue(), 110), 1))
            painter.drawLine(place(self._now, low), place(self._now, high))
        for curve in self._curves:
            self._points(painter, curve, place)
        if self._lines is not None:
            painter.setPen(QPen(ink, 1.2, Qt.PenStyle.DashLine))
            painter.drawPolyline(
                QPolygonF([place(float(a), float(b)) for a, b in zip(*self._lines, strict=True)])
            )
        painter.end()

    def _points(self, painter: QPainter, curve: Points, place: Any) -> None:
        color = QColor(curve.color)
        faint = QColor(color)
        faint.setAlpha(150)
        for x, y, error in zip(self._x, curve.y, curve.error, strict=True):
            if not (np.isfinite(x) and np.isfinite(y)):
                continue
            if np.isfinite(error):
                painter.setPen(QPen(faint, 1))
                painter.drawLine(place(x, y - error), place(x, y + error))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            painter.drawEllipse(place(x, y), 2.2, 2.2)

    def _axes(
        self,
        painter: QPainter,
        frame: QRectF,
        ink: QColor,
        across: tuple[float, float],
        up: tuple[float, float],
    ) -> None:
        painter.setPen(ink)
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        painter.drawLine(frame.topLeft(), frame.bottomLeft())
        below = QRectF(frame.left(), frame.bottom() + 3, frame.width(), 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, f"{across[0]:.4g}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"{across[1]:.4g}")
        painter.drawText(below.translated(0, 13), Qt.AlignmentFlag.AlignHCenter, self._across)
        left = QRectF(0, frame.top() - 7, _LEFT - 5, 14)
        painter.drawText(left, Qt.AlignmentFlag.AlignRight, f"{up[1]:.4g}")
        painter.drawText(
            left.translated(0, frame.height()), Qt.AlignmentFlag.AlignRight, f"{up[0]:.4g}"
        )
        painter.save()
        painter.translate(11, frame.center().y())
        painter.rotate(-90)
        painter.drawText(QRectF(-70, -7, 140, 14), Qt.AlignmentFlag.AlignCenter, self._up)
        painter.restore()

    def _ends(self) -> tuple[float, float]:
        known = self._x[np.isfinite(self._x)]
        return (float(known[0]), float(known[-1])) if len(known) else (0.0, 1.0)

    def _range(self) -> tuple[float, float]:
        values = [
            curve.y + side * np.nan_to_num(curve.error)
            for curve in self._curves
            for side in (-1, 1)
        ]
        known = np.concatenate([np.empty(0), *values])
        known = known[np.isfinite(known)]
        if not len(known):
            return 0.0, 1.0
        low, high = float(known.min()), float(known.max())
        air = 0.06 * (high - low) or 0.01 * max(abs(high), 1.0)
        return low - air, high + air
