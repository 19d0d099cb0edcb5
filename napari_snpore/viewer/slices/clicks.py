"""The slices that are open beside a window, and clicks on them, for forms that look at what was
clicked.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari_snpore.viewer.slices.slice_view import SliceView


class SliceClicks(QObject):
    """Tells of clicks on the slices of one window.

    Signals
    -------
    clicked : object
        The position (z, y, x), in the units of the window.
    """

    clicked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._views: weakref.WeakSet[SliceView] = weakref.WeakSet()

    @property
    def views(self) -> list[SliceView]:
        """The slices that are open."""
        return list(self._views)

    def add(self, view: SliceView) -> None:
        """Take a slice that was opened."""
        self._views.add(view)

    def remove(self, view: SliceView) -> None:
        """Forget a slice that is closed."""
        self._views.discard(view)


_CLICKS: weakref.WeakKeyDictionary[Any, SliceClicks] = weakref.WeakKeyDictionary()


def slice_clicks(viewer: Any) -> SliceClicks:
    """Return the clicks on the slices of a window, also before there are any."""
    if viewer not in _CLICKS:
        _CLICKS[viewer] = SliceClicks()
    return _CLICKS[viewer]
