"""Plot of phase fractions against a threshold or a depth, with the plateau of the present value,
painted by Qt.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

_LEFT, _RIGHT, _TOP, _BELOW = 34.0, 8.0, 6.0, 30.0


class FractionCurve(QWidget):
    """Curves of all phases over the range of one quantity; a dashed line marks the threshold, a
    shade its plateau.
    """

    def __init__(self) -> None:
        super().__init__()
        self._places: NDArray[np.float64] = np.empty(0)
        self._curves: list[tuple[NDArray[np.float64], QColor]] = []
        self._at: float | None = None
        self._plateau: tuple[float, float] | None = None
        self._title = ""
        self.setFixedHeight(130)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return a width that fits a dock."""
        return QSize(300, 130)

    def show_curves(
        self,
        places: Any,
        curves: list[Any],
        colors: list[str],
        *,
        at: float | None = None,
        plateau: tuple[float, float] | None = None,
        title: str,
    ) -> None:
        """Show percentages against grey values or depths; ``at`` is dashed, ``plateau`` shaded."""
        self._places = np.asarray(places, np.float64)
        self._curves = [
            (np.asarray(c, np.float64), QColor(k)) for c, k in zip(curves, colors, strict=True)
        ]
        self._at, self._plateau, self._title = at, plateau, title
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Draw plateau, curves, the threshold, axes with their ends and titles."""
        del event
        if not len(self._places):
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        font = painter.font()
        font.setPointSizeF(7.5)
        painter.setFont(font)
        width, base = self.width() - _LEFT - _RIGHT, self.height() - _BELOW
        low, high = float(self._places[0]), float(self._places[-1])

        def x_of(place: Any) -> Any:
            return _LEFT + (place - low) / max(high - low, 1e-300) * width

        def y_of(percent: Any) -> Any:
            return base - percent / 100 * (base - _TOP)

        if self._plateau is not None:
            shade = QColor(ink)
            shade.setAlpha(40)
            start, stop = (x_of(end) for end in self._plateau)
            painter.fillRect(QRectF(start, _TOP, max(stop - start, 1.0), base - _TOP), shade)
        painter.setPen(ink)
        painter.drawLine(QPointF(_LEFT, base), QPointF(_LEFT + width, base))
        painter.drawLine(QPointF(_LEFT, _TOP), QPointF(_LEFT, base))
        for share in (0, 50, 100):
            painter.drawText(
                QRectF(0, y_of(share) - 7, _LEFT - 4, 14), Qt.AlignmentFlag.AlignRight, f"{share} %"
            )
        for values, color in self._curves:
            line = QPolygonF(
                [QPointF(x, y) for x, y in zip(x_of(self._places), y_of(values), strict=True)]
            )
            under = QPen(QColor("#777777"), 3)
            painter.setPen(under)  # a rim, for white lines on a light background
            painter.drawPolyline(line)
            painter.setPen(QPen(color, 2))
            painter.drawPolyline(line)
        if self._at is not None:
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(x_of(self._at), _TOP), QPointF(x_of(self._at), base))
        painter.setPen(ink)
        ends = QRectF(_LEFT, base + 1, width, 13)
        painter.drawText(ends, Qt.AlignmentFlag.AlignLeft, f"{low:.3g}")
        painter.drawText(ends, Qt.AlignmentFlag.AlignRight, f"{high:.3g}")
        painter.drawText(
            QRectF(_LEFT, base + 14, width, 14), Qt.AlignmentFlag.AlignHCenter, self._title
        )
        painter.end()
