"""Work on the whole window, shown in a line at its bottom: a bar and *Cancel* while it runs, then gone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.shared.worker import StepStatus, Work

Result = TypeVar("Result")


def start_shown(viewer: Any, what: str, work: Work[Result], done: Callable[[Result], None]) -> StepStatus:
    """Run ``work`` in a thread and give its result to ``done`` in the GUI thread; a refusal or a cancel is notified.

    Who closes the line does not stop the work.
    """
    line, status = _add_line(viewer, what)
    ended: list[Result] = []

    def take(result: Result) -> None:
        ended.append(result)
        done(result)

    def on_busy(busy: bool) -> None:
        if not busy:
            QTimer.singleShot(0, close)  # later: StepStatus says how it ended after it told that it did

    def close() -> None:
        if not ended and not status.message.text().startswith("⚠"):  # problems are notified already
            show_info(status.message.text())
        _remove_line(viewer, line)  # held by this function until the end: the work stops when its status is gone

    status.busy_changed.connect(on_busy)
    status.run(what, work, take)
    return status


def run_shown(viewer: Any, what: str, work: Work[Result]) -> Result:
    """Run ``work`` in a thread and return its result; the window stays alive meanwhile.

    Raises
    ------
    Stopped
        It was cancelled.
    Exception
        What ``work`` raised.
    """
    if getattr(viewer, "window", None) is None:
        return work(lambda done, total: None, lambda: False)
    line, status = _add_line(viewer, what)
    found: list[Result] = []
    failed: list[Exception] = []

    def caught(progress: Progress, should_stop: ShouldStop) -> None:
        try:
            found.append(work(progress, should_stop))
        except Stopped:
            raise
        except Exception as error:  # raised below, where the caller is
            failed.append(error)

    status.run(what, caught, lambda _: None)
    status.wait()
    _remove_line(viewer, line)
    if failed:
        raise failed[0]
    if not found:
        raise Stopped(f"{what} was cancelled; nothing was kept.")
    return found[0]


def tell(sentence: str, notes: Sequence[str]) -> None:
    """Notify what was done, and then what is not as it was."""
    show_info(sentence)
    if notes:
        show_warning("\n".join(notes))


def refuse(error: InputError) -> None:
    """Notify an error of the user's in one sentence."""
    from napari.utils.notifications import show_error

    show_error(str(error))


def _add_line(viewer: Any, what: str) -> tuple[QWidget, StepStatus]:
    status = StepStatus()
    line = QWidget()
    layout = QVBoxLayout(line)
    layout.setContentsMargins(8, 2, 8, 2)
    layout.addWidget(status)
    viewer.window.add_dock_widget(line, name=what, area="bottom")
    return line, status


def _remove_line(viewer: Any, line: QWidget) -> None:
    with contextlib.suppress(LookupError, RuntimeError):  # the user, or the end of the window, was quicker
        viewer.window.remove_dock_widget(line)
