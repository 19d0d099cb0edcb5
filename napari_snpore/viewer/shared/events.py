"""Connects napari events to methods of Qt widgets and disconnects them when the widget is deleted;
finds the viewer behind napari's proxy, and the one that calls a reader.
"""

from __future__ import annotations

import inspect
import sys
import weakref
from collections.abc import Callable
from typing import Any

from napari import current_viewer
from napari.components import ViewerModel
from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEventLoop, QObject

_OPENING = {"open", "open_sample", "_open_or_raise_error", "_add_layers_with_plugins"}
"""Methods of napari's viewer that call readers and samples."""

_OVER = "_snpore_is_over"
"""Attribute of what is connected here: a function that says whether its widget is gone."""


def connect_while_alive(owner: QObject, emitter: Any, callback: Callable[..., Any]) -> None:
    """Connect a napari event until ``owner`` is deleted; a callback into a deleted widget would
    fail.

    Each call checks whether the widget exists, and disconnects otherwise; so does each new
    connection to the same event, as an event that never comes would keep what was connected by
    every form that was closed. Qt's ``destroyed`` signal is not used: Python's garbage collector
    can clear the function connected to it before Qt calls it, which ends the process.
    """
    alive = weakref.ref(owner)
    call = weakref.WeakMethod(callback) if inspect.ismethod(callback) else _always(callback)

    def is_over() -> bool:
        widget = alive()
        return widget is None or call() is None or not isalive(widget)

    def relay(event: Any) -> None:
        target = call()
        if target is None or is_over():
            emitter.disconnect(relay)
            return
        target(event)

    for other in list(getattr(emitter, "callbacks", ())):
        if getattr(other, _OVER, bool)():
            emitter.disconnect(other)
    setattr(relay, _OVER, is_over)
    emitter.connect(relay)


def breathe(viewer: Any) -> None:
    """Let a window be drawn between two parts of long work in the GUI thread; the user's input
    waits.
    """
    if getattr(plain_viewer(viewer), "window", None) is not None:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def plain_viewer(viewer: Any) -> Any:
    """Return the viewer behind the proxy that napari hands to widgets.

    The proxy wraps every layer anew at each access, so that one layer is never the same object
    twice.
    """
    return getattr(viewer, "__wrapped__", viewer)


def calling_viewer() -> Any:
    """Return the viewer whose ``open`` or ``open_sample`` called this; else the current one, or
    None.

    napari passes no viewer to readers and samples, and its ``current_viewer()`` is the window that
    was activated last: with several windows, another one than the one in which a file is opened.
    Only the call stack knows it.
    """
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name in _OPENING:
            viewer = frame.f_locals.get("self")
            if isinstance(viewer, ViewerModel):
                # a bare model has no window to ask in
                return viewer if getattr(viewer, "window", None) is not None else None
        frame = frame.f_back  # type: ignore[assignment]
    return current_viewer()


def _always(callback: Callable[..., Any]) -> Callable[[], Callable[..., Any]]:
    return lambda: callback
