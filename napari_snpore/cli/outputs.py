"""Output of a single command: one volume file and its JSON record (inputs, parameters)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from napari_snpore.cli.progress import watched
from napari_snpore.errors import OutputError
from napari_snpore.files.formats import WRITTEN
from napari_snpore.study.provenance import Record
from napari_snpore.study.run_context import RunContext


@contextmanager
def recorded(
    command: str, output: Path, *, overwrite: bool, memory_limit: int | None = None
) -> Iterator[RunContext]:
    """Yield the run context of a command that writes one volume; write its record after the volume.

    Parameters
    ----------
    command : str
        Name in the record.
    output : Path
        File that the command writes; the record is ``<name>.record.json`` beside it.
    overwrite : bool
        Replace an existing file.
    memory_limit : int, optional
        Bytes that a step may take.

    Raises
    ------
    OutputError
        A suffix that is not written, a file that exists, or a folder without write permission.
    """
    if output.suffix.lower() not in WRITTEN:
        raise OutputError(
            f"{output} has a suffix that is not written; these are: {' '.join(WRITTEN)}."
        )
    if output.exists() and not overwrite:
        raise OutputError(f"{output} is there already; --overwrite replaces it.")
    existing = next(folder for folder in output.absolute().parents if folder.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        raise OutputError(f"The folder {existing} cannot be written.")
    record = Record(command)
    with watched() as monitor:
        yield RunContext(record, monitor, memory_limit=memory_limit)
    record.outputs = [output.name]
    record.write(output.with_name(f"{output.name}.record.json"))


def note(context: RunContext, inputs: Iterable[str | Path], **parameters: Any) -> None:
    """Add input files (with their sha256) and parameters to the record of a command."""
    for path in inputs:
        context.record.add_input(path)
    context.record.parameters = {
        name: value.model_dump(mode="json", exclude_none=True)
        if isinstance(value, BaseModel)
        else value
        for name, value in parameters.items()
    }
