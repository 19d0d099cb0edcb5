"""Grey-value histogram with its thresholds and the share of each phase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import log_ticks, number, scaled_ticks
from napari_snpore.figures.page import Box, axes_at, new_figure, text_at, text_width_mm, wrapped
from napari_snpore.figures.phase_colors import in_rows, legend_rows, phase_patches
from napari_snpore.figures.style import GRAY, INK, MARK, PRINT, SINGLE_COLUMN_MM, FigureStyle
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme
from napari_snpore.segmentation.splits import pooled

if TYPE_CHECKING:
    from napari_snpore.segmentation.histogram import Histogram

_PLAIN = "#b0b0b0"
"""Colour of bars of a histogram without thresholds."""

_BARS = 400
_LEADER_MM = 1.6
_TAIL = 1e-5
"""Share of the voxels at either end that may lie outside the axis: a few hot voxels do not squeeze
the rest.
"""


def threshold_histogram(
    histogram: Histogram,
    thresholds: Sequence[float],
    *,
    scheme: PhaseScheme = PORE_C_SN,
    gray_label: str = "Grey value",
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw counts on a log scale in the colours of the phases, the thresholds with their values,
    and each phase's share.

    Parameters
    ----------
    histogram : Histogram
        Counts of grey values.
    thresholds : sequence of float
        N rising thresholds; they bound the N + 1 phases of the scheme.
    scheme : PhaseScheme
        Names and colours of the phases.
    gray_label : str
        Label of the axis, with its unit where it has one.
    style : FigureStyle
        Width and type.

    Returns
    -------
    Figure
        The shares are those of all voxels in the histogram: vacuum around a fibre counts with its
        pores here.

    Raises
    ------
    InputError
        Thresholds that do not rise, or another number than the scheme has phases.
    """
    limits = _rising(thresholds, scheme)
    notes = tuple(
        f"{number(100 * share, trim=True)} %" for share in histogram.fractions(tuple(limits))
    )
    edges, counts, outside = _shown(histogram, limits)
    with style.in_force():
        width = style.width(SINGLE_COLUMN_MM)
        labels = [f"{name} {note}" for name, note in zip(scheme.names, notes, strict=True)]
        rows = legend_rows(labels, width_mm=width - 2, style=style)
        frame = Box(11.0, 2.2 + _LEADER_MM + style.line_mm * (1.1 * rows + 1), width - 13.0, 34.0)
        note = f"Shares of all voxels counted; vacuum beside the fibre is as dark as {scheme.names[0]}."
        note += f" {outside:,} voxels lie beyond the axis." if outside else ""
        note = wrapped(note, width_mm=width - 2, size_pt=style.small_pt)
        height = frame.top + frame.height + 9.0 + style.line_mm * (note.count("\n") + 1)
        figure = new_figure(style, width_mm=width, height_mm=height)
        axes = axes_at(figure, frame)
        _draw(axes, frame, edges, counts, limits, scheme.colors, gray_label=gray_label, style=style)
        text_at(
            figure,
            1.0,
            height - 0.8,
            note,
            va="bottom",
            fontsize=style.small_pt,
            color=GRAY,
            linespacing=1.2,
        )
        columns = -(-len(scheme.names) // rows)
        patches = in_rows(phase_patches(scheme, notes=notes), columns)
        figure.legend(
            handles=patches,
            ncols=columns,
            loc="upper center",
            bbox_to_anchor=(0.5, 1 - 0.5 / height),
        )
        return figure


def draw_histogram(
    axes: Axes,
    frame: Box,
    histogram: Histogram,
    thresholds: Sequence[float],
    *,
    scheme: PhaseScheme = PORE_C_SN,
    style: FigureStyle,
) -> None:
    """Draw the histogram into axes of a frame, below the threshold labels; grey without
    thresholds.
    """
    limits = _rising(thresholds, scheme) if len(thresholds) else []
    edges, counts, _ = _shown(histogram, limits)
    colors = scheme.colors if limits else (_PLAIN,)
    _draw(axes, frame, edges, counts, limits, colors, gray_label="Grey value", style=style)


def beyond_axis(histogram: Histogram, thresholds: Sequence[float]) -> int:
    """Return how many voxels lie beyond the axis."""
    return _shown(histogram, [float(value) for value in thresholds])[2]


def head_mm(style: FigureStyle) -> float:
    """Return the height (mm) of the threshold labels above the plot."""
    return _LEADER_MM + style.line_mm


def _draw(
    axes: Axes,
    frame: Box,
    edges: NDArray[np.float64],
    counts: NDArray[np.int64],
    limits: list[float],
    colors: Sequence[str],
    *,
    gray_label: str,
    style: FigureStyle,
) -> None:
    """Draw counts on a log scale, what lies between the limits in its colour."""
    tallest = float(max(counts.max(initial=1), 1))
    axes.set_yscale("log")
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0.5, 2 * tallest))
    _phase_fills(axes, edges, counts, limits, colors)
    _mark_thresholds(axes, limits, frame, style=style)
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0.5, 2 * tallest), ylabel="Voxels in a bin")
    axes.set_xlabel(
        gray_label + scaled_ticks(axes.xaxis, low=float(edges[0]), high=float(edges[-1]))
    )
    log_ticks(axes.yaxis, decades=float(np.log10(4 * tallest)))


def _rising(thresholds: Sequence[float], scheme: PhaseScheme) -> list[float]:
    """Return the thresholds as finite, rising numbers, one fewer than phases, or refuse them."""
    limits = [float(value) for value in thresholds]
    phases = len(scheme.names)
    if len(limits) != phases - 1:
        raise InputError(
            f"thresholds has {len(limits)} values; {phases} phases ({', '.join(scheme.names)}) need {phases - 1}."
        )
    if not all(np.isfinite(limits)) or sorted(set(limits)) != limits:
        raise InputError(f"thresholds is {tuple(limits)}; finite, rising grey values are needed.")
    return limits


def _mark_thresholds(axes: Axes, limits: list[float], frame: Box, *, style: FigureStyle) -> None:
    """Draw each threshold with its value above the plot, values pushed apart where they are
    close.
    """
    low, high = axes.get_xlim()
    places = [frame.left + frame.width * (value - low) / (high - low) for value in limits]
    labels = [
        f"t{index} = {number(value, digits=4, trim=True)}"
        for index, value in enumerate(limits, start=1)
    ]
    lefts = _spread(labels, places, frame, style=style)
    line: dict[str, Any] = {
        "color": MARK,
        "linewidth": 0.5,
        "transform": axes.transAxes,
        "clip_on": False,
    }
    for label, place, left, value in zip(labels, places, lefts, limits, strict=True):
        axes.axvline(value, color=MARK, linewidth=0.8, gid="threshold")
        text_at(axes.figure, left, frame.top - _LEADER_MM - 0.3, label, va="bottom", color=MARK)  # type: ignore[arg-type]
        middle = left + text_width_mm(label, style.font_pt) / 2
        ends = [(x - frame.left) / frame.width for x in (place, middle)]
        axes.plot(ends, [1, 1 + _LEADER_MM / frame.height], **line)


def _shown(
    histogram: Histogram, limits: list[float]
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Return at most some 400 bars (edges, counts) over the range worth showing, and how many
    voxels lie beyond it.
    """
    total = int(histogram.counts.sum())
    core = histogram.core
    inside = all(core.edges[0] <= limit <= core.edges[-1] for limit in limits)
    seen = core if inside else pooled(histogram, len(histogram.counts))
    counts = np.asarray(seen.counts, dtype=np.int64)
    edges = np.asarray(seen.edges, dtype=np.float64)
    if total == 0:
        raise InputError("The histogram is empty: it counts no voxel.")
    running = np.cumsum(counts)
    first = int(np.searchsorted(running, _TAIL * total, side="right"))
    last = int(np.searchsorted(running, (1 - _TAIL) * total, side="left"))
    inner = np.clip(np.searchsorted(edges, limits, side="right") - 1, 0, len(counts) - 1)
    first, last = min(first, *inner, len(counts) - 1), max(last, 0, *inner)
    margin = max((last - first) // 40, 1)
    first, last = max(first - margin, 0), min(last + margin, len(counts) - 1)
    group = -(-(last + 1 - first) // _BARS)
    shown = counts[first : last + 1]
    outside = total - int(shown.sum())
    missing = -len(shown) % group
    step = edges[last + 1] - edges[last]
    ends = np.concatenate(
        [edges[first : last + 2], edges[last + 1] + step * np.arange(1, missing + 1)]
    )
    grouped = np.pad(shown, (0, missing)).reshape(-1, group).sum(axis=1)
    ends = ends[::group]
    air = 0.03 * max(ends[-1] - ends[0], limits[-1] - limits[0] if limits else 0.0)
    if limits and limits[0] <= ends[0]:
        ends, grouped = np.append(limits[0] - air, ends), np.append(0, grouped)
    if limits and limits[-1] >= ends[-1]:
        ends, grouped = np.append(ends, limits[-1] + air), np.append(grouped, 0)
    return ends, grouped, outside


def _phase_fills(
    axes: Axes,
    edges: NDArray[np.float64],
    counts: NDArray[np.int64],
    limits: list[float],
    colors: Sequence[str],
) -> None:
    """Fill the histogram in phase colours, cut exactly at the thresholds, over a faint ground of
    the same colours.
    """
    bounds = [edges[0], *limits, edges[-1]]
    heights = np.maximum(counts, 0.5)
    floor, ceiling = axes.get_ylim()
    for start, end, color in zip(bounds[:-1], bounds[1:], colors, strict=True):
        axes.axvspan(start, end, facecolor=color, alpha=0.15, linewidth=0, zorder=0)
        steps = axes.stairs(
            heights, edges, baseline=0.5, fill=True, facecolor=color, linewidth=0, zorder=1
        )
        steps.set_clip_path(
            Rectangle((start, floor), end - start, ceiling - floor, transform=axes.transData)
        )
    axes.stairs(heights, edges, baseline=0.5, color=INK, linewidth=0.5, zorder=2, gid="histogram")


def _spread(
    labels: list[str], places: list[float], frame: Box, *, style: FigureStyle
) -> list[float]:
    """Return the left end (mm) of each label, centred on its line, moved aside where labels would
    overlap.
    """
    wide = [text_width_mm(label, style.font_pt) for label in labels]
    lefts = [place - width / 2 for place, width in zip(places, wide, strict=True)]
    end = frame.left - 1.5
    for index, width in enumerate(wide):
        lefts[index] = max(lefts[index], end + 1.5)
        end = lefts[index] + width
    start = frame.left + frame.width + 1.5
    for index in reversed(range(len(lefts))):
        lefts[index] = min(lefts[index], start - 1.5 - wide[index])
        start = lefts[index]
    return lefts
