"""The scale bar of a slice: a round length, as long on the screen as it says."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.slices.marks.scale_bar import PaintedScaleBar


@pytest.fixture
def picture(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(400, 300)
    return made


@pytest.fixture
def bar(picture):
    made = PaintedScaleBar(picture)
    picture.show()
    return made


@pytest.mark.parametrize(
    ("nm_per_pixel", "length", "words"),
    [(0.1, 10.0, "10 nm"), (0.5, 50.0, "50 nm"), (0.04, 2.0, "2 nm"), (0.004, 0.2, "0.2 nm")],
)
def test_the_longest_round_length_that_has_room(bar, nm_per_pixel, length, words):
    """Room is 0.3 of 400 px, which are 12, 60, 4.8 and 0.48 nm."""
    bar.show_scale(nm_per_pixel, "nm")
    assert bar.words == words
    assert bar.length == length


def test_it_is_as_long_as_it_says_and_lies_in_the_lower_left_corner(bar):
    bar.show_scale(0.1, "nm")
    shown = bar.grab().toImage()
    row = shown.height() - 8
    white = [x for x in range(shown.width()) if QColor(shown.pixel(x, row)).lightness() > 200]
    assert len(white) == pytest.approx(100, abs=2), "10 nm at 0.1 nm a pixel"
    assert np.all(np.diff(white) == 1)
    assert bar.geometry().bottom() == 299
    assert bar.x() == 0


def test_without_a_length_there_is_none(bar):
    bar.show_scale(float("nan"), "nm")
    assert bar.isHidden()
    bar.show_scale(0.1, "px")
    assert bar.words == "10 px"
    assert not bar.isHidden()
