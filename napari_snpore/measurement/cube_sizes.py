"""Fraction of a phase in cubes of growing edge, and the edge from which on a cube is representative."""

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
from napari_snpore.volume import Volume, array_of, spacing_of

_LEAST_VOXELS = 4
"""Smallest default edge in voxels of the largest spacing."""

_EDGES = 12
"""Number of default edges."""

_OVERLAP = 4
"""Cubes are placed a quarter of their edge apart, or farther where there would be too many."""

_MOST_CUBES = 1_000_000

LEAST_CUBES = 8
"""Fewest cubes without overlap that fit into the volume that is covered, for a spread that means
something."""


@stops_at_once
def cube_fractions(
    phases: Volume | NDArray[Any],
    *,
    phase: int = 1,
    edges_nm: Sequence[float] | None = None,
    spacing: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return mean and spread of a phase's fraction in cubes within the body, for growing edges.

    Parameters
    ----------
    phases : Volume or array of integers or bool, shape (z, y, x)
        0 exterior, 1..N phases; in a mask of booleans True is the phase and the whole box the body.
    phase : int
        Default 1, the pores.
    edges_nm : sequence of float, optional
        Edges of the cubes, rounded to whole voxels; default: 12 from 4 voxels to the largest that fits.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per edge at which a cube fits, ascending:

        - ``edge_nm``: cube root of the volume of the cubes, in whole voxels
        - ``cube_count``: cubes that lie in the body, a quarter of their edge apart (farther where more
          than a million would fit into the box)
        - ``independent_count``: cubes without overlap that fill the volume they cover together
        - ``mean_percent, sd_percent, min_percent, max_percent`` of the phase's fraction; the standard
          deviation is NaN for less than 2 independent cubes

    Raises
    ------
    InputError
        Voxels that are no phases or all exterior, edges that are not positive.

    Notes
    -----
    Sums over cubes come from a table of cumulative sums. Overlapping cubes are not independent: they
    make the spread steadier, not smaller. As a cube grows within a fibre, it is confined to the
    middle, so that its mean moves where centre and edge differ; what falls with the edge is the spread
    (representative volume; Kanit et al. 2003, doi 10.1016/S0020-7683(03)00143-4).

    Examples
    --------
    A chessboard is the same in every cube of even edge:

    >>> board = np.indices((12, 12, 12)).sum(axis=0) % 2 == 0
    >>> cube_fractions(board, spacing=1.0, edges_nm=[2, 4])[["mean_percent", "sd_percent"]].values.tolist()
    [[50.0, 0.0], [50.0, 0.0]]
    """
    whole = np.asarray(array_of(phases)).dtype == np.bool_
    labels = checked_phases(phases)
    voxel = np.array(spacing_of(phases, spacing))
    if not whole and not labels.any():
        raise InputError("Every voxel is exterior: there is no body in which cubes could lie.")
    if edges_nm is None:
        longest = min(n * step for n, step in zip(labels.shape, voxel, strict=True))
        smallest = min(_LEAST_VOXELS * float(voxel.max()), longest)
        edges_nm = np.geomspace(smallest, longest, _EDGES).tolist()
    if not whole:
        labels = labels[box_around(labels > 0)]
    sizes = _sizes_in_voxels(edges_nm, voxel, labels.shape)
    inside = _cumulative(labels == phase)
    body = None if whole else _cumulative(labels > 0)
    rows = run_blocks(
        lambda size: _row(inside, body, size, voxel),
        sizes,
        progress=progress,
        should_stop=should_stop,
    )
    columns = [
        "edge_nm",
        "cube_count",
        "independent_count",
        "mean_percent",
        "sd_percent",
        "min_percent",
        "max_percent",
    ]
    return pd.DataFrame([row for row in rows if row is not None], columns=columns)


def representative_edge(table: pd.DataFrame, error_percent: float) -> float:
    """Return the edge (nm) from which on the spread between cubes is below an error.

    Parameters
    ----------
    table : DataFrame
        Of :func:`cube_fractions`.
    error_percent : float
        Error of the fraction in percentage points, such as half of its interval of 95 %.

    Returns
    -------
    float
        The smallest edge from which on twice the standard deviation stays below the error, among
        edges with at least 8 independent cubes; NaN without one.

    Examples
    --------
    >>> table = pd.DataFrame({"edge_nm": [1.0, 2, 4], "sd_percent": [9.0, 0.4, 0.3], "independent_count": [90, 60, 40]})
    >>> representative_edge(table, 1.0)
    2.0
    """
    if not (math.isfinite(error_percent) and error_percent > 0):
        raise InputError(f"error_percent is {error_percent}; a positive number is needed.")
    rows = table[table["independent_count"] >= LEAST_CUBES]
    below = 2 * rows["sd_percent"].to_numpy(np.float64) <= error_percent
    above = np.flatnonzero(~below)
    first = int(above[-1]) + 1 if len(above) else 0
    return float(rows["edge_nm"].iloc[first]) if first < len(rows) else math.nan


def _sizes_in_voxels(
    edges_nm: Sequence[float], voxel: NDArray[np.float64], shape: tuple[int, ...]
) -> list[tuple[int, int, int]]:
    """Return the cubes in voxels, ascending and each once; those larger than the box are left out."""
    edges = np.asarray(edges_nm, np.float64)
    if edges.ndim != 1 or not len(edges) or not (np.isfinite(edges) & (edges > 0)).all():
        raise InputError(f"edges_nm is {edges_nm}; positive lengths in nm are needed.")
    found = {tuple(max(1, round(float(edge / step))) for step in voxel) for edge in np.sort(edges)}
    return sorted(
        (size[0], size[1], size[2])
        for size in found
        if all(n <= most for n, most in zip(size, shape, strict=True))
    )


def _cumulative(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return sums over all boxes from the first corner on, with a first plane of 0 on each axis."""
    small = mask.size < 2**31
    sums = np.zeros([n + 1 for n in mask.shape], np.int32 if small else np.int64)
    inner = sums[1:, 1:, 1:]
    inner[...] = mask
    for axis in range(3):
        np.cumsum(inner, axis=axis, dtype=sums.dtype, out=inner)
    return sums


def _row(
    inside: NDArray[np.int64],
    body: NDArray[np.int64] | None,
    size: tuple[int, int, int],
    voxel: NDArray[np.float64],
) -> tuple[float, ...] | None:
    """Return one row of the table; None where no cube lies in the body."""
    apart = _apart(size, inside.shape)
    starts = [
        np.arange((total - 1 - n) // 2 % step, total - n, step)  # one cube in the middle
        for total, n, step in zip(inside.shape, size, apart, strict=True)
    ]
    volume = math.prod(size)
    found = _box_sums(inside, starts, size)
    there = np.ones(found.shape, np.bool_)
    if body is not None:
        there = _box_sums(body, starts, size) == volume
    if not there.any():
        return None
    counts = found[there]
    shares = 100 * counts / volume
    independent = _covered(there, size, apart) / volume
    spread = float(shares.std()) if independent >= 2 else math.nan
    # the spread about a mean of n cubes is too small by (n - 1) / n
    spread *= math.sqrt(independent / (independent - 1)) if independent > 1 else 1.0
    edge = float(np.cbrt(volume * math.prod(voxel.tolist())))
    mean = 100 * int(counts.sum()) / (volume * len(counts))
    return (edge, len(counts), independent, mean, spread, shares.min(), shares.max())


def _box_sums(
    sums: NDArray[np.int64], starts: list[NDArray[np.int64]], size: tuple[int, int, int]
) -> NDArray[np.int64]:
    """Return the sum in every box, from its eight corners."""
    total = np.zeros([len(start) for start in starts], np.int64)
    for corner in range(8):
        far = [corner >> axis & 1 for axis in range(3)]
        at = np.ix_(*(start + bit * n for start, bit, n in zip(starts, far, size, strict=True)))
        sign = 1 if sum(far) % 2 else -1
        total += sign * sums[at].astype(np.int64)
    return total


def _apart(size: tuple[int, int, int], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return how many voxels apart cubes are placed along each axis; ``shape`` is one voxel larger
    than the box.
    """
    places = math.prod(total - n for total, n in zip(shape, size, strict=True))
    least = math.ceil((places / _MOST_CUBES) ** (1 / 3))
    return tuple(max(1, n // _OVERLAP, least) for n in size)


def _covered(there: NDArray[np.bool_], size: tuple[int, int, int], apart: tuple[int, ...]) -> int:
    """Return about how many voxels the cubes cover together, in blocks of their distance."""
    covered = there
    for axis, (n, step) in enumerate(zip(size, apart, strict=True)):
        blocks = max(1, n // step)
        length = covered.shape[axis]
        marks = np.zeros(
            [*covered.shape[:axis], length + blocks, *covered.shape[axis + 1 :]], np.int32
        )
        before = (slice(None),) * axis
        marks[(*before, slice(0, length))] += covered
        marks[(*before, slice(blocks, blocks + length))] -= covered
        covered = np.cumsum(marks, axis=axis, dtype=np.int32) > 0
    block = math.prod(min(n, step) for n, step in zip(size, apart, strict=True))
    return int(np.count_nonzero(covered)) * block
