"""Panel of the differences between states with their intervals: one row per number, one mark per pair
of states.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.number_tables import CALIBRATED, Quantity
from napari_snpore.comparison.number_words import best_value
from napari_snpore.figures.numbers import plain_ticks
from napari_snpore.figures.page import Box, axes_at, wrapped
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.state_series import StateLegend, StateSeries, series_of
from napari_snpore.figures.style import GRAY, INK, PALE, FigureStyle

_ROW_MM, _LEAST_ROW_MM = 1.6, 1.5
"""Of one pair of states."""

_TWO_LINES_MM = 6.0

_NAMES_MM = 40.0
"""Most width of the names of the numbers."""


@dataclass(frozen=True, eq=False)
class DifferencePanel:
    """Differences with 95 % intervals; marks are filled where the interval does not hold 0.

    Parameters
    ----------
    heading : str
        Above it.
    comparison : Comparison
    quantities : sequence of (quantity, unit)
        Rows from the top. Percentages are drawn in percentage points; all others, where
        ``relative``, in percent of state a.
    relative : bool
    slots : int, optional
        Numbers that the panel has space for, such as those of the panel beside it.
    """

    heading: str
    comparison: Comparison
    quantities: Sequence[Quantity]
    relative: bool = False
    slots: int | None = None
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The pairs of states, in the order of the table."""
        table = self.comparison.differences[["state_a", "state_b"]].drop_duplicates()
        return [(str(a), str(b)) for a, b in table.itertuples(index=False, name=None)]

    @property
    def shown(self) -> list[Quantity]:
        """The numbers that have a difference to be drawn."""
        rows = self._rows()
        return [quantity for quantity in self.quantities if any(key[0] == quantity for key in rows)]

    @property
    def is_empty(self) -> bool:
        """Whether there is no difference to be drawn."""
        return not self.shown

    @property
    def aspect(self) -> float:
        """Higher with more rows: 85 mm wide at 7 pt."""
        return 85.0 / self._height_mm(_ROW_MM)

    def _height_mm(self, row_mm: float) -> float:
        """Return the height at 7 pt, with so much for a pair of states; a name may take two lines."""
        of_number = max(row_mm * max(len(self.pairs), 1) + 1.2, _TWO_LINES_MM)
        return of_number * self._space + 14.0

    @property
    def _space(self) -> int:
        return max(len(self.shown), self.slots or 1)

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of the numbers and the height of its rows take."""
        least_height = self._height_mm(_LEAST_ROW_MM) * style.font_pt / 7
        return max(
            60.0 * style.font_pt / 7,
            least_height * self.aspect,
            least_of_heading(self.heading, style),
        )

    def note(self) -> str:
        """Return what marks and bars are."""
        rows = self._rows().values()
        words = ["bars: 95 % interval; hollow: below the error"]
        if any(not math.isfinite(row["low"]) for row in rows):
            words.append("crosses: error not known")
        first, last = _reach(rows)
        if any(row["low"] < first or row["high"] > last for row in rows):
            words.append("bars at the frame are longer")
        if any(row["calibrated"] != CALIBRATED for row in rows):
            words.append("not all calibrated")
        return "; ".join(words)

    def _rows(self) -> dict[tuple[Quantity, tuple[str, str]], dict[str, Any]]:
        """Return difference and ends in the unit of the axis, by number and pair."""
        found = {}
        values = self._values_of_a() if self.relative else {}
        for row in self.comparison.differences.to_dict("records"):
            quantity, pair = (row["quantity"], row["unit"]), (row["state_a"], row["state_b"])
            scale = 1.0
            if self.relative:
                of_a = values.get((*quantity, pair[0]), math.nan)
                scale = 100 / abs(of_a) if of_a else math.nan
            value = scale * row["difference"]
            if quantity in self.quantities and math.isfinite(value):
                found[quantity, pair] = {
                    "value": value,
                    "low": scale * row["low_95"],
                    "high": scale * row["high_95"],
                    "below_error": row["below_error"],
                    "calibrated": row["calibrated"],
                }
        return found

    def _values_of_a(self) -> Mapping[tuple[str, str, str], float]:
        return {
            (row["quantity"], row["unit"], row["state"]): best_value(row)
            for row in self.comparison.states.to_dict("records")
        }

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the rows, the legend of the pairs above them."""
        names = {pair: f"{pair[0]} → {pair[1]}" for pair in self.pairs}
        left = min(0.45 * box.width, _NAMES_MM * style.font_pt / 7)
        width_mm = box.width - left - 2.0
        labels = [_label(*quantity, self.relative) for quantity in self.shown]
        labels = [wrapped(label, width_mm=left - 2.0, size_pt=style.small_pt) for label in labels]
        legend = StateLegend(box.width)  # the names of pairs need the width of the panel
        head = legend.height_mm(list(names.values()), box.width, style)
        below = 2 * style.line_mm + 1.6
        height_mm = (box.height - head - below) * len(self.shown) / self._space
        frame = Box(box.left + left, box.top + head, width_mm, height_mm)
        axes = axes_at(figure, frame)
        rows, series = self._rows(), series_of(list(names.values()))
        step = 0.8 / len(names)
        for k, quantity in enumerate(self.shown):
            if k % 2:
                axes.axhspan(k - 0.5, k + 0.5, facecolor=PALE, linewidth=0, zorder=0)
            for j, (pair, name) in enumerate(names.items()):
                if (quantity, pair) in rows:
                    place = k + (j - (len(names) - 1) / 2) * step
                    _draw_difference(axes, place, rows[quantity, pair], series[name])
        axes.axvline(0, color=INK, linewidth=0.6, zorder=1)
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xlim(*_reach(rows.values()))
        unit = "% of the first state" if self.relative else "percentage points"
        axes.set_xlabel(f"Difference ({unit})")
        plain_ticks(axes.xaxis, at_most=6)
        legend.draw(axes, list(names.values()), width_mm, style, kind="point")
        drawn = axes.get_legend()
        if drawn is not None:
            drawn.set_bbox_to_anchor((-left / width_mm, 1.0), transform=axes.transAxes)


def _draw_difference(axes: Any, place: float, row: Mapping[str, Any], series: StateSeries) -> None:
    known = math.isfinite(row["low"]) and math.isfinite(row["high"])
    if not known:
        axes.plot(row["value"], place, marker="x", color=GRAY, markersize=3.0, gid="difference")
        return
    axes.errorbar(
        row["value"],
        place,
        xerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
        fmt=series.marker,
        markersize=2.8,
        color=series.color,
        markerfacecolor="white" if row["below_error"] is True else series.color,
        markeredgewidth=0.7,
        elinewidth=0.8,
        capsize=0,
        gid="difference",
    )


def _reach(rows: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Return the ends of the axis: all marks and bars, or three times the reach of the marks where a
    bar is far longer.
    """
    rows = list(rows)
    ends = np.array([[row["value"], row["low"], row["high"]] for row in rows], np.float64)
    marks = np.abs(ends[:, 0]).max()
    usual = np.nanpercentile(np.abs(ends), 90)
    most = max(3 * marks, usual, 1e-9)
    low, high = max(np.nanmin(ends), -most), min(np.nanmax(ends), most)
    low, high = min(low, 0.0), max(high, 0.0)
    spare = 0.05 * (high - low) or 1.0
    return float(low - spare), float(high + spare)


def _label(quantity: str, unit: str, relative: bool) -> str:
    """Return the name of a number; with what its share is of, where the unit says it."""
    if unit.startswith("% of"):
        return f"{quantity}, {unit}"
    return quantity
