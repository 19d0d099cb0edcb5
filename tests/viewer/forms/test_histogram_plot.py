"""The histogram plot: pixels and grey values, and what the mouse does to the lines."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QColor, QWheelEvent

from napari_snpore.segmentation.histogram import gray_histogram
from napari_snpore.viewer.forms.histogram_plot import HistogramPlot, round_ticks


@pytest.fixture
def plot(qtbot):
    plot = HistogramPlot()
    qtbot.addWidget(plot)
    plot.resize(400, 200)
    plot.show()
    plot.set_histogram(gray_histogram(np.arange(201, dtype=np.uint8).reshape(1, 1, -1)))
    plot.set_thresholds((50.0, 150.0))
    return plot


def drag(qtbot, plot, start, end):
    y = plot.height() // 2
    there, goal = QPoint(round(plot.x_of(start)), y), QPoint(round(plot.x_of(end)), y)
    qtbot.mousePress(plot, Qt.MouseButton.LeftButton, pos=there)
    for step in (0.5, 1.0):
        qtbot.mouseMove(plot, there + (goal - there) * step)
    qtbot.mouseRelease(plot, Qt.MouseButton.LeftButton, pos=goal)


def is_near(color, name):
    """Compare as a screen of 16 bits shows them: five of red and blue, six of green."""
    wanted = QColor(name)
    pairs = zip(color.getRgb()[:3], wanted.getRgb()[:3], strict=True)
    return all(abs(a - b) <= 8 for a, b in pairs)


def test_pixels_and_grey_values_are_inverse(plot):
    assert plot.gray_range == (-0.5, 200.5)
    assert plot.gray_at(plot.x_of(77.0)) == pytest.approx(77.0)


def test_dragging_a_line_moves_its_threshold_only(plot, qtbot):
    moves = []
    plot.thresholds_changed.connect(moves.append)
    with qtbot.waitSignals([plot.drag_started, plot.drag_finished]):
        drag(qtbot, plot, 50, 90)
    low, high = moves[-1]
    assert low == pytest.approx(90, abs=1)
    assert low == round(low), "thresholds of integer data are whole numbers"
    assert high == 150.0


def test_lines_cannot_pass_each_other(plot, qtbot):
    moves = []
    plot.thresholds_changed.connect(moves.append)
    drag(qtbot, plot, 50, 190)
    assert moves[-1] == (149.0, 150.0)


def test_a_click_far_from_a_line_moves_nothing(plot, qtbot):
    moves = []
    plot.thresholds_changed.connect(moves.append)
    drag(qtbot, plot, 100, 120)
    assert moves == []


def test_empty_plot_takes_the_mouse_without_harm(plot, qtbot):
    plot.set_histogram(None, "no volume")
    moves = []
    plot.thresholds_changed.connect(moves.append)
    drag(qtbot, plot, 0.2, 0.7)
    assert moves == []


def test_constant_volume_can_be_shown(plot):
    plot.set_histogram(gray_histogram(np.full((4, 4, 4), 7, np.uint16)))
    assert plot.gray_range == (6.5, 7.5)


def test_each_range_is_painted_in_the_colour_of_its_phase(plot):
    """Equal counts: every bar is full, so that each pixel below the names has a phase's colour."""
    shown, row = plot.grab().toImage(), plot.height() // 2
    for gray, color in zip((25.0, 100.0, 175.0), plot._scheme.colors, strict=True):
        assert is_near(shown.pixelColor(round(plot.x_of(gray)), row), color)
    beside = shown.pixelColor(round(plot.x_of(100.0)), plot.height() - 1)
    assert is_near(beside, plot._colors.background), "below the axis"


def test_a_line_is_painted_at_its_threshold_and_goes_with_the_zoom(plot, qtbot):
    row = plot.height() // 2
    before = plot.grab().toImage()
    assert before.pixelColor(round(plot.x_of(50.0)) - 2, row) != before.pixelColor(60, row)
    wheel = QWheelEvent(
        QPointF(plot.x_of(150.0), row), QPointF(), QPoint(), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    place = plot.x_of(150.0)
    plot.wheelEvent(wheel)
    assert plot.gray_range[1] - plot.gray_range[0] < 201
    assert plot.x_of(150.0) == pytest.approx(place, abs=1)
    qtbot.mouseDClick(plot, Qt.MouseButton.LeftButton)
    assert plot.gray_range == (-0.5, 200.5)


@pytest.mark.parametrize(
    ("low", "high", "at_most", "expected"),
    [
        (0, 255, 5, [0, 100, 200]),
        (-1.2, 1.2, 6, [-1, -0.5, 0, 0.5, 1]),
        (0.0, 0.004, 4, [0, 0.001, 0.002, 0.003, 0.004]),
    ],
)
def test_ticks_are_round(low, high, at_most, expected):
    assert round_ticks(low, high, at_most=at_most) == pytest.approx(expected)
