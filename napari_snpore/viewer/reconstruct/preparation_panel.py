"""Panel of the preparation: background, pixels, binning and mass before the alignment."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_snpore.study.recipe import PrepareSection
from napari_snpore.viewer.forms.form import CountBox, Fold, NumberBox

_BACKGROUNDS = ("auto", "none", "value")


class PreparationPanel(Fold):
    """Bad pixels, contrast, background, mass, binning, cropping."""

    changed = Signal()
    wants_layer = Signal()

    def __init__(self) -> None:
        super().__init__("Prepare")
        self.repair = QCheckBox("repair hot and dead pixels")
        self.repair.setToolTip(
            "Replaces single pixels that differ far from their surroundings (hot or dead) by the median of their\n"
            "neighbours."
        )
        self.invert = QCheckBox("invert: bright field")
        self.invert.setToolTip(
            "For bright-field images, in which vacuum is bright: subtracts them from the level of vacuum, so that mass\n"
            "is bright as in HAADF."
        )
        self.background = QComboBox()
        self.background.addItems(_BACKGROUNDS)
        self.background.setToolTip(
            "Grey value of the vacuum, which is subtracted because vacuum has no mass: found in each image, left as it\n"
            "is, or given."
        )
        self.level = NumberBox(
            0.0, -1e9, 1e9, step=1.0, tip="Grey value that is subtracted from every image."
        )
        self.normalize = QCheckBox("equal mass in every image")
        self.normalize.setToolTip(
            "Scales the images to the same sum, for a beam current that drifted. Off by default: of a fibre that is\n"
            "longer than the field, more or less is in view as it is tilted, and that is no drift."
        )
        self.bin = CountBox(
            1,
            1,
            16,
            tip=(
                "Averages so many pixels along each side into one. 2 makes the volume eight times smaller and the finest\n"
                "detail twice as coarse."
            ),
        )
        self.rows, rows = _pair(
            "Crops the raw images: the first row that is kept, and the first one after it that is cut off. With 0 and\n"
            "0 all rows are kept."
        )
        self.columns, columns = _pair(
            "Crops the raw images: the first column that is kept, and the first one after it that is cut off. With 0\n"
            "and 0 all columns are kept."
        )
        self.show_button = QPushButton("Show the prepared series")
        self.show_button.setToolTip(
            "Adds the prepared series as a layer, to look at before it is aligned."
        )
        self.show_button.clicked.connect(self.wants_layer)
        gray = QHBoxLayout()
        gray.setContentsMargins(0, 0, 0, 0)
        gray.addWidget(self.background, 1)
        gray.addWidget(self.level, 1)
        self.form.addRow(self.repair)
        self.form.addRow(self.invert)
        self.form.addRow("Background", gray)
        self.form.addRow(self.normalize)
        self.form.addRow("Bin (pixels)", self.bin)
        self.form.addRow("Rows (px)", rows)
        self.form.addRow("Columns (px)", columns)
        self.form.addRow(self.show_button)
        for box in (self.repair, self.invert, self.normalize):
            box.toggled.connect(self.changed)
        self.background.currentIndexChanged.connect(self._on_background)
        for number in (self.level, self.bin, *self.rows, *self.columns):
            number.valueChanged.connect(self.changed)
        self._on_background()

    def show_size(self, height: int, width: int) -> None:
        """Limit the crop to images of this size."""
        for boxes, size in ((self.rows, height), (self.columns, width)):
            for box in boxes:
                box.blockSignals(True)
                box.setMaximum(size)
                box.setValue(0)
                box.blockSignals(False)

    def section(self, left_out: Sequence[int]) -> PrepareSection:
        """Return the settings."""
        spans = [box.value() for box in (*self.rows, *self.columns)]
        crop = None
        if any(spans):
            spans[1], spans[3] = (
                spans[1] or self.rows[1].maximum(),
                spans[3] or self.columns[1].maximum(),
            )
            crop = tuple(spans)
        word = self.background.currentText()
        return PrepareSection.model_validate(
            {
                "leave_out": list(left_out),
                "repair_pixels": self.repair.isChecked(),
                "crop_px": crop,
                "bin": self.bin.value(),
                "invert": self.invert.isChecked(),
                "background": self.level.value() if word == "value" else word,
                "normalize_mass": self.normalize.isChecked(),
            }
        )

    def _on_background(self) -> None:
        self.level.setVisible(self.background.currentText() == "value")
        self.changed.emit()


def _pair(tip: str) -> tuple[tuple[CountBox, CountBox], QWidget]:
    boxes = CountBox(0, 0, 100_000, tip=tip), CountBox(0, 0, 100_000, tip=tip)
    boxes[1].setSpecialValueText("end")
    side = QWidget()
    line = QHBoxLayout(side)
    line.setContentsMargins(0, 0, 0, 0)
    for box in boxes:
        line.addWidget(box)
    return boxes, side
