"""Publication figures from data: slices, tilts, histograms, fractions, truth, states, plates; functions
return matplotlib figures.

The only folder of the package that imports matplotlib, through its object interface: no pyplot, no
window, safe in threads. A
:class:`~napari_snpore.figures.style.FigureStyle` sets width in mm, type in points, dots per inch and panel letters. The names
below are loaded when first used, so that the spec of a plate can be made without matplotlib, which takes half a second to load.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_snpore.figures.blur_plot import blur_curve_plot
    from napari_snpore.figures.box_pair_panel import BoxPairPanel
    from napari_snpore.figures.correlation_plot import shell_correlation_plot
    from napari_snpore.figures.difference_panel import DifferencePanel
    from napari_snpore.figures.fraction_plot import phase_fractions
    from napari_snpore.figures.object_plots import object_histograms
    from napari_snpore.figures.overlay_panel import OverlayPanel
    from napari_snpore.figures.panels import ImagePanel, PhasePanel, SlicePanel
    from napari_snpore.figures.plate_drawing import draw_plate
    from napari_snpore.figures.plate_layout import panel_figure, plate
    from napari_snpore.figures.plate_recipe import PlateRecipe
    from napari_snpore.figures.plate_spec import ObliqueSpec, PlateSpec, SpecimenColumn
    from napari_snpore.figures.plot_panels import FractionPanel, HistogramPanel
    from napari_snpore.figures.residual_map import residual_map_plot
    from napari_snpore.figures.save import recipe_of, save_figure
    from napari_snpore.figures.slice_stack import slice_images, write_slice_images
    from napari_snpore.figures.slices import ortho_slices, phase_slices, slice_pair
    from napari_snpore.figures.state_bars_panel import StateBarsPanel
    from napari_snpore.figures.state_lines_panel import (
        CubeSizePanel,
        StateCorrelationPanel,
        StateProfilePanel,
    )
    from napari_snpore.figures.style import DOUBLE_COLUMN_MM, PRINT, SINGLE_COLUMN_MM, FigureStyle
    from napari_snpore.figures.table_panel import TablePanel
    from napari_snpore.figures.threshold_panel import ThresholdPanel
    from napari_snpore.figures.threshold_plot import threshold_histogram
    from napari_snpore.figures.tilts import sinogram, tilt_images
    from napari_snpore.figures.tomography_plots import alignment_plot, quality_plot
    from napari_snpore.figures.truth_plot import truth_against_measured

_HOME = {
    "BoxPairPanel": "box_pair_panel",
    "CubeSizePanel": "state_lines_panel",
    "DOUBLE_COLUMN_MM": "style",
    "DifferencePanel": "difference_panel",
    "FigureStyle": "style",
    "FractionPanel": "plot_panels",
    "HistogramPanel": "plot_panels",
    "ImagePanel": "panels",
    "ObliqueSpec": "plate_spec",
    "OverlayPanel": "overlay_panel",
    "PRINT": "style",
    "PhasePanel": "panels",
    "PlateRecipe": "plate_recipe",
    "PlateSpec": "plate_spec",
    "SINGLE_COLUMN_MM": "style",
    "SlicePanel": "panels",
    "SpecimenColumn": "plate_spec",
    "StateBarsPanel": "state_bars_panel",
    "StateCorrelationPanel": "state_lines_panel",
    "StateProfilePanel": "state_lines_panel",
    "TablePanel": "table_panel",
    "ThresholdPanel": "threshold_panel",
    "alignment_plot": "tomography_plots",
    "blur_curve_plot": "blur_plot",
    "draw_plate": "plate_drawing",
    "object_histograms": "object_plots",
    "ortho_slices": "slices",
    "panel_figure": "plate_layout",
    "phase_fractions": "fraction_plot",
    "phase_slices": "slices",
    "plate": "plate_layout",
    "quality_plot": "tomography_plots",
    "recipe_of": "save",
    "residual_map_plot": "residual_map",
    "save_figure": "save",
    "shell_correlation_plot": "correlation_plot",
    "sinogram": "tilts",
    "slice_images": "slice_stack",
    "slice_pair": "slices",
    "threshold_histogram": "threshold_plot",
    "tilt_images": "tilts",
    "truth_against_measured": "truth_plot",
    "write_slice_images": "slice_stack",
}

__all__ = [
    "DOUBLE_COLUMN_MM",
    "PRINT",
    "SINGLE_COLUMN_MM",
    "BoxPairPanel",
    "CubeSizePanel",
    "DifferencePanel",
    "FigureStyle",
    "FractionPanel",
    "HistogramPanel",
    "ImagePanel",
    "ObliqueSpec",
    "OverlayPanel",
    "PhasePanel",
    "PlateRecipe",
    "PlateSpec",
    "SlicePanel",
    "SpecimenColumn",
    "StateBarsPanel",
    "StateCorrelationPanel",
    "StateProfilePanel",
    "TablePanel",
    "ThresholdPanel",
    "alignment_plot",
    "blur_curve_plot",
    "draw_plate",
    "object_histograms",
    "ortho_slices",
    "panel_figure",
    "phase_fractions",
    "phase_slices",
    "plate",
    "quality_plot",
    "recipe_of",
    "residual_map_plot",
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


def __getattr__(name: str) -> Any:
    if name in _HOME:
        found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
