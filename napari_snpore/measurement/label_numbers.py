"""Labels of any size in tables: numbers up to 2⁶³ − 1 with gaps, renumbered 1..N in their order.

Tables of objects go by label. Stitching tools give labels such as 2³¹ − 1, for which a table would
not fit the memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, run_blocks
from napari_snpore.engines import extremes
from napari_snpore.errors import InputError

LARGEST_INDEX = 1 << 25
"""Greatest label of a table by label; labels beyond it are renumbered first."""

_LARGEST_LABEL = np.iinfo(np.int64).max
_SLAB_VOXELS = 1 << 21


def renumbered(
    labels: Any, *, should_stop: ShouldStop | None = None
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return labels 1..N in the order of the given ones, and the given label of each.

    Parameters
    ----------
    labels : array of integers, shape (z, y, x)
        0 outside, others above; read slab by slab.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    (array, uint32, shape (z, y, x); array, int64, shape (N,))

    Raises
    ------
    InputError
        A label above 2⁶³ − 1.

    Examples
    --------
    >>> new, given = renumbered(np.array([[[0, 9000000000, 3, 9000000000]]]))
    >>> new.tolist(), given.tolist()
    ([[[0, 2, 1, 2]]], [3, 9000000000])
    """
    slabs = list(_slabs(labels.shape))
    found = run_blocks(
        lambda slab: np.unique(np.asarray(labels[slab])), slabs, should_stop=should_stop
    )
    kind = np.dtype(labels.dtype).newbyteorder("=")
    numbers = np.unique(np.concatenate([np.zeros(0, kind), *found]))
    numbers = numbers[numbers > 0]
    _check_largest(int(numbers[-1]) if numbers.size else 0)
    out = np.empty(labels.shape, np.uint32)

    def write(slab: slice) -> None:
        part = np.asarray(labels[slab])
        # places from the right: a label is 1 + the number of smaller ones, and 0 stays 0
        out[slab] = np.searchsorted(numbers, part, side="right")

    run_blocks(write, slabs, should_stop=should_stop)
    return out, numbers.astype(np.int64)


def _slabs(shape: tuple[int, ...]) -> Iterable[slice]:
    thick = max(1, _SLAB_VOXELS // max(1, int(np.prod(shape[1:]))))
    return (slice(first, min(first + thick, shape[0])) for first in range(0, shape[0], thick))


def check_labels(labels: Any) -> None:
    """Refuse labels, which may lie on disk, below 0 or above 2⁶³ − 1; read only where their type holds
    such.
    """
    kind = np.dtype(labels.dtype)
    if kind.kind == "i" and extremes(labels)[0] < 0:
        raise InputError("labels holds negative numbers; 0 is outside, objects are 1 and above.")
    if kind.kind == "u" and kind.itemsize == 8:
        _check_largest(extremes(labels)[1])


def _check_largest(label: int) -> None:
    if label > _LARGEST_LABEL:
        raise InputError(f"labels holds {label}; labels up to 2^63 - 1 are possible.")
