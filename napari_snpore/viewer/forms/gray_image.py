"""A small grey picture painted by Qt: a sinogram or a cross-section, with its scale where it has
one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_snpore.numerals import round_length

_LOW, _HIGH = 0.5, 99.8  # percentiles that become black and white
_MARGIN = 8
_GROUND_ALPHA = 170
"""Of the dark ground of a scale bar: white on it has a contrast of 7 also over white."""


class GrayImage(QWidget):
    """Shows one plane, scaled to its frame.

    Parameters
    ----------
    height : int
        Of the frame, pixels of the screen.
    empty : str
        Text shown before there is a picture.
    square_pixels : bool
        Whether both axes keep one scale; a sinogram fills its frame instead.
    """

    def __init__(self, height: int, *, empty: str = "", square_pixels: bool = True) -> None:
        super().__init__()
        self._empty, self._square = empty, square_pixels
        self._shown: QImage | None = None
        self._pixels: NDArray[np.uint8] | None = None  # QImage borrows its bytes
        self._pixel_nm = math.nan
        self._title = ""
        self.setFixedHeight(height)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def shape(self) -> tuple[int, int] | None:
        """Rows and columns of what is shown."""
        return None if self._pixels is None else (self._pixels.shape[0], self._pixels.shape[1])

    @property
    def words(self) -> str:
        """Text shown instead of a picture; empty while there is one."""
        return self._empty if self._shown is None else ""

    def sizeHint(self) -> QSize:
        """Return the size at which two fit beside each other."""
        return QSize(150, self.height())

    def show_image(self, plane: Any, *, pixel_nm: float = math.nan, title: str = "") -> None:
        """Show a plane (rows, columns) of grey values, black where there is none; with a pixel size
        there is a scale bar.
        """
        values = np.asarray(plane, np.float32)
        known = np.isfinite(values)
        low, high = np.percentile(values[known], [_LOW, _HIGH]) if known.any() else (0.0, 0.0)
        scale = 255 / (high - low) if high > low else 0.0
        gray = np.clip((np.where(known, values, low) - low) * scale, 0, 255)
        self._pixels = np.ascontiguousarray(gray, np.uint8)
        rows, columns = values.shape
        pixels: Any = self._pixels.data  # QImage takes any buffer; its annotations name bytes only
        self._shown = QImage(pixels, columns, rows, columns, QImage.Format.Format_Grayscale8)
        self._pixel_nm, self._title = pixel_nm, title
        self.update()

    def clear(self, empty: str = "") -> None:
        """Remove the picture and show a text."""
        self._shown, self._pixels = None, None
        self._empty = empty or self._empty
        self.update()

    def paintEvent(self, event: Any) -> None:
        """Draw picture, title and scale bar."""
        del event
        painter = QPainter(self)
        frame = QRectF(0, 0, self.width(), self.height())
        painter.fillRect(frame, QColor("black"))
        painter.setPen(QColor("#bbbbbb"))
        font = painter.font()
        font.setPointSizeF(8)
        painter.setFont(font)
        if self._shown is None:
            inside = frame.adjusted(_MARGIN, 0, -_MARGIN, 0)
            painter.drawText(
                inside, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._empty
            )
            painter.end()
            return
        target = self._target(frame)
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, target.width() < self._shown.width()
        )
        painter.drawImage(target, self._shown)
        self._paint_words(painter, frame, target)
        painter.end()

    def _target(self, frame: QRectF) -> QRectF:
        assert self._shown is not None
        if not self._square:
            return frame
        factor = min(frame.width() / self._shown.width(), frame.height() / self._shown.height())
        width, height = factor * self._shown.width(), factor * self._shown.height()
        return QRectF((frame.width() - width) / 2, (frame.height() - height) / 2, width, height)

    def _paint_words(self, painter: QPainter, frame: QRectF, target: QRectF) -> None:
        assert self._shown is not None
        if self._title:
            _outlined(painter, QRectF(5, 2, frame.width() - 10, 16), self._title)
        if not math.isfinite(self._pixel_nm):
            return
        screen_per_nm = target.width() / (self._shown.width() * self._pixel_nm)
        length = round_length(0.25 * target.width() / screen_per_nm)
        start = QPointF(target.left() + _MARGIN, frame.height() - _MARGIN)
        paint_scale_bar(painter, start, length * screen_per_nm, f"{length:g} nm")


def paint_scale_bar(painter: QPainter, start: QPointF, width_px: float, words: str) -> None:
    """Draw a bar from its left end, with its length above, in white on a dark ground: to be read on
    black and on white.
    """
    left, base = start.x(), start.y()
    words_px = painter.fontMetrics().horizontalAdvance(words)
    ground = QRectF(left - 4, base - 20, max(width_px, words_px) + 8, 25)
    painter.fillRect(ground, QColor(0, 0, 0, _GROUND_ALPHA))
    pen = QPen(QColor("white"), 3)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    painter.setPen(pen)
    painter.drawLine(QPointF(left, base), QPointF(left + width_px, base))
    painter.drawText(QRectF(left, base - 19, 120, 15), words)


def _outlined(painter: QPainter, where: QRectF, words: str) -> None:
    """Write words that can be read on black and on white."""
    painter.setPen(QColor("black"))
    painter.drawText(where.translated(1, 1), words)
    painter.setPen(QColor("white"))
    painter.drawText(where, words)
