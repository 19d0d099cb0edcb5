"""Work of the Compare form in a thread: reads finished runs, measures specimens, compares states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of
from napari_snpore.errors import InputError
from napari_snpore.viewer.compare.fibres import SpecimenData

if TYPE_CHECKING:
    from napari_snpore.comparison.compare import Comparison
    from napari_snpore.comparison.state_result import StateResult
    from napari_snpore.study.states.found_runs import FoundRun
    from napari_snpore.study.states.state_pictures import MiddleSlice

_COMPARING = 0.2  # share of the work that is the comparison itself


@dataclass(frozen=True, eq=False)
class ReadRuns:
    """Finished runs that were read, and a sentence for everything that could not be."""

    runs: tuple[tuple[FoundRun, StateResult], ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class ComparedStates:
    """A comparison, and of the specimens that it took the results that were made, by place in the list,
    and a slice of each, by state and name.
    """

    comparison: Comparison
    results: Mapping[int, StateResult]
    slices: Mapping[tuple[str, str], MiddleSlice] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class FibreWork:
    """One fibre for a worker: its result where there is one, and the specimen of the window that it is."""

    name: str
    state: str
    result: StateResult | None = None
    specimen: SpecimenData | None = None


def read_runs(
    folders: Sequence[str | Path], progress: Progress, should_stop: ShouldStop
) -> ReadRuns:
    """Read all finished runs in some folders."""
    from napari_snpore.study.states.found_runs import find_runs_of_states
    from napari_snpore.study.states.state_result import read_state_result

    read: list[tuple[FoundRun, StateResult]] = []
    problems: list[str] = []
    for done, folder in enumerate(folders):
        check_stop(should_stop)
        progress(done, len(folders))
        try:
            runs = find_runs_of_states(folder)
        except (InputError, OSError) as error:
            problems.append(str(error))
            continue
        for run in runs:
            check_stop(should_stop)
            try:
                read.append((run, read_state_result(run.folder, name=run.fibre)))
            except (InputError, OSError) as error:
                problems.append(str(error))
    return ReadRuns(tuple(read), tuple(problems))


def compare(
    fibres: Sequence[FibreWork], progress: Progress, should_stop: ShouldStop
) -> ComparedStates:
    """Measure the specimens that have no result yet, and compare all states in their order.

    Raises
    ------
    InputError
        Fibres that cannot be compared, or phases that cannot be measured.
    """
    # the study brings in every step, which takes half a second: not when the form is opened
    from dataclasses import replace

    from napari_snpore.comparison.compare import compare_states
    from napari_snpore.study.measuring import boxes_inside
    from napari_snpore.study.recipe import MeasureSection
    from napari_snpore.study.states.phases_state import state_of_phases
    from napari_snpore.study.states.state_pictures import middle_slice
    from napari_snpore.study.states.state_result import input_keys

    missing = [k for k, one in enumerate(fibres) if one.result is None]
    made: dict[int, StateResult] = {}
    for done, k in enumerate(missing):
        one = fibres[k]
        assert one.specimen is not None
        try:
            measured = state_of_phases(
                one.name,
                one.specimen.phases,
                names=one.specimen.scheme.names,
                objects=one.specimen.objects,
                labels=one.specimen.labels,
                section=MeasureSection(
                    boxes=boxes_inside(one.specimen.phases, one.specimen.boxes)[0]
                ),
                progress=share_of(
                    progress,
                    (1 - _COMPARING) * done / len(missing),
                    (1 - _COMPARING) * (done + 1) / len(missing),
                ),
                should_stop=should_stop,
            )
        except InputError as error:
            raise InputError(f"'{one.name}' cannot be compared: {error}") from error
        inputs = input_keys(one.specimen.sources)
        made[k] = replace(measured, conditions={**measured.conditions, "inputs": inputs})
    progress(round(100 * (1 - _COMPARING)), 100)
    results: dict[str, list[StateResult]] = {}
    slices = {
        (one.state, one.name): middle_slice(one.specimen.phases, one.specimen.scheme)
        for one in fibres
        if one.specimen is not None
    }
    for k, one in enumerate(fibres):
        result = made.get(k, one.result)
        assert result is not None
        results.setdefault(one.state, []).append(replace(result, name=one.name))
    return ComparedStates(compare_states(results, should_stop=should_stop), made, slices)
