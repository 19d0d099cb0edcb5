"""Checks of what discrete tomography is given: labels, images, levels and blur."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import InputError
from napari_snpore.tomography.detector_blur import check_blur_px
from napari_snpore.tomography.row_slabs import RowSlab, row_slabs
from napari_snpore.tomography.tilt_series import TiltSeries

Floats = NDArray[np.float32]
Labels = NDArray[np.uint8]

MAX_PHASES = 5
"""Most phases, vacuum included: a visit of polishing tries them all, and the search for thresholds
all choices of one less."""


def check_blur(blur_px: float, labels: Any) -> None:
    """Refuse a blur that leaves nothing of the objects in the images; labels (z, y, x) are read slab by
    slab.

    The size of the objects is the mean length of runs along x, long ones counted by their length,
    so that single wrong voxels do not lower it.

    Raises
    ------
    InputError
        Refused by :func:`~napari_snpore.tomography.detector_blur.check_blur_px`, or above half of
        the size of the smallest objects.
    """
    check_blur_px(blur_px)
    sizes = run_lengths(
        checked_labels(labels[:, slab.first : slab.last]) for slab in row_slabs(labels.shape)
    )
    smallest = min(sizes, key=lambda label: sizes[label], default=0)
    if smallest and blur_px > sizes[smallest] / 2:
        raise InputError(
            f"blur_px is {blur_px:g}, and the objects of phase {smallest} are {sizes[smallest]:.1f}"
            " voxels across; a blur of at most half of that is needed."
        )


def checked_phases(phases: int) -> int:
    """Return a number of phases, vacuum included; refuse what is not 2 to :data:`MAX_PHASES`."""
    if isinstance(phases, bool) or phases not in range(2, MAX_PHASES + 1):
        raise InputError(f"phases is {phases!r}; a whole number from 2 to {MAX_PHASES} is needed.")
    return int(phases)


def run_lengths(parts: Iterable[Labels]) -> dict[int, float]:
    """Return the mean run along x of each label but 0, weighted by length, in voxels; of the slabs of a
    volume (z, y, x).
    """
    total, squares = np.zeros((2, MAX_PHASES + 1))
    for labels in parts:
        flat = labels.reshape(-1)
        ends = np.ones(len(flat), bool)
        ends[:-1] = flat[1:] != flat[:-1]
        ends[labels.shape[2] - 1 :: labels.shape[2]] = True
        last = np.flatnonzero(ends)
        lengths = np.diff(last, prepend=-1).astype(np.float64)
        kinds = flat[last]
        total += np.bincount(kinds, lengths, len(total))
        squares += np.bincount(kinds, lengths**2, len(total))
    return {k: float(squares[k] / total[k]) for k in range(1, len(total)) if total[k]}


def checked_labels(labels: ArrayLike) -> Labels:
    """Return labels (z, y, x) as contiguous uint8; refuse other shapes, types and more than
    :data:`MAX_PHASES` phases.
    """
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


def checked_images(images: ArrayLike, labels: Labels) -> Floats:
    """Return images (tilt, y, x) of the same rows as the labels as contiguous float32."""
    data = np.asarray(images)
    if data.ndim != 3 or 0 in data.shape:
        raise InputError(
            f"images has shape {data.shape}; images (tilt, y, x) are needed, at least one."
        )
    if data.shape[1] != labels.shape[1]:
        raise _other_rows(data.shape[1], labels.shape[1])
    floats = np.ascontiguousarray(data, np.float32)
    if not np.isfinite(floats).all():
        raise InputError("images hold NaN or infinite values; finite ones are needed.")
    return floats


def slab_of_images(data: Any, series: TiltSeries, slab: RowSlab) -> tuple[Labels, Floats]:
    """Return the labels and the images of the rows that a slab is worked on in."""
    if series.shape[1] != data.shape[1]:
        raise _other_rows(series.shape[1], data.shape[1])
    labels = checked_labels(data[:, slab.low : slab.high])
    return labels, checked_images(series.images[:, slab.low : slab.high], labels)


def _other_rows(images: int, volume: int) -> InputError:
    return InputError(
        f"images have {images} rows along y and the volume {volume};"
        " the same number is needed: polish with the images that the volume was made from."
    )


def checked_levels(levels: Sequence[float], labels: Labels) -> tuple[float, ...]:
    """Return one level per label, those from label 1 on rising."""
    values = tuple(float(level) for level in levels)
    highest = int(labels.max())
    if not 3 <= len(values) <= MAX_PHASES + 1 or highest >= len(values):
        raise InputError(
            f"levels has {len(values)} values; one is needed for each of the labels 0 to"
            f" {max(highest, 2)}, at most {MAX_PHASES + 1}."
        )
    rising = all(low < high for low, high in pairwise(values[1:]))
    if not all(map(math.isfinite, values)) or not rising:
        raise InputError(f"levels is {values}; finite values that rise from label 1 on are needed.")
    return values
