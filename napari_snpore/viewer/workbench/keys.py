"""Keys of the window while the instrument is open: what they do, and the sheet that lists them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("F1", "this sheet"),
            ("Ctrl+S", "save the window into a folder"),
            ("Ctrl+PageUp, Ctrl+PageDown", "form of the step before, after"),
            ("Esc", "cancel what the shown form is doing"),
        ),
    ),
    (
        "In every form",
        (
            ("Enter", "the main button; in a field that was typed in, take what was typed first"),
            ("Tab, Shift+Tab", "next field, field before"),
            ("↑ ↓ in a field for a number", "one step; with Shift ten"),
            ("Space", "tick, or press the button that has the focus"),
        ),
    ),
    (
        "List of steps",
        (("↑ ↓", "row above, below"), ("Enter, Space", "open the form of the step")),
    ),
    (
        "Threshold",
        (
            ("← →", "move the line chosen on the histogram; with Shift ten times as far"),
            ("Ctrl+Z, Ctrl+Shift+Z", "thresholds before; take back the undo"),
        ),
    ),
    (
        "Subvolumes",
        (("Ctrl+Z, Ctrl+Shift+Z", "boxes before the last drag or number; take back the undo"),),
    ),
    (
        "Slices and 3D view",
        (
            ("left button", "drag the cross-hair, a box or a mark; turn the 3D view"),
            ("wheel", "zoom"),
            ("right button", "drag to zoom"),
            ("Ctrl+Y", "2D and 3D"),
            ("Ctrl+R", "show everything again"),
        ),
    ),
)
"""Groups of (keys, what they do)."""


class KeySheet(QDialog):
    """A small window that lists all keys; it does not block."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setModal(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for title, keys in KEYS:
            head = QLabel(f"<b>{title}</b>")
            head.setContentsMargins(0, 6, 0, 0)
            grid.addWidget(head, grid.rowCount(), 0, 1, 2)
            for key, words in keys:
                line = grid.rowCount()
                what = QLabel(words)
                what.setWordWrap(True)
                grid.addWidget(QLabel(key), line, 0, Qt.AlignmentFlag.AlignTop)
                grid.addWidget(what, line, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(inside)
        QVBoxLayout(self).addWidget(scroll)
        self.resize(520, 560)


class WindowKeys(QObject):
    """Takes keys of a main window before its menus do, wherever the focus is.

    napari's menus own Ctrl+S, which saves selected layers there. As long as the owner is visible
    the key saves the window instead.
    """

    def __init__(self, main: QMainWindow, owner: QWidget) -> None:
        super().__init__(main)
        self._owner = weakref.ref(owner)
        self._actions: list[tuple[QKeySequence, weakref.WeakMethod[Callable[[], Any]]]] = []
        main.installEventFilter(self)

    def bind(self, keys: QKeySequence, action: Callable[[], Any]) -> None:
        """Call a method of the owner on a combination of keys."""
        self._actions.append((keys, weakref.WeakMethod(action)))

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Answer Qt's question whether somebody takes this key before the menus.

        Qt asks the widget with the focus and then its parents up to the window, once a press.
        """
        del watched
        if event is None or event.type() != QEvent.Type.ShortcutOverride:
            return False
        owner = self._owner()
        if not isinstance(event, QKeyEvent) or owner is None or not isalive(owner):
            return False
        if not owner.isVisible() or event.isAutoRepeat():
            return False
        pressed = QKeySequence(event.keyCombination())
        for keys, action in self._actions:
            call = action()
            if call is not None and pressed == keys:
                event.accept()
                call()
                return True
        return False


def canceller(owner: QWidget) -> Callable[[Any], None]:
    """Return what napari calls on Escape, as long as no layer takes the key itself; the owner is
    not kept alive.
    """
    known = weakref.ref(owner)

    def cancel(viewer: Any) -> None:
        del viewer
        widget = known()
        if widget is not None and isalive(widget):
            widget.cancel()  # type: ignore[attr-defined]

    return cancel
