"""Runs, in a worker thread, the latest of the tasks that follow the movement of a slider, a box or
a plane.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QEventLoop, QObject, QTimer, Signal

from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.shared.worker import Worker


class LatestTask(QObject):
    """Runs one task at a time in a worker thread; of the tasks that come meanwhile only the last
    one is run.

    A task that is outdated is asked to stop, and its result is dropped. The first one begins when the
    window has nothing else to do: a form that is opened is drawn before, which would take three times as
    long beside a thread that holds the interpreter lock every other moment.

    Signals
    -------
    done : object
        Result of the latest task, in the GUI thread.
    failed : str
        One sentence, when the latest task fails.
    """

    done = Signal(object)
    failed = Signal(str)
    _idle = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._running: Worker | None = None
        self._dropped = False
        self._next: Callable[[Callable[[], bool]], Any] | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._start)

    @property
    def busy(self) -> bool:
        """Whether a task runs or is about to."""
        return self._running is not None or self._soon.isActive()

    def ask(self, work: Callable[[Callable[[], bool]], Any]) -> None:
        """Run ``work(should_stop)`` when the running task, which is outdated now, has ended."""
        self._next = work
        self._dropped = False
        if self._running is None:
            self._soon.start()
        else:
            self._running.quit()

    def drop(self) -> None:
        """Cancel the running task and the one that waits."""
        self._next = None
        self._dropped = True  # its result can be on its way already
        if self._running is not None:
            self._running.quit()
        elif self._soon.isActive():
            self._soon.stop()
            self._idle.emit()

    def wait(self) -> None:
        """Return when no task runs; Qt's events are processed meanwhile. For scripts."""
        while self.busy:
            loop = QEventLoop()
            self._idle.connect(loop.quit)
            loop.exec()

    def _start(self) -> None:
        work, self._next = self._next, None
        assert work is not None
        worker = Worker(lambda _, should_stop: work(should_stop), self)
        self._running = worker
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.finished.connect(self._on_finished)
        worker.start()

    def _on_returned(self, result: Any) -> None:
        if self._next is None and not self._dropped:
            self.done.emit(result)

    def _on_errored(self, error: Exception) -> None:
        if self._next is None and not self._dropped and not isinstance(error, Stopped):
            plain = isinstance(error, InputError)
            self.failed.emit(str(error) if plain else f"{type(error).__name__}: {error}")

    def _on_finished(self) -> None:
        self._running = None
        if self._next is not None:
            self._start()
        else:
            self._idle.emit()
