"""Figures of a run, in reading order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from napari_snpore.figures import (
    alignment_plot,
    blur_curve_plot,
    object_histograms,
    ortho_slices,
    phase_fractions,
    phase_slices,
    quality_plot,
    residual_map_plot,
    shell_correlation_plot,
    sinogram,
    slice_pair,
    threshold_histogram,
    tilt_images,
)
from napari_snpore.figures.intervals import Intervals
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.error_report import fraction_intervals
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_errors import recorded_errors
from napari_snpore.study.segmentation_report import allowed_percent
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.quality import resolution_guide_of
from napari_snpore.uncertainty.size_limit import recorded_size_limit

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def figures_of(
    recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation, measurement: Measurement
) -> Iterator[tuple[str, Figure]]:
    """Yield name and figure one at a time, so that only one is in memory."""
    if tomogram.series is not None and tomogram.aligned is not None:
        yield "tilt_images", tilt_images(tomogram.series)
        if tomogram.alignment is not None:
            angles, pixel = tomogram.series.angles_deg, tomogram.series.pixel_size_nm
            yield (
                "sinogram",
                sinogram(tomogram.series, tomogram.aligned, angles_deg=angles, pixel_size_nm=pixel),
            )
            yield "alignment", alignment_plot(tomogram.alignment, angles)
    if tomogram.blur is not None and tomogram.blur.curve:
        yield "blur", blur_curve_plot(tomogram.blur)
    if tomogram.quality is not None and tomogram.aligned is not None:
        convergence = required_step(tomogram.volume.history, ReconstructStep).residuals or None
        yield (
            "residual",
            quality_plot(tomogram.quality, tomogram.aligned.angles_deg, convergence=convergence),
        )
    if tomogram.even_odd is not None:
        yield "fourier_shell_correlation", shell_correlation_plot(tomogram.even_odd)
    phases, scheme = segmentation.phases, segmentation.scheme
    yield "slices_grey", ortho_slices(tomogram.volume)
    yield (
        "slices_phases",
        phase_slices(phases.data, spacing=phases.spacing, origin=phases.origin, scheme=scheme),
    )
    yield "slice_pair", slice_pair(tomogram.volume, phases.data, scheme=scheme)
    yield (
        "histogram",
        threshold_histogram(segmentation.histogram, segmentation.thresholds, scheme=scheme),
    )
    if segmentation.residual_map is not None:
        yield (
            "projection_residual",
            residual_map_plot(
                segmentation.residual_map,
                in_use=segmentation.thresholds,
                fractions=tuple(allowed_percent(segmentation).items()),
            ),
        )
    regions = {
        str(region): rows for region, rows in measurement.fractions.groupby("region", sort=False)
    }
    shown, ends = corrected_regions(
        regions, fraction_intervals(recorded_errors(phases.history), scheme.names)
    )
    yield "fractions", phase_fractions(shown, errors=ends, scheme=scheme)
    guide = resolution_guide_of(phases.history)
    crowther = None if guide is None else guide.crowther_nm
    for name, table in measurement.objects.items():
        noun = f"{name} clusters" if name == "Sn" else f"{name} objects".replace("_", " ")
        yield (
            f"objects_{name}",
            object_histograms(
                table,
                noun=noun,
                voxel_nm=max(phases.spacing),
                crowther_nm=crowther,
                size_limit=recorded_size_limit(phases.history, noun),
                min_voxels=recipe.measure.min_voxels,
            ),
        )


def corrected_regions(
    regions: Mapping[str, pd.DataFrame], intervals: Intervals
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, tuple[float, float]]]]:
    """Return the tables of regions, each followed by the corrected one where there is one, and the
    intervals: of the corrected one, else of what was counted.
    """
    shown: dict[str, pd.DataFrame] = {}
    ends: dict[str, dict[str, tuple[float, float]]] = {}
    for region, table in regions.items():
        shown[region] = table
        known = intervals.get(region, {})
        name = region
        all_known = all(phase in known for phase in table["name"])
        if all_known and any(one.is_corrected for one in known.values()):
            name = f"{region}, corrected"
            best = [known[phase].best for phase in table["name"]]
            shown[name] = table.assign(fraction_percent=best)
        ends[name] = {phase: (one.low, one.high) for phase, one in known.items()}
    return shown, ends
