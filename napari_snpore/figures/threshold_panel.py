"""The panel of the grey-value histogram with its thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from matplotlib.figure import Figure

from napari_snpore.figures.page import Box, axes_at
from napari_snpore.figures.panels import least_of_heading
from napari_snpore.figures.plot_panels import plot_frame
from napari_snpore.figures.style import FigureStyle
from napari_snpore.figures.threshold_plot import beyond_axis, draw_histogram, head_mm
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme

if TYPE_CHECKING:
    from napari_snpore.segmentation.histogram import Histogram


@dataclass(frozen=True, eq=False)
class ThresholdPanel:
    """How many voxels have which grey value, and where the thresholds part the phases.

    Parameters
    ----------
    heading : str
        Above it.
    histogram : Histogram
        Counts of grey values.
    thresholds : sequence of float
        One fewer than phases; none draws the counts alone, in grey.
    phases : PhaseScheme
        Names and colours of what the thresholds part.
    """

    heading: str
    histogram: Histogram
    thresholds: Sequence[float] = ()
    phases: PhaseScheme = PORE_C_SN
    exterior: ClassVar[bool] = False

    @property
    def scheme(self) -> PhaseScheme | None:
        """The phases, where thresholds part them."""
        return self.phases if len(self.thresholds) else None

    @property
    def aspect(self) -> float:
        """Wider than high."""
        return 1.6

    def least_mm(self, style: FigureStyle) -> float:
        """Return what the names of its axes and the thresholds take."""
        return max(7.5 * style.font_pt, least_of_heading(self.heading, style))

    def note(self) -> str:
        """Return which colour is which without its colour, and what was counted."""
        voxels = f"{self.histogram.voxel_count:,} voxels"
        if beyond := beyond_axis(self.histogram, self.thresholds):
            voxels += f" ({beyond:,} beyond the axis)"
        if not len(self.thresholds):
            return voxels
        return f"{voxels}, beside the fibre too; from the left: {', '.join(self.phases.names)}"

    def draw(self, figure: Figure, box: Box, style: FigureStyle) -> None:
        """Draw the counts on a log scale, the thresholds with their values above."""
        frame = plot_frame(box, style, head_mm=head_mm(style) if len(self.thresholds) else 0.0)
        axes = axes_at(figure, frame)
        draw_histogram(
            axes, frame, self.histogram, self.thresholds, scheme=self.phases, style=style
        )
