"""From a file to a volume: read, prepare, align, reconstruct, and say how good it is. No files are touched but the input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files import read_tilt_series, read_volume, read_xf
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.study.recipe import (
    AlignSection,
    InputSection,
    PrepareSection,
    ReconstructSection,
)
from napari_snpore.study.run_context import RunContext
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
from napari_snpore.volume import Volume

_HALVES_BYTES = 32  # a voxel of the slices that even and odd tilts share: two volumes, two transforms, images


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


def load_series(section: InputSection) -> TiltSeries:
    """Read the tilt series that a recipe names."""
    if section.tilt_series is None:
        raise InputError("The recipe names no tilt_series.")
    return read_tilt_series(
        section.tilt_series,
        angles_deg=section.angles_deg,
        pixel_size_nm=section.pixel_size_nm,
        tilt_axis_angle_deg=section.tilt_axis_angle_deg,
    )


def obtain_volume(
    source: InputSection,
    preparation: PrepareSection,
    alignment: AlignSection,
    reconstruction: ReconstructSection,
    *,
    context: RunContext,
    scratch: ScratchSpace = IN_MEMORY,
) -> Tomogram:
    """Read a volume, or read, prepare, align and reconstruct a tilt series."""
    if source.volume is not None:
        with context.step("read"):
            return Tomogram(read_volume(source.volume, spacing=source.spacing_nm))
    with context.step("read"):
        series = load_series(source)
    return tomogram_of(series, preparation, alignment, reconstruction, context=context, scratch=scratch)


def tomogram_of(
    series: TiltSeries,
    preparation: PrepareSection,
    alignment: AlignSection,
    reconstruction: ReconstructSection,
    *,
    context: RunContext,
    scratch: ScratchSpace = IN_MEMORY,
) -> Tomogram:
    """Prepare and align a series (as far as the recipe wants it), reconstruct it, and say how good the result is."""
    with context.step("prepare"):
        inspection = inspect_tilts(series)
        series = prepare(series, preparation, scratch)
    aligned, found = series, None
    if alignment.enabled:
        with context.step("align") as watch:
            found = find_alignment(series, alignment, **watch)
            _, height, width = series.shape
            shape = aligned_shape((height, width), found.tilt_axis_angle_deg)
            aligned = found.apply(series, out=scratch.empty((len(series.angles_deg), *shape)))
    _, slices, width = aligned.shape
    out = scratch.empty((reconstruction.thickness_px or width, slices, width))
    left = None if scratch.memory_limit is None else scratch.memory_limit // 3
    with context.step("reconstruct") as watch:
        volume = reconstruct(aligned, **reconstruction.model_dump(), out=out, memory_limit=left, **watch)
    with context.step("assess") as watch:
        quality = assess(aligned, volume, **watch)
    halves = None
    most = MOST_SLICES if left is None else min(MOST_SLICES, left // (_HALVES_BYTES * math.prod(volume.shape[::2])))
    if len(aligned.angles_deg) >= FEWEST_TILTS and min(most, *volume.shape) >= FEWEST_VOXELS:
        with context.step("even/odd correlation") as watch:
            halves = even_odd_correlation(aligned, most_slices=most, **half_options(volume, reconstruction), **watch)
    return Tomogram(volume, series, aligned, found, quality, halves, inspection)


def prepare(series: TiltSeries, section: PrepareSection, scratch: ScratchSpace = IN_MEMORY) -> TiltSeries:
    """Prepare a raw series as a recipe says; what is off costs nothing."""
    series = leave_out_tilts(series, section.leave_out, scratch=scratch)
    if section.repair_pixels:
        series = repair_pixels(series, scratch=scratch)
    if section.crop_px is not None:
        series = crop_series(series, section.crop_px[:2], section.crop_px[2:])
    series = subtract_background(bin_series(series, section.bin, scratch=scratch), section.background, scratch=scratch)
    return normalize_mass(series, scratch=scratch) if section.normalize_mass else series


def find_alignment(series: TiltSeries, section: AlignSection, **watch: Any) -> Alignment:
    """Align a series, or take the alignment of another program; what was set by hand replaces what was found."""
    if section.xf is None:
        found = align(series, tilt_axis_angle_deg=section.tilt_axis_angle_deg, method=section.method, **watch)
        return found.changed(tilt_axis_offset_px=section.tilt_axis_offset_px)
    return read_xf(section.xf).changed(
        tilt_axis_angle_deg=section.tilt_axis_angle_deg, tilt_axis_offset_px=section.tilt_axis_offset_px
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
