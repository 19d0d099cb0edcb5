"""Number and lengths of the Sn clusters of a fibre, planned so that the share of short ones is
exact.

Lengths are quantiles of a lognormal distribution, not random draws: the share below the limit then
holds to the nearest whole cluster. Clusters that the ends of the box cut are planned as well, as
many as a longer fibre would have there; without them the ends would contain too little Sn.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from napari_snpore.phantom.cluster_shapes import Shape, cut_piece, ellipsoid, least_block
from napari_snpore.phantom.states import LENGTH_LIMIT_NM, SIZE_RANGE_NM, StateTargets

_KINDS = 256
"""Different shapes per fibre: their lengths divide the distribution finely."""

_PIECES_TRIED = 600
"""Random cuts through these shapes, from which the cut clusters are chosen."""

_GRID_POSITIONS = 48
"""Rotations and mirror images of a cube onto itself."""


def planned_clusters(
    voxels: float,
    *,
    rows: int,
    targets: StateTargets,
    spacing_nm: float,
    gap_nm: float,
    rng: np.random.Generator,
) -> list[Shape]:
    """Return the shapes of all clusters of a fibre, longest first.

    Lengths follow a lognormal distribution cut to the allowed range, with the median (before the
    cut) and the share below the limit of the state. The share is met by number, with the true
    lengths of the voxelized shapes, to the nearest whole cluster: among the whole clusters, and
    among all clusters with the cut ones as they lie in the box.

    Parameters
    ----------
    voxels : float
        Voxels of all clusters together.
    rows : int
        Length of the fibre in voxels.
    targets : StateTargets
        Share of short clusters and median length.
    spacing_nm : float
        Edge of a voxel.
    gap_nm : float
        Least distance of two clusters, rounded to whole voxels, at least one.
    rng : Generator
        Source of the shapes and directions.
    """
    kinds = _kinds(targets, spacing_nm, max(1, round(gap_nm / spacing_nm + 1e-9)), rng)
    pieces, pieces_per_cluster = _pieces(kinds, rows, spacing_nm, rng)
    whole_size, piece_size = (
        float(np.mean([shape.voxel_count for shape in some])) for some in (kinds, pieces)
    )
    whole = max(2, round(voxels / (whole_size + pieces_per_cluster * piece_size)))
    cut = round(pieces_per_cluster * whole)
    short = [_short_count(targets.short_share, count) for count in (whole, whole + cut)]
    chosen = [*_spread(kinds, short[0], short=True), *_spread(kinds, whole - short[0], short=False)]
    turns = rng.integers(_GRID_POSITIONS, size=whole)
    chosen = [shape.turned(int(turn)) for shape, turn in zip(chosen, turns, strict=True)]
    chosen += _spread(pieces, short[1] - short[0], short=True)
    chosen += _spread(pieces, cut - (short[1] - short[0]), short=False)
    return sorted(chosen, key=lambda shape: -shape.length_nm)


def _kinds(
    targets: StateTargets, spacing_nm: float, rim: int, rng: np.random.Generator
) -> list[Shape]:
    """Return shapes with the lengths at evenly spaced quantiles of the cut lognormal distribution.

    Median m and share p below the limit L fix the spread: ``p = Φ(ln(L / m) / spread)``.
    """
    median, share = targets.median_length_nm, targets.short_share
    spread = math.log(LENGTH_LIMIT_NM / median) / float(ndtri(share))
    finest = max(SIZE_RANGE_NM[0], math.sqrt(3) * least_block(spacing_nm) * spacing_nm)
    short = _short_count(share, _KINDS)
    kinds = []
    for low, high, count in (
        (finest, LENGTH_LIMIT_NM, short),
        (LENGTH_LIMIT_NM, SIZE_RANGE_NM[1], _KINDS - short),
    ):
        ranks = [float(ndtr(math.log(limit / median) / spread)) for limit in (low, high)]
        place = ranks[0] + (ranks[1] - ranks[0]) * (np.arange(count) + 0.5) / count
        lengths: NDArray[np.float64] = median * np.exp(spread * ndtri(place))
        kinds += [ellipsoid(float(length), (low, high), spacing_nm, rim, rng) for length in lengths]
    return kinds


def _pieces(
    kinds: list[Shape], rows: int, spacing_nm: float, rng: np.random.Generator
) -> tuple[list[Shape], float]:
    """Return pieces of clusters cut by an end of the box, by length, and their number per whole
    cluster.

    With centres spread evenly along a longer fibre, a cluster of r rows lies whole at ``rows - r +
    1`` positions and is cut at ``r - 1`` positions per end. Example: 10 rows and r = 3 give 8 whole
    and 2 + 2 cut.
    """
    turned = [
        kinds[k].turned(int(turn))
        for k, turn in enumerate(rng.integers(_GRID_POSITIONS, size=len(kinds)))
    ]
    extent = np.array([shape.rows for shape in turned])
    odds = 2 * (extent - 1) / np.maximum(rows - extent + 1, 1)
    pieces = []
    for kind in rng.choice(len(kinds), _PIECES_TRIED, p=odds / odds.sum()):
        kept, end = int(rng.integers(1, extent[kind])), int(rng.choice((-1, 1)))
        piece = cut_piece(turned[kind], kept, end, spacing_nm)
        if piece is not None:
            pieces.append(piece)
    return sorted(pieces, key=lambda piece: piece.length_nm), float(odds.mean()) * len(
        pieces
    ) / _PIECES_TRIED


def _short_count(share: float, total: int) -> int:
    """Return the number of short clusters among ``total``; at least one short and one long cluster
    are kept.
    """
    return min(max(round(share * total), 1), total - 1)


def _spread(shapes: list[Shape], count: int, *, short: bool) -> list[Shape]:
    """Return ``count`` evenly spaced ones of the shapes below the length limit (or of those above
    it).
    """
    some = [shape for shape in shapes if (shape.length_nm < LENGTH_LIMIT_NM) == short]
    return [some[int((k + 0.5) / count * len(some))] for k in range(count)]
