"""Sheet of three orthogonal slices at one scale: XY upper left, YZ at its right, XZ below.

The fourth corner, lower right, holds the key (colour bar or phase legend) where it is large enough;
else the key is in a column of its own at the right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.figures.cuts import AXIS_NAMES, Cut
from napari_snpore.figures.page import (
    Box,
    axes_at,
    frame_image,
    heading_at,
    new_figure,
    text_at,
    text_width_mm,
    title_at,
    title_lines,
)
from napari_snpore.figures.style import GRAY, MARK, FigureStyle

_MARK_MM = 1.4
_MARGIN_MM = 1.0
_BAR_ROOM_MM = 8.0
_TALLEST_MM = 150.0


@dataclass(frozen=True, eq=False)
class OrthoSheet:
    """A figure with its three empty panels in place, the place of the key and, below it, of a scale
    bar.
    """

    figure: Figure
    panels: Mapping[str, Axes]
    key: Box
    spare: Box
    nm_per_mm: float


def ortho_sheet(
    cuts: Mapping[str, Cut],
    *,
    style: FigureStyle,
    width_mm: float,
    key_mm: tuple[float, float],
    title: str | None = None,
) -> OrthoSheet:
    """Place three panels at one scale, with titles, directions and cross-hair marks.

    Parameters
    ----------
    cuts : mapping
        The slices XY, XZ, YZ of one volume.
    style : FigureStyle
        Type size and letters.
    width_mm : float
        The sheet is at most so wide; a slender volume makes it narrower.
    key_mm : (float, float)
        Width and height that the key needs.
    title : str, optional
        Above the panels.
    """
    down_nm, right_nm = cuts["XY"].size_nm
    deep_nm = cuts["XZ"].size_nm[0]
    line = style.line_mm
    left = _MARGIN_MM + text_width_mm("y ↓", style.small_pt) + _MARK_MM
    head = _MARK_MM + line + 0.4
    gap = 2 * _MARK_MM + 0.6
    foot = _MARK_MM + line + _MARGIN_MM
    between = _MARK_MM + head

    def scale_with(key_mm: float) -> float:
        wide = (width_mm - left - gap - _MARK_MM - _MARGIN_MM - key_mm) / (right_nm + deep_nm)
        return min(wide, _TALLEST_MM / (down_nm + deep_nm))

    titles_mm = max(text_width_mm(piece.title, style.font_pt) for piece in cuts.values())
    wanted = Box(0.0, 0.0, max(key_mm[0], titles_mm + 1.0), key_mm[1] + _BAR_ROOM_MM + 3 * line)
    scale = scale_with(0.0)
    corner = deep_nm * scale >= max(wanted.width, wanted.height)
    if not corner:
        scale = scale_with(wanted.width + 1.0)
    x_mm, y_mm, z_mm = right_nm * scale, down_nm * scale, deep_nm * scale
    right = left + x_mm + gap + z_mm + _MARK_MM
    width = right + _MARGIN_MM + (0.0 if corner else wanted.width + 1.0)
    lines = title_lines(title, width_mm=width - left - _MARGIN_MM, style=style)
    top = _MARGIN_MM + head + len(lines) * line + (1.0 if lines else 0.0)
    boxes = {
        "XY": Box(left, top, x_mm, y_mm),
        "XZ": Box(left, top + y_mm + between, x_mm, z_mm),
        "YZ": Box(left + x_mm + gap, top, z_mm, y_mm),
    }
    key = (
        Box(boxes["YZ"].left, boxes["XZ"].top, z_mm, key_mm[1])
        if corner
        else Box(right + 2.0, top, *key_mm)
    )
    spare = Box(key.left, key.top + key_mm[1], key.width, _BAR_ROOM_MM)
    height = max(top + y_mm + between + z_mm + foot, key.top + wanted.height + _MARGIN_MM)

    figure = new_figure(style, width_mm=width, height_mm=height)
    title_at(figure, left, _MARGIN_MM, lines)
    panels = {name: axes_at(figure, boxes[name]) for name in ("XY", "YZ", "XZ")}
    lettering = 4.0 if style.letters else 0.0
    unsaid = []
    for index, (name, axes) in enumerate(panels.items()):
        piece, box = cuts[name], boxes[name]
        free_mm = (
            width - box.left - _MARGIN_MM if name == "YZ" else box.width + gap - _MARK_MM
        ) - lettering
        fits = text_width_mm(piece.title, style.font_pt) <= free_mm
        if not fits:
            unsaid.append(piece.title)
        _dress(figure, axes, piece, box, style=style)
        heading = piece.title if fits else piece.plane.name
        heading_at(figure, box.left, box.top - _MARK_MM - 1.0, heading, index=index, style=style)
    if unsaid:
        text_at(figure, key.left, spare.top + spare.height, "\n".join(unsaid), linespacing=1.2)
    return OrthoSheet(figure, panels, key, spare, 1 / scale)


def _dress(figure: Figure, axes: Axes, cut: Cut, box: Box, *, style: FigureStyle) -> None:
    """Write the directions around a panel and mark where the other planes cross it."""
    frame_image(axes)
    left, right, bottom, top = cut.extent_nm
    axes.set(xlim=(left, right), ylim=(bottom, top))
    small = {"fontsize": style.small_pt, "color": GRAY}
    if cut.plane.name != "XY":
        below = box.top + box.height + _MARK_MM
        text_at(figure, box.left, below, f"{AXIS_NAMES[cut.plane.right]} →", **small)
    if cut.plane.name != "YZ":
        text_at(
            figure,
            box.left - _MARK_MM,
            box.top,
            f"{AXIS_NAMES[cut.plane.down]} ↓",
            ha="right",
            **small,
        )

    down, across = cut.marks_nm
    fraction = ((across - left) / (right - left), (bottom - down) / (bottom - top))
    reach = (_MARK_MM / box.width, _MARK_MM / box.height)
    line = {
        "color": MARK,
        "linewidth": 0.8,
        "transform": axes.transAxes,
        "clip_on": False,
        "gid": "cross-hair",
    }
    for start, end in ((-reach[1], 0.0), (1.0, 1.0 + reach[1])):
        axes.plot([fraction[0]] * 2, [start, end], **line)  # type: ignore[arg-type]
    for start, end in ((-reach[0], 0.0), (1.0, 1.0 + reach[0])):
        axes.plot([start, end], [fraction[1]] * 2, **line)  # type: ignore[arg-type]
    axes.set(xlim=(left, right), ylim=(bottom, top))
