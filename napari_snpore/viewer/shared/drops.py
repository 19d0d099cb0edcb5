"""Files dropped on a window that shows a widget of this plugin: opened without the choice of a
reader.

napari asks for a reader for every TIFF, OME-Zarr and folder that several plugins may read, and
opens several files one by one. Drops with Shift or Alt, or with any file that this plugin does not
read, are left to napari.

napari takes drops on its picture, and on the welcome screen that lies over it in an empty window.
The instrument takes them as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QDragLeaveEvent, QDropEvent
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QMainWindow, QWidget

from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.file_opener import open_files

_NAME = "napari_snpore drops"


def take_drops(widget: QWidget, viewer: Any) -> None:
    """Open the files dropped on the window of a widget; installed once per window."""
    window = ancestor(widget, QMainWindow)
    canvas = None if window is None else _canvas(window)
    if canvas is None or window is None or window.findChild(QObject, _NAME) is not None:
        return
    drops = _Drops(window, viewer)
    takers = [one for one in canvas.findChildren(QWidget) if one.acceptDrops()]
    for taker in (canvas, *takers):
        if not isinstance(taker, QLineEdit | QAbstractSpinBox):  # these take text
            taker.installEventFilter(drops)


def take_drops_here(widget: QWidget, viewer: Any) -> None:
    """Let files be dropped on a widget beside the picture, as on the picture."""
    window = ancestor(widget, QMainWindow)
    canvas = None if window is None else _canvas(window)
    if canvas is not None and not widget.acceptDrops():
        widget.setAcceptDrops(True)
        widget.installEventFilter(_DropsBeside(widget, viewer, canvas))


class _Drops(QObject):
    """Takes drops of files that this plugin reads before the widget they fall on does."""

    def __init__(self, parent: QWidget, viewer: Any) -> None:
        super().__init__(parent)
        self.setObjectName(_NAME)
        self._viewer = viewer

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Open a drop of files that this plugin reads, and keep it from napari."""
        if not isinstance(event, QDropEvent) or event.type() != QEvent.Type.Drop:
            return False
        keys, paths = event.modifiers(), _paths_of(event)
        if keys & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
            return False
        if not paths or not open_files(self._viewer, paths):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        if watched is not None:  # the welcome screen marks itself while files are over it
            QApplication.sendEvent(watched, QDragLeaveEvent())
        return True


class _DropsBeside(_Drops):
    """Takes all files that are dropped on a widget; those not read here are given to the picture."""

    def __init__(self, parent: QWidget, viewer: Any, canvas: QtViewer) -> None:
        super().__init__(parent, viewer)
        self._canvas = canvas

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Accept files that are dragged over the widget, and open those that are dropped."""
        if not isinstance(event, QDropEvent) or not _paths_of(event):
            return False
        if event.type() == QEvent.Type.Drop and not super().eventFilter(watched, event):
            self._canvas.dropEvent(event)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        return True


def _paths_of(event: QDropEvent) -> list[str]:
    """Return the files and folders of a drop; none where anything else is in it."""
    mime = event.mimeData()
    urls = [] if mime is None else mime.urls()
    paths = [str(Path(url.toLocalFile())) for url in urls if url.isLocalFile()]
    return paths if len(paths) == len(urls) else []


def _canvas(window: QMainWindow) -> QtViewer | None:
    central = window.centralWidget()
    if central is None or isinstance(central, QtViewer):
        return central
    return central.findChild(QtViewer)
