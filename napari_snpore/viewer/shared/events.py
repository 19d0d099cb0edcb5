"""Ties between napari's events and Qt's widgets that end with the widget."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QObject


def connect_while_alive(owner: QObject, emitter: Any, callback: Callable[..., Any]) -> None:
    """Connect a napari event for as long as ``owner`` lives; a callback into a destroyed widget would fail.

    The tie asks when it is called, and goes once the widget is gone. Qt's own ``destroyed`` is no way to learn of it: what is
    connected to that signal can be cleared by Python's garbage collector before Qt calls it, which ends the process.
    """
    alive = weakref.ref(owner)
    call = weakref.WeakMethod(callback) if inspect.ismethod(callback) else _always(callback)

    def tie(event: Any) -> None:
        widget, target = alive(), call()
        if widget is None or target is None or not isalive(widget):
            emitter.disconnect(tie)
            return
        target(event)

    emitter.connect(tie)


def plain_viewer(viewer: Any) -> Any:
    """Return the viewer behind the proxy that napari hands to widgets.

    The proxy wraps every layer anew at each access, so that one layer is never the same object twice.
    """
    return getattr(viewer, "__wrapped__", viewer)


def _always(callback: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    return lambda: callback
