"""What a run found, in plain text: every number with its unit, its convention and its caveat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore import __version__
from napari_snpore.measurement.objects import SizeSummary, size_summary
from napari_snpore.segmentation.envelope import Envelope
from napari_snpore.study.detail_report import detail_lines
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.quality_report import even_odd_lines, tilt_lines
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.volume import Volume


def summarize(recipe: Recipe, tomogram: Tomogram, segmentation: Segmentation, measurement: Measurement) -> str:
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
    blocks.append(detail_lines(measurement.details, measurement.fractions, segmentation.scheme.names, recipe.measure))
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
        lines += tilt_lines(tomogram.inspection)
    if tomogram.alignment is not None:
        found = tomogram.alignment
        lines.append(
            f"Alignment       {found.method}: axis {found.tilt_axis_angle_deg:.1f}° from image y, offset "
            f"{found.tilt_axis_offset_px:.2f} px, {_residual_words(found.residual_px)}, hand {found.handedness}"
        )
        lines += [f"                ! {sentence}" for sentence in found.notes]
    lines.append(f"Volume          {z} × {y} × {x} voxels (z, y, x) of {voxel}")
    lines += reconstruction_lines(volume)
    quality = tomogram.quality
    if quality is not None:
        lines += [
            f"Residual        {100 * quality.residual:.2f} % of the images' norm",
            f"Resolution      Crowther D·Δθ = {quality.crowther_nm:.3g} nm (D = {quality.thickness_nm:.3g} nm, Δθ = "
            f"{quality.tilt_step_deg:.3g}°), × {quality.wedge_elongation:.2f} along the beam (missing wedge, ±"
            f"{quality.tilt_range_deg / 2:.0f}°)",
            f"Mass            {100 * quality.mass_variation:.2g} % standard deviation over the tilts",
        ]
    return lines + even_odd_lines(tomogram.even_odd)


def _residual_words(residual_px: NDArray[np.float64]) -> str:
    if np.isnan(residual_px).all():
        return "residual unknown"
    return f"residual {np.median(residual_px):.2f} px (median over tilts, across the axis)"


_METHODS = {"sirt": "SIRT", "wbp": "WBP", "cgls": "CGLS", "tv": "TV", "dart": "DART"}


def reconstruction_lines(volume: Volume) -> list[str]:
    """Say by which method the volume was made and what was taken from the data for it."""
    step = next((step for step in reversed(volume.history) if step.name == "reconstruct"), None)
    if step is None:
        return []
    how = step.parameters
    words = [_METHODS[how["method"]]]
    if "iterations" in how:
        words.append(f"{how['iterations']} iterations")
    if how.get("stop") == "noise" and how["noise_reached"]:
        words.append(f"stopped at the noise of the images ({100 * how['noise_share']:.2g} % of their norm)")
    if "tv_weight" in how:
        words.append(f"weight {how['tv_weight']:.3g} grey units (from: {how['tv_weight_from']})")
    if "gray_levels" in how:
        levels = ", ".join(f"{level:.3g}" for level in how["gray_levels"])
        words.append(f"grey levels {levels} (from: {how['gray_levels_from']})")
    if "filter" in how:
        words.append(f"filter {how['filter']}")
    notes = [how["note"]] if "note" in how else []
    return [f"Reconstruction  {', '.join(words)}", *(f"                ! {note}" for note in notes)]


def segmentation_lines(segmentation: Segmentation, fractions: pd.DataFrame) -> list[str]:
    """Say where the thresholds and the envelope lie and what share each phase has."""
    values = ", ".join(f"t{k} = {value:.4g}" for k, value in enumerate(segmentation.thresholds, 1))
    suggestion = segmentation.suggestion
    how = "given"
    if suggestion is not None:
        how = f"{suggestion.method}, separation {suggestion.separation:.2f} of 1"
        if np.isfinite(suggestion.overlap):
            how += f", overlap {100 * suggestion.overlap:.2g} %"
    lines = [f"Thresholds      {values} grey units ({how})"]
    if suggestion is not None and suggestion.warning:
        lines.append(f"                ! {suggestion.warning}")
    lines += sensitivity_lines(segmentation)
    lines += [
        f"Clean-up        {step.name}: {step.changed_voxel_count} voxels changed" for step in segmentation.cleanup
    ]
    lines += envelope_lines(segmentation.envelope)
    regions = fractions["region"] if "region" in fractions else pd.Series("whole", index=fractions.index)
    of_what = "the envelope's volume (% of the box)" if "envelope" in set(fractions["denominator"]) else "the whole box"
    lines.append(f"Fractions       % of {of_what}")
    for region in regions.unique():
        rows = fractions[regions == region].to_dict("records")
        shares = [f"{row['name']} {row['fraction_percent']:.1f}{_of_box(row)}" for row in rows]
        size = rows[0].get("region_size_nm", np.nan)
        name = region if not np.isfinite(size) else f"{region} cube, {size:.3g} nm"
        lines.append(f"  {name:<22}" + "   ".join(shares))
    return lines


def sensitivity_lines(segmentation: Segmentation) -> list[str]:
    """Say how safe each threshold is: how far it can move until the phase below it changes by one percentage point."""
    lines = []
    if segmentation.calibration is not None:
        found = segmentation.calibration
        guess = "" if found.carbon_is_a_mode else " (a guess: carbon is no peak of the histogram)"
        lines.append(f"                calibrated by vacuum {found.vacuum:.4g} and carbon {found.carbon:.4g}{guess}")
    table = segmentation.sensitivity
    if table is None:
        return lines
    for row in table.drop_duplicates("threshold").to_dict("records"):
        lines.append(
            f"                {row['phase']} changes by one percentage point where {row['threshold']} leaves "
            f"{row['plateau_from_gray']:.4g} to {row['plateau_to_gray']:.4g}"
        )
    return lines


def _of_box(row: dict[str, Any]) -> str:
    return f" ({row['fraction_box_percent']:.1f})" if row["denominator"] == "envelope" else ""


def envelope_lines(envelope: Envelope | None) -> list[str]:
    """Say how the envelope was found and what it leaves out."""
    if envelope is None:
        return ["Envelope        none: fractions are of the whole box"]
    settings = envelope.options
    cut = ", ".join("zyx"[axis] for axis in settings.cut_axes) or "no axis"
    lines = [
        f"Envelope        {envelope.volume_nm3:.4g} nm³; ambient occlusion: rays of {envelope.ray_length_nm:.3g} nm in "
        f"{settings.directions} directions, τ = {settings.occlusion_threshold:.2f}, fibre cut along {cut}"
    ]
    if envelope.loose_voxel_count:
        lines.append(
            f"                ! {envelope.loose_voxel_count} solid voxels lie loose outside of it and are left out"
        )
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
        return [f"Objects, {name:<7}none"]
    row = table.iloc[0]
    lines = [
        f"Objects, {name:<6} {sizes.count} ({row['objects_from']}); Feret diameters, convention {row['convention']}; "
        f"{sizes.cut_by_box} cut by the box and left out below"
    ]
    if sizes.count == sizes.cut_by_box:
        return lines
    limit = f"{sizes.limit_nm:g} nm"
    lines.append(
        f"  all           length {sizes.median_length_nm:.3g} nm (median); shorter than {limit}: "
        f"{100 * sizes.share_below_limit_by_number:.3g} % by number, {100 * sizes.share_below_limit_by_volume:.3g} % by volume"
    )
    if sizes.resolved_count:
        lines.append(
            f"  resolved      length {sizes.resolved_median_length_nm:.3g} nm (median); shorter than {limit}: "
            f"{100 * sizes.resolved_share_below_limit_by_number:.3g} % by number, "
            f"{100 * sizes.resolved_share_below_limit_by_volume:.3g} % by volume"
        )
    if sizes.unresolved_share > 0:
        lines.append(
            f"                ! {100 * sizes.unresolved_share:.3g} % of them have fewer than {sizes.min_voxels} voxels: "
            "their shape is not resolved"
        )
    return lines
