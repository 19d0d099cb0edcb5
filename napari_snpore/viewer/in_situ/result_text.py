"""Measurement of an in situ series as the form asks for it, and the sentences of its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.in_situ import (
    BreakPoint,
    ImageSeries,
    Rectangle,
    break_point,
    fibre_diameter,
    rectangle_profile,
)
from napari_snpore.in_situ.wording import with_error
from napari_snpore.viewer.forms.form import caveat, number

_LARGE_RESIDUAL_PERCENT = 5.0
_HARD = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class DiameterOptions:
    """Options of a measurement, as set in the form."""

    region: Rectangle
    along_deg: Any
    background: str
    average: int
    half_height: bool


@dataclass(frozen=True, eq=False)
class Diameters:
    """A measured series: one row per frame, profiles of the first and the last fitted one, and the
    break of the growth.
    """

    table: pd.DataFrame
    profile: pd.DataFrame
    found_break: BreakPoint | None
    unit: str

    @property
    def times(self) -> Any:
        """Times in s, or frame numbers where there are none."""
        return self.table["time_s" if self.unit == "s" else "frame"].to_numpy(np.float64)


def measure_diameters(
    series: ImageSeries,
    options: DiameterOptions,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Diameters:
    """Measure a series as the form asks for.

    Raises
    ------
    InputError
        No fibre in any frame.
    """
    table = fibre_diameter(
        series,
        region=options.region,
        along_deg=options.along_deg,
        background=options.background,  # type: ignore[arg-type]
        average=options.average,
        half_height=options.half_height,
        progress=progress,
        should_stop=should_stop,
    )
    fitted = table[table["fitted"]]
    if fitted.empty:
        raise InputError(f"No fibre was found in any frame: {table['reason'].mode().iloc[0]}.")
    ends = [fitted.iloc[0], fitted.iloc[-1]] if len(fitted) > 1 else [fitted.iloc[0]]
    profiles = [
        rectangle_profile(
            series, options.region, frames=[int(row["frame"])], along_deg=float(row["angle_deg"])
        )
        for row in ends
    ]
    unit = "frames" if series.times_s is None else "s"
    times = table["frame"] if series.times_s is None else table["time_s"]
    try:
        found = break_point(times, table["diameter_nm"], table["diameter_error_nm"])
    except InputError:  # too few frames for a break
        found = None
    return Diameters(table, pd.concat(profiles, ignore_index=True), found, unit)


def diameter_lines(measured: Diameters) -> list[str]:
    """Return sentences on the diameter at both ends, its change, the break, and caveats."""
    table = measured.table
    fitted = table[table["fitted"]]
    first, last = fitted.iloc[0], fitted.iloc[-1]
    lines = []
    if len(fitted) == 1:
        lines.append(f"diameter <b>{_value(first)} nm</b> (n = 1 frame)")
    else:
        when = [f"{_when(measured, row)}" for row in (first, last)]
        lines.append(
            f"diameter <b>{_value(first)} nm</b> ({when[0]}) → <b>{_value(last)} nm</b> ({when[1]})"
        )
        lines.append(_change(first, last, len(fitted)))
        lines.append(_break(measured))
    missing = table[~table["fitted"]]
    if len(missing):
        reasons = missing["reason"].value_counts()
        lines.append(
            caveat(
                f"{len(missing)} of {len(table)} frames were not fitted: {reasons.index[0]} ({reasons.iloc[0]})."
            )
        )
    residual = float(fitted["residual_percent"].median())
    if residual > _LARGE_RESIDUAL_PERCENT:
        lines.append(
            caveat(
                f"The profile differs from that of a solid cylinder by {number(residual)} % of its height: hollow, flat, or "
                "more than one fibre?"
            )
        )
    return lines


def intensity_lines(table: pd.DataFrame) -> list[str]:
    """Return a sentence per box on how much brighter it became."""
    lines = []
    for name, rows in table.groupby("box", sort=False):
        known = rows[rows["intensity"].notna()]
        first, last = known.iloc[0], known.iloc[-1]  # the first is 100 %, with an error of its own
        change = last["intensity_percent"] - 100
        error = np.hypot(
            last["intensity_percent_error"],
            last["intensity_percent"] / 100 * first["intensity_percent_error"],
        )
        lines.append(
            f"box {name}: <b>{with_error(change, error, sign=True)} %</b> in the last of {len(known)} frames "
            f"({last['pixel_count']:.0f} px)"
        )
        gone = rows[rows["intensity"].isna()]
        if len(gone):
            lines.append(
                caveat(f"Box {name} has no value in {len(gone)} frames: {gone['reason'].iloc[0]}.")
            )
    if table["vacuum"].isna().all():
        lines.append(
            caveat("No vacuum is subtracted: the change is that of fibre and background together.")
        )
    return lines


def _change(first: pd.Series, last: pd.Series, count: int) -> str:
    ratio = last["diameter_nm"] / first["diameter_nm"]
    error = ratio * np.hypot(
        *(row["diameter_error_nm"] / row["diameter_nm"] for row in (first, last))
    )
    return (
        f"change <b>{with_error(100 * (ratio - 1), 100 * error, sign=True)} %</b>, cross-section "
        f"{with_error(100 * (ratio**2 - 1), 200 * ratio * error, sign=True)} % (n{_HARD}={_HARD}{count}{_HARD}frames)"
    )


def _break(measured: Diameters) -> str:
    found = measured.found_break
    if found is None:
        return "break: too few frames to look for one"
    if not found.better_than_line:
        return f"break: none; one straight line does as well (BIC gain {number(found.bic_gain, 2)}, 10 needed)"
    unit = "nm/s" if measured.unit == "s" else "nm/frame"
    where = with_error(found.time_s, found.time_error_s)
    where = f"{where} s" if measured.unit == "s" else f"frame {where}"
    share = (
        f"; {100 * found.share_before:.0f} % of the change before it"
        if 0 <= found.share_before <= 1
        else ""
    )
    return (
        f"break at <b>{where}</b>: {number(found.slope_before_nm_per_s)} → {number(found.slope_after_nm_per_s)} {unit}{share} "
        f"(BIC gain {found.bic_gain:.0f})"
    )


def _when(measured: Diameters, row: pd.Series) -> str:
    return (
        f"{row['time_s']:.4g}{_HARD}s"
        if measured.unit == "s"
        else f"frame{_HARD}{int(row['frame'])}"
    )


def _value(row: pd.Series) -> str:
    return with_error(row["diameter_nm"], row["diameter_error_nm"])
