"""Panel of numbers of all states as bars side by side, with their 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
from matplotlib.figure import Figure

from napari_snpore.comparison.compare import Comparison
from napari_snpore.comparison.number_tables import CALIBRATED, Quantity
from napari_snpore.comparison.number_words import best_value
from napari_snpore.figures.numbers import plain_ticks
from napari_snpore.figures.page import Box, axes_at, text_width_mm, wrapped
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.plot_panels import left_of_plot, plot_frame
from napari_snpore.figures.state_series import StateLegend, series_of
from napari_snpore.figures.style import INK, FigureStyle


@dataclass(frozen=True, eq=False)
class StateBarsPanel:
    """One group of bars per number, one bar per state in it.

    Parameters
    ----------
    heading : str
        Above it.
    comparison : Comparison
    groups : mapping of str to (quantity, unit)
        Name below each group, and which number of ``comparison.states`` it shows; all of one unit.
    label : str
        Of the upright axis, with the unit.
    legend : StateLegend
    """

    heading: str
    comparison: Comparison
    groups: Mapping[str, Quantity]
    label: str
    legend: StateLegend = field(default_factory=StateLegend)
    scheme: ClassVar[None] = None
    exterior: ClassVar[bool] = False

    @property
    def aspect(self) -> float:
        """Wider with more bars."""
        bars = len(self.groups) * len(self.comparison.names)
        return min(max(1.0, 0.33 * len(self.groups) + 0.2, 0.1 * bars + 0.3), 2.4)

    @property
    def is_empty(self) -> bool:
        """Whether no state has any of the numbers."""
        return not self._rows()

    def _rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the rows of the table of states by (group, state)."""
        found = {}
        table = self.comparison.states
        for group, (quantity, unit) in self.groups.items():
            rows = table[(table["quantity"] == quantity) & (table["unit"] == unit)]
            for row in rows.to_dict("records"):
                if math.isfinite(best_value(row)):
                    found[group, str(row["state"])] = {str(key): one for key, one in row.items()}
        return found

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of the groups and the upright axis take."""
        names = max(
            text_width_mm(word, style.small_pt) for name in self.groups for word in name.split()
        )
        across = left_of_plot(style) + 2.0 + (names + 1.5) * len(self.groups)
        upright = text_width_mm(self.label, style.font_pt) + style.line_mm
        return max(across, upright * self.aspect, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return what the whiskers are, and of how many fibres."""
        rows = list(self._rows().values())
        return "; ".join(
            filter(None, (corrected_words(rows), whisker_words(rows), fibre_words(rows)))
        )

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the bars with their whiskers, the legend above them."""
        names = self.comparison.names
        width_mm = box.width - left_of_plot(style) - 2.0
        head = self.legend.height_mm(names, width_mm, style)
        slot_mm = width_mm / len(self.groups)
        labels = [wrapped(name, width_mm=slot_mm, size_pt=style.small_pt) for name in self.groups]
        lines = max(label.count("\n") + 1 for label in labels)
        axes = axes_at(figure, plot_frame(box, style, head_mm=head, lines_below=lines))
        rows, width = self._rows(), 0.8 / len(names)
        for k, group in enumerate(self.groups):
            for j, (name, series) in enumerate(series_of(names).items()):
                row = rows.get((group, name))
                if row is None:
                    continue
                place = k + (j - (len(names) - 1) / 2) * width
                best = best_value(row)
                axes.bar(place, best, 0.92 * width, linewidth=0.6, gid="number", **series.area)
                if math.isfinite(row["low_95"]) and math.isfinite(row["high_95"]):
                    ends = [[max(best - row["low_95"], 0.0)], [max(row["high_95"] - best, 0.0)]]
                    axes.errorbar(
                        place,
                        best,
                        yerr=ends,
                        fmt="none",
                        color=INK,
                        elinewidth=0.7,
                        capsize=1.5,
                        capthick=0.7,
                        gid="interval",
                    )
        axes.set_xticks(range(len(labels)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.5, len(labels) - 0.5)
        axes.set_ylim(bottom=0)
        axes.set_ylabel(self.label)
        plain_ticks(axes.yaxis, at_most=5)
        self.legend.draw(axes, names, width_mm, style, kind="bar")


def corrected_words(rows: list[dict[str, Any]]) -> str:
    """Return whether values are corrected by a digital twin."""
    corrected = [math.isfinite(row["corrected"]) for row in rows]
    if not any(corrected):
        return ""
    return "corrected by a digital twin" if all(corrected) else "where known, corrected by a twin"


def whisker_words(rows: list[dict[str, Any]]) -> str:
    """Return what the whiskers are."""
    known = [row for row in rows if pd.notna(row["low_95"])]
    if not known:
        return "no interval is known"
    calibrated = all(row["calibrated"] == CALIBRATED for row in known)
    return "whiskers: 95\N{NO-BREAK SPACE}% interval" + ("" if calibrated else ", not calibrated")


def fibre_words(rows: list[dict[str, Any]]) -> str:
    """Return of how many fibres the states are."""
    counts = {str(row["state"]): int(row["n"]) for row in rows}
    if len(set(counts.values())) == 1:
        n = next(iter(counts.values()))
        words = f"n = {n}".replace(" ", "\N{NO-BREAK SPACE}")
        return f"{words} {'fibre' if n == 1 else 'fibres'} each"
    return "fibres: " + ", ".join(f"{state} {n}" for state, n in counts.items())
