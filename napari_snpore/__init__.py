"""From a HAADF-STEM tilt series to pore / Sn / C phases, measured with stated error.

The names below are the compute backend; they are loaded when first used, so that importing the package stays quick and
brings in neither Qt, napari nor matplotlib. The viewer lives in :mod:`napari_snpore.viewer`, which napari finds by itself.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("napari-snpore")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.1.0.dev0"

_HOME = {
    "Volume": "volume",
    "TiltSeries": "tomography.tilt_series",
    "Alignment": "tomography.alignment",
    "align": "tomography.alignment",
    "subtract_background": "tomography.preparation",
    "assess": "tomography.quality",
    "even_odd_correlation": "tomography.even_odd",
    "fourier_shell_correlation": "tomography.shell_correlation",
    "inspect_tilts": "tomography.tilt_inspection",
    "leave_out_tilts": "tomography.tilt_inspection",
    "repair_pixels": "tomography.bad_pixels",
    "bin_series": "tomography.preparation",
    "crop_series": "tomography.preparation",
    "normalize_mass": "tomography.preparation",
    "noise_level": "tomography.noise",
    "SlicePreview": "tomography.slice_preview",
    "project": "tomography.projector",
    "reconstruct": "tomography.reconstruction",
    "Histogram": "segmentation.histogram",
    "gray_histogram": "segmentation.histogram",
    "Suggestion": "segmentation.thresholds",
    "suggest_thresholds": "segmentation.thresholds",
    "ambient_occlusion": "segmentation.occlusion",
    "fibre_envelope": "segmentation.occlusion",
    "segment": "segmentation.phases",
    "clean_up": "segmentation.cleanup",
    "smooth_volume": "segmentation.smoothing",
    "calibrate_gray": "segmentation.calibration",
    "threshold_sensitivity": "segmentation.sensitivity",
    "label_objects": "measurement.objects",
    "separate_objects": "measurement.objects",
    "measure_objects": "measurement.objects",
    "feret_diameters": "measurement.feret",
    "radial_profile": "measurement.profiles",
    "slice_fractions": "measurement.profiles",
    "contact_areas": "measurement.contacts",
    "phase_networks": "measurement.networks",
    "geodesic_tortuosity": "measurement.networks",
    "SurfaceMesh": "measurement.surface_mesh",
    "surface_mesh": "measurement.surface_mesh",
    "local_thickness": "measurement.thickness",
    "chord_lengths": "measurement.thickness",
    "accessible_pores": "measurement.dead_pores",
    "size_summary": "measurement.objects",
    "volume_fractions": "measurement.fractions",
    "DeadPores": "measurement.dead_pores",
    "dead_pores": "measurement.dead_pores",
    "extract_subvolume": "subvolume",
    "center_and_edge_boxes": "subvolume",
    "BreakPoint": "in_situ",
    "ImageSeries": "in_situ",
    "Rectangle": "in_situ",
    "box_intensities": "in_situ",
    "break_point": "in_situ",
    "fibre_diameter": "in_situ",
    "image_drift": "in_situ",
    "rectangle_profile": "in_situ",
    "read_image_series": "files.image_series",
    "Misalignment": "phantom",
    "Phantom": "phantom",
    "make_phantom": "phantom",
    "make_swelling_fibre": "phantom",
    "simulate_tilt_series": "phantom",
    "read_tilt_series": "files",
    "read_volume": "files",
    "read_xf": "files",
    "write_table": "files",
    "write_volume": "files",
    "write_xf": "files",
    "Recipe": "study.recipe",
    "run_study": "study.pipeline",
}

__all__ = [
    "Alignment",
    "BreakPoint",
    "DeadPores",
    "Histogram",
    "ImageSeries",
    "Misalignment",
    "Phantom",
    "Recipe",
    "Rectangle",
    "SlicePreview",
    "Suggestion",
    "SurfaceMesh",
    "TiltSeries",
    "Volume",
    "__version__",
    "accessible_pores",
    "align",
    "ambient_occlusion",
    "assess",
    "bin_series",
    "box_intensities",
    "break_point",
    "calibrate_gray",
    "center_and_edge_boxes",
    "chord_lengths",
    "clean_up",
    "contact_areas",
    "crop_series",
    "dead_pores",
    "even_odd_correlation",
    "extract_subvolume",
    "feret_diameters",
    "fibre_diameter",
    "fibre_envelope",
    "fourier_shell_correlation",
    "geodesic_tortuosity",
    "gray_histogram",
    "image_drift",
    "inspect_tilts",
    "label_objects",
    "leave_out_tilts",
    "local_thickness",
    "make_phantom",
    "make_swelling_fibre",
    "measure_objects",
    "noise_level",
    "normalize_mass",
    "phase_networks",
    "project",
    "radial_profile",
    "read_image_series",
    "read_tilt_series",
    "read_volume",
    "read_xf",
    "reconstruct",
    "rectangle_profile",
    "repair_pixels",
    "run_study",
    "segment",
    "separate_objects",
    "simulate_tilt_series",
    "size_summary",
    "slice_fractions",
    "smooth_volume",
    "subtract_background",
    "suggest_thresholds",
    "surface_mesh",
    "threshold_sensitivity",
    "volume_fractions",
    "write_table",
    "write_volume",
    "write_xf",
]

if TYPE_CHECKING:
    from napari_snpore.files import read_tilt_series, read_volume, read_xf, write_table, write_volume, write_xf
    from napari_snpore.files.image_series import read_image_series
    from napari_snpore.in_situ import (
        BreakPoint,
        ImageSeries,
        Rectangle,
        box_intensities,
        break_point,
        fibre_diameter,
        image_drift,
        rectangle_profile,
    )
    from napari_snpore.measurement.contacts import contact_areas
    from napari_snpore.measurement.dead_pores import DeadPores, accessible_pores, dead_pores
    from napari_snpore.measurement.feret import feret_diameters
    from napari_snpore.measurement.fractions import volume_fractions
    from napari_snpore.measurement.networks import geodesic_tortuosity, phase_networks
    from napari_snpore.measurement.objects import label_objects, measure_objects, separate_objects, size_summary
    from napari_snpore.measurement.profiles import radial_profile, slice_fractions
    from napari_snpore.measurement.surface_mesh import SurfaceMesh, surface_mesh
    from napari_snpore.measurement.thickness import chord_lengths, local_thickness
    from napari_snpore.phantom import Misalignment, Phantom, make_phantom, make_swelling_fibre, simulate_tilt_series
    from napari_snpore.segmentation.calibration import calibrate_gray
    from napari_snpore.segmentation.cleanup import clean_up
    from napari_snpore.segmentation.histogram import Histogram, gray_histogram
    from napari_snpore.segmentation.occlusion import ambient_occlusion, fibre_envelope
    from napari_snpore.segmentation.phases import segment
    from napari_snpore.segmentation.sensitivity import threshold_sensitivity
    from napari_snpore.segmentation.smoothing import smooth_volume
    from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
    from napari_snpore.study.pipeline import run_study
    from napari_snpore.study.recipe import Recipe
    from napari_snpore.subvolume import center_and_edge_boxes, extract_subvolume
    from napari_snpore.tomography.alignment import Alignment, align
    from napari_snpore.tomography.bad_pixels import repair_pixels
    from napari_snpore.tomography.even_odd import even_odd_correlation
    from napari_snpore.tomography.noise import noise_level
    from napari_snpore.tomography.preparation import bin_series, crop_series, normalize_mass, subtract_background
    from napari_snpore.tomography.projector import project
    from napari_snpore.tomography.quality import assess
    from napari_snpore.tomography.reconstruction import reconstruct
    from napari_snpore.tomography.shell_correlation import fourier_shell_correlation
    from napari_snpore.tomography.slice_preview import SlicePreview
    from napari_snpore.tomography.tilt_inspection import inspect_tilts, leave_out_tilts
    from napari_snpore.tomography.tilt_series import TiltSeries
    from napari_snpore.volume import Volume


def __getattr__(name: str) -> Any:
    if name in _HOME:
        found = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
