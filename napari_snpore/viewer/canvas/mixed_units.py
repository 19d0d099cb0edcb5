"""Says once which layers of a window have no voxel size beside others that have one.

napari draws such a window without units and warns of it on each of its canvases, whenever a layer
comes or goes; with the ortho slices these are four warnings per step, none of which names the layer.
"""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.utils.notifications import notification_manager, show_info

from napari_snpore.viewer.shared.units import has_scale

_WARNING = "Inconsistent units across layers"

_WINDOWS: weakref.WeakSet[ViewerModel] = weakref.WeakSet()
_SAID: weakref.WeakSet[Layer] = weakref.WeakSet()


def say_mixed_units_once(viewer: ViewerModel) -> None:
    """Put one sentence per layer in the place of napari's warnings, from now on."""
    _WINDOWS.add(viewer)
    notification_manager.notification_ready.connect(_on_notification)  # a second time: no effect


def layers_without_length(viewer: ViewerModel) -> list[Layer]:
    """Return the layers without a voxel size of a window in which others have one."""
    bare = [layer for layer in viewer.layers if not has_scale(layer)]
    return bare if len(bare) < len(viewer.layers) else []


def _on_notification(notification: Any) -> None:
    if not str(notification.message).startswith(_WARNING):
        return
    bare = [layer for window in list(_WINDOWS) for layer in layers_without_length(window)]
    if not bare:
        return
    notification.blocked = True  # napari's own listeners come after this one
    if notification_manager.records[-1:] == [notification]:
        notification_manager.records.pop()
    new = [layer for layer in bare if layer not in _SAID]
    if new:
        _SAID.update(new)
        names = ", ".join(f"'{layer.name}'" for layer in new)
        lack, them = (
            ("has no voxel size", "it") if len(new) == 1 else ("have no voxel size", "them")
        )
        show_info(
            f"{names} {lack}, other layers have one: a pixel of {them} is drawn as long as 1 nm. "
            "A form that works on such a layer asks for its size."
        )
