"""The commands ``snpore compare`` and ``snpore batch``: several states, or many files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.options import MemoryLimit, Output, memory_bytes
from napari_snpore.cli.progress import watched
from napari_snpore.cli.stop_signals import answer_stop_signals
from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.study.recipe import MOST_TWINS
from napari_snpore.study.states.batch import batch_files, batch_recipes, batch_text, run_batch
from napari_snpore.study.states.comparing import compare_study
from napari_snpore.study.states.fibre_runs import end_children
from napari_snpore.study.states.found_runs import names_apart
from napari_snpore.study.states.study_recipe import (
    StateSection,
    Study,
    merged,
    read_study,
    study_of_runs,
)

Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with what was begun in the folder; refused where inputs or parameters are others. Without it "
        "what is finished and unchanged is kept as well, and what changed is run again.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Fibres that run at the same time; default: as many as processors and memory allow.",
    ),
]
Twins = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=MOST_TWINS,
        help="Digital twins of each fibre; default: as in the recipe, else 1; 0: none.",
    ),
]

_KEPT = "finished fibres and steps are kept, and the same command goes on from there."


def compare(
    output: Output,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="A study (.toml), or folders of finished runs: each is a state."),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=FOLDER,FOLDER: finished runs of the fibres of one state; repeat per state, in their order."
        ),
    ] = None,
    resume: Resume = False,
    processes: Processes = None,
    memory_limit_mb: MemoryLimit = None,
    twins: Twins = None,
    figures: Annotated[
        bool, typer.Option("--figures/--no-figures", help="Draw the figures of the comparison.")
    ] = True,
) -> None:
    """Compare states: run the fibres of a study that are not finished, and put the states side by
    side with the errors of their numbers and of their differences.
    """
    study = _study_of(paths or [], state or [])
    if twins is not None:
        study = _with_twins(study, twins)
    with answer_stop_signals(before_end=end_study), watched() as monitor:
        found = compare_study(
            study,
            output,
            resume=resume,
            processes=processes,
            memory_limit=memory_bytes(memory_limit_mb),
            figures=figures,
            monitor=monitor,
            say=lambda sentence: typer.echo(sentence, err=True),
        )
    typer.echo(found.summary)
    typer.echo(f"Results: {output}")
    if found.failed:
        raise InputError(_failed_words(found.failed, "fibre", "the comparison is made without"))


def batch(
    recipe: Annotated[
        Path,
        typer.Argument(
            help="A recipe (.toml) for all files; 'volume' in its [input]: the files are volumes, not tilt series."
        ),
    ],
    files: Annotated[
        list[Path], typer.Argument(help="Tilt series or volumes, or folders of them.")
    ],
    output: Output,
    resume: Resume = False,
    processes: Processes = None,
    memory_limit_mb: MemoryLimit = None,
) -> None:
    """Run one recipe over many files: a folder for each, and all numbers in one long table,
    numbers.csv.
    """
    recipes = batch_recipes(recipe, batch_files(files))
    with answer_stop_signals(before_end=end_study), watched() as monitor:
        found = run_batch(
            recipes,
            output,
            resume=resume,
            processes=processes,
            memory_limit=memory_bytes(memory_limit_mb),
            monitor=monitor,
            say=lambda sentence: typer.echo(sentence, err=True),
        )
    typer.echo(batch_text(recipes, found.failed))
    typer.echo(f"Results: {output / 'numbers.csv'}")
    if found.failed:
        raise InputError(_failed_words(found.failed, "file", "the table is made without"))


def _study_of(paths: list[Path], states: list[str]) -> Study:
    """Return the study that the words of the command line describe."""
    if len(paths) == 1 and paths[0].suffix.lower() == ".toml" and not states:
        return read_study(paths[0])
    found: dict[str, list[str | Path]] = {}
    for path in paths:
        if path.suffix.lower() == ".toml":
            raise InputError(f"{path} is a study, which is compared alone; give it without others.")
        if not (path / RECORD).is_file():
            raise FileFormatError(f"{path} holds no finished run.")
    for name, path in zip(names_apart(paths), paths, strict=True):
        found[name] = [path]
    for words in states:
        name, _, folders = words.partition("=")
        if not name.strip() or not folders.strip(" ,"):
            raise InputError(f"--state is {words!r}; NAME=FOLDER,FOLDER is needed.")
        if name.strip() in found:
            raise InputError(f"Two states have the name {name.strip()!r}.")
        found[name.strip()] = [one.strip() for one in folders.split(",") if one.strip()]
    if not found:
        raise InputError("Nothing to compare: give a study (.toml), or folders of finished runs.")
    return study_of_runs(found)


def _with_twins(study: Study, twins: int) -> Study:
    section = {"uncertainty": {"twins": twins}}
    states = [
        StateSection(
            name=one.name,
            fibres=one.fibres,
            volumes=one.volumes,
            **merged(one.overrides, section),
        )
        for one in study.state
    ]
    return study.model_copy(update={"state": states})


def _failed_words(failed: Mapping[str, str], what: str, rest: str) -> str:
    """Say how many failed.

    Examples
    --------
    >>> _failed_words({"a": "No."}, "file", "the table is made without")
    '1 file failed (a): see above; the table is made without it.'
    """
    several = len(failed) > 1
    return (
        f"{len(failed)} {what}{'s' if several else ''} failed ({', '.join(failed)}): see above; "
        f"{rest} {'them' if several else 'it'}."
    )


def end_study() -> str:
    """End the runs of a study that is stopped; return what is kept of it."""
    end_children()
    return _KEPT
