"""Color bar in the corner of a picture: the quantity with its unit, and values beside the colors."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from napari_snpore.figures.page import Box, axes_at
from napari_snpore.figures.plate_spec import ColorScale
from napari_snpore.figures.style import FigureStyle

_WIDTH_MM, _MARGIN_MM = 2.0, 1.5
_HEIGHT_SHARE = 0.38
_TICKS = 4


def add_color_bar(
    figure: Figure, box: Box, scale: ColorScale, *, style: FigureStyle, dark: bool
) -> None:
    """Draw a color bar into the upper right corner of a picture.

    Parameters
    ----------
    figure : Figure
        The sheet.
    box : Box
        Where the picture lies (mm).
    scale : ColorScale
        Colors and what they mean.
    style : FigureStyle
        Type size.
    dark : bool
        The picture is dark there: the text is white.
    """
    ink = "white" if dark else "black"
    title_mm = 0.65 * style.font_pt
    bar = Box(
        box.left + box.width - _MARGIN_MM - _WIDTH_MM,
        box.top + _MARGIN_MM + title_mm,
        _WIDTH_MM,
        _HEIGHT_SHARE * box.height,
    )
    axes = axes_at(figure, bar)
    axes.imshow(
        scale.colors[::-1, None, :3],
        extent=(0, 1, scale.low, scale.high),
        aspect="auto",
        gid="color bar",
    )
    axes.set(xticks=[])
    axes.yaxis.set_major_locator(MaxNLocator(_TICKS))
    axes.tick_params(axis="y", left=True, right=False, labelleft=True, labelright=False)
    axes.tick_params(axis="y", length=1.5, pad=1.5, width=0.5, colors=ink)
    axes.tick_params(axis="y", labelsize=0.85 * style.font_pt)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5, color=ink)
    axes.set_title(scale.title, loc="right", fontsize=0.85 * style.font_pt, color=ink, pad=4.5)
