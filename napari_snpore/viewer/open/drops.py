"""Files dropped on the picture of a window that shows one of our widgets: opened by us without a question which reader to take.

napari asks for every TIFF, OME-Zarr and folder, which more than one plugin may read, and takes several files one by one. With
Shift, Alt or any file that is not ours the drop stays napari's.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from napari.qt import QtViewer
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_snpore.viewer.shared.docking import ancestor

_NAME = "napari_snpore drops"


def take_drops(widget: QWidget, viewer: Any) -> None:
    """Take over the drops on the window that a widget stands in, once for each window."""
    window = ancestor(widget, QMainWindow)
    picture = None if window is None or window.centralWidget() is None else _picture(window)
    if picture is not None and window is not None and window.findChild(QObject, _NAME) is None:
        picture.installEventFilter(_Drops(window, viewer))


class _Drops(QObject):
    def __init__(self, window: QMainWindow, viewer: Any) -> None:
        super().__init__(window)
        self.setObjectName(_NAME)
        self._viewer = viewer

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Open what is ours."""
        del watched
        if event is None or event.type() != QEvent.Type.Drop:
            return False
        mime, keys = event.mimeData(), event.modifiers()  # type: ignore[attr-defined]
        if mime is None or keys & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.AltModifier):
            return False
        urls = mime.urls()
        paths = [str(Path(url.toLocalFile())) for url in urls if url.isLocalFile()]
        from napari_snpore.viewer.open.opening import grouped, is_ours, open_paths  # all formats: not needed before

        if not paths or len(paths) < len(urls) or not all(is_ours(group) for group in grouped(paths)):
            return False
        event.setDropAction(Qt.DropAction.CopyAction)  # type: ignore[attr-defined]
        event.accept()
        from napari_snpore.viewer.window.window_work import refuse, start_shown

        open_paths(self._viewer, paths, partial(start_shown, self._viewer), refuse)
        return True


def _picture(window: QMainWindow) -> QtViewer | None:
    middle = window.centralWidget()
    return middle if isinstance(middle, QtViewer) else middle.findChild(QtViewer) if middle is not None else None
