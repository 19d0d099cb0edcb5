"""Size of the window and places of its docks, as Qt's own record, read from the main window around
a dock.

For a window without an open dock widget no record is kept.
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

from napari_snpore.viewer.shared.docking import ancestor, instrument_of

_SETTLED_MS = 150
"""Time after which newly shown widgets have taken their default place, which this record then
overrides.
"""


def layout_values(viewer: Any) -> dict[str, Any]:
    """Return size and docks of the window of a viewer; empty for a viewer without a window."""
    main = _main_window(viewer)
    if main is None:
        return {}
    return {
        "size": [main.width(), main.height()],
        "maximised": main.isMaximized(),
        "docks": base64.b64encode(bytes(main.saveState().data())).decode("ascii"),
    }


def set_layout(viewer: Any, layout: Mapping[str, Any]) -> None:
    """Restore size and docks of the window after a short delay; the window never becomes larger
    than the screen.
    """
    found = _main_window(viewer)
    if found is None:
        return
    window = weakref.ref(found)  # a window closed in the meantime is not kept alive
    forms = instrument_of(viewer)
    instrument = None if forms is None else weakref.ref(forms)

    def place(again: bool) -> None:
        main = window()
        if main is not None and isalive(main):
            _place(main, layout)
            holder = None if instrument is None else instrument()
            if isinstance(holder, QWidget) and isalive(holder):
                holder.settle()
            if (
                again
            ):  # this shows hidden forms for the first time, and they then take their default place
                QTimer.singleShot(_SETTLED_MS, lambda: place(again=False))

    QTimer.singleShot(_SETTLED_MS, lambda: place(again=True))


def _place(main: QMainWindow, layout: Mapping[str, Any]) -> None:
    try:
        docks = base64.b64decode(layout.get("docks", ""), validate=True)
    except (binascii.Error, TypeError, ValueError):
        docks = b""
    if docks:
        main.restoreState(
            QByteArray(docks)
        )  # returns False for an invalid record and changes nothing
    if layout.get("maximised"):
        main.showMaximized()
    else:
        _resize(main, layout.get("size", (main.width(), main.height())))


def _resize(main: QMainWindow, size: Any) -> None:
    screen = main.screen()
    if screen is None or main.isMaximized() or main.isFullScreen():
        return
    free, frame = screen.availableGeometry(), main.frameGeometry()
    borders = frame.width() - main.width(), frame.height() - main.height()
    main.resize(
        min(int(size[0]), free.width() - borders[0]), min(int(size[1]), free.height() - borders[1])
    )
    frame = main.frameGeometry()
    main.move(
        max(free.left(), min(frame.left(), free.right() + 1 - frame.width())),
        max(free.top(), min(frame.top(), free.bottom() + 1 - frame.height())),
    )


def _main_window(viewer: Any) -> QMainWindow | None:
    window = getattr(viewer, "window", None)
    docks = () if window is None else window.dock_widgets.values()
    found = (ancestor(widget, QMainWindow) for widget in docks if isinstance(widget, QWidget))
    return next((main for main in found if main is not None), None)
