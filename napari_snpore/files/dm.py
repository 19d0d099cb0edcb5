"""Gatan DM3 and DM4, their tags parsed by nionswift-io: a stack whose first axis is tilt or time, a
volume, or a single image.

A file can hold several images, spectra and a thumbnail: grey images are taken before the greys of a
colour image, then by the detector that a name says, then the image that is shown first.
"""

from __future__ import annotations

import array
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.axes import Axis, order_of, parsed_array, why_no_images
from napari_snpore.files.choice import Candidate, Wanted, chosen, detector_place, distinct
from napari_snpore.files.parsed_file import ParsedFile

# Gatan's numbers of data types: the sign of bytes is here, not in the type of their tag
_GRAY = {
    1: "<i2",
    2: "<f4",
    6: "u1",
    7: "<i4",
    9: "i1",
    10: "<u2",
    11: "<u4",
    12: "<f8",
    14: "u1",
    39: "<i8",
    40: "<u8",
}
_COLOR = (8, 23)
_MOST_IMAGES = 10_000
_COMPLEX = (3, 5, 13, 27, 28)


def read_dm(path: Path, *, image: str | None = None, wanted: Wanted | None = None) -> ParsedFile:
    """Return one image of a DM file, with tilt angles or times where its first axis is calibrated
    in degrees or seconds.

    The angle of a single image is the stage's alpha. Axes without a calibration of their own have
    no size. The whole file is loaded, however large: the parser returns values and not their offset
    in the file.

    Parameters
    ----------
    path : Path
    image : str, optional
        Name of the image in the file.
    wanted : str, optional
        What the caller needs, where no name is given.
    """
    tags = _tags(path)
    images = list(_images(tags))
    if not images:
        raise FileFormatError(f"{path} holds no image.")
    names = distinct(str(one.get("Name") or "image") for _, one in images)
    candidates = [
        _candidate(path, name, rank, one) for name, (rank, one) in zip(names, images, strict=True)
    ]
    return chosen(path, candidates, image=image, wanted=wanted)


def _tags(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        start = file.read(4)
        if len(start) < 4 or struct.unpack(">I", start)[0] not in (3, 4):
            raise FileFormatError(f"{path} is not a Gatan DM3 or DM4 file.")
        file.seek(0)
        parse_dm3, image_utils = dm_modules()
        try:
            tags = image_utils.fix_strings(parse_dm3.dm_read_header(file))
        except Exception as error:  # on a damaged file the parser fails with errors of many kinds
            raise FileFormatError(
                f"{path} is damaged or cut short: its tags cannot be read."
            ) from error
    return _group(tags)


def dm_modules() -> tuple[ModuleType, ModuleType]:
    """Return the parser of tags and the images' module of nionswift-io, imported when first needed:
    1.3 s that only these files need.
    """
    try:
        from nion.io.DM_IO import dm3_image_utils, parse_dm3
    except ModuleNotFoundError:  # before nionswift-io 15.6, which needs Python 3.12
        from nionswift_plugin.DM_IO import dm3_image_utils, parse_dm3
    return parse_dm3, dm3_image_utils


def _images(tags: Mapping[str, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the images but thumbnails, each with its rank: those that are shown, then the others."""
    listed = [_group(one) for one in _list(tags.get("ImageList"))]
    thumbnails = [_group(one).get("ImageIndex") for one in _list(tags.get("Thumbnails"))]
    if not thumbnails and len(listed) > 1:
        # older files do not say which image is the thumbnail: it is the first, in colour
        first = _group(listed[0].get("ImageData")).get("DataType")
        thumbnails = [0] if first in _COLOR else []
    shown = [_group(one).get("ImageRef") for one in _list(tags.get("ImageSourceList"))]
    for number, one in enumerate(listed):
        if "ImageData" in one and (number not in thumbnails or len(listed) == 1):
            yield shown.index(number) if number in shown else len(shown) + number, one


def _candidate(path: Path, name: str, rank: int, one: Mapping[str, Any]) -> Candidate:
    stored = _group(one.get("ImageData"))
    axes = _axes(stored)
    kind, unfit = stored.get("DataType"), _spectra(one, axes) or why_no_images(axes) or ""
    if kind in _COMPLEX:
        unfit = "complex values, as of a Fourier transform"
    elif kind in _COLOR:
        unfit = unfit or ("" if _is_gray(stored) else "a colour image")
    elif kind not in _GRAY:
        unfit = f"values of Gatan's data type {kind}, which is not read"
    role = axes[order_of(axes)[0]].role if len(axes) == 3 else ""
    what: Wanted = (
        "image"
        if len(axes) < 3
        else "tilt series"
        if role == "tilt"
        else "images in time"
        if role == "time"
        else "volume"
    )
    read = partial(_read, path, one, axes)
    rank += _MOST_IMAGES * detector_place(name)
    return Candidate(name, what, read, rank, unfit, is_derived=kind in _COLOR)


def _read(path: Path, one: Mapping[str, Any], axes: Sequence[Axis]) -> ParsedFile:
    data = _values(path, _group(one.get("ImageData")))
    alpha = _stage_alpha(one) if data.ndim == 2 else None
    return parsed_array(data, axes, path, angles_deg=None if alpha is None else [alpha])


def _axes(stored: Mapping[str, Any]) -> list[Axis]:
    """Return the axes, slowest first. The file lists them fastest first, and leaves out the last
    ones where they have no calibration.
    """
    count = len(_list(stored.get("Dimensions")))
    found = []
    for one in _list(_group(stored.get("Calibrations")).get("Dimension"))[:count]:
        about = _group(one)
        step, origin = _number(about.get("Scale")), _number(about.get("Origin")) or 0.0
        unit = about.get("Units")
        found.append(Axis("", unit if isinstance(unit, str) else "", step, -origin * (step or 0.0)))
    found += [Axis()] * (count - len(found))
    return found[::-1]


def _spectra(one: Mapping[str, Any], axes: Sequence[Axis]) -> str:
    """Return "spectra" where the file says so: the axis of a spectrum can be in nm of
    wavelength.
    """
    about = _group(_group(one.get("ImageTags")).get("Meta Data"))
    said = str(about.get("Format", "")).lower().startswith("spectrum")
    return "spectra" if said or any(axis.role == "energy" for axis in axes) else ""


def _values(path: Path, stored: Mapping[str, Any]) -> NDArray[Any]:
    """Return the grey values, in the type that the file names beside them."""
    shape = tuple(_list(stored.get("Dimensions")))[::-1]
    color = stored.get("DataType") in _COLOR
    dtype = np.dtype("u1" if color else _GRAY[stored["DataType"]])
    pixels = _pixels(stored)
    whole = all(isinstance(size, int) and size > 0 for size in shape)
    if not whole or len(pixels) != math.prod(shape) * (4 if color else dtype.itemsize):
        raise FileFormatError(
            f"{path} is damaged: its header promises {' × '.join(map(str, shape))} values of {dtype}, "
            f"{len(pixels)} bytes are there."
        )
    gray = pixels.reshape(-1, 4)[:, 0] if color else pixels.view(dtype)
    return gray.reshape(shape)


def _pixels(stored: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return the bytes of an image, empty where there are none."""
    raw = stored.get("Data")
    return np.frombuffer(raw if isinstance(raw, array.array) else b"", dtype=np.uint8)


def _is_gray(stored: Mapping[str, Any]) -> bool:
    """Return whether red, green and blue are equal everywhere; the fourth byte of a pixel is not
    used.
    """
    pixels = _pixels(stored)
    if len(pixels) % 4:
        return False
    channels = pixels.reshape(-1, 4)
    return bool((channels[:, :1] == channels[:, 1:3]).all())


def _stage_alpha(one: Mapping[str, Any]) -> float | None:
    microscope = _group(_group(one.get("ImageTags")).get("Microscope Info"))
    return _number(_group(microscope.get("Stage Position")).get("Stage Alpha"))


def _group(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else []


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if np.isfinite(value) else None
