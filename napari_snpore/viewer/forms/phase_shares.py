"""Phases and their shares in one line: a swatch in the phase's colour with a rim, its name, its
share.
"""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.forms.form import percent


class PhaseShares(QWidget):
    """Shows shares (0 to 1) as per cent, one a phase; the rim keeps white pores visible on a light
    ground.
    """

    def __init__(self, tip: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._line = QHBoxLayout(self)
        self._line.setContentsMargins(0, 0, 0, 0)
        self._scheme: PhaseScheme | None = None
        self._labels: list[QLabel] = []
        self.setToolTip(tip)
        self.setVisible(False)

    def show_shares(self, shares: Sequence[float], scheme: PhaseScheme) -> None:
        """Show shares in the order of the scheme; none hides the line."""
        self.setVisible(bool(shares))
        if not shares:
            return
        if scheme != self._scheme:
            self._rebuild(scheme)
        for label, name, share in zip(self._labels, scheme.names, shares, strict=True):
            label.setText(f"{name} <b>{percent(share)}</b>")

    def text(self) -> str:
        """Return what is shown, as plain text."""
        words = (label.text().replace("<b>", "").replace("</b>", "") for label in self._labels)
        return "   ".join(words) if self.isVisibleTo(self.parentWidget()) else ""

    def _rebuild(self, scheme: PhaseScheme) -> None:
        while (item := self._line.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._labels = []
        for color in scheme.colors:
            swatch = QLabel()
            swatch.setFixedSize(12, 12)
            swatch.setStyleSheet(
                f"background: {color}; border: 1px solid gray; border-radius: 2px;"
            )
            label = QLabel()
            self._line.addWidget(swatch)
            self._line.addWidget(label)
            self._line.addSpacing(8)
            self._labels.append(label)
        self._line.addStretch(1)
        self._scheme = scheme
