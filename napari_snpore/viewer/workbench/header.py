"""The top line of the instrument: the chosen step with its state, the steps before and after it,
and the button that folds the list.
"""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget
from superqt import QElidingLabel

from napari_snpore.viewer.workbench.work_step import SIGNS, WORDS, WorkStep

_NO_STEP = "Steps"
LABEL_MARGINS_PX = 6
"""Width of the margins of a label, which superqt takes for place of its text."""
_NO_STEP_AFTER = "No step comes after this one; In situ is for images in time."


class StepHeader(QWidget):
    """One line: back, the chosen step with its contents and sign, forth, and the fold of the list.

    Signals
    -------
    moved : int
        -1 for the step before, 1 for the step after.
    folded : bool
        Whether the list of steps is to be folded; emitted for the user alone.
    """

    moved = Signal(int)
    folded = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_folded = False
        self.back_button = _button("◂", "Step before (Ctrl+PageUp).")
        self.forth_button = _button("▸", "Step after (Ctrl+PageDown).")
        self.fold_button = _button("", "")
        self.back_button.clicked.connect(lambda: self.moved.emit(-1))
        self.forth_button.clicked.connect(lambda: self.moved.emit(1))
        self.fold_button.clicked.connect(self._turn)
        self.name, self.words, self.sign = QLabel(_NO_STEP), QElidingLabel(), QLabel()
        font = self.name.font()
        font.setBold(True)
        self.name.setFont(font)
        for label in (self.name, self.words, self.sign):
            label.setTextFormat(Qt.TextFormat.PlainText)  # names of files may look like HTML
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.words.setEllipsesWidth(
            LABEL_MARGINS_PX
        )  # else words that just fit lose their last digit
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 2, 4, 2)
        line.setSpacing(4)
        line.addWidget(self.back_button)
        line.addWidget(self.name)
        line.addWidget(self.words, 1)
        line.addWidget(self.sign)
        line.addWidget(self.forth_button)
        line.addWidget(self.fold_button)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.show_folded(False)

    def show_step(
        self, step: WorkStep | None, *, before: bool, after: str | None, skips: bool = False
    ) -> None:
        """Show the chosen step, whether there is one before it, and the name of the one that comes
        next; ``skips``: it is not the one below in the list.
        """
        self.back_button.setEnabled(before)
        self.forth_button.setEnabled(after is not None)
        self.forth_button.setText(f"{after} ▸" if skips else "▸")
        self.forth_button.setToolTip(
            _NO_STEP_AFTER if after is None else f"Go on to {after} (Ctrl+PageDown)."
        )
        if step is None:
            for label, text in ((self.name, _NO_STEP), (self.words, ""), (self.sign, "")):
                label.setText(text)
            self.setToolTip("")
            return
        self.name.setText(step.name if step.number is None else f"{step.number}  {step.name}")
        self.words.setText(step.words)
        ready = step.state == "ready"  # its sign would be another arrow; the words say it
        self.sign.setText("" if ready else SIGNS[step.state])
        sentences = f"{WORDS[step.state].capitalize()}. {step.hint}"
        self.setToolTip(f"{step.holds}\n{sentences}" if step.holds else sentences)
        self.setAccessibleName(f"{step.name}: {step.words}")
        line = self.layout()
        if line is not None:
            line.activate()  # else new words are drawn once in the old places

    def show_folded(self, is_folded: bool) -> None:
        """Show whether the list below is folded."""
        self._is_folded = is_folded
        self.fold_button.setText("☰" if is_folded else "▴")
        self.fold_button.setToolTip("Show the list of steps." if is_folded else "Fold the list.")

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Fold or unfold the list by a click anywhere on the line."""
        super().mouseReleaseEvent(event)
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._turn()

    def _turn(self) -> None:
        self.show_folded(not self._is_folded)
        self.folded.emit(self._is_folded)


def _button(text: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setToolTip(tip)
    button.setAutoRaise(True)
    button.setMinimumSize(22, 24)
    return button
