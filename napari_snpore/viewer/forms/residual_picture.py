"""Picture of the discrete residual over the thresholds, drawn in a thread, and what the images allow
in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.viewer.forms.form import ResultText, caveat
from napari_snpore.viewer.shared.latest_task import LatestTask

_WIDTH_MM, _DPI = 88.0, 105
"""Some 360 pixels wide, as the form at its narrowest; letters of the figure are ten pixels high."""


@dataclass(frozen=True, eq=False)
class ShownMap:
    """A map with the thresholds in use and the grey values that fractions are taken from;
    ``whole`` opens the sentence where those are of the whole box.
    """

    found: ResidualMap
    thresholds: tuple[float, ...]
    histogram: Histogram
    scheme: PhaseScheme
    whole: str = ""


@dataclass(frozen=True, eq=False)
class DrawnMap:
    """The picture (y, x, rgba) of a map and the range of each phase (%) that the images allow."""

    picture: NDArray[np.uint8]
    ranges: tuple[tuple[float, float], ...]


class ResidualPicture(QWidget):
    """Draws only while it is open, and only the latest map.

    Signals
    -------
    drawn
        The picture or the words changed.
    """

    drawn = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.picture = QLabel()
        self.picture.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self.picture.setToolTip(
            "Residual R of the volume cut into phases, blurred, projected and compared with the tilt images, over both\n"
            "thresholds. Inside the line the images allow the thresholds; the cross marks those in use."
        )
        self.picture.setVisible(False)
        self.words = ResultText(
            "Range of each fraction over all thresholds that the images allow, before polishing.\n"
            "It is one of several errors: the missing wedge and the model of the images are others."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.picture)
        layout.addWidget(self.words)
        self._shown: ShownMap | None = None
        self._open = False
        self._hint = ""
        self._task = LatestTask(self)
        self._task.done.connect(self._on_drawn)
        self._task.failed.connect(lambda sentence: self.words.show_lines([caveat(sentence)]))

    def show_map(self, shown: ShownMap | None, *, hint: str = "") -> None:
        """Show a map; without one the hint says how to get it, or why there is none."""
        self._shown, self._hint = shown, hint
        self._draw()

    def set_open(self, is_open: bool) -> None:
        """Draw what is to be shown, once it can be looked at."""
        self._open = is_open
        self._draw()

    def wait(self) -> None:
        """Return when nothing is being drawn; for scripts."""
        self._task.wait()

    def _draw(self) -> None:
        if self._shown is None:
            self._task.drop()
            self.picture.setVisible(False)
            self.words.show_lines([self._hint] if self._hint else [])
        elif self._open:
            self._task.ask(partial(draw_map, self._shown))

    def _on_drawn(self, drawn: DrawnMap) -> None:
        shown = self._shown
        if shown is None:
            return
        height, width = drawn.picture.shape[:2]
        image = QImage(
            drawn.picture.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888
        )
        self.picture.setPixmap(QPixmap.fromImage(image))
        self.picture.setVisible(True)
        self.words.show_lines([shown.whole + allowed_in_words(drawn.ranges, shown.scheme.names)])
        self.drawn.emit()


def draw_map(shown: ShownMap, should_stop: ShouldStop) -> DrawnMap:
    """Draw a map and work out the ranges; for a thread."""
    from napari_snpore.figures.residual_map import residual_map_plot
    from napari_snpore.figures.style import PRINT

    ranges = shown.found.fraction_ranges(shown.histogram) if shown.found.levels else ()
    check_stop(should_stop)
    style = replace(PRINT, width_mm=_WIDTH_MM, dpi=_DPI)
    figure = residual_map_plot(shown.found, in_use=shown.thresholds, style=style)
    check_stop(should_stop)
    with style.in_force():
        figure.canvas.draw()
        return DrawnMap(np.array(figure.canvas.buffer_rgba()), ranges)  # type: ignore[attr-defined]


def allowed_in_words(ranges: Sequence[tuple[float, float]], names: Sequence[str]) -> str:
    """Say which fractions the images allow.

    Examples
    --------
    >>> allowed_in_words([(41.2, 45.9), (30.0, 30.4)], ["pore", "C"])
    'the images allow pore <b>41–46 %</b>, C <b>30.0–30.4 %</b>'
    """
    if not ranges:
        return caveat("the images give no levels, so they say nothing of the thresholds")
    words = []
    for (low, high), name in zip(ranges, names, strict=True):
        digits = 0 if high - low >= 2 else 1  # a wide range in whole per cent
        words.append(f"{name} <b>{low:.{digits}f}–{high:.{digits}f} %</b>")
    return f"the images allow {', '.join(words)}"
