"""Work of the Threshold form in threads: histogram, envelope, phases; no widget or layer
changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.segmentation.cleanup import CleanupOptions, CleanupStep
from napari_snpore.segmentation.envelope import (
    Envelope,
    EnvelopeOptions,
    envelope_skin,
    make_envelope,
)
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.viewer.threshold.saved_state import unpack_envelope
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class Enclosed:
    """An envelope, its outermost voxels, and the grey values inside it."""

    envelope: Envelope
    skin: NDArray[np.bool_]
    inside: Histogram


@dataclass(frozen=True, eq=False)
class Counted:
    """A histogram and the thresholds suggested from it, or the sentence why there are none; an
    envelope that was kept.
    """

    histogram: Histogram
    suggestion: Suggestion | None = None
    refusal: str = ""
    enclosed: Enclosed | None = None


@dataclass(frozen=True, eq=False)
class Labelled:
    """Phases; ``enclosed`` where the envelope had to be made again."""

    phases: Volume
    envelope: Envelope | None
    enclosed: Enclosed | None
    cleanup: tuple[CleanupStep, ...]


def count(
    data: Any,
    phases: int,
    method: str,
    kept: Mapping[str, Any] | None,
    progress: Progress,
    should_stop: ShouldStop,
) -> Counted:
    """Count the grey values, suggest thresholds, and take up the envelope of a saved window where
    there is one.
    """
    histogram = gray_histogram(data, progress=progress, should_stop=should_stop)
    enclosed = None
    if kept is not None and tuple(kept["shape"]) == tuple(data.shape):
        enclosed = _enclosed(data, unpack_envelope(kept), should_stop)
    try:
        suggestion = suggest_thresholds(histogram, phases=phases, method=method)  # type: ignore[arg-type]
        return Counted(histogram, suggestion, enclosed=enclosed)
    except InputError as error:
        return Counted(histogram, refusal=str(error), enclosed=enclosed)


def enclose(
    volume: Volume,
    threshold: float,
    options: EnvelopeOptions,
    progress: Progress,
    should_stop: ShouldStop,
) -> Enclosed:
    """Make the envelope and count the grey values inside."""
    envelope = make_envelope(volume, threshold, options, progress=progress, should_stop=should_stop)
    return _enclosed(volume.data, envelope, should_stop)


def label(
    volume: Volume,
    thresholds: tuple[float, ...],
    scheme: PhaseScheme,
    method: str,
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
    made = segment_volume(
        volume,
        thresholds,
        scheme=scheme,
        method=method,
        envelope=envelope,
        cleanup=cleanup,
        progress=progress,
        should_stop=should_stop,
    )
    return Labelled(made.phases, envelope, enclosed, made.cleanup)


def _enclosed(data: Any, envelope: Envelope, should_stop: ShouldStop) -> Enclosed:
    inside = gray_histogram(data, mask=envelope.mask, should_stop=should_stop)
    return Enclosed(envelope, envelope_skin(envelope.mask), inside)
