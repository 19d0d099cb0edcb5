"""Grey levels of the phases in some rows of a volume, found with the images of these rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.tomography.detector_blur import gaussian_taps
from napari_snpore.tomography.discrete.level_sets import (
    ImageRows,
    LevelSets,
    project_level_sets,
    projection_bytes,
)
from napari_snpore.tomography.discrete.threshold_search import search_thresholds

Floats = NDArray[np.float32]

_GRID = 48
"""Thresholds that are tried first: neighbours are some 7 % apart."""

_FINER = 5
"""Thresholds that are tried beside each of the best."""


@dataclass(frozen=True)
class SlabLevels:
    """Levels of the classes with the least residual (above vacuum, rising), thresholds, and that
    residual; the first threshold lies half way between vacuum and the first level.
    """

    levels: tuple[float, ...]
    thresholds: tuple[float, ...]
    residual: float


def slab_levels(
    voxels: Floats,
    images: Floats,
    weights: Floats,
    angles_deg: NDArray[np.float64],
    *,
    blur_px: float,
    phases: int = 3,
    threads: int | None = None,
    should_stop: ShouldStop | None = None,
) -> SlabLevels | None:
    """Return the levels of some rows of a volume; None where no rising levels fit the images.

    Every choice of thresholds on a grid is judged by the images, so that no start is needed.

    Parameters
    ----------
    voxels : float32, shape (z, y, x)
        Some rows of a volume.
    images, weights : float32, shape (tilt, y, x)
        The same rows of the images, and one over the power of their noise.
    angles_deg : array, shape (tilt,)
    blur_px : float
    phases : int
        Vacuum (pore) included.
    threads, should_stop
        See :mod:`napari_snpore.compute`.
    """
    number = phases - 1
    reach = min(len(gaussian_taps(blur_px)) // 2, max((images.shape[1] - 8) // 2, 0))
    inner = slice(reach, images.shape[1] - reach)
    rows = [ImageRows(voxels, images[:, inner], weights[:, inner], (reach, reach))]

    def projected(thresholds: NDArray[np.float64], _: Progress | None = None) -> LevelSets:
        return project_level_sets(
            rows, thresholds, angles_deg, blur_px=blur_px, threads=threads, should_stop=should_stop
        )

    found = search_thresholds(
        voxels[:, inner], number, projected, count=_GRID, points=_FINER, should_stop=should_stop
    )
    if found is None or not found.coarse:
        return None
    return SlabLevels(found.levels, half_way(found.thresholds, found.levels), found.minimum)


def slab_bytes(shape: tuple[int, int, int], tilts: int, threads: int) -> int:
    """Return about how many bytes :func:`slab_levels` takes for rows of a volume (z, y, x)."""
    return projection_bytes(shape, tilts, _GRID, threads)


def half_way(thresholds: tuple[float, ...], levels: tuple[float, ...]) -> tuple[float, ...]:
    """Return thresholds with the first one half way between vacuum and the first level.

    An edge that is blurred alike to both sides is cut in its place half way; the residual is too
    flat over the first threshold to say so.
    """
    half = levels[0] / 2
    if len(thresholds) > 1 and half >= thresholds[1]:
        return thresholds
    return (half, *thresholds[1:])
