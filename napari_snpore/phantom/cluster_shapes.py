"""Shapes of Sn clusters: voxelised ellipsoids with planned lengths, so that the share of short ones is exact by construction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from scipy.special import ndtr, ndtri

from napari_snpore.phantom.states import LENGTH_LIMIT_NM, SIZE_RANGE_NM

BOOL = NDArray[np.bool_]

_SHAPES = 256
_TRIES = 40
_MEAN_RATIO = (0.7, 1.0)  # range of breadth / length; width / breadth the same


@dataclass(frozen=True, eq=False)
class Shape:
    """One cluster as voxels.

    Parameters
    ----------
    mask : array, bool
        Its voxels, in a box with a rim of ``rim`` empty voxels.
    halo : array, bool
        The mask grown by ``rim`` voxels in every direction: nothing else may lie there.
    shell : array, bool
        The voxels with a face on the mask.
    length_nm : float
        Largest distance between two of its voxel corners.
    """

    mask: BOOL
    halo: BOOL
    shell: BOOL
    length_nm: float

    @property
    def voxel_count(self) -> int:
        """Voxels of the mask."""
        return int(np.count_nonzero(self.mask))

    def turned(self, turn: int) -> Shape:
        """Return the shape in one of its 48 positions on the grid (0 to 47); sizes stay as they are."""
        order = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))[turn // 8]
        flips = tuple(slice(None, None, -1 if turn >> axis & 1 else 1) for axis in range(3))
        mask, halo, shell = (part.transpose(order)[flips] for part in (self.mask, self.halo, self.shell))
        return Shape(mask, halo, shell, self.length_nm)


def planned_clusters(
    voxels: float, *, spacing_nm: float, short_share: float, median_nm: float, gap_nm: float, rng: np.random.Generator
) -> list[Shape]:
    """Return the shapes of all clusters of a fibre, longest first.

    Lengths follow a lognormal distribution cut to the allowed range, with the given median (before the cut) and share below
    the limit. That share is met by number as closely as a whole number of clusters can, by the true lengths of the voxelised
    shapes.

    Parameters
    ----------
    voxels : float
        Volume of all clusters together.
    spacing_nm : float
        Edge of a voxel.
    short_share : float
        Share by number with a length below the limit.
    median_nm : float
        Median length.
    gap_nm : float
        Least distance of two clusters; at least one voxel is kept.
    rng : Generator
        Chooses forms and directions.
    """
    short_kinds = round(short_share * _SHAPES)
    rim = max(1, math.ceil(gap_nm / spacing_nm - 1e-9))
    spread = math.log(LENGTH_LIMIT_NM / median_nm) / float(ndtri(short_share))
    finest = max(SIZE_RANGE_NM[0], math.sqrt(3) * _block(spacing_nm) * spacing_nm)
    kinds: list[list[Shape]] = []
    for low, high, count in (
        (finest, LENGTH_LIMIT_NM, short_kinds),
        (*(LENGTH_LIMIT_NM, SIZE_RANGE_NM[1]), _SHAPES - short_kinds),
    ):
        ranks = [float(ndtr(math.log(limit / median_nm) / spread)) for limit in (low, high)]
        place = ranks[0] + (ranks[1] - ranks[0]) * (np.arange(count) + 0.5) / count
        lengths = median_nm * np.exp(spread * ndtri(place))
        kinds.append([_ellipsoid(float(length), (low, high), spacing_nm, rim, rng) for length in lengths])
    short_mean, long_mean = (float(np.mean([shape.voxel_count for shape in some])) for some in kinds)
    total = max(2, round(voxels / (short_share * short_mean + (1 - short_share) * long_mean)))
    short = min(max(round(short_share * total), 1), total - 1)
    chosen = [
        some[int((k + 0.5) / n * len(some))]
        for some, n in zip(kinds, (short, total - short), strict=True)
        for k in range(n)
    ]
    turns = rng.integers(48, size=total)
    shapes = [shape.turned(int(turn)) for shape, turn in zip(chosen, turns, strict=True)]
    return sorted(shapes, key=lambda shape: -shape.length_nm)


def _ellipsoid(
    length_nm: float, limits: tuple[float, float], spacing_nm: float, rim: int, rng: np.random.Generator
) -> Shape:
    """Return a voxelised ellipsoid in a random direction whose true length is near the planned one and within the limits."""
    block = np.ones((_block(spacing_nm),) * 3, bool)
    best: Shape | None = None
    major = length_nm - spacing_nm
    for attempt in range(_TRIES):
        breadth = rng.uniform(*_MEAN_RATIO)
        # roundness is asked for less and less strictly: the smallest clusters are hardly more than their corners
        ratios = np.array([1.0, breadth, breadth * rng.uniform(*_MEAN_RATIO)]) ** (1 - attempt / _TRIES)
        turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        mask = _voxels_inside(np.maximum(major * ratios, spacing_nm) / 2 / spacing_nm, turn, rng.uniform(-0.5, 0.5, 3))
        # a block of this size inside proves that the width is not below the least size
        if not ndimage.binary_erosion(mask, block).any():
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
        full = np.ones_like(block)
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


def _framed(mask: BOOL, rim: int, length_nm: float) -> Shape:
    padded = np.pad(mask, rim)
    halo = ndimage.binary_dilation(padded, np.ones((3, 3, 3)), iterations=rim)
    shell = ndimage.binary_dilation(padded) & ~padded
    return Shape(padded, halo, shell, length_nm)


def corner_length(mask: BOOL) -> float:
    """Return the largest distance between two corners of voxels, in voxels."""
    place = np.argwhere(mask & ~ndimage.binary_erosion(mask))
    corners = np.unique((place[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T).reshape(-1, 3), axis=0)
    tips = corners[ConvexHull(corners).vertices]
    return float(pdist(tips).max())


def _block(spacing_nm: float) -> int:
    """Voxels along the edge of the smallest cube that is as wide as the least allowed size."""
    return max(1, math.ceil(SIZE_RANGE_NM[0] / spacing_nm - 1e-9))
