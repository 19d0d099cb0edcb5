"""Recipe of a study: states in their order, the fibres of each, and the sections of a run recipe
that all of them share.

The sections mean what they mean in the recipe of one run (:mod:`napari_snpore.study.recipe`). What
is nearer to a fibre wins: its own recipe over its state, the state over ``[shared]``.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tomlkit
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.small_files import read_toml
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.study.recipe import Recipe, first_problem, relative_path

SECTIONS = tuple(name for name in Recipe.model_fields if name not in ("name", "seed"))
"""Sections of a run recipe that a study shares or that a state overrides."""

_FOLDER_NAME = re.compile(r"\w(?:[\w .+()-]*[\w+()-])?")
_NOT_STATES = ("figures", "tables", "volumes")
_WILD = frozenset("*?[")
_PLACEHOLDER = "fibre.mrc"


class StudySection(BaseModel):
    """What holds for the whole study.

    ``memory_limit_mb``: of all fibres that run at the same time together. ``processes``: how many
    fibres run at the same time; unset: as many as processors and memory allow. ``threads``: of all
    of them together; unset: one for each processor.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = ""
    seed: NonNegativeInt = 0
    memory_limit_mb: PositiveInt | None = None
    processes: PositiveInt | None = None
    threads: PositiveInt | None = None


class FibreEntry(BaseModel):
    """One fibre: its file, recipe or finished run, and the name under which it is reported."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    name: str | None = None

    @field_validator("name")
    @classmethod
    def _can_be_a_folder(cls, name: str | None) -> str | None:
        return None if name is None else fit_for_folder(name)


class StateSection(BaseModel):
    """One state: its fibres, and the sections of a run recipe that differ from the shared ones.

    ``fibres``: tilt series, run recipes (``.toml``) or folders of finished runs; ``*`` and ``?`` in a
    path stand for several files. ``volumes``: volumes that were reconstructed elsewhere.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    fibres: list[str | FibreEntry] = []
    volumes: list[str | FibreEntry] = []

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, given: Any) -> Any:
        known = ("name", "fibres", "volumes", *SECTIONS)
        for key in given if isinstance(given, dict) else ():
            if key not in known:
                raise ValueError(f"{key} is not an option of a state; these are {', '.join(known)}")
        return given

    @field_validator("name")
    @classmethod
    def _can_be_a_folder(cls, name: str) -> str:
        if name.casefold() in _NOT_STATES:
            raise ValueError(f"{name!r} is a folder of the results; give the state another name")
        return fit_for_folder(name)

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The sections of a run recipe that this state changes."""
        return dict(self.model_extra or {})


class Study(BaseModel):
    """All parameters of a study.

    Examples
    --------
    >>> study = Study(
    ...     shared={"threshold": {"method": "haadf"}},
    ...     state=[{"name": "pristine", "fibres": ["a.mrc"]}, {"name": "sodiated", "fibres": ["b.mrc"]}],
    ... )
    >>> [state.name for state in study.state]
    ['pristine', 'sodiated']
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    study: StudySection = StudySection()
    shared: dict[str, Any] = {}
    state: Annotated[list[StateSection], Field(min_length=1)]

    def __init__(self, **sections: Any) -> None:
        try:
            super().__init__(**sections)
        except ValidationError as error:
            raise InputError(f"The study is wrong: {_study_problem(error, sections)}.") from error

    @model_validator(mode="after")
    def _states_differ(self) -> Study:
        for key in self.shared:
            if key not in SECTIONS:
                raise ValueError(
                    f"shared.{key} is not a section of a run recipe; these are {', '.join(SECTIONS)}"
                )
        names: set[str] = set()
        for state in self.state:
            if state.name.casefold() in names:
                raise ValueError(f"two states have the name {state.name!r}")
            names.add(state.name.casefold())
            if not (state.fibres or state.volumes):
                raise ValueError(f"the state {state.name!r} names no fibres")
        return self

    def to_toml(self) -> str:
        """Return the study as TOML, unset options left out."""
        return tomlkit.dumps(self.model_dump(mode="json", exclude_none=True))


@dataclass(frozen=True)
class PlannedRun:
    """One fibre of a study.

    Attributes
    ----------
    state, fibre : str
        Names; the run lies in ``results/<state>/<fibre>``.
    recipe : Recipe or None
        What is run; None for a run that is finished elsewhere.
    finished : Path or None
        The folder of that run.
    """

    state: str
    fibre: str
    recipe: Recipe | None = None
    finished: Path | None = None

    @property
    def name(self) -> str:
        """State and fibre, as progress and sentences name it."""
        return f"{self.state}/{self.fibre}"


def read_study(path: str | Path) -> Study:
    """Read the TOML recipe of a study; relative paths count from its folder.

    Raises
    ------
    FileFormatError
        No such file, one of more than 1 MB, not TOML, or an option that is unknown or out of range;
        the sentence names it.
    """
    path = Path(path)
    content = read_toml(path, what="a study", missing="There is no study {path}.")
    if "state" not in content and "input" in content:
        raise FileFormatError(
            f"{path} is the recipe of one run, which 'snpore run' reads; a study has [[state]] sections."
        )
    try:
        study = Study(**content)
    except InputError as error:
        raise FileFormatError(f"{path}: {str(error)[0].lower()}{str(error)[1:]}") from error
    title = study.study.title or path.stem
    return placed(study, path.parent).model_copy(
        update={"study": study.study.model_copy(update={"title": title})}
    )


def placed(study: Study, folder: Path, *, relative: bool = False) -> Study:
    """Return a study whose relative paths count from ``folder``; with ``relative``, one whose paths
    are written relative to it.
    """

    def place(text: str) -> str:
        return relative_path(text, folder) if relative else _beside(text, folder)

    def entry(one: str | FibreEntry) -> str | FibreEntry:
        if isinstance(one, str):
            return place(one)
        return one.model_copy(update={"path": place(one.path)})

    states = [
        StateSection(
            name=state.name,
            fibres=[entry(one) for one in state.fibres],
            volumes=[entry(one) for one in state.volumes],
            **_with_xf(state.overrides, place),
        )
        for state in study.state
    ]
    return study.model_copy(update={"state": states, "shared": _with_xf(study.shared, place)})


def planned_runs(study: Study) -> list[PlannedRun]:
    """Return the runs of a study, in its order, each recipe checked.

    Raises
    ------
    InputError
        An option that is unknown or out of range, a file that is not there, a fibre that is named
        twice; the sentence names the state and the fibre.
    """
    _check_sections(study)
    runs: list[PlannedRun] = []
    for state in study.state:
        names: dict[str, str] = {}
        sources: set[str] = set()
        for entry, is_volume in _entries(state):
            run = _planned(study, state, entry, is_volume)
            source = os.path.realpath(entry.path)
            if source in sources:
                raise InputError(f"The state {state.name!r} names {entry.path} twice.")
            if run.fibre.casefold() in names:
                raise InputError(
                    f"Two fibres of the state {state.name!r} have the name {run.fibre!r}: {names[run.fibre.casefold()]} and "
                    f'{entry.path}; write {{ path = "…", name = "…" }} for one of them.'
                )
            sources.add(source)
            names[run.fibre.casefold()] = entry.path
            runs.append(run)
    return runs


def study_of_runs(states: Mapping[str, Sequence[str | Path]], *, title: str = "") -> Study:
    """Return the study of finished runs: the folders of each state, in the order given.

    Examples
    --------
    >>> study_of_runs({"pristine": ["runs/a", "runs/b"]}).state[0].fibres
    ['runs/a', 'runs/b']
    """
    sections = [
        {"name": name, "fibres": [str(folder) for folder in folders]}
        for name, folders in states.items()
    ]
    return Study(study={"title": title}, state=sections)


def fit_for_folder(name: str) -> str:
    """Return a name that becomes the name of a folder; refuse what cannot be one.

    Raises
    ------
    ValueError
        A sentence's end: what is possible.
    """
    if _FOLDER_NAME.fullmatch(name) is None or len(name) > 100:
        raise ValueError(
            f"{name!r} cannot be the name of a folder; up to 100 letters, numbers, spaces and _ . + ( ) - can"
        )
    return name


def folder_name(text: str) -> str:
    """Return a text with what a folder's name cannot hold replaced.

    Examples
    --------
    >>> folder_name("fibre #3: edge.")
    'fibre -3- edge'
    """
    name = re.sub(r"[^\w .+()-]", "-", text)[:100].strip(" .-")
    return name if name and re.match(r"\w", name) else f"fibre {name}".strip()


def _entries(state: StateSection) -> Iterable[tuple[FibreEntry, bool]]:
    """Yield the fibres of a state, patterns written out, and whether each is a volume."""
    for given, is_volume in ((state.fibres, False), (state.volumes, True)):
        for one in given:
            entry = FibreEntry(path=one) if isinstance(one, str) else one
            if Path(entry.path).expanduser().exists() or not _WILD & set(entry.path):
                yield entry, is_volume
                continue
            found = sorted(glob.glob(os.path.expanduser(entry.path)))
            if not found:
                raise MissingFileError(
                    f"The state {state.name!r} names {entry.path}, and no file is called like that."
                )
            if entry.name is not None and len(found) > 1:
                raise InputError(
                    f"The state {state.name!r} gives {len(found)} files one name, {entry.name!r}."
                )
            yield from ((FibreEntry(path=path, name=entry.name), is_volume) for path in found)


def _planned(study: Study, state: StateSection, entry: FibreEntry, is_volume: bool) -> PlannedRun:
    path = Path(entry.path).expanduser()
    if not os.path.lexists(path):
        raise MissingFileError(f"The state {state.name!r} names {entry.path}, which is not there.")
    if path.is_dir() and path.suffix != ".zarr":
        if not (path / RECORD).is_file():
            raise FileFormatError(
                f"The state {state.name!r} names the folder {entry.path}, which holds no finished run."
            )
        name = entry.name or folder_name(Path(os.path.abspath(path)).name)
        return PlannedRun(state.name, name, finished=path)
    sections = merged({"seed": study.study.seed}, merged(study.shared, state.overrides))
    name = entry.name or ""
    if path.suffix.lower() == ".toml" and not is_volume:
        own = read_toml(path, what="a recipe")
        own = _with_inputs(own, path.parent)
        sections = merged(sections, own)
        name = name or folder_name(str(own.get("name") or path.stem))
    else:
        source = {"volume" if is_volume else "tilt_series": str(path)}
        sections = merged(sections, {"input": source})
        name = name or folder_name(path.name.partition(".")[0] or path.stem)
    try:
        recipe = Recipe(**{"name": name, **sections})
    except InputError as error:
        text = str(error).removeprefix("The recipe is wrong: ")
        raise InputError(f"The state {state.name!r}, {entry.path}: {text}") from error
    return PlannedRun(state.name, name, recipe)


def _check_sections(study: Study) -> None:
    """Refuse wrong options where they are written, before any fibre is looked at."""
    places = [("[shared]", study.shared)]
    places += [
        (f"The state {state.name!r}", merged(study.shared, state.overrides))
        for state in study.state
    ]
    for where, sections in places:
        given = sections.get("input", {})
        if isinstance(given, Mapping):
            for key in ("tilt_series", "volume"):
                if key in given:
                    raise InputError(
                        f"{where}: input.{key} belongs to one fibre; the fibres of a state are its list 'fibres'."
                    )
            sections = {**sections, "input": {**given, "tilt_series": _PLACEHOLDER}}
        try:
            Recipe(**sections)
        except InputError as error:
            text = str(error).removeprefix("The recipe is wrong: ")
            raise InputError(f"{where}: {text}") from error


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two levels of options as one; those of ``above`` win, section by section.

    Examples
    --------
    >>> merged({"threshold": {"method": "haadf", "phases": 3}}, {"threshold": {"phases": 2}})
    {'threshold': {'method': 'haadf', 'phases': 2}}
    """
    found = dict(below)
    for key, value in above.items():
        earlier = found.get(key)
        both = isinstance(value, Mapping) and isinstance(earlier, Mapping)
        found[key] = merged(earlier, value) if both else value  # type: ignore[arg-type]
    return found


def _with_inputs(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the content of a run recipe with its paths counted from its folder."""
    found = _with_xf(content, lambda text: _beside(text, folder))
    source = found.get("input")
    if isinstance(source, Mapping):
        source = dict(source)
        for key in ("tilt_series", "volume"):
            value = source.get(key)
            if isinstance(value, str):
                source[key] = _beside(value, folder)
            elif isinstance(value, list):
                source[key] = [_beside(str(one), folder) for one in value]
        found["input"] = source
    return found


def _with_xf(sections: Mapping[str, Any], place: Any) -> dict[str, Any]:
    found = dict(sections)
    align = found.get("align")
    if isinstance(align, Mapping) and isinstance(align.get("xf"), str):
        found["align"] = {**align, "xf": place(align["xf"])}
    return found


def _beside(text: str, folder: Path) -> str:
    path = Path(text).expanduser()
    return str(path if path.is_absolute() else folder / path)


def _study_problem(error: ValidationError, sections: Mapping[str, Any]) -> str:
    """Put the first complaint into words, with a state by its name in place of its number."""
    where = error.errors()[0]["loc"]
    text = first_problem(error)
    states = sections.get("state")
    if (
        len(where) > 1
        and where[0] == "state"
        and isinstance(where[1], int)
        and isinstance(states, list)
    ):
        state = states[where[1]]
        name = state.get("name") if isinstance(state, Mapping) else None
        known = f"state {name!r}" if isinstance(name, str) else f"state number {where[1] + 1}"
        text = text.replace(f"state.{where[1]}", known, 1)
    return text.replace("the section [state] is missing", "there is no [[state]] section")
