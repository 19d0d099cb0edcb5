"""Color, marker, dash and hatch of each state in plots of several states, and their legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from napari_snpore.figures.page import text_width_mm
from napari_snpore.figures.style import SERIES_COLORS, SERIES_MARKERS, FigureStyle

_DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
_HATCHES = ("", "//////", "......", "xxxxxx", "\\\\\\\\\\\\")
_HANDLE_MM = 6.5
_TINT = 0.45


@dataclass(frozen=True)
class StateSeries:
    """How one state is drawn; told apart without its color by marker, dash and hatch."""

    color: str
    marker: str
    dashes: Any
    hatch: str

    @property
    def tint(self) -> tuple[float, ...]:
        """A pale tint of the color, for areas."""
        return tuple(1 - _TINT * (1 - part) for part in to_rgb(self.color))

    @property
    def line(self) -> dict[str, Any]:
        """Options of a line."""
        return {"color": self.color, "linestyle": self.dashes}

    @property
    def area(self) -> dict[str, Any]:
        """Options of a bar."""
        return {"facecolor": self.tint, "edgecolor": self.color, "hatch": self.hatch}


def series_of(names: Sequence[str]) -> dict[str, StateSeries]:
    """Return how each state is drawn, by its place in the order; where the colours begin anew, the marks
    are shifted by one, so that up to 25 differ.

    Examples
    --------
    >>> found = series_of([str(k) for k in range(25)]).values()
    >>> len({(one.color, one.marker) for one in found})
    25
    """
    count = len(SERIES_COLORS)
    return {
        name: StateSeries(
            SERIES_COLORS[k % count],
            SERIES_MARKERS[(k + k // count) % len(SERIES_MARKERS)],
            _DASHES[(k + k // count) % len(_DASHES)],
            _HATCHES[(k + k // count) % len(_HATCHES)],
        )
        for k, name in enumerate(names)
    }


@dataclass(frozen=True)
class StateLegend:
    """Where the legend of the states stands above a plot.

    Parameters
    ----------
    width_mm : float, optional
        What is free for it, such as the whole row of a plate; default: the width of the plot.
    hidden : bool
        Leave its lines empty, because the first panel of the row has it.
    """

    width_mm: float | None = None
    hidden: bool = False

    def height_mm(self, names: Sequence[str], plot_mm: float, style: FigureStyle) -> float:
        """Return how much its lines take."""
        columns = _columns(names, self.width_mm or plot_mm, style)
        return style.line_mm * math.ceil(len(names) / columns)

    def draw(
        self,
        axes: Axes,
        names: Sequence[str],
        plot_mm: float,
        style: FigureStyle,
        kind: str = "line",
    ) -> None:
        """Write which state is which: ``kind`` is "line", "point" or "bar"."""
        if self.hidden:
            return
        axes.legend(
            handles=[_handle(name, series, kind) for name, series in series_of(names).items()],
            loc="lower left",
            bbox_to_anchor=(0.0, 1.0),
            ncols=_columns(names, self.width_mm or plot_mm, style),
            handlelength=1.9 if kind == "line" else 1.2,
            columnspacing=0.9,
        )


def _handle(name: str, series: StateSeries, kind: str) -> Line2D | Patch:
    if kind == "bar":
        return Patch(label=name, **series.area)
    if kind == "point":
        return Line2D([], [], color=series.color, marker=series.marker, linestyle="", label=name)
    return Line2D([], [], label=name, **series.line)


def _columns(names: Sequence[str], width_mm: float, style: FigureStyle) -> int:
    """Return how many names fit side by side."""
    widest = max(text_width_mm(name, style.small_pt) for name in names) + _HANDLE_MM
    return max(min(int(width_mm / widest), len(names)), 1)
