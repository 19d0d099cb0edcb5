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
