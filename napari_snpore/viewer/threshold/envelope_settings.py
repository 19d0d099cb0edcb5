"""Settings of the envelope (ambient occlusion) as a part of a form, and the envelope that they make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.segmentation.occlusion import ambient_occlusion
from napari_snpore.viewer.forms.form import NumberBox, caveat, form_layout, number, ruler
from napari_snpore.volume import Volume

_DIRECTIONS = 128


@dataclass(frozen=True)
class EnvelopeOptions:
    """What the user asks for; ray length None: half the radius of the fibre."""

    ray_length_nm: float | None = None
    occlusion_threshold: float = 0.5
    cut_axes: tuple[int, ...] = (1,)


@dataclass(frozen=True, eq=False)
class Envelope:
    """An envelope, its outermost voxels, and what it was made with: it is stale once threshold or wish differ."""

    inside: NDArray[np.bool_]
    skin: NDArray[np.bool_]
    threshold: float
    options: EnvelopeOptions
    ray_length_nm: float
    volume_nm3: float
    loose_voxel_count: int

    @property
    def parameters(self) -> dict[str, Any]:
        """For a history, named as in a recipe."""
        return {
            "envelope_threshold": self.threshold,
            "ray_length_nm": self.ray_length_nm,
            "occlusion_threshold": self.options.occlusion_threshold,
            "directions": _DIRECTIONS,
            "cut_axes": list(self.options.cut_axes),
        }


def make_envelope(
    volume: Volume, threshold: float, options: EnvelopeOptions, progress: Progress, should_stop: ShouldStop
) -> Envelope:
    """Return the envelope of all that reaches the first threshold, and its outermost voxels: as a recipe makes it."""
    from napari_snpore.study.recipe import EnvelopeSection  # in the thread: the study brings in every step
    from napari_snpore.study.segmenting import find_envelope

    settings = EnvelopeSection(
        ray_length_nm=options.ray_length_nm,
        occlusion_threshold=options.occlusion_threshold,
        directions=_DIRECTIONS,
        cut_axes=list(options.cut_axes),  # type: ignore[arg-type]
    )
    found = find_envelope(volume, threshold, settings, progress=progress, should_stop=should_stop)
    return Envelope(
        found.mask,
        skin_of(found.mask),
        threshold,
        options,
        found.ray_length_nm,
        found.volume_nm3,
        found.loose_voxel_count,
    )


def occlusion_field(
    volume: Volume, threshold: float, options: EnvelopeOptions, progress: Progress, should_stop: ShouldStop
) -> NDArray[np.float32]:
    """Return the ambient occlusion of every voxel, 1 in the solid: what τ is compared with."""
    from napari_snpore.study.segmenting import half_radius

    solid = np.asarray(volume.data) >= threshold
    return ambient_occlusion(
        solid,
        spacing=volume.spacing,
        ray_length=options.ray_length_nm or half_radius(solid, volume.spacing),
        directions=_DIRECTIONS,
        cut_axes=options.cut_axes,
        progress=progress,
        should_stop=should_stop,
    )


def skin_of(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of a body that have a face to the outside; the box cuts the body, it is no outside.

    Shifted numpy arrays, because they leave the window alive (scipy's erosion keeps Python's lock).
    """
    deep = inside.copy()
    for axis in range(inside.ndim):
        ahead, behind = np.moveaxis(deep, axis, 0), np.moveaxis(inside, axis, 0)
        ahead[1:] &= behind[:-1]
        ahead[:-1] &= behind[1:]
    return inside & ~deep


class EnvelopeSettings(QWidget):
    """Ray length, τ, whether the fibre goes on along y, and a button."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.available = True
        self.ray_length = NumberBox(
            0.0, 0.0, 1e5, step=0.5, tip="How far a ray of the ambient occlusion looks for solid, in nm:\n"
            "above the widest pore mouth, below the fibre's radius. Lowest value: half the fibre's radius.",
        )  # fmt: skip
        self.ray_length.setSpecialValueText("half the radius")
        self.tau = NumberBox(
            0.5, 0.05, 0.95, step=0.05, tip="τ: void that meets solid in a smaller share of directions, and is joined to the\n"
            "outside, is exterior. 0.5 is the value on a flat wall; from 0.5 to 0.8 a pore fraction can fall by 4 points.",
        )  # fmt: skip
        self.cut = QCheckBox("fibre goes on along y")
        self.cut.setChecked(True)
        self.cut.setToolTip("The box cuts the fibre at both ends of y: there the volume is mirrored, not open.")
        self.make_button = QPushButton("Make envelope")
        self.make_button.setToolTip("Tell vacuum around the fibre from pores, by ambient occlusion.")
        self.field_button = QPushButton("Occlusion")
        self.field_button.setToolTip(
            "Show the ambient occlusion as a layer: the share of directions in which a voxel meets solid, which τ is\n"
            "compared with. 0 in the open, 0.5 on a flat wall, 1 in a closed pore."
        )
        self.state = QLabel()
        self.state.setWordWrap(True)
        rows = form_layout()
        rows.addRow("Ray length (nm)", self.ray_length)
        rows.addRow("Occlusion τ (share)", self.tau)
        line = QHBoxLayout()
        line.addWidget(self.cut)
        line.addStretch(1)
        line.addWidget(self.field_button)
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
        return EnvelopeOptions(self.ray_length.value() or None, self.tau.value(), (1,) if self.cut.isChecked() else ())

    def set_available(self, available: bool) -> None:
        """Switch off for a volume without a voxel size: lengths in nm mean nothing there."""
        self.available = available
        self.make_button.setEnabled(available)
        self.show_state(None, stale=False)

    def show_state(self, envelope: Envelope | None, *, stale: bool) -> None:
        """Say what there is, and whether it fits the present thresholds."""
        if not self.available:
            words = caveat("This layer has no voxel size in nm, so no envelope can be made; set its scale and units.")
        elif envelope is None:
            words = "<b>Envelope</b>: none yet; it tells vacuum from pores"
        else:
            rays = number(envelope.ray_length_nm)
            words = (
                f"<b>Envelope</b>: {number(envelope.volume_nm3)} nm³, t1 = {number(envelope.threshold, 4)}, "
                f"rays of {rays} nm"
            )
            if envelope.loose_voxel_count:
                words += f"; {envelope.loose_voxel_count:,} loose solid voxels lie outside"
            words = caveat(f"{words}: stale") if stale else words
        self.state.setText(words)
