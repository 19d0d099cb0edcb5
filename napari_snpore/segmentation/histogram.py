"""Exact gray histogram of a volume with minimum, maximum and mean, streamed over lazy data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.blocks import Block, BlockShape, Grid, grid_of
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import run_on_blocks
from napari_snpore.errors import InputError
from napari_snpore.kernels import for_kernel
from napari_snpore.segmentation._kernels import count_floats, count_integers, extent
from napari_snpore.segmentation.exact_sums import SumScale
from napari_snpore.segmentation.outliers import bulk, core_of, core_range
from napari_snpore.volume import Volume, array_of, spacing_of

FLOAT_BINS = 4096

_MOST_COUNTS = 16
"""Passes over the data at most: each narrows the range by up to the number of bins, and fewer lead
from the greatest float to 1.
"""

_GREATEST = 1e300
"""Greatest absolute grey value: ranges, margins and sums of slabs stay finite below it."""

_NARROW = 0.5
"""Share of the range that the core takes up below which its bins are counted anew."""


_NOTHING = "There is no voxel to count: the volume or its mask is empty."

_Part = tuple[NDArray[np.int64], int, NDArray[np.float64], float, float]
"""Counts of one block, values at the upper end, values outside, least and greatest value inside."""


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
    tails : (int, int)
        Bins below and above those of equal width, which hold a few voxels far outside the others,
        each twice as wide as the one before it; (0, 0) where all bins are equal.
    """

    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    minimum: float
    maximum: float
    mean: float
    saturated_share: float
    voxel_count: int
    dtype: str
    tails: tuple[int, int] = (0, 0)

    @property
    def centers(self) -> NDArray[np.float64]:
        """Middle of each bin, grey units."""
        return (self.edges[:-1] + self.edges[1:]) / 2

    @property
    def cumulative(self) -> NDArray[np.int64]:
        """Voxels below each edge, shape (n + 1,)."""
        return np.concatenate([[0], np.cumsum(self.counts)])

    @cached_property
    def core(self) -> Histogram:
        """The bins of equal width without the few voxels far outside all others; see
        :mod:`~napari_snpore.segmentation.outliers`.
        """
        return core_of(self)

    @property
    def step(self) -> float:
        """Width of the equal bins, grey units."""
        first = self.tails[0]
        return float(self.edges[first + 1] - self.edges[first])

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
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Histogram:
    """Count the grey values of a volume exactly.

    Parameters
    ----------
    volume : Volume or array
        Any shape; memory-mapped and lazy data (dask, zarr) is read block by block.
    bins : int, optional
        Number of equal bins between minimum and maximum for float data, default 4096. A few voxels
        far outside all others, at most 128 or 10⁻⁵ of a large volume on each side, get bins of
        their own, and the equal bins end before them. Integer data of up to 16 bits is always
        counted value by value; wider integers are treated as floats.
    mask : Volume or array, bool, optional
        Count only where it is true (a slice, a subvolume, the envelope); may be lazy too.
    block_shape : (int, ...), optional
        See :func:`~napari_snpore.blocks.grid_of`; the histogram does not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    Histogram

    Raises
    ------
    InputError
        NaN or infinity, an empty volume or mask, a mask of another shape; floats beyond ±10³⁰⁰, or
        so close to each other that float64 has no bins between them; data that changes while it is
        counted.

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
    chosen = None if mask is None else array_of(mask)
    if chosen is not None and tuple(chosen.shape) != tuple(data.shape):
        raise InputError(
            f"mask has shape {tuple(chosen.shape)}; the volume has {tuple(data.shape)}."
        )
    if 0 in data.shape:
        raise InputError(_NOTHING)
    kind = np.dtype(data.dtype)
    grid = grid_of(data, block_shape)
    watch = {"progress": progress, "should_stop": should_stop}
    if kind.kind == "b" or (kind.kind in "iu" and kind.itemsize <= 2):
        return _of_integers(data, chosen, kind, grid, watch)
    if kind.kind not in "iuf":
        raise InputError(f"The volume holds {kind}; real grey values are needed.")
    return _of_floats(data, chosen, bins or FLOAT_BINS, grid, watch)


def values_in(data: Any, block: slice | Block) -> NDArray[Any]:
    """Return a block as a plain array that kernels take: native byte order, and half floats as
    float32 (exact).
    """
    values = np.asarray(data[block])
    kind = np.dtype(np.float32) if values.dtype == np.float16 else values.dtype.newbyteorder("=")
    return values.astype(kind, copy=False)


def _chosen_values(data: Any, mask: Any, block: Block) -> NDArray[Any]:
    """Return the values of a block that are counted, in C order, shape (n,)."""
    values = values_in(data, block)
    if mask is None:
        return np.ascontiguousarray(values).reshape(-1)
    return np.asarray(values[np.asarray(mask[block])])


def _read(data: Any, mask: Any) -> list[Any]:
    """Return the arrays that are read."""
    return [data] if mask is None else [data, mask]


def _of_integers(
    data: Any, mask: Any, kind: np.dtype[Any], grid: Grid, watch: dict[str, Any]
) -> Histogram:
    low, high = (0, 1) if kind.kind == "b" else (int(np.iinfo(kind).min), int(np.iinfo(kind).max))

    def count(block: Block) -> NDArray[np.int64]:
        flat = _chosen_values(data, mask, block)
        if kind.kind == "b":  # a byte of a mapped file can be more than 1, and is true then
            flat = np.minimum(flat.view(np.uint8), 1)
        counts = _counted_unsigned(flat)
        if low < 0:  # the negative values come after the others
            counts = np.roll(counts, -low)
        return counts[: high - low + 1]

    counts = np.sum(run_on_blocks(count, grid.blocks, arrays=_read(data, mask), **watch), axis=0)
    there = np.flatnonzero(counts)
    if not there.size:
        raise InputError(_NOTHING)
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


def _counted_unsigned(flat: NDArray[Any]) -> NDArray[np.int64]:
    """Count the values of 8 or 16 bits, read without a sign, by their value."""
    bits = np.dtype(f"u{flat.itemsize}")  # a kernel for each dtype with a sign would be two more
    parts = np.zeros(4 << 8 * flat.itemsize, np.uint32)
    count_integers(for_kernel(np.ascontiguousarray(flat).view(bits)), parts)
    return _sum_of(parts)


def _sum_of(parts: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Add up the four histograms that a kernel filled."""
    first, second, third, fourth = parts.reshape(4, -1)
    for more in (second, third, fourth):
        first += more
    return first.astype(np.int64)


def _extent(values: NDArray[Any]) -> tuple[float, float, float]:
    ends = np.empty((2, 16), values.dtype)
    return extent(values, ends[0], ends[1], np.empty(16))


def _of_floats(data: Any, mask: Any, bins: int, grid: Grid, watch: dict[str, Any]) -> Histogram:
    def chosen(block: Block) -> NDArray[Any]:
        flat = _chosen_values(data, mask, block)
        # wide integers are counted as the kernels would convert them, value by value
        return for_kernel(flat if flat.dtype.kind == "f" else flat.astype(np.float64))

    def measure(block: Block) -> tuple[float, float, float, int]:
        values = chosen(block)
        return (*_extent(values), values.size) if values.size else (np.inf, -np.inf, 0.0, 0)

    arrays = _read(data, mask)
    parts = run_on_blocks(measure, grid.blocks, arrays=arrays, should_stop=watch["should_stop"])
    total = sum(part[3] for part in parts)
    if not total:
        raise InputError(_NOTHING)
    low, high = min(part[0] for part in parts), max(part[1] for part in parts)
    sums = [part[2] for part in parts]
    _check_range(low, high, sums, bins)
    kind = np.dtype(data.dtype).name
    scale = SumScale.of(max(abs(low), abs(high)))
    steps: list[int] = []

    def count(ends: tuple[float, float]) -> _Pass:
        def work(block: Block) -> tuple[_Part, int]:
            values = chosen(block)
            return _counted(values, ends, bins), 0 if steps else scale.block_steps(values)

        found = run_on_blocks(work, grid.blocks, arrays=arrays, **watch)
        steps.append(sum(more for _, more in found))
        made = _Pass.of(ends, bins, [part for part, _ in found])
        counted = int(made.counts.sum()) + made.outside.size
        beyond = made.outside[~((made.outside >= low) & (made.outside <= high))]
        if counted != total or beyond.size:
            raise InputError(
                "The grey values changed while they were counted; wait until the file is complete."
            )
        return made

    whole = found = count((low, high))
    for _ in range(_MOST_COUNTS):
        ends = core_range(*bulk(found.counts, found.edges))
        ends = max(ends[0], found.ends[0]), min(ends[1], found.ends[1])
        if ends[1] - ends[0] >= _NARROW * (found.ends[1] - found.ends[0]):
            break
        if _is_too_narrow(*ends, bins):  # nothing can be told apart in there
            break
        found = count(ends)
        if found.is_one_value:  # and no other value is far from it by any measure
            found = whole
            break
    inner, outside = found.ends, found.outside
    darker = _tail(inner[0] - outside[outside < inner[0]], inner)
    brighter = _tail(outside[outside > inner[1]] - inner[1], inner)
    return Histogram(
        np.concatenate([darker[0][::-1], found.counts, brighter[0]]),
        np.concatenate([inner[0] - darker[1][::-1], found.edges, inner[1] + brighter[1]]),
        low,
        high,
        scale.mean(steps[0], total),
        whole.at_end / total,
        total,
        kind,
        (len(darker[0]), len(brighter[0])),
    )


def _check_range(low: float, high: float, sums: list[float], bins: int) -> None:
    """Refuse grey values that equal bins in float64 cannot hold."""
    if np.isnan([low, high, *sums]).any() or np.isinf([low, high]).any():
        raise InputError("The volume holds NaN or infinite values; repair it or mask them.")
    if max(-low, high) > _GREATEST:
        raise InputError(
            f"The grey values go from {low:.3g} to {high:.3g}; at most ±{_GREATEST:.0e} can be "
            "counted: repair the voxels or scale the volume."
        )
    if high > low and _is_too_narrow(low, high, bins):
        raise InputError(
            f"The grey values differ by {high - low:.3g} at {low:.6g}, too little to tell them "
            "apart: subtract their common value or scale the volume."
        )


def _is_too_narrow(low: float, high: float, bins: int) -> bool:
    """Return whether a bin would be as narrow as the step of float64, or its inverse infinite."""
    step = float(np.spacing(max(abs(low), abs(high))))
    return high - low < 2 * bins * max(step, 1e-300)


@dataclass(frozen=True, eq=False)
class _Pass:
    """Counts of equal bins between two ends, how many values are the upper end, and all values
    outside.
    """

    ends: tuple[float, float]
    counts: NDArray[np.int64]
    edges: NDArray[np.float64]
    at_end: int
    outside: NDArray[np.float64]
    is_one_value: bool

    @classmethod
    def of(cls, ends: tuple[float, float], bins: int, parts: Sequence[_Part]) -> _Pass:
        """Add up the slabs."""
        low, high = ends
        edges = np.linspace(low, high if high > low else low + bins, bins + 1).astype(np.float64)
        lowest, highest = min(part[3] for part in parts), max(part[4] for part in parts)
        return cls(
            ends,
            np.sum([part[0] for part in parts], axis=0),
            edges,
            sum(part[1] for part in parts),
            np.concatenate([part[2] for part in parts]),
            lowest >= highest,
        )


def _counted(values: NDArray[Any], ends: tuple[float, float], bins: int) -> _Part:
    """Return the counts of one slab between two ends, how many values are the upper end, the values
    outside, and the least and the greatest inside.
    """
    low, high = ends
    inside = (values >= low) & (values <= high)
    outside = values[~inside].astype(np.float64)
    kept = values if not outside.size else values[inside]
    parts = np.zeros(4 * bins, np.uint32)
    per_unit = bins / (high - low) if high > low else 1.0
    kept = for_kernel(kept)
    places = np.empty(1024, np.uint32)
    at_end = int(count_floats(kept, low, high, per_unit, parts, places))
    counts = _sum_of(parts)
    if not kept.size:
        return counts, at_end, outside, np.inf, -np.inf
    lowest, highest, _ = _extent(kept)
    return counts, at_end, outside, lowest, highest


def _tail(
    distances: NDArray[np.float64], ends: tuple[float, float]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts and outer edges of bins that hold distances from an end of the core, each twice
    as far away as the one before it, the last at the greatest distance.
    """
    if not distances.size:
        return np.zeros(0, np.int64), np.zeros(0)
    farthest, width = float(distances.max()), ends[1] - ends[0]
    doublings = int(np.ceil(np.log2(max(farthest / width, 1.0))))
    edges = np.append(width * 2.0 ** np.arange(doublings), farthest)
    places = np.searchsorted(edges, distances, side="left")
    return np.bincount(places, minlength=len(edges)).astype(np.int64), edges
