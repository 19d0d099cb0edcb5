"""From a volume to phases: smoothing, thresholds, envelope, labels, clean-up."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.segmentation.body import largest_body
from napari_snpore.segmentation.calibration import GrayCalibration, calibrate_gray
from napari_snpore.segmentation.cleanup import CleanupStep, clean_up
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.occlusion import fibre_envelope
from napari_snpore.segmentation.phases import PhaseScheme, segment
from napari_snpore.segmentation.sensitivity import threshold_sensitivity
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.study.recipe import (
    CleanupSection,
    EnvelopeSection,
    ThresholdSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.volume import Triple, Volume


@dataclass(frozen=True, eq=False)
class Envelope:
    """The body with its pores, how it was found, and how many solid voxels lie loose outside of it."""

    mask: NDArray[np.bool_]
    ray_length_nm: float
    settings: EnvelopeSection
    volume_nm3: float
    loose_voxel_count: int


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
        """Axes along which the body goes on beyond the box."""
        return () if self.envelope is None else tuple(self.envelope.settings.cut_axes)


def find_phases(
    volume: Volume,
    threshold: ThresholdSection,
    envelope: EnvelopeSection,
    cleanup: CleanupSection | None = None,
    *,
    context: RunContext,
) -> Segmentation:
    """Smoothing, histogram, thresholds (given or suggested), envelope, phase labels of a volume, and their clean-up."""
    cleanup = cleanup or CleanupSection()
    fill, specks = _phases_to_clean(cleanup, threshold.scheme)
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
            around = find_envelope(volume, thresholds[0], envelope, **watch)
    with context.step("segment") as watch:
        labels = segment(volume.data, thresholds, envelope=None if around is None else around.mask, **watch)
    changed: list[CleanupStep] = []
    if cleanup.majority_radius or fill or specks:
        with context.step("clean up"):
            labels, changed = clean_up(labels, specks=specks, fill=fill, majority_radius=cleanup.majority_radius)
    with context.step("sensitivity") as watch:
        inside = histogram
        if around is not None and around.mask.any():
            inside = gray_histogram(volume, mask=around.mask, **watch)
        sensitivity = threshold_sensitivity(inside, thresholds, names=threshold.scheme.names)
    method = "given" if suggestion is None else suggestion.method
    phases = volume.after(
        "segment",
        labels,
        thresholds=list(thresholds),
        method=method,
        phase_names=list(threshold.scheme.names),
        envelope=None if around is None else {**around.settings.model_dump(), "ray_length_nm": around.ray_length_nm},
        cleanup=[asdict(step) for step in changed],
    )
    return Segmentation(
        phases,
        thresholds,
        threshold.scheme,
        histogram,
        method,
        suggestion,
        around,
        sensitivity,
        calibration,
        tuple(changed),
    )


def _phases_to_clean(section: CleanupSection, scheme: PhaseScheme) -> tuple[list[int], list[tuple[int, int]]]:
    for name in (*section.fill, *section.specks):
        if name not in scheme.names:
            raise InputError(f"cleanup names {name!r}; the phases are {', '.join(scheme.names)}.")
    labels = {name: k for k, name in enumerate(scheme.names, 1)}
    return [labels[name] for name in section.fill], [(labels[name], least) for name, least in section.specks.items()]


def find_envelope(volume: Volume, threshold: float, settings: EnvelopeSection, **watch: Any) -> Envelope:
    """Tell the body and its pores from the vacuum around it."""
    solid = np.asarray(volume.data) >= threshold
    body = largest_body(solid) if settings.largest_body else solid
    ray_length = settings.ray_length_nm or half_radius(body, volume.spacing)
    mask = fibre_envelope(
        body,
        spacing=volume.spacing,
        ray_length=ray_length,
        occlusion_threshold=settings.occlusion_threshold,
        directions=settings.directions,
        cut_axes=tuple(settings.cut_axes),
        **watch,
    )
    loose = int(np.count_nonzero(solid & ~mask))
    return Envelope(mask, ray_length, settings, int(np.count_nonzero(mask)) * volume.voxel_volume_nm3, loose)


def half_radius(solid: NDArray[np.bool_], spacing: Triple) -> float:
    """Return half the radius (nm) of the cylinder along y that holds as much solid: the default ray length.

    It lies above any pore mouth that is narrower than the fibre's radius and below the radius itself.
    """
    count = int(np.count_nonzero(solid))
    if count == 0:
        raise InputError("No voxel reaches the first threshold: there is nothing to segment; lower the threshold.")
    area = count * spacing[0] * spacing[2] / solid.shape[1]
    return max(math.sqrt(area / math.pi) / 2, 2 * max(spacing))
