"""Finished runs in a folder, and the states that a study or their names give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_snpore.comparison.state_names import guessed_state, names_a_state
from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.small_files import read_json
from napari_snpore.outputs.own_files import RECORD, command_of
from napari_snpore.study.states.study_folder import COMPARISON


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
    """

    folder: Path
    fibre: str
    state: str


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
    return FoundRun(folder, folder.name, guessed_state(named[0] if named else folder.name))
