"""Live cross-section: updated at once with few iterations, then with the options of the volume; that
of the volume itself once it was made.
"""

from __future__ import annotations

from html import escape

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from napari_snpore.history import ReconstructStep
from napari_snpore.study.plane_preview import LivePlane
from napari_snpore.viewer.forms.form import CAVEAT, number, percent
from napari_snpore.viewer.forms.gray_image import GrayImage
from napari_snpore.volume import Volume

_PLACES = 1000
_HEIGHT = 210

NO_SERIES = "One cross-section appears here as soon as there is a tilt series."
COMING = "The cross-section is being computed …"


class LiveSlice(QWidget):
    """The picture, the slider for its place along the tilt axis, and what it shows in words."""

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.picture = GrayImage(_HEIGHT, empty=NO_SERIES)
        self.picture.setToolTip(
            "Cross-section with the present settings: x to the right, z (along the beam) downwards."
        )
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _PLACES - 1)
        self.slider.setValue(_PLACES // 2)
        self.slider.setToolTip("Position of the cross-section along the tilt axis.")
        self.place = QLabel()
        self.caption = QLabel()
        self.caption.setWordWrap(True)
        line = QHBoxLayout()
        line.addWidget(QLabel("y"))
        line.addWidget(self.slider, 1)
        line.addWidget(self.place)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.picture)
        layout.addLayout(line)
        layout.addWidget(self.caption)
        self.slider.valueChanged.connect(self.moved)

    @property
    def share(self) -> float:
        """Place along the tilt axis as a share of its length."""
        return (self.slider.value() + 0.5) / _PLACES

    def show_plane(self, live: LivePlane, rows: int, *, note: str = "") -> None:
        """Show a plane; ``note`` is its caveat."""
        self._show_place(rows, live.pixel_size_nm)
        self.picture.show_image(live.plane.image, pixel_nm=live.pixel_size_nm, title="XZ slice")
        made = live.plane.made_by
        words = made.method.upper()
        if made.method != "wbp":
            words += f" {made.iterations}, residual {percent(live.plane.residual)}"
        if not live.final:
            words = f"first look: {words} …"
        elif made.tv_weight is not None:
            words += f", λ {number(made.tv_weight * (made.tv_misfit or 1.0))}, {_blur_of(made)}"
            if live.most_iterations is not None:
                words += f"; a plane gets at most {live.most_iterations} iterations"
        elif made.gray_levels is not None:
            words += ", grey values " + ", ".join(number(level) for level in made.gray_levels)
        words += f" ({live.seconds:.2f} s)"
        self.caption.setText(f"{words}<br>{CAVEAT} {note}" if note else words)

    def show_volume(self, volume: Volume, name: str) -> None:
        """Show the cross-section of a volume that was made with the present settings."""
        y, pixel_nm = self._show_place(volume.shape[1], volume.spacing[1]), volume.spacing[2]
        plane = np.asarray(volume.data[:, y, :])
        self.picture.show_image(plane, pixel_nm=pixel_nm, title="XZ slice")
        self.caption.setText(f"of the volume '{escape(name)}'")

    def _show_place(self, rows: int, pixel_nm: float) -> int:
        """Say where along the tilt axis the slider is, and return the row."""
        y = min(int(self.share * rows), rows - 1)
        self.place.setText(f"{y} px, {y * pixel_nm:.4g} nm")
        return y

    def say(self, sentence: str) -> None:
        """Show why there is no plane."""
        self.picture.clear(sentence)
        self.caption.setText("")


def _blur_of(made: ReconstructStep) -> str:
    """Name the blur in the model of a plane, and say how to get it where it is not known yet."""
    if made.blur_px:
        return f"blur {made.blur_px:.2f} px"
    if (made.blur_from or "").startswith("none"):
        return "without blur (not found yet: <i>Find</i>)"
    return "without blur"
