"""State of a window before the 3D scene was set up, for restoring it: one record per window, shared
by all forms.
"""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel

from napari_snpore.viewer.scene.look import SceneLook

_OF: weakref.WeakKeyDictionary[Any, SceneLook] = weakref.WeakKeyDictionary()


def remember_look(viewer: ViewerModel) -> None:
    """Record the display settings of a window once; later those of layers added since."""
    found = _found(viewer)
    if found is None:
        _OF[viewer] = SceneLook(viewer)
    else:
        found.remember()


def has_look_before(viewer: ViewerModel) -> bool:
    """Return whether an earlier view can be restored."""
    return _found(viewer) is not None


def show_before(viewer: ViewerModel) -> None:
    """Restore the recorded display settings of a window, and drop the record."""
    found = _found(viewer)
    if found is not None:
        del _OF[viewer]
        found.give_back()


def _found(viewer: ViewerModel) -> SceneLook | None:
    for known, view in _OF.items():
        if known is viewer:
            return view
    return None
