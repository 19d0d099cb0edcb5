"""What became of planted clusters: found, merged with another one, or lost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop, check_stop
from napari_snpore.measurement.feret import Convention, feret_diameters
from napari_snpore.measurement.labelling import label_objects, voxel_counts
from napari_snpore.uncertainty.planted_clusters import PlantedClusters, sphere_voxels

BOOL = NDArray[np.bool_]


def cluster_fates(
    planted: PlantedClusters,
    before: BOOL,
    after: BOOL,
    *,
    voxel_nm: float,
    connectivity: int = 26,
    convention: Convention = "corners",
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return what became of each planted sphere.

    Parameters
    ----------
    planted : PlantedClusters
    before, after : array, bool, shape (z, y, x)
        Where the brightest phase was without the spheres, and is with them.
    voxel_nm : float
    connectivity, convention
        Of objects and of their lengths.
    should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    DataFrame
        One row per sphere: ``diameter_nm, found, merged, length_nm, volume_nm3``; the size is that of
        the object that holds at least half of its voxels, nan for a sphere that is not found.
    """
    others = np.asarray(label_objects(before, connectivity=connectivity))
    last = int(others.max(initial=0))
    known = others.copy()
    voxels = [
        sphere_voxels(center, diameter / 2 / voxel_nm, before.shape)
        for center, diameter in zip(planted.centers, planted.diameters_nm, strict=True)
    ]
    for number, inside in enumerate(voxels, last + 1):
        known.reshape(-1)[inside] = number
    check_stop(should_stop)
    objects = np.asarray(label_objects(after, connectivity=connectivity))
    check_stop(should_stop)
    holders, merged = holding_objects(known, objects, range(last + 1, last + 1 + len(voxels)))
    found = (holders > 0) & ~merged
    check_stop(should_stop)
    lengths, volumes = _sizes(objects, holders[found], voxel_nm, convention, should_stop)
    table = pd.DataFrame(
        {
            "diameter_nm": planted.diameters_nm,
            "found": found,
            "merged": merged,
            "length_nm": math.nan,
            "volume_nm3": math.nan,
        }
    )
    table.loc[found, "length_nm"] = lengths
    table.loc[found, "volume_nm3"] = volumes
    return table


def holding_objects(
    known: NDArray[np.uint32], objects: NDArray[np.uint32], wanted: Sequence[int]
) -> tuple[NDArray[np.intp], BOOL]:
    """Return, for known clusters, the object that holds at least half of each, and whether it is merged
    with another known cluster.

    An object is merged where it also holds voxels of another known cluster: at least half of those of
    the smaller of both.

    Parameters
    ----------
    known, objects : array of integers, shape (z, y, x)
        Numbers of the clusters that are there, and of the objects that were found.
    wanted : sequence of int
        Clusters that are asked for.

    Returns
    -------
    holders : array of integers, shape (n,)
        0 where no object holds half.
    merged : array, bool, shape (n,)
    """
    count = int(known.max(initial=0)) + 1
    sizes = voxel_counts(known, count - 1)
    both = (known > 0) & (objects > 0)
    # one number for a pair: sorting these does not hold the interpreter, and pairs would
    keys, shared = np.unique(
        objects[both].astype(np.int64) * count + known[both], return_counts=True
    )
    pairs = keys // count, keys % count
    holders, merged = np.zeros(len(wanted), np.intp), np.zeros(len(wanted), bool)
    by_known = np.argsort(pairs[1], kind="stable")
    names = pairs[1][by_known]
    for place, cluster in enumerate(wanted):
        first, last = np.searchsorted(names, [cluster, cluster + 1])
        mine = by_known[first:last]
        if not mine.size:
            continue
        most = mine[np.argmax(shared[mine])]
        if 2 * shared[most] < sizes[cluster]:
            continue
        holder = pairs[0][most]
        start, end = np.searchsorted(pairs[0], [holder, holder + 1])
        smaller = np.minimum(sizes[pairs[1][start:end]], sizes[cluster])
        holders[place] = holder
        merged[place] = np.count_nonzero(2 * shared[start:end] >= smaller) > 1
    return holders, merged


def _sizes(
    objects: NDArray[np.uint32],
    chosen: NDArray[np.intp],
    voxel_nm: float,
    convention: Convention,
    should_stop: ShouldStop | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return length (nm) and volume (nm³) of objects."""
    if not chosen.size:
        return np.empty(0), np.empty(0)
    count = int(objects.max())
    kept = np.zeros(count + 1, np.uint32)
    kept[chosen] = chosen
    table = feret_diameters(
        kept[objects], spacing=voxel_nm, convention=convention, should_stop=should_stop
    ).set_index("label")
    volumes = voxel_counts(objects, count)[chosen] * voxel_nm**3
    return table.loc[chosen, "length_nm"].to_numpy(np.float64), volumes.astype(np.float64)
