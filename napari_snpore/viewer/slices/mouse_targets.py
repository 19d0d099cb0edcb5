"""What may take the mouse on a slice before the cross-hair does."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import Qt

if TYPE_CHECKING:
    from napari_snpore.viewer.slices.slice_view import SliceView


class MouseTarget(Protocol):
    """Something on a slice that the mouse can take hold of: a box, a ruler."""

    def holds(self, view: SliceView, position: Any) -> bool:
        """Say whether the mouse at a world position (z, y, x) in nm belongs to it."""

    def cursor(self, view: SliceView, position: Any) -> Qt.CursorShape:
        """Return the shape of the mouse there."""

    def drag(self, view: SliceView, event: Any) -> Generator[None, None, None]:
        """Follow a drag as napari's mouse callbacks do: yield until ``event.type`` is no longer ``mouse_move``."""
