"""Samples of formats with a header of text or of few fields in front of or beside the voxels: NRRD,
MetaImage, NIfTI, raw voxels with side files, slices.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import nibabel
import nrrd
import numpy as np
import tifffile

from napari_snpore import Volume, write_volume

_META = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "CompressedData = {packed}\nTransformMatrix = -1 0 0 0 1 0 0 0 1\nOffset = 1 2 3\n"
    "DistanceUnits = nm\nElementSpacing = 0.5 0.25 2\nDimSize = 16 16 6\n"
    "ElementType = MET_USHORT\nElementDataFile = {place}\n"
)
_VGI = (
    "{volume1}\n[representation]\nsize = 16 16 6\n[file1]\nFileFormat = raw\nSize = 16 16 6\n"
    "Name = a.vol\nDatatype = unsigned integer\nBitsPerElement = 16\n{volumeprimitive12}\n"
    "[geometry]\nresolution = 0.0005 0.0005 0.001\nunit = mm\n"
)
_INFO = "NUM_X = 16\nNUM_Y = 16\nNUM_Z = 12\nvoxelSize = 0.65\nBYTEORDER = LOWBYTEFIRST\n"
_JSON = '{"shape": [6, 16, 16], "dtype": "uint16", "spacing_nm": [2, 0.5, 0.5], "offset": 0}'


def add_header_formats(add: Callable[..., None], grays: Any) -> None:
    """Add the samples; ``grays``: uint16, shape (6, 16, 16)."""
    raw = grays.tobytes()
    image = partial(add, "image")
    for name in ("a.nrrd", "a.nhdr"):
        for encoding in ("raw", "gzip", "bzip2", "ascii"):
            image(f"{encoding}-{name}", name, partial(_nrrd, name, encoding, grays))
    for kind in (nibabel.Nifti1Image, nibabel.Nifti2Image):
        for name in ("a.nii", "a.nii.gz"):
            image(f"{kind.__name__}-{name}", name, partial(_nifti, name, kind, grays))
    for packed in (False, True):
        local = _META.format(packed=packed, place="LOCAL").encode()
        whole = local + (zlib.compress(raw) if packed else raw)
        image(f"mha-{packed}", "a.mha", partial(_files, {"a.mha": whole}))
    beside = {"a.mhd": _META.format(packed=False, place="a.raw").encode(), "a.raw": raw}
    image("mhd", "a.mhd", partial(_files, beside))
    for suffix, text in {".json": _JSON, ".vgi": _VGI, ".info": _INFO}.items():
        beside = {f"a{suffix}": text.encode(), "a.vol": raw}
        image(f"raw{suffix}", "a.vol", partial(_files, beside))
    image("imagej-own", "a.imagej.tif", partial(_own, "a.imagej.tif", grays))
    image("slices", "slices", partial(_slices, "slices", grays))


def _files(files: dict[str, bytes], place: Path) -> None:
    for name, content in files.items():
        (place / name).write_bytes(content)


def _own(name: str, grays: Any, place: Path) -> None:
    write_volume(place / name, Volume(grays, 0.5))


def _nrrd(name: str, encoding: str, grays: Any, place: Path) -> None:
    header = {
        "encoding": encoding,
        "space dimension": 3,
        "space units": ["nm", "nm", "nm"],
        "space directions": np.diag([0.5, -0.25, 2.0]),
        "space origin": [1.0, 2.0, 3.0],
    }
    nrrd.write(str(place / name), grays, header, index_order="C")


def _nifti(name: str, kind: Any, grays: Any, place: Path) -> None:
    image = kind(grays.T, np.diag([-0.5, 0.5, 0.5, 1.0]))
    image.header.set_xyzt_units("micron")
    nibabel.save(image, place / name)


def _slices(name: str, grays: Any, place: Path) -> None:
    (place / name).mkdir()
    for number, plane in enumerate(grays):
        tifffile.imwrite(place / name / f"{number}.tif", plane, metadata=None)
