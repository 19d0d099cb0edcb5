"""Connects napari events to methods of Qt widgets and disconnects them when the widget is
deleted.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject


def connect_while_alive(owner: QObject, emitter: Any, callback: Callable[..., Any]) -> None:
    """Connect a napari event until ``owner`` is deleted; a callback into a deleted widget would
    fail.

    Each call checks whether the widget exists, and disconnects otherwise. Qt's ``destroyed`` signal
    is not used: Python's garbage collector can clear the function connected to it before Qt calls
    it, which ends the process.
    """
    alive = weakref.ref(owner)
    call = weakref.WeakMethod(callback) if inspect.ismethod(callback) else _always(callback)

    def relay(event: Any) -> None:
        widget, target = alive(), call()
        if widget is None or target is None or not isalive(widget):
            emitter.disconnect(relay)
            return
        target(event)

    emitter.connect(relay)


def plain_viewer(viewer: Any) -> Any:
    """Return the viewer behind the proxy that napari hands to widgets.

    The proxy wraps every layer anew at each access, so that one layer is never the same object
    twice.
    """
    return getattr(viewer, "__wrapped__", viewer)


def _always(callback: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    return lambda: callback
