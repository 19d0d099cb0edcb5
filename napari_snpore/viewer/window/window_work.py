"""Work on the whole window in a worker, with a progress bar and *Cancel* at the bottom of the
window while it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from napari.utils.notifications import show_error, show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError, Stopped
from napari_snpore.viewer.shared.worker import StepStatus, Work

Result = TypeVar("Result")


def start_shown(
    viewer: Any, what: str, work: Work[Result], done: Callable[[Result], None]
) -> StepStatus:
    """Run ``work`` in a worker and pass its result to ``done`` in the GUI thread; notify of a
    refusal or a cancellation.

    Closing the bar does not stop the work.
    """
    line, status = _add_line(viewer, what)
    ended: list[Result] = []

    def take(result: Result) -> None:
        ended.append(result)
        done(result)

    def on_busy(busy: bool) -> None:
        if not busy:
            QTimer.singleShot(
                0, close
            )  # later, because StepStatus sets its message after this signal

    def close() -> None:
        if not ended and not status.message.text().startswith(
            "⚠"
        ):  # StepStatus has shown a notification of problems
            show_info(status.message.text())
        _remove_line(
            viewer, line
        )  # this reference keeps the status alive, without which the work would stop

    status.busy_changed.connect(on_busy)
    status.run(what, work, take)
    return status


def run_shown(viewer: Any, what: str, work: Work[Result]) -> Result:
    """Run ``work`` in a worker and return its result; the window remains responsive meanwhile.

    Raises
    ------
    Stopped
        The user cancelled.
    Exception
        Any error that ``work`` raised.
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
        except Exception as error:  # raised below, in the thread of the caller
            failed.append(error)

    status.run(what, caught, lambda _: None)
    status.wait()
    _remove_line(viewer, line)
    if failed:
        raise failed[0]
    if not found:
        raise Stopped(f"{what} was cancelled; nothing was kept.")
    return found[0]


def notify(sentence: str, notes: Sequence[str]) -> None:
    """Show a notification of what was done, and a warning with the notes."""
    show_info(sentence)
    if notes:
        show_warning("\n".join(notes))


def refuse(error: InputError) -> None:
    """Show the sentence of an error as a notification."""
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
    with contextlib.suppress(
        LookupError, RuntimeError
    ):  # it was closed by the user or with the window
        viewer.window.remove_dock_widget(line)
