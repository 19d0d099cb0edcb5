"""Tables of ``docs/errors.md``: what a twin corrects, and how intervals do on phantoms whose family of
shapes they never saw.

``python -m benchmarks.calibration_report`` writes them from ``benchmarks/calibration.csv``: no figure
there is typed by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.case_tables import CONTRASTS, read_rows
from benchmarks.fit_calibration import (
    Coverage,
    coverage,
    errors_of,
    fit_number,
    rows_of_cells,
    usable,
)
from benchmarks.truth_report import fill_document
from napari_snpore.study.numbers import is_corrected

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parent / "docs" / "errors.md"


IN_SHORT = (
    "pore fraction, whole",
    "pore fraction, centre cube",
    "pore fraction, edge cube",
    "Sn fraction, whole",
)


def report(quantities: pd.DataFrame, cases: pd.DataFrame) -> dict[str, str]:
    """Return the tables in Markdown, by the name of their place."""
    rows = rows_of_cells(quantities, cases)
    lines = [
        "| number | unit | contrast | error (RMS) | after the twin | covered | half-width | score |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for (quantity, unit), contrast, part, found in _groups(rows):
        error = part["value"] - part["truth"]
        twin = _rms(error - part["twin_bias"]) if is_corrected(quantity, unit) else "–"
        lines.append(
            f"| {quantity} | {unit} | {contrast} | {_rms(error)} | {twin} "
            f"| {found.covered} of {found.phantoms} | {_half(found.half, unit)} | {found.score:.2f} |"
        )
    conditions = cases.groupby(["contrast", "shape", "dose"], sort=False).size()
    about = [
        f"{count} {contrast}, {shape} voxels, dose {dose:g}"
        for (contrast, shape, dose), count in conditions.items()
    ]
    failed = len(cases) - int(cases["polished"].fillna(False).astype(bool).sum())
    about.append(f"{failed} of {len(cases)} were not polished, and have no interval")
    covered = [
        f"{quantity} {found.covered} of {found.phantoms}"
        for quantity in IN_SHORT
        for found in [coverage(errors_of(usable(rows[rows["quantity"] == quantity])))]
    ]
    words = f"Phantoms: {'; '.join(about)}.\nCovered over all contrasts: {'; '.join(covered)}."
    return {
        "intervals": "\n".join(lines),
        "phantoms": words,
        "factor": factor_table(rows),
        "hardest": hardest_words(rows),
    }


def hardest_words(rows: pd.DataFrame) -> str:
    """Return which phantom the width of the pore fraction's intervals owes most to, and how much."""
    part = usable(rows[rows["quantity"] == IN_SHORT[0]]).reset_index(drop=True)
    errors = errors_of(part)
    worst = int(np.argmax(errors.beyond))
    case = part.loc[worst]
    others = part.drop(index=worst)
    same = (others["contrast"] == case["contrast"]).to_numpy()
    halves = []
    for kept, own in ((part, (part["contrast"] == case["contrast"]).to_numpy()), (others, same)):
        known = errors_of(kept)
        below, above = fit_number(known).reach(known)
        halves.append(float(np.median((below + above)[own] / 2)))
    return (
        f"One {case['contrast']} phantom of the calibration ({case['family']}, seed {case['seed']}, {case['simulator']}) is "
        f"{errors.beyond[worst]:.1f} points off in the {IN_SHORT[0]}. Without it the intervals of that number would be "
        f"± {halves[1]:.1f} in place of ± {halves[0]:.1f} points at this contrast."
    )


def factor_table(rows: pd.DataFrame) -> str:
    """Return the markdown table of a factor on the twin's change: fitted by least squares, tried on the
    family of shapes that it was not fitted on.
    """
    lines = [
        "| number (%) | factor | error (RMS) | after the twin | after the twin times the factor of other families |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for quantity in IN_SHORT:
        part = usable(rows[rows["quantity"] == quantity])
        error, change = part["value"] - part["truth"], part["twin_bias"]
        left = error.copy()
        for family in part["family"].unique():
            out = part["family"] == family
            left[out] -= _factor(error[~out], change[~out]) * change[out]
        lines.append(
            f"| {quantity} | {_factor(error, change):.1f} | {_rms(error)} | {_rms(error - change)} | {_rms(left)} |"
        )
    return "\n".join(lines)


def _factor(error: pd.Series, change: pd.Series) -> float:
    return float((error * change).sum() / (change**2).sum())


def _groups(
    rows: pd.DataFrame,
) -> Iterator[tuple[tuple[str, str], str, pd.DataFrame, Coverage]]:
    for key, part in rows.groupby(["quantity", "unit"], sort=False):
        part = usable(part)
        errors = errors_of(part)
        for contrast in CONTRASTS:
            own = (part["contrast"] == contrast).to_numpy()
            if own.any():
                yield key, contrast, part[own], coverage(errors, own)


def _half(half: float, unit: str) -> str:
    """Return a half-width: points of a percentage, or % of the number."""
    return f"{half:.2g}" if unit.startswith("%") else f"{100 * half:.2g} %"


def _rms(values: pd.Series) -> str:
    return f"{float(np.sqrt(np.mean(values**2))):.2g}"


def write_report(folder: Path = FOLDER, document: Path = DOCUMENT) -> None:
    """Fill the tables of the document."""
    quantities = read_rows(folder / "calibration.csv")
    blocks = report(quantities, read_rows(folder / "calibration_cases.csv"))
    fill_document(document, blocks)
    print(*blocks.values(), sep="\n\n")


if __name__ == "__main__":
    write_report()
