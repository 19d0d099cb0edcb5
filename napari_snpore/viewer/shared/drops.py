"""Files dropped on the canvas of a window that shows a widget of this plugin: opened without the
choice of a reader.

napari asks for a reader for every TIFF, OME-Zarr and folder that several plugins may read, and
opens several files one by one. Drops with Shift or Alt, or with any file that this plugin does not
read, are left to napari.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.file_opener import open_files

_NAME = "napari_snpore drops"


def take_drops(widget: QWidget, viewer: Any) -> None:
    """Open the files dropped on the window of a widget; installed once per window."""
    window = ancestor(widget, QMainWindow)
    canvas = None if window is None or window.centralWidget() is None else _canvas(window)
    if canvas is not None and window is not None and window.findChild(QObject, _NAME) is None:
        canvas.installEventFilter(_Drops(window, viewer))


class _Drops(QObject):
    def __init__(self, window: QMainWindow, viewer: Any) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        self._viewer = viewer

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Open a drop of files that this plugin reads, and keep it from napari."""
        del watched
        if not isinstance(event, QDropEvent) or event.type() != QEvent.Type.Drop:
            return False
        mime, keys = event.mimeData(), event.modifiers()
        if mime is None or keys & (
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier
        ):
            return False
        urls = mime.urls()
        paths = [str(Path(url.toLocalFile())) for url in urls if url.isLocalFile()]
        if not paths or len(paths) < len(urls) or not open_files(self._viewer, paths):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        return True


def _canvas(window: QMainWindow) -> QtViewer | None:
    central = window.centralWidget()
    return (
        central
        if isinstance(central, QtViewer)
        else central.findChild(QtViewer)
        if central is not None
        else None
    )
