"""One recipe over many files, into one long table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.formats import format_of, parts_of
from napari_snpore.files.small_files import read_toml
from napari_snpore.files.tables import read_table
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.study.kept_steps import KeptSteps, inputs_of, parameters_of, run_key
from napari_snpore.study.output_folder import check_replaceable
from napari_snpore.study.pipeline import input_paths
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe, relative_path
from napari_snpore.study.run_context import Monitor
from napari_snpore.study.run_errors import NUMBER_COLUMNS
from napari_snpore.study.states.fibre_runs import FibreJob, run_fibres
from napari_snpore.study.states.input_facts import facts_of
from napari_snpore.study.states.study_folder import (
    STEPS,
    check_resumable,
    mark_of,
    note_begin,
    remove_steps,
    study_folder,
    write_study,
)
from napari_snpore.study.states.study_recipe import PlannedRun, folder_name, merged
from napari_snpore.study.states.unchanged import what_changed

NUMBERS = "numbers.csv"
SUMMARY = "summary.txt"


@dataclass(frozen=True, eq=False)
class BatchOutcome:
    """What a batch found.

    Attributes
    ----------
    folder : Path
    numbers : DataFrame
        ``file`` and the columns of ``numbers.csv``: the rows of all files, one below the other.
    failed : mapping of str to str
        Why a file failed, by its name.
    """

    folder: Path
    numbers: pd.DataFrame
    failed: Mapping[str, str]


def batch_files(given: Sequence[str | Path]) -> list[Path]:
    """Return the files of a batch: those given, and of a folder the ones that can be read.

    Raises
    ------
    MissingFileError
        One that is not there, or a folder without a readable file.
    """
    files: list[Path] = []
    for one in map(Path, given):
        if one.is_dir() and one.suffix != ".zarr":
            inside = _images_in(one)
            if not inside:
                raise MissingFileError(f"The folder {one} holds no file that can be read.")
            files += inside
        elif not one.exists():
            raise MissingFileError(f"There is no {one}.")
        else:
            files.append(one)
    return list(dict.fromkeys(files))


def _images_in(folder: Path) -> list[Path]:
    """Return the images in a folder; a file of voxels that belongs to a header there is no other
    one.
    """
    found = sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".")
        and (one := format_of(path)) is not None
        and path.is_dir() == one.is_folder
    )
    parts = {part.resolve() for path in found for part in parts_of(path)}
    return [path for path in found if path.resolve() not in parts]


def batch_recipes(recipe: str | Path, files: Sequence[Path]) -> dict[str, Recipe]:
    """Return the recipe of each file of a batch, by the name of its results.

    The recipe's own input is replaced: ``volume`` in its ``[input]`` says that the files are
    volumes, else they are tilt series. ``[input]`` may be left out.

    Raises
    ------
    InputError
        A recipe that is wrong, or two files of one name.
    """
    path = Path(recipe)
    content = read_toml(path, what="a recipe", missing="There is no recipe {path}.")
    if "state" in content:
        raise FileFormatError(f"{path} is a study, which 'snpore compare' reads.")
    source = content.get("input", {})
    if not isinstance(source, Mapping):
        raise FileFormatError(f"{path}: input is no section.")
    key = "volume" if "volume" in source else "tilt_series"
    source = {k: value for k, value in source.items() if k not in ("volume", "tilt_series")}
    found: dict[str, Recipe] = {}
    for file in files:
        name = folder_name(file.name.partition(".")[0] or file.stem)
        if name in found:
            name = folder_name(file.name.replace(".", "-"))
        if name in found:
            name = folder_name(f"{file.resolve().parent.name}-{file.name.replace('.', '-')}")
        if name in found:
            raise InputError(
                f"Two files of the batch have the name {file.name}; rename one of them."
            )
        sections = merged(content, {"input": {**source, key: str(file)}, "name": name})
        sections["input"] = {**source, key: str(file)}
        try:
            made = Recipe(**sections)
        except InputError as error:
            text = str(error)
            raise FileFormatError(f"{path}: {text[0].lower()}{text[1:]}") from error
        found[name] = _with_xf_beside(made, path.parent)
    return found


def run_batch(
    recipes: Mapping[str, Recipe],
    out: str | Path,
    *,
    resume: bool = False,
    processes: int | None = None,
    memory_limit: int | None = None,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    say: Callable[[str], None] | None = None,
) -> BatchOutcome:
    """Run one recipe over many files; ``numbers.csv`` holds the numbers of all of them.

    Parameters
    ----------
    recipes : mapping of str to Recipe
        Of :func:`batch_recipes`.
    out : path
        Folder of the results: ``<name>/`` is the folder of a run, ``numbers.csv`` the long table. A file
        whose run is finished there is not run again while it, its recipe and the program are the
        same.
    resume, processes, memory_limit, monitor, should_stop, say
        See :func:`~napari_snpore.study.states.comparing.compare_study`.

    Raises
    ------
    InputError
        A folder or a recipe that cannot be used; all files failed.
    """
    out = Path(out).expanduser()
    tell = say or (lambda sentence: None)
    failed: dict[str, str] = {}
    jobs: list[FibreJob] = []
    marks = {}
    with study_folder(out, (NUMBERS,), command="batch") as work:
        for name, recipe in recipes.items():
            folder = out / name
            paths = input_paths(recipe)
            check_apart(folder, paths)
            try:
                needs = facts_of(PlannedRun("batch", name, recipe)).needs_bytes
                inputs = inputs_of(paths)
            except InputError as error:
                failed[name] = str(error).removeprefix(f"batch/{name}: ")
                tell(f"{name}: {failed[name]}")
                continue
            marks[name] = mark_of(parameters_of(recipe), [one["sha256"] for one in inputs])
            changed = what_changed(folder, recipe, inputs)
            if changed is None:
                tell(f"{name}: finished and unchanged, not run again")
                continue
            if (folder / RECORD).is_file():
                tell(f"{name}: run again, because {changed}")
            check_replaceable(folder, resolved(folder), "run")
            steps = KeptSteps(
                out / STEPS / name,
                run_key(recipe, inputs),
                lambda sentence, name=name: tell(f"{name}: {sentence}"),  # type: ignore[misc]
            )
            jobs.append(FibreJob(name, recipe, folder, steps, needs))
        if resume:
            check_resumable(out, marks)
        note_begin(out, marks)
        failed |= run_fibres(
            jobs,
            processes=processes,
            memory_limit=memory_limit,
            monitor=monitor,
            should_stop=should_stop,
            say=tell,
            finished=lambda job, why: tell(f"{job.name}: {'finished' if why is None else why}"),
        )
        numbers = _long_table(recipes, out, failed)
        record = Record("batch")
        record.results = {
            "files": {name: {"folder": name, "failed": failed.get(name)} for name in recipes},
            "marks": marks,
        }
        for recipe in recipes.values():
            source = recipe.input.tilt_series or recipe.input.volume
            record.inputs.append({"path": relative_path(str(source), resolved(out))})
        write_study(
            work,
            out,
            record=record,
            tables={NUMBERS: numbers},
            texts={SUMMARY: batch_text(recipes, failed)},
            figures=(),
        )
        if not failed:
            remove_steps(out)
    if len(failed) == len(recipes):
        name, why = next(iter(failed.items()))
        raise InputError(f"All {len(failed)} files failed. {name}: {why}")
    return BatchOutcome(out, numbers, failed)


def batch_text(recipes: Mapping[str, Recipe], failed: Mapping[str, str]) -> str:
    """Return how many files are done, and why the others are not."""
    lines = [f"{len(recipes) - len(failed)} of {len(recipes)} files are done."]
    lines += [f"{name} failed: {why}" for name, why in failed.items()]
    return "\n".join(lines) + "\n"


def _long_table(recipes: Mapping[str, Recipe], out: Path, failed: dict[str, str]) -> pd.DataFrame:
    tables = []
    files = _file_names(recipes, out)
    for name in recipes:
        if name in failed:
            continue
        try:
            table = read_table(out / name / "tables" / NUMBERS)
        except InputError as error:
            failed[name] = str(error)
            continue
        table.insert(0, "file", files[name])
        tables.append(table)
    if not tables:
        return pd.DataFrame(columns=["file", *NUMBER_COLUMNS])
    return pd.concat(tables, ignore_index=True)


def _file_names(recipes: Mapping[str, Recipe], out: Path) -> dict[str, str]:
    """Return the file of each run: its name, where several have one its path relative to the
    results.
    """
    paths = {
        name: str(recipe.input.tilt_series or recipe.input.volume)
        for name, recipe in recipes.items()
    }
    counts = Counter(Path(path).name for path in paths.values())
    return {
        name: Path(path).name
        if counts[Path(path).name] == 1
        else relative_path(path, resolved(out))
        for name, path in paths.items()
    }


def _with_xf_beside(recipe: Recipe, folder: Path) -> Recipe:
    xf = recipe.align.xf
    if xf is None or Path(xf).expanduser().is_absolute():
        return recipe
    return recipe.model_copy(
        update={"align": recipe.align.model_copy(update={"xf": str(folder / xf)})}
    )


__all__ = ["BatchOutcome", "batch_files", "batch_recipes", "run_batch"]
