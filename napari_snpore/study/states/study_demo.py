"""The three states of the electrode as phantoms, from tilt images to their comparison, with every
number and every difference beside its planted truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any, cast

import pandas as pd

from napari_snpore.comparison.number_words import difference_writer, value_writer
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.compute import ShouldStop
from napari_snpore.files import write_table
from napari_snpore.files.atomic import atomic_path
from napari_snpore.outputs.own_files import RECORD
from napari_snpore.phantom import Phantom, make_phantom, simulate_tilt_series
from napari_snpore.segmentation.phases import PORE_C_SN
from napari_snpore.study.demo import ANGLES_DEG, DOSE, SEED
from napari_snpore.study.measuring import Box, region_size
from napari_snpore.study.numbers import Quantity
from napari_snpore.study.output_folder import finish, output_folder
from napari_snpore.study.phantom_files import write_phantom, write_tilts
from napari_snpore.study.provenance import Record, check_record, code_version
from napari_snpore.study.quick_numbers import quick_numbers
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.run_context import Monitor
from napari_snpore.study.states.comparing import StudyOutcome, compare_study
from napari_snpore.study.states.study_recipe import Study, placed, planned_runs
from napari_snpore.study.truth import planted_numbers

STATES = ("pristine", "sodiated", "desodiated")
SHAPE, SPACING_NM = (104, 80, 104), 0.25
"""Of each phantom: a fibre of 24 nm. With 192³ voxels a study takes some ten times as long."""

_TRUTH = "truth.csv"
_TRUTH_DIFFERENCES = "truth_differences.csv"
_RAY_NM = 6.0


@dataclass(frozen=True, eq=False)
class DemoStudy:
    """What the demo found.

    Attributes
    ----------
    outcome : StudyOutcome
    truth : DataFrame
        ``state, quantity, unit, truth, value, corrected, low_95, high_95, covered``.
    differences : DataFrame
        ``quantity, unit, state_a, state_b, truth, difference, low_95, high_95, below_error, covered``.
    text : str
    """

    outcome: StudyOutcome
    truth: pd.DataFrame
    differences: pd.DataFrame
    text: str


def run_demo_study(
    out: str | Path,
    *,
    shape: tuple[int, int, int] = SHAPE,
    spacing_nm: float = SPACING_NM,
    seed: int = SEED,
    twins: int = 1,
    shared: Mapping[str, Any] | None = None,
    monitor: Monitor | None = None,
    should_stop: ShouldStop | None = None,
    say: Callable[[str], None] | None = None,
) -> DemoStudy:
    """Make three phantoms, take them through tilts, noise, missing wedge and the whole recipe, compare
    them, and say of every number whether its interval holds the planted truth.

    Parameters
    ----------
    out : path
        Folder: ``phantoms/<state>/`` with the truth, ``study.toml``, and ``results/`` of the study. A
        second call goes on where the first was interrupted.
    shape, spacing_nm : of each phantom (z, y, x), nm
        The fibre is 24 nm thick.
    seed : int
        Of phantoms and noise.
    twins : int
        Digital twins of each fibre; without one nothing is corrected.
    shared : mapping, optional
        Sections of a run recipe in place of those of the demo.
    monitor, should_stop, say
        See :func:`~napari_snpore.study.states.comparing.compare_study`.
    """
    out = Path(out).expanduser()
    watch = monitor or (lambda name: nullcontext(None))
    phantoms = {}
    for state in STATES:
        with watch(f"{state}: phantom"):
            phantoms[state] = make_phantom(
                cast(Any, state), shape=shape, spacing=spacing_nm, seed=seed
            )
        with watch(f"{state}: tilts"):
            _write_phantom(out / "phantoms" / state, phantoms[state], seed)
    study = demo_study(out, twins=twins, seed=seed, shared=shared)
    with atomic_path(out / "study.toml") as part:
        part.write_text(placed(study, out, relative=True).to_toml(), encoding="utf-8")
    outcome = compare_study(
        study, out / "results", monitor=monitor, should_stop=should_stop, say=say
    )
    found = outcome.comparison.results
    planted = {
        state: _planted(phantoms[state], found[state][0], section)
        for state, section in _sections(study).items()
        if state in found
    }
    truth = truth_of_states(planted, found)
    differences = truth_of_differences(planted, outcome.comparison.differences)
    write_table(out / _TRUTH, truth)
    write_table(out / _TRUTH_DIFFERENCES, differences)
    text = demo_text(truth, differences)
    with atomic_path(out / "truth.txt") as part:
        part.write_text(text, encoding="utf-8")
    return DemoStudy(outcome, truth, differences, text)


def demo_study(
    out: Path, *, twins: int = 1, seed: int = SEED, shared: Mapping[str, Any] | None = None
) -> Study:
    """Return the study of the phantoms in a folder: all settings by default but what is known of
    simulated tilts.
    """
    usual = {
        "align": {"enabled": False},
        "envelope": {"ray_length_nm": _RAY_NM},
        "measure": {"phases": ["pore", "Sn"]},
        "uncertainty": {"twins": twins},
    }
    states = [
        {
            "name": state,
            "fibres": [{"path": str(out / "phantoms" / state / "tilts.tif"), "name": "phantom"}],
        }
        for state in STATES
    ]
    title = "Three states, as phantoms"
    return Study(
        study={"title": title, "seed": seed},
        shared=dict(usual if shared is None else shared),
        state=states,
    )


def truth_of_states(
    planted: Mapping[str, Mapping[Quantity, float]], found: Mapping[str, Sequence[StateResult]]
) -> pd.DataFrame:
    """Return every number of every state beside its planted truth."""
    rows = []
    for state, truth in planted.items():
        for row in found[state][0].numbers.to_dict("records"):
            true = truth.get((row["quantity"], row["unit"]), math.nan)
            if not math.isfinite(true):
                continue
            rows.append(
                {
                    "state": state,
                    "quantity": row["quantity"],
                    "unit": row["unit"],
                    "truth": true,
                    "value": row["value"],
                    "corrected": row["corrected"],
                    "low_95": row["low_95"],
                    "high_95": row["high_95"],
                    "covered": _covered(true, row["low_95"], row["high_95"]),
                }
            )
    return pd.DataFrame(rows).astype({"covered": "boolean"})


def truth_of_differences(
    planted: Mapping[str, Mapping[Quantity, float]], differences: pd.DataFrame
) -> pd.DataFrame:
    """Return every difference of two states beside that of their planted truths."""
    rows = []
    for row in differences.to_dict("records"):
        key = (row["quantity"], row["unit"])
        a = planted.get(row["state_a"], {}).get(key, math.nan)
        b = planted.get(row["state_b"], {}).get(key, math.nan)
        if not math.isfinite(b - a):
            continue
        names = ("quantity", "unit", "state_a", "state_b")
        rows.append(
            {
                **{name: row[name] for name in names},
                "truth": b - a,
                **{name: row[name] for name in ("difference", "low_95", "high_95", "below_error")},
                "covered": _covered(b - a, row["low_95"], row["high_95"]),
            }
        )
    return pd.DataFrame(rows).astype({"covered": "boolean"})


def demo_text(truth: pd.DataFrame, differences: pd.DataFrame) -> str:
    """Return the table of the paper with planted truth, value, interval and whether it holds the
    truth, and the differences of the states.
    """
    lines = []
    for state, rows in truth.groupby("state", sort=False):
        lines += [
            f"{state} phantom",
            f"  {'':<46}{'truth':>9}{'value':>9}{'corrected':>11}  {'95 % interval':<20}holds the truth",
        ]
        for row in rows.to_dict("records"):
            name = f"{row['quantity']}, {row['unit']}".removesuffix(", 1")
            write = value_writer(row)
            ends = f"{write(row['low_95'])} to {write(row['high_95'])}"
            lines.append(
                f"  {name:<46}{write(row['truth']):>9}{write(row['value']):>9}{write(row['corrected']):>11}  "
                f"{ends:<20}{_yes_or_no(row['covered'])}"
            )
        lines.append("")
    for a, b in combinations(dict.fromkeys(truth["state"]), 2):
        rows = differences[(differences["state_a"] == a) & (differences["state_b"] == b)]
        lines += [
            f"{b} less {a}",
            f"  {'':<46}{'truth':>9}{'found':>9}  {'95 % interval':<20}{'beyond the error':<18}holds the truth",
        ]
        for row in rows.to_dict("records"):
            name = f"{row['quantity']}, {row['unit']}".removesuffix(", 1")
            write = difference_writer(row, plus=False)
            ends = f"{write(row['low_95'])} to {write(row['high_95'])}"
            below = row["below_error"]
            beyond = "–" if pd.isna(below) else "no" if below else "yes"
            lines.append(
                f"  {name:<46}{write(row['truth']):>9}{write(row['difference']):>9}  {ends:<20}"
                f"{beyond:<18}{_yes_or_no(row['covered'])}"
            )
        lines.append("")
    lines += [
        _count_words("numbers", truth["covered"]),
        _count_words("differences", differences["covered"]),
        "Cubes lie where the run placed them; their truth is counted there in the planted voxels.",
    ]
    return "\n".join(lines) + "\n"


def _write_phantom(folder: Path, phantom: Phantom, seed: int) -> None:
    """Write truth and tilt series, unless they are there: the same seed gives the same bits."""
    parameters = {
        "state": phantom.state,
        "shape": list(phantom.volume.shape),
        "spacing_nm": phantom.volume.spacing[0],
        "seed": seed,
        "dose": DOSE,
    }
    if _is_written(folder, parameters):
        return
    with output_folder(folder, command="phantom") as part:
        series = simulate_tilt_series(phantom, angles_deg=ANGLES_DEG, dose=DOSE, seed=seed)
        write_phantom(part, phantom)
        write_tilts(part / "tilts.tif", series)
        shares = ", ".join(
            f"{row['name']} {row['fraction_percent']:.1f} %"
            for row in phantom.fractions.to_dict("records")
        )
        text = f"{phantom.state} phantom, seed {seed}: {shares} of the envelope (planted truth)\n"
        finish(part, Record("phantom", parameters=parameters, seed=seed), text, None)


def _is_written(folder: Path, parameters: Mapping[str, Any]) -> bool:
    if not (folder / RECORD).is_file():
        return False
    record = check_record(folder / RECORD)
    return record.get("parameters") == parameters and record.get("code") == code_version()


def _sections(study: Study) -> dict[str, MeasureSection]:
    """Return how each state's objects are measured."""
    return {run.state: run.recipe.measure for run in planned_runs(study) if run.recipe is not None}


def _planted(
    phantom: Phantom, result: StateResult, section: MeasureSection
) -> dict[Quantity, float]:
    """Return the truth of a phantom: of the planted bodies, and counted in the true voxels what those
    do not say. Cubes are those of the run.
    """
    counted = quick_numbers(
        replace(phantom.volume, data=phantom.phases),
        section,
        names=PORE_C_SN.names,
        boxes=_boxes(result.tables["fractions"]),
        cut_axes=(1,),
        objects=("pore", "Sn"),
    )
    planted = planted_numbers(phantom, limit_nm=section.limit_nm)
    return counted | {key: value for key, value in planted.items() if "cube" not in key[0]}


def _boxes(fractions: pd.DataFrame) -> dict[str, Box]:
    """Return the cubes of a run, from its table of fractions."""
    boxes: dict[str, Box] = {}
    cubes = fractions[fractions["region"] != "whole"].drop_duplicates("region")
    for row in cubes.to_dict("records"):
        z, y, x = (float(row[f"region_center_{axis}_nm"]) for axis in "zyx")
        size = region_size(row)
        if size is not None:
            boxes[str(row["region"])] = ((z, y, x), size)
    return boxes


def _covered(truth: float, low: float, high: float) -> bool | None:
    if not (math.isfinite(low) and math.isfinite(high)):
        return None
    slack = 1e-9 * max(abs(truth), abs(low), abs(high))
    return low - slack <= truth <= high + slack


def _yes_or_no(value: Any) -> str:
    return "–" if pd.isna(value) else "yes" if value else "NO"


def _count_words(what: str, covered: pd.Series) -> str:
    known = covered.dropna()
    return f"{int(known.sum())} of {len(known)} intervals of {what} hold the planted truth."
