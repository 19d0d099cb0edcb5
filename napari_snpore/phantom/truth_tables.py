"""Truth tables of a phantom: planted Sn clusters, and the pore network with its sealed cavities."""

from __future__ import annotations

import math

import cc3d
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.volume import Triple


def cluster_table(labels: NDArray[np.uint32], *, spacing: Triple) -> pd.DataFrame:
    """Return one row per planted cluster: voxel count, volume, Feret diameters, centroid.

    Parameters
    ----------
    labels : array, uint32, shape (z, y, x)
        Clusters as planted, 1..N.
    spacing : (float, float, float)
        Voxel size (z, y, x) in nm.
    """
    from napari_snpore.measurement.feret import feret_diameters

    table = _places(labels, spacing)
    sizes = feret_diameters(labels, spacing=spacing).drop(columns="convention")
    table = table.merge(sizes, on="label", validate="one_to_one")
    names = [
        "label",
        "voxel_count",
        "volume_nm3",
        "length_nm",
        "width_nm",
        "breadth_nm",
        "aspect_ratio",
    ]
    return table[[*names, *(f"centroid_{axis}_nm" for axis in "zyx"), "touches_border"]].assign(
        convention="corners", objects_from="planted"
    )


def pore_table(
    pore: NDArray[np.bool_], sealed: NDArray[np.uint32], *, spacing: Triple
) -> pd.DataFrame:
    """Return one row per connected (6) pore object: open ones first, then the planted cavities.

    Parameters
    ----------
    pore : array, bool, shape (z, y, x)
        Open pores.
    sealed : array, uint32, shape (z, y, x)
        Cavities, 1..N.
    spacing : (float, float, float)
        Voxel size (z, y, x) in nm.
    """
    parts, count = cc3d.connected_components(pore, connectivity=6, binary_image=True, return_N=True)
    labels = parts.astype(np.uint32)
    np.add(sealed, np.uint32(count), out=labels, where=sealed > 0)
    table = _places(labels, spacing)
    return table.assign(sealed=table["label"] > count, objects_from="planted")


def _places(labels: NDArray[np.uint32], spacing: Triple) -> pd.DataFrame:
    """Return voxel count, volume, centroid and ``touches_border`` of the labels 1..N."""
    found = cc3d.statistics(labels, no_slice_conversion=True)
    counts, centers, boxes = (
        found[name][1:] for name in ("voxel_counts", "centroids", "bounding_boxes")
    )
    low, high = boxes[:, ::2], boxes[:, 1::2]
    return pd.DataFrame(
        {
            "label": np.arange(1, len(counts) + 1),
            "voxel_count": counts.astype(np.int64),
            "volume_nm3": counts * math.prod(spacing),
            **{f"centroid_{axis}_nm": centers[:, k] * spacing[k] for k, axis in enumerate("zyx")},
            "touches_border": (low == 0).any(axis=1)
            | (high == np.array(labels.shape) - 1).any(axis=1),
        }
    )
