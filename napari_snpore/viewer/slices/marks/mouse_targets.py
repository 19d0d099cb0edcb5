"""Interfaces between a slice view and its overlays: what an overlay reads, and mouse events."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

from qtpy.QtCore import Qt

from napari_snpore.viewer.slices.planes import OrthoPlane


class OverlayHost(Protocol):
    """A slice view as its overlays see it; overlays import this and not the view, which imports
    them.
    """

    plane: OrthoPlane
    scene: Any

    @property
    def nm_per_pixel(self) -> float:
        """Nanometres under one pixel of the screen."""

    def near_lines(self, position: Any) -> tuple[int, ...]:
        """Return the axes whose cross-hair line is within reach of a world position."""

    def jump(self, position: Any) -> None:
        """Move the cross-hair to a position on this slice."""


class MouseTarget(Protocol):
    """An overlay on a slice that the mouse can drag: a box, a ruler. It comes before the
    cross-hair.
    """

    def holds(self, view: OverlayHost, position: Any) -> bool:
        """Return whether the mouse at a world position (z, y, x) in nm belongs to it."""

    def cursor(self, view: OverlayHost, position: Any) -> Qt.CursorShape:
        """Return the shape of the mouse cursor there."""

    def drag(self, view: OverlayHost, event: Any) -> Generator[None, None, None]:
        """Follow a drag as napari's mouse callbacks do: yield until ``event.type`` is no longer
        ``mouse_move``.
        """
