"""The triad of axes in a corner of napari's canvas."""

from __future__ import annotations

from typing import Any

_SIZE_PX = 90.0


def show_axes(viewer: Any, on: bool = True) -> None:
    """Show or hide the directions of the axes with their letters.

    They stand above on the left, away from the scale bars of window and plate, and without the box
    that napari draws behind them, which would cover the scene.
    """
    axes = viewer.canvas.overlays.axes
    if on and not axes.visible:
        axes.position, axes.box, axes.size = "top_left", False, _SIZE_PX
    axes.visible = on


def axes_shown(viewer: Any) -> bool:
    """Return whether the axes are shown."""
    return bool(viewer.canvas.overlays.axes.visible)
