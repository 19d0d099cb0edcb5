"""The sections of a report of several runs: a study with its states side by side, or a demo."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from napari_snpore.comparison.number_words import BELOW, difference_writer, value_words
from napari_snpore.compute import ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.small_files import read_json
from napari_snpore.files.tables import read_table
from napari_snpore.history import check_schema
from napari_snpore.numerals import number
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.report.content import (
    Block,
    Folded,
    ReportSection,
    ReportTable,
    Sentences,
    Verbatim,
    Words,
)
from napari_snpore.report.methods import methods_paragraph
from napari_snpore.report.number_tables import (
    NOT_CALIBRATED,
    UNKNOWN,
    small_table,
)
from napari_snpore.report.pictures import study_figures
from napari_snpore.report.private_paths import without_folders
from napari_snpore.report.provenance_blocks import checksum_table, record_blocks
from napari_snpore.report.references import Citations
from napari_snpore.report.run_folder import (
    DIFFERENCES,
    STATES,
    FinishedRun,
    read_run,
    summary_of,
    with_words,
)
from napari_snpore.report.run_sections import methods_section, short_sections
from napari_snpore.study.error_report import is_calibrated
from napari_snpore.study.provenance import sha256

COMPARISON, DISTRIBUTIONS, STUDY = "comparison.json", "distributions.csv", "study.toml"

_STATE_COLUMNS = (
    "state",
    "n",
    "quantity",
    "unit",
    "value",
    "corrected",
    "low_95",
    "high_95",
    "calibrated",
)
_DIFFERENCE_COLUMNS = (
    "quantity", "unit", "state_a", "state_b", "n_a", "n_b", "difference", "low_95", "high_95",
    "below_error",
)  # fmt: skip
Step = Callable[[], None]


@dataclass(frozen=True)
class FibreOfStudy:
    """One fibre of a study: its place, and why it failed or cannot be read, where it did."""

    state: str
    fibre: str
    folder: Path
    failed: str | None = None

    @property
    def title(self) -> str:
        """State and fibre."""
        return f"{self.state}: {self.fibre}" if self.state else self.fibre


@dataclass(frozen=True, eq=False)
class FinishedStudy:
    """The results folder of a study.

    Parameters
    ----------
    folder : Path
    record : mapping
        Content of ``comparison.json``; empty where there is none.
    states, differences : DataFrame
        See the definitions, section "Comparing states".
    fibres : tuple of FibreOfStudy
    """

    folder: Path
    record: Mapping[str, Any]
    states: pd.DataFrame
    differences: pd.DataFrame | None
    fibres: tuple[FibreOfStudy, ...]

    @property
    def title(self) -> str:
        """Title of the study, else the states."""
        given = dict(dict(self.record.get("parameters") or {}).get("study") or {}).get("title")
        return str(given) if given else " and ".join([", ".join(self.names[:-1]), self.names[-1]]
                                                     if len(self.names) > 1 else self.names)  # fmt: skip

    @property
    def names(self) -> list[str]:
        """Names of the states in their order."""
        return list(dict.fromkeys(map(str, self.states["state"])))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what limits the comparison."""
        found = (
            self.record.get("notes") or dict(self.record.get("results") or {}).get("notes") or ()
        )
        return tuple(without_folders(str(note)) for note in found)


def read_study(folder: Path) -> FinishedStudy:
    """Read the tables and the record of a study's results; its runs are read when they are asked for.

    Raises
    ------
    FileFormatError
        A damaged file, a table without its columns, or a record of another version.
    """
    states = _table(folder / STATES, _STATE_COLUMNS)
    path = folder / DIFFERENCES
    differences = _table(path, _DIFFERENCE_COLUMNS) if path.is_file() else None
    record: Mapping[str, Any] = {}
    if (folder / COMPARISON).is_file():
        record = read_json(folder / COMPARISON, what="a record of a study")
        check_schema(record.get("schema", 1), str(folder))
    with guarded(folder):
        return FinishedStudy(
            folder, record, states, differences, tuple(_fibres(folder, record, states))
        )


def _table(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    from napari_snpore.errors import FileFormatError

    table = read_table(path)
    missing = [name for name in columns if name not in table]
    if missing or table.empty:
        what = f"has no column {missing[0]}" if missing else "has no row"
        raise FileFormatError(f"{path} is not a table of a study: it {what}.")
    return with_words(table)


def _fibres(
    folder: Path, record: Mapping[str, Any], states: pd.DataFrame
) -> Iterator[FibreOfStudy]:
    """Yield the fibres that the record names, else the folders of runs in those of the states."""
    named = dict(record.get("results") or {}).get("fibres")
    if isinstance(named, list) and named:
        for one in named:
            failed = one.get("failed")
            place = folder / str(one.get("folder") or f"{one['state']}/{one['fibre']}")
            yield FibreOfStudy(
                str(one["state"]), str(one["fibre"]), place, None if failed is None else str(failed)
            )
        return
    for state in dict.fromkeys(map(str, states["state"])):
        for path in sorted((folder / state).glob(f"*/{RECORD}")):
            yield FibreOfStudy(state, path.parent.name, path.parent)


def study_sections(
    study: FinishedStudy, cite: Citations, *, step: Step, should_stop: ShouldStop | None = None
) -> tuple[ReportSection, ...]:
    """Return all sections of a study: states side by side, differences, figures, one per fibre."""
    fibres, runs = _fibre_sections(study.fibres, step=step, should_stop=should_stop)
    paragraph = "No run of the study can be read: its methods are not known here."
    if runs:
        paragraph = f"{methods_paragraph(runs[0], cite)} {_comparison_words(study)}"
    return (
        ReportSection("What was compared", tuple(_compared(study))),
        ReportSection("States side by side", (states_table(study),)),
        ReportSection("Differences", tuple(_differences(study))),
        ReportSection("Figures", tuple(_figures(study))),
        ReportSection("Caveats", tuple(_caveats(study))),
        ReportSection("Fibres", (), fibres),
        methods_section(paragraph, cite),
        ReportSection("Provenance", tuple(_provenance(study))),
        ReportSection("How to repeat", tuple(_repeat(study))),
    )


def demo_sections(
    folder: Path,
    record: Mapping[str, Any],
    places: Sequence[Path],
    cite: Citations,
    *,
    step: Step,
    should_stop: ShouldStop | None = None,
) -> tuple[ReportSection, ...]:
    """Return all sections of a demo: one per run."""
    fibres = tuple(FibreOfStudy("", place.name, place) for place in places)
    parts, runs = _fibre_sections(fibres, step=step, should_stop=should_stop)
    methods = [
        ReportSection(
            f"Methods of {run.name}", methods_section(methods_paragraph(run, cite), cite).blocks
        )
        for run in runs
    ]
    summary = without_folders(summary_of(folder))
    return (
        ReportSection("What this is", (Words(_DEMO),)),
        ReportSection("Runs", (), parts),
        ReportSection("Methods, ready for a paper", (), tuple(methods)),
        ReportSection("Provenance", tuple(record_blocks(record))),
        ReportSection(
            "How to repeat",
            (
                Verbatim("snpore demo -o demo_output\nsnpore report demo_output", "Commands"),
                *(
                    [Folded("The summary that the demo printed", (Verbatim(summary),))]
                    if summary
                    else []
                ),
            ),
        ),
    )


_DEMO = (
    "The demo: a measured tilt series of a needle, and phantoms whose true numbers are known, each from"
    " tilt images to numbers. The table of truth of a phantom says how far each stage of the work is from"
    " what was planted."
)


def _fibre_sections(
    fibres: Sequence[FibreOfStudy], *, step: Step, should_stop: ShouldStop | None
) -> tuple[tuple[ReportSection, ...], list[FinishedRun]]:
    """Return a folded section per fibre, and the runs that could be read."""
    sections, runs = [], []
    for fibre in fibres:
        try:
            run = read_run(fibre.folder)
            parts = short_sections(run, step=step, should_stop=should_stop)
        except InputError as error:
            why = fibre.failed or without_folders(str(error))
            sections.append(
                ReportSection(
                    fibre.title, (Words(f"Not in the report. {without_folders(why)}", "absent"),)
                )
            )
            step()
            continue
        runs.append(run)
        sections.append(ReportSection(fibre.title, (), parts, folded=True))
    return tuple(sections), runs


def _compared(study: FinishedStudy) -> Iterator[Block]:
    rows = []
    for fibre in study.fibres:
        said = "failed" if fibre.failed else "finished"
        rows.append((fibre.state, fibre.fibre, said))
    if rows:
        yield ReportTable(
            "States in their order, and their fibres.", ("state", "fibre", "run"), tuple(rows)
        )
    failed = [fibre for fibre in study.fibres if fibre.failed]
    if failed:
        yield Sentences(
            tuple(without_folders(f"{one.title} failed: {one.failed}") for one in failed),
            caveats=True,
        )
    yield Words("The fibre is the replicate: n counts fibres, not objects.", "note")


def states_table(study: FinishedStudy) -> ReportTable:
    """Return all numbers, a row each, with one column per state."""
    names = study.names
    counts = study.states.groupby("state", sort=False)["n"].max()
    cells: dict[tuple[str, str], dict[str, str]] = {}
    marked = False
    for row in study.states.to_dict("records"):
        key = (str(row["quantity"]), str(row["unit"]))
        mark = ""
        if math.isfinite(row["low_95"]) and not is_calibrated(row):
            mark, marked = f" {NOT_CALIBRATED}", True
        cells.setdefault(key, {})[str(row["state"])] = f"{value_words(row)}{mark}"
    rows = [
        (quantity, "" if unit == "1" else unit, *(found.get(name, UNKNOWN) for name in names))
        for (quantity, unit), found in cells.items()
    ]
    note = "Corrected values where a digital twin says how, with intervals of 95 % where they are known."
    if marked:
        note += f" {NOT_CALIBRATED}: the interval is not calibrated."
    return ReportTable(
        "Numbers of all states.",
        ("quantity", "unit", *(f"{name} (n = {counts[name]:.0f})" for name in names)),
        tuple(rows),
        (False, False, *([True] * len(names))),
        note,
    )


def _differences(study: FinishedStudy) -> Iterator[Block]:
    if study.differences is None:
        yield Words(f"No differences: {DIFFERENCES} is not in the folder.", "absent")
    else:
        for pair, rows in study.differences.groupby(["state_a", "state_b"], sort=False):
            yield difference_table(str(pair[0]), str(pair[1]), rows)
    path = study.folder / DISTRIBUTIONS
    if path.is_file():
        table = read_table(path)
        if len(table):
            caption = (
                "Distances of the distributions of sizes (Kolmogorov-Smirnov), with intervals."
            )
            yield Folded("Distributions of sizes", (small_table(table, caption),))
    else:
        yield Words(
            f"No distances of distributions: {DISTRIBUTIONS} is not in the folder.", "absent"
        )


def difference_table(a: str, b: str, rows: pd.DataFrame) -> ReportTable:
    """Return the differences between two states; p-values and effect sizes where there are any."""
    extra = [
        name
        for name in ("p_welch", "p_holm", "effect_size")
        if name in rows and rows[name].notna().any()
    ]
    words = {"p_welch": "p (Welch)", "p_holm": "p (Holm)", "effect_size": "effect size"}
    body, marked = [], False
    for row in rows.to_dict("records"):
        unit = str(row["unit"])
        write = difference_writer(row, plus=False)
        known = math.isfinite(row["low_95"]) and math.isfinite(row["high_95"])
        ends = f"{write(row['low_95'])} to {write(row['high_95'])}" if known else UNKNOWN
        if known and "calibrated" in row and not is_calibrated(row):
            ends, marked = f"{ends} {NOT_CALIBRATED}", True
        below = _is_yes(row["below_error"])
        body.append(
            (
                str(row["quantity"]),
                "" if unit == "1" else unit,
                difference_writer(row)(row["difference"]),
                ends,
                f"{BELOW} below the error" if below else "beyond" if known else UNKNOWN,
                *(number(row[name]) if pd.notna(row[name]) else UNKNOWN for name in extra),
            )
        )
    calibrated = f" {NOT_CALIBRATED}: the interval is not calibrated." if marked else ""
    n_a, n_b = int(rows["n_a"].max()), int(rows["n_b"].max())
    return ReportTable(
        f"{b} less {a} (n = {n_b} and {n_a}), with intervals of 95 %.",
        (
            "quantity",
            "unit",
            "difference",
            "95 % interval",
            "against its error",
            *(words[e] for e in extra),
        ),
        tuple(body),
        (False, False, True, True, False, *([True] * len(extra))),
        f"{BELOW}: the difference lies below its error; beyond: it does not.{calibrated}",
    )


def _is_yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "yes", "1", "1.0")


def _figures(study: FinishedStudy) -> Iterator[Block]:
    there = {(one.state, one.fibre): one.folder for one in study.fibres if not one.failed}
    states = {name: [fibre for state, fibre in there if state == name] for name in study.names}
    yield from study_figures(study.folder, states, there)


def _caveats(study: FinishedStudy) -> Iterator[Block]:
    if study.notes:
        yield Sentences(study.notes, caveats=True)
    else:
        yield Words("The record of the comparison holds no notes.", "absent")
    yield Words("What limits each run is said with its fibre.", "note")


def _comparison_words(study: FinishedStudy) -> str:
    counts = study.states.groupby("state", sort=False)["n"].max()
    fibres = ", ".join(f"{name} (n = {counts[name]:.0f})" for name in study.names)
    how = (
        "means over fibres with t intervals, differences by Welch's test, p-values adjusted after Holm"
        if counts.max() > 1
        else "differences carry the intervals of both fibres; with one fibre per state there is no p-value"
    )
    return f"All fibres were treated alike unless stated. The states {fibres} were compared: {how}."


def _provenance(study: FinishedStudy) -> Iterator[Block]:
    if study.record:
        yield from record_blocks(study.record)
    else:
        yield Words(f"No record of the comparison: {COMPARISON} is not in the folder.", "absent")
    rows = []
    for name in (COMPARISON, STATES, DIFFERENCES, DISTRIBUTIONS, STUDY):
        path = study.folder / name
        if path.is_file():
            rows.append((name, path.stat().st_size, sha256(path)))
    for fibre in study.fibres:
        path = fibre.folder / RECORD
        if path.is_file():
            name = f"{fibre.state}/{fibre.fibre}/{RECORD}"
            rows.append((name, path.stat().st_size, sha256(path)))
    yield checksum_table("Files that this report was made from.", rows)


def _repeat(study: FinishedStudy) -> Iterator[Block]:
    version = study.record.get("version", "")
    path = study.folder / STUDY
    yield Words(
        f"With napari-snpore {version} installed, and the inputs where the study names them, these commands"
        " give the same numbers, to the last bit where the libraries are the same as well:"
    )
    yield Verbatim("snpore compare study.toml -o results\nsnpore report results", "Commands")
    if not path.is_file():
        yield Words("The study was compared from finished runs: there is no study.toml.", "absent")
        return
    with guarded(path):
        text = path.read_text(encoding="utf-8")
    yield Folded("The study", (Verbatim(without_folders(text), STUDY),))
