"""The list of steps: specimen, *Open …*, *Sample*, *Save*, and one row per step."""

from __future__ import annotations

from functools import partial
from typing import Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_snpore.viewer.forms.form import ruler
from napari_snpore.viewer.workbench.header import LABEL_MARGINS_PX
from napari_snpore.viewer.workbench.step_row import StepRow
from napari_snpore.viewer.workbench.step_states import NOTHING_YET

_STEPS = 11
_WIDTH = 360
"""Preferred width (px), that of a form."""
_SHARE = 0.45
"""Largest share of the instrument's height that the list gets above a form."""


class StepList(QWidget):
    """Whose steps are shown, what opens files and saves the work, and the rows.

    Signals
    -------
    pressed : object
        The row.
    sample_asked : str
        The key of a sample.
    recipe_asked, window_asked
        The recipe of the specimen, or the whole window, is to be saved.
    """

    pressed = Signal(object)
    sample_asked = Signal(str)
    recipe_asked = Signal()
    window_asked = Signal()

    def __init__(self, samples: list[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._above_form = False
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 2, 6, 4)
        column.setSpacing(4)
        column.addLayout(self._top_line(samples))
        self.sentence = QLabel(NOTHING_YET)
        self.sentence.setWordWrap(True)
        column.addWidget(self.sentence)
        inside = QWidget()
        lines = QVBoxLayout(inside)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        self.rows = [StepRow() for _ in range(_STEPS)]
        for row in self.rows[:-1]:
            lines.addWidget(row)
        lines.addWidget(ruler())
        lines.addWidget(self.rows[-1])
        lines.addStretch(1)
        for row in self.rows:
            row.clicked.connect(partial(self._press, row))
        self.scroll_area = QScrollArea()
        self.scroll_area.setWidgetResizable(True)
        self.scroll_area.setFrameShape(QFrame.Shape.NoFrame)
        self.scroll_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.scroll_area.setWidget(inside)
        column.addWidget(self.scroll_area, 1)

    def _top_line(self, samples: list[tuple[str, str]]) -> QHBoxLayout:
        self.title = QElidingLabel()
        self.title.setEllipsesWidth(LABEL_MARGINS_PX)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.specimen_box = QComboBox()
        self.specimen_box.setToolTip(
            "Specimen whose steps are shown, by the first part of its layers' names. It follows the layer selected in\n"
            "napari."
        )
        self.specimen_box.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.specimen_box.setMinimumContentsLength(8)
        self.open_button = QPushButton("Open …")
        self.open_button.setToolTip(
            "Open tilt series, volumes or tables; each file becomes layers of its own."
        )
        self.sample_button = QPushButton("Sample")
        self.sample_button.setToolTip(
            "Open a real tilt series or a phantom fibre to try the steps on."
        )
        menu = QMenu(self.sample_button)
        for key, words in samples:
            entry = menu.addAction(words)
            if entry is not None:
                entry.triggered.connect(partial(self._ask_sample, key))
        self.sample_button.setMenu(menu)
        self.sample_button.setStyleSheet("QPushButton { padding-right: 16px; }")  # of its arrow
        self.save_button = QPushButton("Save")
        self.save_button.setToolTip(
            "Save how the specimen was made as a recipe for 'snpore run', or the whole window into a folder."
        )
        saves = QMenu(self.save_button)
        for words, signal in (
            ("Recipe of this specimen …", self.recipe_asked),
            ("Window … (Ctrl+S)", self.window_asked),
        ):
            entry = saves.addAction(words)
            if entry is not None:
                entry.triggered.connect(partial(_emit, signal))
        self.save_button.setMenu(saves)
        self.save_button.setStyleSheet(self.sample_button.styleSheet())
        line = QHBoxLayout()
        line.addWidget(self.title, 1)
        line.addWidget(self.specimen_box, 1)
        line.addWidget(self.open_button)
        line.addWidget(self.sample_button)
        line.addWidget(self.save_button)
        return line

    def stand_above_form(self, above: bool) -> None:
        """Be no higher than the rows, and than a share of the instrument, while a form is shown."""
        self._above_form = above
        vertical = QSizePolicy.Policy.Maximum if above else QSizePolicy.Policy.Expanding
        self.setSizePolicy(QSizePolicy.Policy.Preferred, vertical)
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        """Return that the height does not follow from the width alone: the rows scroll."""
        return False

    def sizeHint(self) -> QSize:
        """Return the height of all rows, where a form stands below at most a share of the whole."""
        inside, viewport, column = (
            self.scroll_area.widget(),
            self.scroll_area.viewport(),
            self.layout(),
        )
        assert inside is not None
        assert viewport is not None
        assert column is not None
        width = viewport.width()
        rows = (
            inside.heightForWidth(width)
            if inside.hasHeightForWidth()
            else inside.sizeHint().height()
        )
        rest = self.open_button.sizeHint().height() + 10
        if not self.sentence.isHidden():
            rest += self.sentence.heightForWidth(max(100, width)) + column.spacing()
        wanted, above = rows + rest + 4, self.parentWidget()
        if self._above_form and above is not None:
            wanted = min(wanted, round(_SHARE * max(300, above.height())))
        return QSize(max(_WIDTH, super().sizeHint().width()), wanted)

    def minimumSizeHint(self) -> QSize:
        """Return the height of the top line and two rows."""
        return QSize(super().minimumSizeHint().width(), 90)

    def align_names(self) -> None:
        """Let the names of all rows begin at the same place, and their words too."""
        number, name = (
            max(row.number_width for row in self.rows),
            max(row.name_width for row in self.rows),
        )
        for row in self.rows:
            row.number.setFixedWidth(number)
            row.name.setFixedWidth(name)

    def show_specimens(self, names: list[str], specimen: str | None) -> None:
        """Offer the specimens where there are several, else show the name of the one."""
        box = self.specimen_box
        several = len(names) > 1
        if several and [box.itemText(k) for k in range(box.count())] != names:
            box.clear()  # `activated` is emitted for choices of the user alone
            box.addItems(names)
        if several and specimen is not None:
            box.setCurrentIndex(names.index(specimen))
        box.setVisible(several)
        self.title.setVisible(not several)
        self.title.setText(specimen or "")
        self.title.setToolTip(specimen or "")

    def set_theme(self, name: str) -> None:
        """Take the colours of a theme of napari's."""
        theme = get_theme(name)
        ink, ground = QColor(theme.text.as_hex("long")), QColor(theme.background.as_hex("long"))
        for row in self.rows:
            row.set_colors(
                hover=_between(ground, ink, 0.12),
                focus=_between(ground, ink, 0.7),
                faint=_between(ground, ink, 0.6),
                quiet=_between(ground, ink, 0.7),
            )

    def _press(self, row: StepRow, checked: bool = False) -> None:
        del checked
        self.pressed.emit(row)

    def _ask_sample(self, key: str, checked: bool = False) -> None:
        del checked
        self.sample_asked.emit(key)


def _emit(signal: Any, checked: bool = False) -> None:
    del checked
    signal.emit()


def _between(one: QColor, two: QColor, share: float) -> str:
    """Return the colour at a share of the way from one to another."""
    mixed = [round(a + (b - a) * share) for a, b in zip(_rgb(one), _rgb(two), strict=True)]
    return QColor(*mixed).name()


def _rgb(color: QColor) -> tuple[int, int, int]:
    return color.red(), color.green(), color.blue()
