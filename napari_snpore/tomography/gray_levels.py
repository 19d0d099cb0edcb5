"""Grey levels of a discrete reconstruction (DART), estimated from the data or given by the user."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import skimage
from numpy.typing import NDArray

from napari_snpore.errors import InputError
from napari_snpore.tomography.projector import project
from napari_snpore.tomography.solving import Problem

MOST_LEVELS = 6


def checked_levels(gray_levels: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float32]:
    """Refuse levels that are fewer than two, not finite or not rising."""
    levels = np.asarray(gray_levels, np.float64).reshape(-1)
    if (
        not 2 <= len(levels) <= MOST_LEVELS
        or not np.isfinite(levels).all()
        or (np.diff(levels) <= 0).any()
    ):
        raise InputError(
            f"gray_levels is {list(np.round(levels, 6))}; 2 to {MOST_LEVELS} finite grey values in rising order are needed, "
            "vacuum first."
        )
    return levels.astype(np.float32)


def find_levels(volume: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the grey levels of the phases of a reconstruction: the brightest is split off first,
    then the next.

    Two-class thresholds (Otsu) one after the other, because phases as far apart as carbon and tin
    leave one threshold for all no chance; a level is the median of its class, 0 for the darkest.
    """
    levels = []
    rest = volume.ravel()
    for _ in range(count - 1):
        if not len(rest) or rest.min() == rest.max():
            raise InputError(f"The volume shows fewer than {count} grey levels; give gray_levels.")
        cut = skimage.filters.threshold_otsu(rest)
        levels.append(float(np.median(rest[rest > cut])))
        rest = rest[rest <= cut]
    return checked_levels([0.0, *levels[::-1]])


def fit_levels(
    problem: Problem, volume: NDArray[np.float32], levels: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the levels that fit the images best, classes as they are: least squares on the
    projections of the classes.
    """
    cuts = (levels[1:] + levels[:-1]) / 2
    classes = np.digitize(volume, cuts)
    shadows = [
        project((classes == k).astype(np.float32), problem.beam.angles_deg)
        for k in range(1, len(levels))
    ]
    matrix = np.stack([shadow.ravel().astype(np.float64) for shadow in shadows], axis=1)
    fitted = np.linalg.lstsq(matrix, np.asarray(problem.images, np.float64).ravel(), rcond=None)[0]
    found = np.concatenate([[0.0], fitted])
    return found.astype(np.float32) if (np.diff(found) > 0).all() else levels
