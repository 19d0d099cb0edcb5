"""Images of a labelled volume whose levels may change: their residual, and levels fitted to them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop, run_blocks
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.projector import project

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.uint8]

MAX_DRIFT = 0.1
"""A fitted level further from the given one than this share of it is held at the given one: labels
and levels that are free at the same time can follow each other away from the object."""


class LabelImages:
    """Blurred projections of the labels of a volume, one per label, beside the measured images.

    Parameters
    ----------
    images : float32 array, shape (tilt, y, x)
        Measured images b.
    weights : float32 array, shape of ``images``
        w of each pixel.
    angles_deg : float64 array, shape (tilt,)
    blur_px : float
    fitted : sequence of int
        Labels with a level that is not 0.
    inside : slice
        Rows of the images that count for residual and levels; default all.
    threads, should_stop
        See :mod:`napari_snpore.compute`.

    Notes
    -----
    Memory: one array of the size of the images per label.
    """

    def __init__(
        self,
        images: Floats,
        weights: Floats,
        angles_deg: Doubles,
        blur_px: float,
        fitted: Sequence[int],
        threads: int | None,
        should_stop: ShouldStop | None,
        inside: slice = slice(None),
    ) -> None:
        self._images = images
        self._weights = weights
        self._angles = angles_deg
        self._blur_px = blur_px
        self._fitted = list(fitted)
        self._threads = threads
        self._should_stop = should_stop
        self._inside = inside
        self._parts: list[Floats] = []

    def project(self, labels: Labels) -> None:
        """Project and blur the indicator of each fitted label."""
        self._parts = []
        for label in self._fitted:
            check_stop(self._should_stop)
            sums = project(
                labels == label,
                self._angles,
                detector_px=self._images.shape[2],
                threads=self._threads,
                should_stop=self._should_stop,
            )
            blurred = blur_images(
                sums, self._blur_px, threads=self._threads, should_stop=self._should_stop
            )
            self._parts.append(blurred)

    def forces(self, levels: Sequence[float]) -> Floats:
        """Return ``w (G P x - b)``."""
        out = np.empty_like(self._images)

        def one(tilt: int) -> None:
            out[tilt] = self._weights[tilt] * self._left(levels, tilt)

        run_blocks(one, range(len(out)), threads=self._threads)
        return out

    def residual(self, levels: Sequence[float]) -> float:
        """Return the mean of ``w (G P x - b)²``."""

        def one(tilt: int) -> float:
            left = self._left(levels, tilt)[self._inside]
            weights = self._weights[tilt, self._inside]
            return float(np.sum(weights * left * left, dtype=np.float64))

        sums = run_blocks(one, range(len(self._images)), threads=self._threads)
        return math.fsum(sums) / self._images[:, self._inside].size

    def fit(self, given: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Return the levels of least residual, those that drift held at the given ones, and which
        were held.
        """
        matrix, right = self.normal_equations()
        free = [k for k in range(len(self._fitted)) if matrix[k, k] > 0]
        start = np.array([given[label] for label in self._fitted])
        while True:
            values = start.copy()
            if free:
                fixed = [k for k in range(len(start)) if k not in free]
                side = right[free] - matrix[np.ix_(free, fixed)] @ start[fixed]
                values[free] = np.linalg.lstsq(matrix[np.ix_(free, free)], side, rcond=None)[0]
            drifted = [k for k in free if abs(values[k] - start[k]) > MAX_DRIFT * abs(start[k])]
            if not drifted:
                break
            # the one that drifts most first: the other may have followed it
            worst = max(drifted, key=lambda k: abs(values[k] - start[k]) / abs(start[k]))
            free.remove(worst)
        levels = list(given)
        for label, value in zip(self._fitted, values, strict=True):
            levels[label] = float(value)
        held = tuple(
            label for k, label in enumerate(self._fitted) if k not in free and matrix[k, k] > 0
        )
        if any(low >= high for low, high in pairwise(levels[1:])):
            return given, tuple(self._fitted)
        return tuple(levels), held

    def _left(self, levels: Sequence[float], tilt: int) -> Floats:
        left: Floats = -self._images[tilt]
        for label, part in zip(self._fitted, self._parts, strict=True):
            left += np.float32(levels[label]) * part[tilt]
        return left

    def normal_equations(self) -> tuple[Doubles, Doubles]:
        """Return matrix and right side of the equations of the levels of least residual, one row per
        fitted label; those of parts of a volume add up.
        """

        def one(tilt: int) -> Doubles:
            rows = [part[tilt, self._inside] for part in self._parts]
            rows.append(self._images[tilt, self._inside])
            weights = self._weights[tilt, self._inside]
            weighted = [weights * row for row in rows[:-1]]
            return np.array([[np.sum(a * b, dtype=np.float64) for b in rows] for a in weighted])

        # summed in the order of the tilts: the same bits on any number of threads
        total = np.sum(run_blocks(one, range(len(self._images)), threads=self._threads), axis=0)
        return total[:, :-1], total[:, -1]


def best_levels(matrix: Doubles, right: Doubles) -> tuple[float, ...]:
    """Return the levels that solve the normal equations, free of any given ones; nan for a label that
    has no voxel in the images.
    """
    present = np.flatnonzero(np.diag(matrix) > 0)
    levels = np.full(len(right), np.nan)
    levels[present] = np.linalg.lstsq(matrix[np.ix_(present, present)], right[present], rcond=None)[
        0
    ]
    return tuple(levels.tolist())
