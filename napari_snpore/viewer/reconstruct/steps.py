"""What the Reconstruct widget does outside the GUI thread: prepare, align, look at one plane, reconstruct, compare halves.

Its settings are the sections of a recipe, so that a form, a file and the command line mean the same thing. What was made of a
series is remembered while its settings stay, so that turning one of them costs that step alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.study.recipe import PrepareSection, ReconstructSection
from napari_snpore.study.tomogram import half_options, prepare
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.even_odd import EvenOdd, even_odd_correlation
from napari_snpore.tomography.methods import DEFAULT_ITERATIONS
from napari_snpore.tomography.quality import Quality, assess
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.slice_preview import Slice, SlicePreview
from napari_snpore.tomography.solving import IterationCallback, PartialCallback
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

_QUICK_PIXELS = 15 * 512 * 512  # iterations times pixels of a plane that are made in well under half a second
_FEWEST_QUICK, _MOST_QUICK = 5, 20


@dataclass(frozen=True, eq=False)
class Aligned:
    """An alignment and the preparation of the images it was made for."""

    alignment: Alignment
    preparation: PrepareSection
    tilts: int

    def for_images(self, preparation: PrepareSection) -> Alignment | None:
        """Return the alignment of images that were prepared otherwise; None where it says nothing of them.

        Tilts may be left out; pixels have to stay what they were.
        """
        old, new = self.preparation, preparation
        if (old.crop_px, old.bin) != (new.crop_px, new.bin) or not set(old.leave_out) <= set(new.leave_out):
            return None
        had = np.setdiff1d(np.arange(self.tilts), old.leave_out)
        keep = ~np.isin(had, new.leave_out)
        if keep.all():
            return self.alignment
        found = self.alignment
        return replace(found, shifts_px=found.shifts_px[keep], residual_px=found.residual_px[keep])


@dataclass(frozen=True, eq=False)
class LivePlane:
    """One plane under the present settings, and its row of all images before and after alignment, sorted by angle."""

    plane: Slice
    final: bool
    before: NDArray[np.float32]
    after: NDArray[np.float32] | None
    seconds: float
    pixel_size_nm: float


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """What one run of the widget found."""

    name: str
    aligned: TiltSeries
    alignment: Alignment | None
    volume: Volume
    quality: Quality
    section: ReconstructSection


class Stages:
    """The steps before a reconstruction of one raw series; the last result of each is kept. Safe in threads."""

    def __init__(self, raw: TiltSeries) -> None:
        self.raw = raw
        self._lock = Lock()
        self._prepared: tuple[PrepareSection, TiltSeries] | None = None
        self._preview: tuple[TiltSeries, SlicePreview] | None = None

    def prepared(self, section: PrepareSection) -> TiltSeries:
        """Return the prepared series."""
        with self._lock:
            if self._prepared is None or self._prepared[0] != section:
                self._prepared = (section, prepare(self.raw, section))
            return self._prepared[1]

    def preview(self, section: PrepareSection, alignment: Alignment | None) -> SlicePreview:
        """Return planes of the prepared series under an alignment."""
        series = self.prepared(section)
        with self._lock:
            if self._preview is None or self._preview[0] is not series:
                self._preview = (series, SlicePreview(series))
            made = self._preview[1].aligned_by(alignment)
            self._preview = (series, made)
            return made

    def shape(self, section: PrepareSection, alignment: Alignment | None) -> tuple[int, int]:
        """Return rows and columns of the aligned images."""
        return self.preview(section, alignment).shape


def find(stages: Stages, preparation: PrepareSection, axis_angle: float | None, **watch: Any) -> Aligned:
    """Align the prepared series; ``axis_angle`` None: its direction is found too."""
    series = stages.prepared(preparation)
    found = align(series, tilt_axis_angle_deg=axis_angle, **watch)
    return Aligned(found, preparation, len(stages.raw.angles_deg))


def unaligned(series: TiltSeries, axis_angle: float | None) -> Alignment:
    """Return the alignment that knows a direction only: the given one, or that of the file."""
    count = len(series.angles_deg)
    angle = series.tilt_axis_angle_deg if axis_angle is None else axis_angle
    return Alignment(np.zeros((count, 2)), angle, 0.0, np.full(count, np.nan))


def look(
    stages: Stages,
    preparation: PrepareSection,
    alignment: Alignment | None,
    section: ReconstructSection,
    y: float,
    *,
    quick: bool,
    should_stop: ShouldStop,
) -> LivePlane:
    """Reconstruct the plane at share ``y`` of the length; ``quick``: as few iterations as take half a second at most."""
    start = time.perf_counter()
    preview = stages.preview(preparation, alignment)
    rows, columns = preview.shape
    row = min(int(y * rows), rows - 1)
    options, final = _plane_options(section, columns, quick)
    plane = preview.reconstruct(row, **options, should_stop=should_stop)
    seconds = time.perf_counter() - start
    order = np.argsort(preview.series.angles_deg, kind="stable")
    after = before = preview.row(row)[order]
    if alignment is None:
        return LivePlane(plane, final, before, None, seconds, preview.series.pixel_size_nm)
    still = alignment.changed(shifts_px=np.zeros_like(alignment.shifts_px), tilt_axis_offset_px=0.0)
    before = preview.aligned_by(still).row(row)[order]
    return LivePlane(plane, final, before, after, seconds, preview.series.pixel_size_nm)


def _plane_options(section: ReconstructSection, columns: int, quick: bool) -> tuple[dict[str, Any], bool]:
    """Return the options of one plane, and whether they are those of the volume."""
    options = section.model_dump(exclude={"stop", "backend"})
    options["filter"] = section.filter or "ram-lak"
    wanted = section.iterations or DEFAULT_ITERATIONS[section.method]
    depth = section.thickness_px or columns
    affordable = min(max(_FEWEST_QUICK, _QUICK_PIXELS // (depth * columns)), _MOST_QUICK)
    if section.method == "wbp" or not quick or (section.method == "sirt" and wanted <= affordable):
        return options | {"iterations": None if section.method == "wbp" else wanted}, True
    first = {"method": "sirt", "iterations": min(wanted, affordable)}
    return options | first | {"tv_weight": None, "gray_levels": None}, False


def run_reconstruction(
    stages: Stages,
    stem: str,
    preparation: PrepareSection,
    alignment: Alignment | None,
    section: ReconstructSection,
    *,
    find_axis: Callable[..., Aligned] | None,
    told: Callable[[Aligned], None],
    callback: IterationCallback,
    partial: PartialCallback,
    finish_now: ShouldStop,
    progress: Progress,
    should_stop: ShouldStop,
) -> Reconstruction:
    """Prepare, align where that is still to do (``find_axis``), reconstruct and assess; each takes its part of one bar."""
    series = stages.prepared(preparation)
    start = 0.0
    if find_axis is not None:
        found = find_axis(progress=part_of(progress, 0.0, 0.35), should_stop=should_stop)
        told(found)
        alignment, start = found.alignment, 0.35
    aligned = series
    if alignment is not None:
        aligned = alignment.apply(series, progress=part_of(progress, start, start + 0.05), should_stop=should_stop)
        start += 0.05
    volume = reconstruct(
        aligned,
        **section.model_dump(),
        callback=callback,
        partial=partial,
        finish_now=finish_now,
        progress=part_of(progress, start, 0.95),
        should_stop=should_stop,
    )
    quality = assess(aligned, volume, progress=part_of(progress, 0.95, 1.0), should_stop=should_stop)
    name = f"{stem} · {layer_word(volume)}"
    return Reconstruction(name, aligned, alignment, volume, quality, section)


def compare_halves(found: Reconstruction, **watch: Any) -> EvenOdd:
    """Correlate even and odd tilts with the options of a reconstruction."""
    return even_odd_correlation(found.aligned, **half_options(found.volume, found.section), **watch)


def layer_word(volume: Volume) -> str:
    """Return method and iterations of a volume as its layer's name has them, such as ``SIRT 50``."""
    used = volume.history[-1].parameters
    method = str(used["method"]).upper()
    return method if method == "WBP" else f"{method} {used['iterations']}"


def part_of(progress: Progress, start: float, end: float) -> Callable[[int, int], None]:
    """Return a progress callback that fills the bar from one share to another."""

    def tell(done: int, total: int) -> None:
        progress(math.floor(1000 * (start + (end - start) * done / max(total, 1))), 1000)

    return tell
