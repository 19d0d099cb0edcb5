"""Figure of phases in three dimensions, seen from several sides; drawn without a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from napari_snpore.compute import ShouldStop
from napari_snpore.figures.page import (
    Box,
    axes_at,
    frame_image,
    heading_at,
    message_figure,
    new_figure,
)
from napari_snpore.figures.phase_colors import phase_patches
from napari_snpore.figures.ray_views import Camera, Scene, ray_view, scene_of
from napari_snpore.figures.scale_bar import add_scale_bar
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, PRINT, FigureStyle
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.volume import Volume

TURNS_DEG = (0.0, 60.0, 120.0)
_MARGIN_MM = 1.0
_GAP_MM = 3.0
_TALLEST_MM = 120.0
_PIXELS = 400  # along the longer side of a view


def turned_views(
    phases: Volume,
    *,
    scheme: PhaseScheme = PORE_C_SN,
    turns_deg: Sequence[float] = TURNS_DEG,
    style: FigureStyle = PRINT,
    should_stop: ShouldStop | None = None,
) -> Figure:
    """Draw the phases seen from several sides, turned about the fibre (y), at one scale.

    The brightest phase is opaque, other solid phases are translucent, pores are left out.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, 1..N the phases of the scheme.
    scheme : PhaseScheme
        Names and colours.
    turns_deg : sequence of float
        One view per angle.
    style : FigureStyle
        Width and type.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Figure
        A sentence in place of views where no voxel is solid.
    """
    with style.in_force():
        width = style.width(DOUBLE_COLUMN_MM)
        scene = scene_of(np.asarray(phases.data), phases.spacing, scheme.colors)
        if scene is None:
            return message_figure("No voxel is solid.", style=style, width_mm=width)
        return _drawn(scene, scheme, turns_deg, style, width, should_stop)


def _drawn(
    scene: Scene,
    scheme: PhaseScheme,
    turns_deg: Sequence[float],
    style: FigureStyle,
    width: float,
    should_stop: ShouldStop | None,
) -> Figure:
    cameras = [Camera(turn) for turn in turns_deg]
    extents = [camera.extent_nm(scene.size_nm) for camera in cameras]
    down_nm, right_nm = (max(sides) for sides in zip(*extents, strict=True))
    count = len(cameras)
    panel = (width - 2 * _MARGIN_MM - (count - 1) * _GAP_MM) / count
    per_mm = max(right_nm / panel, down_nm / _TALLEST_MM)
    panel, tall = right_nm / per_mm, down_nm / per_mm
    head = style.line_mm + 1.5
    figure = new_figure(
        style,
        width_mm=2 * _MARGIN_MM + count * panel + (count - 1) * _GAP_MM,
        height_mm=head + tall + 1.6 * style.line_mm + 2 * _MARGIN_MM,
    )
    pixel = max(down_nm, right_nm) / _PIXELS
    for index, camera in enumerate(cameras):
        picture = ray_view(
            scene,
            camera,
            extent_nm=(down_nm, right_nm),
            pixel_nm=pixel,
            should_stop=should_stop,
        )
        box = Box(_MARGIN_MM + index * (panel + _GAP_MM), head, panel, tall)
        axes = axes_at(figure, box)
        frame_image(axes)
        axes.imshow(
            picture,
            extent=(0.0, right_nm, down_nm, 0.0),
            aspect="auto",
            interpolation="antialiased",
        )
        heading = f"turned by {camera.turn_deg:g}°"
        heading_at(figure, box.left, head - 1.0, heading, index=index, style=style)
        if index == 0:
            add_scale_bar(axes, style=style, dark=False)
    entries = phase_patches(scheme)[1 if len(scheme.names) > 1 else 0 :]
    figure.legend(handles=entries, loc="lower left", ncols=max(len(entries), 1), frameon=False)
    return figure
