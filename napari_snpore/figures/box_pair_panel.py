"""Panel of two subvolumes: a slice of each at one scale, and the phase fractions of both in numbers
and bars.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_snpore.errors import InputError
from napari_snpore.figures.cuts import Cut
from napari_snpore.figures.fraction_plot import _error_text
from napari_snpore.figures.page import Box, axes_at, text_at, text_width_mm
from napari_snpore.figures.panels import PhasePanel, SlicePanel
from napari_snpore.figures.style import INK, OUTLINE, FigureStyle
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme

_GAP_MM = 2.0
_BARS = 1.4
"""Width of the bars over the height of the panel."""
_WIDEST_NUMBER = "100.0 ± 10.0"


@dataclass(frozen=True, eq=False)
class BoxPairPanel:
    """Two subvolumes, such as centre and edge, side by side with their phase fractions.

    Parameters
    ----------
    heading : str
        Above it.
    cuts : mapping of str to Cut
        Name of each of the two boxes and a slice of it, see
        :func:`~napari_snpore.figures.cuts.cut`; drawn at one scale.
    shares : mapping of str to mapping of str to float
        Percent of each phase by box, such as ``{"centre": {"pore": 38.1, …}, "edge": …}``.
    errors : mapping, optional
        Errors likewise, in percentage points.
    limits : (float, float), optional
        Grey values at black and white; None where the slices hold phases.
    scheme : PhaseScheme
        Names, order and colours.
    error_is : str
        What the errors are, said below.
    shown : PhaseScheme, optional
        Colours of the slices where they are not those of the bars: a phase may be hidden in them.

    Raises
    ------
    InputError
        Not two boxes, fractions of other boxes, or a phase that the scheme does not name.
    """

    heading: str
    cuts: Mapping[str, Cut]
    shares: Mapping[str, Mapping[str, float]]
    errors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    limits: tuple[float, float] | None = None
    scheme: PhaseScheme = PORE_C_SN
    error_is: str = "standard error"
    shown: PhaseScheme | None = None

    @property
    def exterior(self) -> bool:
        """Whether a voxel of the slices lies outside."""
        return self.limits is None and any(
            bool((cut.values == 0).any()) for cut in self.cuts.values()
        )

    def __post_init__(self) -> None:
        if (
            len(self.cuts) != 2
            or set(self.shares) != set(self.cuts)
            or not set(self.errors) <= set(self.cuts)
        ):
            raise InputError(
                f"cuts names {', '.join(self.cuts) or 'no box'} and shares {', '.join(self.shares) or 'none'}; "
                "the same two boxes are needed in both."
            )
        unknown = sorted(
            {name for one in self.shares.values() for name in one} - set(self.scheme.names)
        )
        if unknown:
            raise InputError(
                f"shares names {', '.join(unknown)}; the phases are {', '.join(self.scheme.names)}."
            )

    @property
    def aspect(self) -> float:
        """Of both slices in nm, and of the bars beside them."""
        return sum(cut.size_nm[1] for cut in self.cuts.values()) / self._highest_nm + _BARS

    def least_mm(self, style: FigureStyle) -> float:
        """Return the least width (mm) at which the bars and their text do not overlap."""
        upright = 1.1 * style.small_pt / style.font_pt * style.line_mm * self._lines
        across = (
            self._left_of_bars(style) + text_width_mm(_WIDEST_NUMBER, style.small_pt) + 8.0
        ) / _BARS
        return max(upright, across) * self.aspect

    def note(self) -> str:
        """Return what the numbers are."""
        return "volume fraction in % of the envelope" + (
            f"; ±: {self.error_is}" if self.errors else ""
        )

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the slices under their names, the bars at the right."""
        head = style.line_mm + 0.4
        across_nm = sum(cut.size_nm[1] for cut in self.cuts.values())
        across_mm = box.width * (1 - _BARS / self.aspect) - 2 * _GAP_MM
        mm_per_nm = min((box.height - head) / self._highest_nm, across_mm / across_nm)
        left = box.left
        for name, cut in self.cuts.items():
            text_at(figure, left, box.top, name, fontsize=style.small_pt)
            down, right = (mm_per_nm * nm for nm in cut.size_nm)
            self._slice(cut).draw(figure, Box(left, box.top + head, right, down), style)
            left += right + _GAP_MM
        frame = Box(left, box.top, box.left + box.width - left, box.height)
        axes = axes_at(figure, frame, frame_on=False, xticks=[], yticks=[])
        axes.set(xlim=(0, frame.width), ylim=(frame.height, 0))
        self._bars(axes, frame, style)

    @property
    def _highest_nm(self) -> float:
        return max(cut.size_nm[0] for cut in self.cuts.values())

    @property
    def _lines(self) -> int:
        return 2 * (len(self.scheme.names) + 1)

    def _slice(self, cut: Cut) -> SlicePanel | PhasePanel:
        return (
            PhasePanel("", cut, self.shown or self.scheme)
            if self.limits is None
            else SlicePanel("", cut, self.limits)
        )

    def _left_of_bars(self, style: FigureStyle) -> float:
        return max(text_width_mm(name, style.small_pt) for name in self.scheme.names) + 1.5

    def _bars(self, axes: Axes, frame: Box, style: FigureStyle) -> None:
        """Draw one line for each phase of each box: name, bar, number; all bars at one scale."""
        left = self._left_of_bars(style)
        longest_mm = frame.width - left - text_width_mm(_WIDEST_NUMBER, style.small_pt) - 1.0
        ends = [
            value + _finite(self.errors.get(name, {}).get(phase))
            for name, one in self.shares.items()
            for phase, value in one.items()
            if math.isfinite(value)
        ]
        mm_per_percent = longest_mm / max([1.0, *ends])
        pitch = min(frame.height / self._lines, 1.5 * style.line_mm)
        line = 0
        for name in self.cuts:
            axes.text(
                0,
                (line + 0.5) * pitch,
                name,
                va="center_baseline",
                fontsize=style.small_pt,
                fontweight="bold",
            )
            for phase, color in zip(self.scheme.names, self.scheme.colors, strict=True):
                line += 1
                middle = (line + 0.5) * pitch
                axes.text(0, middle, phase, va="center_baseline", fontsize=style.small_pt)
                value = float(self.shares[name].get(phase, math.nan))
                if not math.isfinite(value):
                    axes.text(left, middle, "–", va="center_baseline", fontsize=style.small_pt)
                    continue
                error = _finite(self.errors.get(name, {}).get(phase))
                axes.barh(
                    middle,
                    value * mm_per_percent,
                    height=0.7 * pitch,
                    left=left,
                    facecolor=color,
                    edgecolor=OUTLINE,
                    linewidth=0.5,
                    gid="fraction",
                )
                end = left + value * mm_per_percent
                words = f"{value:.1f}"
                if error > 0:
                    axes.errorbar(
                        end,
                        middle,
                        xerr=error * mm_per_percent,
                        color=INK,
                        elinewidth=0.7,
                        capsize=1.5,
                    )
                    words += f" ± {_error_text(error)}"
                place = end + error * mm_per_percent + 0.8
                axes.text(place, middle, words, va="center_baseline", fontsize=style.small_pt)
            line += 1
        axes.set(xlim=(0, frame.width), ylim=(frame.height, 0))


def _finite(error: float | None) -> float:
    """Return an error, or 0 where there is none."""
    return 0.0 if error is None or not math.isfinite(error) else float(error)
