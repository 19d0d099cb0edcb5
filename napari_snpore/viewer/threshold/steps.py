"""Work of the Threshold form in threads: histogram, envelope, phases; no widget or layer
changes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import SegmentStep, required_step
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.segmentation.cleanup import CleanupOptions, CleanupStep, clean_up
from napari_snpore.segmentation.envelope import (
    Envelope,
    EnvelopeOptions,
    envelope_skin,
    make_envelope,
)
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.projection_residual import projection_residual
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.study.polishing import polish_segmented
from napari_snpore.study.recipe import PolishSection
from napari_snpore.study.report import html_of
from napari_snpore.study.segmentation_report import polish_statements
from napari_snpore.study.segmenting import SEGMENT_BYTES
from napari_snpore.study.thresholding import blur_of
from napari_snpore.viewer.forms.tilt_images import TiltImages
from napari_snpore.viewer.threshold.polish_panel import PolishedShares
from napari_snpore.viewer.threshold.saved_state import unpack_envelope
from napari_snpore.volume import Volume

IMAGE_RULES = ("auto", "projection")
"""Rules that ask the tilt images."""


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


@dataclass(frozen=True, eq=False)
class Compared:
    """Map of the residual over all thresholds, or the sentence why there is none."""

    found: ResidualMap | None
    refusal: str = ""


@dataclass(frozen=True, eq=False)
class PolishedVolume:
    """PolishedVolume phases, with the shares before and after."""

    labelled: Labelled
    shares: PolishedShares


def histogram_rule(rule: str) -> str:
    """Return the rule on the histogram that stands in for one by the images until they were asked.

    Examples
    --------
    >>> histogram_rule("auto"), histogram_rule("li")
    ('haadf', 'li')
    """
    return "haadf" if rule in IMAGE_RULES else rule


def compare(
    volume: Volume, images: TiltImages, phases: int, progress: Progress, should_stop: ShouldStop
) -> Compared:
    """Compare the volume, cut at all thresholds, with the images that it was made from."""
    try:
        series = images.load(_part(progress, 0.0, 0.1), should_stop)
        found = projection_residual(
            series,
            volume,
            blur_px=blur_of(volume.history),
            phases=phases,
            progress=_part(progress, 0.1, 1.0),
            should_stop=should_stop,
        )
    except InputError as error:
        return Compared(None, str(error))
    return Compared(found)


def polish(
    work: Callable[[CleanupOptions, Progress, ShouldStop], Labelled],
    images: TiltImages,
    section: PolishSection,
    cleanup: CleanupOptions,
    progress: Progress,
    should_stop: ShouldStop,
) -> PolishedVolume:
    """Label as *Apply* does, correct the labels by the images, and clean up last.

    ``work``: :func:`label` with all but its clean-up, progress and stop.
    """
    made = work(CleanupOptions(), _part(progress, 0.0, 0.1), should_stop)
    series = images.load(_part(progress, 0.1, 0.15), should_stop)
    phases = polish_segmented(
        made.phases,
        series,
        section=section,
        progress=_part(progress, 0.15, 0.95),
        should_stop=should_stop,
    )
    lines = tuple(html_of(polish_statements(phases), headings=False))
    steps: tuple[CleanupStep, ...] = ()
    if cleanup.anything:
        phases, changed = clean_up(
            phases,
            specks=cleanup.specks,
            fill=cleanup.fill,
            majority_radius=cleanup.majority_radius,
            should_stop=should_stop,
        )
        steps = tuple(changed)
    segmented = required_step(phases.history, SegmentStep)
    number = len(segmented.thresholds) + 1
    shares = PolishedShares(_shares(made.phases, number), _shares(phases, number), lines)
    return PolishedVolume(Labelled(phases, made.envelope, made.enclosed, steps), shares)


def _shares(phases: Volume, number: int) -> tuple[float, ...]:
    """Return the share of each phase in all that is not exterior."""
    counts = np.bincount(np.asarray(phases.data).ravel(), minlength=number + 1)[1 : number + 1]
    return tuple((counts / max(counts.sum(), 1)).tolist())


def _part(progress: Progress, start: float, end: float) -> Progress:
    made = share_of(progress, start, end)
    assert made is not None
    return made


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
        rule = histogram_rule(method)
        suggestion = suggest_thresholds(histogram, phases=phases, method=rule)  # type: ignore[arg-type]
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
    check_memory(
        f"Segmenting {shape_text(volume.shape)} voxels", SEGMENT_BYTES * math.prod(volume.shape)
    )
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
