"""Places of outputs: through links, never over an input, over nothing that is not a result."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from napari_snpore.errors import OutputError
from napari_snpore.outputs.own_files import unlisted_file


def resolved(path: str | Path) -> Path:
    """Return the absolute path that an output is written to: the target of a link, not the link.

    Raises
    ------
    OutputError
        Links that lead in a circle.
    """
    place = Path(os.path.realpath(path))
    if os.path.islink(place):
        raise OutputError(f"{path} is a link that leads in a circle; give another place.")
    return place


def check_file(path: Path, target: Path) -> None:
    """Refuse a place where a file cannot be put without loss.

    Parameters
    ----------
    path : Path
        As the user gave it, for the sentence.
    target : Path
        Its place, links resolved. A suffix ``.zarr`` stands for a Zarr volume, which is a folder.

    Raises
    ------
    OutputError
        A folder, a device or pipe, a write-protected file, or a Zarr folder that holds more than a
        volume.
    """
    if not os.path.lexists(target):
        return
    if target.is_dir():
        if path.suffix.lower() != ".zarr":
            raise OutputError(f"{path} is a folder; give the name of a file.")
        extra = unlisted_file(target)
        if extra is not None:
            raise OutputError(
                f"{path} holds {extra}, which is not part of a Zarr volume; move that away, or give another place."
            )
    elif path.suffix.lower() == ".zarr":
        raise OutputError(f"{path} is a file; a Zarr volume is a folder.")
    elif not target.is_file():
        raise OutputError(f"{path} is a device or a pipe; give the name of a file.")
    elif not os.access(target, os.W_OK):
        raise OutputError(f"{path} is write-protected; give another place.")


def check_beside(path: Path, companions: Iterable[Path]) -> None:
    """Refuse to write files that belong to another, where they are there already and that other is
    not: nobody agreed to replace them.

    Parameters
    ----------
    path : Path
        The file that the user named.
    companions : iterable of Path
        What is written beside it.

    Raises
    ------
    OutputError
        One sentence with the first of them.
    """
    if path.exists():
        return
    for companion in companions:
        if os.path.lexists(companion):
            raise OutputError(
                f"{companion} is there already, beside which {path.name} would be written; "
                "move it away, or give another name."
            )


def check_apart(output: str | Path, inputs: Iterable[str | Path]) -> None:
    """Refuse an output that would replace one of its inputs.

    Links are followed. An input that lies in the output folder counts, and so does an output in an
    input folder, such as a file in a Zarr volume.

    Raises
    ------
    OutputError
        One sentence that names both.
    """
    target = resolved(output)
    for name in inputs:
        source = Path(os.path.realpath(os.path.expanduser(name)))
        if _is_same(source, target):
            raise OutputError(f"{output} is the input {name} itself; give another output.")
        if target in source.parents:
            raise OutputError(
                f"The input {name} lies in {output}, which the output would replace; give another output."
            )
        if source in target.parents and source.is_dir():
            raise OutputError(f"{output} lies in the input {name}; give another output.")


def _is_same(one: Path, other: Path) -> bool:
    if one == other:
        return True
    try:
        return os.path.samefile(one, other)
    except OSError:  # one of them is not there
        return False
