"""A mask that is kept for later, a bit a voxel in place of a byte."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import slabs


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A boolean array as bits.

    Attributes
    ----------
    bits : array, uint8
    shape : tuple of int

    Examples
    --------
    >>> PackedMask.of(np.array([[True, False, True]])).unpacked()
    array([[ True, False,  True]])
    """

    bits: NDArray[np.uint8]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, mask: Any) -> PackedMask:
        """Pack a mask of any shape, slab by slab."""
        shape = tuple(int(n) for n in mask.shape)
        bits = np.empty(-(-math.prod(shape) // 8), np.uint8)
        rest, done = np.zeros(0, np.bool_), 0
        for slab in slabs(shape):
            flat = np.concatenate([rest, np.ascontiguousarray(mask[slab]).reshape(-1)])
            whole = len(flat) // 8  # bytes; what is left goes in front of the next slab
            bits[done : done + whole] = np.packbits(flat[: 8 * whole])
            rest, done = flat[8 * whole :], done + whole
        bits[done:] = np.packbits(rest)
        return cls(bits, shape)

    def unpacked(self) -> NDArray[np.bool_]:
        """Return the mask, a new array."""
        size = int(np.prod(self.shape))
        return np.unpackbits(self.bits, count=size).view(np.bool_).reshape(self.shape)
