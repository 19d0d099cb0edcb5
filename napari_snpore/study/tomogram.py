"""Reconstruction of a tilt series: read, prepare, align, reconstruct, assess.

``snpore run``, ``snpore reconstruct``, Python and the window call :func:`tomogram_of`. Nothing is
written.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.engines import engine_with_arrays
from napari_snpore.errors import InputError
from napari_snpore.files import read_tilt_series, read_volume
from napari_snpore.history import ReconstructStep, required_step
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.study.recipe import (
    AlignSection,
    InputSection,
    PrepareSection,
    ReconstructSection,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.stages import Stages, find_alignment
from napari_snpore.threads import thread_count
from napari_snpore.tomography.alignment import Alignment
from napari_snpore.tomography.discrete.blur_search import BlurEstimate, find_blur
from napari_snpore.tomography.even_odd import (
    FEWEST_TILTS,
    MOST_SLICES,
    EvenOdd,
    even_odd_correlation,
)
from napari_snpore.tomography.held_out_weight import with_choice_kept
from napari_snpore.tomography.options import Dart, Options, Sirt, Stoppable, Tv
from napari_snpore.tomography.projector import LANE_COUNTS
from napari_snpore.tomography.quality import Quality, assess
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.shell_correlation import FEWEST_VOXELS
from napari_snpore.tomography.solving import IterationCallback, PartialCallback
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.tv_reconstruction import largest_slab_bytes
from napari_snpore.tomography.warp import aligned_shape
from napari_snpore.volume import Volume

_HALVES_BYTES = (
    32  # per voxel of the slices that even and odd tilts share: two volumes, two transforms, images
)
SOLVING_SHARE = 0.75
"""Of the memory, for a slab of TV; images and volume are files meanwhile."""

_BLOCK_ARRAYS = 6  # of a block of planes while it is solved, by all methods but TV
_QUICK_ITERATIONS = 5  # of the SIRT that is shown while the blur is searched
_APPLY_SHARE = 0.1  # of the work of an alignment, for the interpolation of the images


@dataclass(frozen=True, eq=False)
class Tomogram:
    """A volume and, where it was reconstructed here, the series and the alignment behind it.

    Attributes
    ----------
    volume : Volume
    series : TiltSeries or None
        Prepared, not aligned.
    aligned : TiltSeries or None
    alignment : Alignment or None
    quality : Quality or None
    even_odd : EvenOdd or None
    inspection : DataFrame or None
        Of the raw tilts.
    reconstruction : ReconstructSection or None
        The settings of the reconstruction.
    blur : BlurEstimate or None
        Where the blur of the images was searched for.
    """

    volume: Volume
    series: TiltSeries | None = None
    aligned: TiltSeries | None = None
    alignment: Alignment | None = None
    quality: Quality | None = None
    even_odd: EvenOdd | None = None
    inspection: pd.DataFrame | None = None
    reconstruction: ReconstructSection | None = None
    blur: BlurEstimate | None = None


@dataclass(frozen=True)
class Observer:
    """What a caller hears while a tomogram is made, and how it ends the work early; all optional.

    Attributes
    ----------
    aligned : callable
        ``aligned(alignment)`` as soon as it is found.
    iterated : callable
        ``iterated(iteration, residual)`` after each iteration.
    partial : callable
        ``partial(volume, iteration)``: the array that is being filled.
    finish_now : callable
        True ends the reconstruction and keeps the volume as it is.
    """

    aligned: Callable[[Alignment], None] | None = None
    iterated: IterationCallback | None = None
    partial: PartialCallback | None = None
    finish_now: ShouldStop | None = None


@dataclass(frozen=True)
class AlignmentChoice:
    """How the alignment is obtained.

    Attributes
    ----------
    section : AlignSection
        The settings of a search, or ``enabled = False`` for a series that is aligned already.
    known : Alignment or None
        Taken instead of a search; for the prepared images.
    reference_axis_deg : float or None
        Direction of the axis in an earlier alignment, which decides on the hand of a new one.
    """

    section: AlignSection = field(default_factory=AlignSection)
    known: Alignment | None = None
    reference_axis_deg: float | None = None


def load_series(section: InputSection) -> TiltSeries:
    """Read the tilt series that a recipe names."""
    if section.tilt_series is None:
        raise InputError("The recipe names no tilt_series.")
    return read_tilt_series(
        section.tilt_series,
        angles_deg=section.angles_deg,
        pixel_size_nm=section.pixel_size_nm,
        tilt_axis_angle_deg=section.tilt_axis_angle_deg,
        image=section.image,
    )


def obtain_volume(
    source: InputSection,
    preparation: PrepareSection,
    alignment: AlignSection,
    reconstruction: ReconstructSection,
    *,
    context: RunContext,
    scratch: ScratchSpace = IN_MEMORY,
    read_series: Callable[[], TiltSeries] | None = None,
) -> Tomogram:
    """Read a volume, or read, prepare, align and reconstruct a tilt series; ``read_series`` where
    somebody else needs it too.
    """
    if source.volume is not None:
        with context.step("read"):
            volume = read_volume(source.volume, spacing=source.spacing_nm, image=source.image)
            return Tomogram(volume)
    with context.step("read"):
        series = load_series(source) if read_series is None else read_series()
        stages = Stages(series, scratch=scratch)
    return tomogram_of(
        stages, preparation, AlignmentChoice(alignment), reconstruction, context=context
    )


def tomogram_of(
    stages: Stages,
    preparation: PrepareSection,
    alignment: AlignmentChoice,
    reconstruction: ReconstructSection,
    *,
    context: RunContext,
    observer: Observer | None = None,
    halves: bool = True,
    blur: BlurEstimate | None = None,
) -> Tomogram:
    """Prepare, align and reconstruct a tilt series, and assess the result.

    Parameters
    ----------
    stages : Stages
        The raw series; what it has prepared already is used.
    preparation, alignment, reconstruction
        The settings of each step.
    context : RunContext
        Progress, cancel and timings of the steps ``prepare``, ``align``, ``find blur``,
        ``reconstruct``, ``assess`` and ``even/odd correlation``.
    observer : Observer, optional
        What is heard within a step.
    halves : bool
        Also correlate even and odd tilts where there are enough of them.
    blur : BlurEstimate, optional
        Found before, in these images under this alignment; else a TV with ``blur_px = "auto"``
        searches for it.

    Returns
    -------
    Tomogram

    Raises
    ------
    InputError
        Whatever a step refuses.
    Stopped
        The context was stopped.
    """
    heard, scratch = observer or Observer(), stages.scratch
    _state_needs_of_all(stages, preparation, reconstruction, context)
    inspection, series, aligned, found = _prepared_and_aligned(
        stages, preparation, alignment, heard, context
    )
    _, slices, width = aligned.shape
    shape = (reconstruction.thickness_px or width, slices, width)
    if scratch.memory_limit is None:  # else blocks are made to fit, and arrays are files
        voxels = math.prod(shape)
        needed = 4 * voxels + solving_bytes(reconstruction.options, shape, len(aligned.angles_deg))
        context.state_memory("Reconstructing", shape, needed / voxels)
    out = scratch.empty(shape)
    left = None if scratch.memory_limit is None else scratch.memory_limit // 3
    solving = left
    if scratch.memory_limit is not None and isinstance(reconstruction.options, Tv):
        solving = int(SOLVING_SHARE * scratch.memory_limit)  # it works on one slab at a time
    if not searches_blur(reconstruction.options):
        blur = None
    elif blur is None:
        with context.step("find blur") as watch:
            if heard.partial is not None:
                # the search takes as long as the reconstruction, and has nothing to show
                _show_quickly(aligned, reconstruction, out, heard.partial, watch["should_stop"])
            blur = find_blur(aligned, thickness_px=reconstruction.thickness_px, **watch)
    with context.step("reconstruct") as watch:
        volume = reconstruct(
            aligned,
            method=reconstruction.options,
            thickness_px=reconstruction.thickness_px,
            blur=blur,
            backend=reconstruction.backend,
            out=out,
            memory_limit=solving,
            callback=heard.iterated,
            partial=heard.partial,
            finish_now=heard.finish_now,
            **watch,
        )
    with context.step("assess") as watch:
        quality = assess(aligned, volume, **watch)
    made = Tomogram(volume, series, aligned, found, quality, None, inspection, reconstruction, blur)
    if halves and halves_slices(made, memory_limit=left):
        with context.step("even/odd correlation") as watch:
            made = replace(made, even_odd=correlate_halves(made, memory_limit=left, **watch))
    return made


def solving_bytes(options: Options, shape: tuple[int, int, int], tilts: int) -> float:
    """Return what a reconstruction holds beside images and volume: TV slabs of all arrays, other
    methods a block per thread.
    """
    depth, _, width = shape
    threads = thread_count()
    if isinstance(options, Tv):
        held_out = options.weight == "auto"
        return largest_slab_bytes(
            shape,
            tilts,
            threads,
            blur_px=known_blur_px(options),
            reweight=options.reweight,
            held_out=held_out,
        )
    plane = depth * width + tilts * width
    return threads * max(LANE_COUNTS) * _BLOCK_ARRAYS * 4 * plane


def _state_needs_of_all(
    stages: Stages,
    preparation: PrepareSection,
    reconstruction: ReconstructSection,
    context: RunContext,
) -> None:
    """Refuse what cannot be reconstructed, not be worked on afterwards, or not be written, before
    the images are prepared and aligned.
    """
    tilts = stages.raw.shape[0]
    shape = volume_shape(stages.raw.shape, preparation, reconstruction)
    _, rows, width = image_shape(stages.raw.shape, preparation)
    voxels = math.prod(shape)
    if voxels <= 0:
        return  # a crop that is refused where it is done
    scratch = stages.scratch
    aligned = 2 * scratch.file_bytes((tilts, rows, width))  # prepared and aligned
    elsewhere = 0 if engine_with_arrays() is None else 4 * (voxels + tilts * rows * width)
    context.state_disk("Reconstructing", shape, scratch.file_bytes(shape) + aligned + elsewhere)
    solving, images = 0.0, 0.0
    if scratch.memory_limit is None:
        images = 2 * 4 * tilts * rows * width / voxels  # prepared and aligned
        solving = solving_bytes(reconstruction.options, shape, tilts) / voxels
    volume = 4.0 if scratch.memory_limit is None else 0.0
    needed = images + volume + max(solving, context.later_bytes_per_voxel)
    if needed:
        context.state_memory("A volume of", shape, needed)


def image_shape(raw: tuple[int, int, int], preparation: PrepareSection) -> tuple[int, int, int]:
    """Return the shape (tilt, y, x) of the prepared images; y or x below 1 where a crop leaves none."""
    tilts, rows, width = raw
    if preparation.crop_px is not None:
        first, last, left, right = preparation.crop_px
        rows, width = min(last, rows) - first, min(right, width) - left
    return tilts, max(rows // preparation.bin, 1), max(width // preparation.bin, 1)


def volume_shape(
    raw: tuple[int, int, int], preparation: PrepareSection, reconstruction: ReconstructSection
) -> tuple[int, int, int]:
    """Return the shape (z, y, x) of the volume that a series of such a shape makes, before an
    alignment that turns the images.
    """
    _, rows, width = image_shape(raw, preparation)
    return reconstruction.thickness_px or width, rows, width


def known_blur_px(options: Options) -> float:
    """Return the blur (px) that options give; 0 for none, and where the images decide."""
    blur = getattr(options, "blur_px", 0.0)
    return 0.0 if isinstance(blur, str) else float(blur)


def searches_blur(options: Options) -> bool:
    """Return whether a reconstruction with these options leaves the blur to the images."""
    return isinstance(options, Tv) and options.blur_px == "auto"


def _show_quickly(
    aligned: TiltSeries,
    section: ReconstructSection,
    out: Any,
    partial: PartialCallback,
    should_stop: ShouldStop | None,
) -> None:
    """Show a SIRT of few iterations, which the reconstruction replaces."""
    reconstruct(
        aligned,
        method=Sirt(iterations=_QUICK_ITERATIONS),
        thickness_px=section.thickness_px,
        out=out,
        partial=partial,
        should_stop=should_stop,
    )


def obtain_blur(
    source: InputSection,
    preparation: PrepareSection,
    alignment: AlignSection,
    *,
    phases: int = 3,
    thickness_px: int | None = None,
    context: RunContext,
) -> BlurEstimate:
    """Read, prepare and align a tilt series, and find the blur of its images."""
    with context.step("read"):
        stages = Stages(load_series(source))
    *_, aligned, _ = _prepared_and_aligned(
        stages, preparation, AlignmentChoice(alignment), Observer(), context
    )
    with context.step("find blur") as watch:
        return find_blur(aligned, phases=phases, thickness_px=thickness_px, **watch)


def _prepared_and_aligned(
    stages: Stages,
    preparation: PrepareSection,
    alignment: AlignmentChoice,
    heard: Observer,
    context: RunContext,
) -> tuple[pd.DataFrame, TiltSeries, TiltSeries, Alignment | None]:
    """Return the table of the raw tilts, the prepared and the aligned series, and the alignment."""
    with context.step("prepare") as watch:
        report, should_stop = watch["progress"], watch["should_stop"]
        inspection = stages.inspection(progress=share_of(report, 0.0, 0.5), should_stop=should_stop)
        series = stages.prepared(
            preparation, progress=share_of(report, 0.5, 1.0), should_stop=should_stop
        )
    aligned, found = series, None
    if alignment.section.enabled:
        with context.step("align") as watch:
            aligned, found = _aligned(series, alignment, stages.scratch, heard, **watch)
    return inspection, series, aligned, found


def _aligned(
    series: TiltSeries,
    choice: AlignmentChoice,
    scratch: ScratchSpace,
    heard: Observer,
    *,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[TiltSeries, Alignment]:
    """Find or take the alignment and apply it."""
    found, share_done = choice.known, 0.0
    if found is None:
        share_done = 1 - _APPLY_SHARE
        found = find_alignment(
            series,
            choice.section,
            reference_axis_deg=choice.reference_axis_deg,
            progress=share_of(progress, 0.0, share_done),
            should_stop=should_stop,
        )
        if heard.aligned is not None:
            heard.aligned(found)
    _, height, width = series.shape
    shape = aligned_shape((height, width), found.tilt_axis_angle_deg)
    out = scratch.empty((len(series.angles_deg), *shape))
    applied = found.apply(
        series, out=out, progress=share_of(progress, share_done, 1.0), should_stop=should_stop
    )
    return applied, found


def halves_slices(tomogram: Tomogram, *, memory_limit: int | None = None) -> int:
    """Return how many slices a correlation of even and odd tilts may take; 0 where the series is
    too small for one.
    """
    if tomogram.aligned is None or len(tomogram.aligned.angles_deg) < FEWEST_TILTS:
        return 0
    shape = tomogram.volume.shape
    most = MOST_SLICES
    if memory_limit is not None:
        most = min(most, memory_limit // (_HALVES_BYTES * math.prod(shape[::2])))
    return most if min(most, *shape) >= FEWEST_VOXELS else 0


def correlate_halves(
    tomogram: Tomogram,
    *,
    memory_limit: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> EvenOdd:
    """Correlate reconstructions from even and odd tilts, with the options of a tomogram.

    Raises
    ------
    InputError
        A volume that was not reconstructed here, or a series that is too small.
    """
    if tomogram.aligned is None or tomogram.reconstruction is None:
        raise InputError(
            "The volume was not reconstructed here; even and odd tilts need its tilt series."
        )
    section = tomogram.reconstruction
    return even_odd_correlation(
        tomogram.aligned,
        method=options_of_halves(tomogram.volume, section.options),
        thickness_px=section.thickness_px,
        backend=section.backend,
        most_slices=halves_slices(tomogram, memory_limit=memory_limit) or MOST_SLICES,
        progress=progress,
        should_stop=should_stop,
    )


def options_of_halves(volume: Volume, options: Options) -> Options:
    """Return the options for half of the tilts: as for the whole, with what was found in the data
    kept.
    """
    made = required_step(volume.history, ReconstructStep)
    if isinstance(options, Stoppable) and made.iterations is not None:
        return replace(options, iterations=made.iterations, stop="iterations")
    if isinstance(options, Tv) and made.blur_px is not None:
        weight = made.tv_weight and made.tv_weight * (made.tv_misfit or 1.0)
        kept = with_choice_kept(options, made)
        return replace(kept, blur_px=made.blur_px, weight=weight)
    if isinstance(options, Dart) and made.gray_levels is not None:
        return replace(options, gray_levels=made.gray_levels)
    return options
