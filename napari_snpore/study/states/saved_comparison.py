"""A comparison written into a folder by itself, without the runs that it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from napari_snpore.comparison.compare import Comparison
from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import FileFormatError, OutputError
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.outputs.places import resolved
from napari_snpore.study.provenance import Record, sha256
from napari_snpore.study.recipe import relative_path
from napari_snpore.study.states.comparing import TABLES
from napari_snpore.study.states.comparison_figures import draw_comparison
from napari_snpore.study.states.comparison_summary import summary_text
from napari_snpore.study.states.state_pictures import NO_PICTURES, StatePictures, fibre_names
from napari_snpore.study.states.study_folder import SUMMARY, study_folder, write_study

_PANEL_MM = 88.0
"""Width of a panel alone: one column of a journal."""


def save_comparison(
    folder: str | Path,
    comparison: Comparison,
    *,
    runs: Mapping[tuple[str, str], Path] | None = None,
    figures: bool = False,
    pictures: StatePictures = NO_PICTURES,
) -> Path:
    """Write ``states.csv``, ``differences.csv``, ``distributions.csv``, ``summary.txt`` and the
    record ``comparison.json``, as ``snpore compare`` does.

    Parameters
    ----------
    folder : path
        A new or empty folder, or one with an earlier comparison.
    comparison : Comparison
    runs : mapping of (state, fibre) to path, optional
        Folders of the runs that were compared; fibres without one were compared from a window, and
        the record says so. A folder with a comparison whose runs are all there can be opened again.
    figures : bool
        Draw the figures as well, as the report of the folder shows them.
    pictures : StatePictures
        Slices of the states among the figures.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written.
    """
    out = Path(folder).expanduser()
    out.mkdir(parents=True, exist_ok=True)
    record = Record("compare", parameters={"states": list(comparison.names)}, seed=comparison.seed)
    record.results = {
        "fibres": _entries(comparison, runs or {}, out),
        "notes": list(comparison.notes),
    }
    tables = dict(
        zip(
            TABLES,
            (comparison.states, comparison.differences, comparison.distributions),
            strict=True,
        )
    )
    with study_folder(out, TABLES, command="compare") as work:
        write_study(
            work,
            out,
            record=record,
            tables=tables,
            texts={SUMMARY: summary_text(comparison)},
            figures=draw_comparison(out, comparison, {}, pictures=pictures) if figures else [],
        )
    return out


def _entries(
    comparison: Comparison, runs: Mapping[tuple[str, str], Path], out: Path
) -> list[dict[str, Any]]:
    found = []
    for state, fibres in comparison.results.items():
        for fibre in fibres:
            run = runs.get((state, fibre.name))
            own = None if run is None else run / RECORD
            found.append(
                {
                    "state": state,
                    "fibre": fibre.name,
                    "folder": None if run is None else relative_path(str(run), resolved(out)),
                    "from": "window" if run is None else "run",
                    "record_sha256": sha256(own) if own is not None and own.is_file() else None,
                }
            )
    return found


def save_comparison_figures(
    folder: str | Path,
    comparison: Comparison,
    *,
    formats: Sequence[Literal["png", "svg", "pdf"]] = ("pdf", "png"),
    pictures: StatePictures = NO_PICTURES,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Path]:
    """Draw the plate of a comparison and each of its panels alone, for plates of one's own.

    Parameters
    ----------
    folder : path
        ``plate`` and ``panel_01`` on are written into it; earlier figures of this program are
        replaced.
    comparison : Comparison
    formats : sequence of str
    pictures : StatePictures
        Slices of the states: the first row of the plate, and the first panels.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    list of Path

    Raises
    ------
    InputError
        There is nothing to draw.
    OutputError
        A file of another origin has one of these names, or the folder cannot be written.
    """
    # matplotlib costs a second and belongs to figures alone
    from napari_snpore.figures.comparison_plate import comparison_plate, comparison_rows
    from napari_snpore.figures.plate_layout import panel_figure
    from napari_snpore.figures.save import save_figure
    from napari_snpore.figures.style import FigureStyle

    out = Path(folder).expanduser()
    slices = pictures.panels()
    panels = [*slices, *(panel for row in comparison_rows(comparison) for panel in row)]
    names = ["plate", *(f"panel_{number:02d}" for number in range(1, len(panels) + 1))]
    for name in names:
        for suffix in formats:
            place = out / f"{name}.{suffix}"
            if place.exists() and not _is_figure(place):
                raise OutputError(
                    f"{place} is there already and is no figure of this program; give another folder."
                )
    out.mkdir(parents=True, exist_ok=True)
    about = {
        "figure": "comparison",
        "states": fibre_names(comparison),
    }
    saved: list[Path] = []
    for number, name in enumerate(names):
        check_stop(should_stop)
        if number == 0:
            figure = comparison_plate(comparison, pictures=slices)
        else:
            figure = panel_figure(panels[number - 1], style=FigureStyle().at_width(_PANEL_MM))
        recipe = about if number == 0 else {**about, "panel": number}
        saved += save_figure(figure, out / name, formats=tuple(formats), recipe=recipe)
        if progress is not None:
            progress(number + 1, len(names))
    return saved


def _is_figure(path: Path) -> bool:
    """Return whether a file is a figure that this program drew."""
    from napari_snpore.figures.save import recipe_of

    try:
        return recipe_of(path) is not None
    except FileFormatError:
        return False
