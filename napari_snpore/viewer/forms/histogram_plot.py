"""The grey histogram with draggable thresholds, drawn by vispy in a Qt canvas.

Everything is laid out in canvas pixels: one column of the histogram a pixel, so that a drag costs
the same for any volume. What the thresholds mean is not known here; the owner listens to the
signals and sets new thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QSize, Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget
from vispy.color import Color
from vispy.scene import SceneCanvas
from vispy.scene.visuals import Line, Mesh, Text

from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.canvas.gl_objects import delete_with_context
from napari_snpore.viewer.shared.theme import PlotColors

_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 6, 20, 20
_GRIP_PX = 8
_FONT_SIZE = 7


class HistogramPlot(QWidget):
    """A log or linear histogram, its phase ranges shaded in their colours, with one line per
    threshold.

    Drag a line to move its threshold; turn the wheel to zoom the grey axis about the pointer,
    double-click to see all of it.
    """

    thresholds_changed = Signal(tuple)
    """Emitted at every move of a drag."""
    drag_started = Signal()
    drag_finished = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram: Histogram | None = None
        self._thresholds: tuple[float, ...] = ()
        self._scheme = PORE_C_SN
        self._colors = PlotColors()
        self._log = True
        self._gray_range = (0.0, 1.0)
        self._dragged: int | None = None
        self._empty_text = ""
        self.canvas = SceneCanvas(
            keys=None, bgcolor=self._colors.background, size=(320, 170), parent=self
        )
        self.canvas.native.setMinimumHeight(140)  # what the form of thresholds gives it
        delete_with_context(self.canvas)
        self._ranges = _mesh(self.canvas, order=0)
        self._bars = _mesh(self.canvas, order=1)
        self._outline = _line(self.canvas, order=2, width=1)
        self._edges = _line(self.canvas, order=3, width=4)
        self._lines = _line(self.canvas, order=4, width=2)
        self._names = _text(self.canvas, "center", "center")
        self._ticks = _text(self.canvas, "center", "center")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.canvas.native)
        self.setToolTip(
            "How often each grey value occurs in the whole volume, exactly.\n"
            "Drag a line to move a threshold; wheel: zoom; double-click: all grey values."
        )
        events = self.canvas.events
        events.resize.connect(self._on_resize)
        events.mouse_press.connect(self._on_press)
        events.mouse_move.connect(self._on_move)
        events.mouse_release.connect(self._on_release)
        events.mouse_wheel.connect(self._on_wheel)
        events.mouse_double_click.connect(self._on_double_click)
        self._draw()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(340, 180)

    @property
    def gray_range(self) -> tuple[float, float]:
        """Grey values at the left and the right end of the axis."""
        return self._gray_range

    def set_histogram(self, histogram: Histogram | None, empty: str = "") -> None:
        """Show a histogram, or a sentence where there is none yet."""
        self._histogram, self._empty_text = histogram, empty
        if histogram is not None:
            self._gray_range = self._whole()
        self._draw()

    def set_thresholds(self, thresholds: Sequence[float]) -> None:
        """Move the lines, and draw them where they are new; no signal is emitted."""
        if self._thresholds != tuple(thresholds):
            self._thresholds = tuple(thresholds)
            self._draw()

    def set_scheme(self, scheme: PhaseScheme) -> None:
        """Set names and colours of the phases."""
        self._scheme = scheme
        self._draw()

    def set_log(self, log: bool) -> None:
        """Choose a logarithmic (base 10, of count + 1) or a linear height."""
        self._log = log
        self._draw()

    def set_colors(self, colors: PlotColors) -> None:
        """Set the colours around the phases, after a change of theme."""
        self._colors = colors
        self.canvas.bgcolor = colors.background
        self._draw()

    def x_of(self, gray: float) -> float:
        """Return the canvas pixel of a grey value."""
        low, high = self._gray_range
        left, right = self._span()
        return left + (gray - low) / (high - low) * (right - left)

    def gray_at(self, x: float) -> float:
        """Return the grey value at a canvas pixel."""
        return float(self._grays_at(np.float64(x)))

    def _grays_at(self, x: Any) -> NDArray[np.float64]:
        low, high = self._gray_range
        left, right = self._span()
        return np.asarray(low + (x - left) / (right - left) * (high - low))

    def _span(self) -> tuple[float, float]:
        return float(_LEFT), float(max(self.canvas.size[0] - _RIGHT, _LEFT + 1))

    def _whole(self) -> tuple[float, float]:
        histogram = self._histogram
        assert histogram is not None
        return float(histogram.core.edges[0]), float(histogram.core.edges[-1])

    def _step(self) -> float:
        """Smallest distance between two thresholds, and the grid they are dragged on for
        integers.
        """
        return self._histogram.step if self._histogram is not None else 0.0

    def _draw(self) -> None:
        if self._histogram is None:
            for visual in (
                self._ranges,
                self._bars,
                self._outline,
                self._edges,
                self._lines,
                self._ticks,
            ):
                visual.visible = False
            width, height = self.canvas.size
            _write(self._names, [self._empty_text], [(width / 2, height / 2)], self._colors.ink)
            self.canvas.update()
            return
        left, right = self._span()
        bottom = float(self.canvas.size[1] - _BOTTOM)
        edges = np.arange(left, right + 1)
        heights = (bottom - _TOP) * self._heights(edges)
        colors = np.array([Color(color).rgba for color in self._scheme.colors], np.float32)
        phase = np.searchsorted(
            np.asarray(self._thresholds), self._grays_at((edges[:-1] + edges[1:]) / 2), side="right"
        )
        shown = colors[np.minimum(phase, len(colors) - 1)]
        faded = shown * (1, 1, 1, 0.22)
        _bars(self._ranges, edges, np.full(len(heights), bottom - _TOP), bottom, faded)
        _bars(self._bars, edges, heights, bottom, shown)
        outline = np.stack([np.repeat(edges, 2)[1:-1], bottom - np.repeat(heights, 2)], axis=1)
        self._outline.set_data(outline, color=self._colors.faint)
        self._outline.visible = True
        self._draw_lines(bottom, colors)
        self._draw_names()
        self._draw_ticks(left, right, bottom)
        self.canvas.update()

    def _heights(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the height 0..1 of each pixel column: the voxels whose grey values it covers."""
        assert self._histogram is not None
        below = np.interp(self._grays_at(edges), self._histogram.edges, self._histogram.cumulative)
        counts = np.diff(below)
        heights = np.log10(counts + 1) if self._log else counts
        return np.asarray(heights / max(float(heights.max()), 1e-12))

    def _draw_lines(self, bottom: float, colors: NDArray[np.float32]) -> None:
        shown = [
            (x, k)
            for k, t in enumerate(self._thresholds)
            if _LEFT <= (x := self.x_of(t)) <= self._span()[1]
        ]
        for visual in (self._lines, self._edges):
            visual.visible = bool(shown)
        if not shown:
            return
        ends = np.array([(x, y) for x, _ in shown for y in (_TOP - 6, bottom)], np.float32)
        paint = np.repeat([colors[min(k + 1, len(colors) - 1)] for _, k in shown], 2, axis=0)
        self._edges.set_data(ends, color=(0, 0, 0, 0.75), connect="segments")
        self._lines.set_data(ends, color=paint, connect="segments")

    def _draw_names(self) -> None:
        left, right = self._span()
        limits = [left, *(min(max(self.x_of(t), left), right) for t in self._thresholds), right]
        words, places, written = [], [], -np.inf
        for name, start, end in zip(self._scheme.names, limits[:-1], limits[1:], strict=False):
            half = 3.5 * len(name) + 2
            x = min(max((start + end) / 2, left + half - 2), right - half)
            if (
                end > start and x - half >= written
            ):  # a name may lean over its range, not over another name
                words.append(name)
                places.append((x, 8.0))
                written = x + half
        _write(self._names, words, places, self._colors.ink)

    def _draw_ticks(self, left: float, right: float, bottom: float) -> None:
        low, high = self._gray_range
        values = round_ticks(low, high, at_most=max(2, int((right - left) / 70)))
        places = [
            (float(np.clip(self.x_of(v), left + 12, right - 14)), bottom + 10) for v in values
        ]
        _write(
            self._ticks,
            [f"{v:g}".replace("-", "\N{MINUS SIGN}") for v in values],
            places,
            self._colors.ink,
        )

    def _nearest(self, x: float) -> int | None:
        distances = [abs(self.x_of(t) - x) for t in self._thresholds]
        if self._histogram is None or not distances or min(distances) > _GRIP_PX:
            return None
        nearest = [k for k, d in enumerate(distances) if d <= min(distances) + 0.5]
        return nearest[-1] if x >= self.x_of(self._thresholds[nearest[0]]) else nearest[0]

    def _on_resize(self, event: Any) -> None:
        del event
        self._draw()

    def _on_press(self, event: Any) -> None:
        if event.button == 1 and (nearest := self._nearest(event.pos[0])) is not None:
            self._dragged = nearest
            self.drag_started.emit()

    def _on_move(self, event: Any) -> None:
        if self._dragged is None:
            near = self._nearest(event.pos[0]) is not None
            self.canvas.native.setCursor(
                Qt.CursorShape.SizeHorCursor if near else Qt.CursorShape.ArrowCursor
            )
            return
        self._drag_to(event.pos[0])

    def _drag_to(self, x: float) -> None:
        assert self._dragged is not None
        gray = self.gray_at(x)
        histogram = self._histogram
        if histogram is not None and np.dtype(histogram.dtype).kind in "iub":
            gray = float(round(gray))
        low, high = self._allowed_range(self._dragged)
        moved = list(self._thresholds)
        moved[self._dragged] = float(min(max(gray, low), high))
        if tuple(moved) == self._thresholds:
            return  # the mouse moved along the line, or within one grey value
        self.set_thresholds(moved)
        self.thresholds_changed.emit(tuple(moved))

    def _allowed_range(self, index: int) -> tuple[float, float]:
        """Return the smallest and largest value of a threshold between its neighbours and the ends
        of the axis.
        """
        step, (low, high) = self._step(), self._gray_range
        if index > 0:
            low = max(low, self._thresholds[index - 1] + step)
        if index + 1 < len(self._thresholds):
            high = min(high, self._thresholds[index + 1] - step)
        return low, max(low, high)

    def _on_release(self, event: Any) -> None:
        if self._dragged is not None:
            self._drag_to(
                event.pos[0]
            )  # vispy drops moves that follow each other quickly: the last one counts
            self._dragged = None
            self.drag_finished.emit()

    def _on_wheel(self, event: Any) -> None:
        if self._histogram is None:
            return
        whole = self._whole()
        about = self.gray_at(event.pos[0])
        factor = 0.8 ** float(np.sign(event.delta[1]))
        low, high = (about + (end - about) * factor for end in self._gray_range)
        if high - low < 4 * self._step():
            return
        self._gray_range = (max(low, whole[0]), min(high, whole[1]))
        self._draw()

    def _on_double_click(self, event: Any) -> None:
        del event
        if self._histogram is not None:
            self._gray_range = self._whole()
            self._draw()


def round_ticks(low: float, high: float, *, at_most: int) -> list[float]:
    """Return at most so many round numbers between two ends: steps of 1, 2 or 5 times a power of
    ten.

    Examples
    --------
    >>> round_ticks(0, 255, at_most=5)
    [0.0, 100.0, 200.0]
    """
    span = high - low
    exponent = int(np.floor(np.log10(span / max(at_most, 1))))
    step = next(
        s
        for e in (exponent, exponent + 1)
        for m in (1, 2, 5)
        if (s := m * 10.0**e) * at_most >= span
    )  # at_most steps of 10 ** (exponent + 1) always reach
    first = int(np.ceil(low / step - 1e-9))
    return [round(k * step, 12) for k in range(first, int(np.floor(high / step + 1e-9)) + 1)]


def _mesh(canvas: SceneCanvas, order: int) -> Any:
    corners = np.zeros((3, 3), np.float32)
    visual = Mesh(corners, np.array([[0, 1, 2]]), color=(0, 0, 0, 0), parent=canvas.scene)
    visual.set_gl_state("translucent", depth_test=False)
    visual.order = order
    return visual


def _line(canvas: SceneCanvas, order: int, width: float) -> Any:
    visual = Line(np.zeros((2, 2), np.float32), width=width, method="gl", parent=canvas.scene)
    visual.set_gl_state("translucent", depth_test=False)
    visual.order = order
    return visual


def _text(canvas: SceneCanvas, anchor_x: str, anchor_y: str) -> Any:
    visual = Text(
        "", font_size=_FONT_SIZE, anchor_x=anchor_x, anchor_y=anchor_y, parent=canvas.scene
    )
    visual.order = 5
    return visual


def _bars(
    visual: Any,
    edges: NDArray[np.float64],
    heights: NDArray[np.float64],
    bottom: float,
    colors: NDArray[np.float32],
) -> None:
    count = len(heights)
    corners = np.zeros((count, 4, 3), np.float32)
    corners[:, (0, 3), 0], corners[:, (1, 2), 0] = edges[:-1, None], edges[1:, None]
    corners[:, :2, 1], corners[:, 2:, 1] = bottom, (bottom - heights)[:, None]
    faces = (np.array([[0, 1, 2], [0, 2, 3]]) + 4 * np.arange(count)[:, None, None]).reshape(-1, 3)
    visual.set_data(
        corners.reshape(-1, 3), faces.astype(np.uint32), vertex_colors=np.repeat(colors, 4, axis=0)
    )
    visual.visible = True


def _write(visual: Any, words: list[str], places: list[tuple[float, float]], color: str) -> None:
    visual.visible = bool(words) and any(words)
    if visual.visible:
        visual.text = words
        visual.pos = np.array(places, np.float32)
        visual.color = color
