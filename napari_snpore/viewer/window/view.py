"""View of a viewer: position along each axis, camera, grid, scale bar and other overlays.

The theme is not part of it, because it is a preference of the user.
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
    """Restore the view of a viewer; if it has more axes than the saved one, the additional outer
    axes keep their values.
    """
    if not view:
        return
    canvas, scene = viewer.canvas, viewer.scene
    canvas.grid.update(dict(view["grid"]))
    canvas.overlay_tiling.update(dict(view["tiling"]))
    canvas.background_color_override = view["background_colour"]
    _set_dims(viewer.dims, view["dims"])
    # the camera last, because other values move it
    for name in _CAMERA:
        setattr(scene.camera, name, view["camera"][name])
    for overlays, values in ((canvas.overlays, view["canvas"]), (scene.overlays, view["scene"])):
        for name, overlay in overlays.items():
            if name in values:
                overlay.update(dict(values[name]))


def overlay_values(overlay: Any) -> dict[str, Any]:
    """Return the values of an overlay that can be set."""
    fields = type(overlay).model_fields
    return {name: value for name, value in overlay.model_dump().items() if not fields[name].frozen}


def _overlay_values(overlays: Any) -> dict[str, Any]:
    """Return the values of the overlays that a user can set; names of those of tools begin with an
    underscore.
    """
    return {
        name: overlay_values(overlay)
        for name, overlay in overlays.items()
        if not name.startswith("_")
    }


def _set_dims(dims: Any, saved: Mapping[str, Any]) -> None:
    more = dims.ndim - len(saved["order"])
    if more < 0:  # a layer of more axes was left out
        return
    dims.ndisplay = saved["ndisplay"]
    dims.order = (*range(more), *(axis + more for axis in saved["order"]))
    for name in ("margin_left", "margin_right", "point"):
        setattr(dims, name, (*getattr(dims, name)[:more], *saved[name]))
    dims.last_used = saved["last_used"] + more
