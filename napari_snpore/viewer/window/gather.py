"""State of a viewer, read in the GUI thread; quick, because arrays of images and labels are not
copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from napari.layers import Layer

from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.window.layout import layout_values
from napari_snpore.viewer.window.open_widgets import widget_states
from napari_snpore.viewer.window.state import LayerState, WindowState
from napari_snpore.viewer.window.view import overlay_values, view_values

TYPES = ("image", "labels", "shapes", "points", "surface", "tracks", "vectors")
ON_A_GRID = ("image", "labels")

_ADDED_BY_WIDGETS = ("preview", "scene plane", "box handles")
"""Kinds of layers that a widget adds while it is open, and adds again when it is reopened."""

_DROPPED = ("data", "properties", "property_choices", "locked_data_level")
"""Settings that repeat the features, or that only layers of several resolutions have."""

_LATER = {
    "image": ("contrast_limits_range", "contrast_limits"),  # in this order, because limits must lie in the range
    "surface": ("contrast_limits_range", "contrast_limits"),
    "labels": (
        "selected_label", "contour", "brush_size", "contiguous", "n_edit_dimensions", "preserve_labels",
        "show_selected_label",
    ),
}  # fmt: skip
_OVERLAYS = ("bounding_box", "name_overlay", "colorbar")


def window_state(viewer: Any) -> WindowState:
    """Return the state of a viewer: layers, view, selection, open widgets and layout.

    Layers that a widget shows only while it is open, such as the preview of thresholds, are left
    out. If a volume is painted on during saving, it is saved with the values that it has when its
    file is written.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        The viewer to save.

    Returns
    -------
    WindowState
        Its ``notes`` name everything that is left out or changed.
    """
    viewer = plain_viewer(viewer)
    notes: list[str] = []
    layers: list[Layer] = []
    states: list[LayerState] = []
    for layer in viewer.layers:
        state = None if kind_of(layer) in _ADDED_BY_WIDGETS else layer_state(layer, notes)
        if state is not None:
            layers.append(layer)
            states.append(state)
    selection = viewer.layers.selection
    return WindowState(
        tuple(states),
        _copied(view_values(viewer)),
        tuple(k for k, layer in enumerate(layers) if layer in selection),
        next((k for k, layer in enumerate(layers) if layer is selection.active), None),
        widget_states(viewer, notes),
        layout_values(viewer),
        tuple(notes),
    )


def layer_state(layer: Layer, notes: list[str]) -> LayerState | None:
    """Return the state of a layer, or None and a note if its type is not saved."""
    try:
        data, settings, type_name = layer.as_layer_data_tuple()
    except Exception as error:  # a layer class of another plugin
        notes.append(
            f"The layer '{layer.name}' does not tell its state ({error}); it was left out."
        )
        return None
    if type_name not in TYPES:
        kind = type(layer).__name__
        notes.append(
            f"The layer '{layer.name}' is of a type that is not kept ({kind}); it was left out."
        )
        return None
    settings = {key: _copied(value) for key, value in settings.items() if key not in _DROPPED}
    if type_name in ON_A_GRID:
        if settings.get("multiscale"):
            data, settings["multiscale"] = data[0], False
            notes.append(
                f"The layer '{layer.name}' had several resolutions; the full one was saved."
            )
        elif not isinstance(data, np.ndarray):
            notes.append(
                f"The layer '{layer.name}' was read piece by piece when needed; it was saved in full."
            )
    else:
        data = _copied(data)
    later = {
        name: _copied(getattr(layer, name))
        for name in _LATER.get(type_name, ())
        if hasattr(layer, name)
    }
    overlays = {
        name: _copied(overlay_values(getattr(layer, name)))
        for name in _OVERLAYS
        if hasattr(layer, name)
    }
    return LayerState(data, settings, type_name, later, overlays)


def _copied(value: Any) -> Any:
    """Return a copy that later changes in the viewer do not affect."""
    if isinstance(value, pd.DataFrame):
        return value.copy()
    if isinstance(value, np.ndarray):
        return np.array(value)
    if type(value) in (list, tuple):
        return type(value)(_copied(one) for one in value)
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return value
