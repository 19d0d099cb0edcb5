"""Curves or histograms of several states over each other, painted by Qt: each with its own colour and
dashes, and a band for its interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_snpore.viewer.compare.state_style import StateStyle

_LEFT, _RIGHT, _TOP, _BELOW = 42.0, 8.0, 8.0, 30.0
_FONT_PT = 7.5
_BAND = 0.16
"""Opacity of the band of an interval."""
_ROOM_ABOVE = 1.06
"""Height of the axis over the highest value."""


@dataclass(frozen=True, eq=False)
class OverlaidCurve:
    """One curve of a plot.

    Parameters
    ----------
    name : str
    style : StateStyle
    y : array of float, shape (places,)
    low, high : array of float, shape (places,)
        Interval; nan where there is none.
    x : array of float, shape (places,), optional
        Where they lie; None: bins of the plot's axis, drawn as steps.
    """

    name: str
    style: StateStyle
    y: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    x: NDArray[np.float64] | None = None


class OverlaidPlot(QWidget):
    """A small plot of all states.

    Parameters
    ----------
    across : str
        Title of the horizontal axis, with its unit.
    height : int
        Pixels.
    """

    def __init__(self, across: str, *, height: int = 118) -> None:
        super().__init__()
        self._across, self._up, self._empty = across, "", "nothing to show"
        self._curves: tuple[OverlaidCurve, ...] = ()
        self._ticks: tuple[tuple[float, str], ...] = ()
        self._ends = (0.0, 1.0)
        self.setFixedHeight(height)
        self.setMinimumWidth(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def curves(self) -> tuple[OverlaidCurve, ...]:
        """What is drawn."""
        return self._curves

    def sizeHint(self) -> QSize:
        """Return the size at which two fit beside each other in a dock."""
        return QSize(170, self.minimumHeight())

    def show_curves(
        self,
        curves: Sequence[OverlaidCurve],
        *,
        ends: tuple[float, float],
        ticks: Sequence[tuple[float, str]],
        up: str,
        across: str | None = None,
        tip: str = "",
        empty: str = "nothing to show",
    ) -> None:
        """Draw curves.

        Parameters
        ----------
        curves : sequence of OverlaidCurve
        ends : (float, float)
            Of the horizontal axis; of bins 0 and their number.
        ticks : sequence of (place, words)
            Marks of the horizontal axis.
        up : str
            Title of the vertical axis, in the tooltip.
        across : str, optional
            Another title of the horizontal axis.
        tip : str
            Tooltip.
        empty : str
            Shown where there is no curve.
        """
        self._curves = tuple(one for one in curves if np.isfinite(one.y).any())
        self._ends, self._ticks, self._up, self._empty = ends, tuple(ticks), up, empty
        self._across = self._across if across is None else across
        self.setToolTip(tip)
        self.update()

    def _highest(self) -> float:
        highest = 0.0
        for curve in self._curves:
            for values in (curve.y, curve.high):
                known = values[np.isfinite(values)]
                highest = max(highest, float(known.max(initial=0.0)))
        return highest * _ROOM_ABOVE or 1.0

    def paintEvent(self, event: Any) -> None:
        """Draw bands, curves, axes with their ends and titles."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = painter.font()
        font.setPointSizeF(_FONT_PT)
        painter.setFont(font)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        painter.setPen(ink)
        frame = QRectF(_LEFT, _TOP, self.width() - _LEFT - _RIGHT, self.height() - _TOP - _BELOW)
        if not self._curves:
            words = int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap)
            painter.drawText(frame, words, self._empty)
        else:
            self._paint_curves(painter, frame, self._highest())
            painter.setPen(ink)
            self._paint_axes(painter, frame, self._highest())
        painter.end()

    def _paint_curves(self, painter: QPainter, frame: QRectF, highest: float) -> None:
        for curve in self._curves:
            band = QColor(curve.style.color)
            band.setAlphaF(_BAND)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(band)
            for part in _known_parts(curve.low, curve.high):
                there = self._points(curve, part, curve.high, frame, highest)
                back = self._points(curve, part, curve.low, frame, highest)
                painter.drawPolygon(QPolygonF([*there, *reversed(back)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve in self._curves:
            painter.setPen(curve.style.pen(1.8))
            for part in _known_parts(curve.y):
                points = self._points(curve, part, curve.y, frame, highest)
                painter.drawPolyline(QPolygonF(points))

    def _points(
        self,
        curve: OverlaidCurve,
        part: slice,
        values: NDArray[np.float64],
        frame: QRectF,
        highest: float,
    ) -> list[QPointF]:
        """Return the pixels of a part of a curve: steps of bins, or its places."""
        first, last = self._ends
        scale = frame.width() / max(last - first, 1e-300)
        y = frame.bottom() - values[part] / highest * frame.height()
        if curve.x is not None:
            x = frame.left() + (curve.x[part] - first) * scale
            return [QPointF(float(a), float(b)) for a, b in zip(x, y, strict=True)]
        points = []
        for k, height in zip(range(part.start, part.stop), y, strict=True):
            for edge in (k, k + 1):
                points.append(QPointF(frame.left() + (edge - first) * scale, float(height)))
        return points

    def _paint_axes(self, painter: QPainter, frame: QRectF, highest: float) -> None:
        painter.drawLine(frame.bottomLeft(), frame.bottomRight())
        painter.drawLine(frame.topLeft(), frame.bottomLeft())
        first, last = self._ends
        metrics = painter.fontMetrics()
        written = -math.inf
        for place, words in self._ticks:
            x = frame.left() + (place - first) / max(last - first, 1e-300) * frame.width()
            half = metrics.horizontalAdvance(words) / 2
            middle = min(max(x, half), self.width() - half)
            painter.drawLine(QPointF(x, frame.bottom()), QPointF(x, frame.bottom() + 3))
            if middle - half > written:
                painter.drawText(
                    QRectF(middle - half - 2, frame.bottom() + 3, 2 * half + 4, 13),
                    Qt.AlignmentFlag.AlignHCenter,
                    words,
                )
                written = middle + half + 3
        below = QRectF(frame.left(), frame.bottom() + 15, frame.width(), 14)
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, self._across)
        left = QRectF(0, frame.top() - 6, _LEFT - 4, 14)
        painter.drawText(
            left, Qt.AlignmentFlag.AlignRight, f"{highest / _ROOM_ABOVE:.2g}{self._sign}"
        )
        painter.drawText(left.translated(0, frame.height()), Qt.AlignmentFlag.AlignRight, "0")

    @property
    def _sign(self) -> str:
        return " %" if self._up.endswith("%)") else ""


def _known_parts(*arrays: NDArray[np.float64]) -> list[slice]:
    """Return the runs in which all arrays are finite."""
    known = np.isfinite(np.stack(arrays)).all(axis=0)
    ends = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    return [slice(int(a), int(b)) for a, b in zip(ends[::2], ends[1::2], strict=True)]
