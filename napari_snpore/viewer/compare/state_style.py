"""Colour and dashes of each state, the same in the list, the table and all plots."""

from __future__ import annotations

from dataclasses import dataclass

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

_COLORS = ("#d55e00", "#009e73", "#c44e9a", "#56b4e9", "#b8860b", "#7f7fff")
"""Apart for the colour-blind and none of pore, C or Sn; after Okabe and Ito,
https://jfly.uni-koeln.de/color/."""
_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DotLine,
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
    return StateStyle(_COLORS[number % len(_COLORS)], _DASHES[number % len(_DASHES)])
