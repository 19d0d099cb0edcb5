"""Panel of fractions against one threshold, the shift that changes one by a percentage point, and
what the tilt images allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtWidgets import QComboBox

from napari_snpore.errors import InputError
from napari_snpore.segmentation.calibration import calibrate_gray
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.sensitivity import threshold_curve, threshold_sensitivity
from napari_snpore.viewer.forms.form import CAVEAT, Fold, ResultText, number, signed
from napari_snpore.viewer.forms.fraction_curve import FractionCurve
from napari_snpore.viewer.forms.residual_picture import ResidualPicture


class SensitivityPanel(Fold):
    """Computes only while it is open: a drag costs nothing else."""

    def __init__(self) -> None:
        super().__init__("Sensitivity")
        self.which = QComboBox()
        self.which.setToolTip("The threshold that moves; the others stay.")
        self.plot = FractionCurve()
        self.words = ResultText(
            "How fast each fraction changes with the threshold, and (shaded) how far the threshold can move until the\n"
            "fraction changes by one percentage point. Where the range is narrow, the fraction depends on where the\n"
            "line is put."
        )
        self.form.addRow("Threshold", self.which)
        self.form.addRow(self.plot)
        self.form.addRow(self.words)
        self.images = ResidualPicture()
        self.form.addRow(self.images)
        self._shown: tuple[Histogram, tuple[float, ...], PhaseScheme] | None = None
        self.which.currentIndexChanged.connect(self._draw)
        self.toggled.connect(self._draw)
        self.toggled.connect(self.images.set_open)
        self.images.drawn.connect(self.fit)

    def show_thresholds(
        self, histogram: Histogram | None, thresholds: Sequence[float], scheme: PhaseScheme
    ) -> None:
        """Follow the thresholds, on the histogram that fractions are taken from."""
        self._shown = None
        if histogram is not None and thresholds:
            self._shown = (histogram, tuple(thresholds), scheme)
            names = [
                f"t{k}  {a} | {b}"
                for k, (a, b) in enumerate(zip(scheme.names, scheme.names[1:], strict=False), 1)
            ]
            if [self.which.itemText(k) for k in range(self.which.count())] != names:
                blocked = self.which.blockSignals(True)
                self.which.clear()
                self.which.addItems(names)
                self.which.blockSignals(blocked)
        self._draw()

    def _draw(self) -> None:
        if not self.isExpanded() or self._shown is None:
            return
        histogram, thresholds, scheme = self._shown
        index = max(0, self.which.currentIndex())
        table = threshold_sensitivity(histogram, thresholds, names=scheme.names)
        rows = table[table["threshold"] == f"t{index + 1}"].to_dict("records")
        curve = threshold_curve(histogram, thresholds, index)
        plateau = (rows[0]["plateau_from_gray"], rows[0]["plateau_to_gray"])
        self.plot.show_curves(
            curve["threshold_gray"],
            [curve[name] for name in curve.columns[1:]],
            list(scheme.colors),
            at=thresholds[index],
            plateau=plateau,
            title=f"t{index + 1} (grey)",
        )
        core = histogram.core
        step = max((core.maximum - core.minimum) / 100, 1e-300)
        slopes = ", ".join(
            f"{row['phase']} <b>{signed(row['change_percent_per_gray'] * step, 2)}</b>"
            for row in rows
        )
        lines = [
            f"percentage points for {number(step)} grey (1 % of the range): {slopes}",
            f"{rows[0]['phase']} stays within one point from <b>{number(plateau[0])}</b> to <b>{number(plateau[1])}</b>",
        ]
        self.words.show_lines(lines + _calibrated(histogram, thresholds))
        self.fit()


def _calibrated(histogram: Histogram, thresholds: tuple[float, ...]) -> list[str]:
    """Return the thresholds of pore / C / Sn as a rule that carries over to other states."""
    if len(thresholds) != 2:
        return []
    try:
        found = calibrate_gray(histogram)
    except InputError:
        return []
    words = ", ".join(number(value) for value in found.to_calibrated(thresholds))
    doubt = f" {CAVEAT} {found.warning}" if found.warning else ""
    return [f"on a scale where vacuum is 0 and carbon 1: {words}{doubt}"]
