"""Page layout in mm from the upper left corner: new figures, axes and text at positions, widths of
text.

Image figures are laid out by hand in mm, because the shapes of their panels are those of the data;
plots with axes leave it to matplotlib's constrained layout.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from napari_snpore.figures.style import FONT, INK, MM_PER_INCH, MM_PER_POINT, FigureStyle

_HINTING = 0.97
"""Letters drawn outside the style's context are fitted to dots and come out up to 3 % wider at 300
dots per inch.
"""


class Box(NamedTuple):
    """A rectangle on the sheet, in mm from the upper left corner."""

    left: float
    top: float
    width: float
    height: float


def new_figure(
    style: FigureStyle, *, width_mm: float, height_mm: float, constrained: bool = False
) -> Figure:
    """Return an empty figure with an Agg canvas; ``constrained`` lets matplotlib place the axes."""
    size = (width_mm / MM_PER_INCH, height_mm / MM_PER_INCH)
    figure = Figure(figsize=size, dpi=style.dpi, layout="constrained" if constrained else None)
    FigureCanvasAgg(figure)
    return figure


def size_mm(figure: Figure) -> tuple[float, float]:
    """Return (width, height) of a figure in mm."""
    width, height = figure.get_size_inches()
    return float(width) * MM_PER_INCH, float(height) * MM_PER_INCH


def axes_at(figure: Figure, box: Box, **options: Any) -> Axes:
    """Add axes whose frame is the box."""
    width, height = size_mm(figure)
    bottom = height - box.top - box.height
    return figure.add_axes(
        (box.left / width, bottom / height, box.width / width, box.height / height), **options
    )


def frame_image(axes: Axes) -> None:
    """Give an image axes a thin frame and no ticks."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5, color=INK)


def text_at(figure: Figure, left_mm: float, top_mm: float, text: str, **options: Any) -> Text:
    """Write on the sheet; the point is the upper left corner of the text unless alignment says
    otherwise.
    """
    width, height = size_mm(figure)
    options = {"ha": "left", "va": "top", **options}
    return figure.text(left_mm / width, 1 - top_mm / height, text, **options)


def text_width_mm(text: str, size_pt: float) -> float:
    """Return the width of the widest line of a text in mm."""
    return max((_line_width_mm(line, size_pt) for line in text.split("\n")), default=0.0)


@lru_cache(maxsize=4096)
def _line_width_mm(line: str, size_pt: float) -> float:
    font = FontProperties(family=FONT, size=size_pt)
    width, _, _ = text_to_path.get_text_width_height_descent(line, font, ismath=False)
    return float(width) * MM_PER_POINT


def wrapped(text: str, *, width_mm: float, size_pt: float) -> str:
    """Break a text into lines that fit the width, inside a word only where one word is wider than a
    line.
    """
    width_mm *= _HINTING
    if text_width_mm(text, size_pt) <= width_mm:
        return text
    mean = text_width_mm(text, size_pt) / max(len(text), 1)
    letters = max(int(width_mm / mean), 4)
    lines = textwrap.wrap(text, letters) or [""]
    while letters > 4 and max(text_width_mm(line, size_pt) for line in lines) > width_mm:
        letters -= 1
        lines = textwrap.wrap(text, letters)
    return "\n".join(lines)


def title_lines(title: str | None, *, width_mm: float, style: FigureStyle) -> list[str]:
    """Return the lines of a title in bold type that fits the width; none without a title."""
    return (
        wrapped(title, width_mm=width_mm / 1.15, size_pt=style.font_pt).split("\n") if title else []
    )


def title_at(figure: Figure, left_mm: float, top_mm: float, lines: Sequence[str]) -> None:
    """Write a title in bold from its upper left corner."""
    if lines:
        text_at(figure, left_mm, top_mm, "\n".join(lines), fontweight="bold", linespacing=1.2)


def heading_at(
    figure: Figure, left_mm: float, bottom_mm: float, text: str, *, index: int, style: FigureStyle
) -> None:
    """Write the heading of a panel, its lower edge at the given height, after its letter if the
    style has letters.
    """
    if style.letters:
        letter = panel_letter(index)
        raised = letter + "\n" * text.count("\n")  # beside the first line of the heading
        text_at(
            figure,
            left_mm,
            bottom_mm,
            raised,
            va="baseline",
            fontweight="bold",
            fontsize=style.font_pt + 1,
        )
        left_mm += text_width_mm(letter, style.font_pt + 1) + 1.6
    text_at(figure, left_mm, bottom_mm, text, va="baseline")


def panel_letter(index: int) -> str:
    """Return the letter of the panel with this index: a, b, c, ..."""
    return "abcdefghijklmnopqrstuvwxyz"[index % 26]


def letter_panels(axes: Sequence[Axes], style: FigureStyle) -> None:
    """Letter plots a, b, c in bold above their upper left corners, if the style has letters."""
    if not style.letters:
        return
    for index, panel in enumerate(axes):
        panel.set_title(
            panel_letter(index), loc="left", fontweight="bold", fontsize=style.font_pt + 1
        )


def message_figure(
    message: str, *, style: FigureStyle, width_mm: float, height_mm: float = 30.0
) -> Figure:
    """Return a figure of one sentence, for data without anything to draw."""
    figure = new_figure(style, width_mm=width_mm, height_mm=height_mm)
    text = wrapped(message, width_mm=width_mm - 10, size_pt=style.font_pt)
    text_at(figure, width_mm / 2, height_mm / 2, text, ha="center", va="center")
    return figure
