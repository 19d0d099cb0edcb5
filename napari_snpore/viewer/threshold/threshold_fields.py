"""Number fields of the thresholds in grey units, each with the two phases that it separates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QWidget

from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.forms.form import NumberBox, form_layout


class ThresholdBoxes(QWidget):
    """Shows thresholds rounded; only what the user types or steps comes out, as ``moved(index, gray
    value)``.

    Parameters
    ----------
    above : QWidget
        The field after which Tab comes here: boxes are made anew when the phases change.
    """

    moved = Signal(int, float)

    def __init__(self, above: QWidget) -> None:
        super().__init__()
        self._above = above
        self._rows = form_layout()
        self.setLayout(self._rows)
        self.boxes: list[NumberBox] = []
        self._scheme: PhaseScheme | None = None

    def show_thresholds(
        self, thresholds: Sequence[float], scheme: PhaseScheme, histogram: Histogram | None
    ) -> None:
        """Show thresholds; without any, the boxes wait, switched off."""
        if scheme != self._scheme:
            self._rebuild(scheme)
        whole_numbers = histogram is not None and np.dtype(histogram.dtype).kind in "iub"
        step = 1.0 if whole_numbers else gray_step(histogram)
        for index, box in enumerate(self.boxes):
            blocked = box.blockSignals(True)
            box.setSingleStep(step)
            box.setDecimals(0 if whole_numbers else max(0, 1 - int(np.floor(np.log10(step)))))
            box.setEnabled(bool(thresholds))
            if thresholds:
                box.setValue(thresholds[index])
            box.blockSignals(blocked)

    def _rebuild(self, scheme: PhaseScheme) -> None:
        while self._rows.rowCount():
            self._rows.removeRow(0)
        self._scheme, self.boxes = scheme, []
        for index, (below, above) in enumerate(
            zip(scheme.names[:-1], scheme.names[1:], strict=True)
        ):
            tip = f"{below} lies below this grey value, {above} at it and above. Arrows step it, with Shift ten times as far."
            box = NumberBox(0.0, -1e12, 1e12, step=1.0, decimals=3, tip=tip)
            box.valueChanged.connect(partial(self.moved.emit, index))
            self._rows.addRow(f"t{index + 1}  {below} | {above} (grey)", box)
            QWidget.setTabOrder(self.boxes[-1] if self.boxes else self._above, box)
            self.boxes.append(box)


def gray_step(histogram: Histogram | None) -> float:
    """Return a round step of some thousandth of the range of float data, few far outliers left out."""
    if histogram is None or histogram.core.maximum <= histogram.core.minimum:
        return 0.01
    core = histogram.core
    return float(10.0 ** np.floor(np.log10((core.maximum - core.minimum) / 500)))
