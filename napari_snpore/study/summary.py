"""What a run found, in plain text: every number with its unit, its convention and its caveat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from napari_snpore import __version__
from napari_snpore.measurement.objects import SizeSummary, size_summary
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.steps import Measurement, Segmentation, Tomogram


def summarise(recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation, measurement: Measurement) -> str:
    """Return the summary of one run, one block a step."""
    title = f"napari-snpore {__version__} · {recipe.name or 'run'}"
    blocks = [
        [title, "=" * len(title)],
        tomogram_lines(tomogram),
        segmentation_lines(segmentation, measurement.fractions),
        dead_pore_lines(measurement),
    ]
    for name, table in measurement.objects.items():
        sizes = size_summary(table, limit_nm=recipe.measure.limit_nm, min_voxels=recipe.measure.min_voxels)
        blocks.append(object_lines(name, table, sizes))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def tomogram_lines(tomogram: Tomogram) -> list[str]:
    """Say what the volume is and how far it resolves."""
    volume = tomogram.volume
    z, y, x = volume.shape
    dz, dy, dx = volume.spacing
    voxel = f"{dx:.4g} nm" if dz == dy == dx else f"{dz:.4g} × {dy:.4g} × {dx:.4g} nm (z, y, x)"
    lines = []
    if tomogram.series is not None:
        angles = tomogram.series.angles_deg
        lines.append(
            f"Tilt series     {len(angles)} images, {angles.min():.1f}° to {angles.max():.1f}°, "
            f"pixel {tomogram.series.pixel_size_nm:.4g} nm"
        )
    if tomogram.alignment is not None:
        found = tomogram.alignment
        lines.append(
            f"Alignment       {found.method}: axis {found.tilt_axis_angle:.1f}° from image y, offset "
            f"{found.tilt_axis_offset_px:.2f} px, residual {np.median(found.residual_px):.2f} px (median over tilts, across "
            f"the axis), hand {found.handedness}"
        )
        lines += [f"                ! {sentence}" for sentence in found.notes]
    lines.append(f"Volume          {z} × {y} × {x} voxels (z, y, x) of {voxel}")
    quality = tomogram.quality
    if quality is not None:
        lines += [
            f"Residual        {100 * quality.residual:.2f} % of the images' norm",
            f"Resolution      Crowther D·Δθ = {quality.crowther_nm:.3g} nm (D = {quality.thickness_nm:.3g} nm, Δθ = "
            f"{quality.tilt_step_deg:.3g}°), × {quality.wedge_elongation:.2f} along the beam (missing wedge, ±"
            f"{quality.tilt_range_deg / 2:.0f}°)",
        ]
    return lines


def segmentation_lines(segmentation: Segmentation, fractions: pd.DataFrame) -> list[str]:
    """Say where the thresholds and the envelope lie and what share each phase has."""
    values = ", ".join(f"t{k} = {value:.4g}" for k, value in enumerate(segmentation.thresholds, 1))
    how = segmentation.method
    if segmentation.separation is not None:
        how += f", separation {segmentation.separation:.2f}"
    lines = [f"Thresholds      {values} grey units ({how})"]
    if segmentation.warning:
        lines.append(f"                ! {segmentation.warning}")
    if segmentation.envelope is not None:
        cut = ", ".join("zyx"[axis] for axis in segmentation.cut_axes) or "none"
        about = dict(segmentation.phases.history[-1].parameters)
        lines.append(
            f"Envelope        ambient occlusion: rays of {segmentation.ray_length_nm:.3g} nm in {about['directions']} "
            f"directions, τ = {about['occlusion_threshold']:.2f}, cut along {cut}"
        )
    else:
        lines.append("Envelope        none: fractions are of the whole box")
    regions = fractions["region"] if "region" in fractions else pd.Series("whole", index=fractions.index)
    lines.append("Fractions       % of the envelope's volume (and % of the box)")
    for region in regions.unique():
        rows = fractions[regions == region]
        shares = "   ".join(f"{name} {share:.1f} ({box:.1f})" for name, share, box in zip(
            rows["name"], rows["fraction_percent"], rows["fraction_box_percent"], strict=True))  # fmt: skip
        lines.append(f"  {region:<14}{shares}")
    return lines


def dead_pore_lines(measurement: Measurement) -> list[str]:
    """Say how much of the pore volume reaches no exterior, for the three connectivities."""
    if measurement.dead_pores is None:
        return []
    lines = ["Dead pores      % of pore volume (% of envelope), by connectivity of the void"]
    for row in measurement.dead_pores.table.to_dict("records"):
        lines.append(
            f"  {row['connectivity']:>2}            {100 * row['dead_share_of_pore']:.3g} "
            f"({100 * row['dead_share_of_envelope']:.3g}); open only to the cut: {row['open_to_cut_voxel_count']} voxels"
        )
    return lines


def object_lines(name: str, table: pd.DataFrame, sizes: SizeSummary) -> list[str]:
    """Say how many objects of a phase there are and how large, with what the figures leave out."""
    if len(table) == 0:
        return [f"{name}: no object"]
    return [f"{name}: {len(table)} objects"]
