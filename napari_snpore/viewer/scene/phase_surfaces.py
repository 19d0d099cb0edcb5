"""Lit surfaces of phases as layers of the scene, one a phase, in the place of the labels that they were made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari.components import ViewerModel
from napari.layers import Layer, Surface

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.viewer.layers import KEY, SEPARATOR, UNIT, VOLUME_AXES, kind_of, stem_of
from napari_snpore.viewer.quietly import add_quietly
from napari_snpore.viewer.scene.surfaces import PhaseSurface, phase_surface
from napari_snpore.volume import Volume

KIND = "surface"

OPACITIES: Mapping[str, float] = {"pore": 0.35, "C": 0.15, "Sn": 1.0}
"""Carbon like glass, pores like fog, Sn solid: what lies inside stays in sight. Others: 0.5."""


@dataclass(frozen=True, eq=False)
class NamedSurface:
    """A surface with the name and colour of its phase."""

    phase: str
    label: int
    colour: str
    surface: PhaseSurface


def surfaces_of(
    phases: Volume, scheme: PhaseScheme, names: Sequence[str], *, smoothing: int, progress: Progress, stop: ShouldStop
) -> list[NamedSurface]:
    """Return the surfaces of the named phases; absent ones are left out. For a thread.

    Raises
    ------
    InputError
        None of them is there.
    """
    found = []
    for done, name in enumerate(names):
        progress(done, len(names))
        check_stop(stop)
        label = scheme.names.index(name) + 1
        if not (phases.data == label).any():
            continue
        surface = phase_surface(phases.data, label, spacing=phases.spacing, smoothing=smoothing, cancelled=stop)
        found.append(NamedSurface(name, label, scheme.colours[label - 1], surface))
    progress(len(names), len(names))
    if not found:
        raise InputError(f"None of the phases {', '.join(names)} has a voxel; there is no surface to draw.")
    return found


def put_surface(viewer: ViewerModel, source: Layer, named: NamedSurface) -> Surface:
    """Show a surface where its labels are, in place of an older one of the same phase; its opacity and visibility stay."""
    name = layer_name(source, named.phase)
    made = named.surface
    data = (made.vertices, made.faces)
    record = {
        "kind": KIND,
        "phase": named.phase,
        "source": source.name,
        "library": made.library,
        "smoothing": made.smoothing,
        "coarsened_by": made.coarsened_by,
        "history": [],
    }
    for layer in viewer.layers:
        if isinstance(layer, Surface) and layer.name == name and kind_of(layer) == KIND:
            layer.data = data
            layer.translate = source.translate
            layer.metadata = {**layer.metadata, KEY: record}
            return layer
    layer = Surface(
        data,
        name=name,
        colormap=_one_colour(named.colour),
        shading="smooth",
        opacity=OPACITIES.get(named.phase, 0.5),
        blending="translucent",
        translate=source.translate,
        units=(UNIT,) * 3,
        axis_labels=VOLUME_AXES,
        metadata={KEY: record},
        visible=viewer.dims.ndisplay == 3,
    )
    add_quietly(viewer, layer)
    return layer


def layer_name(source: Layer, phase: str) -> str:
    """Return the name of the surface of a phase of a layer."""
    return f"{stem_of(source.name)}{SEPARATOR}{phase} surface"


def surface_layer(viewer: ViewerModel, source: Layer | None, phase: str) -> Surface | None:
    """Return the surface of a phase of a layer; None where none was made."""
    if source is None:
        return None
    name = layer_name(source, phase)
    found = (one for one in viewer.layers if isinstance(one, Surface) and one.name == name and kind_of(one) == KIND)
    return next(found, None)


def _one_colour(colour: str) -> object:
    from napari.utils.colormaps import Colormap

    return Colormap([colour, colour], name=f"phase {colour}")
