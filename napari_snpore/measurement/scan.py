"""Scan of a label volume for all objects at once: counts, sums, boxes, surface crossings, hull rows.

Feret diameters and shapes are computed from this record; nothing else of the package reads labels
voxel by voxel. Blocks are scanned one by one and what was found is merged: sums of integers, boxes,
and the rows that hold the corners of each plane's convex hull. The hull of hulls is the hull, so
that the diameters of an object are exact whatever blocks it spans, and nothing depends on the cuts
or on the number of threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, grid_of, with_margin
from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.kernels import for_kernel
from napari_snpore.measurement._scan_kernels import (
    COLUMNS,
    COUNT,
    EXITS,
    HIGH,
    LOW,
    MOMENTS,
    ROWS,
    SUMS,
    fill_rows,
    mark_hull_rows,
    mark_labels,
    scan_box,
)
from napari_snpore.measurement.label_numbers import LARGEST_INDEX
from napari_snpore.segmentation.exact_sums import SumScale

_LARGEST_LABEL = np.iinfo(np.int64).max
_LARGEST_MOMENT = float(1 << 62)


@dataclass(frozen=True, eq=False)
class ScannedBlock:
    """The objects of one block, or of several that were merged, in the order of their labels.

    Parameters
    ----------
    label : array, int64, shape (object,)
    table : array, int64, shape (object, COLUMNS)
        See :mod:`napari_snpore.measurement._scan_kernels`.
    rows : array, int32, shape (row, 4)
        As those of :class:`ObjectScan`.
    starts : array, int64, shape (object + 1,)
        Where each object's rows begin.
    gray : array, int64, shape (object, 2)
        Sums of the grey values in the steps of a :class:`~napari_snpore.segmentation.exact_sums.SumScale`.
    """

    label: NDArray[np.int64]
    table: NDArray[np.int64]
    rows: NDArray[np.int32]
    starts: NDArray[np.int64]
    gray: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ObjectScan:
    """The objects of a label volume, in the order of their labels; all indices in voxels.

    Parameters
    ----------
    label : array, int64, shape (object,)
        As in the volume; gaps are allowed there and do not show here.
    table : array, int64, shape (object, COLUMNS)
        See :mod:`napari_snpore.measurement._scan_kernels`.
    rows : array, int32, shape (row, 4)
        ``z, y, smallest x, greatest x`` of the rows that hold the corners of each plane's 2D convex
        hull, objects one after another, sorted by (z, y) within.
    starts : array, int64, shape (object + 1,)
        Where each object's rows begin.
    gray_sum : array, float64, shape (object,), or None
        Sum of the grey values.
    shape : (int, int, int)
        Of the volume.
    """

    label: NDArray[np.int64]
    table: NDArray[np.int64]
    rows: NDArray[np.int32]
    starts: NDArray[np.int64]
    gray_sum: NDArray[np.float64] | None
    shape: tuple[int, int, int]

    @property
    def count(self) -> NDArray[np.int64]:
        """Voxels of each object."""
        return self.table[:, COUNT]

    @property
    def centroid(self) -> NDArray[np.float64]:
        """Mean index (z, y, x), shape (object, 3)."""
        mean: NDArray[np.float64] = self.table[:, SUMS : SUMS + 3] / self.count[:, None]
        return mean

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Second central moments of the voxel boxes, shape (object, 3, 3), in voxels²."""
        mean = self.centroid
        zz, yy, xx, zy, zx, yx = (self.table[:, MOMENTS : MOMENTS + 6] / self.count[:, None]).T
        raw = np.stack([zz, zy, zx, zy, yy, yx, zx, yx, xx], axis=1).reshape(-1, 3, 3)
        return (
            raw - mean[:, :, None] * mean[:, None, :] + np.eye(3) / 12
        )  # a box of edge 1 has 1/12

    @property
    def low(self) -> NDArray[np.int64]:
        """Smallest index (z, y, x), shape (object, 3)."""
        return self.table[:, LOW : LOW + 3]

    @property
    def high(self) -> NDArray[np.int64]:
        """Greatest index (z, y, x), inclusive, shape (object, 3)."""
        return self.table[:, HIGH : HIGH + 3]

    @property
    def exits(self) -> NDArray[np.int64]:
        """Voxels whose neighbour along each of 13 directions is not of the object, shape (object,
        13).
        """
        return self.table[:, EXITS : EXITS + 13]


def scan_objects(
    labels: Any,
    *,
    gray: Any = None,
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> ObjectScan:
    """Read a label volume (and its grey values) and return what was found.

    Parameters
    ----------
    labels : array, integer, shape (z, y, x)
        0 outside; lazy and memory-mapped arrays are read block by block.
    gray : array of real numbers, same shape, optional
        Grey values to be summed for each object; floats are read twice.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; what is found does not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    ObjectScan

    Raises
    ------
    InputError
        Labels that are not integers, negative, or not three-dimensional; grey values of another
        shape, complex or NaN.
    """
    _check(labels, gray)
    shape = (int(labels.shape[0]), int(labels.shape[1]), int(labels.shape[2]))
    blocks = grid_of(labels, block_shape).blocks
    scale, share = None, 0.0
    if gray is not None and 0 not in shape:
        share = 0.0 if np.dtype(gray.dtype).kind != "f" else 0.3
        watch = {"progress": share_of(progress, 0.0, share), "should_stop": should_stop}
        scale = _gray_scale(labels, gray, blocks, watch)

    def scan(block: Block) -> ScannedBlock:
        outer, inner = with_margin(block, shape, 1)
        # of the plane before, nothing is asked
        planes = slice(block[0].start, outer[0].stop)
        around = (planes, outer[1], outer[2])
        inner = (slice(0, block[0].stop - block[0].start), inner[1], inner[2])
        values = None if gray is None else np.asarray(gray[block])
        origin = tuple(part.start for part in around)
        return scan_block(np.asarray(labels[around]), inner, origin, gray=values, scale=scale)

    parts = run_on_blocks(
        scan,
        blocks,
        arrays=[labels] if gray is None else [labels, gray],
        progress=share_of(progress, share, 1.0),
        should_stop=should_stop,
    )
    found = merge_scans(parts)
    _check_moments(found.table)
    sums = None
    if gray is not None:
        sums = np.zeros(len(found.label)) if scale is None else scale.sums(*found.gray.T)
        if not np.isfinite(sums).all():
            raise InputError(_NOT_FINITE)
    return ObjectScan(found.label, found.table, found.rows, found.starts, sums, shape)


_NOT_FINITE = "intensity holds NaN or infinite values inside objects; repair it or leave it out."


def scan_block(
    labels: NDArray[Any],
    inner: Block,
    origin: Sequence[int],
    *,
    gray: NDArray[Any] | None = None,
    scale: SumScale | None = None,
) -> ScannedBlock:
    """Return what one block holds of each object.

    Parameters
    ----------
    labels : array of integers, shape (z, y, x)
        The block with the next plane, and one row and column on each side, where the volume has
        them: a voxel is on the surface where a neighbor is not of its object.
    inner : (slice, slice, slice)
        Place of the block in ``labels``.
    origin : (int, int, int)
        Index in the volume of the first voxel of ``labels``.
    gray : array of real numbers, shape of the block, optional
    scale : SumScale, optional
        Of all grey values of the volume.
    """
    part, numbers, top = _numbered(labels)
    flat = for_kernel(part).reshape(-1)
    box = np.array([[s.start, s.stop, o] for s, o in zip(inner, origin, strict=True)], np.int64)
    present = np.zeros(top + 1, np.uint8)
    mark_labels(flat, present)
    present[0] = 0
    there = np.flatnonzero(present)
    index = np.zeros(len(present), np.int32)
    index[there] = np.arange(len(there), dtype=np.int32)
    table = np.zeros((len(there), COLUMNS), np.int64)
    scan_box(flat, part.shape, box, index, np.full(len(there), -1), table)
    starts = np.concatenate([[0], np.cumsum(table[:, ROWS])])
    rows = np.empty((int(starts[-1]), 4), np.int32)
    cursor = starts[:-1].copy()
    fill_rows(flat, part.shape, box, index, np.full(len(there), -1), cursor, rows)
    rows, starts = _hull_rows(rows, starts)
    sums = np.zeros((len(there), 2), np.int64)
    if gray is not None and scale is not None:
        own = part[inner]
        inside = own > 0
        objects = index[own[inside]]
        for column, steps in enumerate(scale.folded(gray[inside])):
            sums[:, column] = np.bincount(objects, steps, len(there))
    label = there.astype(np.int64) if numbers is None else numbers[there - 1]
    return _of_objects(ScannedBlock(label, table, rows, starts, sums), table[:, COUNT] > 0)


def merge_scans(parts: Sequence[ScannedBlock]) -> ScannedBlock:
    """Return what several blocks hold of each object together; the order of the parts is free."""
    if len(parts) == 1:
        return parts[0]
    label, piece_of = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(part.label for part in parts)]),
        return_inverse=True,
    )
    pieces = np.argsort(piece_of, kind="stable")  # those of an object one after another
    number = piece_of[pieces]
    begin = np.flatnonzero(np.diff(number, prepend=-1))
    tables = np.concatenate([np.zeros((0, COLUMNS), np.int64), *(p.table for p in parts)])[pieces]
    table = np.zeros((0, COLUMNS), np.int64)
    gray = np.zeros((0, 2), np.int64)
    if len(label):
        table = np.add.reduceat(tables, begin)
        table[:, LOW : LOW + 3] = np.minimum.reduceat(tables[:, LOW : LOW + 3], begin)
        table[:, HIGH : HIGH + 3] = np.maximum.reduceat(tables[:, HIGH : HIGH + 3], begin)
        gray = np.add.reduceat(np.concatenate([p.gray for p in parts])[pieces], begin)
    del tables
    rows, starts = _merged_rows(parts, pieces, number, len(label))
    table[:, ROWS] = 0  # a row across two blocks was counted twice
    return ScannedBlock(label, table, rows, starts, gray)


def _merged_rows(
    parts: Sequence[ScannedBlock],
    pieces: NDArray[np.intp],
    number: NDArray[np.intp],
    count: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Put the rows of each object's pieces together: one per (z, y), and those of hulls alone."""
    lengths = np.concatenate([np.zeros(0, np.int64), *(np.diff(p.starts) for p in parts)])
    given = np.concatenate([np.zeros((0, 4), np.int32), *(p.rows for p in parts)])
    begins = np.concatenate([[0], np.cumsum(lengths)])[:-1][pieces]
    lengths = lengths[pieces]
    place = np.cumsum(lengths) - lengths
    source = np.arange(len(given)) + np.repeat(begins - place, lengths)
    rows, owner = given[source], np.repeat(number, lengths)
    del given, source
    several = np.repeat(np.bincount(number, minlength=count)[number] > 1, lengths)
    shared = np.flatnonzero(several)
    if len(shared):
        some, whose = rows[shared], owner[shared]
        order = np.lexsort((some[:, 1], some[:, 0], whose))
        some, whose = some[order], whose[order]
        new = np.flatnonzero(
            np.diff(whose, prepend=-1).astype(bool)
            | (np.diff(some[:, :2], axis=0, prepend=-1) != 0).any(axis=1)
        )
        joined = some[new]
        joined[:, 2] = np.minimum.reduceat(some[:, 2], new)
        joined[:, 3] = np.maximum.reduceat(some[:, 3], new)
        rows = np.concatenate([rows[~several], joined])
        owner = np.concatenate([owner[~several], whose[new]])
        order = np.argsort(owner, kind="stable")
        rows, owner = rows[order], owner[order]
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))])
    return _hull_rows(rows, starts) if len(shared) else (rows, starts)


def _hull_rows(
    rows: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the rows with corners of the 2D hulls of each object's planes, and where each begins."""
    kept = np.zeros(len(rows), np.uint8)
    longest = int(np.diff(starts).max(initial=0))
    mark_hull_rows(rows, starts, np.empty(longest, np.int64), kept)
    before = np.concatenate([[0], np.cumsum(kept, dtype=np.int64)])
    return rows[kept.view(np.bool_)], before[starts]


def _of_objects(scan: ScannedBlock, chosen: NDArray[np.bool_]) -> ScannedBlock:
    """Leave out objects without a row: those that lie in the voxels around a block alone."""
    if chosen.all():
        return scan
    ends = np.append(chosen, True)
    return ScannedBlock(
        scan.label[chosen], scan.table[chosen], scan.rows, scan.starts[ends], scan.gray[chosen]
    )


def _numbered(
    labels: NDArray[Any],
) -> tuple[NDArray[np.uint32], NDArray[np.int64] | None, int]:
    """Return a block's labels as uint32, contiguous, None, and the greatest; where they are too large
    for a table by label: 1, 2, 3, ..., the given label of each, and their number.
    """
    if labels.dtype.kind == "i" and labels.min(initial=0) < 0:
        raise InputError("labels holds negative numbers; 0 is outside, objects are 1 and above.")
    top = int(labels.max(initial=0))
    if top > _LARGEST_LABEL:
        raise InputError(f"labels holds {top}; labels up to 2^63 - 1 are possible.")
    if top <= LARGEST_INDEX:
        return np.ascontiguousarray(labels, dtype=np.uint32), None, top
    numbers, places = np.unique(labels, return_inverse=True)
    outside = int(numbers[0] == 0)
    small = (places.reshape(labels.shape) + (1 - outside)).astype(np.uint32)
    return small, numbers[outside:].astype(np.int64), len(numbers) - outside


def _gray_scale(labels: Any, gray: Any, blocks: list[Block], watch: dict[str, Any]) -> SumScale:
    """Return the steps in which grey values are summed: of integers from their dtype, of floats from
    the greatest value inside objects.
    """
    kind = np.dtype(gray.dtype)
    if kind.kind != "f":
        return SumScale(8 * kind.itemsize)

    def greatest(block: Block) -> float:
        values = np.asarray(gray[block])[np.asarray(labels[block]) > 0]
        return float(np.abs(values).max(initial=0))

    found = float(
        np.max(run_on_blocks(greatest, blocks, arrays=[labels, gray], **watch))
    )  # NaN stays NaN
    if not np.isfinite(found):
        raise InputError(_NOT_FINITE)
    return SumScale.of(found)


def _check_moments(table: NDArray[np.int64]) -> None:
    """Refuse objects whose second moments have left 64 bits: some 7,000 voxels along each axis."""
    farthest = table[:, HIGH : HIGH + 3].max(axis=1, initial=0).astype(np.float64)
    if (table[:, COUNT] * farthest**2 > _LARGEST_MOMENT).any():
        raise InputError(
            "labels holds an object that is too large for exact second moments; bin or crop it."
        )


def _check(labels: Any, gray: Any) -> None:
    if getattr(labels, "ndim", None) != 3:
        raise InputError(f"labels has shape {np.shape(labels)}; three axes (z, y, x) are needed.")
    if np.dtype(labels.dtype).kind not in "iu":
        raise InputError(
            f"labels is {labels.dtype}; integers are needed (label_objects makes them from a mask)."
        )
    if gray is None:
        return
    if tuple(gray.shape) != tuple(labels.shape):
        raise InputError(
            f"intensity has shape {tuple(gray.shape)}; the labels have {tuple(labels.shape)}."
        )
    if np.dtype(gray.dtype).kind not in "biuf":
        raise InputError(f"intensity holds {gray.dtype}; real grey values are needed.")
