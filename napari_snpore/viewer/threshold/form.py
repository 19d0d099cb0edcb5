"""Fields of the Threshold form, from the volume to *Apply*; :mod:`.widget` connects them."""

from __future__ import annotations

from typing import Any

from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.viewer.forms.form import MainButton, ResultText
from napari_snpore.viewer.forms.histogram_plot import HistogramPlot
from napari_snpore.viewer.forms.phase_editor import PhaseEditor
from napari_snpore.viewer.forms.phase_shares import PhaseShares
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.shared.layers import is_volume
from napari_snpore.viewer.shared.theme import follow_theme
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.threshold.cleanup_panel import CleanupPanel
from napari_snpore.viewer.threshold.envelope_settings import EnvelopeSettings
from napari_snpore.viewer.threshold.histogram_region import HistogramRegion
from napari_snpore.viewer.threshold.polish_panel import PolishPanel
from napari_snpore.viewer.threshold.same_rule.panel import SameRulePanel
from napari_snpore.viewer.threshold.sensitivity_panel import SensitivityPanel
from napari_snpore.viewer.threshold.threshold_fields import ThresholdBoxes
from napari_snpore.viewer.threshold.tools import ThresholdTools

EMPTY = "Open or reconstruct a volume (File > Open Sample)"
_INPUTS = InputLayers(
    is_volume,
    what="volume",
    empty=EMPTY,
    tip="The grey volume; the choice follows the layer selected in napari.",
)


class ThresholdForm(LayerForm):
    """Volume, histogram, thresholds, envelope, clean-up, phases, shares, *Apply*.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        napari passes its own.
    """

    def __init__(self, viewer: Any) -> None:
        super().__init__(
            viewer,
            _INPUTS,
            MainButton(
                "Apply",
                (
                    "Labels every voxel: 0 exterior, 1 pore, 2 C, 3 Sn. It works on all grey values of the volume, whatever is\n"
                    "displayed."
                ),
            ),
        )
        rows = self.rows()
        rows.addRow("Volume", self._layer_choice)
        rows.addRow(self._layer_choice.hint())
        self.plot = HistogramPlot()
        follow_theme(self.plot, self.plot, self._viewer)
        self.plot.setMinimumHeight(140)
        self.plot.setMaximumHeight(260)
        self.column.addWidget(self.plot, 1)
        self.counting = StepStatus()
        self.column.addWidget(self.counting)
        self.region = HistogramRegion(self._viewer)
        self.column.addWidget(self.region)
        self.tools = ThresholdTools()
        self.column.addWidget(self.tools)
        self.boxes = ThresholdBoxes(above=self.tools.suggest)
        self.column.addWidget(self.boxes)
        self.warning = ResultText(
            "separation: how clear the gap in the histogram is at the threshold where it is least clear; 1 is an empty\n"
            "gap, 0 none. overlap: share of two neighbouring phases on the wrong side of their threshold, if both are\n"
            "normally distributed. See docs/definitions.md, Phases and thresholds."
        )
        self.column.addWidget(self.warning)
        self.envelope = EnvelopeSettings()
        self.column.addWidget(self.envelope)
        self.cleanup = CleanupPanel()
        self.cleanup.show_phases(PORE_C_SN.names)
        self.column.addWidget(self.cleanup)
        self.polish = PolishPanel()
        self.column.addWidget(self.polish)
        self.phases = PhaseEditor()
        self.column.addWidget(self.phases)
        self.sensitivity = SensitivityPanel()
        self.column.addWidget(self.sensitivity)
        self.same_rule = SameRulePanel()
        self.column.addWidget(self.same_rule)
        self.shares = PhaseShares(
            "Volume fractions by counting grey values, exact for integer data. The pore fraction is pore / (pore + C +\n"
            "Sn), of the envelope once there is one. See docs/definitions.md, Volumes and fractions."
        )
        self.results.addWidget(self.shares)
        self.result = ResultText()
        self.results.addWidget(self.result)
        self.polish_button = QPushButton("Polish")
        self.polish_button.setMinimumHeight(self.main_button.minimumHeight())
        buttons = QHBoxLayout()
        buttons.addWidget(self.main_button, 2)
        buttons.addWidget(self.polish_button, 1)
        self.footer.addLayout(buttons)
        self.footer.addWidget(self.status)
        self.column.addStretch(1)
