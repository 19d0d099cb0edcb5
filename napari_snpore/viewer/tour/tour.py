"""Runs the guided tour: one station after the other, by *Next* or by itself, until it is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget

from napari_snpore.errors import InputError
from napari_snpore.viewer.shared.docking import ancestor
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.tour.stations import STATIONS, Bench, Station

_LOOK_MS = 100
"""Interval (ms) at which it is looked whether a station is finished."""

_IDLE_LOOKS = 10
"""So often a station that does nothing any more is looked at before it counts as failed."""

_READ_MS = 6000
"""Time to read and look (ms) before the tour goes on by itself."""

_LAID_OUT_MS = 200
"""Time (ms) in which a form is laid out with its new result."""

State = Literal["off", "starting", "working", "done", "failed", "over"]


class Tour(QObject):
    """Guided tour through the forms of one window.

    Nothing is blocked meanwhile: every form can be used, and *Leave* ends the tour at any point
    with all that was made.

    Parameters
    ----------
    bench : Bench
        The Workbench, which also owns the tour.
    stations : sequence of Station
        Default: from the needle to a plate.

    Signals
    -------
    changed
        Station or state changed.
    """

    changed = Signal()

    def __init__(self, bench: Any, stations: Sequence[Station] = STATIONS) -> None:
        super().__init__(bench)
        self._bench: Bench = bench
        self._stations = tuple(stations)
        self._at = self._idle = 0
        self.state: State = "off"
        self.by_itself = False
        self.problem = ""
        self._form: QWidget | None = None
        self._poll = QTimer(self)
        self._poll.setInterval(_LOOK_MS)
        self._poll.timeout.connect(self._look)
        self._reading = QTimer(self)
        self._reading.setSingleShot(True)
        self._reading.setInterval(_READ_MS)
        self._reading.timeout.connect(self.go_on)

    @property
    def station(self) -> Station:
        """The present station."""
        return self._stations[self._at]

    @property
    def place(self) -> tuple[int, int]:
        """Number of the present station, from 1, and how many there are."""
        return self._at + 1, len(self._stations)

    @property
    def is_on(self) -> bool:
        """Whether the tour was started and not left."""
        return self.state != "off"

    def start(self) -> None:
        """Begin with the first station."""
        self._at, self.by_itself = 0, False
        self._enter()

    def go_on(self) -> None:
        """Go to the next station; after a failure, try the present one again."""
        if self.state == "failed":
            self._enter()
        elif self.state == "done":
            if self._at + 1 == len(self._stations):
                self._set_state("over")
                return
            self._at += 1
            self._enter()

    def go_by_itself(self, on: bool) -> None:
        """Go on without *Next* from here on, or stop doing so."""
        self.by_itself = on
        if on and self.state == "done":
            self.go_on()
        elif not on:
            self._reading.stop()
        self.changed.emit()

    def leave(self) -> None:
        """End the tour; what was made stays, and what runs goes on."""
        self._poll.stop()
        self._reading.stop()
        self._set_state("off")

    def _enter(self) -> None:
        self.problem, self._form, self._idle = "", None, 0
        self._reading.stop()
        self._set_state("starting")
        # the sentence is drawn before the work begins
        QTimer.singleShot(0, self._open)

    def _open(self) -> None:
        if self.state != "starting":
            return
        station = self.station
        try:
            if station.step:
                self._bench.open_step(station.step)
            self._poll.start()
        except InputError as error:
            self._fail(str(error))

    def _look(self) -> None:
        station = self.station
        if station.form is not None and (self._form is None or not isalive(self._form)):
            self._form = _form_in_window(self._bench, station.form)
            if self._form is None:
                if self.state == "working":
                    self._fail("The form was closed; Next opens it again.")
                return
        try:
            self._work_on(station)
        except InputError as error:
            self._fail(str(error))
        except Exception:  # a fault of ours: shown by napari once, not at every look
            self._fail("This step failed; the message of napari says how.")
            raise

    def _work_on(self, station: Station) -> None:
        if self._status_busy:
            self._idle = 0
        elif self.state == "starting":
            if station.start(self._bench, self._form):
                self._set_state("working")
        elif self.state == "working":
            self._idle += 1
            if station.is_done(self._bench, self._form):
                self._finish()
            elif self._idle >= _IDLE_LOOKS:
                self._fail(self._message)

    @property
    def _status_busy(self) -> bool:
        return any(status.busy for status in self._statuses)

    @property
    def _message(self) -> str:
        said = [status.message.text() for status in self._statuses]
        return " ".join(words.lstrip("⚠ ") for words in said if words) or "Nothing was made."

    @property
    def _statuses(self) -> list[StepStatus]:
        return [] if self._form is None else self._form.findChildren(StepStatus)

    def _finish(self) -> None:
        self._poll.stop()
        self._set_state("done")
        QTimer.singleShot(_LAID_OUT_MS, self._bring_into_view)
        if self.by_itself:
            self._reading.start()

    def _bring_into_view(self) -> None:
        """Scroll to the result of the station once it has its height."""
        part, form = self.station.part, self._form
        if self.state != "done" or part is None or form is None or not isalive(form):
            return
        shown = part(form)
        scroll = ancestor(shown, QScrollArea)
        if scroll is not None:
            scroll.ensureWidgetVisible(shown, 0, 0)

    def _fail(self, sentence: str) -> None:
        self._poll.stop()
        self.problem = sentence
        self._set_state("failed")

    def _set_state(self, state: State) -> None:
        self.state = state
        self.changed.emit()


def _form_in_window(bench: Bench, kind: type[QWidget]) -> QWidget | None:
    """Return the form of a class that is in the same window as the Workbench; the one shown first."""
    window = bench.window() if isinstance(bench, QWidget) else QApplication.activeWindow()
    found = [] if window is None else window.findChildren(kind)
    return next((form for form in found if form.isVisible()), next(iter(found), None))
