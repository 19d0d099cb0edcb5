"""Boxes as they were before a drag, a typed number or a preset: to go back to, and forth again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_snpore.viewer.boxes import NamedBox

BoxesThen = tuple[tuple["NamedBox", ...], int]
"""All boxes of a window, and the index of the selected one."""


class BoxHistory:
    """What the boxes of a window were, step by step."""

    def __init__(self) -> None:
        self._past: list[BoxesThen] = []
        self._future: list[BoxesThen] = []

    @property
    def can_go_back(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_go_forth(self) -> bool:
        """Whether there is a step that was taken back."""
        return bool(self._future)

    def remember(self, present: BoxesThen) -> None:
        """Keep the boxes as they are before they change; what was undone is forgotten."""
        if not self._past or self._past[-1][0] != present[0]:
            self._past.append(present)
        self._future.clear()

    def back(self, present: BoxesThen) -> BoxesThen | None:
        """Return the boxes before, or None."""
        if not self._past:
            return None
        self._future.append(present)
        return self._past.pop()

    def forth(self, present: BoxesThen) -> BoxesThen | None:
        """Return the boxes that were undone last, or None."""
        if not self._future:
            return None
        self._past.append(present)
        return self._future.pop()
