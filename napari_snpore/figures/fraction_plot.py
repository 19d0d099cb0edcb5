"""Volume fractions of the phases as stacked bars: one bar per region, with the number on or above
each part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, plain_ticks
from napari_snpore.figures.page import Box, axes_at, new_figure, text_width_mm, wrapped
from napari_snpore.figures.phase_colors import phase_patches, text_color_on
from napari_snpore.figures.style import INK, OUTLINE, PRINT, SINGLE_COLUMN_MM, FigureStyle
from napari_snpore.numerals import with_limits
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme

_BAR_MM = 6.0

Ends = tuple[float, float]
"""Of an interval, per cent."""


def phase_fractions(
    fractions_by_region: Mapping[str, pd.DataFrame],
    *,
    errors: Mapping[str, Mapping[str, float | Ends]] | None = None,
    scheme: PhaseScheme = PORE_C_SN,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw the phase fractions of the whole and of subvolumes.

    Parameters
    ----------
    fractions_by_region : mapping of str to DataFrame
        Name of a region to its table from ``volume_fractions``: columns ``name, fraction_percent``
        and, where known, ``denominator``.
    errors : mapping, optional
        Region to phase name to error in percentage points, or to the two ends of an interval in
        per cent; drawn as whiskers and written beside the number.
    scheme : PhaseScheme
        Names, order and colours.
    style : FigureStyle
        Width and type.

    Raises
    ------
    InputError
        No region, a column that is missing, or a phase that the scheme does not name.
    """
    if not fractions_by_region:
        raise InputError(
            "fractions_by_region is empty; one table of volume fractions or more are needed."
        )
    shares = {
        str(region): _shares(str(region), table, scheme)
        for region, table in fractions_by_region.items()
    }
    errors = {} if errors is None else errors
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        names = [wrapped(region, width_mm=0.3 * width, size_pt=style.font_pt) for region in shares]
        left = max(text_width_mm(name, style.font_pt) for name in names) + 3.0
        wide = width - left - 4.0
        bars = {
            region: _pieces(
                values, errors.get(region, {}), scheme, mm_per_percent=wide / 100, style=style
            )
            for region, values in shares.items()
        }
        over = max(piece.level for pieces in bars.values() for piece in pieces)
        pitch = max(
            _BAR_MM + 2.5 + style.line_mm * over,
            *(style.line_mm * (name.count("\n") + 1.5) for name in names),
        )
        frame = Box(left, 1.0 + style.line_mm * (1.2 + 0.5 * over), wide, pitch * len(shares))
        height = frame.top + frame.height + 9.0
        figure = new_figure(style, width_mm=width, height_mm=height)
        axes = axes_at(figure, frame)
        axes.set(xlim=(0, 100), ylim=(len(shares) - 0.5, -0.5))
        for row, pieces in enumerate(bars.values()):
            _stack(axes, row, pieces, pitch_mm=pitch, style=style)
        axes.set_yticks(range(len(names)), names, fontsize=style.font_pt)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(_axis_label(fractions_by_region))
        plain_ticks(axes.xaxis, at_most=6)
        patches = phase_patches(scheme)
        figure.legend(
            handles=patches,
            ncols=len(patches),
            loc="upper center",
            bbox_to_anchor=(0.5, 1 - 1.0 / height),
        )
        return figure


def _shares(region: str, table: pd.DataFrame, scheme: PhaseScheme) -> list[float]:
    """Return the percentages of a region in the order of the scheme."""
    missing = [column for column in ("name", "fraction_percent") if column not in table.columns]
    if missing:
        raise InputError(
            f"The table of {region!r} has no column {', '.join(missing)}; one from volume_fractions is needed."
        )
    found = dict(
        zip(table["name"].astype(str), table["fraction_percent"].astype(float), strict=True)
    )
    unknown = sorted(set(found) - set(scheme.names))
    if unknown:
        raise InputError(
            f"The table of {region!r} names {', '.join(unknown)}; the phases are {', '.join(scheme.names)}."
        )
    return [found.get(name, 0.0) for name in scheme.names]


def _axis_label(tables: Mapping[str, pd.DataFrame]) -> str:
    """Say what the shares are shares of."""
    named = {
        str(value)
        for table in tables.values()
        if "denominator" in table
        for value in table["denominator"]
    }
    return f"Share of the {named.pop()} (%)" if len(named) == 1 else "Volume fraction (%)"


@dataclass(frozen=True)
class _Piece:
    """One piece of a bar and its text: ``level`` 0 inside the piece, 1 or more lines above the bar;
    lengths in percent.
    """

    start: float
    value: float
    ends: Ends
    color: str
    text: str
    place: float
    level: int


def _pieces(
    values: list[float],
    errors: Mapping[str, float | Ends],
    scheme: PhaseScheme,
    *,
    mm_per_percent: float,
    style: FigureStyle,
) -> list[_Piece]:
    """Lay out one bar: a number that does not fit its piece goes above it with the phase's name,
    clear of the others.
    """
    pieces: list[_Piece] = []
    start, ends = 0.0, [-math.inf]
    for value, name, color in zip(values, scheme.names, scheme.colors, strict=True):
        if not math.isfinite(value):
            continue
        interval, text = _ends_and_text(value, errors.get(name, math.nan))
        place, level = start + value / 2, 0
        if text_width_mm(text, style.small_pt) + 1.6 > value * mm_per_percent:
            text = f"{name} {text}"
            half = (text_width_mm(text, style.small_pt) / 2 + 0.8) / mm_per_percent
            place = min(max(place, half), 100 + 3 / mm_per_percent - half)
            level = (
                next((row for row, end in enumerate(ends) if end <= place - half), len(ends)) + 1
            )
            ends[level - 1 : level] = [place + half]
        pieces.append(_Piece(start, value, interval, color, text, place, level))
        start += value
    return pieces


def _ends_and_text(value: float, error: float | Ends) -> tuple[Ends, str]:
    if isinstance(error, tuple):
        return error, with_limits(value, *error)
    text = f"{value:.1f}" + (f" ± {_error_text(error)}" if math.isfinite(error) else "")
    return (value - error, value + error), text


def _error_text(error: float) -> str:
    """Write an error with one decimal, as the share itself, or one digit where that would read
    0.0.
    """
    return f"{error:.1f}" if error >= 0.05 else number(error, digits=1)


def _stack(
    axes: Axes, row: int, pieces: list[_Piece], *, pitch_mm: float, style: FigureStyle
) -> None:
    """Draw one bar with its numbers, and whiskers at the upper end of each piece."""
    half = _BAR_MM / pitch_mm / 2
    for piece in pieces:
        axes.barh(
            row,
            piece.value,
            height=2 * half,
            left=piece.start,
            facecolor=piece.color,
            edgecolor=OUTLINE,
            gid="fraction",
        )
        if piece.level:
            height, ink, align = (
                row - half - (0.5 + style.line_mm * (piece.level - 1)) / pitch_mm,
                INK,
                "bottom",
            )
        else:
            height, ink, align = float(row), text_color_on(piece.color), "center_baseline"
        axes.text(
            piece.place,
            height,
            piece.text,
            ha="center",
            va=align,
            color=ink,
            fontsize=style.small_pt,
        )
        end = piece.start + piece.value
        low, high = piece.ends
        if math.isfinite(low) and math.isfinite(high) and end < 99.99:
            axes.errorbar(
                end,
                row + half,
                xerr=[[max(piece.value - low, 0.0)], [max(high - piece.value, 0.0)]],
                color=INK,
                elinewidth=0.7,
                capsize=1.5,
                capthick=0.7,
            )
