"""What the tilt images said of a segmentation: entries of the record, tables and sentences."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from napari_snpore.history import PolishStep, last_step
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.numerals import UNKNOWN
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.segmentation.thresholds import CLEAR_SEPARATION, Suggestion
from napari_snpore.study.provenance import plain
from napari_snpore.study.report import Statement, caveat, number, percent, signed
from napari_snpore.study.segmenting import Segmentation
from napari_snpore.volume import Volume


def segmentation_record(segmentation: Segmentation) -> dict[str, Any]:
    """Return the entry ``results.segmentation`` of the record."""
    found = segmentation.residual_map
    images = None
    if found is not None:
        images = {
            "residual": found.minimum,
            "allowance": found.allowance,
            "levels_gray": found.levels,
            "best_thresholds_gray": found.best,
            "blur_px": found.blur_px,
            "allowed_percent": allowed_percent(segmentation),
        }
    step = last_step(segmentation.phases.history, PolishStep)
    return {
        "thresholds_gray": plain(segmentation.thresholds),
        "method": segmentation.method,
        "note": segmentation.threshold_note,
        "images": plain(images),
        "polish": None if step is None else plain(step.parameters),
        "not_polished": segmentation.not_polished,
    }


def segmentation_tables(segmentation: Segmentation) -> dict[str, pd.DataFrame]:
    """Return the tables of a segmentation by file name."""
    tables = {}
    if segmentation.sensitivity is not None:
        tables["threshold_sensitivity"] = segmentation.sensitivity
    if segmentation.residual_map is not None:
        tables["projection_residual"] = segmentation.residual_map.table()
    return tables


def allowed_percent(segmentation: Segmentation) -> dict[str, tuple[float, float]]:
    """Return the range of each phase's fraction over the thresholds that the images allow, before
    polishing; empty where the images were not asked or gave no levels.
    """
    found = segmentation.residual_map
    inside = segmentation.inside
    if found is None or not found.levels or inside is None:
        return {}
    ranges = found.fraction_ranges(inside)
    return dict(zip(segmentation.scheme.names, ranges, strict=True))


def clarity_words(suggestion: Suggestion) -> str:
    """Return which rule suggested thresholds, how clear the gaps are there, and what to do where
    they are not.

    Examples
    --------
    >>> clarity_words(Suggestion((0.5, 6.0), 0.92, None, "haadf", 0.012))
    'Sn first, then carbon (HAADF): separation 0.92 of 1, overlap 1.2 %'
    """
    rule = rule_name(suggestion.method, len(suggestion.thresholds) + 1)
    words = f"{rule}: separation {signed(suggestion.separation, 2)} of 1"
    if math.isfinite(suggestion.overlap):
        words += f", overlap {percent(suggestion.overlap)}"
    if suggestion.separation >= CLEAR_SEPARATION:
        return words
    other = "" if suggestion.method == "projection" else ", or thresholds by the tilt images"
    return (
        f"{words}. No clear gap: look at the phases on a slice, see by Sensitivity what a shift of"
        f" the threshold costs, or try a smoothed volume{other}"
    )


def loose_words(count: int) -> str:
    """Return what solid voxels outside of the envelope are, and where they count."""
    voxels, counts = ("voxel", "counts") if count == 1 else ("voxels", "count")
    return (
        f"{count:,} solid {voxels} outside of the envelope (noise or dust) {counts} in no fraction"
    )


def image_statements(segmentation: Segmentation) -> list[Statement]:
    """Return what the images say of the thresholds: residual, levels, and the fractions that they
    allow.
    """
    found = segmentation.residual_map
    statements = []
    if segmentation.threshold_note is not None:
        statements.append(caveat(segmentation.threshold_note))
    if found is None or not found.levels:
        return statements
    levels = ", ".join(number(level) for level in found.levels)
    statements.append(
        Statement(
            "",
            f"by the images: residual R = {number(found.minimum)} (1: noise alone), grey levels {levels},"
            f" blur {found.blur_px:.2f} px",
        )
    )
    ranges = allowed_percent(segmentation)
    if ranges:
        words = "; ".join(
            f"{name} {low:.1f} to {high:.1f} %" for name, (low, high) in ranges.items()
        )
        statements.append(Statement("", f"the images allow, by thresholds alone: {words}"))
    return statements


def polishing_statements(segmentation: Segmentation) -> list[Statement]:
    """Return what polishing changed, or why there was none."""
    if segmentation.not_polished is not None:
        return [Statement("Polishing", f"none. {segmentation.not_polished}")]
    statements = polish_statements(segmentation.phases)
    before = segmentation.before_polishing
    if before is not None:
        table = volume_fractions(
            before.data, spacing=before.spacing, names=segmentation.scheme.names
        )
        words = ", ".join(
            f"{row['name']} {row['fraction_percent']:.1f} %" for row in table.to_dict("records")
        )
        statements.insert(1, Statement("", f"before it: {words}"))
    return statements


def polish_statements(phases: Volume) -> list[Statement]:
    """Return what polishing changed in phases, from their history; empty where they were not
    polished.

    The share is that of the voxels which are not exterior.
    """
    step = last_step(phases.history, PolishStep)
    if step is None:
        return []
    if step.note is not None:
        return [Statement("Polishing", "no voxel was changed"), caveat(step.note)]
    counts = volume_fractions(phases)["voxel_count"]
    inside = int(counts.sum())
    share = 100 * step.changed_voxels / max(inside, 1)
    levels = ", ".join(number(level) for level in step.levels)
    before, after = (
        UNKNOWN if one is None else number(one)
        for one in (step.residual_before, step.residual_after)
    )
    statements = [
        Statement(
            "Polishing",
            f"changed **{share:.1f} %** of the voxels in {step.sweeps} sweeps; grey levels {levels};"
            f" residual R {before} → **{after}**",
        )
    ]
    statements.append(
        caveat(
            "Small closed pores are lost in reconstruction and polishing: dead pores read too few"
            " (docs/truth.md)."
        )
    )
    for label in step.held:
        statements.append(
            caveat(
                f"The grey level of phase {label} drifted by more than 10 % from the one that fits the"
                " thresholds, and was held there."
            )
        )
    return statements
