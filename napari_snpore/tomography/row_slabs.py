"""Slabs of rows: a volume that is too large to be solved or polished as a whole is worked on in
several, each with rows beside it that are thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_SLAB_VOXELS = 1 << 28
"""Voxels of a slab: 1 GiB of grey values. A volume of up to 645³ is one."""

_HALO = 16
"""Rows beside a slab: blur, gradients and neighbours reach less far."""


@dataclass(frozen=True)
class RowSlab:
    """Rows along y of a volume.

    Attributes
    ----------
    first, last : int
        Rows that are kept, ``last`` excluded.
    low, high : int
        Rows that are worked on.
    """

    first: int
    last: int
    low: int
    high: int

    @property
    def inside(self) -> slice:
        """The kept rows, counted from ``low``."""
        return slice(self.first - self.low, self.last - self.low)


def row_slabs(shape: tuple[int, int, int]) -> list[RowSlab]:
    """Return the slabs of a volume (z, y, x), from first to last; its shape alone decides.

    Examples
    --------
    >>> row_slabs((176, 176, 176))
    [RowSlab(first=0, last=176, low=0, high=176)]
    >>> [(slab.first, slab.high) for slab in row_slabs((1024, 1024, 1024))]
    [(0, 272), (256, 528), (512, 784), (768, 1024)]
    """
    depth, slices, width = shape
    count = max(min(slices, -(-depth * slices * width // _SLAB_VOXELS)), 1)
    bounds = np.linspace(0, slices, count + 1).round().astype(int).tolist()
    return [
        RowSlab(first, last, max(first - _HALO, 0), min(last + _HALO, slices))
        for first, last in pairwise(bounds)
    ]


def most_rows(shape: tuple[int, int, int]) -> int:
    """Return how many rows the largest slab of a volume is worked on in."""
    return max(slab.high - slab.low for slab in row_slabs(shape))
