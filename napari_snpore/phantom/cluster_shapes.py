"""The shape of one Sn cluster: a voxelised ellipsoid whose length is known exactly, whole or cut by the end of the fibre."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

from napari_snpore.phantom.states import SIZE_RANGE_NM

BOOL = NDArray[np.bool_]

_TRIES = 40
_RATIOS = (0.7, 1.0)  # range of breadth / length; width / breadth the same


@dataclass(frozen=True, eq=False)
class Shape:
    """One cluster as voxels.

    Parameters
    ----------
    mask : array, bool
        Its voxels, in a box with a rim of empty voxels on all sides but that of a cut.
    halo : array, bool
        The mask grown by the width of the rim in every direction: no other cluster may lie there.
    shell : array, bool
        The voxels with a face on the mask.
    length_nm : float
        Largest distance between two of its voxel corners.
    cut : {-1, 0, 1}
        The end of the y axis at which it is cut off, first or last; 0: it is whole.
    """

    mask: BOOL
    halo: BOOL
    shell: BOOL
    length_nm: float
    cut: int = 0

    @property
    def voxel_count(self) -> int:
        """Voxels of the mask."""
        return int(np.count_nonzero(self.mask))

    @property
    def rim(self) -> int:
        """Empty voxels on each side."""
        return next(k for k, plane in enumerate(self.mask) if plane.any())

    @property
    def rows(self) -> int:
        """Extent of a whole shape along y, in voxels."""
        return int(self.mask.shape[1]) - 2 * self.rim

    def trimmed(self, before: int, after: int) -> Shape:
        """Return the shape without its first and last rows along y."""
        kept = slice(before, self.mask.shape[1] - after)
        return Shape(self.mask[:, kept], self.halo[:, kept], self.shell[:, kept], self.length_nm, self.cut)

    def turned(self, turn: int) -> Shape:
        """Return a whole shape in one of its 48 positions on the grid (0 to 47); sizes stay as they are."""
        order = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))[turn // 8]
        flips = tuple(slice(None, None, -1 if turn >> axis & 1 else 1) for axis in range(3))
        mask, halo, shell = (part.transpose(order)[flips] for part in (self.mask, self.halo, self.shell))
        return Shape(mask, halo, shell, self.length_nm)


def ellipsoid(
    length_nm: float, limits: tuple[float, float], spacing_nm: float, rim: int, rng: np.random.Generator
) -> Shape:
    """Return a voxelised ellipsoid in a random direction whose true length is near the planned one and within the limits."""
    best: Shape | None = None
    major = length_nm - spacing_nm
    for attempt in range(_TRIES):
        breadth = rng.uniform(*_RATIOS)
        # roundness is asked for less and less strictly: the smallest clusters are hardly more than their corners
        ratios = np.array([1.0, breadth, breadth * rng.uniform(*_RATIOS)]) ** (1 - attempt / _TRIES)
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        mask = _voxels_inside(np.maximum(major * ratios, spacing_nm) / 2 / spacing_nm, turn, rng.uniform(-0.5, 0.5, 3))
        if not _wide_enough(mask, spacing_nm):
            major += 0.25 * spacing_nm
            continue
        found = corner_length(mask) * spacing_nm
        if limits[0] - 1e-9 <= found < limits[1] - 1e-9 and (
            best is None or abs(found - length_nm) < abs(best.length_nm - length_nm)
        ):
            best = _framed(mask, rim, found)
        if best is not None and abs(best.length_nm - length_nm) < 0.5 * spacing_nm:
            return best
        major += 0.7 * (length_nm - found)
    if best is None:
        full = np.ones((least_block(spacing_nm),) * 3, bool)
        return _framed(full, rim, corner_length(full) * spacing_nm)
    return best


def _voxels_inside(semiaxes: NDArray[np.float64], turn: NDArray[np.float64], center: NDArray[np.float64]) -> BOOL:
    """Return the voxels whose centres lie in an ellipsoid (semi-axes in voxels), in the smallest box."""
    reach = math.ceil(float(semiaxes.max())) + 1
    grid = np.indices((2 * reach + 1,) * 3).reshape(3, -1) - reach
    inside = (((turn.T @ (grid - center[:, None])) / semiaxes[:, None]) ** 2).sum(axis=0) <= 1
    mask: BOOL = inside.reshape((2 * reach + 1,) * 3)
    found = ndimage.find_objects(mask.astype(np.uint8))
    return mask[found[0]] if found else mask[:0, :0, :0]


def cut_piece(shape: Shape, rows: int, end: int, spacing_nm: float) -> Shape | None:
    """Return what the end of the fibre leaves of a whole shape: its first or last rows along y.

    Parameters
    ----------
    shape : Shape
        Whole.
    rows : int
        Rows of voxels that stay.
    end : {-1, 1}
        The end of the y axis: at the first (-1) the last rows stay, at the last (1) the first ones.
    spacing_nm : float
        Edge of a voxel.

    Returns
    -------
    Shape or None
        None where the piece is thinner than the least width of a cluster.
    """
    rim = shape.rim
    whole = shape.mask[(slice(rim, -rim),) * 3]
    mask = whole[:, -rows:] if end < 0 else whole[:, :rows]
    if not _wide_enough(mask, spacing_nm):
        return None
    framed = _framed(mask, rim, corner_length(mask) * spacing_nm, cut=end)
    return framed.trimmed(rim, 0) if end < 0 else framed.trimmed(0, rim)


def _framed(mask: BOOL, rim: int, length_nm: float, cut: int = 0) -> Shape:
    padded = np.pad(mask, rim)
    halo = ndimage.binary_dilation(padded, np.ones((3, 3, 3)), iterations=rim)
    shell = ndimage.binary_dilation(padded) & ~padded
    return Shape(padded, halo, shell, length_nm, cut)


def _wide_enough(mask: BOOL, spacing_nm: float) -> bool:
    """Return whether a block of the least size fits inside: it proves that no direction is narrower."""
    block = np.ones((least_block(spacing_nm),) * 3, bool)
    return bool(mask.size and ndimage.binary_erosion(mask, block).any())


def corner_length(mask: BOOL) -> float:
    """Return the largest distance between two corners of voxels, in voxels."""
    nz, ny, nx = mask.shape
    filled = mask.any(axis=2)
    first = np.where(filled, mask.argmax(axis=2), nx + 1)
    last = np.where(filled, nx - mask[:, :, ::-1].argmax(axis=2), -1)
    # the ends of a row along x are the only corners that can be extreme; a grid point has four rows around it
    low, high = np.full((nz + 1, ny + 1), nx + 1), np.full((nz + 1, ny + 1), -1)
    for z, y in product((slice(0, nz), slice(1, nz + 1)), (slice(0, ny), slice(1, ny + 1))):
        np.minimum(low[z, y], first, out=low[z, y])
        np.maximum(high[z, y], last, out=high[z, y])
    grid = np.argwhere(high >= 0)
    used = tuple(grid.T)
    corners = np.concatenate([np.column_stack([grid, ends[used]]) for ends in (low, high)])
    tips = corners[ConvexHull(corners).vertices]
    return float(pdist(tips).max())


def least_block(spacing_nm: float) -> int:
    """Voxels along the edge of the smallest cube that is as wide as the least allowed size."""
    return max(1, math.ceil(SIZE_RANGE_NM[0] / spacing_nm - 1e-9))
