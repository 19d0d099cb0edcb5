"""Segmentation of a volume into phases: smoothing, thresholds, envelope, labels, polishing,
clean-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import recorded_cut_axes
from napari_snpore.memory import memory_limit, size_text
from napari_snpore.scratch import IN_MEMORY, mapped_within
from napari_snpore.segmentation.calibration import GrayCalibration
from napari_snpore.segmentation.cleanup import CleanupOptions, CleanupStep, clean_up
from napari_snpore.segmentation.envelope import Envelope, EnvelopeOptions, make_envelope
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.segmentation.sensitivity import threshold_sensitivity
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.segmentation.thresholds import Suggestion
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.polishing import polish_segmented, why_not_polished
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    PolishSection,
    ThresholdSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.thresholding import blur_of, choose_thresholds
from napari_snpore.tomography.discrete.polish import polish_bytes
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

SEGMENT_BYTES = 12.0
"""Bytes per voxel that a segmentation takes at the highest, beside the volume; measured at 256³."""

_SMOOTHED_BYTES = 4.0


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Phases and all that decided them.

    Attributes
    ----------
    phases : Volume
    thresholds : tuple of float
    scheme : PhaseScheme
    histogram : Histogram
        Of the grey values, the whole volume.
    method : str
        The rule that was used, or ``"given"``.
    suggestion : Suggestion or None
        None where thresholds were given.
    envelope : Envelope or None
    sensitivity : DataFrame or None
        Of the fractions before polishing and clean-up.
    calibration : GrayCalibration or None
    cleanup : tuple of CleanupStep
    residual_map : ResidualMap or None
        Where the images suggested the thresholds.
    threshold_note : str or None
        What was used in place of the rule that was asked for, and why.
    before_polishing : Volume or None
        The phases as the thresholds made them; None where they were not polished, and of a run by blocks
        that has ended.
    not_polished : str or None
        Why the phases were not polished.
    inside : Histogram or None
        Of the grey values inside the envelope, or of all without one.
    """

    phases: Volume
    thresholds: tuple[float, ...]
    scheme: PhaseScheme
    histogram: Histogram
    method: str
    suggestion: Suggestion | None
    envelope: Envelope | None
    sensitivity: pd.DataFrame | None = None
    calibration: GrayCalibration | None = None
    cleanup: tuple[CleanupStep, ...] = ()
    residual_map: ResidualMap | None = None
    threshold_note: str | None = None
    before_polishing: Volume | None = None
    not_polished: str | None = None
    inside: Histogram | None = None

    @property
    def cut_axes(self) -> tuple[int, ...]:
        """Axes along which the body extends beyond the box."""
        return recorded_cut_axes(self.phases.history)


def find_phases(
    volume: Volume,
    threshold: ThresholdSection,
    envelope: EnvelopeSection,
    cleanup: CleanupSection | None = None,
    *,
    polish: PolishSection | None = None,
    series: TiltSeries | None = None,
    context: RunContext,
) -> Segmentation:
    """Smoothing, histogram, thresholds, envelope, phase labels of a volume, their polishing by the
    tilt images, and their clean-up, in this order.

    Parameters
    ----------
    volume : Volume
        Grey values.
    threshold, envelope, cleanup, polish
        Sections of a recipe.
    series : TiltSeries, optional
        The aligned images that the volume was made from. Without them the histogram suggests the
        thresholds, and nothing is polished.
    context : RunContext
        Progress, cancel and timings of the steps ``smooth``, ``histogram``, ``projection
        residual``, ``envelope``, ``segment``, ``polish``, ``clean up`` and ``sensitivity``.
    """
    cleanup, store = cleanup or CleanupSection(), context.store
    smoothed = _SMOOTHED_BYTES if cleanup.smooth != "none" else 0
    context.state_memory("Segmenting", volume.shape, SEGMENT_BYTES + smoothed)
    cleaning = cleanup_options(cleanup, threshold.scheme)
    if cleanup.smooth != "none":
        with context.step("smooth") as watch:
            volume = smooth_volume(volume, cleanup.smooth, cleanup.smooth_strength, **watch)
    with context.step("histogram") as watch:
        histogram = gray_histogram(volume, **watch)
    chosen = choose_thresholds(volume, histogram, threshold, series, context=context)
    around = None
    if envelope.enabled:
        with context.step("envelope") as watch:
            around = make_envelope(
                volume,
                chosen.thresholds[0],
                envelope_options(envelope),
                out=None if store is None else store.empty(volume.shape, np.bool_),
                scratch=store or IN_MEMORY,
                **watch,
            )
    reason = why_not_polished(volume.history, series, polish, phases=len(chosen.thresholds) + 1)
    if reason is None and store is not None and series is not None:
        needed = polish_bytes(volume.shape, series.shape, blur_of(volume.history), on_disk=True)
        if needed > memory_limit(context.memory_limit):
            reason = f"It needs {size_text(needed)} of memory, and less may be used."
    with context.step("segment") as watch:
        made = segment_volume(
            volume,
            chosen.thresholds,
            scheme=threshold.scheme,
            method=chosen.method,
            envelope=around,
            cleanup=cleaning if reason is not None else None,
            out=_place(store, volume.shape, last=reason is not None),
            **watch,
        )
    phases, changed, before = made.phases, made.cleanup, None
    if reason is None:
        before = made.phases
        with context.step("polish") as watch:
            last = not cleaning.anything
            phases = _polished(before, series, polish, store, last=last, **watch)
        if cleaning.anything:
            with context.step("clean up") as watch:
                polished = phases.data
                target = _place(store, volume.shape, last=True)
                phases, steps = _clean(phases, cleaning, out=target, **watch)
                if target is not None:
                    polished.remove()
            changed = tuple(steps)
    with context.step("sensitivity") as watch:
        inside = histogram
        if around is not None and around.volume_nm3 > 0:
            inside = gray_histogram(volume, mask=around.mask, **watch)
        names = threshold.scheme.names
        sensitivity = threshold_sensitivity(inside, chosen.thresholds, names=names)
    return Segmentation(
        phases,
        chosen.thresholds,
        threshold.scheme,
        histogram,
        chosen.method,
        chosen.suggestion,
        around,
        sensitivity,
        chosen.calibration,
        changed,
        chosen.residual_map,
        chosen.note,
        before,
        reason,
        inside,
    )


def envelope_options(section: EnvelopeSection) -> EnvelopeOptions:
    """Return the settings of an envelope from a section of a recipe."""
    return EnvelopeOptions(
        section.ray_length_nm,
        section.occlusion_threshold,
        tuple(section.cut_axes),
        section.directions,
        section.largest_body,
    )


def _place(store: BlockStore | None, shape: Sequence[int], *, last: bool) -> Any:
    """Return where phases are written by blocks, the last ones for the result; None in memory."""
    if store is None:
        return None
    if last:
        return store.result("phases", shape, np.uint8)
    return store.empty(tuple(shape), np.uint8)


def _polished(
    before: Volume,
    series: TiltSeries | None,
    section: PolishSection | None,
    store: BlockStore | None,
    *,
    last: bool,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Volume:
    """Return polished phases: in memory, or by blocks where there is a store."""
    watch: dict[str, Any] = {"progress": progress, "should_stop": should_stop}
    if store is None:
        return polish_segmented(before, series, section=section, **watch)
    blocks = _place(store, before.shape, last=last)
    with mapped_within(store) as scratch:  # polishing writes rows, the blocks take whole blocks
        rows = scratch.empty(before.shape, np.uint8)
        phases = polish_segmented(before, series, section=section, out=rows, **watch)
        store.in_blocks(phases.data, blocks, should_stop)
    return replace(phases, data=blocks)


def _clean(
    phases: Volume,
    options: CleanupOptions,
    *,
    out: Any,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[Volume, list[CleanupStep]]:
    return clean_up(
        phases,
        specks=options.specks,
        fill=options.fill,
        majority_radius=options.majority_radius,
        out=out,
        progress=progress,
        should_stop=should_stop,
    )


def cleanup_options(section: CleanupSection, scheme: PhaseScheme) -> CleanupOptions:
    """Return the settings of a clean-up from a section of a recipe."""
    for name in (*section.fill, *section.specks):
        if name not in scheme.names:
            raise InputError(f"cleanup names {name!r}; the phases are {', '.join(scheme.names)}.")
    labels = {name: k for k, name in enumerate(scheme.names, 1)}
    return CleanupOptions(
        section.majority_radius,
        tuple(labels[name] for name in section.fill),
        tuple((labels[name], least) for name, least in section.specks.items()),
    )
