"""Imports what a click asks for while the window goes on being drawn.

The first click of the plugin loads numba, pandas and the formats: a second and a half, in which a
window would not answer.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Thread, current_thread, main_thread
from types import ModuleType

_WAIT_S = 0.01


def load_alive(name: str) -> ModuleType:
    """Import a module in a thread and return it; Qt's events but those of the user are processed
    meanwhile. Where no window is shown it is simply imported.

    Parameters
    ----------
    name : str
        Of the module, dotted.
    """
    if not _is_loaded(name) and current_thread() is main_thread() and _shows_window():
        _load_in_thread(name)
    return import_module(name)  # raises here what it raised in the thread


def _load_in_thread(name: str) -> None:
    from qtpy.QtCore import QCoreApplication, QEventLoop, Qt
    from qtpy.QtWidgets import QApplication

    thread = Thread(target=_import, args=(name,), name="snpore-loading", daemon=True)
    QApplication.setOverrideCursor(Qt.CursorShape.BusyCursor)
    thread.start()
    try:
        while thread.is_alive():
            # a second click waits: it would open a second form
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
            thread.join(_WAIT_S)
    finally:
        QApplication.restoreOverrideCursor()


@contextmanager
def no_collection() -> Iterator[None]:
    """Let no garbage be collected meanwhile: imports make none, and looking at all that they make takes
    0.2 s, in which the interpreter does nothing else.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _import(name: str) -> None:
    try:
        with no_collection():
            import_module(name)
    except Exception:  # met again by the thread of the caller
        return


def _is_loaded(name: str) -> bool:
    """Say whether a module is there, and not still being imported by another thread."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)


def _shows_window() -> bool:
    if "qtpy.QtWidgets" not in sys.modules:
        return False
    from qtpy.QtWidgets import QApplication

    application = QApplication.instance()
    return isinstance(application, QApplication) and any(
        widget.isVisible() for widget in application.topLevelWidgets()
    )
