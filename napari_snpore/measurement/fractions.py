"""Volumes and volume fractions of the phases, of the envelope and of the whole box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, grid_of
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.volume import Volume, array_of, spacing_of

_COUNTED = 1 << 20


def volume_fractions(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    names: Sequence[str] = ("pore", "C", "Sn"),
    block_shape: BlockShape | None = None,
) -> pd.DataFrame:
    """Return volume and volume fraction of each phase.

    Parameters
    ----------
    phases : Volume or array of integers
        0 exterior, 1..N phases. Mapped and lazy arrays are read block by block.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    names : sequence of str
        Of the phases 1..N; phases beyond them are called by their number.
    block_shape : (int, ...), optional
        See :func:`~napari_snpore.blocks.grid_of`.

    Returns
    -------
    DataFrame
        One row a phase, absent ones included: ``phase, name, voxel_count, volume_nm3``,
        ``fraction_percent`` of the envelope (all that is not exterior), ``fraction_box_percent`` of
        the whole box, and ``denominator``: of ``fraction_percent``, ``envelope``, or ``box`` where
        no voxel is exterior. Shares of an empty envelope are NaN.

    Examples
    --------
    One voxel outside, one pore, two of carbon:

    >>> table = volume_fractions(np.array([[[0, 1, 2, 2]]]), spacing=0.5)
    >>> table["fraction_percent"].round(1).tolist(), table["volume_nm3"].tolist()
    ([33.3, 66.7, 0.0], [0.125, 0.25, 0.0])
    """
    labels = array_of(phases)
    if np.dtype(labels.dtype).kind not in "iub":
        raise InputError(
            f"phases holds {labels.dtype}; whole numbers from 0 (exterior) on are needed."
        )
    if 0 in labels.shape:
        raise InputError(f"phases has shape {tuple(labels.shape)}: there is no voxel in it.")
    voxel = math.prod(spacing_of(phases, spacing))

    def count(block: Block) -> NDArray[np.int64]:
        part = np.asarray(labels[block]).reshape(-1)
        if part.min() < 0 or part.max() > 255:
            raise InputError("phases holds labels below 0 or above 255; these are not phases.")
        flat = part.astype(np.uint8, copy=False)
        # numpy counts 64-bit copies: some at a time
        pieces = range(0, flat.size, _COUNTED)
        found = np.zeros(256, np.int64)
        for k in pieces:
            found += np.bincount(flat[k : k + _COUNTED], minlength=256)
        return found

    blocks = grid_of(labels, block_shape).blocks
    counts = np.sum(run_on_blocks(count, blocks, arrays=[labels]), axis=0)
    last = max(len(names), int(np.flatnonzero(counts).max(initial=0)))
    counts = counts[: last + 1]
    body, box = int(counts[1:].sum()), int(counts.sum())
    called = [*names, *(f"phase {k}" for k in range(len(names) + 1, last + 1))]
    return pd.DataFrame(
        {
            "phase": np.arange(1, last + 1),
            "name": called,
            "voxel_count": counts[1:],
            "volume_nm3": counts[1:] * voxel,
            "fraction_percent": 100 * counts[1:] / body if body else np.full(last, np.nan),
            "fraction_box_percent": 100 * counts[1:] / box,
            "denominator": "envelope" if counts[0] else "box",
        }
    )
