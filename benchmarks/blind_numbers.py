"""Do the intervals hold the truth? Phantoms that nothing was chosen or calibrated with.

``python -m benchmarks blind_numbers`` (part of ``make truth``) adds one phantom after another to
``benchmarks/blind.csv`` (one row per phantom and number: truth, value, twin, spread of the ensemble)
and ``benchmarks/blind_cases.csv`` (one row per phantom), then writes summary, figure and the tables of
``docs/truth.md``. The intervals are made in the report, by the functions of ``snpore run`` and the
table that the package ships: a table with more phantoms of calibration needs no new ones here.

40 phantoms per family of shapes (fibres; random fields and balls) and contrast: half with images from
outside the model, 12 of 96 × 48 × 96 voxels, 20 of 96³, 8 of 176³. The small ones come first, so that
an early end leaves a balanced table. Seeds from 2100 on are for this; no setting may be chosen
with them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path

from benchmarks.blind_run import SIMULATORS, TruthCase
from benchmarks.calibrate_numbers import in_short, run_case
from benchmarks.case_runner import Tables, run_cases
from benchmarks.case_tables import PhantomCase
from benchmarks.stopping import KEPT, stopped_in_a_sentence

FOLDER = Path(__file__).parent
FIRST_SEED = 2100
PHANTOMS = 40
"""Of each family and contrast."""

GROUPS = {"fibre": ("fibre",), "random shapes": ("balls", "field")}
"""Families by the name of their row; several take turns."""

CONTRASTS = ("easy", "realistic")

_SMALL, _CUBE, _LARGE = (96, 48, 96), (96, 96, 96), (176, 176, 176)

SHAPES = (_CUBE, _SMALL, _CUBE, _LARGE, _CUBE, _SMALL, _CUBE, _LARGE, _CUBE, _SMALL)
"""Of ten pairs of phantoms, one of each simulator."""

DOSE = 1000.0

NO_PHANTOM = {2128: 3128, 2152: 3152}
"""Seeds with which no phantom can be made (its clusters find no wall), and those that replace them:
the generator refuses them before anything is measured.
"""


def planned_cases(only: str = "") -> list[TruthCase]:
    """Return the cases, the quickest first; ``only``: those whose shape is this, such as
    ``96x96x96``.
    """
    cases = []
    cells = list(itertools.product(GROUPS.values(), CONTRASTS))
    for number, (cell, (families, contrast)) in itertools.product(
        range(PHANTOMS), enumerate(cells)
    ):
        # each shape from both simulators, and from both random families
        pair, simulator = number // 2, SIMULATORS[number % 2]
        family = families[(pair + pair // len(SHAPES)) % len(families)]
        seed = FIRST_SEED + PHANTOMS * cell + number
        seed = NO_PHANTOM.get(seed, seed)
        shape = SHAPES[pair % len(SHAPES)]
        cases.append(TruthCase(simulator, PhantomCase(family, contrast, seed, shape, DOSE)))
    cases = [case for case in cases if only in case.columns()["shape"]]
    return sorted(cases, key=lambda case: case.phantom.shape[0] * case.phantom.shape[1])


def main() -> None:
    """Run what is not there yet, and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=1, help="phantoms at a time")
    parser.add_argument("--shape", default="", help="only phantoms of this, such as 96x96x96")
    parser.add_argument("--cases", type=int, help="most phantoms to take of the plan")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--report-only", action="store_true", help="of what is there")
    given = parser.parse_args()
    tables = Tables.in_folder(given.output, "blind")
    failed = 0
    if not given.report_only:
        cases = planned_cases(given.shape)[: given.cases]
        failed = run_cases(cases, tables, run_case, in_short, processes=given.processes)
    # matplotlib is loaded once there is something to draw
    from benchmarks.blind_report import write_report

    write_report(given.output)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()
