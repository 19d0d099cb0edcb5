"""One row of the workbench: a button with the name of a step, its contents, and a sign for its
state.
"""

from __future__ import annotations

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter
from qtpy.QtWidgets import (
    QAbstractButton,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOption,
    QWidget,
)

from napari_snpore.viewer.shared.long_words import breakable
from napari_snpore.viewer.workbench.work_step import SIGNS, WORDS, WorkStep

_NARROWEST = 240
_ABOVE = 1
_AROUND = 6
_QUIET = ("waits", "spare", "later")
"""States in which there is nothing to do here yet."""


class StepRow(QAbstractButton):
    """A row that is pressed like a button: with the mouse, Enter or Space; arrows go to the next
    row.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.step: WorkStep | None = None
        self._chosen = False
        self._mark = QColor()
        self.number, self.name, self.words, self.sign = QLabel(), QLabel(), QLabel(), QLabel()
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.words.setWordWrap(True)
        self.words.setMinimumWidth(60)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.MinimumExpanding)
        self.sign.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.sign.setFixedWidth(20)
        line = QHBoxLayout(self)
        line.setContentsMargins(4, _ABOVE, 4, _ABOVE)
        line.setSpacing(6)
        labels = (self.number, self.name, self.words, self.sign)
        for label in labels:
            line.addWidget(label, int(label is self.words))
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            label.setTextFormat(
                Qt.TextFormat.PlainText
            )  # names of layers and files may look like HTML
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(
            QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred
        )  # a button's own: one line, no more
        self.sign.setObjectName("sign")

    @property
    def name_width(self) -> int:
        """Width of the name in bold, so that nothing moves when another step becomes the next
        one.
        """
        return _width_in_bold(self.name) + _AROUND

    @property
    def number_width(self) -> int:
        """Width of the number in bold."""
        return _width_in_bold(self.number) + _AROUND

    def sizeHint(self) -> QSize:
        """Return the size of one line; more lines are asked for by ``heightForWidth``."""
        return QSize(_NARROWEST, self.name.sizeHint().height() + 2 * _ABOVE)

    def minimumSizeHint(self) -> QSize:
        """Return the size of one line: what a label that wraps asks for would make the rows scroll
        for no reason.
        """
        return self.sizeHint()

    def show_step(
        self, step: WorkStep, *, is_next: bool, available: bool, is_chosen: bool = False
    ) -> None:
        """Show a step and its state; ``is_next``: it is the one to do now; ``is_chosen``: its form
        is shown.
        """
        self.step = step
        if is_chosen != self._chosen:
            self._chosen = is_chosen
            self.update()
        self.setEnabled(available)
        self.number.setText("" if step.number is None else str(step.number))
        self.name.setText(step.name)
        font = self.name.font()
        font.setBold(is_next)
        for label in (self.number, self.name):
            label.setFont(font)
        self.words.setText(breakable(step.words))
        self._show_quiet(step.state in _QUIET)
        self.sign.setText(SIGNS[step.state])
        sentences = f"{WORDS[step.state].capitalize()}. {step.hint}"
        self.setToolTip(f"{step.holds}\n{sentences}" if step.holds else sentences)
        self.setText(f"{step.name}: {step.words}")
        self.setAccessibleName(f"{step.name}: {step.words}")
        self.setAccessibleDescription(sentences)

    def _show_quiet(self, is_quiet: bool) -> None:
        """Draw the words and the sign of a step that waits in a quieter colour."""
        if is_quiet == self.words.property("quiet"):
            return
        for label in (self.words, self.sign):
            label.setProperty("quiet", is_quiet)
            style = label.style()
            if style is not None:  # applies the style sheet to the new property
                style.unpolish(label)
                style.polish(label)

    def set_colors(self, *, hover: str, focus: str, faint: str, quiet: str) -> None:
        """Set the colours of the theme: of the row under the mouse, of the frame around the focus
        and the mark of the chosen row, of what is disabled, of the words of a step that waits.
        """
        self._mark = QColor(focus)
        self.setStyleSheet(
            "StepRow {background: transparent; border: 1px solid transparent; border-radius: 3px;}"
            f"StepRow:hover {{background: {hover};}}"
            f"StepRow:focus {{border: 1px solid {focus};}}"
            "QLabel {background: transparent;}"
            "QLabel#sign {font-size: 11pt;}"
            f'QLabel[quiet="true"] {{color: {quiet};}}'
            f"QLabel:disabled {{color: {faint};}}"
        )

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Press on Enter; go to the row above or below with the arrows."""
        if event is None:
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Down:
            self.focusNextChild()
        elif event.key() == Qt.Key.Key_Up:
            self.focusPreviousChild()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: object) -> None:
        """Draw what the style sheet says of hover and focus, and the mark of the chosen row; the
        labels draw themselves.
        """
        del event
        option = QStyleOption()
        option.initFrom(self)
        painter = QPainter(self)
        style = self.style()
        if style is not None:
            style.drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        if self._chosen:
            painter.fillRect(0, 2, 3, self.height() - 4, self._mark)
        painter.end()


def _width_in_bold(label: QLabel) -> int:
    """Return the width of a label's text in bold; its size hint would grow with its width."""
    label.ensurePolished()
    font = QFont(label.font())
    font.setBold(True)
    return QFontMetrics(font).horizontalAdvance(label.text())
