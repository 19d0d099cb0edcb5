"""Short descriptions of the contents of layers, for the middle column of the workbench."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Layer

from napari_snpore.history import (
    EnvelopeStep,
    MakePhantomStep,
    PolishStep,
    ReadStep,
    ReconstructStep,
    SmoothStep,
    last_step,
)
from napari_snpore.viewer.edits.watch import hand_edits
from napari_snpore.viewer.shared.layer_history import thresholds_of
from napari_snpore.viewer.shared.layers import record_of, steps_of

_LONGEST_NAME = 30


def file_of(series: Layer) -> str:
    """Return the file that a series was read from; its layer's name where that is not known."""
    read = last_step(steps_of(record_of(series)), ReadStep)
    return str(series.name) if read is None or read.file is None else read.file


def tilts_in_short(series: Layer) -> str:
    """Return the number of tilts and their step."""
    angles = np.sort(np.asarray(record_of(series)["angles_deg"], float))
    step = float(np.median(np.diff(angles))) if len(angles) > 1 else 0.0
    return f"{len(angles)} × {short(step)}°"


def made_by(volume: Layer) -> str:
    """Return what made a volume: method and iterations, what smoothed it, or its size in voxels
    where it was opened.
    """
    steps = steps_of(record_of(volume))
    made, phantom = last_step(steps, ReconstructStep), last_step(steps, MakePhantomStep)
    smooth = last_step(steps, SmoothStep)
    words = []
    if made is not None:
        words.append(" ".join(str(part) for part in (made.method.upper(), made.iterations) if part))
        if made.blur_px:
            words.append(f"blur {made.blur_px:.2f} px")
    elif phantom is not None:
        words.append(f"phantom, seed {phantom.seed}")
    if smooth is not None:
        words.append(f"{smooth.method} {short(smooth.strength)}")
    return (
        ", ".join(words)
        if words
        else " × ".join(f"{n}" for n in np.shape(volume.data)[-3:]) + " voxels"
    )


def thresholds_in_short(phases: Layer) -> str:
    """Name the thresholds of phases, and whether they were polished or edited by hand."""
    values = thresholds_of(phases)
    words = "  ".join(f"t{k} {short(value)}" for k, value in enumerate(values, 1))
    polished = last_step(steps_of(record_of(phases)), PolishStep)
    changed = polished is not None and polished.note is None
    edited = ", edited by hand" if hand_edits(phases) else ""
    return f"{words or 'phases as opened'}{', polished' if changed else ''}{edited}"


def rays_in_short(used: EnvelopeStep | None) -> str:
    """Name ray length and occlusion threshold of an envelope."""
    if used is None or used.ray_length_nm is None:
        return "made"
    return f"rays {short(used.ray_length_nm)} nm, τ {short(used.occlusion_threshold)}"


def objects_in_short(found: Sequence[Layer]) -> str:
    """Count the objects of each phase."""
    counts = {
        str(record_of(one).get("phase", one.name)): max(0, len(one.features) - 1) for one in found
    }
    if len(counts) == 1:
        ((phase, count),) = counts.items()
        return f"{phase}: {count:,} {'object' if count == 1 else 'objects'}"
    return ", ".join(f"{phase} {count:,}" for phase, count in counts.items()) + " objects"


def shortened(name: str) -> str:
    """Leave out the middle of a long name: file names differ at their ends."""
    return name if len(name) <= _LONGEST_NAME else f"{name[:14]}…{name[-14:]}"


def short(value: Any) -> str:
    """Write a number with three significant digits, no more than it has; empty for what is none."""
    if not isinstance(value, (int, float)):
        return ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
