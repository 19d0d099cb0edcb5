"""A mask that is kept for later, a bit a voxel in place of a byte."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    def of(cls, mask: NDArray[np.bool_]) -> PackedMask:
        """Pack a mask of any shape."""
        return cls(np.packbits(np.ascontiguousarray(mask).reshape(-1)), mask.shape)

    def unpacked(self) -> NDArray[np.bool_]:
        """Return the mask, a new array."""
        size = int(np.prod(self.shape))
        return np.unpackbits(self.bits, count=size).view(np.bool_).reshape(self.shape)
