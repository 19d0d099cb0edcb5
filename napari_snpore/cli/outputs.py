"""Output of a single command: one volume file and its JSON record (inputs, parameters)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from napari_snpore.cli.progress import echo_apart, watched
from napari_snpore.errors import OutputError
from napari_snpore.files.atomic import atomic_paths
from napari_snpore.files.formats import WRITTEN, parts_of
from napari_snpore.outputs.own_files import is_own_record
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import relative_path
from napari_snpore.study.run_context import RunContext


@contextmanager
def recorded(
    command: str,
    output: Path,
    *,
    overwrite: bool,
    inputs: Iterable[str | Path],
    suffixes: Sequence[str] = WRITTEN,
    memory_limit: int | None = None,
) -> Iterator[tuple[RunContext, Path]]:
    """Yield the run context of a command that writes one file, and the path where it writes it;
    volume and record are moved to their places together.

    Parameters
    ----------
    command : str
        Name in the record.
    output : Path
        File that the command writes; the record is ``<name>.record.json`` beside it.
    overwrite : bool
        Replace an existing file.
    inputs : iterable of path
        What the command reads.
    suffixes : sequence of str
        Suffixes that the command writes.
    memory_limit : int, optional
        Bytes that a step may take.

    Raises
    ------
    OutputError
        A suffix that is not written, a file that exists, that is an input, or that another run
        writes, or a folder without write permission.
    """
    if output.suffix.lower() not in suffixes:
        raise OutputError(
            f"{output} has a suffix that is not written; these are: {' '.join(suffixes)}."
        )
    if output.exists() and not overwrite:
        raise OutputError(f"{output} is there already; --overwrite replaces it.")
    files = [Path(path) for path in inputs]
    check_apart(output, [*files, *(part for path in files for part in parts_of(path))])
    beside = record_beside(output)
    record = Record(command)
    with atomic_paths(output, beside, reading=True) as (part, record_part):
        with watched() as monitor:
            yield RunContext(record, monitor, memory_limit=memory_limit, say=echo_apart), part
        record.outputs = [output.name]
        record.write(record_part)


def record_beside(output: Path) -> Path:
    """Return the path of the record of an output, ``<name>.record.json`` beside it.

    Raises
    ------
    OutputError
        Something else has that name.
    """
    path = output.with_name(f"{output.name}.record.json")
    if path.exists() and not is_own_record(path):
        raise OutputError(f"{path} is there already and is not a record of {output.name}.")
    return path


def note(
    context: RunContext, folder: Path, inputs: Iterable[str | Path], **parameters: Any
) -> None:
    """Add input files (with their sha256) and parameters to the record of a command.

    Paths are noted relative to ``folder``, in which the record lies: an absolute one says nothing
    on another machine.
    """
    inputs = [str(path) for path in inputs]
    for path in inputs:
        context.record.add_input(path, folder=resolved(folder))

    def noted(value: Any) -> Any:
        if isinstance(value, BaseModel):
            return noted(value.model_dump(mode="json", exclude_none=True))
        if isinstance(value, Mapping):
            return {name: noted(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [noted(one) for one in value]
        if isinstance(value, str) and (value in inputs or os.path.isabs(value)):
            return relative_path(value, resolved(folder))
        return value

    context.record.parameters = noted(parameters)
