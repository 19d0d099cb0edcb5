"""Summary of the sizes of the objects in one table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_snpore.errors import InputError

_NEEDED = ("voxel_count", "volume_nm3", "length_nm", "touches_border")

RESOLVED_VOXELS = 64
"""Default least size of an object whose shape is trusted: a cube of 4 voxels, see
docs/definitions.md, "Feret diameters".
"""

SHORT_BELOW_NM = 2.0
"""Default length below which objects count as short: the limit of the source paper, doi
10.1002/adma.202307151.
"""


@dataclass(frozen=True)
class SizeSummary:
    """Sizes of the objects of one table.

    Objects cut by the border of the box are counted in ``cut_by_box`` and left out of everything
    else. A number of an empty set (no object, no resolved object) is NaN.

    Parameters
    ----------
    count : int
        Objects in the table, the cut ones included.
    cut_by_box : int
        Those cut by the border.
    unresolved_share : float
        Share (0 to 1, by number) of the objects inside the box that hold fewer than ``min_voxels``
        voxels.
    median_length_nm : float
        Of the objects inside the box.
    share_below_limit_by_number, share_below_limit_by_volume : float
        Share (0 to 1) of the objects inside the box shorter than ``limit_nm``, and of their volume.
    resolved_count : int
        Objects inside the box that hold ``min_voxels`` voxels or more.
    resolved_median_length_nm, resolved_share_below_limit_by_number, resolved_share_below_limit_by_volume : float
        The same numbers of the resolved objects alone.
    limit_nm : float
        The limit of length.
    min_voxels : int
        The fewest voxels of a resolved object.
    """

    count: int
    cut_by_box: int
    unresolved_share: float
    median_length_nm: float
    share_below_limit_by_number: float
    share_below_limit_by_volume: float
    resolved_count: int
    resolved_median_length_nm: float
    resolved_share_below_limit_by_number: float
    resolved_share_below_limit_by_volume: float
    limit_nm: float
    min_voxels: int


def size_summary(
    table: pd.DataFrame, *, limit_nm: float = SHORT_BELOW_NM, min_voxels: int = RESOLVED_VOXELS
) -> SizeSummary:
    """Return how large the objects of a table are.

    Parameters
    ----------
    table : DataFrame
        As :func:`~napari_snpore.measurement.objects.measure_objects` returns it; may be empty.
    limit_nm : float
        Objects with a length below it count as short.
    min_voxels : int
        The fewest voxels of a resolved object.

    Returns
    -------
    SizeSummary

    Raises
    ------
    InputError
        A table without the columns that are needed, a limit that is not positive, ``min_voxels``
        below 1.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"voxel_count": [80, 900], "volume_nm3": [1.0, 9.0], "length_nm": [1.5, 3.0], "touches_border": [False, False]}
    ... )
    >>> summary = size_summary(table, limit_nm=2.0)
    >>> summary.count, summary.median_length_nm, summary.share_below_limit_by_volume
    (2, 2.25, 0.1)
    """
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise InputError(
            f"table has no column {', '.join(missing)}; a table from measure_objects is needed."
        )
    if not (math.isfinite(limit_nm) and limit_nm > 0):
        raise InputError(f"limit_nm is {limit_nm}; a positive length in nm is needed.")
    if min_voxels < 1:
        raise InputError(f"min_voxels is {min_voxels}; 1 or more is needed.")
    inside = table[~table["touches_border"].to_numpy(np.bool_)]
    resolved = inside[inside["voxel_count"].to_numpy() >= min_voxels]
    median, by_number, by_volume = _sizes(inside, limit_nm)
    resolved_median, resolved_by_number, resolved_by_volume = _sizes(resolved, limit_nm)
    return SizeSummary(
        count=len(table),
        cut_by_box=len(table) - len(inside),
        unresolved_share=1 - len(resolved) / len(inside) if len(inside) else math.nan,
        median_length_nm=median,
        share_below_limit_by_number=by_number,
        share_below_limit_by_volume=by_volume,
        resolved_count=len(resolved),
        resolved_median_length_nm=resolved_median,
        resolved_share_below_limit_by_number=resolved_by_number,
        resolved_share_below_limit_by_volume=resolved_by_volume,
        limit_nm=float(limit_nm),
        min_voxels=int(min_voxels),
    )


def _sizes(table: pd.DataFrame, limit_nm: float) -> tuple[float, float, float]:
    """Return median length and the shares below the limit by number and by volume."""
    if len(table) == 0:
        return math.nan, math.nan, math.nan
    length, volume = (
        table["length_nm"].to_numpy(np.float64),
        table["volume_nm3"].to_numpy(np.float64),
    )
    short = length < limit_nm
    return float(np.median(length)), float(short.mean()), float(volume[short].sum() / volume.sum())
