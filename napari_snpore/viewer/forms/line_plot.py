"""One curve with its axes, painted by Qt: grey values along a line."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

_LEFT, _RIGHT, _TOP, _BELOW = 46.0, 8.0, 8.0, 30.0


class LinePlot(QWidget):
    """A curve over a quantity that starts at zero; what is not finite is left out.

    Parameters
    ----------
    across : str
        Title of the horizontal axis, with its unit.
    up : str
        Title of the vertical axis.
    """

    def __init__(self, across: str, up: str) -> None:
        super().__init__()
        self._across, self._up = across, up
        self._x: NDArray[np.float64] = np.empty(0)
        self._y: NDArray[np.float64] = np.empty(0)
        self.setFixedHeight(120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def values(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is drawn."""
        return self._x, self._y

    def sizeHint(self) -> QSize:
        """Return a width that fits a dock."""
        return QSize(260, 120)

    def show_line(self, x: Any, y: Any) -> None:
        """Draw ``y`` over ``x``."""
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        known = np.isfinite(x) & np.isfinite(y)
        self._x, self._y = x[known], y[known]
        if self._y.size:
            self.setToolTip(
                f"{self._up}: {self._y.min():.4g} to {self._y.max():.4g}, mean {self._y.mean():.4g}."
            )
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Draw the curve, the axes with their ends and titles."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        font = painter.font()
        font.setPointSizeF(7.5)
        painter.setFont(font)
        width, base = self.width() - _LEFT - _RIGHT, self.height() - _BELOW
        painter.setPen(ink)
        painter.drawLine(QPointF(_LEFT, base), QPointF(_LEFT + width, base))
        painter.drawLine(QPointF(_LEFT, _TOP), QPointF(_LEFT, base))
        painter.drawText(
            QRectF(_LEFT, base + 14, width, 14), Qt.AlignmentFlag.AlignHCenter, self._across
        )
        if not self._x.size:
            painter.drawText(
                QRectF(_LEFT, _TOP, width, base - _TOP),
                Qt.AlignmentFlag.AlignCenter,
                "outside the volume",
            )
            painter.end()
            return
        low, high = float(self._y.min()), float(self._y.max())
        last = float(self._x[-1])
        ends = QRectF(_LEFT, base + 1, width, 13)
        painter.drawText(ends, Qt.AlignmentFlag.AlignLeft, f"{self._x[0]:.3g}")
        painter.drawText(ends, Qt.AlignmentFlag.AlignRight, f"{last:.3g}")
        left = QRectF(0, _TOP - 6, _LEFT - 4, 14)
        painter.drawText(left, Qt.AlignmentFlag.AlignRight, f"{high:.3g}")
        painter.drawText(left.translated(0, base - _TOP), Qt.AlignmentFlag.AlignRight, f"{low:.3g}")
        painter.save()
        painter.translate(10, (base + _TOP) / 2)
        painter.rotate(-90)
        painter.drawText(QRectF(-60, -7, 120, 14), Qt.AlignmentFlag.AlignCenter, self._up)
        painter.restore()
        first = float(self._x[0])
        x = _LEFT + (self._x - first) / max(last - first, 1e-300) * width
        y = base - (self._y - low) / max(high - low, 1e-300) * (base - _TOP)
        painter.setPen(QPen(QColor("#ff922b"), 1.6))
        painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x, y, strict=True)]))
        painter.end()
