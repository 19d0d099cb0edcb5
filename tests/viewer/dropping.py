"""Files dropped with the events of the window system, which reach whatever widget lies there."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from qtpy.QtWidgets import QApplication


def drop_on(widget, paths, *, keys=Qt.KeyboardModifier.NoModifier):
    """Drag files over the middle of a widget that is shown and let them go; return whether Qt lets
    them be dropped there.
    """
    window = widget.window()
    place = widget.mapTo(window, widget.rect().center())
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    how = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, keys)
    handle = window.windowHandle()
    entered = QDragEnterEvent(place, *how)
    QApplication.sendEvent(handle, entered)
    if not entered.isAccepted():
        return False
    QApplication.sendEvent(handle, QDragMoveEvent(place, *how))
    QApplication.sendEvent(handle, QDropEvent(QPointF(place), *how, QEvent.Type.Drop))
    return True
