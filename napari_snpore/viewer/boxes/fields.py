"""Fields for name, centre and size of one box in nm; unchanged fields keep the exact value."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Literal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout

from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.forms.form import Fold, NumberBox, TextBox

What = Literal["center_nm", "size_nm"]


class BoxFields(Fold):
    """The numbers of the selected box.

    Signals
    -------
    edited : object
        The box as it is wanted now.
    """

    edited = Signal(object)

    def __init__(self) -> None:
        super().__init__("Selected box")
        self._box: NamedBox | None = None
        self._showing = False
        self.name_box = TextBox()
        self.name_box.setToolTip(
            "What the box is called here, in the CSV and in the names of its parts."
        )
        self.name_box.editingFinished.connect(self._rename)
        self.form.addRow("Name", self.name_box)
        self.center_boxes = self._line(
            "Centre z, y, x (nm)",
            "center_nm",
            -1e7,
            "{} of the centre in nm, the origin of the volume included.",
        )
        self.size_boxes = self._line("Size z, y, x (nm)", "size_nm", 0.01, "Edge along {}, nm.")
        self.show_box(None)
        self.expand(animate=False)

    def show_box(self, box: NamedBox | None) -> None:
        """Show a box, or none."""
        self._box = box
        self._showing = True
        for field in (self.name_box, *self.center_boxes, *self.size_boxes):
            field.setEnabled(box is not None)
        if box is not None:
            if self.name_box.text() != box.name:
                self.name_box.setText(box.name)
            for fields, values in (
                (self.center_boxes, box.center_nm),
                (self.size_boxes, box.size_nm),
            ):
                for field, value in zip(fields, values, strict=True):
                    field.setValue(value)
        self._showing = False

    def _line(self, words: str, what: What, least: float, tip: str) -> list[NumberBox]:
        line, fields = QHBoxLayout(), []
        for axis, letter in enumerate("zyx"):
            field = NumberBox(max(least, 0.0), least, 1e7, step=1.0, tip=tip.format(letter))
            field.setButtonSymbols(NumberBox.ButtonSymbols.NoButtons)
            field.setMinimumWidth(60)
            field.setMinimumWidth(60)
            field.valueChanged.connect(partial(self._type, what, axis))
            line.addWidget(field, 1)
            fields.append(field)
        self.form.addRow(words, line)
        return fields

    def _type(self, what: What, axis: int, value: float) -> None:
        if self._box is None or self._showing:
            return
        values = list(getattr(self._box, what))
        values[axis] = value
        triple = (values[0], values[1], values[2])
        center = what == "center_nm"
        self.edited.emit(
            replace(self._box, center_nm=triple) if center else replace(self._box, size_nm=triple)
        )

    def _rename(self) -> None:
        name = self.name_box.text().strip()
        if self._box is not None and name and name != self._box.name:
            self.edited.emit(replace(self._box, name=name))
