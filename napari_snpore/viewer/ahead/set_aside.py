"""Leaves what lives as long as the window out of garbage collections.

napari collects garbage at every layer that is removed, and Python at times of its own. With the
libraries of a session imported each collection looks at half a million objects, for 0.2 s, in
which the window does not answer; nearly all of them are modules, classes and the window itself, and
never garbage. ``gc.freeze`` sets them aside. What is among them and ends earlier (a layer, a form, a
window) is noted, and all are looked at again from when it goes until it is gone.

What came since is looked at between two clicks, not in the midst of one, as Python would.
"""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.worker import is_working

_SOON_MS, _RARELY_MS = 1000, 10_000

_DUE = 10
"""Collections of young objects after which all that came since are looked at: Python's own number."""

_LATE_S = 0.03  # a timer later than this: the window is in the midst of something

_AT_LAST = 100
"""Where the window never rests, Python looks at all after so many of them by itself."""


class SetAside(QTimer):
    """Objects that no garbage collection looks at.

    Parameters
    ----------
    parent : QObject
        The application.
    is_early : callable
        Whether more is to come that stays, such as imports: then they are set aside again later.
    """

    def __init__(self, parent: QCoreApplication, is_early: Callable[[], bool]) -> None:
        super().__init__(parent)
        self._is_early = is_early
        self._viewers: weakref.WeakSet[Any] = weakref.WeakSet()
        self._ending: weakref.WeakSet[Any] = weakref.WeakSet()
        self._among: weakref.WeakSet[Any] = weakref.WeakSet()
        self._windows: weakref.WeakSet[Any] = weakref.WeakSet()
        self._is_due = self._collects = True
        self._looked = time.monotonic()
        self.setTimerType(Qt.TimerType.PreciseTimer)
        self.timeout.connect(self._look)
        self.start(_SOON_MS)

    def watch(self, viewer: Any) -> None:
        """Follow the layers and the window of a viewer."""
        if viewer not in self._viewers:
            self._viewers.add(viewer)
            connect_while_alive(self, viewer.layers.events.removed, self._on_removed)

    def begin(self) -> None:
        """Set everything aside that there is now."""
        for viewer in self._viewers:
            self._among.update(viewer.layers)
            window = getattr(getattr(viewer, "window", None), "_qt_window", None)
            if window is not None and isalive(window) and window.isVisible():
                self._windows.add(window)
        self._among.update(
            widget for widget in QApplication.allWidgets() if hasattr(widget, "closed")
        )
        gc.freeze()

    def end(self, thing: Any) -> None:
        """Take a layer or form that is going to be deleted into account, if it was set aside."""
        if thing in self._among:
            self._among.discard(thing)
            self._ending.add(thing)
            self._again()

    def _again(self) -> None:
        gc.unfreeze()
        self._is_due = self._collects = True
        self.start(_SOON_MS)

    def _on_removed(self, event: Any) -> None:
        self.end(event.value)

    def _shows_preview(self) -> bool:
        layers = (layer for viewer in self._viewers for layer in viewer.layers)
        return any(kind_of(layer) == "preview" for layer in layers)

    def _look(self) -> None:
        gone = [one for one in self._windows if not isalive(one) or not one.isVisible()]
        if gone:
            self._windows.difference_update(gone)
            self._ending.update(gone)
            self._again()
        now = time.monotonic()
        rests, self._looked = now - self._looked < self.interval() / 1000 + _LATE_S, now
        if gc.get_count()[2] >= _DUE and rests and not self._is_due and not is_working():
            gc.collect()
        if not self._is_due or self._is_early() or is_working() or self._shows_preview():
            return  # what a step holds, or what goes soon, would not be given back
        if len(self._ending) and self._collects:
            self._collects = False
            gc.collect()  # or the next click would, and every one until then would take longer
        if len(self._ending):
            return
        self._is_due = False
        self.begin()
        self.start(_RARELY_MS)


_one: SetAside | None = None


def set_aside(viewer: Any, is_early: Callable[[], bool]) -> None:
    """Leave what stays out of garbage collections from now on, and follow what is removed from a
    viewer.
    """
    global _one
    application = QCoreApplication.instance()
    if _one is None and application is not None:
        gc.set_threshold(*gc.get_threshold()[:2], _AT_LAST)
        _one = SetAside(application, is_early)
        _one.watch(viewer)
        _one.begin()
    elif _one is not None and isalive(_one):
        _one.watch(viewer)


def ends(form: Any) -> None:
    """Say that a form is closed."""
    if _one is not None and isalive(_one):
        _one.end(form)
