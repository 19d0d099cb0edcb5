"""TIFF: voxel size and times from ImageJ or OME metadata, memory-mapped where raw; written as raw
OME-TIFF.

Many programs write a resolution in inches or without a unit by default: it counts as none. So does
a size of exactly 1 in OME metadata without a unit. A single plane is a volume where its thickness
is stated, else an image.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_snpore.errors import FileFormatError
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.times import checked_times, even_times, seconds_per
from napari_snpore.files.units import in_nm
from napari_snpore.history import parsed_history, stored_history
from napari_snpore.volume import Triple, Volume

_CENTIMETRE = 3
_LAZY_BYTES = 2**30
_OWN = "napari-snpore"


@dataclass(frozen=True)
class _Said:
    """Values in the metadata; None for those that are missing."""

    spacing_nm: tuple[float | None, float | None, float | None] = (None, None, None)
    origin_nm: Triple | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """What our own description holds beside the scale; the history is parsed only when the file is
    read.
    """
    tilt_axis_angle_deg: float | None = None


def read_tiff(path: Path) -> ParsedFile:
    """Return the first image series of a TIFF file with its voxel size and times."""
    try:
        with _complaints() as complaints, tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            said = _said(tiff)
            sizes = _long_axes(series)
            times = _times(tiff, sizes[0][1]) if len(sizes) == 3 else None
            is_time = [axis for axis, _ in sizes] == ["T", "Y", "X"]
            if len(sizes) == 2 and tiff.ome_metadata and said.spacing_nm[0] is not None:
                sizes.insert(0, ("Z", 1))
            axes, shape = "".join(axis for axis, _ in sizes), tuple(n for _, n in sizes)
            if _is_color(series):
                raise FileFormatError(f"{path} is a colour image; grey values are needed.")
            if len(axes) > 3:
                raise FileFormatError(
                    f"{path} has axes {series.axes} {series.shape}; one channel and one time are needed."
                )
            if series.dataoffset is not None:
                data: Any = tifffile.memmap(path, mode="r", series=0).reshape(shape)
            else:
                data = (_lazy(series) if series.nbytes > _LAZY_BYTES else series.asarray()).reshape(
                    shape
                )
    except FileFormatError:
        raise
    except (
        tifffile.TiffFileError,
        ValueError,
        IndexError,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,
    ) as error:
        raise FileFormatError(
            f"{path} is not a readable TIFF file: {_first_line(error)}."
        ) from error
    if complaints:
        raise FileFormatError(f"{path} is damaged or cut short: {complaints[0].rstrip('.')}.")
    return ParsedFile(
        data,
        said.spacing_nm,
        None,
        said.tilt_axis_angle_deg,
        said.origin_nm,
        parsed_history(said.about, str(path)),
        times,
        is_time,
    )


def _long_axes(series: Any) -> list[tuple[str, int]]:
    """Return letter and length of the axes, without those of length 1 other than Y and X."""
    axes = zip(series.axes, series.shape, strict=True)
    return [(axis, count) for axis, count in axes if count > 1 or axis in "YX"]


def _is_color(series: Any) -> bool:
    samples = any(axis == "S" for axis, _ in _long_axes(series))
    return samples or series.keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect the errors that tifffile only logs: it reads a file whose tags lie beyond its end as
    one without metadata.
    """
    found: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("tifffile")
    propagates = logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagates


def gray_plane_count(path: Path) -> int:
    """Return how many grey planes a TIFF file holds along one axis, from its header; 0 for color or
    more axes.

    A file with a voxel size along all three axes counts as a stack of 2, whatever its axes: it is
    meant as a volume.
    """
    with tifffile.TiffFile(path) as tiff:
        if None not in _said(tiff).spacing_nm:
            return 2
        series = tiff.series[0]
        sizes = _long_axes(series)
        if len(sizes) not in (2, 3) or _is_color(series):
            return 0
        return sizes[0][1] if len(sizes) == 3 else 1


def write_tiff(path: Path, volume: Volume, *, tilt_axis_angle_deg: float | None = None) -> None:
    """Write raw OME-TIFF, plane by plane, with voxel size in nm; what OME has no field for goes
    into its description as JSON.
    """
    dz, dy, dx = volume.spacing
    about: dict[str, Any] = {
        "origin_nm": volume.origin,
        **stored_history(volume.history),
    }
    if tilt_axis_angle_deg is not None:
        about["tilt_axis_angle_deg"] = tilt_axis_angle_deg
    description = json.dumps({_OWN: about}, default=str)
    # named after its content, so that the same result is the same file, bit for bit
    content = f"{description} {volume.shape} {volume.spacing} {volume.dtype}"
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeX": dx, "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": dy, "PhysicalSizeYUnit": "nm",
        "PhysicalSizeZ": dz, "PhysicalSizeZUnit": "nm",
        "Description": description,
        "UUID": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, content)}",
    }  # fmt: skip
    dtype = volume.dtype
    if dtype.kind == "b":
        raise FileFormatError("TIFF holds no truth values; convert to uint8 first.")
    if dtype.name in ("int64", "uint64", "float16"):
        raise FileFormatError(
            f"OME-TIFF holds no {dtype}; convert to a type of at most 32 bits first."
        )
    with tifffile.TiffWriter(path, bigtiff=volume.data.nbytes > 2**31, ome=True) as tiff:
        tiff.write(
            (np.ascontiguousarray(volume.data[z]) for z in range(volume.shape[0])),
            shape=volume.shape,
            dtype=dtype,
            photometric="minisblack",
            resolution=(1e7 / dx, 1e7 / dy),
            resolutionunit="CENTIMETER",
            metadata=metadata,
            contiguous=True,
        )


def _said(tiff: tifffile.TiffFile) -> _Said:
    if tiff.ome_metadata:
        return _ome(tiff.ome_metadata)
    page = tiff.pages.first
    x, y = (_per_unit(page, name) for name in ("XResolution", "YResolution"))
    if tiff.imagej_metadata:
        about = tiff.imagej_metadata
        unit = str(about.get("unit", "")).replace("\\u00B5", "µ")
        depth = in_nm(about.get("spacing"), unit)
        return _Said((depth, in_nm(y, unit), in_nm(x, unit)))
    unit_tag = page.tags.get("ResolutionUnit")
    if unit_tag is not None and int(unit_tag.value) == _CENTIMETRE:
        return _Said((None, in_nm(y, "cm"), in_nm(x, "cm")))
    return _Said()


def _per_unit(page: Any, name: str) -> float | None:
    tag = page.tags.get(name)
    if tag is None:
        return None
    pixels, units = tag.value
    return units / pixels if pixels else None


def _ome(text: str) -> _Said:
    root = ElementTree.fromstring(text)
    pixels = next(
        (node for node in root.iter() if node.tag.endswith("}Pixels") or node.tag == "Pixels"), None
    )
    if pixels is None:
        return _Said()
    z, y, x = (_physical_size(pixels, axis) for axis in "ZYX")
    for node in root.iter():
        if node.tag.endswith("}Description") and (node.text or "").startswith(f'{{"{_OWN}"'):
            about = json.loads(node.text or "")[_OWN]
            oz, oy, ox = about["origin_nm"]
            return _Said((z, y, x), (oz, oy, ox), about, about.get("tilt_axis_angle_deg"))
    return _Said((z, y, x))


def _times(tiff: tifffile.TiffFile, count: int) -> list[float] | None:
    """Return the times (s) of ``count`` images: ImageJ's frame interval, or OME's times per plane
    or time increment.
    """
    if tiff.imagej_metadata:
        return even_times(tiff.imagej_metadata.get("finterval"), "s", count)
    if not tiff.ome_metadata:
        return None
    root = ElementTree.fromstring(tiff.ome_metadata)
    pixels = next((node for node in root.iter() if _tag(node) == "Pixels"), None)
    if pixels is None:
        return None
    try:
        planes = sorted(
            (int(node.get("TheT", 0)), node.get("DeltaT"), node.get("DeltaTUnit", "s"))
            for node in pixels
            if _tag(node) == "Plane"
        )
        if len(planes) == count and all(time is not None for _, time, _ in planes):
            seconds = [float(time or 0) * (seconds_per(unit) or np.nan) for _, time, unit in planes]
            return checked_times(seconds, count)
    except ValueError:  # a plane without a readable number has no time
        return None
    return even_times(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), count)


def _tag(node: ElementTree.Element) -> str:
    """Return the name of an XML element without its namespace."""
    return node.tag.rpartition("}")[2]


def _physical_size(pixels: ElementTree.Element, axis: str) -> float | None:
    size, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit")
    if unit is None:
        length = in_nm(size, "µm")  # the OME default unit is the micrometre
        return None if length == in_nm(1, "µm") else length
    return in_nm(size, unit)


def _lazy(series: Any) -> Any:
    # imported here: a second that only large compressed files need
    import dask.array as da

    return da.from_zarr(series.aszarr())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
