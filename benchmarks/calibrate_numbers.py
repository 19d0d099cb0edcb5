"""How far the numbers of a run are off, on phantoms measured blind: what the intervals are made from.

``make calibration``, or ``python -m benchmarks.calibrate_numbers``, adds one phantom after another to
``benchmarks/calibration.csv`` (one row per phantom and number: truth, value, twin, spread of the
ensemble by source) and ``benchmarks/calibration_cases.csv`` (one row per phantom: conditions that the
run found, seconds). A phantom that is there already is not run again; an interruption loses the ones
that were running, nothing else. Then the table that the package ships is made from them.

Seeds from 1000 to 1999 are for this, each cell has its own; no phantom of a test may have one of them.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import napari_snpore
from benchmarks.blind_run import BlindRun, TruthCase, blind_run, true_numbers
from benchmarks.case_runner import CaseResult, Tables, run_cases
from benchmarks.case_tables import FAMILIES, PhantomCase, read_rows
from benchmarks.fit_calibration import fit
from benchmarks.stopping import KEPT, stopped_in_a_sentence
from napari_snpore.files import write_table
from napari_snpore.study.conditions import conditions_of_run
from napari_snpore.study.ensemble import ensemble_of_run
from napari_snpore.study.numbers import measured_numbers
from napari_snpore.study.twin import twins_of_run
from napari_snpore.uncertainty.threshold_ensemble import ensemble_spread

FOLDER = Path(__file__).parent
SHIPPED = Path(napari_snpore.__file__).parent / "uncertainty" / "calibration.csv"
FIRST_SEED = 1000
_SEEDS_OF_CELL = 100

_SMALL, _LARGE, _CUBE = (96, 48, 96), (176, 48, 176), (96, 96, 96)
SIMULATORS = ("model", "measured", "measured", "realigned")
"""Three of four are outside the model."""


@dataclass(frozen=True)
class Cell:
    """Phantoms of one thickness, dose and contrast."""

    contrast: str
    dose: float
    shape: tuple[int, int, int]


CELLS = (
    Cell("realistic", 1000.0, _SMALL),
    Cell("easy", 1000.0, _SMALL),
    Cell("sodiated", 1000.0, _SMALL),
    Cell("realistic", 200.0, _SMALL),
    Cell("easy", 200.0, _SMALL),
    Cell("realistic", 1000.0, _LARGE),
    Cell("easy", 1000.0, _LARGE),
    Cell("realistic", 5000.0, _SMALL),
    # a piece twice as long: the ensemble is narrower there, the errors are not
    Cell("realistic", 1000.0, _CUBE),
    Cell("easy", 1000.0, _CUBE),
)


def planned_cases(
    phantoms: int, cells: Sequence[Cell] = CELLS, first_seed: int = FIRST_SEED
) -> list[TruthCase]:
    """Return the cases, one phantom of each cell before the next; families and simulators take
    turns.
    """
    cases = []
    for number, cell in itertools.product(range(phantoms), cells):
        seed = first_seed + _SEEDS_OF_CELL * CELLS.index(cell) + number
        family = FAMILIES[number % len(FAMILIES)]
        simulator = SIMULATORS[number // len(FAMILIES) % len(SIMULATORS)]
        phantom = PhantomCase(family, cell.contrast, seed, cell.shape, cell.dose)
        cases.append(TruthCase(simulator, phantom))
    return cases


def run_case(case: TruthCase) -> CaseResult:
    """Measure one phantom blind, with twin and ensemble."""
    began = time.process_time()
    run = blind_run(case)
    about: dict[str, Any] = {"blur_px": run.blur_px, "polished": run.is_polished}
    about |= {"blur_low_95": run.blur_low, "blur_high_95": run.blur_high}
    conditions = conditions_of_run(run.tomogram, run.segmentation)
    if conditions is not None:
        about |= {f"{name}_found": value for name, value in asdict(conditions).items()}
    about["run_cpu_s"] = round(time.process_time() - began, 1)
    return CaseResult(_rows(run, about), about)


def _rows(run: BlindRun, about: dict[str, Any]) -> list[dict[str, Any]]:
    values, truth = measured_numbers(run.measurement), true_numbers(run)
    parts = (run.recipe, run.tomogram, run.segmentation, run.measurement)
    began = time.process_time()
    ensemble = ensemble_of_run(*parts, context=run.context)
    about["ensemble_cpu_s"] = round(time.process_time() - began, 1)
    spread = ensemble_spread(ensemble).pivot_table(
        index=["quantity", "unit"], columns="source", values="spread"
    )
    began, bias = time.process_time(), {}
    if run.is_polished:
        twin = twins_of_run(*parts, context=run.context).changes
        keys = zip(twin["quantity"], twin["unit"], strict=True)
        bias = dict(zip(keys, twin["twin_bias"], strict=True))
        about["twins_failed"] = int(twin["failed"].max())
    about["twin_cpu_s"] = round(time.process_time() - began, 1)
    return [
        {
            "quantity": key[0],
            "unit": key[1],
            "truth": truth[key],
            "value": value,
            "twin_bias": bias.get(key, np.nan),
            **(spread.loc[key].to_dict() if key in spread.index else {}),
        }
        for key, value in values.items()
        if key in truth
    ]


def in_short(result: CaseResult) -> str:
    """Return a line on what was found."""
    rows = pd.DataFrame(result.quantities)
    rows = rows[rows["quantity"].str.match("(pore fraction, |Sn fraction, whole)")]
    errors = " ".join(f"{error:+.2f}" for error in rows["value"] - rows["truth"])
    return f"blur {result.case['blur_px']:.3f}, errors {errors}, {result.case['total_s']:.0f} s"


def main() -> None:
    """Run what is not there yet, and write the table that the package ships."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--phantoms", type=int, default=24, help="of each cell")
    parser.add_argument("--cells", help="their numbers, such as 0,1,2; default all")
    parser.add_argument("--processes", type=int, default=1, help="phantoms at a time")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--table", type=Path, default=SHIPPED, help="table of half-widths to write")
    given = parser.parse_args()
    cells = CELLS if given.cells is None else [CELLS[int(k)] for k in given.cells.split(",")]
    tables = Tables.in_folder(given.output, "calibration")
    cases = planned_cases(given.phantoms, cells)
    failed = run_cases(cases, tables, run_case, in_short, processes=given.processes)
    write_table(given.table, fit(read_rows(tables.quantities), read_rows(tables.cases)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    with stopped_in_a_sentence(KEPT):
        main()
