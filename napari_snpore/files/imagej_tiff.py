"""TIFF hyperstacks for ImageJ (``.imagej.tif``), which reads the voxel size of no OME-TIFF without
a plug-in.

ImageJ keeps a size as a fraction of two whole numbers and has no field for origin and history. They
are in its *Info* as JSON, and are used where they agree with what ImageJ itself says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_snpore.errors import FileFormatError
from napari_snpore.files.tiff_planes import LARGEST_TAG, write_plane_by_plane
from napari_snpore.files.units import Sizes
from napari_snpore.volume import Volume

SUFFIXES = (".imagej.tif", ".imagej.tiff")
"""Ends of names that select this kind of TIFF."""

_OWN = "napari-snpore"
_HELD = ("uint8", "uint16", "float32")
_LARGEST = 2**32 - 2**22
"""ImageJ's TIFF has offsets of 32 bits."""

_ROUNDED = 1e-5
"""Relative difference up to which a size in nm is the one that ImageJ rounded."""


def is_imagej(path: Path) -> bool:
    """Return whether a name asks for a TIFF hyperstack of ImageJ."""
    return path.name.lower().endswith(SUFFIXES)


def write_imagej(path: Path, volume: Volume, about: Mapping[str, Any]) -> None:
    """Write a hyperstack (z, y, x), plane by plane, with voxel size in nm.

    Parameters
    ----------
    path : Path
        File to write.
    volume : Volume
        uint8, uint16 or float32.
    about : mapping
        What ImageJ has no field for, as JSON values.

    Raises
    ------
    FileFormatError
        Another type, or 4 GB and more.
    """
    dtype = volume.dtype
    if dtype.name not in _HELD:
        raise FileFormatError(
            f"ImageJ holds no {dtype}, only {', '.join(_HELD)}; write .ome.tif, or convert first."
        )
    if volume.data.nbytes > _LARGEST:
        raise FileFormatError(
            f"the volume has {volume.data.nbytes / 1e9:.3g} GB, and ImageJ's TIFF holds 4; write .ome.tif."
        )
    dz, dy, dx = volume.spacing
    if not all(1 / LARGEST_TAG < edge < LARGEST_TAG for edge in (dy, dx)):
        raise FileFormatError(
            f"ImageJ's TIFF holds no pixels of {dx:.4g} × {dy:.4g} nm; write .ome.tif."
        )
    info = json.dumps({_OWN: {**about, "spacing_nm": volume.spacing}}, default=str)
    with tifffile.TiffWriter(path, imagej=True, byteorder="<") as tiff:
        write_plane_by_plane(
            tiff,
            volume,
            resolution=(1 / dx, 1 / dy),
            resolutionunit="NONE",
            metadata={"axes": "ZYX", "spacing": dz, "unit": "nm", "Info": info},
        )


def own_about(metadata: Mapping[str, Any], sizes_nm: Sizes) -> Mapping[str, Any]:
    """Return what this package wrote beside the scale into an ImageJ file; empty where another
    program wrote it, or changed the size since.

    Parameters
    ----------
    metadata : mapping
        ImageJ's metadata.
    sizes_nm : (float or None, float or None, float or None)
        Voxel size (z, y, x) by ImageJ's own fields, in nm.
    """
    try:
        about = json.loads(str(metadata.get("Info", "")))[_OWN]
        own = [float(size) for size in about["spacing_nm"]]
        if np.allclose(own, [size or 0.0 for size in sizes_nm], rtol=_ROUNDED, atol=0):
            found: Mapping[str, Any] = about
            return found
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        pass
    return {}
