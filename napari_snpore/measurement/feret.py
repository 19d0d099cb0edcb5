"""Feret diameters of labelled objects: length, width and breadth over all directions, or over a
few.

What belongs here: the conventions and the tables. The geometry is in the kernels beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import BlockShape
from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.measurement.hulls import (
    BREADTH,
    LENGTH,
    REACH,
    WIDTH,
    convex_hulls_of,
    diameters_of,
    hull_points,
)
from napari_snpore.measurement.scan import ObjectScan, scan_objects
from napari_snpore.segmentation.rays import half_sphere
from napari_snpore.volume import Triple, Volume, array_of, spacing_of

Convention = Literal["corners", "centers_plus_one"]
Directions = Literal["exact"] | int

_CHUNK_ROWS = 1 << 15
"""Rows of voxels per block of work, so that threads share many small objects evenly."""


def feret_diameters(
    labels: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    directions: Directions = "exact",
    convention: Convention = "corners",
    block_shape: BlockShape | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return length, width and breadth of every object: distances of two parallel planes that
    enclose it.

    Parameters
    ----------
    labels : Volume or array of integers, shape (z, y, x)
        0 outside; numbers may have gaps. Mapped and lazy arrays are read block by block.
    spacing : float or (float, float, float)
        Voxel size in nm; a Volume brings its own.
    directions : "exact" or int
        "exact": all directions. A number n: only n directions, uniform on the half sphere; 31
        imitates common closed software, which reads lengths too short and widths of plates too
        wide.
    convention : "corners" or "centers_plus_one"
        "corners": the object is the union of its voxel boxes; a voxel of edge 1 has length √3 and
        width 1. "centers_plus_one": the extent of the voxel centres plus one voxel edge, in every
        direction; a voxel of edge 1 reads 1. Where edges differ, "one voxel edge" is the cube root
        of the voxel volume, along oblique directions too: the object is the hull of its centres
        grown by a ball of that diameter.
    block_shape : (int, int, int), optional
        See :func:`~napari_snpore.blocks.grid_of`; the table does not depend on it.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per object, by label: ``label``, ``length_nm`` (greatest distance), ``width_nm``
        (least), ``breadth_nm`` (greatest extent perpendicular to the length; of several equal
        lengths, the greatest breadth), ``aspect_ratio`` (width / length), ``convention``.

    Raises
    ------
    InputError
        Labels that are not integers of three axes, an unknown convention, directions that are
        neither "exact" nor 3 or more.

    Notes
    -----
    Over a number of directions, the breadth is the exact extent perpendicular to the direction of the length found, at most
    that length.

    Examples
    --------
    >>> import numpy as np
    >>> line = np.zeros((3, 3, 6), np.uint32)
    >>> line[1, 1, 1:5] = 1
    >>> feret_diameters(line, spacing=0.5)[["length_nm", "width_nm"]].round(3).values.tolist()
    [[2.121, 0.5]]
    """
    voxel = spacing_of(labels, spacing)
    check_directions(directions)
    check_convention(convention)
    done = 0

    def tick(part: int, share: float) -> Progress:
        def report(now: int, total: int) -> None:
            nonlocal done
            done = max(
                done,
                int(
                    100 * (part * share + now / max(1, total) * (share if part == 0 else 1 - share))
                ),
            )
            if progress is not None:
                progress(done, 100)

        return report

    scan = scan_objects(
        array_of(labels),
        block_shape=block_shape,
        progress=tick(0, 0.5),
        should_stop=should_stop,
    )
    found = extents(
        scan,
        spacing=voxel,
        directions=directions,
        convention=convention,
        progress=tick(1, 0.5),
        should_stop=should_stop,
    )
    return diameter_table(scan, found, convention)


def extents(
    scan: ObjectScan,
    *,
    spacing: Triple,
    directions: Directions = "exact",
    convention: Convention = "corners",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NDArray[np.float64]:
    """Return length, width, breadth (nm) and hull volume (voxels) of scanned objects, shape
    (object, 4).

    The volume is that of the convention's own hull: of corners, or of centres.
    """
    if len(scan.label) and int((scan.high - scan.low).max()) + 1 >= REACH:
        raise InputError(
            f"labels holds an object of {REACH} voxels or more along an axis; smaller ones can be measured."
        )
    scale = np.array(spacing)
    chosen = np.empty((0, 3)) if directions == "exact" else half_sphere(int(directions))
    out = np.empty((len(scan.label), 4))
    wanted, same = _distinct(scan)

    def measure(chunk: slice) -> None:
        some = wanted[chunk]
        hulls = convex_hulls_of(*hull_points(scan, some, corners=convention == "corners"))
        out[some] = diameters_of(hulls, scale, chosen)

    run_blocks(
        measure, _chunks(np.diff(scan.starts)[wanted]), progress=progress, should_stop=should_stop
    )
    out = out[same]
    if convention == "centers_plus_one":
        out[:, [LENGTH, WIDTH, BREADTH]] += np.prod(scale) ** (1 / 3)
    # rounding aside, an exact breadth lies between the two
    out[:, BREADTH] = np.clip(out[:, BREADTH], out[:, WIDTH], out[:, LENGTH])
    return out


def diameter_table(
    scan: ObjectScan, found: NDArray[np.float64], convention: Convention
) -> pd.DataFrame:
    """Return the table of :func:`feret_diameters`."""
    return pd.DataFrame(
        {
            "label": scan.label,
            "length_nm": found[:, LENGTH],
            "width_nm": found[:, WIDTH],
            "breadth_nm": found[:, BREADTH],
            "aspect_ratio": found[:, WIDTH] / found[:, LENGTH],
            "convention": pd.Series([convention] * len(scan.label), dtype="str"),
        }
    )


def check_directions(directions: Directions) -> None:
    """Refuse anything but "exact" and whole numbers from 3."""
    whole = isinstance(directions, (int, np.integer)) and not isinstance(directions, bool)
    if directions != "exact" and not (whole and int(directions) >= 3):
        raise InputError(
            f'directions is {directions!r}; "exact" or a whole number of directions, 3 or more, is needed.'
        )


def check_convention(convention: str) -> None:
    """Refuse an unknown convention."""
    if convention not in get_args(Convention):
        raise InputError(
            f"convention is {convention!r}; {' and '.join(get_args(Convention))} are possible."
        )


def _distinct(scan: ObjectScan) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the objects to be measured, and for each object the one that is its equal: full boxes
    of one size are the same.
    """
    same = np.arange(len(scan.label))
    edges = scan.high - scan.low + 1
    full = np.flatnonzero(scan.count == edges.prod(axis=1))
    _, first, kind = np.unique(edges[full], axis=0, return_index=True, return_inverse=True)
    same[full] = full[first][kind.reshape(-1)]
    return np.flatnonzero(same == np.arange(len(same))), same


def _chunks(sizes: NDArray[np.int64]) -> list[slice]:
    """Return ranges of objects of some 32,000 rows each; a larger object has a range of its own."""
    ends = np.cumsum(sizes)
    chunks = []
    first, before = 0, 0
    while first < len(sizes):
        stop = max(first + 1, int(np.searchsorted(ends, before + _CHUNK_ROWS, side="right")))
        chunks.append(slice(first, stop))
        first, before = stop, int(ends[stop - 1])
    return chunks
