"""A reconstruction in words: the numbers beside it, each with its unit and its caveat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.even_odd import EvenOdd, meaning_of
from napari_snpore.viewer.forms.form import CAVEAT, number, percent, signed


def result_lines(found: Tomogram) -> list[str]:
    """Return the numbers beside a reconstruction, each with its unit and its caveat."""
    quality, used = found.quality, found.volume.history[-1].parameters
    if quality is None:
        return []
    along = quality.crowther_nm * quality.wedge_elongation
    lines = [
        f"residual <b>{percent(quality.residual)}</b> of the images' norm, mass ± {percent(quality.mass_variation)}",
        f"D·Δθ <b>{number(quality.crowther_nm)} nm</b> across the beam "
        f"(D {number(quality.thickness_nm)} nm, Δθ {number(quality.tilt_step_deg)}°)",
        f"wedge × <b>{quality.wedge_elongation:.2f}</b>: {number(along)} nm along the beam",
    ]
    if "noise_share" in used:
        reached = "reached" if used["noise_reached"] else f"{CAVEAT} not reached"
        lines.append(f"noise of the images {percent(used['noise_share'])} of their norm: {reached}")
    if "finished_early" in used:
        lines.append(f"{CAVEAT} finished early, after {used['finished_early']}")
    return lines


def even_odd_words(found: EvenOdd) -> list[str]:
    """Say where even and odd tilts cease to agree (half-bit): resolution for WBP, consistency for other methods."""
    parts = []
    for method, curve in reversed(found.curves.items()):
        words = {
            "crossed": f"<b>{number(curve.resolution_nm())} nm</b>",
            "not crossed": f"<b>≤ {number(curve.finest_nm)} nm</b>",
            "begins below": "none",
            "no data": "no data",
        }[curve.outcome()]
        parts.append(f"{meaning_of(method)} {words} ({method.upper()})")
    return [f"even/odd {', '.join(parts)}"]


def tilts_in_words(angles: NDArray[np.float64]) -> str:
    """Say how many tilts there are, from where to where, and their step."""
    ordered = np.sort(angles)
    step = np.median(np.diff(ordered)) if len(ordered) > 1 else 0.0
    return f"{len(angles)} tilts, {signed(ordered[0])}° to {signed(ordered[-1])}°, step {number(float(step))}°"
