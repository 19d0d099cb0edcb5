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
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.blind_run import SIMULATORS, TruthCase
from benchmarks.case_runner import CaseResult, Tables, name_of, run_cases
from benchmarks.case_tables import (
    CONTRASTS,
    FAMILIES,
    PhantomCase,
    shape_of,
)
from benchmarks.stopping import KEPT, stopped_in_a_sentence
from benchmarks.truth_chain import run_case

FOLDER = Path(__file__).parent
SEEDS = (11, 12, 13, 14, 15)
"""Of no phantom that was looked at before."""
USUAL_CONTRASTS = ("easy", "realistic")


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


def in_short(result: CaseResult) -> str:
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
    tables = Tables.in_folder(given.output, "truth")
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
        failed = run_cases(
            cases[: given.cases], tables, run_case, in_short, processes=given.processes
        )
    # matplotlib is loaded once there is something to draw
    from benchmarks.truth_report import write_report

    write_report(tables.quantities, tables.cases)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()
