"""The grey histogram of a volume with threshold lines that are dragged, drawn by vispy in a Qt widget.

What is where comes from :mod:`~napari_snpore.viewer.plots.plot_area`; this module draws it and turns the mouse into thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from qtpy import API_NAME
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget
from vispy.app import use_app
from vispy.color import Color
from vispy.scene import SceneCanvas, visuals

from napari_snpore.segmentation.histogram import Histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.viewer.plots.plot_area import LEFT, RIGHT, STRIP, TOP, PlotArea, column_counts

_GRAB_PX = 8
_TINT = 0.28


class HistogramPlot(QWidget):
    """Log or linear histogram, the ranges of the phases in their colours, and a line for each threshold.

    Drag a line to move a threshold, turn the wheel to stretch the grey axis, double-click to see all of it. With the keyboard:
    left and right move the line that was touched last by a step, with Shift by ten.
    """

    thresholds_changed = Signal(tuple)
    """While a line is dragged: all thresholds."""

    drag_started = Signal()
    drag_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._histogram: Histogram | None = None
        self._thresholds: tuple[float, ...] = ()
        self._scheme = PORE_C_SN
        self._held: int | None = None
        self._touched = 0
        self._colours = ("#f0f1f2", "#23242b")
        self._area = PlotArea(300, 170, 0.0, 1.0, 1.0)
        self._canvas = SceneCanvas(app=use_app(API_NAME.lower()), keys=None, parent=self, show=False, size=(300, 170))
        self._canvas.native.installEventFilter(self)
        self._canvas.native.setMouseTracking(True)
        self._make_visuals()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._canvas.native)
        self.setMinimumHeight(170)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Drag a line to move a threshold; wheel: stretch the grey axis; double-click: all of it.")
        for event in (self._canvas.events.resize,):
            event.connect(self._on_resize)

    @property
    def histogram(self) -> Histogram | None:
        """What is drawn."""
        return self._histogram

    @property
    def area(self) -> PlotArea:
        """Where grey values lie in the pixels of the canvas."""
        return self._area

    @property
    def log(self) -> bool:
        """Whether counts are drawn on a log scale."""
        return self._area.log

    @log.setter
    def log(self, log: bool) -> None:
        self._area = replace(self._area, log=log)
        self._draw()

    @property
    def canvas(self) -> Any:
        """The vispy canvas."""
        return self._canvas

    def show_histogram(self, histogram: Histogram | None) -> None:
        """Draw another histogram, or none; the grey axis shows all of it."""
        self._histogram = histogram
        if histogram is not None:
            low, high = self._limits()
            self._area = replace(self._area, low=low, high=high, top=float(max(1, histogram.counts.max())))
        self._draw()

    def show_thresholds(self, thresholds: Sequence[float], scheme: PhaseScheme) -> None:
        """Draw other thresholds; the scheme has one phase more than there are thresholds. Sends no signal."""
        self._thresholds, self._scheme = tuple(thresholds), scheme
        self._touched = min(self._touched, max(0, len(self._thresholds) - 1))
        self._draw_phases()
        self._canvas.update()

    def show_colours(self, *, foreground: str, background: str) -> None:
        """Draw in the colours of a theme."""
        self._colours = (foreground, background)
        self._draw()

    def see_all(self) -> None:
        """Show the whole grey axis."""
        if self._histogram is not None:
            low, high = self._limits()
            self._area = replace(self._area, low=low, high=high)
            self._draw()

    @property
    def step(self) -> float:
        """Grey units of one arrow key: one for whole numbers, a two-thousandth of the range otherwise."""
        if self._histogram is None or np.dtype(self._histogram.dtype).kind in "iub":
            return 1.0
        return float(self._histogram.maximum - self._histogram.minimum) / 2000 or 1.0

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Turn the mouse on the canvas into thresholds and a stretched axis."""
        del watched
        kind = None if event is None else event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            return self._press(event.position().x())
        if kind == QEvent.Type.MouseMove:
            self._move(event.position().x())
        elif kind == QEvent.Type.MouseButtonRelease and self._held is not None:
            self._held = None
            self.drag_ended.emit()
        elif kind == QEvent.Type.MouseButtonDblClick:
            self.see_all()
        elif kind == QEvent.Type.Wheel and self._histogram is not None:
            factor = 1.2 ** (event.angleDelta().y() / 120)
            self._area = self._area.zoomed(factor, self._area.grey_of(event.position().x()), self._limits())
            self._draw()
            event.accept()
            return True
        return False

    def keyPressEvent(self, event: Any) -> None:
        """Step the threshold that was touched last."""
        signs = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() not in signs or not self._thresholds:
            super().keyPressEvent(event)
            return
        many = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        self._set(self._touched, self._thresholds[self._touched] + signs[event.key()] * many * self.step)
        self.drag_ended.emit()

    def _press(self, x: float) -> bool:
        self.setFocus()
        self._held = self._line_near(x)
        if self._held is None:
            return False
        self._touched = self._held
        self.drag_started.emit()
        return True

    def _move(self, x: float) -> None:
        if self._held is not None:
            self._set(self._held, self._area.grey_of(x))
        near = self._held is not None or self._line_near(x) is not None
        self._canvas.native.setCursor(Qt.CursorShape.SplitHCursor if near else Qt.CursorShape.ArrowCursor)

    def _line_near(self, x: float) -> int | None:
        away = [abs(self._area.x_of(value) - x) for value in self._thresholds]
        return int(np.argmin(away)) if away and min(away) <= _GRAB_PX else None

    def _set(self, which: int, value: float) -> None:
        """Move one threshold, a step away from its neighbours at least, and tell."""
        low, high = self._limits()
        neighbours = (low, *self._thresholds, high)
        value = min(max(value, neighbours[which] + self.step), neighbours[which + 2] - self.step)
        if np.dtype(self._histogram.dtype if self._histogram else "f4").kind in "iub":
            value = round(value)
        moved = (*self._thresholds[:which], float(value), *self._thresholds[which + 1 :])
        if moved != self._thresholds and all(a < b for a, b in zip(moved, moved[1:], strict=False)):
            self.show_thresholds(moved, self._scheme)
            self.thresholds_changed.emit(moved)

    def _limits(self) -> tuple[float, float]:
        edges = np.array([0.0, 1.0]) if self._histogram is None else self._histogram.edges
        return float(edges[0]), float(edges[-1])

    def _on_resize(self, event: Any) -> None:
        width, height = event.size
        self._area = replace(self._area, width=float(width), height=float(height))
        self._draw()

    def _make_visuals(self) -> None:
        scene = self._canvas.scene
        self._bars = visuals.Mesh(parent=scene)
        self._tints = visuals.Mesh(parent=scene)
        self._outline = visuals.Line(parent=scene, width=1)
        self._strip = visuals.Mesh(parent=scene)
        self._frame = visuals.Line(parent=scene, connect="segments")
        self._lines = visuals.Line(parent=scene, connect="segments", width=3)
        self._ticks = visuals.Text(parent=scene, font_size=7, anchor_x="center", anchor_y="center")
        self._names = visuals.Text(parent=scene, font_size=7, anchor_x="center", anchor_y="center", bold=True)
        self._tags = visuals.Text(parent=scene, font_size=8, anchor_x="center", anchor_y="center", bold=True)
        self._empty = visuals.Text(parent=scene, font_size=9, anchor_x="center", anchor_y="center")
        for order, visual in enumerate(
            (self._tints, self._bars, self._outline, self._strip, self._frame, self._lines, self._ticks, self._names,
             self._tags, self._empty)
        ):  # fmt: skip
            visual.order = order
            visual.set_gl_state("translucent", depth_test=False)

    def _draw(self) -> None:
        foreground, background = self._colours
        area, histogram = self._area, self._histogram
        self._canvas.bgcolor = background
        drawn = histogram is not None
        for visual in (self._bars, self._outline, self._ticks, self._frame):
            visual.visible = drawn
        self._empty.visible = not drawn
        self._empty.text, self._empty.color = "no histogram yet", foreground
        self._empty.pos = (area.width / 2, area.height / 2)
        if histogram is not None:
            x = np.linspace(LEFT, area.width - RIGHT, area.columns + 1)
            y = area.y_of(column_counts(histogram, area))
            self._draw_bars(x, y)
            base = area.base + STRIP + 2
            ticks = area.ticks()
            marks = [(area.x_of(tick), row) for tick in ticks for row in (base, base + 4)]
            axis = [(LEFT, base), (area.width - RIGHT, base)]
            self._frame.set_data(np.array([*axis, *marks]), color=foreground)
            self._ticks.text = [f"{tick:g}" for tick in ticks] or [""]
            self._ticks.pos = np.array([(area.x_of(tick), base + 13) for tick in ticks] or [(0, 0)])
            self._ticks.color = foreground
        self._draw_phases()
        self._canvas.update()

    def _draw_bars(self, x: Any, y: Any) -> None:
        foreground = Color(self._colours[0])
        n = len(y)
        steps = np.stack([np.repeat(x, 2)[1:-1], np.repeat(y, 2)], axis=1)
        feet = np.stack([steps[:, 0], np.full(2 * n, self._area.base)], axis=1)
        points = np.concatenate([steps, feet])
        k = np.arange(0, 2 * n, 2)
        faces = np.concatenate([np.stack([k, k + 1, k + 2 * n], 1), np.stack([k + 1, k + 2 * n, k + 2 * n + 1], 1)])
        fill = Color(foreground, alpha=0.45)
        self._bars.set_data(vertices=_flat(points), faces=faces.astype(np.uint32), color=fill)
        self._outline.set_data(steps, color=Color(foreground, alpha=0.9))

    def _draw_phases(self) -> None:
        area, shown = self._area, self._histogram is not None and len(self._thresholds) > 0
        for visual in (self._tints, self._strip, self._lines, self._names, self._tags):
            visual.visible = shown
        if not shown:
            return
        inside = np.clip(self._thresholds, area.low, area.high)
        x = [float(LEFT), *(area.x_of(value) for value in inside), area.width - RIGHT]
        spans = list(zip(x[:-1], x[1:], strict=True))
        colours = [Color(colour) for colour in self._scheme.colours]
        tint = [(*colour.rgb, _TINT) for colour in colours]
        self._fill(self._tints, spans, (float(TOP), area.base), tint)
        self._fill(self._strip, spans, (area.base + 1, area.base + 1 + STRIP), [tuple(c.rgba) for c in colours])
        ends, ink = [], []
        for k, value in enumerate(self._thresholds):
            if area.low <= value <= area.high:
                ends += [(area.x_of(value), TOP - 4), (area.x_of(value), area.base + STRIP)]
                ink += [tuple(_distinct(colours[k + 1], self._colours[1]))] * 2
        self._lines.visible = bool(ends)
        if ends:
            self._lines.set_data(np.array(ends), color=np.array(ink))
        self._write_names(spans, x)

    def _write_names(self, spans: list[tuple[float, float]], x: list[float]) -> None:
        """Write names into the strip where they fit, and the number of each threshold above its line."""
        names = [
            name if b - a > 7 * len(name) + 4 else "" for name, (a, b) in zip(self._scheme.names, spans, strict=True)
        ]
        middle = self._area.base + 1 + STRIP / 2
        self._names.text = [name or " " for name in names]
        self._names.pos = np.array([((a + b) / 2, middle) for a, b in spans])
        self._names.color = np.array([_ink_on(Color(colour)) for colour in self._scheme.colours])
        tags = x[1:-1]
        for k in range(1, len(tags)):
            tags[k] = max(tags[k], tags[k - 1] + 16)
        self._tags.text = [f"t{k}" for k in range(1, len(tags) + 1)]
        self._tags.pos = np.array([(min(max(tag, LEFT + 6), self._area.width - RIGHT), TOP - 12) for tag in tags])
        self._tags.color = self._colours[0]

    def _fill(
        self, mesh: Any, spans: list[tuple[float, float]], rows: tuple[float, float], colours: list[tuple[float, ...]]
    ) -> None:
        corners = [(x, y) for a, b in spans for x, y in ((a, rows[0]), (b, rows[0]), (a, rows[1]), (b, rows[1]))]
        k = 4 * np.arange(len(spans))
        faces = np.concatenate([np.stack([k, k + 1, k + 2], 1), np.stack([k + 1, k + 2, k + 3], 1)])
        vertex_colours = np.repeat(np.array(colours, np.float32), 4, axis=0)
        mesh.set_data(vertices=_flat(np.array(corners)), faces=faces.astype(np.uint32), vertex_colors=vertex_colours)


def _flat(points: Any) -> Any:
    return np.column_stack([points, np.zeros(len(points))]).astype(np.float32)


def _distinct(colour: Color, background: str) -> Any:
    """Return the colour, or a darker or lighter one where it would vanish on the background."""
    away = float(np.abs(colour.rgb - Color(background).rgb).max())
    if away > 0.35:
        return colour.rgba
    return (*(colour.rgb * 0.45), 1.0) if _brightness(colour) > 0.5 else (*(0.5 + colour.rgb / 2), 1.0)


def _ink_on(colour: Color) -> tuple[float, ...]:
    return (0.0, 0.0, 0.0, 1.0) if _brightness(colour) > 0.5 else (1.0, 1.0, 1.0, 1.0)


def _brightness(colour: Color) -> float:
    return float(np.dot(colour.rgb, (0.299, 0.587, 0.114)))
