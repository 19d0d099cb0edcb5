"""Polished phases: labels of a volume corrected voxel by voxel, by the tilt images.

Thresholds of a reconstruction carry its errors. Polishing starts from them and lowers ``E = 1/2 Σ
(G P x - b)² / power + β Σ unlike pairs``: the images as they would be measured (projector P, blur G
on the detector) against those that were, each pixel by the power of its noise, and the surface
between unlike voxels. As the first sum is a negative log-likelihood, β is in natural units: it does
not change with dose, contrast or voxel size of the images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, run_blocks, share_of
from napari_snpore.errors import InputError
from napari_snpore.tomography.detector_blur import blur_images
from napari_snpore.tomography.discrete.sweeps import Sweeps
from napari_snpore.tomography.projector import checked_angles, checked_count, project

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Labels = NDArray[np.uint8]

BOUNDARY_WEIGHT = 0.6
"""Default β."""

MAX_BLUR_PX = 8.0
"""Widest blur. A wider one leaves nothing of single voxels in the images; they should be binned."""

MAX_DRIFT = 0.1
"""A fitted level further from the given one than this share of it is held at the given one: labels
and levels that are free at the same time can follow each other away from the object."""

MAX_PHASES = 5
"""Most phases; a visit tries them all."""

_FIRST_BRIGHT = 3
"""First phase that grows only beside itself: a single bright voxel explains noise too easily."""


@dataclass(frozen=True, eq=False)
class Polished:
    """Polished labels and how they came about.

    Attributes
    ----------
    labels : uint8 array, shape (z, y, x)
        0 where the given ones were 0.
    levels : tuple of float
        Grey value of each label, as fitted last; of the labels of ``held`` and of vacuum as given.
    held : tuple of int
        Labels whose fitted level was more than :data:`MAX_DRIFT` away from the given one at last.
    residual_before, residual : float
        Mean of (images − model)² / power with the given labels and levels, and with the polished
        ones.
    changed : int
        Voxels that differ from the given labels.
    changes : tuple of int
        Voxels that each sweep changed.
    """

    labels: Labels
    levels: tuple[float, ...]
    held: tuple[int, ...]
    residual_before: float
    residual: float
    changed: int
    changes: tuple[int, ...]


def polish_labels(
    labels: ArrayLike,
    images: ArrayLike,
    angles_deg: ArrayLike,
    *,
    levels: Sequence[float],
    blur_px: float,
    weights: ArrayLike,
    boundary_weight: float = BOUNDARY_WEIGHT,
    sweeps: int = 6,
    fit_levels: bool = True,
    bright_grows_only: bool = True,
    threads: int | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Polished:
    """Polish labels with plain arrays: the core of :func:`polish_phases`.

    Parameters
    ----------
    labels : uint8 array, shape (z, y, x)
        0 is held fixed (exterior), 1..N may change into each other; there need not be a 0.
    images : array, shape (tilt, y, x)
        Aligned images, vacuum at 0, as wide as the volume or not.
    angles_deg : array-like, shape (tilt,)
    levels : sequence of float
        Grey value of each label 0..N, in units of the images per voxel. Those of 1..N rise. A level
        of 0 is vacuum and never fitted.
    blur_px : float
        Standard deviation of the blur of the images, in pixels.
    weights : array, shape (tilt, y, x)
        One over the power of the noise of each pixel (in squared units of the images).
    boundary_weight, sweeps, fit_levels, bright_grows_only
        See :func:`polish_phases`.
    threads, progress, should_stop
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Polished

    Raises
    ------
    InputError
        Arrays that do not fit each other, levels that do not rise, labels without a level, a blur
        that is wider than :data:`MAX_BLUR_PX` or than half of the smallest object.
    """
    given = _checked_labels(labels)
    measured = _checked_images(images, given)
    angles = checked_angles(angles_deg)
    powers = np.ascontiguousarray(weights, np.float32)
    if powers.shape != measured.shape or len(angles) != len(measured):
        raise InputError(
            f"weights has shape {powers.shape} and angles_deg {len(angles)} angles for images of"
            f" shape {measured.shape}; the same shape and one angle per image are needed."
        )
    given_levels = _checked_levels(levels, given)
    check_blur(blur_px, given)
    if not (math.isfinite(boundary_weight) and boundary_weight >= 0):
        raise InputError(f"boundary_weight is {boundary_weight}; 0 or more is needed.")
    rounds = checked_count("sweeps", sweeps)
    fitted = [label for label, level in enumerate(given_levels) if level != 0]
    model = _Model(measured, powers, angles, blur_px, fitted, threads, should_stop)
    field = Sweeps(
        given,
        powers,
        angles,
        blur_px=blur_px,
        boundary_weight=boundary_weight,
        exterior_as=int(given_levels[0] == given_levels[1]),
        grows_from=_FIRST_BRIGHT if bright_grows_only else MAX_PHASES + 2,
    )
    now = given_levels
    held: tuple[int, ...] = ()
    model.project(given)
    residual = residual_before = model.residual(now)
    changes: list[int] = []
    for sweep in range(rounds):
        field.set_forces(model.forces(now))
        done = field.run(
            now,
            threads=threads,
            progress=share_of(progress, sweep / rounds, (sweep + 1) / rounds),
            should_stop=should_stop,
        )
        changes.append(done.changed)
        if done.changed or sweep == 0:
            model.project(field.labels)
            if fit_levels:
                now, held = model.fit(given_levels)
            residual = model.residual(now)
        if not done.changed:
            break
    if progress is not None:
        progress(1000, 1000)
    polished = field.labels
    return Polished(
        polished,
        now,
        held,
        residual_before,
        residual,
        int(np.count_nonzero(polished != given)),
        tuple(changes),
    )


class _Model:
    """Images of labels with levels that may change: one blurred projection per fitted label."""

    def __init__(
        self,
        images: Floats,
        weights: Floats,
        angles_deg: Doubles,
        blur_px: float,
        fitted: Sequence[int],
        threads: int | None,
        should_stop: ShouldStop | None,
    ) -> None:
        self._images = images
        self._weights = weights
        self._angles = angles_deg
        self._blur_px = blur_px
        self._fitted = list(fitted)
        self._threads = threads
        self._should_stop = should_stop
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
            self._parts.append(blur_images(sums, self._blur_px, threads=self._threads))

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
            left = self._left(levels, tilt)
            return float(np.sum(self._weights[tilt] * left * left, dtype=np.float64))

        sums = run_blocks(one, range(len(self._images)), threads=self._threads)
        return math.fsum(sums) / self._images.size

    def fit(self, given: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Return the levels of least residual, those that drift held at the given ones, and which
        were held.
        """
        matrix, right = self._normal_equations()
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
            label
            for k, label in enumerate(self._fitted)
            if k not in free and matrix[k, k] > 0
        )
        if any(low >= high for low, high in zip(levels[1:], levels[2:], strict=False)):
            return given, tuple(self._fitted)
        return tuple(levels), held

    def _left(self, levels: Sequence[float], tilt: int) -> Floats:
        left = -self._images[tilt]
        for label, part in zip(self._fitted, self._parts, strict=True):
            left += np.float32(levels[label]) * part[tilt]
        return left

    def _normal_equations(self) -> tuple[Doubles, Doubles]:
        def one(tilt: int) -> Doubles:
            rows = [part[tilt] for part in self._parts] + [self._images[tilt]]
            weighted = [self._weights[tilt] * row for row in rows[:-1]]
            return np.array(
                [[np.sum(a * b, dtype=np.float64) for b in rows] for a in weighted]
            )

        # summed in the order of the tilts: the same bits on any number of threads
        total = np.sum(run_blocks(one, range(len(self._images)), threads=self._threads), axis=0)
        return total[:, :-1], total[:, -1]


class _Power(Protocol):
    """What is needed of a noise model."""

    def power(self, gray: Floats) -> Floats: ...


def check_blur(blur_px: float, labels: Labels) -> None:
    """Refuse a blur that leaves nothing of the objects in the images.

    The size of the objects is the mean length of runs along x, long ones counted by their length,
    so that single wrong voxels do not lower it.

    Raises
    ------
    InputError
        Negative, above :data:`MAX_BLUR_PX`, or above half of the size of the smallest objects.
    """
    if not (math.isfinite(blur_px) and 0 <= blur_px <= MAX_BLUR_PX):
        raise InputError(
            f"blur_px is {blur_px}; 0 to {MAX_BLUR_PX:g} px are possible: bin the images first"
            " where the blur is wider."
        )
    sizes = _run_lengths(labels)
    smallest = min(sizes, key=lambda label: sizes[label], default=0)
    if smallest and blur_px > sizes[smallest] / 2:
        raise InputError(
            f"blur_px is {blur_px:g}, and the objects of phase {smallest} are {sizes[smallest]:.1f}"
            " voxels across; a blur of at most half of that is needed."
        )


def _run_lengths(labels: Labels) -> dict[int, float]:
    """Return the mean run along x of each label but 0, weighted by length, in voxels."""
    flat = labels.reshape(-1)
    ends = np.ones(len(flat), bool)
    ends[:-1] = flat[1:] != flat[:-1]
    ends[labels.shape[2] - 1 :: labels.shape[2]] = True
    last = np.flatnonzero(ends)
    lengths = np.diff(last, prepend=-1).astype(np.float64)
    kinds = flat[last]
    total = np.bincount(kinds, lengths)
    squares = np.bincount(kinds, lengths**2)
    return {k: float(squares[k] / total[k]) for k in range(1, len(total)) if total[k]}


def _checked_labels(labels: ArrayLike) -> Labels:
    data = np.asarray(labels)
    if data.ndim != 3 or 0 in data.shape or data.dtype.kind not in "ui":
        raise InputError(
            f"labels needs three axes (z, y, x) of whole numbers; its shape is {data.shape},"
            f" its type {data.dtype}."
        )
    if data.min() < 0 or data.max() > MAX_PHASES:
        raise InputError(
            f"labels holds {data.min()} to {data.max()}; 0 to {MAX_PHASES} are possible."
        )
    return np.ascontiguousarray(data, np.uint8)


def _checked_images(images: ArrayLike, labels: Labels) -> Floats:
    data = np.asarray(images)
    if data.ndim != 3 or 0 in data.shape:
        raise InputError(
            f"images has shape {data.shape}; images (tilt, y, x) are needed, at least one."
        )
    if data.shape[1] != labels.shape[1]:
        raise InputError(
            f"images have {data.shape[1]} rows along y and the volume {labels.shape[1]};"
            " the same number is needed: polish with the images that the volume was made from."
        )
    floats = np.ascontiguousarray(data, np.float32)
    if not np.isfinite(floats).all():
        raise InputError("images hold NaN or infinite values; finite ones are needed.")
    return floats


def _checked_levels(levels: Sequence[float], labels: Labels) -> tuple[float, ...]:
    values = tuple(float(level) for level in levels)
    highest = int(labels.max())
    if not 3 <= len(values) <= MAX_PHASES + 1 or highest >= len(values):
        raise InputError(
            f"levels has {len(values)} values; one is needed for each of the labels 0 to"
            f" {max(highest, 2)}, at most {MAX_PHASES + 1}."
        )
    rising = all(low < high for low, high in zip(values[1:], values[2:], strict=False))
    if not all(map(math.isfinite, values)) or not rising:
        raise InputError(f"levels is {values}; finite values that rise from label 1 on are needed.")
    return values
