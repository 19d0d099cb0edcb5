"""Publication figures from data: slices, tilts, histograms, fractions, truth; each function returns a matplotlib figure.

The one room of the package that imports matplotlib, through its object interface: no pyplot, no window, safe in threads. A
:class:`~napari_snpore.figures.style.FigureStyle` (``look=``) sets width in mm, type in points, dots per inch and panel letters.
"""

from napari_snpore.figures.box_pair_panel import BoxPairPanel
from napari_snpore.figures.fraction_plot import phase_fractions
from napari_snpore.figures.object_plots import object_histograms
from napari_snpore.figures.panels import ImagePanel, PhasePanel, SlicePanel
from napari_snpore.figures.plate import panel_figure, plate
from napari_snpore.figures.plot_panels import FractionPanel, HistogramPanel
from napari_snpore.figures.save import recipe_of, save_figure
from napari_snpore.figures.shell_correlation_plot import shell_correlation_plot
from napari_snpore.figures.slice_stack import slice_images, write_slice_images
from napari_snpore.figures.slices import ortho_slices, phase_slices, slice_pair
from napari_snpore.figures.style import DOUBLE_COLUMN_MM, PRINT, SINGLE_COLUMN_MM, FigureStyle
from napari_snpore.figures.table_panel import TablePanel
from napari_snpore.figures.threshold_panel import ThresholdPanel
from napari_snpore.figures.threshold_plot import threshold_histogram
from napari_snpore.figures.tilts import sinogram, tilt_images
from napari_snpore.figures.tomography_plots import alignment_plot, quality_plot
from napari_snpore.figures.truth_plot import truth_against_measured

__all__ = [
    "DOUBLE_COLUMN_MM",
    "PRINT",
    "SINGLE_COLUMN_MM",
    "BoxPairPanel",
    "FigureStyle",
    "FractionPanel",
    "HistogramPanel",
    "ImagePanel",
    "PhasePanel",
    "SlicePanel",
    "TablePanel",
    "ThresholdPanel",
    "alignment_plot",
    "object_histograms",
    "ortho_slices",
    "panel_figure",
    "phase_fractions",
    "phase_slices",
    "plate",
    "quality_plot",
    "recipe_of",
    "save_figure",
    "shell_correlation_plot",
    "sinogram",
    "slice_images",
    "slice_pair",
    "threshold_histogram",
    "tilt_images",
    "truth_against_measured",
    "write_slice_images",
]
