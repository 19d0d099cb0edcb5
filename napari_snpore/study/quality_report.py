"""What a run says of its reconstruction: the same numbers as tables, as the record's ``quality`` and as lines of the summary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.study.provenance import plain
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.even_odd import EvenOdd, meaning_of
from napari_snpore.tomography.shell_correlation import ShellCorrelation


def quality_record(tomogram: Tomogram) -> dict[str, Any]:
    """Return what stands under ``results.quality`` of the record; empty for a volume that was made elsewhere."""
    if tomogram.quality is None:
        return {}
    found: dict[str, Any] = dict(plain(tomogram.quality))
    used = tomogram.volume.history[-1].parameters
    found["reconstruction"] = plain(used)
    found["even_odd"] = None if tomogram.even_odd is None else plain(tomogram.even_odd.as_dict())
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
    if tomogram.even_odd is not None:
        tables["fourier_shell_correlation"] = tomogram.even_odd.table()
    return tables


def even_odd_lines(found: EvenOdd | None) -> list[str]:
    """Say where even and odd tilts cease to agree; the line of WBP speaks of resolution, the others of consistency."""
    if found is None:
        return []
    lines = []
    for method, curve in found.curves.items():
        sides = ", ".join(f"{label} {_limit(curve, name)}" for name, label in _SIDES.items())
        lines.append(
            f"Even/odd        {method.upper()} {meaning_of(method)}: {_limit(curve, 'all')} at half-bit ({sides})"
        )
    return lines


def tilt_lines(inspection: pd.DataFrame | None) -> list[str]:
    """Name the raw tilts that look bad, with the reason; none was left out for it."""
    if inspection is None:
        return []
    bad = inspection[inspection["reason"] != ""]
    lines = [
        f"                ! tilt {row.tilt} ({row.angle_deg:.1f}°) {row.reason}"
        for row in bad.head(_MOST_NAMED).itertuples()
    ]
    if len(bad) > _MOST_NAMED:
        lines.append(f"                ! and {len(bad) - _MOST_NAMED} more: tables/tilts.csv")
    return lines


_MOST_NAMED = 5
_SIDES = {"x": "across the beam", "y": "along the axis", "z": "along the beam"}


def _limit(curve: ShellCorrelation, direction: str) -> str:
    words = {
        "crossed": f"{curve.resolution_nm(direction):.3g} nm",
        "not crossed": f"<= {curve.finest_nm:.3g} nm (not crossed)",
        "begins below": "none (begins below)",
        "no data": "no data",
    }
    return words[curve.outcome(direction)]
