"""Panel of the envelope by ambient occlusion: settings, and a summary of the envelope made."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.segmentation.envelope import Envelope, EnvelopeOptions
from napari_snpore.segmentation.occlusion import OCCLUSION_THRESHOLD
from napari_snpore.study.segmentation_report import loose_words
from napari_snpore.viewer.forms.form import NumberBox, caveat, form_layout, number, ruler


class EnvelopeSettings(QWidget):
    """Ray length, τ, whether the fibre extends beyond the box along y, and a button."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.available = True
        self.ray_length = NumberBox(
            0.0,
            0.0,
            1e5,
            step=0.5,
            tip=(
                "How far each void voxel looks for solid around it. Take it longer than the widest pore mouth and shorter\n"
                "than the fibre's radius. Lowest value: half the fibre's radius. See docs/definitions.md, The envelope."
            ),
        )
        self.ray_length.setSpecialValueText("0.9 of the radius")
        self.tau = NumberBox(
            OCCLUSION_THRESHOLD,
            0.05,
            0.95,
            step=0.05,
            tip=(
                "Void that meets solid in a smaller share of directions than τ, and is connected to the outside, counts as\n"
                "exterior. On a flat wall the share is 0.5. From τ = 0.5 to 0.8 the pore fraction can fall by 4 points."
            ),
        )
        self.cut = QCheckBox("fibre goes on along y")
        self.cut.setChecked(True)
        self.cut.setToolTip(
            "Tick this where the box cuts the fibre at both ends of y: the volume counts as continued there, not as\n"
            "open to the vacuum."
        )
        self.make_button = QPushButton("Make envelope")
        self.make_button.setToolTip(
            "Finds the envelope of the fibre, which tells vacuum around it from pores inside, by ambient occlusion.\n"
            "Fractions are then of the envelope."
        )
        self.field_button = QPushButton("Show")
        self.field_button.setToolTip(
            "Show the ambient occlusion as a layer: the share of directions in which a voxel meets solid, which τ is\n"
            "compared with. 0 in the open, 0.5 on a flat wall, 1 in a closed pore."
        )
        self.state = QLabel()
        self.state.setWordWrap(True)
        rows = form_layout()
        rows.addRow("Ray length (nm)", self.ray_length)
        occlusion = QHBoxLayout()
        occlusion.setSpacing(6)
        occlusion.addWidget(self.tau, 1)
        occlusion.addWidget(self.field_button)
        rows.addRow("Occlusion τ (share)", occlusion)
        line = QHBoxLayout()
        line.addWidget(self.cut)
        line.addStretch(1)
        line.addWidget(self.make_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(ruler())
        layout.addWidget(self.state)
        layout.addLayout(rows)
        layout.addLayout(line)
        layout.addWidget(ruler())
        self.ray_length.valueChanged.connect(lambda _: self.changed.emit())
        self.tau.valueChanged.connect(lambda _: self.changed.emit())
        self.cut.toggled.connect(lambda _: self.changed.emit())

    def options(self) -> EnvelopeOptions:
        """Return what is set."""
        return EnvelopeOptions(
            self.ray_length.value() or None, self.tau.value(), (1,) if self.cut.isChecked() else ()
        )

    def set_available(self, available: bool) -> None:
        """Switch off for a volume without a voxel size: lengths in nm mean nothing there."""
        self.available = available
        self.make_button.setEnabled(available)
        self.show_state(None, stale=False)

    def show_state(self, envelope: Envelope | None, *, stale: bool) -> None:
        """Say what there is, and whether it fits the present thresholds."""
        if not self.available:
            words = caveat(
                "This layer has no voxel size in nm, so no envelope can be made; set its scale and units."
            )
        elif envelope is None:
            words = "<b>Envelope</b>: none yet; it tells vacuum from pores"
        else:
            rays = number(envelope.ray_length_nm)
            title = f"<b>Envelope</b>{', stale' if stale else ''}"
            words = (
                f"{title}: {_volume_words(envelope.volume_nm3)} nm³, t1 = {number(envelope.threshold, 4)}, "
                f"rays of {rays} nm"
            )
            if envelope.loose_voxel_count:
                words += f"; {loose_words(envelope.loose_voxel_count)}"
            words = caveat(words) if stale else words
        self.state.setText(words)


def _volume_words(volume_nm3: float) -> str:
    """Write a volume with commas between thousands."""
    return f"{volume_nm3:,.0f}" if volume_nm3 >= 1000 else number(volume_nm3)
