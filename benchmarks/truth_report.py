"""Summary, tables and figure of ``benchmarks/truth.csv``.

``python -m benchmarks.truth_report`` writes ``benchmarks/truth_summary.csv``, ``benchmarks/truth.png``
and ``.svg``, and the tables of ``docs/truth.md``: no figure there is typed by hand.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.case_tables import read_rows
from benchmarks.truth_chain import STAGES
from napari_snpore.files import write_table
from napari_snpore.files.atomic import atomic_path

FOLDER = Path(__file__).parent
DOCUMENT = FOLDER.parent / "docs" / "truth.md"

GROUP = ["simulator", "family", "contrast", "shape", "dose"]
"""What a row of the summary is about, beside its quantity; seeds are summed up."""

QUANTITIES = {
    ("pore fraction, whole", "%"): ("pore, whole", "points"),
    ("pore fraction, centre cube", "%"): ("pore, center cube", "points"),
    ("pore fraction, edge cube", "%"): ("pore, edge cube", "points"),
    ("Sn fraction, whole", "%"): ("Sn", "points"),
    ("Sn clusters", "1"): ("Sn clusters, count", "percent"),
    ("Sn cluster length, median", "nm"): ("Sn cluster length, median", "percent"),
    ("Sn clusters shorter than 2 nm", "% of volume"): ("Sn shorter than 2 nm, by volume", "points"),
}
"""Quantities of the printed tables and the figure, with the unit in which their bias is given:
points of a percentage, or % of the truth."""

DEAD = "dead share of pore volume, connectivity 6"
"""Printed in a table of its own: it is wrong by a multiple, not by points."""

SIMULATED_BY = {
    "model": "the model",
    "measured": "outside, 0.3 px left",
    "realigned": "outside, aligned here",
}
BEFORE_AND_AFTER = {"thresholds": "thresholds", "polished": "polished"}


def biases(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the printed quantities with ``name``, ``in_unit`` and ``<stage>_error``."""
    keys = list(zip(table["quantity"], table["unit"], strict=True))
    rows = table[[key in QUANTITIES for key in keys]].copy()
    named = [QUANTITIES[key] for key in keys if key in QUANTITIES]
    rows["name"] = [name for name, _ in named]
    rows["in_unit"] = [unit for _, unit in named]
    for stage in STAGES:
        relative = 100 * rows[f"{stage}_bias"] / rows["truth"]
        rows[f"{stage}_error"] = np.where(
            rows["in_unit"] == "percent", relative, rows[f"{stage}_bias"]
        )
    order = {name: place for place, (name, _) in enumerate(QUANTITIES.values())}
    return rows.sort_values("name", key=lambda names: names.map(order), kind="stable")


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per simulator, phantoms and quantity.

    ``<stage>_median`` and ``<stage>_worst``: of the bias without its sign, in the unit of the
    quantity; ``<stage>_median_percent`` and ``<stage>_worst_percent``: the same in % of the truth;
    ``<stage>_signed_median``: of the bias with its sign. ``mismatch_median`` and
    ``mismatch_worst``, for tilts from outside the model: how much further (positive) or less far
    from the truth the polished value of the same phantom is than with tilts made by the model.
    """
    rows = []
    for key, group in table.groupby([*GROUP, "quantity", "unit"], sort=False):
        row: dict[str, Any] = dict(zip([*GROUP, "quantity", "unit"], key, strict=True))
        row |= {"cases": len(group), "truth_median": group["truth"].median()}
        with np.errstate(divide="ignore", invalid="ignore"):
            share = 100 / group["truth"].abs().to_numpy(np.float64)
        for stage in STAGES:
            size = group[f"{stage}_bias"].abs()
            row |= {
                f"{stage}_median": size.median(),
                f"{stage}_worst": size.max(),
                f"{stage}_median_percent": (size * share).median(),
                f"{stage}_worst_percent": (size * share).max(),
                f"{stage}_signed_median": group[f"{stage}_bias"].median(),
            }
        rows.append(row)
    found = pd.DataFrame(rows)
    return found.merge(mismatch(table), how="left", on=[*GROUP, "quantity", "unit"])


def mismatch(table: pd.DataFrame) -> pd.DataFrame:
    """Return what tilts made outside the model cost, over the phantoms that have both."""
    same = ["family", "contrast", "shape", "dose", "quantity", "unit"]
    outside = table["simulator"] != "model"
    pairs = table[outside].merge(table[~outside], on=[*same, "seed"], suffixes=("", "_model"))
    cost = pairs["polished_bias"].abs() - pairs["polished_bias_model"].abs()
    pairs = pairs.assign(cost=cost)
    grouped = pairs.groupby(["simulator", *same])["cost"]
    return grouped.agg(mismatch_median="median", mismatch_worst="max").reset_index()


def bias_table(table: pd.DataFrame) -> str:
    """Return the markdown table of biases: median and worst, one row per quantity and simulator."""
    rows = biases(table)
    contrasts = list(dict.fromkeys(rows["contrast"]))
    head = ["", "tilts by", "bias in"]
    head += [f"{c}: {BEFORE_AND_AFTER[stage]}" for c in contrasts for stage in STAGES]
    lines = [_line(head), _line(["---", "---", "---", *["---:"] * (len(head) - 3)])]
    for (name, unit), simulator in (
        (pair, simulator) for pair in QUANTITIES.values() for simulator in SIMULATED_BY
    ):
        cells = []
        chosen = rows[(rows["name"] == name) & (rows["simulator"] == simulator)]
        if chosen.empty:
            continue
        for contrast in contrasts:
            errors = chosen[chosen["contrast"] == contrast]
            cells += [_median_and_worst(errors[f"{stage}_error"]) for stage in STAGES]
        in_unit = {"points": "points", "percent": "% of truth"}[unit]
        lines.append(_line([name, SIMULATED_BY[simulator], in_unit, *cells]))
    return "\n".join(lines)


def finding_table(cases: pd.DataFrame) -> str:
    """Return the markdown table of what was found on the way: blur, gain, levels, wrong voxels."""
    head = ["phantoms", "tilts by", "cases", "blur found (px)", "not reliable", "gain found / true",
            "wrong voxels (%): thresholds", "polished", "polished in", "CPU time: blur", "TV", "polish"]  # fmt: skip
    lines = [_line(head), _line(["---", "---", *["---:"] * (len(head) - 2)])]
    for (contrast, simulator), group in cases.groupby(["contrast", "simulator"], sort=False):
        gain = group["counts_per_unit_found"] / group["counts_per_unit_true"]
        total = group[["find_blur_s", "tv_s", "polish_s"]].sum(axis=1)
        shares = [
            f"{100 * (group[name] / total).median():.0f} %"
            for name in ("find_blur_s", "tv_s", "polish_s")
        ]
        cells = [
            contrast,
            SIMULATED_BY[simulator],
            len(group),
            _range(group["blur_px"], 2),
            int((~group["blur_reliable"].astype(bool)).sum()),
            _range(gain, 2),
            _range(group["wrong_percent_thresholds"], 1),
            _range(group["wrong_percent_polished"], 1),
            int(group["polished"].astype(bool).sum()),
            *shares,
        ]
        lines.append(_line(cells))
    return "\n".join(lines)


def mismatch_table(table: pd.DataFrame) -> str:
    """Return the markdown table of what the mismatch of the model costs, by quantity."""
    costs = mismatch(table)
    contrasts = list(dict.fromkeys(costs["contrast"]))
    lines = [
        _line(["", "tilts by", "unit", *[f"{c}: median (worst)" for c in contrasts]]),
        _line(["---", "---", "---", *["---:"] * len(contrasts)]),
    ]
    for ((quantity, unit), (name, _)), simulator in itertools.product(
        QUANTITIES.items(), SIMULATED_BY
    ):
        rows = costs[
            (costs["quantity"] == quantity)
            & (costs["unit"] == unit)
            & (costs["simulator"] == simulator)
        ]
        if rows.empty:
            continue
        cells = []
        for contrast in contrasts:
            row = rows[rows["contrast"] == contrast]
            median, worst = row["mismatch_median"].median(), row["mismatch_worst"].max()
            cells.append("" if row.empty else f"{median:+.2f} ({worst:+.2f})")
        of = {"%": "points", "1": "clusters"}.get(unit, unit)
        lines.append(_line([name, SIMULATED_BY[simulator], of, *cells]))
    return "\n".join(lines)


def dead_pore_table(table: pd.DataFrame) -> str:
    """Return the markdown table of the dead share of the pore volume, medians in %."""
    rows = table[table["quantity"] == DEAD]
    lines = [
        _line(["phantoms", "tilts by", "truth", "thresholds", "polished"]),
        _line(["---", "---", "---:", "---:", "---:"]),
    ]
    for (contrast, simulator), group in rows.groupby(["contrast", "simulator"], sort=False):
        values = [group[name].median() for name in ("truth", "thresholds_value", "polished_value")]
        lines.append(_line([contrast, SIMULATED_BY[simulator], *(f"{v:.2f}" for v in values)]))
    return "\n".join(lines)


def _median_and_worst(errors: pd.Series) -> str:
    if errors.empty:
        return ""
    worst = errors.iloc[int(np.nanargmax(errors.abs()))] if errors.notna().any() else np.nan
    return f"{errors.abs().median():.2f} ({worst:+.2f})"


def _range(values: pd.Series, digits: int) -> str:
    """Return median, least and greatest value."""
    if values.notna().sum() == 0:
        return "–"
    low, middle, high = values.min(), values.median(), values.max()
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _line(cells: list[Any]) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def fill_document(document: Path, blocks: dict[str, str]) -> None:
    """Replace what lies between ``<!-- name -->`` and ``<!-- end of name -->``."""
    text = document.read_text(encoding="utf-8")
    for name, block in blocks.items():
        marks = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not marks.search(text):
            raise ValueError(f"{document.name} has no place for the block {name!r}.")
        text = marks.sub(lambda found, block=block: f"{found[1]}{block}\n{found[2]}", text)
    with atomic_path(document) as part:
        part.write_text(text, encoding="utf-8")


def write_report(
    quantities: Path, cases: Path, *, document: Path | None = None, figure: bool = True
) -> None:
    """Write the summary and the figure beside the tables, and the tables of a document.

    ``document``: default ``docs/truth.md`` for the tables of this folder, none for others.
    """
    table, about = read_rows(quantities), read_rows(cases)
    if table.empty:
        print("No case is finished: there is nothing to report.")
        return
    if "error" in about:
        about = about[about["error"].isna()]
    write_table(quantities.with_name("truth_summary.csv"), summary(table))
    if figure:
        from benchmarks.truth_figure import draw_truth
        from napari_snpore.figures import save_figure

        save_figure(draw_truth(biases(table)), quantities.with_suffix(""))
    if document is None and quantities.parent.resolve() == FOLDER.resolve():
        document = DOCUMENT
    blocks = {
        "biases": bias_table(table),
        "findings": finding_table(about),
        "mismatch": mismatch_table(table),
        "dead pores": dead_pore_table(table),
    }
    if document is not None:
        if figure:
            blocks["figure"] = "![Bias of each quantity on every phantom](../benchmarks/truth.png)"
        fill_document(document, blocks)
    print(*blocks.values(), sep="\n\n")


if __name__ == "__main__":
    write_report(FOLDER / "truth.csv", FOLDER / "truth_cases.csv")
