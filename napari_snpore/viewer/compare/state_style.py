"""Colour and dashes of each state, the same in the list, the table, all plots and the figures."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

from napari_snpore.figures.style import SERIES_COLORS

_ON_SCREEN = {"#0072b2": "#2e8fd0", "#222222": "#9a9a9a"}
"""Colours of print that are too dark on a dark window, and what stands in for them."""
_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)
_ICON_W, _ICON_H = 26, 14


@dataclass(frozen=True)
class StateStyle:
    """How one state is drawn."""

    color: str
    dash: Qt.PenStyle

    def pen(self, width: float = 2.0) -> QPen:
        """Return the pen of its lines."""
        pen = QPen(QColor(self.color), width, self.dash)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        return pen

    def icon(self, width: int = _ICON_W) -> QIcon:
        """Return a piece of its line, so many pixels wide."""
        picture = QPixmap(width, _ICON_H)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setPen(self.pen(3.0))
        painter.drawLine(QPointF(1, _ICON_H / 2), QPointF(width - 1, _ICON_H / 2))
        painter.end()
        return QIcon(picture)


def state_style(number: int) -> StateStyle:
    """Return the style of the state at a place in the order."""
    color = SERIES_COLORS[number % len(SERIES_COLORS)]
    return StateStyle(_ON_SCREEN.get(color, color), _DASHES[number % len(_DASHES)])
