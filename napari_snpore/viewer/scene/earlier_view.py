"""State of a window before the 3D scene was set up, for restoring it: one record per window, shared by all forms."""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel

from napari_snpore.viewer.scene.look import SceneLook

_OF: weakref.WeakKeyDictionary[Any, SceneLook] = weakref.WeakKeyDictionary()


def remember_look(viewer: ViewerModel) -> None:
    """Take the look of a window, the first time; later that of the layers that came since."""
    found = _found(viewer)
    if found is None:
        _OF[viewer] = SceneLook(viewer)
    else:
        found.remember()


def has_look_before(viewer: ViewerModel) -> bool:
    """Say whether there is a way back."""
    return _found(viewer) is not None


def show_before(viewer: ViewerModel) -> None:
    """Give a window the look that was taken, and forget it."""
    found = _found(viewer)
    if found is not None:
        del _OF[viewer]
        found.give_back()


def _found(viewer: ViewerModel) -> SceneLook | None:
    return next((look for known, look in _OF.items() if known is viewer), None)
