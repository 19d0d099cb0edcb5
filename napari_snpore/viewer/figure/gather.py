"""Spec of a plate from the window, made in the GUI thread: arrays are referred to, and only the 3D
scene is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer

from napari_snpore.errors import InputError
from napari_snpore.figures.plate_spec import PARTS, ObliqueSpec, PlateSpec, ScenePicture
from napari_snpore.figures.style import FigureStyle
from napari_snpore.history import SegmentStep, last_step
from napari_snpore.uncertainty.size_limit import SizeLimit
from napari_snpore.viewer.canvas.voxels import on_voxel
from napari_snpore.viewer.errors.lines import fraction_intervals_of
from napari_snpore.viewer.figure.layer_appearance import (
    SliceAppearance,
    gray_painter,
    label_painter,
    nm_per_world_unit,
    opaque,
    shown_scheme,
)
from napari_snpore.viewer.figure.scene_picture import SceneCamera, take_picture
from napari_snpore.viewer.figure.sources import OF_OBJECTS, OF_PHASES, OF_VOLUME, Sources
from napari_snpore.viewer.figure.specimens import is_objects, noun_of, specimens_in
from napari_snpore.viewer.shared.boxes import boxes_of
from napari_snpore.viewer.shared.layer_colors import colors_of
from napari_snpore.viewer.shared.layers import (
    is_phases,
    object_table,
    record_of,
    scheme_of,
    steps_of,
    volume_from_layer,
)
from napari_snpore.viewer.shared.units import nm_a_unit
from napari_snpore.volume import Triple

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison

_THRESHOLD = "needs phases: Threshold, Apply"


def missing_for(
    viewer: Any,
    part: str,
    *,
    volume: Layer | None,
    phases: Layer | None,
    objects: Layer | None,
    slices: SliceAppearance | None = None,
) -> str:
    """Return what has to be there before a part can be drawn; nothing where it is."""
    if part in OF_VOLUME and volume is None:
        return "needs a volume"
    if part in OF_PHASES and phases is None:
        return _THRESHOLD
    if part == "scene" and getattr(viewer, "window", None) is None:
        return "needs a window"
    if part in ("boxes", "fractions") and not len(boxes_of(viewer)):
        return "needs boxes: Subvolumes"
    if part == "pair" and len(boxes_of(viewer)) < 2:
        return "needs two boxes: Subvolumes"
    if part == "boxes" and volume is None and phases is None:
        return "needs a volume"
    if part in OF_OBJECTS and objects is None:
        return "needs objects: Measure"
    if part == "states" and comparison_in(viewer) is None:
        return "needs states: Compare"
    if part == "table" and phases is None and objects is None and comparison_in(viewer) is None:
        return _THRESHOLD
    if part == "oblique" and (slices is None or slices.oblique_of is None):
        return "needs an open one: Ortho slices"
    return ""


def gather(
    viewer: Any,
    parts: Sequence[str],
    *,
    volume: Layer | None,
    phases: Layer | None,
    objects: Layer | None,
    plane: str,
    field_nm: float,
    slices: SliceAppearance | None = None,
    camera: SceneCamera | None = None,
    style: FigureStyle | None = None,
) -> PlateSpec:
    """Return the spec of a plate of the window as it is.

    Parameters
    ----------
    viewer : Viewer
        The window.
    parts : sequence of str
        Keys of :data:`~napari_snpore.figures.plate_spec.PARTS`.
    volume, phases, objects : Layer, optional
        What is drawn.
    plane : {"XZ", "XY", "YZ"}
        Of the slices.
    field_nm : float
        Side of the field of view; 0 takes that of the Ortho slices, else everything.
    slices : SliceAppearance, optional
        What the open Ortho slices show.
    camera : SceneCamera, optional
        Keeps the picture of the scene between plates.
    style : FigureStyle, optional
        Width, type size, dots per inch and letters.

    Raises
    ------
    InputError
        No part is chosen, or what one needs is missing.
    """
    if not parts:
        raise InputError("Nothing is ticked; tick what the plate shall show.")
    for part in parts:
        if words := missing_for(
            viewer, part, volume=volume, phases=phases, objects=objects, slices=slices
        ):
            raise InputError(f"'{PARTS[part]}' {words}.")
    appearance = slices or SliceAppearance()
    sources = Sources(parts, volume, phases, objects, appearance.oblique_of)
    parts, volume, phases, objects = sources.parts, sources.volume, sources.phases, sources.objects
    used = [layer for layer in (volume, phases, objects) if layer is not None]
    oblique = _oblique(appearance, used) if "oblique" in parts else None
    if oblique is not None and appearance.oblique_of not in used:
        used.append(appearance.oblique_of)
    boxes = boxes_of(viewer)
    scene: ScenePicture | None = None
    if "scene" in parts and volume is not None:
        scene = take_picture(viewer, volume) if camera is None else camera.picture(volume)
    specimens, left_out = (
        specimens_in(list(viewer.layers), phases=phases, objects=objects)
        if "table" in parts
        else ((), ())
    )
    wants_states = bool({"table", "states"} & set(parts))
    own = PlateSpec(()).scheme if phases is None else scheme_of(phases)
    shown = own if phases is None else shown_scheme(phases)
    return PlateSpec(
        tuple(parts),
        plane,
        _position(viewer, volume if volume is not None else phases),
        field_nm or appearance.field_nm,
        None if volume is None else volume_from_layer(volume),
        None if phases is None else volume_from_layer(phases),
        projection=appearance.projection if appearance.thickness_nm else None,
        thickness_nm=appearance.thickness_nm,
        limits=None
        if volume is None
        else (float(volume.contrast_limits[0]), float(volume.contrast_limits[1])),
        colors=None if volume is None else colors_of(volume),
        scheme=opaque(shown, own),
        shown_scheme=shown,
        thresholds=() if phases is None else _thresholds(phases, len(own.names)),
        oblique=oblique,
        boxes=tuple(boxes[k] for k in range(len(boxes))),
        objects=None if objects is None else object_table(objects.features),
        noun=noun_of(objects),
        voxel_nm=1.0 if objects is None else float(max(volume_from_layer(objects).spacing)),
        crowther_nm=None if objects is None else record_of(objects).get("crowther_nm"),
        size_limit=_size_limit(objects),
        scene=scene,
        specimens=specimens,
        comparison=comparison_in(viewer) if wants_states else None,
        left_out=(*sources.left_out, *left_out),
        remark=sources.mixed(),
        style=style or FigureStyle(letters=True),
        colormap="gray" if volume is None else str(volume.colormap.name),
        gamma=1.0 if volume is None else float(volume.gamma),
        layers=tuple(
            {"name": layer.name, "history": list(record_of(layer).get("history", ()))}
            for layer in used
        ),
        intervals=fraction_intervals_of(phases),
    )


def comparison_in(viewer: Any) -> Comparison | None:
    """Return what the Compare form of a window compared last; None without one."""
    window = getattr(viewer, "window", None)
    docked = () if window is None else window.dock_widgets.values()
    found = (getattr(one, "comparison", None) for one in docked)
    return next((one for one in found if one is not None), None)


def _size_limit(objects: Layer | None) -> SizeLimit | None:
    """Return the detection limit that the Measure form noted with objects."""
    known = None if objects is None else record_of(objects).get("size_limit_nm")
    return None if known is None else SizeLimit(*map(float, known))


def _position(viewer: Any, layer: Layer | None) -> Triple:
    """Return where the window is, in nm: the voxel of the layer that it shows."""
    point = viewer.dims.point[-3:]
    if len(point) < 3:
        return 0.0, 0.0, 0.0
    own = np.ones(3) if layer is None else nm_a_unit(layer.units)
    in_layer = np.asarray(point) * nm_per_world_unit(viewer, layer) / own
    z, y, x = (float(place) for place in np.asarray(on_voxel(layer, in_layer)) * own)
    return z, y, x


def _oblique(slices: SliceAppearance, used: Sequence[Layer]) -> ObliqueSpec | None:
    """Return the open oblique slice, by name where it is that of a layer that the plate does not
    show otherwise.
    """
    layer = slices.oblique_of
    if layer is None:
        return None
    volume, place = volume_from_layer(layer), (slices.tilt_deg, slices.turn_deg)
    name = "" if layer in used and not is_objects(layer) else layer.name
    if not isinstance(layer, Labels):
        return ObliqueSpec(volume, *place, gray_painter(layer), name=name)
    scheme = shown_scheme(layer) if is_phases(layer) else None
    words = f"{noun_of(layer)} in the colours of the window" if is_objects(layer) else ""
    return ObliqueSpec(volume, *place, label_painter(layer), True, scheme, name, words)


def _thresholds(phases: Layer, count: int) -> tuple[float, ...]:
    """Return the thresholds that made some phases; none where they are not known, or are not those
    between them.
    """
    made = last_step(steps_of(record_of(phases)), SegmentStep)
    limits = () if made is None else made.thresholds
    return limits if len(limits) == count - 1 else ()
