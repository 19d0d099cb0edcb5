"""Panel of smoothing before the thresholds and clean-up after them, off by default."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton

from napari_snpore.segmentation.cleanup import CleanupOptions
from napari_snpore.viewer.forms.form import CountBox, Fold, NumberBox

_METHODS = {
    "gaussian": ("Gaussian", "standard deviation in voxels"),
    "median": ("median", "radius in voxels"),
    "nl_means": ("non-local means", "times the noise of the volume"),
    "tv": ("total variation", "times the noise of the volume"),
}
"""Names of the methods of smoothing, and what their number means."""
_METHODS_TIP = "\n".join(f"{name}: {meaning}" for name, meaning in _METHODS.values())


class CleanupPanel(Fold):
    """Rows *Smooth*, *Majority*, *Fill holes in*, *Specks*."""

    wants_smooth = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__("Clean up")
        self.method = QComboBox()
        for key, (name, _) in _METHODS.items():
            self.method.addItem(name, key)
        self.method.setToolTip(_METHODS_TIP)
        self.method.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.method.setMinimumContentsLength(9)
        self.strength = NumberBox(1.0, 0.1, 20.0, step=0.1, decimals=1, tip=_METHODS_TIP)
        self.smooth_button = QPushButton("Smooth")
        self.smooth_button.setToolTip(
            "Makes a smoothed volume as a layer of its own, which is then the volume of this form."
        )
        self.smooth_button.clicked.connect(self.wants_smooth)
        self.majority = CountBox(
            0,
            0,
            5,
            tip="Gives each voxel the most frequent phase in the cube of this radius around it; radius 1 is 27 voxels.",
        )
        self.majority.setSpecialValueText("off")
        self.fill = QComboBox()
        self.fill.setToolTip(
            "Fills holes: darker phases that this phase encloses on all sides become part of it."
        )
        self.speck_phase = QComboBox()
        self.speck_phase.setToolTip("Phase whose small objects are removed.")
        self.speck_size = CountBox(
            0,
            0,
            1_000_000,
            tip="Objects of this phase with fewer voxels become the phase that most of their surface touches.",
        )
        self.speck_size.setSpecialValueText("off")
        smooth, specks = QHBoxLayout(), QHBoxLayout()
        for line, widgets in (
            (smooth, (self.method, self.strength, self.smooth_button)),
            (specks, (self.speck_phase, self.speck_size)),
        ):
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(6)
            for widget in widgets:
                line.addWidget(widget)
        self.form.addRow("Smooth", smooth)
        self.form.addRow("Majority (voxels)", self.majority)
        self.form.addRow("Fill holes in", self.fill)
        self.form.addRow("Specks (voxels)", specks)
        for box in (self.majority, self.speck_size):
            box.valueChanged.connect(self.changed)
        for choice in (self.fill, self.speck_phase):
            choice.currentIndexChanged.connect(self.changed)

    def show_phases(self, names: Sequence[str]) -> None:
        """Offer phases by name; the brightest is the one whose specks are meant, unless another is
        chosen.
        """
        for choice, words, default in (
            (self.fill, ["none", *names[1:]], 0),
            (self.speck_phase, list(names), len(names) - 1),
        ):
            if [choice.itemText(k) for k in range(choice.count())] == words:
                continue
            blocked = choice.blockSignals(True)
            choice.clear()
            choice.addItems(words)
            choice.setCurrentIndex(default)
            choice.blockSignals(blocked)

    def options(self) -> CleanupOptions:
        """Return what is set."""
        filled, fewest = self.fill.currentIndex(), self.speck_size.value()
        return CleanupOptions(
            self.majority.value(),
            (filled + 1,) if filled > 0 else (),
            ((self.speck_phase.currentIndex() + 1, fewest),) if fewest else (),
        )
