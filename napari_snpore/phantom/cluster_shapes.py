"""Voxelized ellipsoids of known Feret length: the shape of one Sn cluster, whole or cut by an end
of the box.
"""

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
"""Largest number of corrections of the size of one ellipsoid."""

_RATIOS = (0.7, 1.0)
"""Range of breadth / length, and of width / breadth: compact clusters, our choice."""

_GAIN = 0.7
"""Share of the error of the length that one correction removes; voxels make it jump, so less than
1."""

_ROUNDING = 1e-9
"""Relative to nm or voxels: keeps a ratio such as 0.3 / 0.15 from being rounded to the wrong side.
"""


@dataclass(frozen=True, eq=False)
class Shape:
    """One cluster as voxels.

    Parameters
    ----------
    mask : array, bool
        Voxels of the cluster, in a box with a rim of empty voxels on all sides except a cut one.
    halo : array, bool
        The mask dilated by the width of the rim (26-connected): no other cluster may overlap it.
    shell : array, bool
        Voxels with a face on the mask.
    length_nm : float
        Largest distance between two voxel corners: the maximum Feret diameter.
    cut : {-1, 0, 1}
        End of the y axis at which the cluster is cut, first or last; 0 for a whole cluster.
    """

    mask: BOOL
    halo: BOOL
    shell: BOOL
    length_nm: float
    cut: int = 0

    @property
    def voxel_count(self) -> int:
        """Number of voxels of the mask."""
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
        return Shape(
            self.mask[:, kept], self.halo[:, kept], self.shell[:, kept], self.length_nm, self.cut
        )

    def turned(self, turn: int) -> Shape:
        """Return a whole shape in one of the 48 rotations and reflections of the grid (0 to 47);
        sizes are kept.
        """
        order = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))[turn // 8]
        flips = tuple(slice(None, None, -1 if turn >> axis & 1 else 1) for axis in range(3))
        mask, halo, shell = (
            part.transpose(order)[flips] for part in (self.mask, self.halo, self.shell)
        )
        return Shape(mask, halo, shell, self.length_nm)


def ellipsoid(
    length_nm: float,
    limits: tuple[float, float],
    spacing_nm: float,
    rim: int,
    rng: np.random.Generator,
) -> Shape:
    """Return a voxelized ellipsoid in a random direction with nearly the planned length.

    The length of a voxelized ellipsoid exceeds its major axis by about one voxel, by how much
    depends on the direction. The major axis is therefore corrected until the length between voxel
    corners is within half a voxel of the plan; the nearest one within the limits is returned if
    none is.

    Parameters
    ----------
    length_nm : float
        Planned maximum Feret diameter, between voxel corners.
    limits : (float, float)
        Allowed length in nm, the upper limit excluded.
    spacing_nm : float
        Edge of a voxel.
    rim : int
        Empty voxels around the shape.
    rng : Generator
        Source of ratios, direction and sub-voxel position.
    """
    best: Shape | None = None
    major = length_nm - spacing_nm
    for attempt in range(_TRIES):
        breadth = rng.uniform(*_RATIOS)
        # the ratios tend to 1 with the attempts: the smallest clusters consist of few voxels and
        # allow no others
        ratios = np.array([1.0, breadth, breadth * rng.uniform(*_RATIOS)]) ** (1 - attempt / _TRIES)
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        mask = _voxels_inside(
            np.maximum(major * ratios, spacing_nm) / 2 / spacing_nm, turn, rng.uniform(-0.5, 0.5, 3)
        )
        if not _wide_enough(mask, spacing_nm):
            major += 0.25 * spacing_nm
            continue
        found = corner_length(mask) * spacing_nm
        allowed = limits[0] - _ROUNDING <= found < limits[1] - _ROUNDING
        nearer = best is None or abs(found - length_nm) < abs(best.length_nm - length_nm)
        if allowed and nearer:
            best = _framed(mask, rim, found)
        if best is not None and abs(best.length_nm - length_nm) < 0.5 * spacing_nm:
            return best
        major += _GAIN * (length_nm - found)
    if best is None:
        full = np.ones((least_block(spacing_nm),) * 3, bool)
        return _framed(full, rim, corner_length(full) * spacing_nm)
    return best


def _voxels_inside(
    semiaxes: NDArray[np.float64], turn: NDArray[np.float64], center: NDArray[np.float64]
) -> BOOL:
    """Return the voxels whose centres lie in an ellipsoid (semi-axes in voxels), in the smallest
    box.
    """
    reach = math.ceil(float(semiaxes.max())) + 1
    grid = np.indices((2 * reach + 1,) * 3).reshape(3, -1) - reach
    inside = (((turn.T @ (grid - center[:, None])) / semiaxes[:, None]) ** 2).sum(axis=0) <= 1
    mask: BOOL = inside.reshape((2 * reach + 1,) * 3)
    found = ndimage.find_objects(mask.astype(np.uint8))
    return mask[found[0]] if found else mask[:0, :0, :0]


def cut_piece(shape: Shape, rows: int, end: int, spacing_nm: float) -> Shape | None:
    """Return the first or last rows along y of a whole shape: the part inside the box.

    Parameters
    ----------
    shape : Shape
        Whole shape.
    rows : int
        Rows of voxels that are kept.
    end : {-1, 1}
        End of the y axis: at the first one (-1) the last rows are kept, at the last one (1) the
        first rows.
    spacing_nm : float
        Edge of a voxel.

    Returns
    -------
    Shape or None
        None if the piece is thinner than the least width of a cluster.
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
    """Return whether a cube of the least size fits inside: then the width is at least that size."""
    block = np.ones((least_block(spacing_nm),) * 3, bool)
    return bool(mask.size and ndimage.binary_erosion(mask, block).any())


def corner_length(mask: BOOL) -> float:
    """Return the largest distance between two corners of voxels (maximum Feret diameter), in
    voxels.

    Examples
    --------
    >>> round(corner_length(np.ones((1, 1, 1), bool)), 3)  # the diagonal of a cube, √3
    1.732
    """
    nz, ny, nx = mask.shape
    filled = mask.any(axis=2)
    first = np.where(filled, mask.argmax(axis=2), nx + 1)
    last = np.where(filled, nx - mask[:, :, ::-1].argmax(axis=2), -1)
    # only the ends of a row along x can be hull vertices; up to four rows share a grid point (z, y)
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
    """Return the edge, in voxels, of the smallest cube that is as wide as the least allowed
    size.
    """
    return max(1, math.ceil(SIZE_RANGE_NM[0] / spacing_nm - _ROUNDING))
