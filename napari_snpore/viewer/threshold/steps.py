"""What the Threshold widget does in its threads: counting, the envelope, the phases. No widget and no layer is touched here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.segmentation.cleanup import CleanupStep, clean_up
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme, segment
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.viewer.threshold.cleanup_panel import CleanupOptions
from napari_snpore.viewer.threshold.envelope_settings import Envelope, EnvelopeOptions, make_envelope
from napari_snpore.viewer.threshold.saved_state import unpack_envelope
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class Enclosed:
    """An envelope and the grey values inside it."""

    envelope: Envelope
    inside: Histogram


@dataclass(frozen=True, eq=False)
class Counted:
    """A histogram and the thresholds suggested from it, or the sentence why there are none; an envelope that was kept."""

    histogram: Histogram
    suggestion: Suggestion | None = None
    refusal: str = ""
    enclosed: Enclosed | None = None


@dataclass(frozen=True, eq=False)
class Labelled:
    """Phases; ``enclosed`` where the envelope had to be made again."""

    labels: NDArray[np.uint8]
    envelope: Envelope | None
    enclosed: Enclosed | None
    options: CleanupOptions
    cleanup: tuple[CleanupStep, ...]


def scheme_of_count(phases: int) -> PhaseScheme:
    """Return names and colours of so many phases, as a recipe does."""
    if phases == len(PORE_C_SN.names):
        return PORE_C_SN
    from napari_snpore.study.recipe import ThresholdSection  # the study brings in every step: half a second

    return ThresholdSection(phases=phases).scheme


def count(
    data: Any,
    phases: int,
    method: str,
    kept: Mapping[str, Any] | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Counted:
    """Count the grey values, suggest thresholds, and take up the envelope of a saved window where there is one."""
    histogram = gray_histogram(data, progress=progress, should_stop=should_stop)
    enclosed = None
    if kept is not None and tuple(kept["shape"]) == tuple(data.shape):
        envelope = unpack_envelope(kept)
        enclosed = Enclosed(envelope, gray_histogram(data, mask=envelope.inside, should_stop=should_stop))
    try:
        return Counted(histogram, suggest_thresholds(histogram, phases=phases, method=method), enclosed=enclosed)  # type: ignore[arg-type]
    except InputError as error:
        return Counted(histogram, refusal=str(error), enclosed=enclosed)


def enclose(
    volume: Volume, threshold: float, options: EnvelopeOptions, progress: Progress, should_stop: ShouldStop
) -> Enclosed:
    """Make the envelope and count the grey values inside."""
    envelope = make_envelope(volume, threshold, options, progress, should_stop)
    return Enclosed(envelope, gray_histogram(volume, mask=envelope.inside, should_stop=should_stop))


def label(
    data: Any,
    thresholds: tuple[float, ...],
    envelope: Envelope | None,
    stale: Volume | None,
    options: EnvelopeOptions,
    cleanup: CleanupOptions,
    progress: Progress,
    should_stop: ShouldStop,
) -> Labelled:
    """Label every voxel; ``stale`` is the volume whose envelope has to be made again first."""
    enclosed = None
    if stale is not None:
        enclosed = enclose(stale, thresholds[0], options, progress, should_stop)
        envelope = enclosed.envelope
    mask = None if envelope is None else envelope.inside
    labels = segment(data, thresholds, envelope=mask, progress=progress, should_stop=should_stop)
    labels, changed = clean_up(
        labels, specks=cleanup.specks, fill=cleanup.fill, majority_radius=cleanup.majority_radius
    )
    return Labelled(labels, envelope, enclosed, cleanup, tuple(changed))
