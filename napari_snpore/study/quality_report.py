"""Quality of a reconstruction as tables, as the record's ``quality``, and as statements of the
report.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.study.provenance import plain
from napari_snpore.study.report import (
    CAVEAT,
    Statement,
    caveat,
    error_text,
    number,
    percent,
    signed,
)
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.discrete.blur_search import BlurEstimate
from napari_snpore.tomography.even_odd import EvenOdd, meaning_of
from napari_snpore.tomography.quality import Quality
from napari_snpore.tomography.shell_correlation import ShellCorrelation
from napari_snpore.tomography.tv_reconstruction import MOST_MISFIT


def quality_record(tomogram: Tomogram) -> dict[str, Any]:
    """Return the entry ``results.quality`` of the record; empty for a volume that was made
    elsewhere.
    """
    if tomogram.quality is None:
        return {}
    found: dict[str, Any] = dict(plain(tomogram.quality))
    found["reconstruction"] = plain(
        required_step(tomogram.volume.history, ReconstructStep).parameters
    )
    found["even_odd"] = None if tomogram.even_odd is None else plain(tomogram.even_odd.as_dict())
    found["blur"] = None if tomogram.blur is None else plain(tomogram.blur)
    if tomogram.alignment is not None:
        found["alignment"] = plain(tomogram.alignment)
    return found


def quality_tables(tomogram: Tomogram) -> dict[str, pd.DataFrame]:
    """Return the tables of a reconstruction by file name."""
    tables: dict[str, pd.DataFrame] = {}
    if tomogram.quality is not None and tomogram.aligned is not None:
        angles = tomogram.aligned.angles_deg
        tables["reconstruction_residual"] = pd.DataFrame(
            {
                "tilt": np.arange(len(angles)),
                "angle_deg": angles,
                "residual_share": tomogram.quality.residual_per_tilt,
                "mass_gray": tomogram.quality.mass_per_tilt,
            }
        )
    if tomogram.inspection is not None:
        tables["tilts"] = tomogram.inspection
    if tomogram.blur is not None and tomogram.blur.curve:
        tables["blur"] = blur_table(tomogram.blur)
    if tomogram.even_odd is not None:
        tables["fourier_shell_correlation"] = tomogram.even_odd.table()
    return tables


def quality_statements(quality: Quality) -> list[Statement]:
    """Return residual, resolution and mass of a reconstruction, each with its unit."""
    along = quality.crowther_nm * quality.wedge_elongation
    return [
        Statement(
            "Projections",
            f"residual **{percent(quality.residual)}** of the images' norm, mass ± {error_text(100 * quality.mass_variation)} %",
        ),
        Statement(
            "Crowther",
            f"D·Δθ **{number(quality.crowther_nm)} nm** across the beam "
            f"(D {number(quality.thickness_nm)} nm, Δθ {number(quality.tilt_step_deg)}°)",
        ),
        Statement(
            "Elongation",
            f"wedge × **{quality.wedge_elongation:.2f}**: {number(along)} nm along the beam",
        ),
    ]


def even_odd_statements(found: EvenOdd | None) -> list[Statement]:
    """Return where even and odd tilts cease to agree: for WBP this is a resolution, for other
    methods a consistency.
    """
    if found is None:
        return []
    statements = []
    for method, curve in found.curves.items():
        sides = ", ".join(f"{label} {_limit(curve, name)}" for name, label in _SIDES.items())
        statements.append(
            Statement(
                "Even/odd",
                f"{method.upper()} {meaning_of(method)}: {_limit(curve, 'all')} at half-bit ({sides})",
            )
        )
    return statements


def even_odd_statement(found: EvenOdd) -> Statement:
    """Return where even and odd tilts cease to agree over all directions, in one sentence for a
    form.
    """
    parts = []
    for method, curve in reversed(found.curves.items()):
        words = {
            "crossed": f"**{number(curve.resolution_nm())} nm**",
            "not crossed": f"**≤ {number(curve.finest_nm)} nm**",
            "begins below": "none",
            "no data": "no data",
        }[curve.outcome()]
        parts.append(f"{meaning_of(method)} {words} ({method.upper()})")
    return Statement("", f"even/odd {', '.join(parts)}")


def blur_table(found: BlurEstimate) -> pd.DataFrame:
    """Return the trials of a search for the blur: ``blur_px, residual``, by rising blur."""
    return pd.DataFrame(list(found.curve), columns=["blur_px", "residual"])


def found_blur_statements(found: BlurEstimate) -> list[Statement]:
    """Return the blur that a search found with its interval, or why it cannot be trusted."""
    if not math.isfinite(found.sigma_px):
        return [Statement("Blur", "of the images not found"), caveat(str(found.reason))]
    interval = ""
    if math.isfinite(found.low_95):
        interval = f" ({found.low_95:.2f} to {found.high_95:.2f})"
    levels = ", ".join(number(level) for level in found.levels)
    words = f"of the images **{found.sigma_px:.2f} px**{interval}; grey levels {levels}"
    doubts = [] if found.reliable else [caveat(f"Not reliable. {found.reason}")]
    return [Statement("Blur", words), *doubts]


def blur_statements(made: ReconstructStep | None, found: BlurEstimate | None) -> list[Statement]:
    """Return the blur in the model of a reconstruction and where it comes from; empty for a method
    without one.

    Parameters
    ----------
    made : ReconstructStep or None
    found : BlurEstimate or None
        Where it was searched for: adds the interval.
    """
    if made is None or made.blur_px is None:
        return []
    if made.blur_from == "user":
        words = (
            "none, as asked for" if made.blur_px == 0 else f"**{made.blur_px:.2f} px**, as given"
        )
        return [Statement("Blur", words)]
    if made.blur_from == "images":
        known = found is not None and math.isfinite(found.low_95)
        interval = f" ({found.low_95:.2f} to {found.high_95:.2f})" if found and known else ""
        return [
            Statement(
                "Blur", f"of the images **{made.blur_px:.2f} px**{interval}, found in the images"
            )
        ]
    return [
        Statement("Blur", "of the images not found: the model has none, and small pores read low"),
        caveat(str(made.blur_from).removeprefix("none was used: ")),
    ]


def misfit_statements(made: ReconstructStep | None) -> list[Statement]:
    """Return what the images hold that no volume explains, where that is more than noise."""
    misfit = None if made is None else made.tv_misfit
    if misfit is None or misfit < _MUCH_MISFIT:
        return []
    most = "at least " if misfit >= MOST_MISFIT else ""
    return [
        caveat(
            f"The volume leaves {most}{number(misfit, 2)} times the squares of the images' noise unexplained: shifts"
            " that are left in the images, a blur that changes with depth, or noise that another"
            f" program smoothed. λ is {number(misfit, 2)} times as large for it."
        )
    ]


def noise_statements(made: ReconstructStep) -> list[Statement]:
    """Return the noise of the images and whether the reconstruction reached it; empty where it was
    not sought.
    """
    statements = []
    if made.noise_share is not None:
        reached = "reached" if made.noise_reached else f"{CAVEAT} not reached"
        statements.append(
            Statement(
                "", f"noise of the images {percent(made.noise_share)} of their norm: {reached}"
            )
        )
    if made.finished_early is not None:
        statements.append(caveat(f"finished early, after {made.finished_early}"))
    return statements


def tilt_statements(inspection: pd.DataFrame | None) -> list[Statement]:
    """Return the raw tilts that look bad, with the reason; none was left out for it."""
    if inspection is None:
        return []
    bad = inspection[inspection["reason"] != ""]
    statements = [
        caveat(f"tilt {row['tilt']} ({signed(row['angle_deg'], 1)}°) {row['reason']}")
        for row in bad.head(_MOST_NAMED).to_dict("records")
    ]
    if len(bad) > _MOST_NAMED:
        statements.append(caveat(f"and {len(bad) - _MOST_NAMED} more: tables/tilts.csv"))
    return statements


_MOST_NAMED = 5
_MUCH_MISFIT = 1.3
"""Squares left over those of noise that are worth a sentence: the noise itself is known to some 10 %."""

_SIDES = {"x": "across the beam", "y": "along the axis", "z": "along the beam"}


def _limit(curve: ShellCorrelation, direction: str) -> str:
    words = {
        "crossed": f"{curve.resolution_nm(direction):.3g} nm",
        "not crossed": f"<= {curve.finest_nm:.3g} nm (not crossed)",
        "begins below": "none (begins below)",
        "no data": "no data",
    }
    return words[curve.outcome(direction)]
