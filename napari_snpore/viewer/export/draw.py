"""A wish as a plate: rows as in the paper. For a thread; matplotlib comes in here, when a figure is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_snpore.errors import InputError
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.subvolume import extract_subvolume
from napari_snpore.viewer.boxes import NamedBox
from napari_snpore.viewer.export.wish import PlateWish
from napari_snpore.volume import Triple, Volume

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from napari_snpore.figures import Look


def panel_rows(wish: PlateWish) -> list[list[Any]]:
    """Return the panels of a wish in rows: scene and slices, subvolumes with their fractions, histograms.

    Raises
    ------
    InputError
        A box outside the volume.
    """
    from napari_snpore.figures.panels import FractionPanel, HistogramPanel, ImagePanel

    first: list[Any] = []
    if "scene" in wish.parts and wish.scene is not None:
        first.append(ImagePanel("3D scene", wish.scene, wish.scene_nm_per_pixel))
    first += _slices(wish)
    boxes: list[Any] = []
    for box in wish.boxes if "boxes" in wish.parts else ():
        boxes += _box_slices(wish, box)
    if "fractions" in wish.parts and wish.phases is not None:
        shares = {box.name: _shares(wish, wish.phases, box) for box in wish.boxes}
        boxes.append(FractionPanel("Fractions", shares, scheme=wish.scheme))
    rows = [first, *(boxes[k : k + 5] for k in range(0, len(boxes), 5))]
    if "histograms" in wish.parts and wish.objects is not None:
        rows.append(
            [
                HistogramPanel(wish.noun, wish.objects, column, wish.voxel_nm, wish.crowther_nm)
                for column in ("length_nm", "width_nm", "aspect_ratio")
            ]
        )
    return rows


def draw_plate(wish: PlateWish, look: Look) -> Figure:
    """Draw the plate of a wish."""
    from napari_snpore.figures.plate import plate

    return plate(panel_rows(wish), look=look)


def _slices(wish: PlateWish) -> list[Any]:
    from napari_snpore.figures.cuts import AXIS_NAMES, cropped, cut, plane_named, voxel_at
    from napari_snpore.figures.panels import PhasePanel, SlicePanel

    plane = plane_named(wish.plane)

    def piece(volume: Volume, what: str) -> Any:
        found = cut(volume, plane, voxel_at(volume, _inside(volume, wish.position_nm)))
        middle = (wish.position_nm[plane.down], wish.position_nm[plane.right])
        try:
            return cropped(found, middle_nm=middle, side_nm=wish.field_nm)
        except InputError as error:
            raise InputError(f"{what}: {error}") from None

    panels: list[Any] = []
    axis = AXIS_NAMES[plane.normal]
    heading = f"{plane.name}, {axis} = {wish.position_nm[plane.normal]:.1f} nm"
    if "grey" in wish.parts and wish.volume is not None and wish.colours is not None:
        panels.append(SlicePanel(heading, piece(wish.volume, "slice"), wish.limits, wish.colours))
    if "phases" in wish.parts and wish.phases is not None:
        words = f"phases, {heading}" if not panels else "phases"
        panels.append(PhasePanel(words, piece(wish.phases, "phases"), wish.scheme))
    return panels


def _box_slices(wish: PlateWish, box: NamedBox) -> list[Any]:
    """Return the middle slice of a box, grey and phases."""
    from napari_snpore.figures.cuts import cut, plane_named, voxel_at
    from napari_snpore.figures.panels import PhasePanel, SlicePanel

    plane = plane_named(wish.plane)
    panels: list[Any] = []
    size = f"{box.size_nm[plane.right]:.3g} nm"
    for volume, is_phases in ((wish.volume, False), (wish.phases, True)):
        if volume is None:
            continue
        part = extract_subvolume(volume, center_nm=box.center_nm, size_nm=box.size_nm)
        piece = cut(part, plane, voxel_at(part, None))
        if is_phases:
            panels.append(PhasePanel(f"{box.name}, phases", piece, wish.scheme))
        elif wish.colours is not None:
            panels.append(SlicePanel(f"{box.name}, {size}", piece, wish.limits, wish.colours))
    return panels


def _shares(wish: PlateWish, phases: Volume, box: NamedBox) -> dict[str, float]:
    part = extract_subvolume(phases, center_nm=box.center_nm, size_nm=box.size_nm)
    table = volume_fractions(part, names=wish.scheme.names)
    return {str(name): float(share) for name, share in zip(table["name"], table["fraction_percent"], strict=True)}


def _inside(volume: Volume, point: Triple) -> Triple:
    """Return the point, or the nearest one inside the volume: the cross-hair stands at the edge of a smaller layer."""
    ends = [o + (n - 1) * s for o, n, s in zip(volume.origin, volume.shape, volume.spacing, strict=True)]
    z, y, x = (float(np.clip(p, o, e)) for p, o, e in zip(point, volume.origin, ends, strict=True))
    return z, y, x
