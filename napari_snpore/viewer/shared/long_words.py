"""Wrapping of long words: a path without a space would make a form wider than its dock."""

from __future__ import annotations

import re

from qtpy.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QApplication, QLabel, QMenu

MAY_BREAK = "\N{ZERO WIDTH SPACE}"
"""Where a line may end; without width, and left out of what is copied."""

_LONGEST = 12
"""Characters of a word that is never broken."""

_TAG = re.compile(r"(<[^<>]*>)")


def breakable(words: str) -> str:
    """Let long words break, best behind a separator; tags of rich text stay as they are.

    Examples
    --------
    >>> breakable("SIRT 50"), len(breakable("a" * 30)) - 30
    ('SIRT 50', 2)
    >>> breakable("/data/HAADF_aligned.mrc").split(MAY_BREAK)
    ['/', 'data/', 'HAADF_', 'aligned.', 'mrc']
    """

    def broken(found: re.Match[str]) -> str:
        parts = re.findall(rf"[^_./\\\-]{{1,{_LONGEST}}}[_./\\\-]*|[_./\\\-]+", found.group())
        return MAY_BREAK.join(parts)

    pieces = _TAG.split(words)
    pieces[::2] = [re.sub(rf"\S{{{_LONGEST + 1},}}", broken, piece) for piece in pieces[::2]]
    return "".join(pieces)


class WrappingLabel(QLabel):
    """A label that wraps long words as well; ``text()`` and what is copied are as they were set."""

    def __init__(self, text: str = "") -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setText(text)

    def setText(self, text: str | None) -> None:
        """Show a text."""
        super().setText(breakable(text or ""))

    def text(self) -> str:
        """Return the text as it was set."""
        return super().text().replace(MAY_BREAK, "")

    def copy(self) -> None:
        """Copy what is selected."""
        clipboard = QApplication.clipboard()
        if clipboard is not None and self.hasSelectedText():
            clipboard.setText(self.selectedText().replace(MAY_BREAK, ""))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Copy on Ctrl+C."""
        if event is not None and event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent | None) -> None:
        """Offer *Copy*."""
        menu = QMenu(self)
        entry = menu.addAction("Copy")
        if event is None or entry is None:
            return
        entry.setEnabled(self.hasSelectedText())
        entry.triggered.connect(self.copy)
        menu.popup(event.globalPos())
