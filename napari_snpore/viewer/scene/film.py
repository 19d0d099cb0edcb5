"""Movies of a window that stays responsive: the GUI thread takes one frame per timer tick, a worker
writes the frames.

Frames of a scene can only be made in the GUI thread; encoding them there as well would stop the
window for the whole movie. The queue between the two is short: a slow encoder slows the camera down
instead of filling the memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from threading import Event
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import Stopped
from napari_snpore.files.movies import Frame, write_movie
from napari_snpore.viewer.shared.worker import Worker

_QUEUE = 4  # frames
_REST_MS = 5  # between two frames, for the mouse and other work of the window
_FULL_MS = 20
_LOOK_S = 0.1


class Film(QObject):
    """One movie being made, from frames that only the GUI thread can make.

    Either :meth:`start` it and listen to its signals, or hand :meth:`work` to a
    :class:`~napari_snpore.viewer.shared.worker.StepStatus`: ``status.run("Movie", film.work, done)``. A film is shot once.
    Where it has a parent that goes, it stops, leaves no file, and closes the frames.

    Parameters
    ----------
    path : path
        ``.mp4`` or ``.gif``.
    frames : iterable
        As :func:`~napari_snpore.files.movies.write_movie` takes them; asked in the GUI thread. A
        generator is closed at the end, so that it can put back what it changed.
    total : int
        How many there will be; for the bar only.
    frames_per_second, recipe
        As in :func:`~napari_snpore.files.movies.write_movie`.
    parent : QObject, optional
        Whose life the film shares.
    """

    progressed = Signal(int, int)
    """Frames written, frames in all; at most twenty a second."""

    finished = Signal(object)
    """The file; with the three signals here, the frames are closed already."""

    failed = Signal(object)
    """The exception; an :class:`~napari_snpore.errors.InputError` is one sentence for the user."""

    cancelled = Signal()
    """After :meth:`cancel`: there is no file."""

    _wanted = (
        Signal()
    )  # from the writing thread, so that frames are taken in the thread of this object

    def __init__(
        self,
        path: str | Path,
        frames: Iterable[Frame],
        *,
        total: int,
        frames_per_second: float = 15,
        recipe: Mapping[str, Any] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._path = Path(path)
        self._frames = iter(frames)
        self._total = total
        self._speed = frames_per_second
        self._recipe = recipe
        self._queue: Queue[Frame | Exception | None] = Queue(_QUEUE)
        self._cancel = Event()
        self._over = Event()  # nothing more is written
        self._worker: Worker | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(
            True
        )  # started again after each frame: a screenshot handles events itself
        self._timer.timeout.connect(self._take)
        self._wanted.connect(self._take)
        self.destroyed.connect(partial(_abandon, self._frames, self._cancel))

    @property
    def running(self) -> bool:
        """Whether :meth:`start` was called and none of the three ends has come."""
        return self._worker is not None and not self._over.is_set()

    def start(self) -> None:
        """Start filming and return at once."""
        if self._worker is not None:
            raise RuntimeError("a film is shot once")
        self._worker = worker = Worker(self.work, self)
        worker.progressed.connect(self.progressed)
        worker.returned.connect(self._on_returned)
        worker.errored.connect(self._on_errored)
        worker.start()

    def cancel(self) -> None:
        """Stop at the next frame; nothing of the movie is kept. A movie that is complete already
        stays and finishes.
        """
        self._cancel.set()

    def work(self, progress: Progress, should_stop: ShouldStop) -> Path:
        """Write the movie: a step for a worker thread, while the GUI thread takes the frames."""

        def stopped() -> bool:
            return self._cancel.is_set() or should_stop()

        try:
            check_stop(stopped)
            try:
                self._wanted.emit()
            except RuntimeError:  # the film went between the check and here
                raise Stopped("Stopped on request; nothing was kept.") from None
            return write_movie(
                self._path,
                _Reel(self._queue, self._total, stopped),
                frames_per_second=self._speed,
                recipe=self._recipe,
                progress=progress,
                should_stop=stopped,
            )
        finally:
            self._over.set()

    def _take(self) -> None:
        if self._over.is_set() or self._cancel.is_set():
            _close(self._frames)
            return
        if self._queue.full():
            self._timer.start(_FULL_MS)
            return
        try:
            frame = next(self._frames, None)
        except Exception as error:
            self._queue.put(error)
            return
        self._queue.put(frame)
        if frame is not None:
            self._timer.start(_REST_MS)

    def _on_returned(self, path: Path) -> None:
        self.finished.emit(path)

    def _on_errored(self, error: Exception) -> None:
        _close(self._frames)
        if isinstance(error, Stopped):
            self.cancelled.emit()
        else:
            self.failed.emit(error)


class _Reel:
    """The frames on the side of the writer: waits for each, ends at None, raises what the camera
    raised.
    """

    def __init__(
        self, queue: Queue[Frame | Exception | None], total: int, should_stop: ShouldStop
    ) -> None:
        self._queue = queue
        self._total = total
        self._should_stop = should_stop

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[Frame]:
        while True:
            check_stop(self._should_stop)
            try:
                frame = self._queue.get(timeout=_LOOK_S)
            except Empty:
                continue
            if frame is None:
                return
            if isinstance(frame, Exception):
                raise frame
            yield frame


def _close(frames: Iterator[Frame]) -> None:
    close = getattr(frames, "close", None)
    if close is not None and not getattr(
        frames, "gi_running", False
    ):  # one that handles events now is closed at the next tick
        close()


def _abandon(frames: Iterator[Frame], cancel: Event, *_: object) -> None:
    """Close the frames of a film that is gone, here in the GUI thread and not wherever Python drops
    them.
    """
    cancel.set()
    _close(frames)
