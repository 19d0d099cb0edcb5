"""The Qt binding that the extras install carries a long session."""

from __future__ import annotations

import sys

from qtpy.QtWidgets import QWidget


class Drawn(QWidget):
    def paintEvent(self, event):
        pass


def test_drawing_loses_no_reference_to_none(qtbot):
    # PySide6 6.12.0 loses one at each paintEvent: Python 3.11 ends after some five thousand
    widget = Drawn()
    qtbot.addWidget(widget)
    widget.show()
    before = sys.getrefcount(None)
    for _ in range(400):
        widget.repaint()
    assert before - sys.getrefcount(None) < 100
