"""The command ``snpore figure``: a plate without a window, from a recipe or from the folder of a
finished run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from napari_snpore.cli.outputs import record_beside
from napari_snpore.errors import InputError, OutputError
from napari_snpore.figures.plate_recipe import PlateRecipe
from napari_snpore.files.atomic import atomic_paths
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.study.plate_files import (
    find_plate_files,
    plate_spec_of,
    read_plate_recipe,
    relative_input,
)
from napari_snpore.study.provenance import Record

_FORMATS = (".png", ".svg", ".pdf")


def figure(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A recipe (TOML), the folder of a finished run, or a saved plate to draw again."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write (.png, .svg, .pdf), or its stem; default: beside the recipe.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Folder of a finished run whose data is drawn, in place of the recipe's."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an output that is there already.")
    ] = False,
) -> None:
    """Draw a plate: slices, subvolumes, fractions, sizes of objects, table. The 3D scene is drawn
    in a window only.
    """
    settings = read_plate_recipe(recipe)
    if run is not None:
        settings = settings.model_copy(
            update={"input": settings.input.model_copy(update={"run": str(run)})}
        )
    stem, formats = _places(recipe, output, settings)
    places = [Path(f"{stem}.{name}") for name in formats]
    taken = [path for path in places if path.exists()]
    if taken and not overwrite:
        raise OutputError(f"{taken[0]} is there already; --overwrite replaces it.")
    files = find_plate_files(settings)
    for path in places:
        check_apart(path, [recipe, *files.paths] if recipe.is_file() else files.paths)
    folder = resolved(stem.parent)
    record = Record("figure")
    for path in files.paths:
        record.add_input(path, folder=folder)
    spec = plate_spec_of(settings, files)

    # matplotlib takes half a second to load: after the recipe and its files were checked
    from napari_snpore.figures.plate_drawing import draw_plate
    from napari_snpore.figures.save import save_figure

    with record.timed("draw the plate"):
        drawn = draw_plate(spec)
    source = relative_input(settings.input, folder).model_dump(mode="json")
    about = {**spec.recipe(), "input": source, "formats": formats}
    record.parameters = about
    record.outputs = [path.name for path in places]
    with atomic_paths(*places, record_beside(stem)) as parts:
        save_figure(drawn.figure, parts[0].with_suffix(""), formats=formats, recipe=about)
        record.write(parts[-1])
    for sentence in drawn.remarks:
        typer.echo(sentence)
    for path in places:
        typer.echo(f"Wrote {path}")


def _places(recipe: Path, output: Path | None, settings: PlateRecipe) -> tuple[Path, list[Any]]:
    """Return the stem of the figure's files, and their formats."""
    if output is None:
        return recipe.with_name(f"{recipe.name if recipe.is_dir() else recipe.stem}_plate"), list(
            settings.formats
        )
    suffix = output.suffix.lower()
    if suffix in _FORMATS:
        return output.with_suffix(""), [suffix.removeprefix(".")]
    if suffix and not output.stem.endswith("."):
        raise InputError(f"{output} has the suffix {suffix}; .png, .svg and .pdf are possible.")
    return output, list(settings.formats)
