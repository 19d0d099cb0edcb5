"""Phase fractions inside boxes, and the texts of their table row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from napari_snpore.compute import check_stop
from napari_snpore.errors import InputError
from napari_snpore.figures.intervals import FractionInterval, Intervals, interval_of
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.subvolume import NamedBox, extract_subvolume
from napari_snpore.volume import Volume

NO_ERROR = "no error estimated"
ERROR_COLUMNS = ("corrected_percent", "low_95_percent", "high_95_percent", "calibrated")
_WHOLE_PERCENT = 95
"""Least share of a box inside the envelope for fractions without a caveat."""


@dataclass(frozen=True)
class Share:
    """The share of one phase of a box: as the table shows it, and what it is counted from."""

    words: str
    tip: str = ""


NO_SHARE = Share("–")
_NO_INTERVALS: Intervals = {}


def box_fractions(
    phases: Volume,
    layer: str,
    names: Sequence[str],
    boxes: Sequence[NamedBox],
    should_stop: Callable[[], bool] | None = None,
) -> pd.DataFrame:
    """Count the phases inside every box.

    Parameters
    ----------
    phases : Volume
        0 exterior, 1..N phases.
    layer : str
        What they are called.
    names : sequence of str
        Of the phases.
    boxes : sequence of NamedBox
        A box that leaves the volume gets one row with the sentence that says so, and no numbers.
    should_stop : callable, optional
        Asked before every box.

    Returns
    -------
    DataFrame
        The columns of :func:`volume_fractions` after ``layer, box``; then centre and size of the
        box in nm, and ``note``. The denominator is the envelope inside the box, also where a box
        lies within the fibre.
    """
    parts = []
    whole = bool((phases.data[0] == 0).any()) if len(boxes) else False
    for box in boxes:
        check_stop(should_stop)
        place = {f"{what}_{axis}_nm": value for what, values in (("center", box.center_nm), ("size", box.size_nm))
                 for axis, value in zip("zyx", values, strict=True)}  # fmt: skip
        try:
            part = extract_subvolume(phases, center_nm=box.center_nm, size_nm=box.size_nm)
        except InputError as error:
            parts.append(
                pd.DataFrame([{"layer": layer, "box": box.name, **place, "note": str(error)}])
            )
            continue
        table = volume_fractions(part, names=tuple(names))
        if whole:
            table["denominator"] = "envelope"
        table.insert(0, "layer", layer)
        table.insert(1, "box", box.name)
        parts.append(table.assign(**place, note=""))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def fraction_row(
    table: pd.DataFrame | None,
    box: str,
    layer: str,
    names: Sequence[str],
    intervals: Intervals = _NO_INTERVALS,
) -> tuple[list[Share], str]:
    """Return the shares of the named phases in one box of one layer, and what is to be said of it;
    both may be empty. ``intervals``: errors that the layer keeps.
    """
    nothing = [NO_SHARE] * len(names)
    if table is None or "box" not in table:
        return nothing, ""
    rows = table[(table["box"] == box) & (table["layer"] == layer)]
    if rows.empty:
        return nothing, ""
    note = str(rows["note"].iloc[0])
    if note:
        return nothing, note
    envelope = int(rows["voxel_count"].sum())
    if not envelope:
        return nothing, "nothing of the fibre lies in this box."
    shares = {
        str(name): _share(
            f"{name}: {count:,.0f} of {envelope:,} voxels in the envelope",
            share,
            interval_of(intervals, box, str(name), share),
        )
        for name, count, share in zip(
            rows["name"], rows["voxel_count"], rows["fraction_percent"], strict=True
        )
    }
    found = [shares.get(name, NO_SHARE) for name in names]
    inside = float(rows["fraction_box_percent"].sum())
    if inside < _WHOLE_PERCENT:
        return (
            found,
            f"only {math.floor(inside)} % of the box lie inside the envelope; shares are of that part.",
        )
    return found, ""


def with_error_columns(table: pd.DataFrame, intervals: Mapping[str, Intervals]) -> pd.DataFrame:
    """Return a table of :func:`box_fractions` with ``corrected_percent, low_95_percent,
    high_95_percent, calibrated`` before ``note``; empty where no error is known.

    ``intervals``: by the name of the layer.
    """
    found: dict[str, list[float | str]] = {name: [] for name in ERROR_COLUMNS}
    for row in table.to_dict("records"):
        share = row.get("fraction_percent", math.nan)
        known = interval_of(
            intervals.get(row["layer"], _NO_INTERVALS), row["box"], str(row.get("name")), share
        )
        values: tuple[float | str, ...] = (math.nan, math.nan, math.nan, "")
        if known is not None:
            best = known.best if known.is_corrected else math.nan
            values = (best, known.low, known.high, "yes" if known.calibrated else "no")
        for name, value in zip(ERROR_COLUMNS, values, strict=True):
            found[name].append(value)
    table = table.assign(**found)
    return table[[*(name for name in table if name != "note"), "note"]]


def _share(counted: str, share: float, known: FractionInterval | None) -> Share:
    """Return the best value with its error, and what it is made of."""
    if known is None:
        return Share(f"{share:.1f}", f"{counted}; {NO_ERROR}.")
    tip = [f"{counted}: {share:.1f} %."]
    if known.is_corrected:
        tip.append(f"Corrected by a digital twin: {known.best:.1f} %.")
    if math.isfinite(known.low):
        tip.append(f"95 % interval: {known.low:.1f} to {known.high:.1f} %.")
    else:
        tip.append("No interval.")
    if not known.calibrated:
        tip.append("Not calibrated: the Measure form says why.")
    return Share(known.words, " ".join(tip))
