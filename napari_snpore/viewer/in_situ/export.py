"""Writes the tables of the In situ widget as CSV and its figures for print."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files import write_table
from napari_snpore.outputs.places import check_beside
from napari_snpore.viewer.in_situ.result_text import Diameters


def write_tables(
    path: str | Path, measured: Diameters | None, intensities: pd.DataFrame | None
) -> list[Path]:
    """Write the diameters, and beside them ``_profile`` and ``_intensity``; what was not measured
    is left out.
    """
    path = Path(path)
    tables = {"_intensity": intensities}
    if measured is not None:
        tables = {"": measured.table, "_profile": measured.profile, **tables}
    there = {
        path.with_name(f"{path.stem}{ending}.csv"): table
        for ending, table in tables.items()
        if table is not None
    }
    if not there:
        raise InputError("There is no table yet; press Measure diameter first.")
    check_beside(path, there)
    return [write_table(place, table) for place, table in there.items()]


def write_figures(
    path: str | Path,
    measured: Diameters | None,
    intensities: pd.DataFrame | None,
    *,
    recipe: Mapping[str, Any],
) -> list[Path]:
    """Write diameter against time, and beside it ``_profile`` and ``_intensity``, in the format of
    the suffix.
    """
    # matplotlib takes a second to import
    from napari_snpore.figures.in_situ_plot import diameter_plot, intensity_plot, profile_plot
    from napari_snpore.figures.save import save_figure

    path = Path(path)
    figures = {}
    if measured is not None:
        found = measured.found_break
        shown = found if found is not None and found.better_than_line else None
        figures[""] = diameter_plot(measured.table, shown)
        figures["_profile"] = profile_plot(measured.profile, measured.table)
    if intensities is not None:
        figures["_intensity"] = intensity_plot(intensities)
    if not figures:
        raise InputError("There is nothing to draw yet; press Measure diameter first.")
    check_beside(path, [path.with_name(f"{path.stem}{ending}{path.suffix}") for ending in figures])
    kind: Any = path.suffix.lower().lstrip(".")
    return [
        written
        for ending, figure in figures.items()
        for written in save_figure(
            figure, path.with_name(path.stem + ending), formats=(kind,), recipe=recipe
        )
    ]
