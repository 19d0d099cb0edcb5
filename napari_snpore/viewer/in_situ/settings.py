"""Rare settings of the In situ widget: direction, averaging, background, and a pixel size for files
without one.
"""

from __future__ import annotations

from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from napari_snpore.in_situ import Rectangle
from napari_snpore.viewer.forms.form import CountBox, Fold, NumberBox
from napari_snpore.viewer.in_situ.result_text import DiameterOptions


class InSituSettings(Fold):
    """Fields under the fold "More"."""

    def __init__(self) -> None:
        super().__init__("More")
        self.fixed = QCheckBox("fixed at")
        self.fixed.setToolTip(
            "Uses the direction given here in every frame. Off: the direction of the fibre is found in each frame."
        )
        self.angle = NumberBox(
            0.0,
            -90.0,
            90.0,
            step=1.0,
            tip="Direction of the fibre axis: 0 upright, 90 horizontal, 45 from the upper left to the lower right.",
        )
        self.angle.setEnabled(False)
        self.fixed.toggled.connect(self.angle.setEnabled)
        self.average = CountBox(
            1,
            1,
            10_000,
            tip=(
                "Number of successive frames that are averaged before the fit. More lowers the noise and hides fast\n"
                "changes."
            ),
        )
        self.ground = QComboBox()
        self.ground.addItems(["constant", "linear"])
        self.ground.setToolTip(
            "Background of the profile beside the fibre: one grey value, or a slope."
        )
        self.half_height = QCheckBox("half-height width as well")
        self.half_height.setToolTip(
            "Also writes the full width at half maximum, in a column of its own. For a solid cylinder it is 0.866 of\n"
            "the diameter."
        )
        self.pixel = NumberBox(
            0.0,
            0.0,
            1e4,
            step=0.01,
            decimals=5,
            tip="Pixel size that Open uses for a file without one.",
        )
        self.pixel.setSpecialValueText("as in the file")
        self.form.addRow("Direction (°)", beside(self.fixed, self.angle))
        self.form.addRow("Frames averaged", self.average)
        self.form.addRow("Background", self.ground)
        self.form.addRow(self.half_height)
        self.form.addRow("Pixel size to open with (nm)", self.pixel)

    def options(self, region: Rectangle) -> DiameterOptions:
        """Return what is to be measured in a region."""
        return DiameterOptions(
            region=region,
            along_deg=self.angle.value() if self.fixed.isChecked() else "auto",
            background=self.ground.currentText(),
            average=self.average.value(),
            half_height=self.half_height.isChecked(),
        )


def beside(*widgets: QWidget) -> QWidget:
    """Return widgets beside each other; the first one takes the width that is left."""
    row = QWidget()
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    for index, widget in enumerate(widgets):
        line.addWidget(widget, int(index == 0))
    return row
