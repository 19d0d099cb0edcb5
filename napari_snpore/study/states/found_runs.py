"""Finished runs in a folder, and the states that a study or their names give them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_snpore.comparison.state_names import guessed_state, names_a_state
from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.small_files import read_json
from napari_snpore.outputs.own_files import RECORD, command_of
from napari_snpore.study.states.study_folder import COMPARISON
from napari_snpore.study.states.study_recipe import folder_name


@dataclass(frozen=True)
class FoundRun:
    """One finished run.

    Attributes
    ----------
    folder : Path
    fibre : str
        Its name: that of the folder.
    state : str
        Of the study that it belongs to, else what the names of run and folder suggest.
    is_called_by_folder : bool
        Whether the state is only the name of the folder, as nothing suggests one.
    """

    folder: Path
    fibre: str
    state: str
    is_called_by_folder: bool = False


def find_runs_of_states(folder: str | Path) -> list[FoundRun]:
    """Return the finished runs of a folder: the folder itself, those of a study, or those directly
    inside it.

    Raises
    ------
    InputError
        There is no such folder, or no finished run in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(
            f"There is no folder {folder}; the folder of a finished run is needed."
        )
    if _is_run(folder):
        return [_found(folder)]
    study = folder / COMPARISON
    runs = _of_study(study) if study.is_file() else []
    runs = runs or [_found(one) for one in _inside(folder) if _is_run(one)]
    if not runs:  # a study that was interrupted before it compared anything
        runs = [
            FoundRun(fibre, fibre.name, state.name)
            for state in _inside(folder)
            for fibre in _inside(state)
            if _is_run(fibre)
        ]
    if not runs:
        raise FileFormatError(
            f"{folder} holds no finished run; the folder of 'snpore run' or 'snpore compare' is needed."
        )
    return runs


def names_apart(folders: Sequence[str | Path]) -> list[str]:
    """Return a name for each folder: its own; where several are called alike, the part of their paths
    in which these differ.

    Raises
    ------
    InputError
        A folder is named twice.

    Examples
    --------
    >>> names_apart(["runs/a", "runs/b"]), names_apart(["a/results", "b/results"])
    (['a', 'b'], ['a', 'b'])
    >>> names_apart(["1/a/results", "2/a/results", "2/b/results"])
    ['1 a', '2 a', '2 b']
    """
    paths = [Path(os.path.abspath(Path(folder).expanduser())) for folder in folders]
    real = [os.path.realpath(path) for path in paths]
    for place, path in enumerate(real):
        if path in real[:place]:
            raise InputError(f"The run {folders[place]} is named twice; a fibre counts once.")
    parts = [[folder_name(part) for part in path.parts[1:]] or ["run"] for path in paths]
    short, long = ([_apart(own, parts, cut=cut) for own in parts] for cut in (True, False))
    return short if len({name.casefold() for name in short}) == len(short) else long


def _apart(own: Sequence[str], all_parts: Sequence[Sequence[str]], *, cut: bool) -> str:
    """Return the name of one path; with ``cut`` without what the paths of its last name end in alike."""
    alike = [one for one in all_parts if one[-1].casefold() == own[-1].casefold()]
    depth, deepest = 1, max(map(len, alike))
    while depth < deepest and len({_joined(one[-depth:]) for one in alike}) < len(alike):
        depth += 1
    end = 0
    while cut and depth > 1 and len({_joined(one[-1 - end :][:1]) for one in alike}) == 1:
        end += 1
    return folder_name(" ".join(own[-depth : len(own) - end]) or own[-1])


def _joined(parts: Sequence[str]) -> str:
    return " ".join(parts).casefold()


def _of_study(path: Path) -> list[FoundRun]:
    """Return the runs that the record of a study names and that are there."""
    content = read_json(path, what="a record of a study")
    results = content.get("results")
    entries = results.get("fibres", []) if isinstance(results, dict) else []
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not entry.get("folder"):
            continue
        run = path.parent / str(entry["folder"])
        if _is_run(run):
            found.append(FoundRun(run, str(entry["fibre"]), str(entry["state"])))
    return found


def _is_run(folder: Path) -> bool:
    try:
        return (folder / RECORD).is_file() and command_of(folder) == "run"
    except (OSError, InputError):
        return False


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(one for one in folder.iterdir() if one.is_dir())
    except OSError:  # a folder that may not be entered
        return []


def _found(folder: Path) -> FoundRun:
    """Return a run with the state that its own name suggests, else the folder around it."""
    folder = folder.resolve()
    named = [name for name in (folder.name, folder.parent.name) if names_a_state(name)]
    state = guessed_state(named[0]) if named else folder.name
    return FoundRun(folder, folder.name, state, is_called_by_folder=not named)
