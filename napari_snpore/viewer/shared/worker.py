"""Runs a step in a worker thread with a progress bar, the time left, *Finish now*, *Cancel*, and an
error sentence.

The GUI thread only starts the step and takes its result. A widget owns one :class:`StepStatus`, the
last line of its form.

Nothing here moves by itself while work runs: on a software renderer each frame of a spinner
(napari's activity has one) or of a busy bar draws the whole window again, which made steps three
times as slow.
"""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

from napari.layers import Layer
from napari.qt.threading import WorkerBase, WorkerBaseSignals
from napari.utils.notifications import notification_manager, show_error, show_warning
from qtpy.compat import isalive
from qtpy.QtCore import QEventLoop, QObject, Qt, QThreadPool, QTimer, Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError, Stopped
from napari_snpore.kernels import Waiting, waiting_as
from napari_snpore.memory import NotEnoughMemoryError, free_memory, size_text
from napari_snpore.time_left import TimeLeft, time_left_words
from napari_snpore.viewer.preferences import use_limits
from napari_snpore.viewer.shared.events import calling_viewer, connect_while_alive
from napari_snpore.viewer.shared.long_words import WrappingLabel

Result = TypeVar("Result")

Work = Callable[[Progress, ShouldStop], Result]
"""``work(progress, should_stop)``, run in a thread; it must not read or change layers or
widgets.
"""

_PROGRESS_INTERVAL_S = 0.05

_FRESH_S = 0.5
"""A sentence younger than this belongs to the change that the user has just made."""
_PREPARING_INTERVAL_S = 0.25
_LONG_S = 8.0  # after this time the bar of a preparation has come two thirds of its way
_SURE_S = 3.0  # a time left is said at least so long after the last progress
_PREPARING = "First time on this machine: preparing, about 10 s."
"""While kernels are compiled in another process; see :mod:`napari_snpore.kernel_process`."""


_RUNNING: set[Worker] = set()


def is_working() -> bool:
    """Return whether a step or a preview of any form runs."""
    return bool(_RUNNING)


class _Signals(WorkerBaseSignals):
    progressed = Signal(int, int)
    preparing = Signal(bool)


class Worker(WorkerBase):
    """Runs one step; emits its progress as a signal, at most twenty times per second.

    It stops on request, and when the widget that takes its result is deleted.
    """

    def __init__(self, work: Work[Any], owner: QObject | None = None) -> None:
        super().__init__(SignalsClass=_Signals)
        self._step = work
        self._owner = None if owner is None else weakref.ref(owner)
        self._last_progress_s = 0.0
        self._last_preparing_s = 0.0
        use_limits()

    def run(self) -> None:
        """Run in the thread; where the program ends meanwhile, nobody is told of the end.

        Qt deletes the signals then, and an exception that leaves a thread of its pool ends the
        process.
        """
        try:
            super().run()
        except RuntimeError:
            if isalive(self.signals):
                raise

    def work(self) -> Any:
        """Run in the thread.

        Qt's pool has a thread for each core: it gets one more meanwhile, so that the previews of
        the other forms do not wait for the end of two long steps.
        """
        pool = QThreadPool.globalInstance()
        assert pool is not None
        pool.releaseThread()
        _RUNNING.add(self)
        try:
            with waiting_as(Waiting(self._should_stop, self._prepare)):
                return self._step(self._report, self._should_stop)
        finally:
            _RUNNING.discard(self)
            pool.reserveThread()

    def _should_stop(self) -> bool:
        if self.abort_requested or self._owner is None:
            return bool(self.abort_requested)
        owner = self._owner()
        return owner is None or not isalive(owner)

    def _report(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last_progress_s >= _PROGRESS_INTERVAL_S or done == total:
            self._last_progress_s = now
            self.progressed.emit(done, total)

    def _prepare(self, waits: bool) -> None:
        """Take that the step waits for its kernels, or no longer; called from any thread."""
        now = time.monotonic()
        if now - self._last_preparing_s >= _PREPARING_INTERVAL_S or not waits:
            self._last_preparing_s = now
            self.preparing.emit(waits)


@dataclass(frozen=True, eq=False)
class InUse:
    """The layers that a step works on, or that a sentence is about: both end with them.

    Attributes
    ----------
    viewer : ViewerModel
    layers : tuple of Layer
    end : str
        What did not come about when one of them is removed.
    """

    viewer: Any
    layers: tuple[Layer, ...]
    end: str = "nothing was made"

    @property
    def gone(self) -> Layer | None:
        """The first layer that is not in the viewer any more."""
        return next((one for one in self.layers if one not in self.viewer.layers), None)


class StepStatus(QWidget):
    """Runs one step at a time and shows its name, progress, time left and *Cancel*; then its result
    or its error.
    """

    busy_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = WrappingLabel()
        self.message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.bar = QProgressBar()
        self.bar.setTextVisible(True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop this step; nothing of it is kept.")
        self.cancel_button.clicked.connect(self.cancel)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        self.finish_button = QPushButton("Finish now")
        self.finish_button.setToolTip("End here and keep what there is so far.")
        self.finish_button.clicked.connect(self.finish)
        line.addWidget(self.bar, 1)
        line.addWidget(self.finish_button)
        line.addWidget(self.cancel_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(line)
        layout.addWidget(self.message)
        self._running: list[Worker] = []  # at most one
        self._done: Callable[[Any], None] | None = None
        self._finish: Event | None = None
        self._of: InUse | None = None
        self._said_of: InUse | None = None
        self._watched: weakref.WeakSet[Any] = weakref.WeakSet()
        self._what = ""
        self._failed = False
        self._problem = ""
        self._time_left = TimeLeft(0.0)
        self._preparing_since: float | None = None
        self._no_time = QTimer(self)
        self._no_time.setSingleShot(True)
        self._no_time.timeout.connect(self._on_no_time)
        self._show_busy(False)
        self.say("")

    @property
    def busy(self) -> bool:
        """Whether a step runs."""
        return bool(self._running)

    @property
    def what(self) -> str:
        """Name of the step that runs, or that ran last."""
        return self._what

    @property
    def failed(self) -> bool:
        """Whether the last step ended with an error; not where it was cancelled."""
        return self._failed

    @property
    def problem(self) -> str:
        """What is shown as a problem, without its sign; empty where nothing is."""
        return self._problem

    @property
    def share(self) -> float | None:
        """How much of the running step is done, from 0 to 1; None where it is not known."""
        most = self.bar.maximum()
        return self.bar.value() / most if self.busy and most > 0 else None

    def run(
        self,
        what: str,
        work: Work[Result],
        done: Callable[[Result], None],
        *,
        finish: Event | None = None,
        of: InUse | None = None,
    ) -> None:
        """Run ``work`` in a thread and give its result to ``done`` in the GUI thread.

        A step that still runs is cancelled and its result dropped.

        Parameters
        ----------
        what : str
            Shown while it runs, such as ``"Reconstruct"``.
        work : callable
            ``work(progress, should_stop)``.
        done : callable
            Called with the result; not called when the step fails or is cancelled.
        finish : Event, optional
            Set by *Finish now*, which is shown only where this is given; ``work`` then returns what
            it has.
        of : InUse, optional
            Layers whose removal cancels the step, which is then said.
        """
        self.drop()
        self._finish, self._of = finish, of
        self._watch(of)
        worker = Worker(work, self)
        self._running.append(worker)
        self._done, self._what, self._failed = done, what, False
        self._time_left = TimeLeft(time.monotonic())
        self._preparing_since = None
        worker.progressed.connect(self._on_progress)
        worker.preparing.connect(self._on_preparing)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.warned.connect(_relay_warning)
        worker.finished.connect(self._on_finished)
        self.say("")
        self._show_busy(True)
        worker.start()

    def finish(self) -> None:
        """Ask the running step to end early and keep its result."""
        if self.busy and self._finish is not None:
            self._finish.set()
            self.finish_button.setEnabled(False)
            self.bar.setFormat(f"{self._what}: finishing")

    def cancel(self) -> None:
        """Ask the running step to stop; it ends at its next block of work."""
        if self.busy:
            _quit_all(self._running)
            self.bar.setFormat(f"{self._what}: stopping")

    def drop(self) -> None:
        """Cancel the running step and ignore its result: its input was removed."""
        if self.busy:
            _quit_all(self._running)
            self._end()

    def wait(self) -> None:
        """Return when no step runs; Qt's events are processed meanwhile. For scripts."""
        while self.busy:
            loop = QEventLoop()
            self.busy_changed.connect(loop.quit)
            loop.exec()

    def say(self, sentence: str, *, problem: bool = False, of: InUse | None = None) -> None:
        """Show a sentence below the bar; a problem opens with a sign.

        Parameters
        ----------
        sentence : str
            Empty takes away what is shown.
        problem : bool
            Whether it says what went wrong.
        of : InUse, optional
            Layers that the sentence is about: it goes with the first that is removed.
        """
        self._said_of = of
        self._watch(of)
        self._problem = sentence if problem else ""
        self.message.setText(f"⚠ {sentence}" if self._problem else sentence)
        self.message.setVisible(bool(sentence))
        self._problem_s = time.monotonic() if self._problem else math.inf

    def forget_problem(self) -> None:
        """Take a problem away once the user changes what may have caused it.

        A refusal that the same change has just caused stays.
        """
        if time.monotonic() - self._problem_s > _FRESH_S:
            self.say("")

    def refuse(self, error: InputError) -> None:
        """Show an error of the user's, here and as a napari notification: one sentence, no
        traceback.
        """
        self.say(str(error), problem=True)
        show_error(str(error))

    def _watch(self, of: InUse | None) -> None:
        """Notice from now on which layers of a viewer are removed."""
        if of is not None and of.viewer not in self._watched:
            self._watched.add(of.viewer)
            connect_while_alive(self, of.viewer.layers.events.removed, self._on_removed)

    def _on_removed(self, event: Any) -> None:
        """Cancel a step whose layer is gone: its result would be of nothing. A sentence about a
        layer goes with it.
        """
        del event
        if self._said_of is not None and self._said_of.gone is not None:
            self.say("")
        gone = None if self._of is None or not self.busy else self._of.gone
        if gone is not None and self._of is not None:
            end = self._of.end
            self.drop()
            self.say(f"'{gone.name}' was removed meanwhile; {end}.", problem=True)

    def _on_progress(self, done: int, total: int) -> None:
        if self.sender() is not self._signals():
            return
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        if self._finish is not None and self._finish.is_set():
            return  # the bar says that it is finishing
        if self._preparing_since is not None:
            self._preparing_since = None
            self.say("")
        left = self._time_left.after(done / max(total, 1), time.monotonic())
        self._show_share(done, total, time_left_words(left))
        if left is not None:  # said no longer when the step does not come on as it was said
            self._no_time.start(round(1000 * max(_SURE_S, left / 2)))

    def _show_share(self, done: int, total: int, left: str = "") -> None:
        words = f"{100 * done // max(total, 1)} %"
        self.bar.setFormat(f"{self._what}: {words} · {left}" if left else f"{self._what}: {words}")

    def _on_no_time(self) -> None:
        if self.busy and not self._running[0].abort_requested:
            self._show_share(self.bar.value(), self.bar.maximum())

    def _on_preparing(self, waits: bool) -> None:
        """Say that kernels are compiled, with a bar that comes ever closer to its end.

        It is said until the step reports progress: one kernel comes after another.
        """
        if self.sender() is not self._signals() or self._running[0].abort_requested:
            return
        now = time.monotonic()
        if not waits:
            self._time_left.restart(now)
            return
        if self._preparing_since is None:
            self._preparing_since = now
            self.say(_PREPARING)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * (1 - math.exp(-(now - self._preparing_since) / _LONG_S))))
        self.bar.setFormat(f"{self._what}: preparing")

    def _on_returned(self, result: Any) -> None:
        if self.sender() is self._signals():
            done = self._done
            self.say("")
            self._end()
            if done is not None:
                try:
                    done(result)
                except InputError as error:
                    self._failed = True
                    self.refuse(error)

    def _on_errored(self, error: Exception) -> None:
        if self.sender() is not self._signals():
            return
        self._failed = not isinstance(error, Stopped)
        self._end()
        if isinstance(error, Stopped):
            self.say(f"{self._what} was cancelled; nothing was kept.")
        elif isinstance(error, InputError):
            self.refuse(error)
        elif isinstance(error, MemoryError):
            free = size_text(free_memory())
            self.refuse(
                NotEnoughMemoryError(
                    f"{self._what} ran out of memory with {free} free, and nothing of it was kept; close other programs, or "
                    "crop or bin the data."
                )
            )
        else:
            self.say(f"{self._what} failed: {type(error).__name__}: {error}", problem=True)
            notification_manager.receive_error(type(error), error, error.__traceback__)

    def _on_finished(self) -> None:
        if (
            self.sender() is self._signals()
        ):  # the current step: it ended without a result because it was cancelled
            self._end()
            self.say(f"{self._what} was cancelled; nothing was kept.")

    def _signals(self) -> Any:
        return self._running[0].signals if self._running else None

    def _end(self) -> None:
        self._running.clear()
        self._done = self._of = None
        self._no_time.stop()
        self._show_busy(False)

    def _show_busy(self, busy: bool) -> None:
        self.bar.setVisible(busy)
        self.cancel_button.setVisible(busy)
        self.finish_button.setVisible(busy and self._finish is not None)
        self.finish_button.setEnabled(True)
        if busy:
            self.bar.setRange(0, 1)
            self.bar.setValue(0)
            self.bar.setFormat(f"{self._what}: starting")
        self.busy_changed.emit(busy)


def run_alive(what: str, work: Work[Result]) -> Result:
    """Run ``work`` in a thread and return its result; Qt's events are processed meanwhile.

    For what napari calls and expects a result of, such as samples. Without a window it just runs.
    """
    viewer = calling_viewer()
    if viewer is None:
        return work(lambda done, total: None, lambda: False)
    found: list[Result] = []
    failed: list[Exception] = []
    loop = QEventLoop()
    worker = Worker(work, viewer.window._qt_window)  # no work for a window that was closed
    worker.returned.connect(found.append)
    worker.errored.connect(failed.append)
    worker.warned.connect(_relay_warning)
    worker.finished.connect(loop.quit)
    viewer.status = f"{what} …"
    worker.start()
    loop.exec()
    viewer.status = "Ready"
    if failed:
        raise failed[0]
    if not found:
        raise Stopped(f"{what} was cancelled; nothing was kept.")
    return found[0]


def _quit_all(workers: list[Worker]) -> None:
    for worker in workers:
        worker.quit()


def _relay_warning(shown: tuple[Any, ...]) -> None:
    show_warning(str(shown[0]))
