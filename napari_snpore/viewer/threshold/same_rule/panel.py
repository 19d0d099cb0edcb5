"""Fold with the button *Same rule for all states*, and what it did for each specimen."""

from __future__ import annotations

from qtpy.QtWidgets import QPushButton

from napari_snpore.viewer.forms.form import Fold, ResultText


class SameRulePanel(Fold):
    """One button and its result."""

    def __init__(self) -> None:
        super().__init__("Other states")
        self.button = QPushButton("Same rule for all states")
        self.button.setToolTip(
            "Makes phases of the volumes of the other specimens in this window by the rule in use here, each with\n"
            "thresholds of its own: the rule is kept from state to state, not the grey value. Thresholds that were set by\n"
            "hand are carried over in units of vacuum 0 and carbon 1. Envelope, clean-up and names are those of this form."
        )
        self.words = ResultText("What was done for each specimen.")
        self.form.addRow(self.button)
        self.form.addRow(self.words)

    def show_lines(self, lines: list[str]) -> None:
        """Show one line per specimen."""
        self.words.show_lines(lines)
        self.fit()
