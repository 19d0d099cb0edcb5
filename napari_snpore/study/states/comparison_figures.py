"""Figures of a comparison in the folder of a study: each part alone, and their plate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_snpore.comparison.compare import Comparison
from napari_snpore.study.states.state_pictures import NO_PICTURES, StatePictures
from napari_snpore.study.states.study_folder import FIGURES

SLICES = "slices"
"""Name of the figure with a slice of each state."""


def draw_comparison(
    out: Path,
    comparison: Comparison,
    about: Mapping[str, Any],
    *,
    title: str | None = None,
    pictures: StatePictures = NO_PICTURES,
) -> list[str]:
    """Draw the plate of a comparison and each of its parts; return the files relative to the folder.

    Parameters
    ----------
    out : Path
        Folder of the study.
    comparison : Comparison
    about : mapping
        What the recipe of each figure says of it.
    title : str, optional
        Of the figures.
    pictures : StatePictures
        Slices of the states: a figure of their own, and the first row of the plate.
    """
    # matplotlib costs a second and belongs to figures alone
    from napari_snpore.figures import save_figure
    from napari_snpore.figures.comparison_plate import (
        COMPARISON_PARTS,
        comparison_plate,
        comparison_rows,
    )

    about = {"figure": "comparison", **about}
    files: list[str] = []
    panels = pictures.panels()
    if panels:
        figure = comparison_plate(comparison, parts=[], pictures=panels, title=title)
        saved = save_figure(figure, out / FIGURES / SLICES, recipe={**about, "parts": [SLICES]})
        files += [f"{FIGURES}/{path.name}" for path in saved]
    parts = [part for part in COMPARISON_PARTS if comparison_rows(comparison, parts=[part])]
    for part in parts:
        figure = comparison_plate(comparison, parts=[part], title=title)
        saved = save_figure(figure, out / FIGURES / str(part), recipe={**about, "parts": [part]})
        files += [f"{FIGURES}/{path.name}" for path in saved]
    # all parts are longer than a page: the plate has those that fit
    saved = save_figure(
        comparison_plate(comparison, title=title, pictures=panels),
        out / FIGURES / "comparison",
        recipe=about,
    )
    return files + [f"{FIGURES}/{path.name}" for path in saved]
