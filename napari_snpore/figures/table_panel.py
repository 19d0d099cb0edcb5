"""Panel of a small table: columns as wide as their texts, transposed or wrapped where the page is
narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from matplotlib.figure import Figure

from napari_snpore.figures.page import Box, axes_at, text_width_mm, wrapped
from napari_snpore.figures.style import INK, FigureStyle

_COLUMN_GAP_MM = 2.0
_BOLD = 1.15
"""Bold letters are wider by so much at most."""


@dataclass(frozen=True, eq=False)
class TablePanel:
    """A small table, such as that of states: words and numbers as they come.

    Parameters
    ----------
    heading : str
        Above it.
    table : DataFrame
        Its columns under their names.
    remark : str
        Below it: what the numbers leave out.
    """

    heading: str
    table: pd.DataFrame
    remark: str = ""
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """Flat: a few rows beside other panels; alone in a row it takes the height that it
        needs.
        """
        return max(2.2, 9.0 / (len(self.table) + 1))

    def least_mm(self, style: FigureStyle) -> float:
        """Return what its words take on one line, and beside other panels what its rows take."""
        cells = _cells(self.table)
        lines = 1.5 * style.line_mm * len(cells)
        return max(
            sum(_widths(cells, style)) + _COLUMN_GAP_MM * (len(cells[0]) - 1), lines * self.aspect
        )

    def height_mm(self, width_mm: float, style: FigureStyle) -> float:
        """Return the height that its rows need at a width."""
        return sum(_heights(_fitted(self.table, width_mm, style), style)) + 0.5

    def note(self) -> str:
        """Return the remark."""
        return self.remark

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Write the columns, as wide as their words, between thin lines; rows become columns where
        that is what fits.
        """
        axes = axes_at(figure, box, frame_on=False, xticks=[], yticks=[])
        axes.set(xlim=(0, box.width), ylim=(box.height, 0))
        cells = _fitted(self.table, box.width, style)
        widths, heights = _widths(cells, style), _heights(cells, style)
        spare = max(box.width - sum(widths), 0.0) / max(len(widths), 1)
        top = 0.0
        for index, (row, height) in enumerate(zip(cells, heights, strict=True)):
            left = 0.0
            for words, width in zip(row, widths, strict=True):
                weight = "bold" if index == 0 else "normal"
                font: dict[str, Any] = {
                    "fontsize": style.small_pt,
                    "fontweight": weight,
                    "linespacing": 1.15,
                }
                align = "center" if "\n" in words else "center_baseline"
                axes.text(left, top + height / 2, words, va=align, **font)
                left += width + spare
            top += height
            if index in (0, len(cells) - 1):
                axes.plot([0, box.width], [top, top], color=INK, linewidth=0.5)


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """Return the words of a table, the names of its columns first."""
    return [[str(name) for name in table.columns], *table.astype(str).to_numpy().tolist()]


def _widths(cells: list[list[str]], style: FigureStyle) -> list[float]:
    """Return how wide the columns are; the first row is bold."""
    return [
        max(
            text_width_mm(words, style.small_pt) * (_BOLD if k == 0 else 1.03)
            for k, words in enumerate(column)
        )
        for column in zip(*cells, strict=True)
    ]


def _heights(cells: list[list[str]], style: FigureStyle) -> list[float]:
    """Return the heights of the rows in mm."""
    return [style.line_mm * (0.5 + max(words.count("\n") + 1 for words in row)) for row in cells]


def _first_column_broken(
    cells: list[list[str]], width_mm: float, style: FigureStyle
) -> list[list[str]] | None:
    """Return a table whose first column, which has no name, is broken into the width that the
    others leave, if any.
    """
    if cells[0][0] or len(cells[0]) < 2:
        return None
    free_mm = (
        width_mm
        - sum(_widths([row[1:] for row in cells], style))
        - _COLUMN_GAP_MM * (len(cells[0]) - 1)
    )
    longest = max(
        text_width_mm(word, style.small_pt) for row in cells for word in row[0].split() or [""]
    )
    if free_mm < 1.1 * longest:
        return None
    return [
        [wrapped(row[0], width_mm=free_mm / _BOLD, size_pt=style.small_pt), *row[1:]]
        for row in cells
    ]


def _fitted(table: pd.DataFrame, width_mm: float, style: FigureStyle) -> list[list[str]]:
    """Return the words of a table in lines that fit the width.

    What comes first fits: its names broken, its first column broken where that names the rows,
    turned over, all words broken.
    """
    cells = _cells(table)
    if (rows_broken := _first_column_broken(cells, width_mm, style)) is not None:
        return rows_broken
    for found in (cells, [list(column) for column in zip(*cells, strict=True)]):
        body = [
            max((text_width_mm(word, style.small_pt) for word in column), default=0.0)
            for column in zip(*found[1:], strict=True)
        ]
        names = [
            max(text_width_mm(word, style.small_pt) for word in name.split() or [""])
            for name in found[0]
        ]
        columns_mm = [max(pair) for pair in zip(body or names, names, strict=True)]
        header = [
            wrapped(name, width_mm=1.06 * column_mm, size_pt=style.small_pt)
            for name, column_mm in zip(found[0], columns_mm, strict=True)
        ]
        broken = [header]
        for candidate in (found, broken + found[1:]):
            if sum(_widths(candidate, style)) + _COLUMN_GAP_MM * (len(found[0]) - 1) <= width_mm:
                return candidate
    column_mm = max((width_mm + _COLUMN_GAP_MM) / len(cells[0]) - _COLUMN_GAP_MM, 1.0) / _BOLD
    return [
        [wrapped(words, width_mm=column_mm, size_pt=style.small_pt) for words in row]
        for row in cells
    ]
