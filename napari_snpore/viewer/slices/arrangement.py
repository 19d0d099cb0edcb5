"""Places the three slices around napari's canvas: 2 × 2 with the canvas as the fourth, or in a row
below it; one of the four alone.

All four share the central part of the window, so that they line up and nothing else moves. Only
Qt's layouts and splitters are used; napari's canvas stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from napari.qt import QtViewer
from qtpy.QtCore import QObject, Qt
from qtpy.QtWidgets import QBoxLayout, QSplitter, QWidget

from napari_snpore.viewer.slices.planes import XY, XZ, YZ

SQUARE, ROW = "2 × 2", "in a row"
CANVAS = "3D"
"""Name of napari's own canvas among the four views."""

_ROW_SHARE = 0.42
"""Share of the height that a row of slices gets."""

_LEAST_WIDTH = 80
"""Least width of the canvas (px) beside slices. By itself its part wants 250 px once sliders are
below it, and napari's window grows by what is missing.
"""


class ViewArrangement(QObject):
    """Three slices around a canvas, until :meth:`leave` takes them away.

    Parameters
    ----------
    canvas : QtViewer
        napari's own, in the central part of its window.
    slices : mapping of str to QWidget
        By the names of their planes.
    parent : QObject
        Its owner.
    """

    def __init__(self, canvas: QtViewer, slices: Mapping[str, QWidget], parent: QObject) -> None:
        super().__init__(parent)
        self._canvas, self._slices = canvas, dict(slices)
        self._mode = ""
        self._alone = ""
        self._column = _splitter(Qt.Orientation.Vertical)
        self._row = _splitter(Qt.Orientation.Horizontal)
        self._column.splitterMoved.connect(self._align_right)
        canvas.splitterMoved.connect(self._align_left)

    @property
    def mode(self) -> str:
        """How the views lie: :data:`SQUARE` or :data:`ROW`; empty while they are away."""
        return self._mode

    @property
    def alone(self) -> str:
        """Name of the view that is shown alone; empty where all four are."""
        return self._alone

    def show(self, mode: str, alone: str = "") -> None:
        """Arrange the views.

        Parameters
        ----------
        mode : str
            :data:`SQUARE` or :data:`ROW`.
        alone : str
            Name of a plane, or :data:`CANVAS`; empty shows all four.
        """
        if mode != self._mode:
            self._place(mode)
        if alone not in (*self._slices, CANVAS):
            alone = ""
        self._mode, self._alone = mode, alone
        for name, view in self._slices.items():
            view.setVisible(alone in ("", name))
        canvas_part = self._canvas_part()
        if canvas_part is not None:
            canvas_part.setMinimumWidth(_LEAST_WIDTH)
            canvas_part.setVisible(alone in ("", CANVAS))
        self._column.setVisible(mode == SQUARE and alone in ("", XY.name, XZ.name))
        self._row.setVisible(mode == ROW and alone != CANVAS)
        self._canvas.setVisible(mode == ROW or alone in ("", YZ.name, CANVAS))

    def leave(self, home: QWidget) -> None:
        """Give the canvas the whole place again; the slices wait hidden in another widget."""
        for view in self._slices.values():
            view.setVisible(False)
            view.setParent(home)
        for part in (self._column, self._row):
            part.setVisible(False)
            part.setParent(home)
        canvas_part = self._canvas_part()
        if canvas_part is not None:
            canvas_part.setMinimumWidth(0)
            canvas_part.setVisible(True)
        self._canvas.setVisible(True)
        self._mode = self._alone = ""

    def _place(self, mode: str) -> None:
        center = self._canvas.parentWidget()
        layout = None if center is None else center.layout()
        xy, zy, xz = (self._slices[plane.name] for plane in (XY, YZ, XZ))
        if mode == SQUARE and isinstance(layout, QBoxLayout):
            if self._column.parentWidget() is not center:
                layout.insertWidget(layout.indexOf(self._canvas), self._column)
            for part in (self._column, self._canvas):
                layout.setStretch(layout.indexOf(part), 1)
            self._column.addWidget(xy)
            self._column.addWidget(xz)
            self._canvas.insertWidget(0, zy)
            half = max(self._canvas.height() // 2, 1)
            for splitter in (self._column, self._canvas):
                splitter.setSizes([half, half])
        else:
            self._canvas.addWidget(self._row)
            for view in (xy, zy, xz):
                self._row.addWidget(view)
            low = max(round(_ROW_SHARE * self._canvas.height()), 1)
            self._canvas.setSizes([max(self._canvas.height() - low, 1), low])
            self._row.setSizes([100, 100, 100])
        for k in range(self._canvas.count()):
            self._canvas.setCollapsible(k, False)

    def _canvas_part(self) -> QWidget | None:
        """Return the part of napari's splitter that holds picture and sliders."""
        native = self._canvas.canvas.native
        parts = [self._canvas.widget(k) for k in range(self._canvas.count())]
        return next((p for p in parts if p is not None and p.isAncestorOf(native)), None)

    def _align_right(self) -> None:
        if self._mode == SQUARE and not self._alone:
            self._canvas.setSizes(self._column.sizes())

    def _align_left(self) -> None:
        if self._mode == SQUARE and not self._alone:
            self._column.setSizes(self._canvas.sizes())


def _splitter(orientation: Qt.Orientation) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setChildrenCollapsible(False)
    splitter.setHandleWidth(4)
    return splitter
