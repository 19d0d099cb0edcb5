"""The folder of a study's results: what it may replace, what was begun in it, and the tables that
are written into it together.

``<state>/<fibre>/`` are folders of runs, each complete or absent. ``.snpore-steps/`` holds what an
interrupted study goes on from, and is gone when the study is done.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from napari_snpore.errors import InputError, OutputError
from napari_snpore.files import write_table
from napari_snpore.files.atomic import atomic_path, making
from napari_snpore.files.small_files import read_json
from napari_snpore.outputs.own_files import LARGEST_RECORD, RECORD, command_of, own_bytes
from napari_snpore.outputs.work_folder import WorkFolder
from napari_snpore.study.provenance import Record, code_version, versions

COMPARISON = "comparison.json"
SUMMARY = "summary.txt"
STUDY = "study.toml"
STEPS = ".snpore-steps"
FIGURES = "figures"
_BEGUN = "study.json"


@contextmanager
def study_folder(out: Path, tables: Sequence[str], *, command: str) -> Iterator[WorkFolder]:
    """Yield the locked work folder of a study: a second study into the same folder is refused
    meanwhile.

    Parameters
    ----------
    out : Path
        A new or empty folder, or one with a study.
    tables : sequence of str
        Names of the files that the study is going to write beside its record.
    command : {"compare", "batch"}
        What writes them; the result of the other one is not replaced.

    Raises
    ------
    OutputError
        A file, the folder of something else, or one that holds files of these names that no study
        wrote.
    """
    if os.path.lexists(out) and not out.is_dir():
        raise OutputError(f"{out} is a file; give a folder for the results.")
    other = command_of(out) if (out / RECORD).exists() else None
    if other is not None or (out / RECORD).exists():
        raise OutputError(
            f"{out} holds the result of 'snpore {other or 'run'}', which a study does not replace; give a new or an empty folder."
        )
    earlier = _record_in(out).get("command", command)
    if earlier != command:
        raise OutputError(
            f"{out} holds the result of 'snpore {earlier}', which 'snpore {command}' does not replace; "
            "give a new or an empty folder."
        )
    known = set(written_by(out))
    for name in (COMPARISON, SUMMARY, STUDY, *tables):
        if os.path.lexists(out / name) and name not in known:
            raise OutputError(
                f"{out} holds {name}, which no earlier study wrote; give a new or an empty folder."
            )
    with making(out / COMPARISON, reading=True) as work:
        yield work


def written_by(out: Path) -> list[str]:
    """Return the files that the study in a folder wrote, by its record; none without one."""
    content = _record_in(out)
    listed = content.get("outputs", [])
    names = [str(name) for name in listed if _is_inside(str(name))] if type(listed) is list else []
    return [COMPARISON, *names] if content else []


def _is_inside(name: str) -> bool:
    """Return whether a name of a record stays in its folder: these files are replaced and removed."""
    return not Path(name).is_absolute() and ".." not in Path(name).parts


def _record_in(out: Path) -> dict[str, Any]:
    """Return the record of the study in a folder; empty where none can be read."""
    raw = own_bytes(out / COMPARISON, LARGEST_RECORD)
    try:
        content = {} if raw is None else json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    is_own = isinstance(content, dict) and content.get("program") == "napari-snpore"
    return content if is_own else {}


def begun(out: Path) -> dict[str, Any] | None:
    """Return the marks of the fibres of the study that was begun in a folder; None without any."""
    for path in (out / STEPS / _BEGUN, out / COMPARISON):
        if path.is_file():
            content = read_json(path, what="a record of a study")
            found = content.get("fibres", content.get("results", {}).get("marks"))
            return found if isinstance(found, dict) else None
    return None


def note_begin(out: Path, marks: Mapping[str, Any]) -> None:
    """Note which fibres a study consists of, before the first is run."""
    place = out / STEPS / _BEGUN
    place.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(place) as part:
        part.write_text(json.dumps({"fibres": marks}, indent=1) + "\n", encoding="utf-8")


def mark_of(parameters: Mapping[str, Any] | None, sha256s: Sequence[str]) -> dict[str, Any]:
    """Return the mark of a fibre: what decides on its numbers."""
    return {
        "inputs": list(sha256s),
        "parameters": None if parameters is None else dict(parameters),
        "code": code_version(),
        "versions": versions(),
    }


def check_resumable(out: Path, marks: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse to go on with a study that is not the one that was begun.

    Raises
    ------
    InputError
        One sentence: which fibre differs, and in what.
    """
    earlier = begun(out)
    if earlier is None:
        raise InputError(f"{out} holds no study that was begun; leave --resume out.")
    others = [name for name in (*marks, *earlier) if (name in marks) != (name in earlier)]
    if others:
        where = "is new in the study" if others[0] in marks else "is not in the study any more"
        raise InputError(
            f"{others[0]} {where} that was begun in {out}; leave --resume out to run what is not finished."
        )
    for name, mark in marks.items():
        for key, what in _CHANGED.items():
            if mark.get(key) != earlier[name].get(key):
                raise InputError(
                    f"{name} cannot be resumed in {out}: {what}; leave --resume out to run what changed again."
                )


_CHANGED = {
    "inputs": "its input is not the file that the study was begun with",
    "parameters": "its parameters are not those that the study was begun with",
    "code": "another version of the program began it",
    "versions": "a library of the program is another version than at its begin",
}


def write_study(
    work: WorkFolder,
    out: Path,
    *,
    record: Record,
    tables: Mapping[str, pd.DataFrame],
    texts: Mapping[str, str],
    figures: Sequence[str],
) -> None:
    """Write record, tables and texts together; remove what an earlier study wrote and this one does
    not.

    Parameters
    ----------
    work : WorkFolder
        Of :func:`study_folder`.
    out : Path
    record : Record
        Its outputs are filled in here.
    tables, texts : mapping of str to content
        By file name.
    figures : sequence of str
        Files that are there already, relative to the folder.
    """
    earlier = written_by(out)
    for name, table in tables.items():
        write_table(work.new(name), table)
    for name, text in texts.items():
        work.new(name).write_text(text, encoding="utf-8")
    record.outputs = sorted([*tables, *texts, *figures])
    record.write(work.new(COMPARISON))
    work.move_in(COMPARISON, *tables, *texts)
    for name in set(earlier) - set(record.outputs) - {COMPARISON}:
        place = out / name
        if place.is_file():
            place.unlink()


def remove_steps(out: Path) -> None:
    """Remove what an interrupted study would go on from."""
    shutil.rmtree(out / STEPS, ignore_errors=True)
