"""The bar above a slice: what it leaves out where it is narrow, and playing."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QWidget

from napari_snpore.viewer.slices.planes import PLANES
from napari_snpore.viewer.slices.slice_bar import SliceBar


@pytest.fixture
def bar(qtbot):
    slot = QWidget()  # as the layout of a view, it gives the bar any width
    qtbot.addWidget(slot)
    made = SliceBar(PLANES[0])
    made.setParent(slot)
    made.resize(400, 22)
    slot.show()
    made.show_step(3, 2, 5)
    made.show_place("z = 13.20 nm", details="voxel 88")
    yield made
    slot.close()


def shown(bar):
    return [part.isVisible() for part in (bar.place, bar.slider, bar.play_button, bar.details)]


def test_details_go_first_and_the_slider_next_but_never_the_position(bar):
    assert shown(bar) == [True, True, True, True]
    bar.resize(250, 22)
    assert shown(bar) == [True, True, True, False]
    bar.resize(137, 22)
    assert shown(bar) == [True, False, False, False]
    bar.layout().activate()
    assert bar.place.text() == "13.20 nm"
    assert bar.place.width() >= bar.place.fontMetrics().horizontalAdvance("13.20 nm")


def test_play_goes_through_all_slices_over_and_over(bar, qtbot):
    seen = []
    bar.stepped.connect(seen.append)
    bar.play_button.click()
    qtbot.waitUntil(lambda: len(seen) >= 5, timeout=5000)
    bar.play_button.click()
    assert seen[:5] == [4, 5, 2, 3, 4]
    count = len(seen)
    qtbot.wait(250)
    assert len(seen) == count


def test_nothing_plays_unseen_or_without_slices(bar):
    bar.play_button.click()
    bar.hide()
    assert not bar.play_button.isChecked()
    bar.show()
    bar.play_button.click()
    bar.show_step(2, 2, 2)
    assert not bar.play_button.isChecked()
    assert not bar.play_button.isEnabled()
