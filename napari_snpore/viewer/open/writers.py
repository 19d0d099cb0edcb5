"""Writers of the napari manifest: tables of objects as CSV; volumes, phases and tilt series as TIFF
with voxel size; volumes and phases in the other formats that are written; surfaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from napari_snpore.errors import InputError
from napari_snpore.files import write_surface, write_table, write_volume
from napari_snpore.study.phantom_files import write_tilts
from napari_snpore.viewer.shared.layers import (
    KEY,
    object_table,
    series_from_data,
    steps_of,
    surface_from_data,
    volume_from_data,
)


def write_features(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write the features table of a labels layer as CSV, without its background row."""
    del data
    features = meta.get("features")
    if features is None or len(pd.DataFrame(features)) < 2:
        raise InputError(
            f"The layer '{meta.get('name')}' has no table of objects; measure it first."
        )
    return [str(write_table(path, object_table(pd.DataFrame(features))))]


def write_tiff(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a volume, phases or a tilt series as TIFF with voxel size; a series gets its angles
    beside it (``.rawtlt``).
    """
    record: Mapping[str, Any] = meta.get("metadata", {}).get(KEY, {})
    if record.get("kind") == "series":
        return [str(write_tilts(Path(path), series_from_data(data, record), overwrite=True))]
    return [str(write_volume(path, volume_from_data(data, meta), overwrite=True))]


def write_other(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a volume or phases in the format of the suffix: MRC, NRRD or OME-Zarr."""
    record: Mapping[str, Any] = meta.get("metadata", {}).get(KEY, {})
    if record.get("kind") == "series":
        raise InputError(
            f"{path} has a suffix that a tilt series is not written with; these are: .tif .tiff."
        )
    return [str(write_volume(path, volume_from_data(data, meta), overwrite=True))]


def write_surface_layer(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a surface as STL, PLY or GLB: world positions x, y, z in nm."""
    surface = surface_from_data(data, meta)
    history = steps_of(meta.get("metadata", {}).get(KEY, {}))
    return [str(write_surface(path, surface, history=history, overwrite=True))]
