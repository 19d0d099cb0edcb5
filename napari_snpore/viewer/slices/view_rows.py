"""Rows of the Ortho slices form for the thickness and the field of view of the slices."""

from __future__ import annotations

from typing import Any

from napari.layers import Layer
from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QPushButton

from napari_snpore.subvolume import Projection
from napari_snpore.viewer.forms.form import NumberBox, ResultText
from napari_snpore.viewer.slices.planes import PLANES
from napari_snpore.viewer.slices.slab import SlabThickness

PAPER_FIELD_NM = 38.4
"""Field of view of the slices in the source workflow (doi 10.1002/adma.202307151)."""

_WAYS: dict[str, Projection | None] = {
    "single slice": None,
    "mean over": "mean",
    "maximum over": "max",
}


class ViewRows(QObject):
    """Two rows of a form.

    Parameters
    ----------
    rows : QFormLayout
        Where they are added.
    parent : QObject
        The rows end with it.

    Signals
    -------
    thick_changed
        Slices are projected in another way, or over another thickness.
    field_asked
        The user wants to see this field of view.
    """

    thick_changed = Signal()
    field_asked = Signal()

    def __init__(self, rows: QFormLayout, parent: QObject) -> None:
        super().__init__(parent)
        self.way = QComboBox()
        self.way.addItems(list(_WAYS))
        self.way.setToolTip("Grey values projected across each slice; labels stay single slices.")
        self.thickness = NumberBox(
            2.0,
            0.0,
            1e5,
            step=0.5,
            tip="Thickness of the projected slab (nm); whole voxels are taken, at least one.",
        )
        self.thickness.setEnabled(False)
        self.way.currentTextChanged.connect(self._on_thick)
        self.thickness.valueChanged.connect(self._on_thick)
        line = QHBoxLayout()
        line.addWidget(self.way, 1)
        line.addWidget(self.thickness)
        rows.addRow("Thick slice (nm)", line)
        self._words = ResultText(
            "The whole voxels that are projected: those nearest to the cross-hair."
        )
        rows.addRow(self._words)
        self._add_field(rows)

    @property
    def words(self) -> str:
        """How many slices are projected; empty for single ones."""
        return self._words.text()

    def thick(self, layer: Layer | None) -> SlabThickness | None:
        """Return how thick slices on the grid of a layer are; None for single ones."""
        way = _WAYS[self.way.currentText()]
        return (
            None
            if way is None or layer is None
            else SlabThickness(way, self.thickness.value(), layer.scale, layer.translate)
        )

    def set_thick(self, way: str, thickness_nm: float) -> None:
        """Set both; the thickness is kept where single slices have none."""
        if _WAYS.get(way) is not None:
            self.thickness.setValue(thickness_nm)
        self.way.setCurrentText(way)

    def write_thick(self, thick: SlabThickness | None) -> None:
        """Say how many slices are projected."""
        self._words.show_lines([] if thick is None else [thick.words(PLANES)])

    def write_field(self, side_nm: float) -> None:
        """Show the present field of view without changing it."""
        blocked = self.field.blockSignals(True)
        self.field.setValue(side_nm)
        self.field.blockSignals(blocked)

    def _add_field(self, rows: QFormLayout) -> None:
        self.field = NumberBox(
            0.0,
            0.0,
            1e6,
            step=5.0,
            decimals=1,
            tip="Side of the square around the cross-hair that each slice shows. 0: everything.",
        )
        self.field.setSpecialValueText("all")
        self.field.valueChanged.connect(self.field_asked)
        preset = QPushButton(f"{PAPER_FIELD_NM:g}")
        preset.setToolTip(
            f"{PAPER_FIELD_NM:g} nm, the field of view of the slices in Ma et al. 2024."
        )
        preset.clicked.connect(self._ask_paper)
        whole = QPushButton("all")
        whole.setToolTip("Show everything.")
        whole.clicked.connect(self._ask_all)
        line = QHBoxLayout()
        line.setSpacing(6)  # apart, so that they read as buttons
        line.addWidget(self.field, 1)
        for button in (preset, whole):
            button.setMinimumWidth(46)
            line.addWidget(button)
        rows.addRow("Field of view (nm)", line)

    def _on_thick(self, _: Any) -> None:
        self.thickness.setEnabled(_WAYS[self.way.currentText()] is not None)
        self.thick_changed.emit()

    def _ask_paper(self) -> None:
        self.write_field(PAPER_FIELD_NM)
        self.field_asked.emit()

    def _ask_all(self) -> None:
        self.write_field(0.0)
        self.field_asked.emit()
