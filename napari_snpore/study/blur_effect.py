"""How the numbers of a run change with the blur of its images, whose value is in doubt."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.errors import InputError
from napari_snpore.history import PolishStep, ReconstructStep, last_step, required_step
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.numbers import Quantity, measured_numbers
from napari_snpore.study.piece import Piece, numbers_of_piece
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import Segmentation, find_phases
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.tomography.held_out_weight import with_choice_kept
from napari_snpore.tomography.options import Tv
from napari_snpore.tomography.reconstruction import reconstruct
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume

_ROWS = 32
"""Rows that are reconstructed with another blur: those of the search for it."""

_EDGE_ROWS = 4
"""Of them on each side that count no more: the blur brings there what lies beyond the cut."""


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

    Some rows in the middle are reconstructed with the lower and the upper end of the blur's interval
    and go through the same steps; the same cut for both, so that its edges change nothing. Nothing and 0
    where the blur was not searched for or none was found; changes that are not known (nan) where the
    phases are lost with one of them.

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
    sd_px = (blur.high_95 - blur.low_95) / 4
    lost = dict.fromkeys(measured_numbers(measurement), math.nan)
    piece = Piece.of(series.shape[1], _ROWS)
    cut = replace(series, images=np.ascontiguousarray(series.images[:, piece.first : piece.last]))
    inner = piece.inner(0 if piece.last - piece.first == series.shape[1] else _EDGE_ROWS)
    found = []
    for number, blur_px in enumerate((blur.low_95, blur.high_95)):
        phases = _phases_with(
            blur_px,
            cut,
            recipe,
            tomogram,
            segmentation,
            progress=share_of(progress, number / 2, (number + 1) / 2),
            should_stop=should_stop,
        )
        if phases is None:
            return lost, sd_px
        rows = phases.data[:, inner.first - piece.first : inner.last - piece.first]
        found.append(
            numbers_of_piece(
                inner.cut(segmentation.phases, rows),
                measurement,
                segmentation.cut_axes,
                rows=series.shape[1],
                should_stop=should_stop,
            )
        )
    before, after = found
    changes = {key: after.get(key, math.nan) - value for key, value in before.items()}
    moved_px = blur.high_95 - blur.low_95
    slopes = {key: value / moved_px for key, value in changes.items() if math.isfinite(value)}
    return slopes, sd_px


def _phases_with(
    blur_px: float,
    series: TiltSeries,
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    *,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Volume | None:
    """Return the phases of some rows with another blur; None where they are not made, or polished, as
    those of the run.
    """
    section, envelope = recipe.reconstruct, recipe.envelope
    assert isinstance(section.options, Tv)
    if segmentation.envelope is not None:
        ray_nm = segmentation.envelope.ray_length_nm
        envelope = envelope.model_copy(update={"ray_length_nm": ray_nm})
    volume = reconstruct(
        series,
        method=replace(
            with_choice_kept(
                section.options, required_step(tomogram.volume.history, ReconstructStep)
            ),
            blur_px=blur_px,
        ),
        thickness_px=tomogram.volume.shape[0],
        backend=section.backend,
        progress=share_of(progress, 0.0, 0.8),
        should_stop=should_stop,
    )
    try:
        phases = find_phases(
            volume,
            recipe.threshold,
            envelope,
            recipe.cleanup,
            polish=recipe.polish,
            series=series,
            context=RunContext(Record("blur"), should_stop=should_stop),
        ).phases
    except NotEnoughMemoryError:
        raise
    except InputError:
        return None
    return phases if _is_polished(phases) == _is_polished(segmentation.phases) else None


def _is_polished(phases: Volume) -> bool:
    step = last_step(phases.history, PolishStep)
    return step is not None and step.note is None
