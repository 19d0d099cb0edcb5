"""Adds and moves layers without a change of the slider position and of the selected layers."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
from napari.components import LayerList, ViewerModel
from napari.layers import Layer

from napari_snpore.viewer.shared.events import breathe
from napari_snpore.viewer.shared.slider_steps import voxel_ranges
from napari_snpore.viewer.shared.units import nm_a_unit
from napari_snpore.viewer.shared.voxel_size import to_nm

_OF_SLIDERS = ("range", "nsteps", "current_step", "point")


@contextmanager
def keeping_position(viewer: ViewerModel) -> Iterator[None]:
    """Keep ``viewer.dims.point`` while layers are added or moved, and keep the sliders on voxel
    centres.

    napari snaps the point to new steps when the extent of all layers changes, and draws every layer
    anew; here the sliders get the new range once, at the end. A layer in nm beside one in µm makes
    nm the unit of the window: the point is then the same in the new unit.
    """
    dims = viewer.dims
    ndim, ranges, point, units = dims.ndim, dims.range, dims.point, viewer.layers.units
    with ExitStack() as silence:
        for name in _OF_SLIDERS:
            silence.enter_context(getattr(dims.events, name).blocker())
        yield
        wanted = voxel_ranges(viewer) or dims.range
        if dims.ndim == ndim:
            dims.range, dims.point = ranges, point
    if dims.ndim != ndim:
        for name in _OF_SLIDERS:
            getattr(dims.events, name)(value=getattr(dims, name))
        return
    if viewer.layers.units != units:
        point = tuple(
            np.array(point) * nm_a_unit(units, ndim) / nm_a_unit(viewer.layers.units, ndim)
        )
    dims.range = wanted
    if dims.point != point:
        dims.set_point(range(ndim), point)


_WITHOUT_CHOICE: weakref.WeakKeyDictionary[LayerList, int] = weakref.WeakKeyDictionary()
"""Lists of layers that the program changes now, and how many of its changes are nested."""


@contextmanager
def keeping_choice(viewer: ViewerModel) -> Iterator[None]:
    """Keep what is selected while the program adds or removes layers: no change of the selection in
    here is a choice.

    napari selects every layer that is added. A form that follows the selection cannot tell that, or
    putting the selection back, from a click of the user; it asks :func:`is_users_choice`.
    """
    layers = viewer.layers
    chosen = set(layers.selection)
    _WITHOUT_CHOICE[layers] = _WITHOUT_CHOICE.get(layers, 0) + 1
    try:
        yield
        kept = {layer for layer in chosen if layer in layers}
        if kept and set(layers.selection) != kept:
            layers.selection = kept
    finally:
        _WITHOUT_CHOICE[layers] -= 1


def is_users_choice(viewer: ViewerModel) -> bool:
    """Return whether a change of the selection now is one that the user or a script made."""
    return _WITHOUT_CHOICE.get(viewer.layers, 0) == 0


def add_keeping_selection(viewer: ViewerModel, layer: Layer) -> None:
    """Add a layer and keep the selection; no event of the selection is emitted.

    Such an event would also make napari look up what lies under the mouse, which fails while the
    mouse has not moved since the switch to 3D.
    """
    selection = viewer.layers.selection
    chosen, active = set(selection), selection.active
    if active is None:
        with keeping_position(viewer):
            viewer.layers.append(layer)
        return
    with keeping_position(viewer), selection.events.active.blocker():
        viewer.layers.append(layer)
        selection.clear()
        selection.update(chosen)
        selection.active = active


def add_in_two_turns(viewer: ViewerModel, layer: Layer) -> None:
    """Add a layer as :func:`add_keeping_selection` does, and let the window be drawn before it is
    shown: napari's controls of a layer and its first picture take a tenth of a second each.
    """
    visible, layer.visible = layer.visible, False
    add_keeping_selection(viewer, layer)
    breathe(viewer)
    layer.visible = visible


def count_in_nm(viewer: ViewerModel, layer: Layer) -> None:
    """Convert a layer of another length unit to nm; the sliders stay at the same point of the
    specimen.
    """
    dims, point, before = viewer.dims.ndim, viewer.dims.point, viewer.layers.extent.units
    to_nm(layer)
    after = viewer.layers.extent.units
    if before == after or before is None or after is None or viewer.dims.ndim != dims:
        return
    moved = np.array(point) * nm_a_unit(before, dims) / nm_a_unit(after, dims)
    viewer.dims.set_point(range(dims), [float(place) for place in moved])
