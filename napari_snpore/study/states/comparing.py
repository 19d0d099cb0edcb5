"""A study from its recipe to the comparison of its states: runs what is not finished, reads the
finished runs, compares them and writes tables, figures and summary.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from napari_snpore.comparison.compare import Comparison, compare_states
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.outputs.places import check_apart, resolved
from napari_snpore.study.kept_steps import KeptSteps, inputs_of, parameters_of, run_key
from napari_snpore.study.output_folder import check_replaceable
from napari_snpore.study.pipeline import input_paths
from napari_snpore.study.provenance import Record, sha256
from napari_snpore.study.recipe import relative_path
from napari_snpore.study.run_context import Monitor
from napari_snpore.study.states.comparison_figures import draw_comparison
from napari_snpore.study.states.comparison_summary import summary_text
from napari_snpore.study.states.fibre_runs import FibreJob, run_fibres
from napari_snpore.study.states.input_facts import InputFacts, facts_of, unlike_inputs
from napari_snpore.study.states.state_pictures import fibre_names, state_pictures
from napari_snpore.study.states.state_result import read_state_result
from napari_snpore.study.states.study_folder import (
    COMPARISON,
    STEPS,
    STUDY,
    SUMMARY,
    check_resumable,
    mark_of,
    note_begin,
    remove_steps,
    study_folder,
    write_study,
)
from napari_snpore.study.states.study_recipe import PlannedRun, Study, placed, planned_runs
from napari_snpore.study.states.unchanged import what_changed

TABLES = ("states.csv", "differences.csv", "distributions.csv")


@dataclass(frozen=True, eq=False)
class StudyOutcome:
    """What a study found.

    Attributes
    ----------
    folder : Path
    comparison : Comparison
    failed : mapping of str to str
        Why a fibre failed, by ``state/fibre``.
    summary : str
    """

    folder: Path
    comparison: Comparison
    failed: Mapping[str, str]
    summary: str


@dataclass(frozen=True)
class _Fibre:
    """A planned run with what its inputs are, and the folder that holds its result."""

    run: PlannedRun
    folder: Path
    facts: InputFacts
    inputs: Sequence[Mapping[str, Any]]

    @property
    def mark(self) -> dict[str, Any]:
        recipe = self.run.recipe
        parameters = None if recipe is None else parameters_of(recipe)
        return mark_of(parameters, [one["sha256"] for one in self.inputs])


def compare_study(
    study: Study,
    out: str | Path,
    *,
    resume: bool = False,
    processes: int | None = None,
    memory_limit: int | None = None,
    figures: bool = True,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    say: Callable[[str], None] | None = None,
) -> StudyOutcome:
    """Run the fibres of a study that are not finished, compare its states, and write the results.

    Parameters
    ----------
    study : Study
    out : path
        Folder of the results: ``<state>/<fibre>/`` is the folder of a run; ``states.csv``,
        ``differences.csv``, ``distributions.csv``, ``comparison.json`` (the record), ``study.toml``,
        ``summary.txt`` and ``figures/`` compare them. A fibre that is finished there is not run again
        while its inputs, its parameters and the program are the same.
    resume : bool
        Go on with the study that was begun in the folder; refused where that is not this study.
    processes : int, optional
        Fibres that run at the same time; default: that of the study, else as many as processors and
        memory allow.
    memory_limit : int, optional
        Bytes for all of them together; default: that of the study.
    figures : bool
        Draw the figures of the comparison.
    monitor, should_stop, say
        See :func:`~napari_snpore.study.states.fibre_runs.run_fibres`; ``say`` hears also which
        fibres are finished already, and which conditions differ.

    Returns
    -------
    StudyOutcome

    Raises
    ------
    InputError
        Whatever is wrong with the study, its files or the folder, before anything is run; or no
        fibre could be finished.
    Stopped
        ``should_stop`` returned true. What is finished stays, and the next start goes on from there.
    """
    out = Path(out).expanduser()
    tell = say or (lambda sentence: None)
    runs = planned_runs(study)
    fibres = [_looked_at(run, out, should_stop) for run in runs]
    with study_folder(out, TABLES, command="compare") as work:
        marks = {fibre.run.name: fibre.mark for fibre in fibres}
        if resume:
            check_resumable(out, marks)
        by_state: dict[str, list[InputFacts]] = defaultdict(list)
        for fibre in fibres:
            by_state[fibre.run.state].append(fibre.facts)
        for sentence in unlike_inputs(by_state):
            tell(sentence)
        jobs = _jobs(fibres, out, tell)
        note_begin(out, marks)
        section = study.study
        limit = section.memory_limit_mb
        failed = run_fibres(
            jobs,
            processes=processes or section.processes,
            threads=section.threads,
            memory_limit=memory_limit or (None if limit is None else limit * 1_000_000),
            monitor=monitor,
            should_stop=should_stop,
            say=tell,
            finished=lambda job, why: tell(f"{job.name}: {'finished' if why is None else why}"),
        )
        results, failed = _results(fibres, failed)
        check_stop(should_stop)
        comparison = compare_states(results, seed=section.seed)
        missing = tuple(f"{name} is left out: {why}" for name, why in failed.items())
        comparison = replace(comparison, notes=(*missing, *comparison.notes))
        kept = placed(study, resolved(out), relative=True)
        drawn = []
        if figures:
            about = {"study": kept.model_dump(mode="json", exclude_none=True)}
            places = {(one.run.state, one.run.fibre): one.folder for one in fibres}
            pictures = state_pictures(fibre_names(comparison), runs=places)
            for sentence in pictures.left_out:
                tell(sentence)
            drawn = draw_comparison(
                out, comparison, about, title=section.title or None, pictures=pictures
            )
        text = summary_text(comparison, title=section.title)
        write_study(
            work,
            out,
            record=_record(kept, fibres, marks, comparison, failed, out),
            tables={
                "states.csv": comparison.states,
                "differences.csv": comparison.differences,
                "distributions.csv": comparison.distributions,
            },
            texts={SUMMARY: text, STUDY: kept.to_toml()},
            figures=drawn,
        )
        if not failed:
            remove_steps(out)
    return StudyOutcome(out, comparison, failed, text)


def _looked_at(run: PlannedRun, out: Path, should_stop: ShouldStop | None) -> _Fibre:
    """Read the headers and the checksums of a run's inputs."""
    check_stop(should_stop)
    facts = facts_of(run)
    if run.finished is not None:
        record = run.finished / RECORD
        return _Fibre(run, run.finished, facts, [{"path": str(record), "sha256": sha256(record)}])
    assert run.recipe is not None
    folder = out / run.state / run.fibre
    paths = input_paths(run.recipe)
    check_apart(folder, paths)
    return _Fibre(run, folder, facts, inputs_of(paths))


def _jobs(fibres: Sequence[_Fibre], out: Path, tell: Callable[[str], None]) -> list[FibreJob]:
    """Return the fibres that have to be run, and say of the others that they are finished."""
    jobs = []
    for fibre in fibres:
        recipe = fibre.run.recipe
        if recipe is None:
            continue
        changed = what_changed(fibre.folder, recipe, fibre.inputs)
        if changed is None:
            tell(f"{fibre.run.name}: finished and unchanged, not run again")
            continue
        if (fibre.folder / RECORD).is_file():
            tell(f"{fibre.run.name}: run again, because {changed}")
        check_replaceable(fibre.folder, resolved(fibre.folder), "run")
        steps = KeptSteps(
            out / STEPS / fibre.run.state / fibre.run.fibre,
            run_key(recipe, list(map(dict, fibre.inputs))),
            lambda sentence, name=fibre.run.name: tell(f"{name}: {sentence}"),  # type: ignore[misc]
        )
        jobs.append(FibreJob(fibre.run.name, recipe, fibre.folder, steps, fibre.facts.needs_bytes))
    return jobs


def _results(
    fibres: Sequence[_Fibre], failed: Mapping[str, str]
) -> tuple[dict[str, list[StateResult]], dict[str, str]]:
    """Read the finished runs by state; what cannot be read counts as failed."""
    found: dict[str, list[StateResult]] = {}
    failures = dict(failed)
    for fibre in fibres:
        if fibre.run.name in failures:
            continue
        try:
            result = read_state_result(fibre.folder, name=fibre.run.fibre)
        except InputError as error:
            failures[fibre.run.name] = str(error)
            continue
        found.setdefault(fibre.run.state, []).append(result)
    if not found:
        name, why = next(iter(failures.items()))
        more = "" if len(failures) == 1 else f" ({len(failures)} fibres failed)"
        raise InputError(f"No fibre could be finished{more}. {name}: {why}")
    return found, failures


def _record(
    kept: Study,
    fibres: Sequence[_Fibre],
    marks: Mapping[str, Any],
    comparison: Comparison,
    failed: Mapping[str, str],
    out: Path,
) -> Record:
    """Return the record of a study: each fibre with its folder and the checksum of its own record."""
    record = Record(
        "compare",
        parameters=kept.model_dump(mode="json", exclude_none=True),
        seed=kept.study.seed,
    )
    entries = []
    for fibre in fibres:
        own = fibre.folder / RECORD
        entries.append(
            {
                "state": fibre.run.state,
                "fibre": fibre.run.fibre,
                "folder": relative_path(str(fibre.folder), resolved(out)),
                "record_sha256": sha256(own) if own.is_file() else None,
                "failed": failed.get(fibre.run.name),
            }
        )
        for one in fibre.inputs:
            record.inputs.append({**one, "path": relative_path(str(one["path"]), resolved(out))})
    record.results = {"fibres": entries, "notes": list(comparison.notes), "marks": dict(marks)}
    return record


__all__ = ["COMPARISON", "StudyOutcome", "compare_study"]
