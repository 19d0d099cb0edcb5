"""What the Workbench shows of the guided tour: the invitation in an empty window, then one sentence
and three buttons.
"""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_snpore.viewer.forms.form import caveat
from napari_snpore.viewer.tour.tour import Tour

_INVITATION = (
    "<b>New here?</b> One click takes a real tilt series of a needle through all steps, to a plate."
    " Leave whenever you like."
)
_OVER = (
    "<b>That was the whole way</b>, from tilts to a plate. For your own data: <i>Open …</i>, or drop a"
    " file on the window; each step is in the list below."
)


class TourPanel(QFrame):
    """Invitation, or the present station with *Next*, *Go on by itself* and *Leave*.

    Parameters
    ----------
    tour : Tour
        The one that is shown and steered.
    """

    def __init__(self, tour: Tour) -> None:
        super().__init__()
        self._tour = tour
        self._invites = False
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.RichText)
        self.start_button = QPushButton("Start with the needle")
        self.start_button.setToolTip(
            "Opens the sample and does every step in its own form, one after the other."
        )
        self.next_button = QPushButton("Next")
        self.next_button.setToolTip("Go to the next step of the tour.")
        self.itself_button = QPushButton("Go on by itself")
        self.itself_button.setCheckable(True)
        self.itself_button.setToolTip(
            "Do all steps without Next, with some seconds to look in between."
        )
        self.leave_button = QPushButton("Leave")
        self.leave_button.setToolTip("End the tour here. Everything that was made stays.")
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        for button in (
            self.start_button,
            self.next_button,
            self.itself_button,
            self.leave_button,
        ):
            line.addWidget(button)
        line.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addLayout(line)
        self.start_button.clicked.connect(tour.start)
        self.next_button.clicked.connect(tour.go_on)
        self.itself_button.toggled.connect(tour.go_by_itself)
        self.leave_button.clicked.connect(tour.leave)
        tour.changed.connect(self._show)
        self._show()

    def invite(self, on: bool) -> None:
        """Show the invitation while nothing is open and no tour is on."""
        self._invites = on
        self._show()

    def _show(self) -> None:
        tour = self._tour
        over = tour.state == "over"
        self.setVisible(tour.is_on or self._invites)
        self.start_button.setVisible(not tour.is_on)
        self.next_button.setVisible(tour.is_on and not over)
        self.itself_button.setVisible(tour.is_on and not over)
        self.leave_button.setVisible(tour.is_on)
        self.leave_button.setText("Close" if over else "Leave")
        self.next_button.setText("Try again" if tour.state == "failed" else "Next")
        self.next_button.setEnabled(tour.state in ("done", "failed"))
        blocked = self.itself_button.blockSignals(True)
        self.itself_button.setChecked(tour.by_itself)
        self.itself_button.blockSignals(blocked)
        self.words.setText(self._sentence())

    def _sentence(self) -> str:
        tour = self._tour
        if not tour.is_on:
            return _INVITATION
        if tour.state == "over":
            return _OVER
        number, of = tour.place
        head = f"<b>Tour {number} of {of} · {tour.station.title}</b><br>"
        if tour.state == "failed":
            return head + caveat(tour.problem)
        if tour.state == "done":
            return f"{head}<i>Look at:</i> {tour.station.look}"
        return f"{head}{tour.station.happens}"
