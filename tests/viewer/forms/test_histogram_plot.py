"""The histogram plot: pixels and grey values, and what the mouse does to the lines."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt

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
    native = plot.canvas.native
    y = native.height() // 2
    there, goal = QPoint(round(plot.x_of(start)), y), QPoint(round(plot.x_of(end)), y)
    qtbot.mousePress(native, Qt.MouseButton.LeftButton, pos=there)
    for step in (0.5, 1.0):
        qtbot.mouseMove(native, there + (goal - there) * step)
    qtbot.mouseRelease(native, Qt.MouseButton.LeftButton, pos=goal)


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
