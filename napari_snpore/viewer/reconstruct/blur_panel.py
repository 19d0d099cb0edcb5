"""Row of the blur of the images: found in them, given, or none; and what *Find* found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.tomography.detector_blur import LARGEST_BLUR_PX
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.viewer.forms.form import NumberBox, caveat

_MODES = {"auto": "auto: found in the images", "given": "given", "none": "none"}
_NOT_SOUGHT = "not found yet: <i>Find</i> looks for it now, <i>Reconstruct</i> otherwise"


class BlurPanel(QWidget):
    """List *auto, given, none*, a box for a number of px, and *Find*.

    Signals
    -------
    changed
        Another blur would be used.
    wants_find
        *Find* was pressed.
    """

    changed = Signal()
    wants_find = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.mode = QComboBox()
        for key, words in _MODES.items():
            self.mode.addItem(words, key)
        self.mode.setToolTip(
            "Blur of the images: probe, interpolation and residual shifts together, as one Gaussian on the detector.\n"
            "Left out of the model it makes pores too small: a blur that is 10 % wrong costs 1 to 4 points of pore.\n"
            "auto: found in the images; where that fails none is used, and the result says why."
        )
        self.pixels = NumberBox(
            1.0,
            0.05,
            LARGEST_BLUR_PX,
            step=0.05,
            tip="Standard deviation of the Gaussian, in px of the prepared images.",
        )
        self.pixels.setSuffix(" px")
        self.find_button = QPushButton("Find")
        self.find_button.setToolTip(
            "Find the blur of the aligned images: a few slices are reconstructed and polished with several values;\n"
            "the phases explain the images best with the right one. It takes about as long as two reconstructions."
        )
        self.words = QLabel()
        self.words.setWordWrap(True)
        self._estimate: BlurEstimate | None = None
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.mode, 1)
        line.addWidget(self.pixels)
        line.addWidget(self.find_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.words)
        self.mode.currentIndexChanged.connect(self._on_mode)
        self.pixels.valueChanged.connect(self.changed)
        self.find_button.clicked.connect(self.wants_find)
        self._show()

    @property
    def estimate(self) -> BlurEstimate | None:
        """What was found for the present images; None while nothing was sought."""
        return self._estimate

    @property
    def blur_px(self) -> float | Literal["auto"]:
        """The blur that a reconstruction takes; ``"auto"`` where it is still to be found."""
        mode = self.mode.currentData()
        if mode == "given":
            return float(self.pixels.value())
        if mode == "none":
            return 0.0
        found = self._estimate
        return found.sigma_px if found is not None and found.reliable else "auto"

    def take(self, estimate: BlurEstimate | None) -> None:
        """Show what was found, and offer it as the value to be given; None: of other images."""
        before = self.blur_px
        self._estimate = estimate
        if estimate is not None and math.isfinite(estimate.sigma_px):
            blocked = self.pixels.blockSignals(True)
            if self.mode.currentData() != "given":
                self.pixels.setValue(estimate.sigma_px)
            self.pixels.blockSignals(blocked)
        self._show()
        if self.blur_px != before:
            self.changed.emit()

    def found_state(self) -> dict[str, Any] | None:
        """Return what was found as JSON values, for saved windows."""
        found = self._estimate
        if found is None:
            return None
        return {
            "sigma_px": _number(found.sigma_px),
            "interval_px": [_number(found.low_95), _number(found.high_95)],
            "curve": [list(point) for point in found.curve],
            "levels": list(found.levels),
            "reliable": found.reliable,
            "reason": found.reason,
        }

    def set_found_state(self, state: Mapping[str, Any] | None) -> None:
        """Take what :meth:`found_state` returned once."""
        if not state:
            return
        low, high = state["interval_px"]
        self.take(
            BlurEstimate(
                _or_nan(state["sigma_px"]),
                _or_nan(low),
                _or_nan(high),
                tuple((float(sigma), float(residual)) for sigma, residual in state["curve"]),
                tuple(map(float, state["levels"])),
                bool(state["reliable"]),
                state["reason"],
            )
        )

    def _on_mode(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        mode = self.mode.currentData()
        self.pixels.setVisible(mode == "given")
        found = self._estimate
        if found is None:
            words = _NOT_SOUGHT if mode == "auto" else ""
        else:
            words = blur_in_words(found)
            if mode == "given" and found.reliable:
                words = f"found: {words}"
            elif not found.reliable and mode == "auto":
                words += " Set <i>given</i> and a value, or none is used."
        if mode == "none":
            words = "the volume gets the blur of the images: pores read too small"
        self.words.setText(words)
        self.words.setVisible(bool(words))


def blur_in_words(found: BlurEstimate) -> str:
    """Say what was found: the value and its interval, or why it cannot be trusted."""
    value = f"<b>{found.sigma_px:.2f} px</b>"
    if math.isfinite(found.low_95) and math.isfinite(found.high_95):
        value += f" ({found.low_95:.2f}–{found.high_95:.2f})"
    if found.reliable:
        return value
    reason = (found.reason or "").rstrip(".")
    if not math.isfinite(found.sigma_px):
        return caveat(f"no blur was found: {_lower_first(reason)}.")
    return caveat(f"{value} is not reliable: {_lower_first(reason)}.")


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)
