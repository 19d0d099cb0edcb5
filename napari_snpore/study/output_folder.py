"""The folder of a result: complete or absent, listed in its record, and free of its own inputs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_snpore.errors import OutputError
from napari_snpore.files.atomic import atomic_path, making
from napari_snpore.files.small_files import read_json
from napari_snpore.outputs.own_files import RECORD, command_of, outputs_of, unlisted_file
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe


@contextmanager
def output_folder(
    out: str | Path, *, command: str | None = None, inputs: Iterable[str | Path] = ()
) -> Iterator[Path]:
    """Yield an empty folder beside ``out``; it takes the place of ``out`` when the block ends well,
    else it is removed.

    An earlier result is replaced in one step. Files that came into it meanwhile and that no run
    wrote are kept in the new one. What a killed run left behind is cleaned first.

    Parameters
    ----------
    out : path
        A new or empty folder, or one with an earlier result of the same command. A link is
        followed.
    command : str, optional
        The command that writes the result; None replaces the result of any command.
    inputs : iterable of path
        What is read: an output that would replace one of them is refused.

    Raises
    ------
    OutputError
        ``out`` is a file, holds an input or a file that is not part of an earlier result, is being
        written by another run, or its parent cannot be written.
    """
    out = Path(os.path.abspath(Path(out).expanduser()))
    with making(out, reading=True) as work:
        check_apart(out, inputs)
        check_replaceable(out, work.target, command)
        part = work.new(work.target.name)
        part.mkdir()
        yield part
        try:
            work.move_in(work.target.name)
        except OSError as error:
            raise OutputError(
                f"The folder {out} cannot be written: {error.strerror or error}."
            ) from error


def check_replaceable(out: Path, target: Path, command: str | None) -> None:
    """Refuse a folder that a new result cannot take the place of without loss."""
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{out} is a file; give a folder for the results.")
    if target.is_mount():
        raise OutputError(f"{out} is where a disk is mounted; give a folder in it.")
    extra = unlisted_file(target)
    if extra is not None:
        raise OutputError(
            f"{out} holds {extra}, which no earlier run wrote; give a new or an empty folder."
        )
    earlier = command_of(target)
    if command is not None and earlier is not None and earlier != command:
        raise OutputError(
            f"{out} holds the result of 'snpore {earlier}', which 'snpore {command}' does not replace; "
            "give a new or an empty folder."
        )


def finish(folder: Path, record: Record, text: str, recipe: Recipe | None) -> None:
    """Write summary, recipe and, last, the record: a folder with a record is complete."""
    (folder / "summary.txt").write_text(text, encoding="utf-8")
    if recipe is not None:
        (folder / "recipe.toml").write_text(recipe.to_toml(), encoding="utf-8")
    record.outputs = sorted(path.relative_to(folder).as_posix() for path in outputs_of(folder))
    record.write(folder / RECORD)


def update_listed_outputs(folder: str | Path) -> None:
    """Take what was added to a finished folder into its record, so that a later run may replace
    it.
    """
    path = resolved(folder) / RECORD
    content = read_json(path, what="a record of a run")
    content["outputs"] = sorted(
        name
        for one in outputs_of(path.parent)
        if (name := one.relative_to(path.parent).as_posix()) != path.name
    )
    with atomic_path(path) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
