"""The folder of a finished run as a report reads it: record, recipe, tables, figures, volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from napari_snpore.errors import FileFormatError, MissingFileError
from napari_snpore.files import read_volume
from napari_snpore.files.guarded_reading import checked_path, guarded
from napari_snpore.files.tables import read_table
from napari_snpore.history import HistoryStep, PolishStep, ReconstructStep, Schema, last_step
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.study.provenance import check_record
from napari_snpore.study.recipe import Recipe, read_recipe
from napari_snpore.study.run_errors import NUMBER_COLUMNS, SOURCE_COLUMNS, RunErrors
from napari_snpore.volume import Volume

Kind = Literal["run", "demo", "study"]

STATES, DIFFERENCES = "states.csv", "differences.csv"
_VOLUME_SUFFIXES = (".tif", ".ome.zarr")
_WORDS = ("quantity", "unit", "source", "dominant_source", "calibrated", "restoration")
_RECORDED = {
    ReconstructStep.NAME: (("quality", "reconstruction"),),
    PolishStep.NAME: (("segmentation", "polish"),),
}
"""Where a record holds the parameters of a step."""

_NEEDED = "a folder that 'snpore run', 'snpore demo' or 'snpore compare' wrote is needed"


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A finished ``snpore run``.

    Parameters
    ----------
    folder : Path
    record : mapping
        Content of ``record.json``.
    recipe : Recipe
        Input paths as in its file, not placed.
    """

    folder: Path
    record: Mapping[str, Any]
    recipe: Recipe

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.recipe.name or self.folder.name

    @property
    def results(self) -> Mapping[str, Any]:
        """What the run noted of its steps."""
        return dict(self.record.get("results") or {})

    def result(self, *keys: str) -> Any:
        """Return one entry of the results, None where a level is not there."""
        found: Any = self.results
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    @property
    def scheme(self) -> PhaseScheme:
        """Names and colours of the phases."""
        return self.recipe.threshold.scheme

    @property
    def table_paths(self) -> list[Path]:
        """Its tables, by name."""
        return sorted((self.folder / "tables").glob("*.csv"))

    def table(self, name: str) -> pd.DataFrame | None:
        """Return a table by the stem of its file, None where there is none."""
        path = self.folder / "tables" / f"{name}.csv"
        return read_table(path) if path.is_file() else None

    @cached_property
    def errors(self) -> RunErrors | None:
        """The numbers with their errors; None without ``numbers.csv``, or where its columns are others."""
        numbers, sources = self.table("numbers"), self.table("numbers_sources")
        if numbers is None or not set(NUMBER_COLUMNS) <= set(numbers):
            return None
        if sources is None or not set(SOURCE_COLUMNS) <= set(sources):
            sources = pd.DataFrame({name: [] for name in SOURCE_COLUMNS})
        found = self.result("errors") or {}
        return RunErrors(
            with_words(numbers),
            with_words(sources),
            found.get("reason"),
            int(found.get("twins") or 0),
            int(found.get("seed") or 0),
            tuple(map(str, found.get("notes") or ())),
        )

    def volume_path(self, name: str) -> Path | None:
        """Return the file of a volume by its name, None where there is none."""
        paths = (self.folder / "volumes" / f"{name}{suffix}" for suffix in _VOLUME_SUFFIXES)
        return next((path for path in paths if path.exists()), None)

    @cached_property
    def phases(self) -> Volume | None:
        """The phases; None where their file is not there."""
        path = self.volume_path("phases")
        return None if path is None else read_volume(path)

    @property
    def history(self) -> tuple[HistoryStep, ...]:
        """History of the phases; empty where they are not there."""
        return () if self.phases is None else self.phases.history

    def step(self, schema: type[Schema]) -> Schema | None:
        """Return the last step of a kind: from the history of the phases, else from the record."""
        found = last_step(self.history, schema)
        for keys in _RECORDED.get(schema.NAME, ()):
            noted = self.result(*keys)
            if found is None and isinstance(noted, Mapping):
                found = last_step([HistoryStep(schema.NAME, noted)], schema)
        return found

    @property
    def missing(self) -> list[str]:
        """Files that the record lists and that are not there."""
        listed = [str(name) for name in self.record.get("outputs") or ()]
        return [name for name in listed if not (self.folder / name).exists()]

    @property
    def summary(self) -> str:
        """What the run printed; empty where its file is not there."""
        return summary_of(self.folder)


def with_words(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of numbers whose empty words are texts, not numbers."""
    words = [name for name in _WORDS if name in table]
    return table.assign(**{name: as_words(table[name]) for name in words})


def as_words(column: pd.Series) -> pd.Series:
    """Return a column as texts: CSV stores an empty text as nothing, which is read as a number."""
    return column.astype(object).where(column.notna(), "").astype(str)


def summary_of(folder: Path) -> str:
    """Return the text of ``summary.txt``; empty where it is not there."""
    path = folder / "summary.txt"
    if not path.is_file():
        return ""
    with guarded(path):
        return path.read_text(encoding="utf-8")


def kind_of_folder(folder: Path) -> Kind:
    """Return what a folder holds: one run, the runs of a demo, or a study.

    Raises
    ------
    MissingFileError
        There is no such folder.
    FileFormatError
        It is a file, holds no finished result, or one of another command or another version.
    """
    checked_path(folder, missing="There is no folder {path}.")
    if not folder.is_dir():
        raise FileFormatError(f"{folder} is a file; {_NEEDED}.")
    with guarded(folder):
        if (folder / STATES).is_file():
            if (folder / RECORD).is_file():
                check_record(folder / RECORD)
            return "study"
        if not (folder / RECORD).is_file():
            raise FileFormatError(f"{folder} holds no finished result (no {RECORD}); {_NEEDED}.")
    record = check_record(folder / RECORD)
    command = str(record.get("command", ""))
    if command == "run" and (folder / "recipe.toml").is_file():
        return "run"
    if command == "demo":
        return "demo"
    if command == "run":
        raise FileFormatError(f"{folder} lacks its recipe.toml, which a report of a run needs.")
    raise FileFormatError(f"{folder} holds the result of 'snpore {command}'; {_NEEDED}.")


def read_run(folder: Path) -> FinishedRun:
    """Read the record and the recipe of a finished run; the rest is read when it is asked for.

    Raises
    ------
    FileFormatError
        No finished run, one of another version, or a damaged one.
    """
    if kind_of_folder(folder) != "run":
        raise FileFormatError(f"{folder} holds several runs; give the folder of one.")
    with guarded(folder):
        record = check_record(folder / RECORD)
        if not isinstance(record.get("results") or {}, Mapping):
            raise FileFormatError(f"{folder / RECORD} is not a readable record of a run.")
        return FinishedRun(folder, record, read_recipe(folder / "recipe.toml"))


def runs_in(folder: Path) -> list[Path]:
    """Return the folders of finished runs directly inside a folder, by name.

    Raises
    ------
    MissingFileError
        There is none.
    """
    with guarded(folder):
        found = sorted(
            one.parent
            for one in folder.glob(f"*/{RECORD}")
            if (one.parent / "recipe.toml").is_file()
        )
    if not found:
        raise MissingFileError(f"{folder} holds no finished run any more; {_NEEDED}.")
    return found
