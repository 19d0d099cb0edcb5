"""Recipes of specimens made and written in a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from napari_snpore.compute import check_stop, run_apart
from napari_snpore.errors import InputError, MissingFileError
from napari_snpore.viewer.recipe.request import RecipeRequest

if TYPE_CHECKING:
    from napari_snpore.compute import Progress, ShouldStop
    from napari_snpore.study.saved_recipe import SavedRecipe


@dataclass(frozen=True)
class WrittenRecipe:
    """A file that was written, and what it does not repeat."""

    path: Path
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class StudyRow:
    """One fibre of a study: the folder of its run, or the specimen of the window."""

    state: str
    fibre: str
    run: Path | None = None
    request: RecipeRequest | None = None


def recipe_of(request: RecipeRequest, sources: Sequence[Path] = ()) -> SavedRecipe:
    """Return the recipe of a specimen.

    Parameters
    ----------
    request : RecipeRequest
    sources : sequence of Path, optional
        Its files; default: those that were found beside its data.

    Raises
    ------
    InputError
        A history that a run cannot repeat, or files that are not there or are others; the sentence
        names the specimen.
    """
    # the study brings in every step, which takes half a second: not when the form is opened
    from dataclasses import replace

    from napari_snpore.study.measuring import boxes_inside
    from napari_snpore.study.saved_recipe import saved_recipe, saved_uncertainty
    from napari_snpore.study.saved_sources import (
        KnownSource,
        fitted_to_source,
        measure_section_of,
    )

    files = tuple(sources) or request.sources
    if not files:
        raise MissingFileError(
            f"'{request.name}' was made of {request.files_in_words}, which is not beside its data any more; "
            "Save > Recipe in the Workbench asks for it."
        )
    boxes, refused = (
        boxes_inside(request.grid, request.boxes) if request.grid is not None else ([], [])
    )
    measure, left_out = measure_section_of(
        request.objects, request.phase_names, **request.limits, boxes=boxes
    )
    try:
        saved = saved_recipe(
            request.history,
            source=files[0] if len(files) == 1 else list(files),
            measure=measure,
            uncertainty=saved_uncertainty(request.history),
            name=request.name,
        )
        known = KnownSource(
            request.shape, request.angles_deg, request.pixel_size_nm, request.spacing_nm
        )
        recipe = fitted_to_source(saved.recipe, known)
    except InputError as error:
        raise InputError(f"No recipe of '{request.name}': {error}") from error
    said = dict.fromkeys((*saved.left_out, *request.left_out, *left_out, *refused))
    return replace(saved, recipe=recipe, left_out=tuple(said))


def write_recipe(
    request: RecipeRequest,
    sources: Sequence[Path],
    path: str | Path,
    progress: Progress,
    should_stop: ShouldStop,
) -> WrittenRecipe:
    """Write the recipe of a specimen as TOML; its input is relative to the folder of the file.

    Raises
    ------
    InputError
        As :func:`recipe_of`, or the file cannot be written.
    """
    from napari_snpore.files.atomic import atomic_path
    from napari_snpore.outputs.places import check_apart

    place = Path(path).expanduser()
    saved = run_apart(lambda: recipe_of(request, sources), should_stop)
    check_apart(place, sources or request.sources)
    with atomic_path(place) as part:
        part.write_text(saved.relative_to(place.parent).to_toml(), encoding="utf-8")
    return WrittenRecipe(place, saved.left_out)


def write_study(
    rows: Sequence[StudyRow],
    folder: str | Path,
    title: str,
    progress: Progress,
    should_stop: ShouldStop,
) -> WrittenRecipe:
    """Write the study of some fibres, and beside it the recipes of those that are in no run.

    Raises
    ------
    InputError
        As :func:`recipe_of`, or as :func:`~napari_snpore.study.states.saved_study.save_study`.
    """
    from napari_snpore.study.states.saved_study import StudyFibre, save_study

    fibres, left_out = [], []
    for done, row in enumerate(rows):
        check_stop(should_stop)
        progress(done, len(rows))
        recipe = None
        if row.request is not None:
            recipe = run_apart(partial(recipe_of, row.request), should_stop)
            left_out += [f"{row.fibre}: {sentence}" for sentence in recipe.left_out]
        fibres.append(StudyFibre(row.state, row.fibre, row.run, recipe))
    check_stop(should_stop)
    return WrittenRecipe(save_study(folder, fibres, title=title), tuple(left_out))
