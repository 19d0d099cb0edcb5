"""Volumes and cuts for tests of steps that work block by block."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st


class OnDisk:
    """An array with nothing but shape, dtype and slicing, which counts what is read at once."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.ndim = data, data.shape, data.dtype, data.ndim
        self.largest = 0

    def __getitem__(self, place):
        part = self.data[place]
        self.largest = max(self.largest, part.size)
        part = part.copy()
        part.flags.writeable = False  # as of a file that is mapped to be read
        return part

    def __setitem__(self, place, values):
        self.data[place] = values


@st.composite
def cuts(draw, length):
    """Sizes of blocks along an axis, irregular, often of one voxel."""
    sizes = []
    while sum(sizes) < length:
        sizes.append(draw(st.integers(1, max(1, min(length - sum(sizes), 5)))))
    return tuple(sizes)


@st.composite
def cut_shapes(draw, longest=9):
    """A shape and the sizes of its blocks."""
    shape = tuple(draw(st.integers(1, longest)) for _ in range(3))
    return shape, tuple(draw(cuts(n)) for n in shape)


def noise(shape, seed, share):
    """A random mask."""
    return np.random.default_rng(seed).random(shape) < share


def rings(shape=(12, 13, 14)):
    """A torus, a helix of voxels joined by edges and corners, and a grid of crossing rods."""
    z, y, x = np.indices(shape)
    torus = (np.hypot(y - 6, x - 6) - 4) ** 2 + (z - 3) ** 2 <= 2.2
    found = torus.copy()
    for k in range(40):
        found[8 + k % 4, (3 * k // 4) % shape[1], k % shape[2]] = True
    found[::5, ::6, :] = True
    return found
