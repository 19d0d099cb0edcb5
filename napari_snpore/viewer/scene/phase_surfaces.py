"""Lit surfaces of phases as layers of the scene, one per phase, at the position of the labels that
they were made from.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Layer, Surface

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.measurement.surface_mesh import SurfaceMesh, surface_mesh
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.shared.layers import KEY, SEPARATOR, VOLUME_AXES, kind_of, record_of
from napari_snpore.viewer.shared.slider_steps import keep_steps_on_voxels
from napari_snpore.viewer.shared.units import UNIT, nm_a_unit
from napari_snpore.viewer.shared.view_kept import add_keeping_selection, keeping_position
from napari_snpore.volume import Volume

KIND = "surface"

OPACITIES: Mapping[str, float] = {"pore": 0.35, "C": 0.15, "Sn": 1.0}
"""Carbon like glass, pores like fog, Sn solid: what lies inside stays in sight. Others: 0.5."""


@dataclass(frozen=True, eq=False)
class NamedSurface:
    """A surface with the name and colour of its phase."""

    phase: str
    label: int
    color: str
    surface: SurfaceMesh


def surfaces_of(
    phases: Volume,
    scheme: PhaseScheme,
    names: Sequence[str],
    *,
    smoothing: int,
    max_triangles: int = 2_000_000,
    layer_name: str = "phases",
    progress: Progress,
    stop: ShouldStop,
) -> list[NamedSurface]:
    """Return the surfaces of the named phases; absent ones are left out. For a thread.

    Raises
    ------
    InputError
        None of them is there, or labels that are not whole numbers from 0 to 255 (the layer's name
        is said).
    """
    labels = _as_uint8(phases.data, layer_name)
    found = []
    for done, name in enumerate(names):
        progress(done, len(names))
        check_stop(stop)
        label = scheme.names.index(name) + 1
        if not (labels == label).any():
            continue
        surface = surface_mesh(
            labels,
            label,
            spacing=phases.spacing,
            smoothing=smoothing,
            max_triangles=max_triangles,
            should_stop=stop,
        )
        found.append(NamedSurface(name, label, scheme.colors[label - 1], surface))
    progress(len(names), len(names))
    if not found:
        raise InputError(
            f"None of the phases {', '.join(names)} has a voxel; there is no surface to draw."
        )
    return found


def put_surface(viewer: ViewerModel, source: Layer, named: NamedSurface) -> Surface:
    """Show a surface where its labels are, in place of an older one of the same phase; its opacity
    and visibility stay.
    """
    made = named.surface
    data = (made.vertices_nm, made.faces)
    keep_steps_on_voxels(viewer)
    record = {
        "kind": KIND,
        "phase": named.phase,
        "source": source.name,
        "library": made.library,
        "smoothing": made.smoothing,
        "coarsened_by": made.coarsened_by,
        "unsmoothed": made.unsmoothed,
        "history": [],
    }
    origin = tuple((nm_a_unit(source.units) * source.translate).tolist())
    layer = surface_layer(viewer, source, named.phase)
    if layer is not None:
        with keeping_position(viewer):
            layer.data = data
            layer.translate = origin
        layer.metadata = {**layer.metadata, KEY: record}
        return layer
    layer = Surface(
        data,
        name=name_of_surface(source.name, named.phase),
        colormap=_one_color(named.color),
        shading="smooth",
        opacity=OPACITIES.get(named.phase, 0.5),
        blending="translucent",
        translate=origin,
        units=(UNIT,) * 3,
        axis_labels=VOLUME_AXES,
        metadata={KEY: record},
        visible=viewer.dims.ndisplay == 3,
    )
    add_keeping_selection(viewer, layer)
    _follow_name(source, layer)
    return layer


def name_of_surface(source_name: str, phase: str) -> str:
    """Return the name of the surface of a phase: ``fibre · SIRT 50 · Sn surface`` of ``fibre · SIRT
    50 · phases``.
    """
    return f"{source_name.removesuffix(f'{SEPARATOR}phases')}{SEPARATOR}{phase} surface"


def surface_layer(viewer: ViewerModel, source: Layer | None, phase: str) -> Surface | None:
    """Return the surface of a phase of a layer; None where none was made."""
    if source is None:
        return None
    for layer in viewer.layers:
        record = record_of(layer)
        if (
            isinstance(layer, Surface)
            and kind_of(layer) == KIND
            and (record.get("source"), record.get("phase")) == (source.name, phase)
        ):
            _follow_name(source, layer)
            return layer
    return None


_FOLLOWING: weakref.WeakSet[Surface] = weakref.WeakSet()


def _follow_name(source: Layer, surface: Surface) -> None:
    """Let a surface go with its labels when these are renamed; names are unique in a window, and
    kept when it is saved.
    """
    if surface in _FOLLOWING:
        return
    _FOLLOWING.add(surface)
    kept = weakref.ref(surface)

    def rename(event: Any) -> None:
        layer = kept()
        if layer is None:
            source.events.name.disconnect(rename)
            return
        record = record_of(layer)
        if layer.name == name_of_surface(str(record["source"]), str(record["phase"])):
            layer.name = name_of_surface(event.source.name, str(record["phase"]))
        layer.metadata = {**layer.metadata, KEY: {**record, "source": event.source.name}}

    source.events.name.connect(rename)


def _as_uint8(labels: Any, layer_name: str) -> Any:
    """Return labels as uint8, as they are where they are it already."""
    if labels.dtype == np.uint8:
        return labels
    if labels.dtype.kind not in "iub":
        raise InputError(
            f"The layer '{layer_name}' holds {labels.dtype}; whole numbers from 0 to 255 are needed."
        )
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most > 255:
        raise InputError(
            f"The layer '{layer_name}' has labels from {least} to {most}; surfaces are drawn of labels from 0 to 255."
        )
    return np.asarray(labels).astype(np.uint8)


def _one_color(color: str) -> object:
    from napari.utils.colormaps import Colormap

    return Colormap([color, color], name=f"phase {color}")
