"""Exact gray histogram of a volume with minimum, maximum and mean, streamed over lazy data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.segmentation._kernels import count_floats, count_integers, extent
from napari_snpore.volume import Volume, array_of, spacing_of

FLOAT_BINS = 4096
_SLAB_VOXELS = 1 << 22


@dataclass(frozen=True, eq=False)
class Histogram:
    """How often each grey value occurs.

    Parameters
    ----------
    counts : array, int64, shape (n,)
        Voxels in each bin.
    edges : array, float64, shape (n + 1,)
        Bin edges in grey units; k − 0.5 and k + 0.5 around each integer of integer data.
    minimum, maximum, mean : float
        Of the voxels counted, grey units.
    saturated_share : float
        Share of voxels at the greatest value that the dtype holds (integers), or at the maximum
        (floats).
    voxel_count : int
        Voxels counted.
    dtype : str
        Of the data.
    """

    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    minimum: float
    maximum: float
    mean: float
    saturated_share: float
    voxel_count: int
    dtype: str

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle of each bin, grey units."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def cumulative(self) -> NDArray[np.int64]:
        """Voxels below each edge, shape (n + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    def fractions(self, thresholds: Any) -> tuple[float, ...]:
        """Return the shares of the phases 1..N + 1 that N increasing thresholds make.

        Exact for integer data; within a bin, float data counts as evenly spread.
        """
        values = np.asarray(thresholds, np.float64).reshape(-1)
        if np.dtype(self.dtype).kind in "iub":
            values = (
                np.ceil(values) - 0.5
            )  # v >= t means v >= ceil(t), and edges lie between the integers
        below = np.interp(
            values, self.edges, self.cumulative / self.voxel_count, left=0.0, right=1.0
        )
        return tuple(float(share) for share in np.diff(np.concatenate([[0.0], below, [1.0]])))


def gray_histogram(
    volume: Volume | NDArray[Any],
    *,
    bins: int | None = None,
    mask: Volume | NDArray[np.bool_] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Histogram:
    """Count the grey values of a volume exactly.

    Parameters
    ----------
    volume : Volume or array
        Any shape; memory-mapped and lazy (dask) data is streamed in slabs along the first axis.
    bins : int, optional
        Number of equal bins between minimum and maximum for float data, default 4096. Integer data
        of up to 16 bits is always counted value by value; wider integers are treated as floats.
    mask : Volume or array, bool, optional
        Count only where it is true (a slice, a subvolume, the envelope).
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Histogram

    Raises
    ------
    InputError
        NaN or infinity, an empty volume or mask, a mask of another shape.

    Examples
    --------
    >>> histogram = gray_histogram(np.array([[[3, 3, 5]]], np.uint8))
    >>> histogram.counts, histogram.centers
    (array([2, 0, 1]), array([3., 4., 5.]))
    """
    data = array_of(volume)
    if bins is not None and bins < 2:
        raise InputError(f"bins is {bins}; at least 2 are needed.")
    if isinstance(volume, Volume):
        spacing_of(volume, None, mask)
    chosen = None if mask is None else np.asarray(array_of(mask))
    if chosen is not None and chosen.shape != data.shape:
        raise InputError(f"mask has shape {chosen.shape}; the volume has {tuple(data.shape)}.")
    if 0 in data.shape or (chosen is not None and not chosen.any()):
        raise InputError("There is no voxel to count: the volume or its mask is empty.")
    kind = np.dtype(data.dtype)
    watch = {"progress": progress, "should_stop": should_stop}
    if kind.kind == "b" or (kind.kind in "iu" and kind.itemsize <= 2):
        return _of_integers(data, chosen, kind, watch)
    if kind.kind not in "iuf":
        raise InputError(f"The volume holds {kind}; real grey values are needed.")
    return _of_floats(data, chosen, bins or FLOAT_BINS, watch)


def slabs(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield slices along the first axis of some four million voxels each."""
    thickness = max(1, _SLAB_VOXELS // max(1, int(np.prod(shape[1:]))))
    for start in range(0, shape[0], thickness):
        yield slice(start, min(start + thickness, shape[0]))


def values_in(data: Any, slab: slice) -> NDArray[Any]:
    """Return a slab as a plain array that kernels take: native byte order, and half floats as
    float32 (exact).
    """
    values = np.asarray(data[slab])
    kind = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")
    return values.astype(kind, copy=False)


def _of_integers(
    data: Any, mask: NDArray[np.bool_] | None, kind: np.dtype[Any], watch: dict[str, Any]
) -> Histogram:
    low, high = (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))

    def count(slab: slice) -> NDArray[np.int64]:
        values = values_in(data, slab)
        flat = values.ravel() if mask is None else values[mask[slab]]
        counts = np.zeros(high - low + 1, np.int64)
        count_integers(
            np.ascontiguousarray(flat.view(np.uint8) if kind.kind == "b" else flat), low, counts
        )
        return counts

    counts = np.sum(run_blocks(count, slabs(data.shape), **watch), axis=0)
    there = np.flatnonzero(counts)
    first, last = int(there[0]), int(there[-1])
    total = int(counts.sum())
    mean = float((counts[first : last + 1] * np.arange(first + low, last + low + 1)).sum() / total)
    return Histogram(
        counts[first : last + 1],
        np.arange(first + low, last + low + 2, dtype=np.float64) - 0.5,
        float(first + low),
        float(last + low),
        mean,
        float(counts[-1] / total),
        total,
        kind.name,
    )


def _of_floats(
    data: Any, mask: NDArray[np.bool_] | None, bins: int, watch: dict[str, Any]
) -> Histogram:
    def chosen(slab: slice) -> NDArray[Any]:
        values = values_in(data, slab)
        return np.ascontiguousarray(values).ravel() if mask is None else values[mask[slab]]

    def measure(slab: slice) -> tuple[float, float, float, int]:
        values = chosen(slab)
        return (*extent(values), values.size) if values.size else (np.inf, -np.inf, 0.0, 0)

    parts = run_blocks(measure, slabs(data.shape), should_stop=watch["should_stop"])
    low, high = min(part[0] for part in parts), max(part[1] for part in parts)
    sums = [part[2] for part in parts]
    if not np.isfinite([low, high, *sums]).all():
        raise InputError("The volume holds NaN or infinite values; repair it or mask them.")
    total = sum(part[3] for part in parts)
    width = high - low
    per_unit = bins / width if width > 0 else 1.0

    def count(slab: slice) -> tuple[NDArray[np.int64], int]:
        counts = np.zeros(bins, np.int64)
        return counts, int(count_floats(chosen(slab), low, high, per_unit, counts))

    counted = run_blocks(count, slabs(data.shape), **watch)
    counts = np.sum([part[0] for part in counted], axis=0)
    edges = np.linspace(low, high if width > 0 else low + bins, bins + 1).astype(np.float64)
    top = sum(part[1] for part in counted)
    return Histogram(
        counts,
        edges,
        low,
        high,
        float(sum(sums) / total),
        top / total,
        total,
        np.dtype(data.dtype).name,
    )
