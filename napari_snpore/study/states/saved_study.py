"""A study written from what was compared in a window: its recipe, and beside it the recipe of each fibre
that is in no folder of a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.errors import InputError, OutputError
from napari_snpore.files.atomic import atomic_paths
from napari_snpore.outputs.places import resolved
from napari_snpore.study.recipe import relative_path
from napari_snpore.study.saved_recipe import SavedRecipe
from napari_snpore.study.states.study_recipe import Study, folder_name, planned_runs, read_study

STUDY_FILE = "study.toml"


@dataclass(frozen=True, eq=False)
class StudyFibre:
    """One fibre of a study: the folder of its run, or the recipe that makes it.

    Attributes
    ----------
    state, fibre : str
    run : Path or None
    recipe : SavedRecipe or None
        Its input paths as they are from here, not from the folder of the study.
    """

    state: str
    fibre: str
    run: Path | None = None
    recipe: SavedRecipe | None = None


def save_study(folder: str | Path, fibres: Sequence[StudyFibre], *, title: str = "") -> Path:
    """Write ``study.toml`` and the recipes of its fibres, for ``snpore compare``.

    Parameters
    ----------
    folder : path
        A new folder, or one that holds no such file yet.
    fibres : sequence of StudyFibre
        In the order of their states.
    title : str
        Of the study.

    Returns
    -------
    Path
        Of ``study.toml``. Paths in all files are relative to the folder.

    Raises
    ------
    InputError
        No fibre, one without run and recipe, or a study that could not be run.
    OutputError
        A file is there already, or cannot be written.
    """
    if not fibres:
        raise InputError("A study needs a fibre; there is none.")
    out = Path(folder).expanduser()
    texts: dict[str, str] = {}
    states: dict[str, list[dict[str, str]]] = {}
    for one in fibres:
        name = folder_name(one.fibre)
        if one.run is not None:
            path = relative_path(str(one.run), resolved(out))
        elif one.recipe is not None:
            path = _free(f"{folder_name(one.state)} {name}", texts)
            texts[path] = one.recipe.relative_to(resolved(out)).to_toml()
        else:
            raise InputError(f"The fibre '{one.fibre}' has neither a run nor a recipe.")
        states.setdefault(folder_name(one.state), []).append({"path": path, "name": name})
    study = Study(
        study={"title": title},
        state=[{"name": state, "fibres": entries} for state, entries in states.items()],
    )
    texts[STUDY_FILE] = study.to_toml()
    paths = [out / name for name in texts]
    for place in paths:
        if place.exists():
            raise OutputError(f"{place} is there already; give the folder another name.")
    with atomic_paths(*paths) as parts:
        for part, text in zip(parts, texts.values(), strict=True):
            part.write_text(text, encoding="utf-8")
    planned_runs(read_study(out / STUDY_FILE))
    return out / STUDY_FILE


def _free(stem: str, taken: dict[str, str]) -> str:
    """Return the name of a file that no other recipe of the study has, whatever its capitals."""
    known = {name.casefold() for name in (*taken, STUDY_FILE)}
    name, number = f"{stem}.toml", 2
    while name.casefold() in known:
        name, number = f"{stem} ({number}).toml", number + 1
    return name
