"""One table of everything that is measured on labelled objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.measurement.feret import Convention, feret_diameters
from napari_snpore.measurement.labelling import label_objects, separate_objects
from napari_snpore.measurement.sizes import SizeSummary, size_summary
from napari_snpore.volume import Volume, array_of, spacing_of

__all__ = ["SizeSummary", "label_objects", "measure_objects", "separate_objects", "size_summary"]


def measure_objects(
    labels: Volume | NDArray[Any],
    *,
    spacing: float | Sequence[float] | None = None,
    intensity: Volume | NDArray[Any] | None = None,
    envelope: NDArray[np.bool_] | None = None,
    directions: Literal["exact"] | int = "exact",
    convention: Convention = "corners",
    objects_from: str = "connected",
    min_voxels: int = 64,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return one row an object: sizes, shape, place, intensity."""
    array, voxel = np.asarray(array_of(labels)), np.array(spacing_of(labels, spacing))
    origin = np.array(labels.origin if isinstance(labels, Volume) else (0.0, 0.0, 0.0))
    sizes = feret_diameters(
        array, spacing=tuple(voxel), directions=directions, convention=convention, progress=progress,
        should_stop=should_stop,
    )  # fmt: skip
    import edt

    depth = None if envelope is None else edt.edt(envelope, anisotropy=tuple(voxel), black_border=False)
    grey = None if intensity is None else np.asarray(array_of(intensity))
    rows = []
    found = ndimage.find_objects(array)
    for record in sizes.to_dict("records"):
        label = int(record["label"])
        box = found[label - 1]
        inside = array[box] == label
        place = np.argwhere(inside)
        count = len(place)
        volume = count * float(np.prod(voxel))
        corners = np.unique((place[:, None] + np.indices((2, 2, 2)).reshape(3, 8).T).reshape(-1, 3), axis=0) * voxel
        hull = float(ConvexHull(corners).volume)
        padded = np.pad(inside, 1)
        faces = [np.count_nonzero(np.diff(padded.astype(np.int8), axis=a)) * np.prod(voxel) / voxel[a] for a in range(3)]
        surface = float(sum(faces)) * 2 / 3
        low, high = [s.start for s in box], [s.stop - 1 for s in box]
        middle = place.mean(axis=0) + low
        spread = np.cov((place * voxel).T, bias=True) if count > 1 else np.zeros((3, 3))
        axis = np.linalg.eigh(spread)[1][:, -1]
        row: dict[str, object] = {
            "label": label,
            "voxel_count": count,
            "volume_nm3": volume,
            **{name: record[name] for name in ("length_nm", "width_nm", "breadth_nm", "aspect_ratio")},
            "equivalent_diameter_nm": (6 * volume / math.pi) ** (1 / 3),
            "surface_area_nm2": surface,
            "sphericity": math.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / surface,
            "hull_volume_nm3": hull,
            "solidity": volume / hull,
        }
        row |= {f"centroid_{c}_nm": m * v + o for c, m, v, o in zip("zyx", middle, voxel, origin, strict=True)}
        for c, first, last in zip("zyx", low, high, strict=True):
            row |= {f"{c}_min": first, f"{c}_max": last}
        row |= {f"orientation_{c}": a for c, a in zip("zyx", axis, strict=True)}
        if depth is not None:
            row["depth_nm"] = depth[tuple(np.rint(middle).astype(int))]
        if grey is not None:
            values = grey[box][inside]
            row |= {"intensity_mean": values.mean(), "intensity_sum": values.sum()}
        row["touches_border"] = min(low) == 0 or any(h == n - 1 for h, n in zip(high, array.shape, strict=True))
        row |= {"resolved": count >= min_voxels, "convention": convention, "objects_from": objects_from}
        rows.append(row)
    return pd.DataFrame(rows)
