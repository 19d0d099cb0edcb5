"""How large the window is and where its docks stand: Qt's own record of them, asked of the main window around a dock of ours.

A window without one of our widgets has the docks that napari gives it, and no record is kept.
"""

from __future__ import annotations

import base64
import binascii
import weakref
from collections.abc import Mapping
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QByteArray, QTimer
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_snpore.viewer.shared.docking import ancestor

_SETTLED_MS = 150
"""Until widgets that were shown a moment ago have found their place by themselves, which this record overrules."""


def layout_values(viewer: Any) -> dict[str, Any]:
    """Return size and docks of the window around a viewer; empty where there is none."""
    main = _main_window(viewer)
    if main is None:
        return {}
    return {
        "size": [main.width(), main.height()],
        "maximised": main.isMaximized(),
        "docks": base64.b64encode(bytes(main.saveState().data())).decode("ascii"),
    }


def set_layout(viewer: Any, layout: Mapping[str, Any]) -> None:
    """Give the window its size and its docks back, soon; it never gets larger than the screen."""
    found = _main_window(viewer)
    if found is None:
        return
    window = weakref.ref(found)  # one that is closed meanwhile is not held

    def place(again: bool) -> None:
        main = window()
        if main is not None and isalive(main):  # type: ignore[no-untyped-call]
            _place(main, layout)
            if again:  # forms that stood behind others are shown for the first time by this, and look for a place then
                QTimer.singleShot(_SETTLED_MS, lambda: place(again=False))

    QTimer.singleShot(_SETTLED_MS, lambda: place(again=True))


def _place(main: QMainWindow, layout: Mapping[str, Any]) -> None:
    try:
        docks = base64.b64decode(layout.get("docks", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        docks = b""
    if docks:
        main.restoreState(QByteArray(docks))  # says no to a record that it does not understand, and changes nothing
    if layout.get("maximised"):
        main.showMaximized()
    else:
        _resize(main, layout.get("size", (main.width(), main.height())))


def _resize(main: QMainWindow, size: Any) -> None:
    screen = main.screen()
    if screen is None or main.isMaximized() or main.isFullScreen():
        return
    room, frame = screen.availableGeometry(), main.frameGeometry()
    rims = frame.width() - main.width(), frame.height() - main.height()
    main.resize(min(int(size[0]), room.width() - rims[0]), min(int(size[1]), room.height() - rims[1]))
    frame = main.frameGeometry()
    main.move(
        max(room.left(), min(frame.left(), room.right() + 1 - frame.width())),
        max(room.top(), min(frame.top(), room.bottom() + 1 - frame.height())),
    )


def _main_window(viewer: Any) -> QMainWindow | None:
    window = getattr(viewer, "window", None)
    docks = () if window is None else window.dock_widgets.values()
    found = (ancestor(widget, QMainWindow) for widget in docks if isinstance(widget, QWidget))
    return next((main for main in found if main is not None), None)
