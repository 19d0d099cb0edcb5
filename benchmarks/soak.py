"""Hundreds of random actions in a real window: no exception, nothing left over, memory flat.

``xvfb-run -a -s "-screen 0 1600x1000x24" python -m benchmarks.soak --actions 300 --seed 1`` opens
napari, opens each step once and presses its main button, and then does actions that are drawn from
the seed (``benchmarks/soak_actions.py``), with the mouse and the keys where a user has them. Fails
are

* an exception anywhere, in threads and destructors too; a critical message of Qt; a record of
  logging at the level of errors; a step that ends in anything but a result, a refusal or a stop;
* a dialog that is modal, or a window that grows past the size that it was given;
* at rest, every fifty actions, when all layers and forms are gone: more docks, timers, top-level
  widgets or threads than at the first rest, or 10 % more memory.

What was done is printed when it fails, and again with the same seed.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import logging
import random
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, QtMsgType, qInstallMessageHandler
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget

from napari_snpore.errors import InputError

REST_EVERY = 50
GROWTH = 0.10
_PATIENCE_S = 900.0


class Failed(Exception):
    """Something went wrong; the message says what."""


@dataclass
class Watch:
    """Collects what goes wrong anywhere in the process."""

    found: list[str] = field(default_factory=list)
    warned: Counter[str] = field(default_factory=Counter)

    def take_exception(self, kind: Any, error: Any, trace: Any) -> None:
        """Take what no code has caught."""
        self.found.append("".join(traceback.format_exception(kind, error, trace)))

    def take_qt(self, kind: QtMsgType, context: Any, text: str | None) -> None:
        """Take a message of Qt."""
        del context
        bad = kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)
        if bad or "Traceback" in str(text):
            self.found.append(f"Qt: {text}")
        else:
            self.warned[f"Qt: {text}"] += 1

    def take_note(self, note: Any) -> None:
        """Take a notification of napari; refusals in one sentence are none of an exception."""
        error = getattr(note, "exception", None)
        if error is not None:
            self.found.append("".join(traceback.format_exception(error)))
        elif str(note.severity) == "error":
            self.warned[f"refused: {note.message}"] += 1

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch all ways in which something can go wrong unseen."""
        from napari.utils.notifications import notification_manager

        watch = self

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                watch.found.append(f"log of {record.name}: {record.getMessage()}")

        handler = Handler(logging.ERROR)
        before = sys.excepthook, threading.excepthook, sys.unraisablehook
        sys.excepthook = self.take_exception
        threading.excepthook = lambda args: self.take_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        sys.unraisablehook = lambda args: self.take_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        logging.getLogger().addHandler(handler)
        qt_before = qInstallMessageHandler(self.take_qt)
        notification_manager.notification_ready.connect(self.take_note)
        try:
            yield
        finally:
            notification_manager.notification_ready.disconnect(self.take_note)
            qInstallMessageHandler(qt_before)
            logging.getLogger().removeHandler(handler)
            sys.excepthook, threading.excepthook, sys.unraisablehook = before


@dataclass(frozen=True)
class Rest:
    """What is left when all layers and forms are gone."""

    memory_mb: float
    docks: int
    timers: int
    tops: int
    threads: int

    def __str__(self) -> str:
        return (
            f"{self.memory_mb:.0f} MB, {self.docks} docks, {self.timers} timers, {self.tops} "
            f"top-level widgets, {self.threads} threads"
        )


class Soak:
    """A window, the actions done in it, and what was found.

    Attributes
    ----------
    viewer : Viewer
    random : Random
        All that is drawn, actions and their values.
    folder : Path
        Where saved windows and tables go.
    done : list of str
        The actions so far, in words.
    size : (int, int) or None
        The size that the window was given last.
    """

    def __init__(self, viewer: Any, seed: int, folder: Path, *, verbose: bool = False) -> None:
        self.viewer = viewer
        self.random = random.Random(seed)
        self.folder = folder
        self.done: list[str] = []
        self.watch = Watch()
        self.rests: list[Rest] = []
        self.size: tuple[int, int] | None = None
        self._verbose = verbose
        self._guard = QTimer()
        self._guard.setInterval(150)
        self._guard.timeout.connect(self._close_modal)
        self._guard.start()

    @property
    def bench(self) -> Any:
        """The Workbench, opened where it is not."""
        from napari_snpore.viewer.shared.events import plain_viewer

        return plain_viewer(
            self.viewer.window.add_plugin_dock_widget("napari-snpore", "Workbench")[1]
        )

    @property
    def main(self) -> QMainWindow:
        """napari's window."""
        tops = QApplication.topLevelWidgets()
        return next(one for one in tops if isinstance(one, QMainWindow) and one.isVisible())

    def forms(self) -> list[QWidget]:
        """The open forms."""
        return list(self.bench.stack.forms)

    def docks(self) -> list[QDockWidget]:
        """The docks of the plugin, those of hidden stand-ins too, and napari's table of features."""
        docks = self.main.findChildren(QDockWidget)
        return [
            one for one in docks if "snpore" in one.windowTitle() or "Features" in one.windowTitle()
        ]

    def wait(self, seconds: float) -> None:
        """Let the window live for some time."""
        QTest.qWait(max(1, round(1000 * seconds)))

    def close(self) -> None:
        """Look no more for modal windows."""
        self._guard.stop()

    def settle(self) -> None:
        """Wait until no step runs.

        Raises
        ------
        Failed
            One does not end.
        """
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            busy = [one for one in self._statuses() if one.busy]
            if not busy:
                self.wait(0.02)
                return
            self.wait(0.05)
        faulthandler.dump_traceback(file=sys.stderr)
        raise Failed(f"{busy[0].what} does not end")

    def run(self, count: int) -> None:
        """Open each step once, then do so many actions that are drawn from the seed.

        Raises
        ------
        Failed
            Something went wrong; the message begins with what.
        """
        from benchmarks.soak_actions import ACTIONS, first_round

        with self.watch.watching():
            for words in first_round(self):
                self._note(words)
            if count >= REST_EVERY:
                self.rest(compare=False)
            names, weights = list(ACTIONS), [one.weight for one in ACTIONS.values()]
            done = 0
            while done < count:
                (name,) = self.random.choices(names, weights)
                try:
                    words = ACTIONS[name].act(self)
                except InputError as error:
                    words = f"refused: {error}"
                if words is None:
                    continue  # there is nothing to do it with
                self.wait(self.random.choice((0.0, 0.02, 0.1, 0.3)))
                if self.random.random() < 0.6:
                    self.settle()
                done += 1
                self._note(f"{name}: {words}" if words else name)
                if done % REST_EVERY == 0:
                    self.rest()
            self.settle()
            self._note("end")

    def rest(self, *, compare: bool = True) -> None:
        """Take all layers and forms away, and compare what is left with the first rest after
        actions.

        Raises
        ------
        Failed
            There is more than then.
        """
        self.settle()
        while docks := self.docks():
            self.viewer.window.remove_dock_widget(docks[0])
            self.wait(0.02)
        self.viewer.layers.clear()
        self.viewer.dims.ndisplay = 2
        close_notes()
        self.wait(1.0)
        for _ in range(3):
            gc.collect()
            self.wait(0.1)
        trim()
        now = Rest(
            resident_mb(),
            len(self.docks()),
            len(timers()),
            len([one for one in QApplication.topLevelWidgets() if one.isVisible()]),
            threading.active_count(),
        )
        self._note(f"rest: {now}")
        if not compare:
            return
        self.rests.append(now)
        first = self.rests[0]
        if now.docks > 0:
            raise Failed(f"{now.docks} docks are left")
        if now.memory_mb > (1 + GROWTH) * first.memory_mb:
            raise Failed(f"memory grew: {first} → {now}")
        if (
            now.tops > first.tops
            or now.threads > first.threads + 8
            or now.timers > first.timers + 8
        ):
            raise Failed(f"more is left: {first} → {now}")

    def _note(self, words: str) -> None:
        self.done.append(words)
        if self._verbose:
            print(f"{len(self.done):4d} {words}", flush=True)
        if self.watch.found:
            raise Failed(self.watch.found[0])
        size = (self.main.width(), self.main.height())
        if self.size is not None and size != self.size:
            raise Failed(f"the window is {size[0]} × {size[1]}, not {self.size}")

    def _statuses(self) -> list[Any]:
        from napari_snpore.viewer.shared.worker import StepStatus

        tops = QApplication.topLevelWidgets()
        return [one for top in tops for one in top.findChildren(StepStatus)]

    def _close_modal(self) -> None:
        modal = QApplication.activeModalWidget() or QApplication.activePopupWidget()
        if modal is not None:
            self.watch.warned[f"modal or popup: {type(modal).__name__} {modal.windowTitle()}"] += 1
            modal.close()


def close_notes() -> None:
    """Close napari's notes on the canvas, each of which holds half a megabyte.

    They go by themselves after four seconds where the window is the active one. Without a window
    manager none is, and they would pile up.
    """
    from napari._qt.dialogs.qt_notification import NapariQtNotification

    for note in list(NapariQtNotification._instances):
        note.close()


def timers() -> list[QTimer]:
    """Return the timers of Qt that run."""
    return [one for one in gc.get_objects() if isinstance(one, QTimer) and _is_active(one)]


def _is_active(timer: QTimer) -> bool:
    try:
        return bool(timer.isActive())
    except RuntimeError:  # deleted
        return False


def resident_mb() -> float:
    """Return the memory of this process that is in use (MB)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def trim() -> None:
    """Give back what the allocator keeps, where it can (glibc)."""
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return


def main() -> int:
    """Run a soak; return 1 where something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--actions", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quiet", action="store_true", help="list the actions only where it fails")
    options = parser.parse_args()
    import napari

    with tempfile.TemporaryDirectory() as folder:
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1500, 950)
        QTest.qWait(500)
        soak = Soak(viewer, options.seed, Path(folder), verbose=not options.quiet)
        try:
            soak.run(options.actions)
        except Exception as error:  # the list of actions is what reproduces it
            if options.quiet:
                print("\n".join(soak.done))
            words = str(error) if isinstance(error, Failed) else traceback.format_exc()
            print(f"seed {options.seed}, after {len(soak.done)} actions:\n{words}")
            return 1
        for words, count in soak.watch.warned.most_common():
            print(f"{count:4d} {words}")
        print(f"seed {options.seed}: {options.actions} actions, nothing went wrong")
        viewer.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
