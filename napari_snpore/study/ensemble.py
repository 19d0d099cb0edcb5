"""Threshold ensemble of a run: what its thresholds, blur and envelope leave open."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import share_of
from napari_snpore.engines import is_shared
from napari_snpore.errors import InputError
from napari_snpore.history import SmoothStep, last_step
from napari_snpore.memory import check_memory
from napari_snpore.segmentation.calibration import calibrate_gray
from napari_snpore.segmentation.cleanup import CleanupOptions
from napari_snpore.segmentation.envelope import EnvelopeOptions, make_envelope
from napari_snpore.segmentation.residual_map import ResidualMap
from napari_snpore.segmentation.segment_volume import segment_volume
from napari_snpore.segmentation.smoothing import smooth_volume
from napari_snpore.study.blur_effect import blur_effect
from napari_snpore.study.measuring import Measurement
from napari_snpore.study.numbers import Quantity
from napari_snpore.study.piece import Piece, numbers_of_piece
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import (
    SEGMENT_BYTES,
    Segmentation,
    cleanup_options,
    envelope_options,
)
from napari_snpore.study.tomogram import Tomogram
from napari_snpore.uncertainty.threshold_ensemble import DRAWS, Choices, threshold_ensemble
from napari_snpore.volume import Volume

_WITHOUT_IMAGES = 0.1
"""Without images a threshold is uniform within this share of the distance to the one below, the first
to the vacuum: what eyes choose on one histogram differs by about as much. It is not calibrated."""

_POINTS = 5
"""Choices per threshold without images."""

_MOST_VOXELS, _FEWEST_ROWS = 3_000_000, 32
"""Of the piece in which thresholds and envelope are drawn: the time of 25 draws does not grow with the
volume."""

_PIECE_BYTES = 4.0 + SEGMENT_BYTES
"""Per voxel of that piece."""

_BLUR_SHARE = 0.4
"""Of the progress of an ensemble, where the blur is in doubt."""


def ensemble_of_run(
    recipe: Recipe,
    tomogram: Tomogram,
    segmentation: Segmentation,
    measurement: Measurement,
    *,
    draws: int = DRAWS,
    seed: int = 0,
    context: RunContext,
) -> pd.DataFrame:
    """Return the change of each number of a run in joint draws of what it chose.

    Thresholds and envelope of each draw are applied to the volume, before polishing (to rows in its
    middle, where it is large): the change is the number's sensitivity, the number itself is that of
    the run. The blur is the upper end of its interval in a reconstruction of some rows in the middle.

    Parameters
    ----------
    recipe : Recipe
        Of the run.
    tomogram, segmentation, measurement
        What the run made.
    draws, seed
        See :func:`~napari_snpore.uncertainty.threshold_ensemble.threshold_ensemble`.
    context : RunContext
        Progress, cancel and timing of the step ``threshold ensemble``.

    Returns
    -------
    DataFrame
        See :func:`~napari_snpore.uncertainty.threshold_ensemble.threshold_ensemble`.
    """
    volume, options = tomogram.volume, None
    if segmentation.envelope is not None:
        options = envelope_options(recipe.envelope)
    plane = volume.shape[0] * volume.shape[2]
    piece = Piece.of(volume.shape[1], max(_FEWEST_ROWS, _MOST_VOXELS // plane))
    if is_shared(volume.data):  # a piece of any volume is in memory
        voxels = plane * (piece.last - piece.first)
        check_memory("The threshold ensemble", voxels * _PIECE_BYTES, given=context.memory_limit)
    volume, cleanup = piece.cut(volume), recipe.cleanup
    cleaning = cleanup_options(cleanup, segmentation.scheme)

    def evaluate(
        thresholds: Sequence[float], occlusion: float, ray_nm: float
    ) -> dict[Quantity, float]:
        return _numbers_at(
            volume,
            thresholds,
            options,
            occlusion,
            ray_nm,
            cleaning,
            segmentation,
            measurement,
            context,
        )

    with context.step("threshold ensemble") as watch:
        progress, should_stop = watch["progress"], watch["should_stop"]
        if cleanup.smooth != "none" and last_step(volume.history, SmoothStep) is None:
            volume = smooth_volume(
                volume, cleanup.smooth, cleanup.smooth_strength, should_stop=should_stop
            )
        slopes, sd_px = blur_effect(
            recipe,
            tomogram,
            segmentation,
            measurement,
            progress=share_of(progress, 0.0, _BLUR_SHARE),
            should_stop=should_stop,
        )
        choices = replace(_choices(segmentation), blur_sd_px=sd_px, per_px=slopes)
        return threshold_ensemble(
            evaluate,
            choices,
            draws=draws,
            seed=seed,
            progress=share_of(progress, _BLUR_SHARE if slopes else 0.0, 1.0),
            should_stop=should_stop,
        )


def _choices(segmentation: Segmentation) -> Choices:
    around, found = segmentation.envelope, segmentation.residual_map
    allowed, step = without_images(segmentation.thresholds, _vacuum(segmentation)), 1.0
    if found is not None and found.levels:
        allowed, step = _region(found)
    return Choices(
        tuple(map(float, segmentation.thresholds)),
        allowed,
        step,
        math.nan if around is None else around.options.occlusion_threshold,
        math.nan if around is None else around.ray_length_nm,
    )


def _region(found: ResidualMap) -> tuple[NDArray[np.float64], float]:
    """Return the thresholds of the grid that the images allow, and the ratio of neighbours."""
    grid = found.thresholds
    step = float((grid[-1] / grid[0]) ** (1 / max(len(grid) - 1, 1)))
    allowed = grid[np.argwhere(found.allowed)]
    if not len(allowed):
        return np.array([found.best[: found.residual.ndim]]), step
    return allowed, step


def _vacuum(segmentation: Segmentation) -> float:
    """Return the grey value of vacuum by the histogram, where it shows one."""
    try:
        return calibrate_gray(segmentation.histogram).vacuum
    except InputError:
        return 0.0


def without_images(thresholds: Sequence[float], vacuum: float = 0.0) -> NDArray[np.float64]:
    """Return choices around thresholds where no images say which are allowed.

    Examples
    --------
    >>> without_images((1.0, 3.0))[::6].round(2).tolist()
    [[0.9, 2.8], [0.95, 2.9], [1.0, 3.0], [1.05, 3.1], [1.1, 3.2]]
    """
    known = (vacuum, *map(float, thresholds))
    offsets = np.linspace(-_WITHOUT_IMAGES, _WITHOUT_IMAGES, _POINTS)
    axes = [high + offsets * abs(high - low) for low, high in pairwise(known[:3])]
    return np.array(list(product(*axes)))


def _numbers_at(
    volume: Volume,
    thresholds: Sequence[float],
    options: EnvelopeOptions | None,
    occlusion: float,
    ray_nm: float,
    cleaning: CleanupOptions,
    segmentation: Segmentation,
    measurement: Measurement,
    context: RunContext,
) -> dict[Quantity, float]:
    """Cut the volume at other thresholds, in another envelope, and return its numbers."""
    around = None
    if options is not None:
        moved = replace(options, ray_length_nm=ray_nm, occlusion_threshold=occlusion)
        around = make_envelope(volume, thresholds[0], moved, should_stop=context.should_stop)
    made = segment_volume(
        volume,
        thresholds,
        scheme=segmentation.scheme,
        envelope=around,
        cleanup=cleaning,
        should_stop=context.should_stop,
    )
    return numbers_of_piece(
        made.phases,
        measurement,
        segmentation.cut_axes,
        rows=segmentation.phases.shape[1],
        should_stop=context.should_stop,
    )
