"""Runs phantoms one after another, or some at a time, and adds each to two tables.

A case that is in the tables already is not run again; an interruption loses the cases that were
running, nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import napari_snpore
from benchmarks.blind_run import TruthCase
from benchmarks.case_tables import has_case, read_rows, replace_case
from benchmarks.stopping import children_without_ctrl_c


@dataclass(frozen=True)
class CaseResult:
    """Rows of both tables: one per quantity, and one of the case."""

    quantities: list[dict[str, Any]]
    case: dict[str, Any]


RunCase = Callable[[TruthCase], CaseResult]
"""Measures one phantom; a function of a module, so that other processes can call it."""


@dataclass(frozen=True)
class Tables:
    """Both tables of results."""

    quantities: Path
    cases: Path

    @classmethod
    def in_folder(cls, folder: Path, name: str) -> Tables:
        """Return the tables ``name.csv`` and ``name_cases.csv`` of a folder."""
        return cls(folder / f"{name}.csv", folder / f"{name}_cases.csv")

    def finished(self, case: TruthCase) -> bool:
        """Return whether a case is there and ended without an error."""
        rows = read_rows(self.cases)
        if not rows.empty and "error" in rows:
            rows = rows[rows["error"].isna()]
        return has_case(rows, case.columns())

    def add(self, case: TruthCase, result: CaseResult) -> None:
        """Add a case; the row that marks it as finished is written last."""
        if result.quantities:
            replace_case(self.quantities, case.columns(), result.quantities)
        replace_case(self.cases, case.columns(), [result.case])


def name_of(case: TruthCase) -> str:
    """Return a case in words, such as ``measured fibre easy 3``."""
    phantom = case.phantom
    return f"{case.simulator} {phantom.family} {phantom.contrast} {phantom.seed}"


def run_cases(
    cases: Sequence[TruthCase],
    tables: Tables,
    run: RunCase,
    in_short: Callable[[CaseResult], str],
    *,
    processes: int = 1,
) -> int:
    """Run the cases that are not finished and return how many failed.

    Several processes share the processors: with as many processes as processors each has one
    thread.
    """
    left = [case for case in cases if not tables.finished(case)]
    print(f"{len(left)} of {len(cases)} cases to run, in {processes} processes", flush=True)
    failed = 0
    for number, (case, result) in enumerate(_results(left, run, processes), 1):
        tables.add(case, result)
        failed += "error" in result.case
        print(
            f"{number}/{len(left)} {name_of(case)}: {result.case.get('error') or in_short(result)}",
            flush=True,
        )
    return failed


def _results(
    cases: Sequence[TruthCase], run: RunCase, processes: int
) -> Iterator[tuple[TruthCase, CaseResult]]:
    if processes == 1:
        yield from ((case, _safely(run, case)) for case in cases)
        return
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_share_processors,
        initargs=(threads,),
    ) as pool:
        with children_without_ctrl_c():
            running = {pool.submit(_safely, run, case): case for case in cases}
        for done in as_completed(running):
            yield running[done], done.result()


def _share_processors(threads: int) -> None:
    os.environ["SNPORE_THREADS"] = str(threads)


def _safely(run: RunCase, case: TruthCase) -> CaseResult:
    """Run a case; an error ends this case only, and its row says so."""
    began = time.perf_counter()
    about: dict[str, Any] = {"version": napari_snpore.__version__}
    try:
        result = run(case)
    except Exception as error:
        traceback.print_exc()
        result = CaseResult([], {"error": f"{type(error).__name__}: {error}"})
    about |= result.case
    return CaseResult(result.quantities, about | {"total_s": round(time.perf_counter() - began, 1)})
