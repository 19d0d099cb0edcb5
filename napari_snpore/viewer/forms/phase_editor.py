"""Panel of number, names and colours of the phases; pore, C and Sn by default."""

from __future__ import annotations

from functools import partial

from qtpy.QtCore import Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QColorDialog, QHBoxLayout, QLineEdit, QPushButton, QWidget

from napari_snpore.errors import InputError
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.forms.form import CountBox, Fold, TextBox


class PhaseEditor(Fold):
    """A count and, for each phase, a colour to click and a name to type."""

    changed = Signal(object)
    """PhaseScheme, when a name or a colour was edited."""
    refused = Signal(object)
    """InputError."""

    def __init__(self) -> None:
        super().__init__("Phases")
        self.box = CountBox(
            3, 2, 5, tip="Number of phases, one more than there are thresholds. 3: pore, C, Sn."
        )
        self.form.addRow("Number of phases", self.box)
        self._scheme = PORE_C_SN
        self.names: list[QLineEdit] = []
        self.colors: list[QPushButton] = []
        self.show_scheme(PORE_C_SN)

    def show_scheme(self, scheme: PhaseScheme) -> None:
        """Show names and colours."""
        self._scheme = scheme
        if len(scheme.names) != len(self.names):
            self._rebuild(len(scheme.names))
        for name, color, field, button in zip(
            scheme.names, scheme.colors, self.names, self.colors, strict=True
        ):
            field.setText(name)
            button.setStyleSheet(f"background: {color}; border: 1px solid gray;")
        blocked = self.box.blockSignals(True)
        self.box.setValue(len(scheme.names))
        self.box.blockSignals(blocked)

    def _rebuild(self, count: int) -> None:
        while self.form.rowCount() > 1:
            self.form.removeRow(1)
        self.names, self.colors = [], []
        for index in range(count):
            field, button, side = TextBox(), QPushButton(), QWidget()
            button.setFixedSize(28, 20)
            button.setToolTip(
                "Choose the colour of this phase; that of new phases is set in File > Preferences > snpore."
            )
            field.setToolTip("Name of this phase, which tables and figures use.")
            line = QHBoxLayout(side)
            line.setContentsMargins(0, 0, 0, 0)
            line.addWidget(button)
            line.addWidget(field)
            self.form.addRow(f"Phase {index + 1}", side)
            field.editingFinished.connect(self._on_edited)
            button.clicked.connect(partial(self._on_color, index))
            self.names.append(field)
            self.colors.append(button)

    def _on_edited(self) -> None:
        self._take(tuple(field.text().strip() for field in self.names), self._scheme.colors)

    def _on_color(self, index: int) -> None:
        chosen = QColorDialog.getColor(
            QColor(self._scheme.colors[index]), self, f"Colour of {self._scheme.names[index]}"
        )
        if chosen.isValid():
            self.set_color(index, chosen.name())

    def set_color(self, index: int, color: str) -> None:
        """Give a phase another colour (#rrggbb)."""
        colors = list(self._scheme.colors)
        colors[index] = color
        self._take(self._scheme.names, tuple(colors))

    def _take(self, names: tuple[str, ...], colors: tuple[str, ...]) -> None:
        if (names, colors) == (self._scheme.names, self._scheme.colors):
            return
        try:
            scheme = checked_scheme(names, colors)
        except InputError as error:
            self.show_scheme(self._scheme)
            self.refused.emit(error)
            return
        self.show_scheme(scheme)
        self.changed.emit(scheme)


def checked_scheme(names: tuple[str, ...], colors: tuple[str, ...]) -> PhaseScheme:
    """Return a scheme whose names are valid in file names, as a recipe requires."""
    from napari_snpore.study.recipe import (
        ThresholdSection,
        checked,
    )  # the study brings in every step: half a second

    return checked(
        ThresholdSection, phases=len(names), names=list(names), colors=list(colors)
    ).scheme
