"""Scale bar of a slice, painted by Qt above the canvas.

napari's own is drawn by OpenGL, which renders every letter anew for each canvas: 0.1 s for each
slice that is opened.
"""

from __future__ import annotations

import math
from typing import Any

from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QPainter
from qtpy.QtWidgets import QWidget

from napari_snpore.numerals import round_length
from napari_snpore.viewer.forms.gray_image import paint_scale_bar

_MARGIN = 8.0
_SHARE = 0.3  # of the width of the picture that the bar takes at most
_SIZE = (150, 34)
_POINTS = 9.0


class PaintedScaleBar(QWidget):
    """A round length in the lower left corner of a picture; the mouse goes through it.

    Parameters
    ----------
    picture : QWidget
        What it lies on.
    """

    def __init__(self, picture: QWidget) -> None:
        super().__init__(picture)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self._nm_per_pixel = 0.0
        self._unit = ""
        self.length = 0.0
        self.hide()

    def show_scale(self, nm_per_pixel: float, unit: str) -> None:
        """Show a length in a unit, from the size of a pixel of the screen in it."""
        picture = self.parentWidget()
        assert picture is not None
        width = min(_SHARE * picture.width(), _SIZE[0] - 2 * _MARGIN)
        most = width * nm_per_pixel
        if not (math.isfinite(most) and most > 0):
            self.hide()
            return
        place = 0, picture.height() - _SIZE[1]
        if (self.x(), self.y()) != place or self.isHidden():
            self.setGeometry(*place, *_SIZE)
            self.show()
        length = round_length(most)
        if (length, nm_per_pixel, unit) != (self.length, self._nm_per_pixel, self._unit):
            self.length, self._nm_per_pixel, self._unit = length, nm_per_pixel, unit
            self.update()

    @property
    def words(self) -> str:
        """What is written above the bar."""
        return f"{self.length:g} {self._unit}"

    def paintEvent(self, event: Any) -> None:
        """Draw the bar and its length."""
        del event
        painter = QPainter(self)
        font = painter.font()
        font.setPointSizeF(_POINTS)
        painter.setFont(font)
        width = self.length / self._nm_per_pixel
        paint_scale_bar(painter, QPointF(_MARGIN, self.height() - _MARGIN), width, self.words)
        painter.end()
