"""Preparation and alignment of one raw tilt series, with the last result of each kept.

A form that changes one setting, or a script that tries several methods, pays for the step that
changed and for no other. The settings are the sections of a recipe, so that all callers mean the
same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.files import read_xf
from napari_snpore.history import InvertContrastStep, required_step
from napari_snpore.scratch import IN_MEMORY, ScratchSpace
from napari_snpore.study.recipe import AlignSection, PrepareSection
from napari_snpore.tomography.alignment import Alignment, align
from napari_snpore.tomography.bad_pixels import repair_pixels
from napari_snpore.tomography.contrast import invert_contrast
from napari_snpore.tomography.preparation import (
    bin_series,
    crop_series,
    normalize_mass,
    subtract_background,
)
from napari_snpore.tomography.slice_preview import SlicePreview
from napari_snpore.tomography.tilt_inspection import inspect_tilts, leave_out_tilts
from napari_snpore.tomography.tilt_series import TiltSeries


class Stages:
    """The steps before the reconstruction of one raw series; the last result of each is kept. Safe
    in threads.

    Parameters
    ----------
    raw : TiltSeries
        As read.
    scratch : ScratchSpace
        Where prepared images are made: for a series larger than memory.
    """

    def __init__(self, raw: TiltSeries, *, scratch: ScratchSpace = IN_MEMORY) -> None:
        self.raw = raw
        self.scratch = scratch
        self._lock = Lock()
        self._inspection: pd.DataFrame | None = None
        self._prepared: tuple[PrepareSection, TiltSeries] | None = None
        self._preview: tuple[TiltSeries, SlicePreview] | None = None

    def inspection(
        self, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
    ) -> pd.DataFrame:
        """Return the table of the raw tilts; see
        :func:`~napari_snpore.tomography.tilt_inspection.inspect_tilts`.
        """
        with self._lock:
            if self._inspection is None:
                self._inspection = inspect_tilts(
                    self.raw, progress=progress, should_stop=should_stop
                )
            return self._inspection

    def prepared(
        self,
        section: PrepareSection,
        *,
        progress: Progress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> TiltSeries:
        """Return the prepared series."""
        with self._lock:
            if self._prepared is None or self._prepared[0] != section:
                made = prepare(
                    self.raw, section, self.scratch, progress=progress, should_stop=should_stop
                )
                self._prepared = (section, made)
            return self._prepared[1]

    def preview(self, section: PrepareSection, alignment: Alignment | None) -> SlicePreview:
        """Return the preview of single planes of the prepared series under an alignment."""
        series = self.prepared(section)
        with self._lock:
            if self._preview is None or self._preview[0] is not series:
                self._preview = (series, SlicePreview(series))
            made = self._preview[1].aligned_by(alignment)
            self._preview = (series, made)
            return made


@dataclass(frozen=True, eq=False)
class PreparedAlignment:
    """An alignment and the preparation of the images it was made for.

    Attributes
    ----------
    alignment : Alignment
    preparation : PrepareSection
    tilts : int
        Number of images of the raw series.
    """

    alignment: Alignment
    preparation: PrepareSection
    tilts: int

    def for_images(self, preparation: PrepareSection) -> Alignment | None:
        """Return the alignment of images that were prepared otherwise; None where it says nothing
        of them.

        Tilts may be left out; pixels have to stay what they were.
        """
        old, new = self.preparation, preparation
        same = (old.crop_px, old.bin, old.invert) == (new.crop_px, new.bin, new.invert)
        if not same or not set(old.leave_out) <= set(new.leave_out):
            return None
        had = np.setdiff1d(np.arange(self.tilts), old.leave_out)
        keep = ~np.isin(had, new.leave_out)
        if keep.all():
            return self.alignment
        found = self.alignment
        return replace(found, shifts_px=found.shifts_px[keep], residual_px=found.residual_px[keep])


def prepare(
    series: TiltSeries,
    section: PrepareSection,
    scratch: ScratchSpace = IN_MEMORY,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> TiltSeries:
    """Prepare a raw series as a recipe says; what is off costs nothing."""

    def watch(start: float, end: float) -> dict[str, Any]:
        return {
            "scratch": scratch,
            "progress": share_of(progress, start, end),
            "should_stop": should_stop,
        }

    series = leave_out_tilts(series, section.leave_out, scratch=scratch)
    if section.repair_pixels:
        series = repair_pixels(series, **watch(0.0, 0.5))
    if section.crop_px is not None:
        series = crop_series(series, section.crop_px[:2], section.crop_px[2:])
    series = bin_series(series, section.bin, **watch(0.5, 0.6))
    background = section.background
    if section.invert:
        series = invert_contrast(series, **watch(0.6, 0.7))
        if not isinstance(background, str):  # a grey value of the file
            background = required_step(series.history, InvertContrastStep).level - background
    series = subtract_background(series, background, **watch(0.7, 0.9))
    return normalize_mass(series, **watch(0.9, 1.0)) if section.normalize_mass else series


def find_alignment(
    series: TiltSeries,
    section: AlignSection,
    *,
    reference_axis_deg: float | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Alignment:
    """Align a series, or take the alignment of another program; what was set by hand replaces what
    was found.

    Parameters
    ----------
    series : TiltSeries
        Prepared.
    section : AlignSection
        The settings.
    reference_axis_deg : float, optional
        Direction of the axis in an earlier alignment of the same series, which decides on the hand.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    by_hand: dict[str, Any] = {"tilt_axis_offset_px": section.tilt_axis_offset_px}
    if section.xf is not None:
        return read_xf(section.xf).changed(
            tilt_axis_angle_deg=section.tilt_axis_angle_deg, **by_hand
        )
    found = align(
        series,
        tilt_axis_angle_deg=section.tilt_axis_angle_deg,
        reference_axis_deg=reference_axis_deg,
        method=section.method,
        progress=progress,
        should_stop=should_stop,
    )
    return found.changed(**by_hand)


def unaligned(series: TiltSeries, tilt_axis_angle_deg: float | None = None) -> Alignment:
    """Return an alignment without shifts, along the given direction or that of the series."""
    count = len(series.angles_deg)
    angle = series.tilt_axis_angle_deg if tilt_axis_angle_deg is None else tilt_axis_angle_deg
    return Alignment(np.zeros((count, 2)), angle, 0.0, np.full(count, np.nan))
