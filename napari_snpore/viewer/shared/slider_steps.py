"""Ranges of the dimension sliders that step from voxel centre to voxel centre, through what is
shown.

napari's sliders start where the first layer starts. What is drawn around voxels, a surface or a
box, starts at their faces, half a voxel earlier: every step would then lie between two slices, and
every second slice would never be shown. Hidden tilt images behind a volume would lengthen its z
axis by their number, and the slider would end in slices without a voxel.
"""

from __future__ import annotations

import weakref
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer

from napari_snpore.viewer.shared.layers import kind_of
from napari_snpore.viewer.shared.units import nm_a_unit

DRAWN_OVER = frozenset({"surface", "boxes", "box handles", "scene plane"})
"""Kinds of layers that have no slices of their own."""

STACKED = frozenset({"series", "frames"})
"""Kinds of layers whose first axis counts images and is no length."""

_KEPT: list[weakref.ref[Any]] = []


def keep_steps_on_voxels(viewer: ViewerModel) -> None:
    """Keep the ranges of the sliders to the layers that have slices, now and whenever layers come,
    go, move, are shown or hidden.
    """
    _KEPT[:] = [known for known in _KEPT if known() is not None]
    if any(known() is viewer for known in _KEPT):
        return
    kept = weakref.ref(viewer)
    _KEPT.append(kept)

    def align(event: Any = None) -> None:
        del event
        window = kept()
        ranges = None if window is None else voxel_ranges(window)
        if window is not None and ranges is not None:
            window.dims.range = ranges

    def watch(event: Any) -> None:
        event.value.events.visible.connect(align)

    def forget(event: Any) -> None:
        event.value.events.visible.disconnect(align)

    viewer.dims.events.range.connect(align)
    viewer.layers.events.inserted.connect(watch)
    viewer.layers.events.removed.connect(forget)
    for layer in viewer.layers:
        layer.events.visible.connect(align)
    align()


def voxel_ranges(viewer: ViewerModel) -> tuple[tuple[float, float, float], ...] | None:
    """Return start, stop and step of each axis for the layers that the sliders go through; None
    where there are none, or of other dimensions.
    """
    layers = stepped_layers(viewer)
    if not layers:
        return None
    extent = viewer.layers.get_extent(layers)
    ndim = len(extent.step)
    if ndim != viewer.dims.ndim:
        return None
    to_unit = nm_a_unit(extent.units, ndim) / nm_a_unit(
        viewer.layers.units, ndim
    )  # what is drawn is in nm
    return tuple(
        (float(low), float(high), float(step))
        for low, high, step in zip(*extent.world * to_unit, extent.step * to_unit, strict=True)
    )


def stepped_layers(viewer: ViewerModel) -> list[Layer]:
    """Return the layers that have slices; of tilt images or frames and volumes the one kind, where
    all of the other are hidden.
    """
    sliced = [layer for layer in viewer.layers if kind_of(layer) not in DRAWN_OVER]
    stacks = [layer for layer in sliced if kind_of(layer) in STACKED]
    volumes = [layer for layer in sliced if kind_of(layer) not in STACKED]
    shown = [group for group in (stacks, volumes) if any(layer.visible for layer in group)]
    return shown[0] if len(shown) == 1 else sliced
