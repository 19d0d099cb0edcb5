"""Slice figures: three orthogonal slices of grey values or of phases, and one slice of both side by
side.

Input may be lazy and large: only the slices that are drawn are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.cuts import Cut, PlaneName, cut, plane_named, three_cuts, voxel_at
from napari_snpore.figures.numbers import scaled_ticks
from napari_snpore.figures.ortho_sheet import OrthoSheet, ortho_sheet
from napari_snpore.figures.page import Box, axes_at, text_width_mm
from napari_snpore.figures.pair_sheet import pair_sheet
from napari_snpore.figures.phase_colors import hatch_ground, phase_image, phase_patches
from napari_snpore.figures.scale_bar import add_scale_bar, scale_bar_apart
from napari_snpore.figures.style import PRINT, SINGLE_COLUMN_MM, FigureStyle
from napari_snpore.gray_limits import gray_limits
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.volume import Volume, array_of, spacing_of

_GRAY_LABEL = "Grey value"


def ortho_slices(
    volume: Volume,
    *,
    position_nm: Sequence[float] | None = None,
    colormap: str = "gray",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    gray_label: str = _GRAY_LABEL,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw the XY, XZ and YZ slices of grey values through a point.

    Parameters
    ----------
    volume : Volume
        Grey values (z, y, x); lazy data stay lazy but for the three slices.
    position_nm : (float, float, float), optional
        World position (z, y, x) in nm, origin included; None is the middle.
    colormap : str
        Name of a matplotlib colour map.
    limits : (float, float), optional
        Grey values drawn as the ends of the colour map; None takes the 0.1 and 99.9 percentiles of
        the three slices, and the colour bar is pointed where values lie beyond.
    title : str, optional
        One line above the panels.
    gray_label : str
        Label of the colour bar, with its unit where it has one.
    style : FigureStyle
        Width, type and letters.

    Returns
    -------
    Figure
        Aspect true to the voxel size; marks outside each panel show where the two other planes lie.

    Raises
    ------
    InputError
        A position outside the volume, or limits that are not two rising numbers.
    """
    with style.in_force():
        cuts = three_cuts(volume, position_nm)
        low, high = limits_of(limits, [piece.values for piece in cuts.values()])
        label_mm = text_width_mm(f"{gray_label} (×10⁻⁹)", style.font_pt)
        key_mm = (max(24.0, label_mm + 1.0), 6.0 + 2.4 * style.line_mm)
        sheet = ortho_sheet(
            cuts, style=style, width_mm=style.width(SINGLE_COLUMN_MM), key_mm=key_mm, title=title
        )
        for name, axes in sheet.panels.items():
            image = _draw_gray(axes, cuts[name], colormap=colormap, low=low, high=high)
        beyond = _beyond([piece.values for piece in cuts.values()], low, high)
        _color_bar(sheet.figure, image, sheet.key, label=gray_label, beyond=beyond, style=style)
        _one_scale_bar(sheet, style=style, dark=True)
        return sheet.figure


def phase_slices(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    position_nm: Sequence[float] | None = None,
    scheme: PhaseScheme = PORE_C_SN,
    title: str | None = None,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw the XY, XZ and YZ slices of phase labels through a point, in the colours of the scheme.

    Parameters
    ----------
    phases : Volume or array, shape (z, y, x), integer
        Labels: 0 exterior, 1..N the phases of the scheme.
    spacing, origin
        Voxel size and world position of voxel (0, 0, 0) in nm, where ``phases`` is a plain array.
    position_nm, title, style
        As in :func:`ortho_slices`.
    scheme : PhaseScheme
        Names and colours.

    Raises
    ------
    InputError
        A label that the scheme does not name, or a position outside the volume.
    MissingScaleError
        A plain array without ``spacing``.
    """
    with style.in_force():
        cuts = three_cuts(_as_volume(phases, spacing, origin), position_nm)
        exterior = any(bool((piece.values == 0).any()) for piece in cuts.values())
        names = (*scheme.names, *(["exterior"] if exterior else []))
        longest = max(text_width_mm(name, style.small_pt) for name in names)
        key_mm = (longest + 8.0, 1.1 * style.line_mm * len(names) + 1.0)
        sheet = ortho_sheet(
            cuts, style=style, width_mm=style.width(SINGLE_COLUMN_MM), key_mm=key_mm, title=title
        )
        for name, axes in sheet.panels.items():
            _draw_phases(axes, cuts[name], scheme)
        _phase_key(sheet.figure, sheet.key, scheme, exterior=exterior, columns=1)
        _one_scale_bar(sheet, style=style, dark=False)
        return sheet.figure


def slice_pair(
    volume: Volume,
    phases: Volume | NDArray[Any],
    *,
    plane: PlaneName = "XZ",
    position_nm: Sequence[float] | None = None,
    scheme: PhaseScheme = PORE_C_SN,
    colormap: str = "gray",
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    gray_label: str = _GRAY_LABEL,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw one slice twice, side by side: its grey values and its phases.

    Parameters
    ----------
    volume : Volume
        Grey values (z, y, x).
    phases : Volume or array, shape (z, y, x), integer
        Phase labels of the same voxels.
    plane : {"XY", "XZ", "YZ"}
        XZ is the cross-section of a fibre along y.
    position_nm, scheme, colormap, limits, title, grey_label, style
        As in :func:`ortho_slices` and :func:`phase_slices`.

    Raises
    ------
    InputError
        The two do not have the same shape; else as in :func:`ortho_slices`.
    """
    chosen = plane_named(plane)
    labels = (
        phases if isinstance(phases, Volume) else _as_volume(phases, volume.spacing, volume.origin)
    )
    if labels.shape != volume.shape:
        raise InputError(
            f"phases has shape {labels.shape} and volume {volume.shape}; they must be the same voxels."
        )
    with style.in_force():
        voxel = voxel_at(volume, position_nm)
        gray, label = cut(volume, chosen, voxel), cut(labels, chosen, voxel)
        low, high = limits_of(limits, [gray.values])
        exterior = bool((label.values == 0).any())
        names = (*scheme.names, *(["exterior"] if exterior else []))
        entry_mm = max(text_width_mm(name, style.small_pt) for name in names) + 8.0
        width = style.width(SINGLE_COLUMN_MM)
        sheet = pair_sheet(
            gray, entry_mm=entry_mm, entries=len(names), style=style, width_mm=width, title=title
        )
        image = _draw_gray(sheet.panels[0], gray, colormap=colormap, low=low, high=high)
        beyond = _beyond([gray.values], low, high)
        _color_bar(sheet.figure, image, sheet.keys[0], label=gray_label, beyond=beyond, style=style)
        _draw_phases(sheet.panels[1], label, scheme)
        _phase_key(
            sheet.figure, sheet.keys[1], scheme, exterior=exterior, columns=sheet.key_columns
        )
        if sheet.spare is None:
            for axes, dark in zip(sheet.panels, (True, False), strict=True):
                add_scale_bar(axes, style=style, dark=dark)
        else:
            scale_bar_apart(
                sheet.figure, sheet.spare, style=style, nm_per_mm=sheet.nm_per_mm, about_mm=14.0
            )
        return sheet.figure


def _as_volume(
    phases: Volume | NDArray[Any], spacing: float | Sequence[float] | None, origin: Sequence[float]
) -> Volume:
    if isinstance(phases, Volume):
        return phases
    z, y, x = origin
    return Volume(array_of(phases), spacing_of(phases, spacing), (z, y, x))


def limits_of(
    limits: tuple[float, float] | None, pieces: Iterable[NDArray[Any]]
) -> tuple[float, float]:
    """Return the grey values at the ends of the colour map."""
    if limits is not None:
        low, high = (float(value) for value in limits)
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(
                f"limits is {limits}; two finite numbers, the lower first, are needed."
            )
        return low, high
    return gray_limits(pieces)


def _beyond(pieces: Iterable[NDArray[Any]], low: float, high: float) -> str:
    """Say which end of the colour bar is pointed: the one that values lie beyond."""
    below = any(bool((piece < low).any()) for piece in pieces)
    above = any(bool((piece > high).any()) for piece in pieces)
    return {
        (False, False): "neither",
        (True, False): "min",
        (False, True): "max",
        (True, True): "both",
    }[below, above]


def _draw_gray(axes: Axes, piece: Cut, *, colormap: str, low: float, high: float) -> AxesImage:
    try:
        return axes.imshow(
            piece.values.astype(np.float32, copy=False),
            cmap=colormap,
            norm=Normalize(low, high),
            extent=piece.extent_nm,
            aspect="auto",
            gid="grey-values",
        )
    except ValueError as problem:
        raise InputError(
            f"colormap is {colormap!r}; the name of a matplotlib colour map is needed."
        ) from problem


def _draw_phases(axes: Axes, piece: Cut, scheme: PhaseScheme) -> AxesImage:
    hatch_ground(axes)
    colors = phase_image(piece.values, scheme)
    return axes.imshow(
        colors, extent=piece.extent_nm, interpolation="nearest", aspect="auto", gid="phases"
    )


def _one_scale_bar(sheet: OrthoSheet, *, style: FigureStyle, dark: bool) -> None:
    """Draw the scale bar, one for all three, in the first panel that holds it."""
    for name in ("XY", "XZ", "YZ"):
        if add_scale_bar(sheet.panels[name], style=style, dark=dark) is not None:
            return
    scale_bar_apart(
        sheet.figure, sheet.spare, style=style, nm_per_mm=sheet.nm_per_mm, about_mm=12.0
    )


def _color_bar(
    figure: Figure, image: AxesImage, key: Box, *, label: str, beyond: str, style: FigureStyle
) -> None:
    """Draw a horizontal colour bar at the top of the key's box, its label below its ticks."""
    width = min(key.width - 6.0, 34.0)
    left = key.left + (key.width - width) / 2
    axes = axes_at(figure, Box(left, key.top + 1.0, width, 2.2))
    bar = figure.colorbar(image, cax=axes, orientation="horizontal", extend=beyond)
    bar.outline.set_linewidth(0.5)
    low, high = (float(end) for end in image.get_clim())
    bar.set_label(
        label + scaled_ticks(axes.xaxis, low=low, high=high, at_most=3 if width < 26 else 4)
    )


def _phase_key(
    figure: Figure, key: Box, scheme: PhaseScheme, *, exterior: bool, columns: int
) -> None:
    """Draw the legend of phases in the key's box."""
    axes = axes_at(figure, key, frame_on=False, xticks=[], yticks=[])
    patches = phase_patches(scheme, exterior=exterior)
    axes.legend(
        handles=patches, loc="upper left" if columns == 1 else "upper center", ncols=columns
    )
