"""Nearest-neighbour distances of objects: between centres, and between surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import slabs
from napari_snpore.compute import Progress, ShouldStop, run_blocks, share_of, stops_at_once
from napari_snpore.measurement._gap_kernels import nearest_gaps
from napari_snpore.measurement.inputs import checked_axes
from napari_snpore.measurement.label_numbers import LARGEST_INDEX, renumbered
from napari_snpore.measurement.scan import ObjectScan, scan_objects
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

_CELL_VOXELS = 6
"""Edge of a cell in voxels of the largest spacing."""

_PIECE = 1 << 14
"""Surface voxels that one block looks at."""

_SMALL = 2000
"""Surface voxels of an object that is searched from first."""

_FEW = 64
"""Objects up to this number are looked at by their boxes first: they may be far apart."""


@stops_at_once
def nearest_neighbors(
    labels: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    cut_axes: Sequence[int] = (0, 1, 2),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the distance of every object to its nearest neighbour, by centres and by surfaces.

    Parameters
    ----------
    labels : Volume or array of integers, shape (z, y, x)
        0 outside, one number per object; gaps are allowed.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    cut_axes : sequence of int
        Axes along which the specimen extends beyond the box, such as ``(1,)`` for a piece of a fibre
        along y: beyond these faces there may be nearer neighbours.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per object, by label:

        - ``label``
        - ``center_distance_nm`` between centroids, ``center_label`` of the neighbour
        - ``surface_distance_nm`` between the nearest faces of the voxel boxes (0: they share a face, an
          edge or a corner), ``surface_label`` of the neighbour
        - ``border_distance_nm`` from the centroid to the nearest cut face of the box (inf without cut
          axes)
        - ``touches_border``: the object is cut by such a face
        - ``center_complete``, ``surface_complete``: the object is not cut, and no cut face is nearer
          than the neighbour (to the centroid, to the object), so that nothing beyond the box can be
          the nearest
        - ``center_weight``: how much the row counts in statistics of ``center_distance_nm``, see Notes;
          0 where it is not complete

        Distances are NaN and labels 0 where there is one object alone.

    Raises
    ------
    InputError
        Labels that are not integers of three axes, or negative.

    Notes
    -----
    Statistics should use complete rows alone: objects near a cut face seem farther apart than they
    are. Complete rows by themselves favour short distances, so that ``center_weight`` is 1 / (the
    share of the box in which an object with this distance would be complete) (Hanisch 1984,
    Statistics 15, 409-412).

    Examples
    --------
    >>> labels = np.zeros((1, 1, 9), np.uint8)
    >>> labels[0, 0, 1], labels[0, 0, 4:6], labels[0, 0, 8] = 1, 2, 3
    >>> table = nearest_neighbors(labels, spacing=0.5, cut_axes=())
    >>> table[["center_distance_nm", "surface_distance_nm", "surface_label"]].values.tolist()
    [[1.75, 1.0, 2.0], [1.75, 1.0, 1.0], [1.75, 1.0, 2.0]]
    """
    voxel = spacing_of(labels, spacing)
    axes = checked_axes(cut_axes)
    data: Any = array_of(labels)
    scan = scan_objects(data, progress=share_of(progress, 0.0, 0.3), should_stop=should_stop)
    centers = scan.centroid * np.array(voxel)
    center_distance, center_near = _by_centers(centers)
    gap, gap_near = _by_surfaces(data, scan.label, voxel, share_of(progress, 0.3, 1.0), should_stop)
    border, margin, cut = _borders(scan, voxel, axes)
    there = np.isfinite(center_distance)
    sure = there & ~cut & (np.nan_to_num(center_distance) <= border)
    box_nm = (scan.shape[0] * voxel[0], scan.shape[1] * voxel[1], scan.shape[2] * voxel[2])
    weights = _center_weights(np.where(sure, center_distance, 0.0), box_nm, axes)
    named = np.concatenate((scan.label, [0]))  # −1, no neighbour, takes the last
    return pd.DataFrame(
        {
            "label": scan.label,
            "center_distance_nm": center_distance,
            "center_label": named[center_near],
            "surface_distance_nm": gap,
            "surface_label": named[gap_near],
            "border_distance_nm": border,
            "touches_border": cut,
            "center_complete": sure,
            "surface_complete": there & ~cut & (np.nan_to_num(gap) <= margin),
            "center_weight": np.where(sure, weights, 0.0),
        }
    )


def _borders(
    scan: ObjectScan, voxel: Triple, axes: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return how far the nearest cut face is from each centroid and from each object (nm), and which
    objects are cut.
    """
    count = len(scan.label)
    border, margin = np.full(count, np.inf), np.full(count, np.inf)
    cut = np.zeros(count, np.bool_)
    for axis in axes:
        size, step = scan.shape[axis], voxel[axis]
        low, high = scan.low[:, axis], size - 1 - scan.high[:, axis]
        margin = np.minimum(margin, np.minimum(low, high) * step)
        middle = scan.centroid[:, axis]
        border = np.minimum(border, (np.minimum(middle, size - 1 - middle) + 0.5) * step)
        cut |= (low == 0) | (high == 0)
    return border, margin, cut


def nearest_summary(table: pd.DataFrame, *, box_nm: Triple, cut_axes: Sequence[int]) -> pd.Series:
    """Return mean and quartiles of the distances between nearest centres, corrected for the border.

    Parameters
    ----------
    table : DataFrame
        Of :func:`nearest_neighbors`.
    box_nm : (float, float, float)
        Size of the box.
    cut_axes : sequence of int
        As given there.

    Returns
    -------
    Series
        ``count`` of objects, ``complete`` rows, ``mean_nm, median_nm, first_quartile_nm,
        third_quartile_nm``; NaN without a complete row.
    """
    rows = table[table["center_complete"]]
    distances = rows["center_distance_nm"].to_numpy(np.float64)
    weights = _center_weights(distances, box_nm, checked_axes(cut_axes))
    found: dict[str, float] = {"count": len(table), "complete": len(rows)}
    names = ("first_quartile_nm", "median_nm", "third_quartile_nm")
    if not len(rows):
        return pd.Series(found | dict.fromkeys(("mean_nm", *names), np.nan))
    found["mean_nm"] = float(weights @ distances / weights.sum())
    quartiles = _quantiles(distances, weights, (0.25, 0.5, 0.75))
    return pd.Series(found | dict(zip(names, quartiles, strict=True)))


def center_median(table: pd.DataFrame) -> float:
    """Return the median distance (nm) between nearest centres, as :func:`nearest_summary` gives it;
    NaN without a complete row.

    Parameters
    ----------
    table : DataFrame
        Of :func:`nearest_neighbors`.
    """
    rows = table[table["center_weight"] > 0]
    if not len(rows):
        return np.nan
    distances, weights = (
        rows[name].to_numpy(np.float64) for name in ("center_distance_nm", "center_weight")
    )
    return _quantiles(distances, weights, (0.5,))[0]


def _center_weights(
    distances: NDArray[np.float64], box_nm: Triple, axes: Sequence[int]
) -> NDArray[np.float64]:
    """Return 1 / (the share of the box in which an object at a distance from its neighbour is
    complete).
    """
    weights = np.ones(len(distances))
    for axis in axes:
        inner = box_nm[axis] - 2 * distances
        weights *= box_nm[axis] / np.maximum(inner, 1e-3 * box_nm[axis])
    return weights


def _quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: Sequence[float]
) -> list[float]:
    order = np.argsort(values, kind="stable")
    share = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return [float(level) for level in np.interp(levels, share, values[order])]


def _by_centers(
    centers: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distance to the nearest other centre and its number; NaN and −1 without one."""
    from scipy.spatial import cKDTree

    count = len(centers)
    if count < 2:
        return np.full(count, np.nan), np.full(count, -1, np.int64)
    distances, near = cKDTree(centers).query(centers, k=2)
    own = np.arange(count)
    # of two with the same centre the first may be the object itself or the other
    pick = np.where(near[:, 0] == own, 1, 0)
    return distances[own, pick], near[own, pick].astype(np.int64)


def _by_surfaces(
    data: Any,
    label: NDArray[np.int64],
    voxel: Triple,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the gap to the nearest other object and its number; NaN and −1 without one."""
    count = len(label)
    if count < 2:
        return np.full(count, np.nan), np.full(count, -1, np.int64)
    top = int(label.max())
    if top > LARGEST_INDEX:
        data, _ = renumbered(data, should_stop=should_stop)
        number = np.arange(-1, count, dtype=np.int32)
    else:
        number = np.full(top + 1, -1, np.int32)
        number[label] = np.arange(count)
    places, owners = _surface_voxels(data, number, should_stop)
    surface = _Surfaces(places, owners, data.shape, voxel, count)
    return surface.nearest(progress, should_stop)


class _Surfaces:
    """Surface voxels of all objects, sorted by object and into cells."""

    def __init__(
        self,
        places: NDArray[np.int32],
        owners: NDArray[np.int32],
        shape: tuple[int, ...],
        voxel: Triple,
        count: int,
    ) -> None:
        edges = np.maximum(1, np.round(_CELL_VOXELS * max(voxel) / np.array(voxel)))
        self._edges = edges.astype(np.int64)
        self._grid = -(-np.array(shape, np.int64) // self._edges)
        at = np.ravel_multi_index(
            tuple((places // edges.astype(np.int32)).T), tuple(self._grid.tolist())
        )
        cells = int(self._grid.prod())
        self._order = np.argsort(at, kind="stable")
        self._cells = np.concatenate(([0], np.cumsum(np.bincount(at, minlength=cells))))
        inside = np.flatnonzero(np.diff(self._cells))
        sorted_owners = owners[self._order]
        low = np.minimum.reduceat(sorted_owners, self._cells[inside])
        high = np.maximum.reduceat(sorted_owners, self._cells[inside])
        self._keepers = np.full(cells, -1, np.int32)
        self._keepers[inside] = np.where(low == high, low, -1)
        self._places, self._owners, self._count = places, owners, count
        self._spacing = np.array(voxel, np.float64)
        self._starts = np.searchsorted(owners, np.arange(count + 1))
        self._boxes = np.empty((0, 6), np.int32)
        if count <= _FEW:
            self._boxes = np.hstack(
                [ends.reduceat(places, self._starts[:-1]) for ends in (np.minimum, np.maximum)]
            )

    def nearest(
        self, progress: Progress | None, should_stop: ShouldStop | None
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the gap of each object to its nearest, and the number of that.

        Small objects come first: what they find bounds the search of the large ones, whose voxels
        are mostly surrounded by their own. An object with most of all voxels is sought from all others.
        """
        sizes = np.diff(self._starts)
        giant = int(np.argmax(sizes)) if 2 * sizes.max() > sizes.sum() else -1
        small = sizes <= _SMALL
        gaps, near = np.full(self._count, np.inf), np.full(self._count, -1, np.int32)
        for part, chosen in enumerate((small, ~small)):
            chosen = chosen & (np.arange(self._count) != giant)
            watch = share_of(progress, 0.4 * part, 0.4 * (part + 1))
            self._search(self._pieces(chosen), -1, gaps, near, watch, should_stop)
        if giant >= 0:
            others = self._pieces(np.arange(self._count) != giant)
            watch = share_of(progress, 0.8, 1.0)
            self._search(others, giant, gaps, near, watch, should_stop)
        elif progress is not None:
            progress(1000, 1000)
        return np.sqrt(gaps), near.astype(np.int64)

    def _pieces(self, chosen: NDArray[np.bool_]) -> list[tuple[int, int]]:
        """Return ranges of the voxels of some objects."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False]))))
        return [
            (first, min(first + _PIECE, int(self._starts[end])))
            for start, end in zip(edges[::2], edges[1::2], strict=True)
            for first in range(int(self._starts[start]), int(self._starts[end]), _PIECE)
        ]

    def _search(
        self,
        pieces: list[tuple[int, int]],
        target: int,
        gaps: NDArray[np.float64],
        near: NDArray[np.int32],
        progress: Progress | None,
        should_stop: ShouldStop | None,
    ) -> None:
        """Lower the gaps by what the voxels of some ranges find; each starts from the same bounds."""

        def work(piece: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]:
            found, partners = gaps.copy(), near.copy()
            nearest_gaps(
                self._places,
                self._owners,
                self._cells,
                self._order,
                self._keepers,
                self._grid,
                self._edges,
                self._spacing,
                self._boxes,
                target,
                piece[0],
                piece[1],
                found,
                partners,
            )
            at = np.flatnonzero((found != gaps) | (partners != near))
            return at, found[at], partners[at]

        for at, found, partners in run_blocks(
            work, pieces, progress=progress, should_stop=should_stop
        ):
            tie = (found == gaps[at]) & ((near[at] < 0) | (partners < near[at]))
            better = (found < gaps[at]) | tie
            gaps[at] = np.where(better, found, gaps[at])
            near[at] = np.where(better, partners, near[at])


def _surface_voxels(
    data: Any, number: NDArray[np.int32], should_stop: ShouldStop | None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the voxels with a face to something else: places (voxel, 3), owners, sorted by owner."""

    def find(slab: slice) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        first = max(0, slab.start - 1)
        near = np.asarray(data[first : slab.stop + 1])
        own = near[slab.start - first : slab.start - first + slab.stop - slab.start]
        inside = np.ones(own.shape, np.bool_)
        for axis in (1, 2):
            same = np.diff(own, axis=axis) == 0
            for part in (slice(1, None), slice(None, -1)):
                inside[(slice(None),) * axis + (part,)] &= same
        same = np.diff(near, axis=0) == 0
        above = slab.start - first
        inside[1 - above :] &= same[: len(own) - 1 + above]
        inside[: len(same) - above] &= same[above : above + len(own)]
        at = np.argwhere((own != 0) & ~inside).astype(np.int32)
        owners = number[own[tuple(at.T)]]
        at[:, 0] += slab.start
        return at, owners

    found = run_blocks(find, slabs(data.shape), should_stop=should_stop)
    places = np.concatenate([at for at, _ in found])
    owners = np.concatenate([owner for _, owner in found])
    order = np.argsort(owners, kind="stable")
    return np.ascontiguousarray(places[order]), np.ascontiguousarray(owners[order])
