"""Segmentation of a volume into phases: smoothing, thresholds, envelope, labels, clean-up."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.history import recorded_cut_axes
from napari_snpore.segmentation.calibration import GrayCalibration, calibrate_gray
from napari_snpore.segmentation.cleanup import CleanupOptions, CleanupStep
from napari_snpore.segmentation.envelope import Envelope, EnvelopeOptions, make_envelope
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.phases import PhaseScheme
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.segmentation.sensitivity import threshold_sensitivity
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    ThresholdSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Phases and all that decided them; ``suggestion`` is None where thresholds were given."""

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
    context: RunContext,
) -> Segmentation:
    """Smoothing, histogram, thresholds (given or suggested), envelope, phase labels of a volume,
    and their clean-up.
    """
    cleanup = cleanup or CleanupSection()
    cleaning = _cleanup_options(cleanup, threshold.scheme)
    if cleanup.smooth != "none":
        with context.step("smooth") as watch:
            volume = smooth_volume(volume, cleanup.smooth, cleanup.smooth_strength, **watch)
    with context.step("histogram") as watch:
        histogram = gray_histogram(volume, **watch)
    suggestion, calibration = None, None
    if threshold.values is None:
        suggestion = suggest_thresholds(histogram, phases=threshold.phases, method=threshold.method)
        thresholds = suggestion.thresholds
    else:
        thresholds = tuple(map(float, threshold.values))
        if threshold.calibrated:
            calibration = calibrate_gray(histogram)
            thresholds = calibration.to_gray(thresholds)
    around = None
    if envelope.enabled:
        with context.step("envelope") as watch:
            around = make_envelope(volume, thresholds[0], envelope_options(envelope), **watch)
    method = "given" if suggestion is None else suggestion.method
    with context.step("segment") as watch:
        made = segment_volume(
            volume,
            thresholds,
            scheme=threshold.scheme,
            method=method,
            envelope=around,
            cleanup=cleaning,
            **watch,
        )
    with context.step("sensitivity") as watch:
        inside = histogram
        if around is not None and around.mask.any():
            inside = gray_histogram(volume, mask=around.mask, **watch)
        sensitivity = threshold_sensitivity(inside, thresholds, names=threshold.scheme.names)
    return Segmentation(
        made.phases,
        thresholds,
        threshold.scheme,
        histogram,
        method,
        suggestion,
        around,
        sensitivity,
        calibration,
        made.cleanup,
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


def _cleanup_options(section: CleanupSection, scheme: PhaseScheme) -> CleanupOptions:
    for name in (*section.fill, *section.specks):
        if name not in scheme.names:
            raise InputError(f"cleanup names {name!r}; the phases are {', '.join(scheme.names)}.")
    labels = {name: k for k, name in enumerate(scheme.names, 1)}
    return CleanupOptions(
        section.majority_radius,
        tuple(labels[name] for name in section.fill),
        tuple((labels[name], least) for name, least in section.specks.items()),
    )
