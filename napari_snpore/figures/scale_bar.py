"""Scale bars: a round length in nm, drawn to the scale of its axes, readable on any image."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import length, round_length
from napari_snpore.figures.page import Box, axes_at, size_mm, text_width_mm
from napari_snpore.figures.style import INK, MM_PER_POINT, FigureStyle

_BAR_MM = 0.7
_PAD_MM = 0.9
_FROM_EDGE_MM = 1.0


@dataclass(frozen=True, eq=False)
class ScaleBar:
    """A drawn scale bar: its length in nm, the bar and the label."""

    length_nm: float
    bar: Rectangle
    label: Text


def scale_bar_apart(
    figure: Figure, box: Box, *, style: FigureStyle, nm_per_mm: float, about_mm: float
) -> ScaleBar:
    """Draw a scale bar outside the images, in a box of the sheet: for panels too small to hold one.

    Parameters
    ----------
    figure, style
        The sheet and the size of its type.
    box : Box
        Axes of the image; the bar is drawn at their lower left.
    nm_per_mm : float
        Scale of the images: nanometres per mm of paper.
    about_mm : float
        The bar is at most so long on paper; longer only where the box is wider than its label
        needs.
    """
    axes = axes_at(figure, box, frame_on=False, xticks=[], yticks=[])
    axes.set(xlim=(0.0, box.width * nm_per_mm), ylim=(0.0, 1.0))
    bar = add_scale_bar(axes, style=style, length_nm=round_length(about_mm * nm_per_mm), dark=False)
    if bar is None:
        raise InputError(f"width_mm is too small: a scale bar finds no room in {box.width:.0f} mm.")
    return bar


def add_scale_bar(
    axes: Axes,
    *,
    style: FigureStyle,
    nm_per_unit: float = 1.0,
    length_nm: float | None = None,
    dark: bool = True,
) -> ScaleBar | None:
    """Draw a scale bar in the lower left corner of an image.

    Parameters
    ----------
    axes : Axes
        Axes at their final place, size and limits, with equal scale along x and y.
    style : FigureStyle
        Size of the type.
    nm_per_unit : float
        Nanometres per data unit of the axes: the pixel size where the data are pixels, 1 where they
        are nm.
    length_nm : float, optional
        Length of the bar; None takes the largest 1, 2 or 5 times a power of ten up to a third of
        the width.
    dark : bool
        White on a dark plate (grey images), else black on a light plate (phases).

    Returns
    -------
    ScaleBar or None
        None where the axes are too small to hold a bar with its label.

    Raises
    ------
    InputError
        A length that is not positive or longer than the image.
    """
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    width_nm = abs(right - left) * nm_per_unit
    if length_nm is not None and not 0 < length_nm <= width_nm:
        raise InputError(
            f"length_nm is {length_nm}; a scale bar needs a length between 0 and {width_nm:g} nm."
        )
    chosen = round_length(width_nm / 3) if length_nm is None else float(length_nm)

    frame = axes.get_position()
    sheet = size_mm(axes.figure)  # type: ignore[arg-type]
    frame_mm = (frame.width * sheet[0], frame.height * sheet[1])
    label_mm = (text_width_mm(length(chosen), style.font_pt), style.font_pt * MM_PER_POINT)
    bar_mm = chosen / width_nm * frame_mm[0]
    plate_mm = (max(bar_mm, label_mm[0]) + 2 * _PAD_MM, _BAR_MM + label_mm[1] + 2.4 * _PAD_MM)
    if (
        plate_mm[0] + 2 * _FROM_EDGE_MM > frame_mm[0]
        or plate_mm[1] + 2 * _FROM_EDGE_MM > frame_mm[1]
    ):
        return None

    per_mm = ((right - left) / frame_mm[0], (top - bottom) / frame_mm[1])
    ink, plate = ("white", "black") if dark else (INK, "white")

    def box(
        from_left: float, from_bottom: float, width: float, height: float, **options: object
    ) -> Rectangle:
        corner = (left + from_left * per_mm[0], bottom + from_bottom * per_mm[1])
        patch = Rectangle(corner, width * per_mm[0], height * per_mm[1], linewidth=0, **options)  # type: ignore[arg-type]
        axes.add_patch(patch)
        return patch

    box(
        _FROM_EDGE_MM,
        _FROM_EDGE_MM,
        *plate_mm,
        facecolor=plate,
        alpha=0.55 if dark else 0.8,
        zorder=4,
    )
    middle = _FROM_EDGE_MM + plate_mm[0] / 2
    above = _FROM_EDGE_MM + _PAD_MM
    bar = box(middle - bar_mm / 2, above, bar_mm, _BAR_MM, facecolor=ink, zorder=5, gid="scale-bar")
    label = axes.text(
        left + middle * per_mm[0],
        bottom + (above + _BAR_MM + 0.5 * _PAD_MM) * per_mm[1],
        length(chosen),
        color=ink,
        fontsize=style.font_pt,
        ha="center",
        va="bottom",
        zorder=5,
    )
    return ScaleBar(chosen, bar, label)
