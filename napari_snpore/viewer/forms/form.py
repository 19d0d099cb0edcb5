"""Fields and other parts that all forms are built of, and how numbers are worded in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, Qt, QTimer
from qtpy.QtGui import QIcon, QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_snpore.errors import InputError
from napari_snpore.numerals import number as number
from napari_snpore.numerals import percent as percent
from napari_snpore.numerals import signed as signed
from napari_snpore.numerals import with_error as with_error
from napari_snpore.study.report import CAVEAT as CAVEAT

_NARROWEST = 360
_WIDEST = 420
"""Width (px) that a form may ask for; wider ones scroll sideways, the window keeps its size."""
_NARROWEST_BOX = 96
_ANY_HEIGHT = 16777215
"""Qt's largest size of a widget: no limit."""
SETTINGS_HEIGHT = 150
"""Height (px) that results leave to the settings above them where a form is high enough."""
_UNIT = re.compile(r"(\d(?:</b>)?) (%|nm|px|°)")
"""A number and its unit, which stay on one line."""
_BOUND = re.compile(r" (±|=) |(?<=[θλτ]) (?=\d)")
"""Spaces beside signs, and between a symbol and its value, at which no line is broken."""
_NO_BREAK = "\N{NO-BREAK SPACE}"
_RESULT_SHARE = 0.45
"""Share of the height of a form that results get in any case; beyond it they scroll."""


class NumberBox(QDoubleSpinBox):
    """A box for a number with its unit in the label: arrows step, Shift steps ten times as far."""

    def __init__(
        self,
        value: float,
        low: float,
        high: float,
        *,
        step: float = 0.1,
        decimals: int = 2,
        tip: str = "",
    ) -> None:
        super().__init__()
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(step)
        self.setValue(value)
        self.setToolTip(tip)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return a width that usual numbers need, not the longest one that could be typed."""
        return super().minimumSizeHint().boundedTo(QSize(_NARROWEST_BOX, 1000))

    def event(self, event: QEvent | None) -> bool:
        """Leave undo and redo to the form, unless something was just typed here."""
        if _is_undo_of_form(self.lineEdit(), event):
            return False
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Step by ten with Shift; keep the Enter that ends an edit."""
        if _is_undo_of_form(self.lineEdit(), event):
            return
        if event is not None and _steps_by_ten(self, event):
            return
        ends = _ends_edit(self.lineEdit(), event)
        super().keyPressEvent(event)
        if ends and event is not None:
            event.accept()


class CountBox(QSpinBox):
    """A box for a whole number; Shift steps ten times as far."""

    def __init__(self, value: int, low: int, high: int, *, tip: str = "") -> None:
        super().__init__()
        self.setRange(low, high)
        self.setValue(value)
        self.setToolTip(tip)
        self.setKeyboardTracking(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return a width that usual numbers need, not the longest one that could be typed."""
        return super().minimumSizeHint().boundedTo(QSize(_NARROWEST_BOX, 1000))

    def event(self, event: QEvent | None) -> bool:
        """Leave undo and redo to the form, unless something was just typed here."""
        if _is_undo_of_form(self.lineEdit(), event):
            return False
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Step by ten with Shift; keep the Enter that ends an edit."""
        if _is_undo_of_form(self.lineEdit(), event):
            return
        if event is not None and _steps_by_ten(self, event):
            return
        ends = _ends_edit(self.lineEdit(), event)
        super().keyPressEvent(event)
        if ends and event is not None:
            event.accept()


class TextBox(QLineEdit):
    """A line of text; the Enter that ends an edit stays here, the next one runs the main button."""

    def event(self, event: QEvent | None) -> bool:
        """Leave undo and redo to the form, unless something was just typed here."""
        if _is_undo_of_form(self, event):
            return False
        return bool(super().event(event))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Keep the Enter that ends an edit."""
        if _is_undo_of_form(self, event):
            return
        ends = _ends_edit(self, event)
        super().keyPressEvent(event)
        if ends and event is not None:
            event.accept()


class MainButton(QPushButton):
    """The one main button of a form; Enter runs it from anywhere in the form but a field in which
    something was just typed.
    """

    def __init__(self, text: str, tip: str) -> None:
        super().__init__(text)
        self.setToolTip(tip)
        self.setMinimumHeight(32)
        font = self.font()
        font.setBold(True)
        self.setFont(font)


class _NoIcon(QIcon):
    """An empty icon that counts as given: with PySide6 an empty one is false, and superqt, which asks
    for its truth, then has none to set.
    """

    def __bool__(self) -> bool:
        return True


class Fold(QCollapsible):
    """A group of rare settings that opens and closes."""

    def __init__(self, title: str) -> None:
        # the arrow is text: it has the theme's colour
        super().__init__(expandedIcon=_NoIcon(), collapsedIcon=_NoIcon())
        self._title = title
        self.setDuration(0)
        self.form = form_layout()
        inside = QWidget()
        inside.setLayout(self.form)
        self.setContent(inside)
        outer = self.layout()
        if outer is not None:
            outer.setContentsMargins(0, 0, 0, 0)
            outer.setSpacing(2)
            outer.setAlignment(Qt.AlignmentFlag(0))  # else never higher than without wrapped rows
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.toggleButton().setToolTip("Open or close these settings.")
        self.toggled.connect(self._on_toggled)
        self.collapse(animate=False)

    def text(self) -> str:
        """Return the title without its arrow."""
        return self._title

    def setText(self, text: str) -> None:
        """Change the title."""
        self._title = text
        self._show_title(self.isExpanded())

    def sizeHint(self) -> QSize:
        """Return the width of the open fold also when it is closed, so that the dock keeps its
        width.
        """
        return super().sizeHint().expandedTo(QSize(self.content().sizeHint().width(), 0))

    def minimumSizeHint(self) -> QSize:
        """Return the least width of the open fold also when it is closed."""
        return (
            super().minimumSizeHint().expandedTo(QSize(self.content().minimumSizeHint().width(), 0))
        )

    def _on_toggled(self, is_open: bool) -> None:
        self._show_title(is_open)
        self.content().setVisible(is_open)  # Tab skips hidden fields
        self.fit()

    def _show_title(self, is_open: bool) -> None:
        super().setText(f"{'▾' if is_open else '▸'}  {self._title}")

    def fit(self) -> None:
        """Grow to the height of fields that appeared, or wrapped, while the fold was open."""
        if self.isExpanded():
            self.content().setMaximumHeight(_ANY_HEIGHT)  # as the layout around it allows


class ResultText(QLabel):
    """A text of selectable numbers, one per line; empty until there is a result."""

    def __init__(self, tip: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setToolTip(tip)
        self.setVisible(False)
        self._lines: list[str] = []
        self._mark = ""

    def show_lines(self, lines: list[str]) -> None:
        """Show one line per number."""
        self._lines = list(lines)
        self._show()

    def mark(self, words: str) -> None:
        """Put a caveat above the lines, which are then of something older; empty takes it away."""
        if words != self._mark:
            self._mark = words
            self._show()

    def text(self) -> str:
        """Return the text with plain spaces."""
        return super().text().replace(_NO_BREAK, " ")

    def _show(self) -> None:
        lines = [
            _BOUND.sub(
                lambda found: found.group().replace(" ", _NO_BREAK),
                _UNIT.sub(f"\\1{_NO_BREAK}\\2", line),
            )
            for line in self._lines
        ]
        if lines and self._mark:  # in italics as well: a line above is easily missed
            lines = [f"<b>{caveat(self._mark)}</b>", *(f"<i>{line}</i>" for line in lines)]
        self.setText("<br>".join(lines))
        self.setVisible(bool(lines))


class FormScroll(QScrollArea):
    """A scroll area as wide as its dock: a form that is longer than the window scrolls, the window
    keeps its height.
    """

    def __init__(self, highest: int = 700) -> None:
        super().__init__()
        self._highest = highest
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumWidth(_NARROWEST)

    def setWidget(self, inside: QWidget | None) -> None:
        """Take the form, and stay as wide as it needs."""
        super().setWidget(inside)
        if inside is not None:
            inside.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Set the least width when the layout of the form changes."""
        form = self.widget()
        layout_changed = event is not None and event.type() == QEvent.Type.LayoutRequest
        if layout_changed and form is not None and watched is form:
            bar = self.verticalScrollBar()
            bar_width = 0 if bar is None else bar.sizeHint().width()
            around = bar_width + 2 * self.frameWidth()
            wanted = max(_NARROWEST, form.minimumSizeHint().width() + around)
            self.setMinimumWidth(min(wanted, _WIDEST))
        return bool(super().eventFilter(watched, event))

    def sizeHint(self) -> QSize:
        """Return the size of the form, at most as high as fits a laptop's screen."""
        inside = self.widget()
        wanted = QSize(_NARROWEST, 400) if inside is None else inside.sizeHint()
        return QSize(wanted.width(), min(wanted.height(), self._highest))


class SettingsScroll(FormScroll):
    """The settings of a form whose results stand below: what those leave of the height."""

    def __init__(self) -> None:
        super().__init__(SETTINGS_HEIGHT)


class ResultScroll(QScrollArea):
    """The results of a form: as high as they need to be, as long as the settings above keep some
    height; nothing where there are none.

    ``column`` takes the widgets. The form around it is asked for ``height_of_others()``, what
    settings above and buttons below need (px).
    """

    def __init__(self) -> None:
        super().__init__()
        self._settled = QTimer(self)  # once the layout inside has taken its new height
        self._settled.setSingleShot(True)
        self._settled.timeout.connect(self._settle)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        inside = QWidget()
        self._line = ruler()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(8, 0, 8, 0)
        self.column.setSpacing(6)
        self.column.addWidget(self._line)
        self.setWidget(inside)
        inside.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take another height when the results change."""
        inside = self.widget()
        if event is not None and event.type() == QEvent.Type.LayoutRequest and watched is inside:
            if inside is not None:
                self.setMinimumWidth(min(inside.minimumSizeHint().width(), _WIDEST))
            if self.isVisible():
                self._settled.start()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: Any) -> None:
        """Take the height of results that came while the form was hidden."""
        super().showEvent(event)
        self._settled.start()

    def hideEvent(self, event: Any) -> None:
        """Settle nothing that is not seen: a window that is closed may go at any moment."""
        self._settled.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: Any) -> None:
        """Ask for the height of the wrapped text at the new width."""
        super().resizeEvent(event)
        self._settle()

    def _settle(self) -> None:
        """Ask for another height, and have no scroll bar where all fits without it: Qt keeps one
        that makes text so narrow that it needs it.
        """
        self.updateGeometry()
        fits = self._needed() <= self.height()
        policies = Qt.ScrollBarPolicy
        policy = policies.ScrollBarAlwaysOff if fits else policies.ScrollBarAsNeeded
        if policy != self.verticalScrollBarPolicy():
            self.setVerticalScrollBarPolicy(policy)

    def sizeHint(self) -> QSize:
        """Return the height that the results need at this width, at most a share of the form."""
        above = self.parentWidget()
        whole = max(300, 0 if above is None else above.height())
        ask = getattr(above, "height_of_others", None)
        others = ask() if ask is not None else SETTINGS_HEIGHT
        most = max(round(_RESULT_SHARE * whole), whole - others)
        return QSize(_NARROWEST, min(self._needed(), most))

    def minimumSizeHint(self) -> QSize:
        """Return the height of some lines."""
        return QSize(self.minimumWidth(), min(self._needed(), 60))

    def _needed(self) -> int:
        inside, column = self.widget(), self.column
        items = [column.itemAt(k) for k in range(1, column.count())]
        if inside is None or all(item is None or item.isEmpty() for item in items):
            return 0
        around = 2 * self.frameWidth()  # a line that breaks only within it would be cut below
        width = max(self.width() - around, self.minimumWidth() - around, 100)
        height = column.totalHeightForWidth(width) if column.hasHeightForWidth() else -1
        return (max(height, 0) or column.sizeHint().height()) + around + 1


def form_layout() -> QFormLayout:
    """Return rows of label and field that share one look."""
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(8)
    form.setVerticalSpacing(4)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # no row widens the window
    return form


def ruler() -> QFrame:
    """Return a thin line between two parts of a form."""
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    return line


def caveat(sentence: str) -> str:
    """Open a sentence with the caveat sign."""
    return f"{CAVEAT} {sentence}"


def _steps_by_ten(box: QAbstractSpinBox, event: QKeyEvent) -> bool:
    if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and event.key() in (
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
    ):
        box.stepBy(10 if event.key() == Qt.Key.Key_Up else -10)
        return True
    return False


def is_undo(event: QKeyEvent) -> bool:
    """Return whether a key takes back a step."""
    return event.matches(QKeySequence.StandardKey.Undo)


def is_redo(event: QKeyEvent) -> bool:
    """Return whether a key takes back an undo."""
    return event.matches(QKeySequence.StandardKey.Redo)


def _is_undo_of_form(line: QLineEdit | None, event: QEvent | None) -> bool:
    """Say whether a key undoes or redoes, and is left to the form for nothing was typed in a field:
    Qt's fields take these keys also where there is nothing to undo in their text.
    """
    if not isinstance(event, QKeyEvent) or event.type() not in (
        QEvent.Type.ShortcutOverride,
        QEvent.Type.KeyPress,
    ):
        return False
    if not (is_undo(event) or is_redo(event)) or line is None or line.isModified():
        return False
    event.ignore()
    return True


def is_enter(event: QKeyEvent) -> bool:
    """Return whether a key is one of the two Enter keys."""
    return event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)


def _ends_edit(line: QLineEdit | None, event: QKeyEvent | None) -> bool:
    """Say whether this key ends an edit, Enter after something was typed; the next Enter does
    not.
    """
    if line is None or event is None or not is_enter(event) or not line.isModified():
        return False
    line.setModified(False)
    return True


_NEVER = object()
"""In place of settings: nothing was made yet."""


class Freshness(QObject):
    """Compares the present settings of a form with those of its last results.

    A form that shows the numbers of its last run gives the value of all settings that the run took.
    Every change of a field compares them again, so that a sentence never outlives what it was made
    from, and is as before where the old settings come back.

    Parameters
    ----------
    form : QWidget
        All of its fields are watched, those of its parts too.
    results : sequence of ResultText
        Texts that get a line where they are older than the settings.
    settings : callable
        Returns a value that can be compared: everything that a run takes. An ``InputError`` counts
        as other settings.
    cure : str
        What makes the results fresh, such as "Measure makes them fresh".
    missing : callable, optional
        Returns what has to be done before, such as "Open a tilt series"; empty where nothing has to.
    """

    def __init__(
        self,
        form: QWidget,
        results: Sequence[ResultText],
        settings: Callable[[], Any],
        cure: str,
        missing: Callable[[], str] = str,
    ) -> None:
        super().__init__(form)
        self._results, self._settings = tuple(results), settings
        self._cure, self._missing = cure, missing
        self._made_with: Any = _NEVER
        self._reason = ""
        for field in form.findChildren(QWidget):
            on_change(field, self.compare)

    @property
    def is_stale(self) -> bool:
        """Whether results are shown that belong to other settings or to older input."""
        if self._made_with is _NEVER:
            return False
        return bool(self._reason) or self._made_with != self._now()

    def note(self, settings: Any = _NEVER) -> None:
        """Take it that the results shown belong to ``settings``, by default the present ones."""
        self._made_with = self._now() if settings is _NEVER else settings
        self._reason = ""
        self.compare()

    def spoil(self, reason: str) -> None:
        """Mark the results for a reason that no field shows, such as "the phases were edited"."""
        if self._made_with is not _NEVER:
            self._reason = reason
            self.compare()

    def freshen(self) -> None:
        """Take a mark of :meth:`spoil` away: the results followed what had changed."""
        self._reason = ""
        self.compare()

    def compare(self, *_: Any) -> None:
        """Mark the results, or take the mark away."""
        words = ""
        if self.is_stale:
            why = self._reason or "made with other input or settings than those shown now"
            missing = self._missing()
            cure = f"{missing}; then {self._cure}" if missing else self._cure
            words = f"These results are stale: {why}. {cure}."
        for text in self._results:
            text.mark(words)

    def _now(self) -> Any:
        try:
            return self._settings()
        except (InputError, ValueError):
            return None


def on_change(field: QWidget, slot: Callable[..., None]) -> None:
    """Connect to the signal that a field emits when its value changes."""
    if isinstance(field, (QSpinBox, QDoubleSpinBox)):
        field.valueChanged.connect(slot)
    elif isinstance(field, QComboBox):
        field.currentIndexChanged.connect(slot)
    elif isinstance(field, QAbstractButton):
        if field.isCheckable():
            field.toggled.connect(slot)
    elif isinstance(field, QPlainTextEdit):
        field.textChanged.connect(slot)
    elif isinstance(field, QLineEdit) and not isinstance(
        field.parent(), (QSpinBox, QDoubleSpinBox)
    ):
        field.editingFinished.connect(slot)
