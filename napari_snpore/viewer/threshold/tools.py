"""Row of controls under the histogram, and undo and redo of the thresholds."""

from __future__ import annotations

from typing import get_args

from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_snpore.study.recipe import ThresholdRule

Thresholds = tuple[float, ...]


class ThresholdTools(QWidget):
    """Log scale, preview, undo, and which rule suggests thresholds."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.log = QCheckBox("log")
        self.log.setChecked(True)
        self.log.setToolTip("Logarithmic height: small phases stay visible.")
        self.preview = QCheckBox("preview")
        self.preview.setChecked(True)
        self.preview.setToolTip(
            "Paint the phases over the volume while thresholds move; a layer of its own."
        )
        self.undo = QPushButton("↶")
        self.undo.setToolTip("Back to the thresholds before (Ctrl+Z); again with Ctrl+Shift+Z.")
        self.redo = QPushButton("↷")
        self.redo.setToolTip("Take back an undo (Ctrl+Shift+Z).")
        for button in (self.undo, self.redo):
            button.setMaximumWidth(32)
        self.method = QComboBox()
        self.method.addItems(get_args(ThresholdRule))
        self.method.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.method.setMinimumContentsLength(5)
        self.method.setToolTip(
            "projection: the volume cut into phases explains the tilt images best; it takes some seconds;\n"
            "auto: projection where the images are there and the volume was made by TV, else haadf;\n"
            "haadf: Sn against the rest first, then the edge between vacuum and carbon;\n"
            "multiotsu, kmeans: classes of least variance; valley: lowest counts between peaks;\n"
            "mixture, minimum_error: normal distributions; li: cross entropy, two phases."
        )
        self.suggest = QPushButton("Suggest")
        self.suggest.setToolTip("Set the thresholds that this rule finds.")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.log)
        line.addWidget(self.preview)
        line.addStretch(1)
        for widget in (self.undo, self.redo, self.method, self.suggest):
            line.addWidget(widget)

    def allow_projection(self, reason: str) -> None:
        """Offer the rule *projection*, or switch it off with the reason as its tooltip."""
        model = self.method.model()
        item = model.item(self.method.findText("projection"))  # type: ignore[union-attr]
        item.setEnabled(not reason)
        item.setToolTip(reason or "The volume cut into phases explains the tilt images best.")
