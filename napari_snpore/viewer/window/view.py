"""What the viewer shows of its layers: position along each axis, camera, grid, scale bar and other overlays.

The theme is not among it: it is the user's, not that of the data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CAMERA = ("synced", "orientation", "perspective", "angles", "center", "zoom")
"""In the order in which they are set."""


def view_values(viewer: Any) -> dict[str, Any]:
    """Return the view of a viewer; enums as their values, colours as arrays."""
    dims, canvas, scene = viewer.dims, viewer.canvas, viewer.scene
    return {
        "dims": {
            name: getattr(dims, name)
            for name in ("ndisplay", "order", "point", "margin_left", "margin_right", "last_used")
        },
        "camera": {name: getattr(scene.camera, name) for name in _CAMERA},
        "grid": canvas.grid.model_dump(),
        "tiling": canvas.overlay_tiling.model_dump(),
        "background_colour": canvas.background_color_override,
        "canvas": _overlay_values(canvas.overlays),
        "scene": _overlay_values(scene.overlays),
    }


def set_view(viewer: Any, view: Mapping[str, Any]) -> None:
    """Show a viewer as it was; a viewer with more axes than were saved keeps its own on the outside."""
    if not view:
        return
    canvas, scene = viewer.canvas, viewer.scene
    canvas.grid.update(dict(view["grid"]))
    canvas.overlay_tiling.update(dict(view["tiling"]))
    canvas.background_color_override = view["background_colour"]
    _set_dims(viewer.dims, view["dims"])
    # last: other values move the camera
    for name in _CAMERA:
        setattr(scene.camera, name, view["camera"][name])
    for overlays, values in ((canvas.overlays, view["canvas"]), (scene.overlays, view["scene"])):
        for name, overlay in overlays.items():
            if name in values:
                overlay.update(dict(values[name]))


def overlay_values(overlay: Any) -> dict[str, Any]:
    """Return what can be set of an overlay."""
    fields = type(overlay).model_fields
    return {name: value for name, value in overlay.model_dump().items() if not fields[name].frozen}


def _overlay_values(overlays: Any) -> dict[str, Any]:
    """Return the overlays that a user can set; those of tools, such as the brush, have names with an underscore."""
    return {name: overlay_values(overlay) for name, overlay in overlays.items() if not name.startswith("_")}


def _set_dims(dims: Any, saved: Mapping[str, Any]) -> None:
    more = dims.ndim - len(saved["order"])
    if more < 0:  # a layer of more axes was left out
        return
    dims.ndisplay = saved["ndisplay"]
    dims.order = (*range(more), *(axis + more for axis in saved["order"]))
    for name in ("margin_left", "margin_right", "point"):
        setattr(dims, name, (*getattr(dims, name)[:more], *saved[name]))
    dims.last_used = saved["last_used"] + more
