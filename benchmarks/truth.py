"""How true the numbers are: phantoms measured blind, from tilt images to tables.

``make truth``, or ``python -m benchmarks.truth``, adds one case after another to two tables and then
writes summary, figure and the tables of ``docs/truth.md``. A case that is in the tables already is
not run again; an interruption loses the cases that were running, nothing else.

``benchmarks/truth.csv``: one row per case and quantity, with the truth, and value and bias (value −
truth) by thresholds and after polishing. ``benchmarks/truth_cases.csv``: one row per case with what
was found on the way, and seconds.

No setting of the package may be chosen with seeds 11 to 15: those are the test. Seeds 1 to 7 were seen
while the program was written (a blur search that failed on seed 1 was mended, with values chosen on
other seeds), and those from 100 on chose its settings. Seeds 11 to 15
are seen since the table was made: a setting that is changed because of it needs other seeds to be
tested with.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

import napari_snpore
from benchmarks.case_tables import (
    CONTRASTS,
    FAMILIES,
    PhantomCase,
    has_case,
    read_rows,
    replace_case,
    shape_of,
)
from benchmarks.stopping import KEPT, children_without_ctrl_c, stopped_in_a_sentence
from benchmarks.truth_chain import SIMULATORS, CaseResult, TruthCase, run_case

FOLDER = Path(__file__).parent
SEEDS = (11, 12, 13, 14, 15)
"""Of no phantom that was looked at before."""
USUAL_CONTRASTS = ("easy", "realistic")


@dataclass(frozen=True)
class Tables:
    """Both tables of results."""

    quantities: Path
    cases: Path

    @classmethod
    def in_folder(cls, folder: Path) -> Tables:
        """Return the tables of a folder."""
        return cls(folder / "truth.csv", folder / "truth_cases.csv")

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


def planned_cases(
    *,
    seeds: Sequence[int] = SEEDS,
    contrasts: Sequence[str] = USUAL_CONTRASTS,
    families: Sequence[str] = FAMILIES[:1],
    simulators: Sequence[str] = SIMULATORS,
    shape: tuple[int, int, int] = (176, 176, 176),
    dose: float = 1000.0,
    only: str = "",
) -> list[TruthCase]:
    """Return the cases, all of one seed before the next: an early end leaves a balanced table.

    ``only``: those whose name (see :func:`name_of`) holds this text.
    """
    cases = [
        TruthCase(simulator, PhantomCase(family, contrast, seed, shape, dose))
        for seed, family, contrast, simulator in itertools.product(
            seeds, families, contrasts, simulators
        )
    ]
    return [case for case in cases if only in name_of(case)]


def name_of(case: TruthCase) -> str:
    """Return a case in words, such as ``measured fibre easy 3``."""
    phantom = case.phantom
    return f"{case.simulator} {phantom.family} {phantom.contrast} {phantom.seed}"


def run_cases(cases: Sequence[TruthCase], tables: Tables, *, processes: int = 1) -> int:
    """Run the cases that are not finished and return how many failed.

    Several processes share the processors: with as many processes as processors each has one
    thread.
    """
    left = [case for case in cases if not tables.finished(case)]
    print(f"{len(left)} of {len(cases)} cases to run, in {processes} processes", flush=True)
    failed = 0
    for number, (case, result) in enumerate(_results(left, processes), 1):
        tables.add(case, result)
        failed += "error" in result.case
        print(f"{number}/{len(left)} {name_of(case)}: {_in_short(result)}", flush=True)
    return failed


def _results(cases: Sequence[TruthCase], processes: int) -> Iterator[tuple[TruthCase, CaseResult]]:
    if processes == 1:
        yield from ((case, _safely(case)) for case in cases)
        return
    threads = max(1, (os.cpu_count() or 1) // processes)
    with ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_share_processors,
        initargs=(threads,),
    ) as pool:
        with children_without_ctrl_c():
            running = {pool.submit(_safely, case): case for case in cases}
        for done in as_completed(running):
            yield running[done], done.result()


def _share_processors(threads: int) -> None:
    os.environ["SNPORE_THREADS"] = str(threads)


def _safely(case: TruthCase) -> CaseResult:
    """Run a case; an error ends this case only, and its row says so."""
    began = time.perf_counter()
    about: dict[str, Any] = {"version": napari_snpore.__version__}
    try:
        result = run_case(case)
    except Exception as error:
        traceback.print_exc()
        result = CaseResult([], {"error": f"{type(error).__name__}: {error}"})
    about |= result.case
    return CaseResult(result.quantities, about | {"total_s": round(time.perf_counter() - began, 1)})


def _in_short(result: CaseResult) -> str:
    if "error" in result.case:
        return result.case["error"]
    rows = pd.DataFrame(result.quantities)
    fractions = rows[rows["quantity"].str.match("(pore fraction, |Sn fraction)")]
    biases = " ".join(f"{bias:+.2f}" for bias in fractions["polished_bias"])
    about = result.case
    return f"blur {about['blur_px']:.3f}, bias {biases}, {about['total_s']:.0f} s"


def main() -> None:
    """Read the command line, run, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--seeds", **listed, default=[str(seed) for seed in SEEDS])
    parser.add_argument(
        "--contrasts", **listed, default=list(USUAL_CONTRASTS), help=f"of {', '.join(CONTRASTS)}"
    )
    parser.add_argument(
        "--families", **listed, default=list(FAMILIES[:1]), help=f"of {', '.join(FAMILIES)}"
    )
    parser.add_argument(
        "--simulators", **listed, default=list(SIMULATORS), help=f"of {', '.join(SIMULATORS)}"
    )
    parser.add_argument("--shape", type=shape_of, default=(176, 176, 176), help="176 or 128x48x128")
    parser.add_argument("--dose", type=float, default=1000.0)
    parser.add_argument(
        "--only", default="", help="cases whose name holds this, such as 'measured fibre easy'"
    )
    parser.add_argument("--cases", type=int, help="most cases to take of the plan")
    parser.add_argument(
        "--processes", type=int, default=1, help="cases at a time; they share the processors"
    )
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument(
        "--report-only", action="store_true", help="summary and figure of what is there"
    )
    given = parser.parse_args()  # fmt: skip
    tables = Tables.in_folder(given.output)
    failed = 0
    if not given.report_only:
        cases = planned_cases(
            seeds=[int(seed) for seed in given.seeds],
            contrasts=given.contrasts,
            families=given.families,
            simulators=given.simulators,
            shape=given.shape,
            dose=given.dose,
            only=given.only,
        )
        failed = run_cases(cases[: given.cases], tables, processes=given.processes)
    # matplotlib is loaded once there is something to draw
    from benchmarks.truth_report import write_report

    write_report(tables.quantities, tables.cases)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()
