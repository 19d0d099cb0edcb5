"""Phases of a gray volume: thresholds, the envelope around the body and the clean-up of the labels,
as one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import beside, drop
from napari_snpore.history import SegmentStep
from napari_snpore.segmentation.cleanup import CleanupOptions, CleanupStep, clean_up
from napari_snpore.segmentation.envelope import Envelope
from napari_snpore.segmentation.phases import PORE_C_SN, PhaseScheme, segment
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class SegmentedVolume:
    """Phases (uint8, 0 exterior, 1..N) and what each part of the clean-up changed."""

    phases: Volume
    cleanup: tuple[CleanupStep, ...]


def segment_volume(
    volume: Volume,
    thresholds: Sequence[float],
    *,
    scheme: PhaseScheme = PORE_C_SN,
    method: str = "given",
    envelope: Envelope | None = None,
    cleanup: CleanupOptions | None = None,
    out: Any = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> SegmentedVolume:
    """Return the phases of a volume, with thresholds, envelope and clean-up in their history.

    Parameters
    ----------
    volume : Volume
        Gray values.
    thresholds : sequence of float
        Increasing, gray units; see :func:`~napari_snpore.segmentation.phases.segment`.
    scheme : PhaseScheme
        Names of the phases 1..N.
    method : str
        The rule that suggested the thresholds, or ``"given"``; for the history.
    envelope : Envelope, optional
        What lies outside becomes 0 (exterior). None: the whole box is labelled.
    cleanup : CleanupOptions, optional
        None: nothing is cleaned up.
    out : array of integers, shape of the volume, optional
        An array on disk that is written by blocks. Default: a new numpy array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Raises
    ------
    InputError
        Thresholds that do not increase, an envelope of another shape, NaN, a phase that does not
        exist.
    """
    mask = None if envelope is None else envelope.mask
    changed: list[CleanupStep] = []
    cleaned = None
    cleans = cleanup is not None and cleanup.anything
    labels = segment(
        volume.data,
        thresholds,
        envelope=mask,
        out=beside(out) if cleans and out is not None else out,
        progress=progress,
        should_stop=should_stop,
    )
    if cleanup is not None and cleans:
        given = labels
        labels, changed = clean_up(
            given,
            specks=cleanup.specks,
            fill=cleanup.fill,
            majority_radius=cleanup.majority_radius,
            out=out,
            progress=progress,
            should_stop=should_stop,
        )
        if out is not None:
            drop(given, out)
        cleaned = cleanup.parameters(changed)
    made_by = SegmentStep(
        thresholds=tuple(map(float, thresholds)),
        phase_names=scheme.names,
        method=method,
        envelope=None if envelope is None else envelope.made_by,
        cleanup=cleaned,
    )
    return SegmentedVolume(volume.after(made_by, labels), tuple(changed))
