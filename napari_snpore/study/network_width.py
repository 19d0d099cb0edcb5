"""Local width of a phase that is one network, whose objects say nothing of its size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.measurement.thickness import local_thickness
from napari_snpore.study.report import Statement, caveat, number, percent
from napari_snpore.volume import Triple

NETWORK_SHARE = 0.9
"""Share of a phase's volume in one connected object from which its width leads: what is left beside
the network are crumbs, whose lengths are not those of the phase."""

_RESOLVED_WIDTH = 4
"""Voxels across a pore from which its width is trusted, as for objects: 4 × 4 × 4."""

WIDTH_BYTES = 20.0
"""Bytes per voxel that the local width takes at the highest."""


@dataclass(frozen=True)
class NetworkWidth:
    """Local width of a phase: for each voxel the diameter of the largest ball in the phase that holds
    it, see :func:`~napari_snpore.measurement.thickness.local_thickness`.

    Parameters
    ----------
    network_share : float
        Share (0 to 1) of the phase's volume in its largest connected object.
    median_nm, low_nm, high_nm : float
        Median, 10th and 90th percentile by volume.
    voxel_nm : float
        The longest edge of a voxel.
    """

    network_share: float
    median_nm: float
    low_nm: float
    high_nm: float
    voxel_nm: float


def network_share(table: pd.DataFrame) -> float:
    """Return the share (0 to 1) of the largest object in the volume of all; 0 without objects."""
    voxels = table["voxel_count"].to_numpy(np.float64)
    return float(voxels.max() / voxels.sum()) if len(voxels) else 0.0


def network_width(
    mask: NDArray[np.bool_],
    table: pd.DataFrame,
    spacing: Triple,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> NetworkWidth | None:
    """Return the local width of a phase; None where no network holds nearly all of it, or where it
    fills the box.

    Parameters
    ----------
    mask : bool array, shape (z, y, x)
        The phase.
    table : DataFrame
        Its connected objects, as ``measure_objects`` returns them.
    spacing : (float, float, float)
        Voxel size in nm.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.
    """
    share = network_share(table)
    if share <= NETWORK_SHARE or mask.all():
        return None
    width = local_thickness(mask, spacing=spacing, progress=progress, should_stop=should_stop)
    low, median, high = np.percentile(np.asarray(width)[mask], (10, 50, 90))
    return NetworkWidth(share, float(median), float(low), float(high), max(spacing))


def width_statements(width: NetworkWidth, phase: str, heading: str) -> list[Statement]:
    """Return the local width of a phase, and why it stands before the sizes of objects."""
    small = []
    if width.median_nm < _RESOLVED_WIDTH * width.voxel_nm:
        small = [
            caveat(
                f"That is less than {_RESOLVED_WIDTH} voxels of {number(width.voxel_nm)} nm: the width is not resolved."
            )
        ]
    return [
        Statement(
            heading,
            f"local width of the {phase} **{number(width.median_nm)} nm** (median by volume; "
            f"10 to 90 %: {number(width.low_nm)} to {number(width.high_nm)} nm)",
        ),
        *small,
        caveat(
            f"One network holds {percent(width.network_share)} of the {phase} volume, so that connected objects say nothing "
            "of its size: the width is that of the largest ball that fits around each place. 'separated' cuts the network at "
            "its necks."
        ),
    ]
