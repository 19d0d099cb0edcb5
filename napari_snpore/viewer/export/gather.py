"""The wish for a plate, read off the window in the GUI thread: arrays are referred to, and only the scene is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Layer
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.viewer.boxes import boxes_of
from napari_snpore.viewer.export.wish import PARTS, PlateWish
from napari_snpore.viewer.layers import kind_of, object_table, record_of, scheme_of, volume_from_layer
from napari_snpore.viewer.scene.look import SceneLook, show_volume


def missing_for(viewer: Any, part: str, *, volume: Layer | None, phases: Layer | None, objects: Layer | None) -> str:
    """Return what has to be there before a part can be drawn; nothing where it is."""
    if part in ("scene", "grey") and volume is None:
        return "needs a volume"
    if part in ("phases", "fractions") and phases is None:
        return "needs phases: Threshold, Apply"
    if part == "scene" and getattr(viewer, "window", None) is None:
        return "needs a window"
    if part in ("boxes", "fractions") and not len(boxes_of(viewer)):
        return "needs boxes: Subvolumes"
    if part == "boxes" and volume is None and phases is None:
        return "needs a volume"
    if part == "histograms" and objects is None:
        return "needs objects: Measure"
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
) -> PlateWish:
    """Return the wish for a plate of the window as it is.

    Raises
    ------
    InputError
        No part is chosen, or what one needs is missing.
    """
    if not parts:
        raise InputError("Nothing is ticked; tick what the plate shall show.")
    for part in parts:
        if words := missing_for(viewer, part, volume=volume, phases=phases, objects=objects):
            raise InputError(f"'{PARTS[part]}' {words}.")
    used = [layer for layer in (volume, phases, objects) if layer is not None]
    point = viewer.dims.point[-3:]
    boxes = boxes_of(viewer)
    scene, scale = scene_picture(viewer, volume) if "scene" in parts and volume is not None else (None, None)
    return PlateWish(
        tuple(parts),
        plane,
        (float(point[0]), float(point[1]), float(point[2])) if len(point) == 3 else (0.0, 0.0, 0.0),
        field_nm,
        None if volume is None else volume_from_layer(volume),
        None if phases is None else volume_from_layer(phases),
        limits=(0.0, 1.0) if volume is None else (float(volume.contrast_limits[0]), float(volume.contrast_limits[1])),
        colours=None if volume is None else colours_of(volume),
        scheme=scheme_of(phases) if phases is not None else PlateWish(()).scheme,
        boxes=tuple(boxes[k] for k in range(len(boxes))),
        objects=None if objects is None else object_table(objects.features),
        noun=_noun(objects),
        voxel_nm=1.0 if objects is None else float(max(objects.scale)),
        crowther_nm=None if objects is None else record_of(objects).get("crowther_nm"),
        scene=scene,
        scene_nm_per_pixel=scale,
        layers=tuple({"name": layer.name, "history": list(record_of(layer).get("history", ()))} for layer in used),
    )


def colours_of(layer: Layer) -> NDArray[np.uint8]:
    """Return what an image layer makes of its contrast range, gamma included: uint8, shape (256, 3)."""
    places = np.linspace(0.0, 1.0, 256) ** float(layer.gamma)
    rgba = np.asarray(layer.colormap.map(places))
    colours: NDArray[np.uint8] = np.rint(255 * np.clip(rgba[:, :3], 0, 1)).astype(np.uint8)
    return colours


def scene_picture(viewer: Any, volume: Layer) -> tuple[NDArray[np.uint8], float | None]:
    """Return the 3D scene, and nm a pixel for a parallel projection.

    As the window shows it; where it shows 2D, that of the paper, and the window is as before.
    """
    before = None
    if viewer.dims.ndisplay != 3 and isinstance(volume, Image):
        before = SceneLook(viewer)
        show_volume(viewer, volume, rendering="attenuated_mip")
    bar = viewer.canvas.overlays.scale_bar
    shown, bar.visible = bar.visible, False  # the figure draws its own
    try:
        picture = np.asarray(viewer.screenshot(canvas_only=True, flash=False))
        camera = viewer.scene.camera
        across = float(viewer.canvas.size[1]) / picture.shape[1]
        scale = across / float(camera.zoom) if float(camera.perspective) == 0 else None
    finally:
        bar.visible = shown
        if before is not None:
            before.give_back()
    return np.ascontiguousarray(picture[..., :3]), scale


def is_objects(layer: Layer) -> bool:
    """Say whether a layer holds measured objects with their table."""
    return kind_of(layer) == "objects" and "length_nm" in getattr(layer, "features", ())


def _noun(objects: Layer | None) -> str:
    phase = "" if objects is None else str(record_of(objects).get("phase", ""))
    return {"pore": "pores", "Sn": "Sn clusters", "C": "C objects"}.get(phase, f"{phase} objects".strip())
