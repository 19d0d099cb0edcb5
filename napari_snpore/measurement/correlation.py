"""Two-point correlation of a phase within the envelope, and its correlation length."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement.inputs import box_around, checked_phases
from napari_snpore.memory import check_memory, shape_text
from napari_snpore.threads import thread_count
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

_SHARE = 0.25
"""Default of the largest distance as a share of the longest side of the box."""

_MOST_LAG = 40
"""The most voxels of the default largest distance."""

_SLAB_VOXELS = 1 << 21
"""Voxels of a slab that is transformed at once, the lags beside it not counted."""

_FFT_BYTES = 44.0
"""Peak in bytes per value of one transform."""

_LEAST_PAIRS = 1000
"""Distances at which the envelope has fewer pairs of voxels are left out."""


@stops_at_once
def two_point_correlation(
    phases: Volume | NDArray[Any],
    *,
    phase: int = 1,
    max_nm: float | None = None,
    spacing: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the probability that two voxels of the body at a distance are both of a phase.

    Parameters
    ----------
    phases : Volume or array of integers or bool, shape (z, y, x)
        0 exterior, 1..N phases; in a mask of booleans True is the phase and the whole box the body.
    phase : int
        Default 1, the pores.
    max_nm : float, optional
        Largest distance; default: a quarter of the longest side, at most 40 voxels.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        Rows by direction and distance; directions are ``all`` (mean over the sphere, in steps of the
        smallest voxel edge) and ``z``, ``y``, ``x``:

        - ``direction, distance_nm`` (mean of the pairs)
        - ``pairs``: of voxels that both lie in the body
        - ``s2``: share of them with both voxels in the phase
        - ``correlation``: (s2 − φ²) / (φ − φ²), 1 at distance 0, 0 without any relation; φ is the
          phase's share of the body

        Distances with fewer than 1000 pairs (with fewer than a tenth of those at 0 in a small box)
        are left out.

    Raises
    ------
    InputError
        Voxels that are no phases, or all exterior; a distance that is not positive.
    NotEnoughMemoryError
        A distance too large for the memory that is free.

    Notes
    -----
    Both numbers of pairs come from autocorrelations by Fourier transform, without wrapping around:
    that of the phase is divided by that of the body (masked normalisation), so that its outline has no
    part in the result. Counts are whole numbers and exact. Torquato 2002, Random Heterogeneous
    Materials, doi 10.1007/978-1-4757-6355-3; Debye, Anderson and Brumberger 1957,
    doi 10.1063/1.1722830.

    Examples
    --------
    Layers one voxel thick across x:

    >>> layers = np.zeros((8, 8, 8), bool)
    >>> layers[..., ::2] = True
    >>> table = two_point_correlation(layers, spacing=1.0, max_nm=2.0)
    >>> table.loc[table["direction"] == "x", "s2"].tolist()
    [0.5, 0.0, 0.5]
    """
    whole = np.asarray(array_of(phases)).dtype == np.bool_
    labels = checked_phases(phases)
    voxel = spacing_of(phases, spacing)
    if max_nm is None:
        max_nm = _usual_distance(labels.shape, voxel)
    if not (math.isfinite(max_nm) and max_nm > 0):
        raise InputError(f"max_nm is {max_nm}; a positive length in nm is needed.")
    body = np.ones(labels.shape, np.bool_) if whole else labels > 0
    if not body.any():
        raise InputError("Every voxel is exterior: there is no body in which pairs could lie.")
    box = box_around(body)
    body, inside = body[box], labels[box] == phase
    reach = _reach(body.shape, voxel, max_nm)
    found = _pair_counts(inside, body, reach, progress, should_stop)
    return _table(found[0], found[1], voxel, max_nm)


def correlation_bytes(shape: Sequence[int], spacing: Triple) -> int:
    """Return about how many bytes :func:`two_point_correlation` takes for a body that fills a box of
    so many voxels, up to its default distance.
    """
    reach = _reach(shape, spacing, _usual_distance(shape, spacing))
    return round(_FFT_BYTES * math.prod(_transform_size(shape, reach)))


def _usual_distance(shape: Sequence[int], voxel: Triple) -> float:
    longest = max(n * step for n, step in zip(shape, voxel, strict=True))
    return min(_SHARE * longest, _MOST_LAG * min(voxel))


def _reach(shape: Sequence[int], voxel: Triple, max_nm: float) -> tuple[int, int, int]:
    """Return the largest lag along each axis, voxels."""
    z, y, x = (
        min(n - 1, math.floor(max_nm / step * (1 + 1e-9)))
        for n, step in zip(shape, voxel, strict=True)
    )
    return z, y, x


def _slab_rows(shape: Sequence[int], reach: tuple[int, int, int]) -> int:
    return max(1, min(shape[0], max(_SLAB_VOXELS // (shape[1] * shape[2]), reach[0])))


def _transform_size(shape: Sequence[int], reach: tuple[int, int, int]) -> list[int]:
    """Return the shape of the transform of one slab with the lags beside it."""
    from scipy import fft

    rows = (_slab_rows(shape, reach), shape[1], shape[2])
    return [fft.next_fast_len(n + r, real=True) for n, r in zip(rows, reach, strict=True)]


def correlation_length(table: pd.DataFrame, direction: str = "all") -> float:
    """Return the distance (nm) at which the correlation falls to 1/e, linear between two rows.

    Parameters
    ----------
    table : DataFrame
        Of :func:`two_point_correlation`.
    direction : {"all", "z", "y", "x"}
        Default all.

    Returns
    -------
    float
        NaN where the correlation does not fall so far within the table.

    Examples
    --------
    >>> table = pd.DataFrame({"direction": "all", "distance_nm": [0.0, 1.0], "correlation": [1.0, 0.0]})
    >>> round(correlation_length(table), 3)
    0.632
    """
    rows = table[table["direction"] == direction]
    distance = rows["distance_nm"].to_numpy(np.float64)
    value = rows["correlation"].to_numpy(np.float64)
    below = np.flatnonzero(value <= math.exp(-1))
    if not len(below) or below[0] == 0:
        return math.nan
    k = int(below[0])
    share = (value[k - 1] - math.exp(-1)) / (value[k - 1] - value[k])
    return float(distance[k - 1] + share * (distance[k] - distance[k - 1]))


def _pair_counts(
    inside: NDArray[np.bool_],
    body: NDArray[np.bool_],
    reach: tuple[int, int, int],
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> NDArray[np.int64]:
    """Return the pairs of voxels in the phase and in the body at each lag.

    Returns
    -------
    array, int64, shape (2, reach z + 1, 2 reach y + 1, 2 reach x + 1)
        Lags 0.. along z, −reach to reach along y and x. A lag and its opposite have the same pairs.

    Slabs along z are correlated with themselves and what follows them, one at a time, so that
    memory does not grow with the box.
    """
    from scipy import fft

    shape = inside.shape
    thick, size = _slab_rows(shape, reach), _transform_size(shape, reach)
    check_memory(
        f"The correlation of {shape_text(shape)} voxels",
        _FFT_BYTES * math.prod(size),
        advice="take a smaller max_nm",
    )
    total = np.zeros((2, reach[0] + 1, 2 * reach[1] + 1, 2 * reach[2] + 1), np.int64)
    across = np.ix_(
        np.arange(reach[0] + 1),
        np.arange(-reach[1], reach[1] + 1) % size[1],
        np.arange(-reach[2], reach[2] + 1) % size[2],
    )

    def add(job: tuple[int, int]) -> None:
        which, first = job
        mask = (inside, body)[which]
        with fft.set_workers(thread_count()):
            own = fft.rfftn(mask[first : first + thick].astype(np.float64), size)
            np.conj(own, out=own)
            own *= fft.rfftn(mask[first : first + thick + reach[0]].astype(np.float64), size)
            counts = fft.irfftn(own, size, overwrite_x=True)[across]
        total[which] += np.rint(counts).astype(np.int64)

    jobs = [(which, first) for which in (0, 1) for first in range(0, shape[0], thick)]
    # one at a time: two would need twice the memory, and add into the same counts
    run_blocks(add, jobs, threads=1, progress=progress, should_stop=should_stop)
    return total


def _table(
    inside: NDArray[np.int64], body: NDArray[np.int64], voxel: Triple, max_nm: float
) -> pd.DataFrame:
    """Return the correlation along the axes and over the sphere from pairs at each lag."""
    depth, height, width = inside.shape
    middle = (0, height // 2, width // 2)
    share = inside[middle] / body[middle]
    lags = (
        np.arange(depth) * voxel[0],
        (np.arange(height) - middle[1]) * voxel[1],
        (np.arange(width) - middle[2]) * voxel[2],
    )
    distance = np.sqrt(lags[0][:, None, None] ** 2 + lags[1][:, None] ** 2 + lags[2] ** 2)
    step = min(voxel)
    bins = np.rint(distance / step).astype(np.int64)
    near = distance <= max_nm * (1 + 1e-9)
    # lags of the plane z = 0 are there twice, each beside its opposite
    weight = np.where(np.arange(depth)[:, None, None] == 0, 0.5, 1.0) * np.ones(inside.shape)
    weight[middle] = 1.0
    sums = [
        np.bincount(bins[near], (weight * values)[near])
        for values in (inside, body, body * distance)
    ]
    parts: list[tuple[str, NDArray[Any], NDArray[Any], NDArray[Any]]] = [
        ("all", sums[2] / np.maximum(sums[1], 1), sums[0], sums[1])
    ]
    for name, line, at in (
        ("z", (slice(None), middle[1], middle[2]), lags[0]),
        ("y", (0, slice(middle[1], None), middle[2]), lags[1][middle[1] :]),
        ("x", (0, middle[1], slice(middle[2], None)), lags[2][middle[2] :]),
    ):
        parts.append((name, at, inside[line].astype(float), body[line].astype(float)))
    least = min(_LEAST_PAIRS, body[middle] / 10)
    tables = []
    for name, at, found, pairs in parts:
        keep = pairs >= max(least, 1)
        s2 = found[keep] / pairs[keep]
        scale = share - share**2
        tables.append(
            pd.DataFrame(
                {
                    "direction": name,
                    "distance_nm": at[keep],
                    "pairs": np.rint(pairs[keep]).astype(np.int64),
                    "s2": s2,
                    "correlation": (s2 - share**2) / scale if scale > 0 else np.nan,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)
