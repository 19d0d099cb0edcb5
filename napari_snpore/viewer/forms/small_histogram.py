"""A small histogram of one quantity of objects, painted by Qt: bars, a marked length, and a title
with its unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

_BINS = 20
_BELOW = 30
"""Pixels below the bars: ticks and title."""


class SmallHistogram(QWidget):
    """Counts of one quantity in twenty bins.

    Parameters
    ----------
    title : str
        With its unit, such as ``"length (nm)"``.
    ends : (float, float), optional
        First and last edge; default from zero to the largest value.
    """

    def __init__(
        self, title: str, *, ends: tuple[float, float] | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._title, self._ends = title, ends
        self._counts: NDArray[np.int64] = np.zeros(_BINS, np.int64)
        self._edges: NDArray[np.float64] = np.linspace(0.0, 1.0, _BINS + 1)
        self._marks: dict[str, float] = {}
        self._shaded_below: float | None = None
        self._color = QColor("#2f6db5")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(96)
        self.setMinimumWidth(90)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Objects in each bin."""
        return self._counts

    def sizeHint(self) -> QSize:
        """Return the size at which three fit beside each other."""
        return QSize(120, 96)

    def show_values(
        self,
        values: Any,
        *,
        color: str,
        marks: Mapping[str, float] | None = None,
        shaded_below: float | None = None,
    ) -> None:
        """Count and draw values; those that are not finite are left out.

        Parameters
        ----------
        values : array-like
            In the unit of the title.
        color : str
            Of the bars.
        marks : mapping of str to float, optional
            Dashed lines by their names, such as the voxel size; the tooltip says which is which.
        shaded_below : float, optional
            Detection limit: fewer than half of the objects are found below it.
        """
        known = np.asarray(values, np.float64)
        known = known[np.isfinite(known)]
        low, high = self._ends or (0.0, float(known.max(initial=0.0)) or 1.0)
        self._counts, self._edges = np.histogram(known, _BINS, (low, high))
        self._marks, self._color = dict(marks or {}), QColor(color)
        tip = f"{self._title}: n = {known.size:,}, highest bar {int(self._counts.max(initial=0)):,} objects."
        lines = ", ".join(f"{name} {place:.3g}" for name, place in self._marks.items())
        self._shaded_below = shaded_below
        tip = f"{tip} Dashed: {lines}." if lines else tip
        if shaded_below is not None:
            tip += (
                f" Shaded, below {shaded_below:.3g}: fewer than half are found (detection limit)."
            )
        self.setToolTip(tip)
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Draw bars, axis, ends of the axis, title and mark."""
        del event
        painter = QPainter(self)
        ink = self.palette().color(QPalette.ColorRole.WindowText)
        font = painter.font()
        font.setPointSizeF(7.5)
        painter.setFont(font)
        left, width = 4.0, self.width() - 8.0
        top, base = 4.0, float(self.height() - _BELOW)
        highest = max(1, int(self._counts.max(initial=0)))
        step = width / _BINS
        low, high = float(self._edges[0]), float(self._edges[-1])
        if self._shaded_below is not None and self._shaded_below > low:
            end = (min(self._shaded_below, high) - low) / (high - low) * width
            shade = QColor(ink)
            shade.setAlphaF(0.18)
            painter.fillRect(QRectF(left, top, end, base - top), shade)
        edge = QPen(ink)
        edge.setWidthF(0.5)
        painter.setPen(edge)
        for k, count in enumerate(self._counts):
            if count:
                height = (base - top) * float(count) / highest
                painter.fillRect(QRectF(left + k * step, base - height, step, height), self._color)
                painter.drawRect(QRectF(left + k * step, base - height, step, height))
        painter.setPen(ink)
        painter.drawLine(int(left), int(base), int(left + width), int(base))
        ends = QRectF(left, base + 1, width, 13)
        painter.drawText(ends, Qt.AlignmentFlag.AlignLeft, f"{low:.3g}")
        painter.drawText(ends, Qt.AlignmentFlag.AlignRight, f"{high:.3g}")
        painter.drawText(
            QRectF(left, base + 14, width, 14), Qt.AlignmentFlag.AlignHCenter, self._title
        )
        painter.setPen(QPen(ink, 1, Qt.PenStyle.DashLine))
        for place in self._marks.values():
            if low <= place <= high:
                x = left + (place - low) / (high - low) * width
                painter.drawLine(int(x), int(top), int(x), int(base))
        painter.end()
