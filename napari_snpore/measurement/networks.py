"""Connectivity of a phase: networks, percolation, Euler number, and shortest-path tortuosity from
core to surface.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop, stops_at_once
from napari_snpore.errors import InputError
from napari_snpore.measurement.inputs import checked_phases
from napari_snpore.measurement.labelling import label_objects, voxel_counts
from napari_snpore.measurement.paths import path_lengths
from napari_snpore.volume import Volume, spacing_of

_EULER_VOXELS = 1 << 21
"""Voxels of a slab whose Euler number is counted at once."""


@stops_at_once
def phase_networks(
    phases: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    names: Sequence[str] = ("pore", "C", "Sn"),
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Describe the connectivity of every phase.

    Parameters
    ----------
    phases : Volume or array of integers, shape (z, y, x)
        0 exterior, 1..N phases.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    names : sequence of str
        Of the phases.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked before each phase and connectivity.

    Returns
    -------
    DataFrame
        One row a phase and connectivity (6 and 26): ``phase, name, connectivity, network_count``,
        ``largest_share_percent`` of the phase's voxels in its largest network, ``percolates_z,
        percolates_y, percolates_x`` (one network reaches both faces of the box), ``euler_number``
        (objects less tunnels plus cavities), and ``euler_density_per_nm3``, that by the envelope's
        volume.

    Examples
    --------
    Two pores that meet at an edge are two networks over faces, one over corners:

    >>> table = phase_networks(np.array([[[1, 2], [2, 1]]]), spacing=1.0)
    >>> table.loc[table["name"] == "pore", ["connectivity", "network_count"]].values.tolist()
    [[6, 2], [26, 1]]
    """
    labels = checked_phases(phases)
    body = int(np.count_nonzero(labels)) * math.prod(spacing_of(phases, spacing))
    rows = []
    for phase, name in enumerate(names, 1):
        mask = labels == phase
        voxels = int(np.count_nonzero(mask))
        for connectivity, rank in ((6, 1), (26, 3)):
            check_stop(should_stop)
            found = label_objects(mask, connectivity=connectivity)
            count = int(found.max(initial=0))
            sizes = voxel_counts(found, count)[1:]
            shared = [_on_both_faces(found, axis) for axis in range(3)]
            del found  # as large as the mask four times over
            euler = _euler_number(mask, rank) if voxels else 0
            row: dict[str, Any] = {
                "phase": phase,
                "name": name,
                "connectivity": connectivity,
                "network_count": int(count),
                "largest_share_percent": 100 * int(sizes.max()) / voxels if voxels else math.nan,
            }
            row |= {
                f"percolates_{label}": joined for label, joined in zip("zyx", shared, strict=True)
            }
            row |= {
                "euler_number": euler,
                "euler_density_per_nm3": euler / body if body else math.nan,
            }
            rows.append(row)
            if progress is not None:
                progress(len(rows), 2 * len(names))
    return pd.DataFrame(rows)


def _on_both_faces(networks: NDArray[np.uint32], axis: int) -> bool:
    """Return whether one network reaches both faces of the box."""
    first, last = (np.unique(networks.take(end, axis=axis)) for end in (0, -1))
    return bool((np.intersect1d(first, last) > 0).any())


def _euler_number(mask: NDArray[np.bool_], rank: int) -> int:
    """Return the Euler number of a mask, 6-connected (rank 1) or 26-connected (rank 3).

    It is additive: two slabs that share one plane count that plane twice. The library works on 64-bit
    copies, which are of one slab here.
    """
    from skimage.measure import euler_number

    thickness = max(1, _EULER_VOXELS // max(1, math.prod(mask.shape[1:])))
    total = 0
    for start in range(0, mask.shape[0], thickness):
        total += int(euler_number(mask[start : start + thickness + 1], connectivity=rank))
        if start + thickness < mask.shape[0]:
            total -= int(euler_number(mask[start + thickness][None], connectivity=rank))
    return total


@stops_at_once
def geodesic_tortuosity(
    phases: Volume | NDArray[Any],
    *,
    phase: int = 1,
    core_nm: float,
    spacing: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, float]:
    """Compare the shortest path through a phase, from the core of the fibre to its surface, with
    the straight line.

    Parameters
    ----------
    phases : Volume or array of integers, shape (z, y, x)
        0 exterior, 1..N phases; the fibre lies along y.
    phase : int
        The phase that the paths run through.
    core_nm : float
        Radius of the core about the envelope's axis, in which the paths begin.
    spacing : float or (float, float, float), optional
        Voxel size in nm; needed for an array.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; asked within both searches.

    Returns
    -------
    dict
        ``tortuosity``: mean, over the phase's voxels outside the core that share a face with the
        exterior and are reached, of (shortest path within the phase) / (shortest path within the
        envelope); ``tortuosity_sd``; ``n``, all such voxels, reached or not, and
        ``reached_percent`` of them. NaN where no voxel of the phase lies in the core or at the
        surface.

    Notes
    -----
    Paths run from voxel centre to voxel centre over faces, edges and corners (Dijkstra's algorithm), so
    that they are too long by up to 10 %. The reference is measured by the same steps, which cancels most
    of that error: the ratio of a fibre filled by the phase is 1.
    """
    labels = checked_phases(phases)
    voxel = spacing_of(phases, spacing)
    if not (math.isfinite(core_nm) and core_nm > 0):
        raise InputError(f"core_nm is {core_nm}; a positive length in nm is needed.")
    inside = labels > 0
    area = inside.sum(axis=1)
    nothing = {
        "tortuosity": math.nan,
        "tortuosity_sd": math.nan,
        "reached_percent": math.nan,
        "n": 0,
    }
    if not area.any():
        return nothing
    middle = [(area.sum(axis=1 - k) @ np.arange(area.shape[k])) / area.sum() for k in (0, 1)]
    z = (np.arange(labels.shape[0]) - middle[0]) * voxel[0]
    x = (np.arange(labels.shape[2]) - middle[1]) * voxel[2]
    core = (np.hypot(z[:, None], x[None, :]) <= core_nm)[:, None, :] & (labels == phase)
    ends = (labels == phase) & _touches_exterior(inside) & ~core
    if not core.any() or not ends.any():
        return nothing
    lengths = []
    for open_to in (labels == phase, inside):
        found = path_lengths(open_to, core, voxel, should_stop=should_stop)
        lengths.append(found[ends])
        if progress is not None:
            progress(len(lengths), 2)
    reached = np.isfinite(lengths[0])
    ratio = lengths[0][reached] / lengths[1][reached]
    return {
        "tortuosity": float(ratio.mean()) if ratio.size else math.nan,
        "tortuosity_sd": float(ratio.std(ddof=1)) if ratio.size > 1 else math.nan,
        "reached_percent": 100 * float(reached.mean()),
        "n": int(reached.size),
    }


def _touches_exterior(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of the envelope with a face to the exterior; beyond the box it extends
    along y and ends along z and x.
    """
    padded = np.pad(np.pad(inside, ((1, 1), (0, 0), (1, 1))), ((0, 0), (1, 1), (0, 0)), mode="edge")
    touching = np.zeros(inside.shape, np.bool_)
    for axis in range(3):
        for start in (0, 2):
            place = tuple(
                slice(start, start + n) if k == axis else slice(1, 1 + n)
                for k, n in enumerate(inside.shape)
            )
            touching |= ~padded[place]
    touching &= inside
    return touching
