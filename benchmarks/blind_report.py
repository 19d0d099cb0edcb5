"""Summary, figure and tables of ``benchmarks/blind.csv``: whether the intervals hold the truth.

``python -m benchmarks.blind_report`` writes ``benchmarks/blind_summary.csv``, ``docs/images/truth.png``,
``docs/images/power.png`` and the tables of ``docs/truth.md``: no figure there is typed by hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.blind_numbers import CONTRASTS, GROUPS, PHANTOMS
from benchmarks.blind_pairs import all_pairs, null_pairs, null_table, power, power_table
from benchmarks.case_tables import read_rows
from benchmarks.fit_calibration import COVERED, errors_of, quantile, rows_of_cells, usable
from benchmarks.truth_report import fill_document
from napari_snpore.files import write_table
from napari_snpore.study.intervals import with_intervals
from napari_snpore.study.numbers import numbers_table
from napari_snpore.study.run_errors import NOT_HERE
from napari_snpore.uncertainty.calibration import CELL_COLUMNS, EXPLAINED
from napari_snpore.uncertainty.conditions import Conditions
from napari_snpore.uncertainty.threshold_ensemble import SOURCES

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parent / "docs" / "truth.md"
PICTURES = FOLDER.parent / "docs" / "images"

CASE = ["simulator", "family", "contrast", "seed", "shape", "dose"]

IN_SHORT = (
    "pore fraction, whole",
    "pore fraction, centre cube",
    "pore fraction, edge cube",
    "Sn fraction, whole",
)
"""The numbers whose coverage is asked for; the summary has all."""

WIDE = 3.0
"""A half-width above so many times the median is an outlier."""


def with_limits(quantities: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the interval that a run reports: ``corrected, low_95, high_95,
    calibrated``, and ``refused`` where the phases of the phantom were not polished.
    """
    known = cases.set_index(CASE)
    parts = []
    for key, rows in quantities.groupby(CASE, sort=False):
        case = known.loc[key]
        polished = bool(case["polished"])
        values = dict(
            zip(zip(rows["quantity"], rows["unit"], strict=True), rows["value"], strict=True)
        )
        twin, conditions = None, None
        if polished:
            twin = rows[["quantity", "unit", "twin_bias"]].assign(sd=math.nan, n=1, failed=0)
            conditions = Conditions(**{name: case[f"{name}_found"] for name in CELL_COLUMNS})
        spread = rows.melt(
            ["quantity", "unit"],
            [name for name in (*SOURCES, "together") if name in rows],
            var_name="source",
            value_name="spread",
        )
        found = with_intervals(
            numbers_table(values, twin, NOT_HERE), spread, twin=twin, conditions=conditions
        )
        limits = found.numbers[["quantity", "unit", "corrected", "low_95", "high_95", "calibrated"]]
        parts.append(rows.merge(limits, on=["quantity", "unit"]).assign(refused=not polished))
    return pd.concat(parts, ignore_index=True)


def group_of(families: pd.Series) -> pd.Series:
    """Return the name of the group of each family of shapes."""
    names = {family: name for name, members in GROUPS.items() for family in members}
    return families.map(names)


@dataclass(frozen=True)
class ConstantWidth:
    """Half-widths of one size per number and contrast, calibrated on the phantoms of calibration: what
    an interval that looks at nothing of the run would be.
    """

    halves: dict[tuple[str, str, str], float]

    @classmethod
    def of(cls, calibration: pd.DataFrame, cases: pd.DataFrame) -> ConstantWidth:
        """Return them for rows of ``calibration.csv``."""
        rows = rows_of_cells(calibration, cases)
        halves = {}
        for (quantity, unit, contrast), part in rows.groupby(["quantity", "unit", "contrast"]):
            part = usable(part)
            if not part.empty:
                halves[quantity, unit, contrast] = quantile(errors_of(part).beyond)
        return cls(halves)

    def of_rows(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the half-width of each row, in the unit of the number."""
        keys = zip(rows["quantity"], rows["unit"], rows["contrast"], strict=True)
        halves = np.array([self.halves.get(key, math.nan) for key in keys])
        percent = rows["unit"].str.startswith("%").to_numpy()
        return np.where(percent, halves, halves * rows["value"].abs())


def summary(rows: pd.DataFrame, constant: ConstantWidth) -> pd.DataFrame:
    """Return one row per group of shapes, contrast and number.

    ``phantoms``, ``refused``, ``covered`` (a refused one is not), ``calibrated``; ``rms_before`` and
    ``rms_after`` of value and corrected value; ``robust_rms`` (1.48 times the median error) of what
    the interval is around; ``median_half``, ``largest_half`` of its half-widths; ``score`` over
    ``score_constant``: mean interval scores, the second of :class:`ConstantWidth`.
    """
    rows = rows.assign(group=group_of(rows["family"]))
    found: list[dict[str, Any]] = []
    for (group, contrast, quantity, unit), part in rows.groupby(
        ["group", "contrast", "quantity", "unit"], sort=False
    ):
        made = part[~part["refused"] & part["low_95"].notna()]
        center = made["corrected"].fillna(made["value"])
        error, half = center - made["truth"], (made["high_95"] - made["low_95"]) / 2
        inside = (made["low_95"] <= made["truth"]) & (made["truth"] <= made["high_95"])
        width = constant.of_rows(made)
        corrected = made["corrected"].notna()
        found.append(
            {"group": group, "contrast": contrast, "quantity": quantity, "unit": unit}
            | {"phantoms": len(part), "refused": int(part["refused"].sum())}
            | {"covered": int(inside.sum())}
            | {"calibrated": int((made["calibrated"] == "yes").sum())}
            | {"rms_before": _rms(made["value"] - made["truth"])}
            | {"rms_after": _rms(error[corrected]) if corrected.any() else math.nan}
            | {"robust_rms": 1.48 * float(error.abs().median()) if len(made) else math.nan}
            | {"median_half": float(half.median()), "largest_half": float(half.max())}
            | {"score": _score(made["low_95"], made["high_95"], made["truth"])}
            | {"score_constant": _score(center - width, center + width, made["truth"])}
        )
    return pd.DataFrame(found)


def _rms(values: pd.Series) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _score(low: pd.Series, high: pd.Series, truth: pd.Series) -> float:
    """Return the mean interval score: width, and 40 times what lies beyond (Gneiting and Raftery,
    doi 10.1198/016214506000001437).
    """
    beyond = (low - truth).clip(lower=0) + (truth - high).clip(lower=0)
    return float((high - low + 2 / (1 - COVERED) * beyond).mean())


def coverage_table(found: pd.DataFrame) -> str:
    """Return the markdown table of the numbers that are asked for."""
    head = ["number", "shapes", "contrast", "covered", "refused", "error before (RMS)", "after the twin",
            "half-width", "over robust error", "largest over median", "score over constant width"]  # fmt: skip
    lines = [_line(head), _line(["---"] * 3 + ["---:"] * (len(head) - 3))]
    for quantity in IN_SHORT:
        for row in found[found["quantity"] == quantity].to_dict("records"):
            lines.append(
                _line(
                    [
                        quantity,
                        row["group"],
                        row["contrast"],
                        f"{row['covered']} of {row['phantoms']}",
                        row["refused"],
                        f"{row['rms_before']:.2f}",
                        f"{row['rms_after']:.2f}",
                        f"{row['median_half']:.2f}",
                        f"{row['median_half'] / row['robust_rms']:.1f}",
                        f"{row['largest_half'] / row['median_half']:.1f}",
                        f"{row['score'] / row['score_constant']:.2f}",
                    ]
                )
            )
    return "\n".join(lines)


def explained_table(rows: pd.DataFrame, cases: pd.DataFrame) -> str:
    """Return the markdown table of what it means whether the phases explain the images."""
    lines = [
        _line(
            [
                "number",
                "contrast",
                "images",
                "phantoms",
                "covered",
                "error before (RMS)",
                "after the twin",
                "half-width",
            ]
        ),
        _line(["---"] * 3 + ["---:"] * 5),
    ]
    rows = rows.merge(cases[[*CASE, "misfit_found"]], on=CASE)
    rows = rows[~rows["refused"] & rows["low_95"].notna()]
    for quantity in IN_SHORT:
        for contrast in CONTRASTS:
            for explained, words in ((True, "explained"), (False, "not explained")):
                part = rows[
                    (rows["quantity"] == quantity)
                    & (rows["contrast"] == contrast)
                    & ((rows["misfit_found"] <= EXPLAINED) == explained)
                ]
                if part.empty:
                    continue
                inside = (part["low_95"] <= part["truth"]) & (part["truth"] <= part["high_95"])
                half = (part["high_95"] - part["low_95"]).median() / 2
                error = part["corrected"].fillna(part["value"]) - part["truth"]
                errors = [f"{_rms(one):.2f}" for one in (part["value"] - part["truth"], error)]
                cells = [len(part), inside.sum(), *errors, f"{half:.2f}"]
                lines.append(_line([quantity, contrast, words, *cells]))
    return "\n".join(lines)


def others_table(found: pd.DataFrame) -> str:
    """Return the markdown table of all other numbers, shapes and contrasts together."""
    lines = [
        _line(["number", "unit", "covered", "error (RMS)", "after the twin", "half-width"]),
        _line(["---"] * 2 + ["---:"] * 4),
    ]
    rest = found[~found["quantity"].isin(IN_SHORT)]
    for (quantity, unit), part in rest.groupby(["quantity", "unit"], sort=False):
        after = part["rms_after"].dropna()
        lines.append(
            _line(
                [
                    quantity,
                    unit,
                    f"{part['covered'].sum()} of {part['phantoms'].sum()}",
                    f"{_rms(part['rms_before']):.2g}",
                    f"{_rms(after):.2g}" if len(after) else "–",
                    f"{part['median_half'].median():.2g}",
                ]
            )
        )
    return "\n".join(lines)


def phantoms_in_words(cases: pd.DataFrame) -> str:
    """Return which phantoms there are, and which are still to be measured."""
    made = cases["error"].isna() if "error" in cases else pd.Series(True, index=cases.index)
    without, cases = int((~made).sum()), cases[made]
    counts = cases.groupby("shape", sort=False).size()
    outside = int((cases["simulator"] != "model").sum())
    planned = PHANTOMS * len(GROUPS) * len(CONTRASTS)
    shapes = ", ".join(f"{count} of {shape} voxels" for shape, count in counts.items())
    words = (
        f"Phantoms: {len(cases)} of {planned} planned ({shapes}), {outside} from outside the model."
    )
    failed = int((~cases["polished"].eq(1)).sum())
    words = f"{words} {failed} not polished: refused, and counted as not covered."
    if without:
        words += (
            f" {without} more without a result: their seeds found no place for every Sn cluster."
            " They are in no row below."
        )
    return words


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def write_report(folder: Path = FOLDER, *, figure: bool = True) -> None:
    """Write the summary beside the tables; for the tables of this folder the figure and the document as
    well.
    """
    quantities, cases = read_rows(folder / "blind.csv"), read_rows(folder / "blind_cases.csv")
    if quantities.empty:
        print("No phantom is finished: there is nothing to report.")
        return
    calibration = read_rows(FOLDER / "calibration.csv")
    constant = ConstantWidth.of(calibration, read_rows(FOLDER / "calibration_cases.csv"))
    rows = with_limits(quantities, cases)
    found = summary(rows, constant)
    write_table(folder / "blind_summary.csv", found)
    by_size = power(all_pairs(rows))
    blocks = {
        "blind phantoms": phantoms_in_words(cases),
        "coverage": coverage_table(found),
        "explained": explained_table(rows, cases),
        "other numbers": others_table(found),
        "null pairs": null_table(null_pairs(rows)),
        "power": power_table(by_size),
    }
    if folder.resolve() == FOLDER.resolve():
        if figure:
            from benchmarks.blind_figure import draw_blind, draw_power
            from napari_snpore.figures import save_figure

            save_figure(draw_blind(rows), PICTURES / "truth", formats=("png",))
            save_figure(draw_power(by_size), PICTURES / "power", formats=("png",))
        fill_document(DOCUMENT, blocks)
    print(*blocks.values(), sep="\n\n")


if __name__ == "__main__":
    write_report()
