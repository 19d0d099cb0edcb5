"""What a report of a run says of growth in situ: tables of diameters that were put into its folder, and
the volume budget.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files.tables import read_table
from napari_snpore.in_situ import BreakPoint, break_point
from napari_snpore.in_situ.wording import with_error
from napari_snpore.report.content import Block, Sentences, Words
from napari_snpore.report.pictures import drawn_picture
from napari_snpore.report.run_folder import FinishedRun
from napari_snpore.study.checks import check_statements, growth_rows

PATTERN = "in_situ*.csv"
"""Tables of diameters in ``tables/`` of a run, as the In situ form saves them."""

_COLUMNS = ("frame", "time_s", "diameter_nm", "diameter_error_nm", "fitted")


def diameter_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the tables of diameters of a run by the stems of their files; those of profiles and grey
    values, which are saved beside them, are left out.
    """
    found = {}
    for path in sorted((folder / "tables").glob(PATTERN)):
        table = read_table(path)
        if set(_COLUMNS) <= set(table):
            found[path.stem] = table
    return found


def in_situ_blocks(run: FinishedRun) -> Iterator[Block]:
    """Yield for each series the diameter against time, its change, and what that asks of the Sn of this
    run; nothing where there is no series.
    """
    for name, table in diameter_tables(run.folder).items():
        fitted = table[table["fitted"].astype(bool)]
        if len(fitted) < 2:
            yield Words(f"tables/{name}.csv holds fewer than two frames with a fibre.", "absent")
            continue
        yield _plot(name, table)
        growth, error = growth_of(fitted)
        first, last = (
            with_error(row["diameter_nm"], row["diameter_error_nm"])
            for row in (fitted.iloc[0], fitted.iloc[-1])
        )
        yield Sentences(
            (
                f"The diameter of the fibre in tables/{name}.csv changed from {first} nm to {last} nm, "
                f"by {with_error(growth, error, sign=True)} % (n = {len(fitted)} frames).",
                *_budget(run, growth),
            )
        )


def check_blocks(run: FinishedRun) -> Iterator[Block]:
    """Yield what is known from other methods beside what the run found; nothing where it was not asked."""
    table = run.table("checks")
    if table is not None and len(table):
        yield Sentences(_sentences(table))


def growth_of(fitted: pd.DataFrame) -> tuple[float, float]:
    """Return the change of the diameter from the first to the last frame and its standard error, %.

    Examples
    --------
    >>> ends = pd.DataFrame({"diameter_nm": [100.0, 120.0], "diameter_error_nm": [1.0, 0.0]})
    >>> [round(number, 6) for number in growth_of(ends)]
    [20.0, 1.2]
    """
    first, last = fitted.iloc[0], fitted.iloc[-1]
    ratio = float(last["diameter_nm"] / first["diameter_nm"])
    error = ratio * float(
        np.hypot(*(row["diameter_error_nm"] / row["diameter_nm"] for row in (first, last)))
    )
    return 100 * (ratio - 1), 100 * error


def _budget(run: FinishedRun, growth_percent: float) -> tuple[str, ...]:
    """Return what the growth asks of the Sn; nothing of a run without a fraction of it, or of a fibre
    that shrank.
    """
    if run.errors is None or growth_percent <= 0:
        return ()
    rows = growth_rows(run.recipe.checks, growth_percent, run.errors)
    known = [row for row in rows if np.isfinite(row["found"])]
    return _sentences(pd.DataFrame(known)) if known else ()


def _sentences(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the checks as sentences, each note behind what it belongs to, once."""
    found: list[str] = []
    noted: set[str] = set()
    for one in check_statements(table):
        text = one.sentence.replace("**", "").strip()
        if one.kind != "detail":
            found.append(f"{text[:1].upper()}{text[1:]}.")
        elif text and text not in noted and found:
            noted.add(text)
            found[-1] += f" {text[:1].upper()}{text[1:]}."
    return tuple(found)


def _plot(name: str, table: pd.DataFrame) -> Block:
    from napari_snpore.figures.in_situ_plot import diameter_plot

    return drawn_picture(
        name,
        diameter_plot(table, _break(table)),
        caption="Diameter of the fibre against time, with standard errors; a line where its growth slows down.",
        alt="Points with error bars: the diameter of the fibre in each image over time.",
    )


def _break(table: pd.DataFrame) -> BreakPoint | None:
    """Return the break of the growth where two lines are better than one."""
    times = table["time_s"] if table["time_s"].notna().all() else table["frame"]
    try:
        found = break_point(times, table["diameter_nm"], table["diameter_error_nm"])
    except InputError:  # too few frames
        return None
    return found if found.better_than_line else None
