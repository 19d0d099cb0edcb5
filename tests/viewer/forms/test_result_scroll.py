"""The results of a form: as high as they need to be."""

from __future__ import annotations

from napari_snpore.viewer.forms.form import ResultScroll, ResultText


def test_results_that_fit_have_no_scroll_bar_after_they_were_too_long(qtbot):
    """Qt keeps a scroll bar that makes wrapped text so narrow that it needs the bar."""
    area, text = ResultScroll(), ResultText()
    qtbot.addWidget(area)
    area.column.addWidget(text)
    text.show_lines(["blur of the images 1.00 px (0.94 to 1.06), found in the images"] * 6)
    bar, height = area.verticalScrollBar(), area.column.totalHeightForWidth
    beside = bar.sizeHint().width()
    width = next(one for one in range(300, 500) if height(one) < height(one - beside))
    area.resize(width, 60)
    area.show()
    qtbot.waitUntil(bar.isVisible, timeout=60_000)
    area.resize(width, height(width) + 2)
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=60_000)
    assert bar.maximum() == 0


def test_a_form_that_is_not_seen_settles_nothing(qtbot):
    """A closed window may be taken away while one of its timers calls."""
    area, text = ResultScroll(), ResultText()
    qtbot.addWidget(area)
    area.column.addWidget(text)
    settled: list[bool] = []
    area._settled.timeout.connect(lambda: settled.append(area.isVisible()))

    def changed(lines):
        text.show_lines(["blur of the images 1.00 px (0.94 to 1.06)"] * lines)
        qtbot.wait(50)

    changed(3)
    assert settled == []
    area.show()
    qtbot.waitUntil(lambda: settled != [], timeout=60_000)
    area.hide()
    settled.clear()
    changed(6)
    assert settled == []
    area.show()
    qtbot.waitUntil(lambda: settled == [True], timeout=60_000)
