"""Row of controls under the histogram, and undo and redo of the thresholds."""

from __future__ import annotations

import textwrap
from typing import get_args

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QWidget

from napari_snpore.errors import InputError
from napari_snpore.segmentation.rule_names import RULE_NAMES, rule_words
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
            "Shows the phases of these thresholds over the volume, in a layer of its own; nothing is changed by it."
        )
        self.undo = QPushButton("↶")
        self.undo.setToolTip("Back to the thresholds before (Ctrl+Z); again with Ctrl+Shift+Z.")
        self.redo = QPushButton("↷")
        self.redo.setToolTip("Take back an undo (Ctrl+Shift+Z).")
        for button in (self.undo, self.redo):
            button.setMaximumWidth(26)
        self.method = QComboBox()
        self._phase_count = 3
        for key in get_args(ThresholdRule):
            self.method.addItem(RULE_NAMES[key].name, key)
            self.method.setItemData(
                self.method.count() - 1,
                _wrapped(RULE_NAMES[key].sentence),
                Qt.ItemDataRole.ToolTipRole,
            )
        self.method.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.method.setMinimumContentsLength(5)
        self.method.currentIndexChanged.connect(self._on_rule)
        self._on_rule()
        self.suggest = QPushButton("Suggest")
        self.suggest.setToolTip("Sets the thresholds that the rule beside it finds.")
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(4)
        line.addWidget(self.log)
        line.addWidget(self.preview)
        line.addStretch(1)
        for widget in (self.undo, self.redo, self.method, self.suggest):
            line.addWidget(widget)

    @property
    def rule(self) -> str:
        """Key of the rule, as in recipes; read and set."""
        return str(self.method.currentData())

    @rule.setter
    def rule(self, key: str) -> None:
        index = self.method.findData(key)
        if index < 0:
            raise InputError(
                f"rule is {key!r}; one of {', '.join(get_args(ThresholdRule))} is needed."
            )
        self.method.setCurrentIndex(index)

    def show_phase_count(self, count: int) -> None:
        """Name the rules as they work for so many phases."""
        self._phase_count = count
        for index, key in enumerate(get_args(ThresholdRule)):
            if key != "projection":  # its tooltip may say why it is off
                words = rule_words(key, count)
                self.method.setItemText(index, words.name)
                self.method.setItemData(
                    index, _wrapped(words.sentence), Qt.ItemDataRole.ToolTipRole
                )
        self._on_rule()

    def allow_projection(self, reason: str) -> None:
        """Offer the rule by the tilt images, or switch it off with the reason as its tooltip."""
        model = self.method.model()
        item = model.item(self.method.findData("projection"))  # type: ignore[union-attr]
        item.setEnabled(not reason)
        item.setToolTip(reason or _wrapped(RULE_NAMES["projection"].sentence))

    def _on_rule(self) -> None:
        self.method.setToolTip(
            _wrapped(
                f"Rule that suggests thresholds. This one: {rule_words(self.rule, self._phase_count).sentence}"
            )
            + "\nSee docs/definitions.md, Phases and thresholds."
        )


def _wrapped(sentence: str) -> str:
    """Break a sentence into lines: Qt does not wrap the plain text of a tooltip."""
    return textwrap.fill(sentence, 100)
