"""In situ series: diameter against time with the break, profiles at two times with their fits, grey
values of boxes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.figures.numbers import number, scaled_ticks
from napari_snpore.figures.page import message_figure, new_figure, wrapped
from napari_snpore.figures.style import (
    GRAY,
    INK,
    MARK,
    PRINT,
    SERIES_COLORS,
    SERIES_MARKERS,
    SINGLE_COLUMN_MM,
    FigureStyle,
)
from napari_snpore.in_situ.breaks import BreakPoint
from napari_snpore.in_situ.chord import blurred_chord
from napari_snpore.in_situ.wording import with_error

_PLOT_MM = 52.0


def diameter_plot(
    table: pd.DataFrame, break_point: BreakPoint | None = None, style: FigureStyle = PRINT
) -> Figure:
    """Draw the diameter of a fibre against time, with standard errors and the break of its growth.

    Parameters
    ----------
    table : DataFrame
        As :func:`~napari_snpore.in_situ.fibre_diameter` returns it; without times the axis holds
        frame numbers.
    break_point : BreakPoint, optional
        Two lines through these points; drawn as they are, be they better than one line or not, and
        the note says which.
    style : FigureStyle
        Width and type.

    Raises
    ------
    InputError
        A table without the columns of diameters.
    """
    _needed(table, ("frame", "time_s", "diameter_nm", "diameter_error_nm", "fitted"))
    fitted = table[table["fitted"].astype(bool)]
    if fitted.empty:
        return message_figure(
            "No fibre was found in any frame.", style=style, width_mm=style.width(SINGLE_COLUMN_MM)
        )
    with style.in_force():
        figure, axes = _sheet(style, _diameter_note(table, break_point))
        times, label = _times(fitted)
        axes.errorbar(
            times,
            fitted["diameter_nm"],
            yerr=fitted["diameter_error_nm"],
            fmt="o",
            color=SERIES_COLORS[0],
            markersize=2.5,
            elinewidth=0.6,
            capsize=1.2,
            capthick=0.6,
            gid="diameters",
        )
        if break_point is not None:
            places = np.array([break_point.first_s, break_point.time_s, break_point.last_s])
            axes.plot(places, break_point.curve(places), color=INK, linewidth=0.8, gid="lines")
            axes.axvline(break_point.time_s, color=MARK, linewidth=0.7, linestyle="--", gid="break")
            reach = break_point.time_error_s
            axes.axvspan(
                break_point.time_s - reach,
                break_point.time_s + reach,
                color=MARK,
                alpha=0.12,
                linewidth=0,
            )
        _label(axes, label, "Diameter (nm)")
        return figure


def profile_plot(
    profile: pd.DataFrame, table: pd.DataFrame | None = None, style: FigureStyle = PRINT
) -> Figure:
    """Draw profiles across the fibre at a few times, and the fitted cylinders through them.

    Parameters
    ----------
    profile : DataFrame
        As :func:`~napari_snpore.in_situ.rectangle_profile` returns it.
    table : DataFrame, optional
        Diameters whose fits are drawn as lines, for frames that were fitted one by one in the same
        region and direction.
    style : FigureStyle
        Width and type.

    Raises
    ------
    InputError
        A table without the columns of profiles.
    """
    _needed(profile, ("frame", "time_s", "position_nm", "intensity", "intensity_error"))
    if profile.empty:
        return message_figure(
            "There is no profile.", style=style, width_mm=style.width(SINGLE_COLUMN_MM)
        )
    fits = (
        {}
        if table is None
        else {int(row["frame"]): row for _, row in table[table["fitted"]].iterrows()}
    )
    note = "Points: mean along the fibre ± standard error."
    note += " Lines: blurred cylinder." if fits else ""
    with style.in_force():
        figure, axes = _sheet(style, note)
        for index, (frame, rows) in enumerate(profile.groupby("frame", sort=True)):
            color, marker = (one[index % len(one)] for one in (SERIES_COLORS, SERIES_MARKERS))
            when = rows["time_s"].iloc[0]
            name = f"{number(when, trim=True)} s" if np.isfinite(when) else f"frame {frame}"
            x = rows["position_nm"].to_numpy(np.float64)
            fit = fits.get(int(str(frame)))
            if fit is not None:
                name += f", {with_error(fit['diameter_nm'], fit['diameter_error_nm'])} nm"
            axes.errorbar(
                x,
                rows["intensity"],
                yerr=rows["intensity_error"],
                fmt=marker,
                color=color,
                markersize=1.8,
                elinewidth=0.4,
                alpha=0.7,
                label=name,
                gid=f"profile {frame}",
            )
            if fit is not None:
                axes.plot(x, _fitted(fit, x), color=color, linewidth=1.0, gid=f"fit {frame}")
        _label(axes, "Position across the fibre (nm)", "Mean grey value")
        _legend(figure, axes, style)
        return figure


def intensity_plot(table: pd.DataFrame, style: FigureStyle = PRINT) -> Figure:
    """Draw the mean grey value of boxes against time, in per cent of the first frame.

    Parameters
    ----------
    table : DataFrame
        As :func:`~napari_snpore.in_situ.box_intensities` returns it.
    style : FigureStyle
        Width and type.

    Raises
    ------
    InputError
        A table without the columns of intensities.
    """
    _needed(
        table, ("box", "frame", "time_s", "intensity_percent", "intensity_percent_error", "vacuum")
    )
    if table["intensity_percent"].notna().sum() == 0:
        return message_figure(
            "No box has a value.", style=style, width_mm=style.width(SINGLE_COLUMN_MM)
        )
    note = "Bars: standard error of the mean in a box."
    note += " No vacuum subtracted." if table["vacuum"].isna().all() else " Vacuum subtracted."
    with style.in_force():
        figure, axes = _sheet(style, note)
        axes.axhline(100, color=GRAY, linewidth=0.5, zorder=0)
        label = ""
        for index, (name, rows) in enumerate(table.groupby("box", sort=False)):
            times, label = _times(rows)
            axes.errorbar(
                times,
                rows["intensity_percent"],
                yerr=rows["intensity_percent_error"],
                fmt=SERIES_MARKERS[index % len(SERIES_MARKERS)] + "-",
                color=SERIES_COLORS[index % len(SERIES_COLORS)],
                linewidth=0.6,
                markersize=2.5,
                elinewidth=0.5,
                label=f"box {name}",
                gid=f"box {name}",
            )
        _label(axes, label, "Intensity (% of the first frame)")
        _legend(figure, axes, style)
        return figure


def _diameter_note(table: pd.DataFrame, found: BreakPoint | None) -> str:
    fitted = int(table["fitted"].sum())
    note = f"n = {fitted} frames; bars: one standard error."
    if fitted < len(table):
        note += f" {len(table) - fitted} not fitted."
    if found is None:
        return note
    unit = "s" if table["time_s"].notna().any() else "frames"
    words = f" Break at {with_error(found.time_s, found.time_error_s)} {unit}:"
    before, after = number(found.slope_before_nm_per_s), number(found.slope_after_nm_per_s)
    words += f" {before} before, {after} nm/{unit.rstrip('s') or 's'} after."
    doubt = (
        ""
        if found.better_than_line
        else " One straight line does as well: no break is shown by these data."
    )
    return note + words + doubt


def _fitted(row: pd.Series, x: NDArray[np.float64]) -> NDArray[np.float64]:
    radius = row["diameter_nm"] / 2
    chord = blurred_chord(x - row["center_nm"], radius, row["blur_nm"]) / (2 * radius)
    curve: NDArray[np.float64] = row["background"] + row["amplitude"] * chord
    return curve


def _sheet(style: FigureStyle, note: str) -> tuple[Figure, Axes]:
    """Return a figure of one plot with a note above it."""
    width = style.width(SINGLE_COLUMN_MM)
    note = wrapped(note, width_mm=width - 6, size_pt=style.small_pt)
    height = _PLOT_MM + style.line_mm * (note.count("\n") + 2)
    figure = new_figure(style, width_mm=width, height_mm=height, constrained=True)
    axes = figure.subplots()
    figure.suptitle(note, fontsize=style.small_pt, color=GRAY, x=0.02, ha="left")
    return figure, axes


def _times(table: pd.DataFrame) -> tuple[pd.Series, str]:
    return (
        (table["time_s"], "Time (s)")
        if table["time_s"].notna().any()
        else (table["frame"], "Frame")
    )


def _label(axes: Axes, across: str, up: str) -> None:
    for axis, name, limits in (
        (axes.xaxis, across, axes.get_xlim()),
        (axes.yaxis, up, axes.get_ylim()),
    ):
        axis.set_label_text(name + scaled_ticks(axis, low=limits[0], high=limits[1]))


def _legend(figure: Figure, axes: Axes, style: FigureStyle) -> None:
    handles, names = axes.get_legend_handles_labels()
    columns = min(len(names), 3 if max(map(len, names)) < 12 else 1)
    figure.legend(
        handles, names, loc="outside lower center", ncols=columns, fontsize=style.small_pt
    )


def _needed(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in table]
    if missing:
        raise InputError(f"The table lacks the columns {', '.join(missing)}.")
