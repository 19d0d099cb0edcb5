"""The table of ``docs/study.md``: what ``snpore demo --study`` found beside the planted truth.

``python -m benchmarks.study_table FOLDER``, the folder that the demo wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd

from benchmarks.truth_report import fill_document
from napari_snpore.comparison.number_words import value_words, value_writer

DOCUMENT = Path(__file__).parents[1] / "docs" / "study.md"


def table_of_truth(truth: pd.DataFrame) -> str:
    """Return the markdown table, a column for each state.

    Parameters
    ----------
    truth : DataFrame
        Of ``truth.csv``.
    """
    states = list(dict.fromkeys(truth["state"]))
    lines = [f"| | {' | '.join(states)} |", f"|{'---|' * (len(states) + 1)}"]
    for (quantity, unit), rows in truth.groupby(["quantity", "unit"], sort=False):
        cells = {}
        for row in rows.to_dict("records"):
            holds = "" if row["covered"] else ", **not held**"
            cells[row["state"]] = f"{value_writer(row)(row['truth'])}: {value_words(row)}{holds}"
        name = quantity if unit == "1" else f"{quantity}, {unit}"
        lines.append(f"| {name} | {' | '.join(cells.get(state, '–') for state in states)} |")
    return "\n".join(lines)


def counts_in_words(truth: pd.DataFrame, differences: pd.DataFrame) -> str:
    """Return how many intervals held the truth, and what the differences are marked as."""
    beyond = differences[differences["below_error"] == False]  # noqa: E712
    return (
        f"{truth['covered'].sum()} of {len(truth)} intervals of numbers and "
        f"{differences['covered'].sum()} of {len(differences)} of differences held the planted truth, in one study of one\n"
        f"seed; {len(beyond)} differences lie beyond their error. How often intervals hold the truth over many phantoms is in\n"
        "[truth.md](truth.md)."
    )


def main() -> None:
    """Fill the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    truth = pd.read_csv(folder / "truth.csv")
    differences = pd.read_csv(folder / "truth_differences.csv")
    fill_document(
        DOCUMENT,
        {"planted truth": table_of_truth(truth), "held": counts_in_words(truth, differences)},
    )


if __name__ == "__main__":
    main()
