"""How the numbers of a run change with the blur of its images, whose value is in doubt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep, last_step
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.study.measuring import Box, Measurement
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.provenance import Record
from napari_snpore.study.quick_numbers import quick_numbers
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tv_reconstruction import middle_rows
from napari_snpore.volume import Volume

_ROWS = 32
"""Rows that are reconstructed with another blur: those of the search for it."""

_EDGE_ROWS = 4
"""Of them on each side that count no more: the blur brings there what lies beyond the cut."""

_OF_THE_PIECE = ("1", "nm³")
"""Units of numbers that grow with the piece: their change counts by its share."""


def blur_effect(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> tuple[dict[Quantity, float], float]:
    """Return the change of each number per px of blur, and the blur's standard deviation (px).

    Some rows in the middle are reconstructed with the upper end of the blur's interval, go through
    the same steps, and are compared with the same rows of the run. Nothing and 0 where the blur was
    not searched for, where none was found, or where the phases are lost with the other blur.

    Parameters
    ----------
    recipe : Recipe
        Of the run.
    tomogram, segmentation, measurement
        What the run made.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    series, blur, section = tomogram.aligned, tomogram.blur, recipe.reconstruct
    if series is None or blur is None or not blur.reliable or not isinstance(section.options, Tv):
        return {}, 0.0
    first, last = middle_rows(series.shape[1], _ROWS)
    piece = replace(series, images=np.ascontiguousarray(series.images[:, first:last]))
    volume = reconstruct(
        piece,
        method=replace(section.options, blur_px=blur.high_95),
        thickness_px=tomogram.volume.shape[0],
        backend=section.backend,
        progress=share_of(progress, 0.0, 0.8),
        should_stop=should_stop,
    )
    envelope = recipe.envelope
    if segmentation.envelope is not None:
        ray_nm = segmentation.envelope.ray_length_nm
        envelope = envelope.model_copy(update={"ray_length_nm": ray_nm})
    try:
        phases = find_phases(
            volume,
            recipe.threshold,
            envelope,
            recipe.cleanup,
            polish=recipe.polish,
            series=piece,
            context=RunContext(Record("blur"), should_stop=should_stop),
        ).phases
    except NotEnoughMemoryError:
        raise
    except InputError:
        return {}, 0.0
    if _is_polished(phases) != _is_polished(segmentation.phases):
        return {}, 0.0
    numbers = [
        _numbers_of_rows(rows, segmentation, measurement, first, last, should_stop)
        for rows in (segmentation.phases.data[:, first:last], phases.data)
    ]
    slopes = _per_px(*numbers, blur.high_95 - blur.sigma_px, measurement)
    return slopes, (blur.high_95 - blur.low_95) / 4


def _is_polished(phases: Volume) -> bool:
    step = last_step(phases.history, PolishStep)
    return step is not None and step.note is None


def _numbers_of_rows(
    labels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    segmentation: Segmentation,
    measurement: Measurement,
    first: int,
    last: int,
    should_stop: ShouldStop | None,
) -> dict[Quantity, float]:
    """Measure rows of the volume, those at their ends left out where they were cut."""
    whole = segmentation.phases
    edge = _EDGE_ROWS if last - first < whole.shape[1] else 0
    start = first + edge
    rows = np.ascontiguousarray(labels[:, edge : labels.shape[1] - edge])
    y = whole.origin[1] + start * whole.spacing[1]
    piece = Volume(rows, whole.spacing, (whole.origin[0], y, whole.origin[2]))
    middle = y + (rows.shape[1] - 1) / 2 * whole.spacing[1]
    return quick_numbers(
        piece,
        measurement.section,
        names=measurement.names,
        boxes=_in_rows(measurement.boxes, middle, piece.size_nm[1]),
        cut_axes=segmentation.cut_axes,
        objects=tuple(measurement.objects),
        should_stop=should_stop,
    )


def _in_rows(boxes: Mapping[str, Box], middle_nm: float, height_nm: float) -> dict[str, Box]:
    """Return cubes at the same z and x, no higher than the rows."""
    return {
        name: ((center[0], middle_nm, center[2]), min(size, height_nm))
        for name, (center, size) in boxes.items()
    }


def _per_px(
    before: Mapping[Quantity, float],
    after: Mapping[Quantity, float],
    moved_px: float,
    measurement: Measurement,
) -> dict[Quantity, float]:
    """Return the change of each number per px."""
    of_run = measured_numbers(measurement)
    slopes = {}
    for key, value in before.items():
        change = after.get(key, math.nan) - value
        if key[1] in _OF_THE_PIECE:
            change *= of_run.get(key, math.nan) / value if value else math.nan
        if math.isfinite(change):
            slopes[key] = change / moved_px
    return slopes
