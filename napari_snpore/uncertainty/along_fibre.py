"""Sampling along the fibre: how much a longer piece of it could differ from the piece imaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, grid_of
from napari_snpore.engines import run_on_blocks

FEWEST_SLABS = 8
"""With fewer slabs their scatter says too little."""

_LENGTHS_PER_SLAB = 2
"""Correlation lengths in a slab: slabs are nearly independent then."""


def fibre_half_widths(labels: Any, phases: Sequence[int], *, axis: int = 1) -> dict[int, float]:
    """Return half-widths (95 %, % of the envelope) of volume fractions by sampling along a fibre.

    Parameters
    ----------
    labels : integer array, shape (z, y, x)
        0 exterior, 1..N phases; read block by block.
    phases : sequence of int
        Labels whose fractions are meant.
    axis : int
        Array axis of the fibre.

    Returns
    -------
    dict of int to float
        Student's t times the standard error of the mean over slabs of at least two correlation
        lengths of the phase; without a phase where there are fewer than 8 slabs.

    Notes
    -----
    Slabs count by their volume of envelope. The correlation length is the distance along the fibre at
    which the fraction per slice correlates by less than 1/e.
    """
    from scipy import stats

    body, *of_phases = _counts_along(labels, phases, axis)
    found = {}
    for phase, counts in zip(phases, of_phases, strict=True):
        slabs = len(body) // (_LENGTHS_PER_SLAB * correlation_length(counts, body))
        if slabs < FEWEST_SLABS:
            continue
        parts = np.array_split(np.arange(len(body)), slabs)
        volumes = np.array([body[part].sum() for part in parts])
        if not (volumes > 0).all():
            continue
        fractions = np.array([counts[part].sum() for part in parts]) / volumes
        mean = float(np.average(fractions, weights=volumes))
        scatter = float(np.average((fractions - mean) ** 2, weights=volumes))
        error = math.sqrt(scatter / (slabs - 1))
        found[phase] = 100 * float(stats.t.ppf(0.975, slabs - 1)) * error
    return found


def _counts_along(labels: Any, phases: Sequence[int], axis: int) -> NDArray[np.float64]:
    """Return how many voxels of the body and of each phase every slice across an axis has, shape (1 +
    phase, slice); labels may be lazy.
    """
    across = tuple(one for one in range(3) if one != axis)

    def count(block: Block) -> NDArray[np.int64]:
        part = np.asarray(labels[block])
        masks = [part > 0, *(part == phase for phase in phases)]
        return np.stack([np.count_nonzero(mask, axis=across) for mask in masks])

    found = np.zeros((1 + len(phases), labels.shape[axis]), np.float64)
    blocks = grid_of(labels).blocks
    for block, counts in zip(blocks, run_on_blocks(count, blocks, arrays=[labels]), strict=True):
        found[:, block[axis]] += counts
    return found


def correlation_length(counts: NDArray[np.float64], body: NDArray[np.float64]) -> int:
    """Return the distance (slices) at which fractions per slice correlate by less than 1/e, at least
    1.

    Examples
    --------
    >>> blocks = np.repeat([1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0] * 4, 10)
    >>> correlation_length(blocks, np.ones(len(blocks)))
    5
    """
    fractions = np.divide(counts, body, out=np.zeros_like(counts), where=body > 0)
    changes = fractions - fractions.mean()
    power = float(np.mean(changes**2))
    if power == 0:
        return 1
    for distance in range(1, len(changes)):
        if np.mean(changes[distance:] * changes[:-distance]) < power / math.e:
            return distance
    return len(changes)
