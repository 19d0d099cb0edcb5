"""The steps of a run as plain functions: sections of a recipe in, frozen results out. No files are touched but the input.

``snpore run``, the single commands and the demo all go through these, so that one parameter means one thing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.files import read_tilt_series, read_volume, read_xf
from napari_snpore.measurement.dead_pores import DeadPores, dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.objects import label_objects, measure_objects, separate_objects
from napari_snpore.scratch import IN_MEMORY, Room
from napari_snpore.segmentation.body import largest_body
from napari_snpore.segmentation.calibration import GrayCalibration, calibrate_gray
from napari_snpore.segmentation.cleanup import CleanupStep, clean_up
from napari_snpore.segmentation.histogram import Histogram, gray_histogram
from napari_snpore.segmentation.occlusion import fibre_envelope
from napari_snpore.segmentation.phases import PORE, PhaseScheme, segment
from napari_snpore.segmentation.sensitivity import threshold_sensitivity
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.segmentation.thresholds import Suggestion, suggest_thresholds
from napari_snpore.study.details import detail_tables
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import (
    AlignSection,
    CleanupSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    PrepareSection,
    ReconstructSection,
    ThresholdSection,
)
from napari_snpore.subvolume import centre_and_edge_boxes, extract_subvolume
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.even_odd import FEWEST_TILTS, MOST_SLICES, EvenOdd, even_odd_correlation
from napari_snpore.tomography.preparation import bin_series, crop_series, normalize_mass, subtract_background
from napari_snpore.tomography.quality import Quality, assess
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.shell_correlation import FEWEST_VOXELS
from napari_snpore.tomography.tilt_inspection import inspect_tilts, leave_out_tilts
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import aligned_shape
from napari_snpore.volume import Triple, Volume

_HALVES_BYTES = 32  # a voxel of the slices that even and odd tilts share: two volumes, two transforms, images

Monitor = Callable[[str], AbstractContextManager[Progress | None]]
"""``with monitor("reconstruct") as progress``: shows that a step runs and hands out its progress callback."""


@dataclass(frozen=True)
class Conduct:
    """How a run is watched: who sees progress, who may stop it, where timings are noted."""

    record: Record
    monitor: Monitor = field(default=lambda name: nullcontext(None))
    should_stop: ShouldStop | None = None

    @contextmanager
    def step(self, name: str) -> Iterator[dict[str, Any]]:
        """Run a step: yields the keyword arguments ``progress`` and ``should_stop`` that every long function takes."""
        check_stop(self.should_stop)
        with self.record.timed(name), self.monitor(name) as progress:
            yield {"progress": progress, "should_stop": self.should_stop}


@dataclass(frozen=True, eq=False)
class Tomogram:
    """A volume and, where it was reconstructed here, the series and the alignment behind it."""

    volume: Volume
    series: TiltSeries | None = None
    aligned: TiltSeries | None = None
    alignment: Alignment | None = None
    quality: Quality | None = None
    even_odd: EvenOdd | None = None
    inspection: pd.DataFrame | None = None


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


@dataclass(frozen=True, eq=False)
class Measurement:
    """Labelled objects and tables, by phase name."""

    labels: Mapping[str, NDArray[Any]]
    objects: Mapping[str, pd.DataFrame]
    fractions: pd.DataFrame
    dead_pores: DeadPores | None
    boxes: Mapping[str, tuple[Triple, float]]
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def load_series(section: InputSection) -> TiltSeries:
    """Read the tilt series that a recipe names."""
    if section.tilt_series is None:
        raise InputError("The recipe names no tilt_series.")
    return read_tilt_series(
        section.tilt_series,
        angles_deg=section.angles_deg,
        pixel_size_nm=section.pixel_size_nm,
        tilt_axis_angle=section.tilt_axis_angle,
    )


def obtain_volume(
    source: InputSection,
    preparation: PrepareSection,
    alignment: AlignSection,
    reconstruction: ReconstructSection,
    *,
    conduct: Conduct,
    room: Room = IN_MEMORY,
) -> Tomogram:
    """Read a volume, or read, prepare, align and reconstruct a tilt series."""
    if source.volume is not None:
        with conduct.step("read"):
            return Tomogram(read_volume(source.volume, spacing=source.spacing_nm))
    with conduct.step("read"):
        series = load_series(source)
    return tomogram_of(series, preparation, alignment, reconstruction, conduct=conduct, room=room)


def tomogram_of(
    series: TiltSeries,
    preparation: PrepareSection,
    alignment: AlignSection,
    reconstruction: ReconstructSection,
    *,
    conduct: Conduct,
    room: Room = IN_MEMORY,
) -> Tomogram:
    """Prepare and align a series (as far as the recipe wants it), reconstruct it, and say how good the result is."""
    with conduct.step("prepare"):
        inspection = inspect_tilts(series)
        series = prepare(series, preparation, room)
    aligned, found = series, None
    if alignment.enabled:
        with conduct.step("align") as watch:
            found = find_alignment(series, alignment, **watch)
            _, height, width = series.shape
            shape = aligned_shape((height, width), found.tilt_axis_angle)
            aligned = found.apply(series, out=room.empty((len(series.angles_deg), *shape)))
    _, slices, width = aligned.shape
    out = room.empty((reconstruction.thickness_px or width, slices, width))
    left = None if room.memory_limit is None else room.memory_limit // 3
    with conduct.step("reconstruct") as watch:
        volume = reconstruct(aligned, **reconstruction.model_dump(), out=out, memory_limit=left, **watch)
    with conduct.step("assess") as watch:
        quality = assess(aligned, volume, **watch)
    halves = None
    most = MOST_SLICES if left is None else min(MOST_SLICES, left // (_HALVES_BYTES * math.prod(volume.shape[::2])))
    if len(aligned.angles_deg) >= FEWEST_TILTS and min(most, *volume.shape) >= FEWEST_VOXELS:
        with conduct.step("even/odd correlation") as watch:
            halves = even_odd_correlation(aligned, most_slices=most, **half_options(volume, reconstruction), **watch)
    return Tomogram(volume, series, aligned, found, quality, halves, inspection)


def prepare(series: TiltSeries, section: PrepareSection, room: Room = IN_MEMORY) -> TiltSeries:
    """Prepare a raw series as a recipe says; what is off costs nothing."""
    series = leave_out_tilts(series, section.leave_out, room=room)
    if section.repair_pixels:
        series = repair_pixels(series, room=room)
    if section.crop_px is not None:
        series = crop_series(series, section.crop_px[:2], section.crop_px[2:])
    series = subtract_background(bin_series(series, section.bin, room=room), section.background, room=room)
    return normalize_mass(series, room=room) if section.normalize_mass else series


def find_alignment(series: TiltSeries, section: AlignSection, **watch: Any) -> Alignment:
    """Align a series, or take the alignment of another program; what was set by hand replaces what was found."""
    if section.xf is None:
        found = align(series, tilt_axis_angle=section.tilt_axis_angle, method=section.method, **watch)
        return found.changed(tilt_axis_offset_px=section.tilt_axis_offset_px)
    return read_xf(section.xf).changed(
        tilt_axis_angle=section.tilt_axis_angle, tilt_axis_offset_px=section.tilt_axis_offset_px
    )


def half_options(volume: Volume, section: ReconstructSection) -> dict[str, Any]:
    """Return the options for reconstructing from half of the tilts: as the whole, with what was found in the data kept."""
    options = section.model_dump(exclude={"stop"})
    used = volume.history[-1].parameters
    for name in ("iterations", "gray_levels"):
        if options[name] is None and name in used and section.method != "wbp":
            options[name] = used[name]
    if section.stop == "noise":
        options["iterations"] = used["iterations"]
    return options


def find_phases(
    volume: Volume,
    threshold: ThresholdSection,
    envelope: EnvelopeSection,
    cleanup: CleanupSection | None = None,
    *,
    conduct: Conduct,
) -> Segmentation:
    """Smoothing, histogram, thresholds (given or suggested), envelope, phase labels of a volume, and their clean-up."""
    cleanup = cleanup or CleanupSection()
    fill, specks = _phases_to_clean(cleanup, threshold.scheme)
    if cleanup.smooth != "none":
        with conduct.step("smooth") as watch:
            volume = smooth_volume(volume, cleanup.smooth, cleanup.smooth_strength, **watch)
    with conduct.step("histogram") as watch:
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
        with conduct.step("envelope") as watch:
            around = find_envelope(volume, thresholds[0], envelope, **watch)
    with conduct.step("segment") as watch:
        labels = segment(volume, thresholds, envelope=None if around is None else around.mask, **watch)
    changed: list[CleanupStep] = []
    if cleanup.majority_radius or fill or specks:
        with conduct.step("clean up"):
            labels, changed = clean_up(labels, specks=specks, fill=fill, majority_radius=cleanup.majority_radius)
    with conduct.step("sensitivity") as watch:
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


def measure_phases(
    segmentation: Segmentation,
    section: MeasureSection,
    *,
    intensity: Volume | None = None,
    boxes: Mapping[str, tuple[Triple, float]] | None = None,
    conduct: Conduct,
) -> Measurement:
    """Fractions (whole and in boxes: given, or the centre and the edge cube), dead pores, objects of the chosen phases."""
    phases, scheme = segmentation.phases, segmentation.scheme
    names = scheme.names
    wanted = section.phases or sorted({names[0], names[-1]}, key=names.index)
    for name in wanted:
        if name not in names:
            raise InputError(f"measure.phases names {name!r}; the phases are {', '.join(names)}.")
    with conduct.step("fractions"):
        boxes = subvolume_boxes(segmentation, section) if boxes is None else boxes
        fractions = regional_fractions(segmentation, boxes)
    dead = None
    if segmentation.envelope is not None:
        with conduct.step("dead pores"):
            dead = dead_pores(phases.data, spacing=phases.spacing, cut_axes=segmentation.cut_axes)
    labels: dict[str, NDArray[Any]] = {}
    tables: dict[str, pd.DataFrame] = {}
    for name in wanted:
        mask = phases.data == names.index(name) + 1
        dark = names.index(name) + 1 == PORE
        sets: dict[str, tuple[str, NDArray[Any]]] = {}
        with conduct.step(f"label {name}"):
            connectivity = section.pore_connectivity if dark else section.object_connectivity
            sets[name] = (f"connected {connectivity}", label_objects(mask, connectivity=connectivity))
            if dark and section.separate_nm is not None:
                made_by = f"separated h={section.separate_nm:g} nm"
                sets[f"{name}_separated"] = (
                    made_by,
                    separate_objects(mask, spacing=phases.spacing, contrast_nm=section.separate_nm),
                )
        for key, (made_by, objects) in sets.items():
            with conduct.step(f"measure {key}") as watch:
                labels[key] = objects
                tables[key] = measure_objects(
                    Volume(objects, phases.spacing, phases.origin),
                    intensity=None if intensity is None else np.asarray(intensity.data),
                    envelope=None if segmentation.envelope is None else segmentation.envelope.mask,
                    directions=section.directions,
                    convention=section.convention,
                    objects_from=made_by,
                    min_voxels=section.min_voxels,
                    **watch,
                )
    details: dict[str, pd.DataFrame] = {}
    if section.details or section.thickness:
        with conduct.step("details"):
            body = np.asarray(phases.data) > 0
            details = detail_tables(
                phases,
                names,
                section,
                radius_nm=2 * half_radius(body, phases.spacing) if body.any() else 1.0,
                cut_axes=segmentation.cut_axes,
                labels=labels,
                objects=tables,
                dead=dead,
            )
    return Measurement(labels, tables, fractions, dead, boxes, details)


def subvolume_boxes(segmentation: Segmentation, section: MeasureSection) -> dict[str, tuple[Triple, float]]:
    """Place the centre and the edge cube by the envelope; none without an envelope.

    Their edge, where it is not given, is 0.6 of the fibre's radius, or the shortest side of a box that is shorter.
    """
    if segmentation.envelope is None:
        return {}
    phases = segmentation.phases
    usual = 1.2 * half_radius(np.asarray(phases.data) > PORE, phases.spacing)
    size = section.subvolume_nm or min(usual, *phases.size_nm)
    centres = centre_and_edge_boxes(
        segmentation.envelope.mask, spacing=phases.spacing, origin=phases.origin, size_nm=size, fibre_axis=1
    )
    return {name: (centre, size) for name, centre in centres.items()}


def regional_fractions(segmentation: Segmentation, boxes: Mapping[str, tuple[Triple, float]]) -> pd.DataFrame:
    """Volume fractions of the whole and of each box, stacked with a ``region`` column and the box in nm."""
    phases, names = segmentation.phases, segmentation.scheme.names
    parts = []
    for region, box in {"whole": None, **boxes}.items():
        part = phases if box is None else extract_subvolume(phases, center_nm=box[0], size_nm=box[1])
        table = volume_fractions(part.data, spacing=part.spacing, names=names)
        table["denominator"] = (
            "box" if segmentation.envelope is None else "envelope"
        )  # also where a cube lies within it
        table.insert(0, "region", region)
        table["region_size_nm"] = math.nan if box is None else box[1]
        for axis, label in enumerate("zyx"):
            table[f"region_center_{label}_nm"] = math.nan if box is None else box[0][axis]
        parts.append(table)
    return pd.concat(parts, ignore_index=True)
