"""TIFF: voxel size and times from ImageJ or OME metadata, memory-mapped where raw; written as raw
OME-TIFF.

Many programs write a resolution in inches or without a unit by default: it counts as none. So do
the resolutions of screens and printers in any unit, one pixel per unit, and a size of exactly 1 in
OME metadata without a unit. A single plane is a volume where its thickness is stated, else an
image. Planes that are promised and not there are refused, in sets of several files too.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import tifffile

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.choice import Candidate, Wanted, check_only_image, chosen, distinct
from napari_snpore.files.guarded_reading import GuardedArray, checked_path
from napari_snpore.files.imagej_tiff import is_imagej, own_about, write_imagej
from napari_snpore.files.ome_xml import (
    check_set,
    companion_text,
    descriptions,
    master_of,
    parsed_xml,
    physical_sizes,
    pixels_of,
    plane_times,
    tag,
)
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.tiff_chain import check_page_chain
from napari_snpore.files.tiff_damage import complaints_of_tifffile
from napari_snpore.files.tiff_planes import (
    LARGEST_TAG,
    check_planes,
    plane_count,
    write_plane_by_plane,
)
from napari_snpore.files.times import even_times
from napari_snpore.files.units import Sizes, in_nm, real_sizes
from napari_snpore.history import parsed_history, stored_history
from napari_snpore.volume import Triple, Volume

_CENTIMETRE = 3
_LAZY_BYTES = 2**30
_OWN = "napari-snpore"


@dataclass(frozen=True)
class _Said:
    """Values in the metadata; None for those that are missing."""

    spacing_nm: Sizes = (None, None, None)
    origin_nm: Triple | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    """What our own description holds beside the scale; the history is parsed only when the file is
    read.
    """
    tilt_axis_angle_deg: float | None = None
    times_s: list[float] | None = None
    notes: tuple[str, ...] = ()


def read_tiff(path: Path, *, image: str | None = None, wanted: Wanted | None = None) -> ParsedFile:
    """Return one image series of a TIFF file with its voxel size and times.

    Parameters
    ----------
    path : Path
    image : str, optional
        Which series of a file that holds several, by its name or as ``"image 2"``.
    wanted : str, optional
        What the caller needs, where no name is given: a stack is taken before a single image.

    Raises
    ------
    InputError
        The file has no image of that name.
    FileFormatError
        The file is damaged, in color, has several channels or times, or lacks planes or files that
        it promises.
    """
    try:
        with complaints_of_tifffile() as complaints, _opened(path) as tiff:
            found = _images(tiff)
            if not found:
                raise FileFormatError(
                    f"{path} holds no image: it is empty, or was not written to its end."
                )
            if len(found) == 1:
                check_only_image(path, image)
                parsed = _parsed(tiff, found[0], path)
            else:
                candidates = _candidates(tiff, found, path)
                parsed = chosen(path, candidates, image=image, wanted=wanted)
    except InputError:
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
        said = _first_line(error)
        if said.startswith("not a TIFF"):
            is_empty = path.stat().st_size == 0
            said = "it is empty" if is_empty else "its first bytes are not those of one"
        raise FileFormatError(f"{path} is not a readable TIFF file: {said}.") from error
    if complaints:
        reason = re.sub(r"<tifffile[^>]*>\s*", "", complaints[0]).rstrip(". ")
        raise FileFormatError(f"{path} is damaged or cut short: {reason}.")
    return parsed


def _images(tiff: tifffile.TiffFile) -> list[Any]:
    """Return the image series of a file, without previews of smaller size."""
    return [
        one
        for number, one in enumerate(tiff.series)
        if number == 0 or (one.ndim >= 2 and not one.keyframe.is_reduced)
    ]


def _candidates(tiff: tifffile.TiffFile, found: Sequence[Any], path: Path) -> list[Candidate]:
    names = distinct(
        (one.name or "").strip() or f"image {number}" for number, one in enumerate(found, 1)
    )
    return [
        Candidate(
            name,
            "volume" if len(_long_axes(one)) > 2 else "image",
            partial(_parsed, tiff, one, path),
            number,
            "a colour image" if _is_color(one) else "",
        )
        for number, (name, one) in enumerate(zip(names, found, strict=True))
    ]


def _parsed(tiff: tifffile.TiffFile, series: Any, path: Path) -> ParsedFile:
    """Return one image series of an open file."""
    check_planes(series, path)
    axes, shape, order = _grey_axes(series, path)
    if "C" in axes:
        _check_channels(tiff, path)
    said = _said(tiff, series, path, shape[0] if len(shape) == 3 else 0)
    data = _data(tiff, series, shape).transpose(order)
    axes = "".join(axes[k] for k in order)
    if axes == "YX" and (tiff.ome_metadata or said.about) and said.spacing_nm[0] is not None:
        data = data[None]
    called = ("its first axis is called channels",) if "C" in axes else ()
    return ParsedFile(
        data,
        said.spacing_nm,
        tilt_axis_angle_deg=said.tilt_axis_angle_deg,
        origin_nm=said.origin_nm,
        history=parsed_history(said.about, str(path)),
        times_s=said.times_s,
        first_axis_is_time=axes == "TYX",
        notes=(*said.notes, *called, *_left_out(tiff), *_inverted(series)),
    )


def _inverted(series: tifffile.TiffPageSeries) -> tuple[str, ...]:
    """Say that the file shows low values bright."""
    if series.keyframe.photometric != tifffile.PHOTOMETRIC.MINISWHITE:
        return ()
    return ("low values are bright by the file (MinIsWhite); values are as stored",)


def _left_out(tiff: tifffile.TiffFile) -> tuple[str, ...]:
    """Say how many planes of the file its metadata do not name."""
    if any(series.is_multifile or series.kind not in ("ome", "imagej") for series in tiff.series):
        return ()
    named = sum(plane_count(series) for series in tiff.series)
    unnamed = len(tiff.pages) - named
    return (f"{unnamed} planes that the metadata do not name were left out",) if unnamed > 0 else ()


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file, with the metadata of its set where those are in another file; a set that is
    not complete is refused.
    """
    with tifffile.TiffFile(path) as tiff:
        if not tiff.ome_metadata:
            yield tiff
            return
        root = parsed_xml(tiff.ome_metadata, path)
        master = master_of(root, path)
        if master is None:
            _check_files(root, path)
            yield tiff
            return
    if _is_tiff(master):
        check_page_chain(master)
        with tifffile.TiffFile(master) as tiff:
            _check_files(parsed_xml(tiff.ome_metadata or "", master), master)
            yield tiff
        return
    text = companion_text(master)
    _check_files(parsed_xml(text, master), path)
    with tifffile.TiffFile(path, omexml=text) as tiff:
        yield tiff


def _check_files(root: ElementTree.Element, path: Path) -> None:
    for other in check_set(root, path):
        check_page_chain(checked_path(other))


def _is_tiff(path: Path) -> bool:
    """Return whether a file begins as TIFF files do."""
    with checked_path(path).open("rb") as file:
        return file.read(4) in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _grey_axes(series: Any, path: Path) -> tuple[str, tuple[int, ...], list[int]]:
    """Return letters and lengths of the axes as they are stored, and their order with y and x last;
    refuse what is not grey values along at most three axes.
    """
    sizes = _long_axes(series)
    axes, shape = "".join(axis for axis, _ in sizes), tuple(n for _, n in sizes)
    if _is_color(series):
        raise FileFormatError(f"{path} is a colour image; grey values are needed.")
    if len(axes) > 3:
        raise FileFormatError(
            f"{path} has axes {series.axes} {series.shape}; one channel and one time are needed."
        )
    if axes.count("Y") != 1 or axes.count("X") != 1:
        raise FileFormatError(f"{path} has axes {series.axes} {series.shape}; y and x are needed.")
    order = sorted(range(len(axes)), key=lambda k: {"Y": 1, "X": 2}.get(axes[k], 0))
    return axes, shape, order


def _check_channels(tiff: tifffile.TiffFile, path: Path) -> None:
    """Refuse planes that are channels of one image.

    Writers call the planes of any stack channels where nobody names its axes, so channels count as
    such only where they have names, or are shown together in colors.
    """
    names: list[str] = []
    if tiff.ome_metadata:
        root = parsed_xml(tiff.ome_metadata, path)
        names = [node.get("Name", "") for node in root.iter() if tag(node) == "Channel"]
    shown = str((tiff.imagej_metadata or {}).get("mode", "")) in ("composite", "color")
    if shown or (len(set(names)) > 1 and all(names)):
        raise FileFormatError(
            f"{path} holds several channels of one image{': ' + ', '.join(names[:4]) if names else ''}; "
            "one is needed: save the one to read as a file of its own."
        )


def _data(tiff: tifffile.TiffFile, series: Any, shape: tuple[int, ...]) -> Any:
    """Return the grey values: memory-mapped where they are raw, lazy where they are many."""
    if series.dataoffset is not None and not series.is_multifile:
        dtype = np.dtype(series.dtype).newbyteorder(tiff.byteorder)
        return np.memmap(
            series.keyframe.parent.filehandle.path, dtype, "r", series.dataoffset, shape
        )
    if series.nbytes > _LAZY_BYTES:
        return _lazy(series).reshape(shape)
    return series.asarray().reshape(shape)


def _long_axes(series: Any) -> list[tuple[str, int]]:
    """Return letter and length of the axes, without those of length 1 other than Y and X."""
    axes = zip(series.axes, series.shape, strict=True)
    return [(axis, count) for axis, count in axes if count > 1 or axis in "YX"]


def _plane_shape(series: Any) -> tuple[int, int]:
    """Return the numbers of rows and columns."""
    lengths = dict(_long_axes(series))
    return lengths.get("Y", 0), lengths.get("X", 0)


def _is_color(series: Any) -> bool:
    samples = any(axis == "S" for axis, _ in _long_axes(series))
    return samples or series.keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE


def gray_plane_count(path: Path) -> int:
    """Return how many grey planes a TIFF file holds along one axis, from its header; 0 for color or
    more axes.

    A file with a voxel size along all three axes counts as a stack of 2, whatever its axes: it is
    meant as a volume. So does a set that is not complete: the reader says what is missing, where
    others would show zeros.
    """
    try:
        with complaints_of_tifffile(), _opened(path) as tiff:
            return max((_plane_count(tiff, series, path) for series in _images(tiff)), default=0)
    except FileFormatError:
        return 2


def _plane_count(tiff: tifffile.TiffFile, series: Any, path: Path) -> int:
    if None not in _said(tiff, series, path, 0).spacing_nm:
        return 2
    sizes = _long_axes(series)
    if len(sizes) not in (2, 3) or _is_color(series):
        return 0
    return sizes[0][1] if len(sizes) == 3 else 1


def write_tiff(path: Path, volume: Volume, *, tilt_axis_angle_deg: float | None = None) -> None:
    """Write raw OME-TIFF, plane by plane, with voxel size in nm; what OME has no field for goes
    into its description as JSON. A name that ends in ``.imagej.tif`` is written for ImageJ.
    """
    dz, dy, dx = volume.spacing
    about: dict[str, Any] = {
        "origin_nm": volume.origin,
        **stored_history(volume.history),
    }
    if tilt_axis_angle_deg is not None:
        about["tilt_axis_angle_deg"] = tilt_axis_angle_deg
    if is_imagej(path):
        write_imagej(path, volume, about)
        return
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
        write_plane_by_plane(
            tiff,
            volume,
            **_resolution_tags(dy, dx),
            metadata=metadata,
        )


def _resolution_tags(dy: float, dx: float) -> dict[str, Any]:
    """Return pixels per cm for programs that do not read OME's sizes; none where a tag, a fraction of
    32-bit numbers, cannot hold them.
    """
    per_cm = 1e7 / dx, 1e7 / dy
    if not all(1 / LARGEST_TAG < one < LARGEST_TAG for one in per_cm):
        return {}
    return {"resolution": per_cm, "resolutionunit": "CENTIMETER"}


def _said(tiff: tifffile.TiffFile, series: Any, path: Path, images: int) -> _Said:
    """Return what the metadata say of a series of ``images`` images."""
    if tiff.ome_metadata:
        return _ome(parsed_xml(tiff.ome_metadata, path), tiff, series, images)
    page = tiff.pages.first
    x, y = (_per_unit(page, name) for name in ("XResolution", "YResolution"))
    if tiff.imagej_metadata:
        about = tiff.imagej_metadata
        unit = about.get("unit")
        depth = about.get("spacing")
        z = abs(float(depth)) if isinstance(depth, (int, float)) else None
        units = about.get("zunit") or unit, about.get("yunit") or unit, unit
        sizes = tuple(in_nm(size, one) for size, one in zip((z, y, x), units, strict=True))
        own = own_about(about, (sizes[0], sizes[1], sizes[2]))
        found = _of_own(own, *own["spacing_nm"]) if own else _with_units((z, y, x), units)
        times = even_times(about.get("finterval"), about.get("tunit") or "s", images)
        return replace(found, times_s=times)
    unit_tag = page.tags.get("ResolutionUnit")
    if unit_tag is not None and int(unit_tag.value) == _CENTIMETRE:
        return _with_units((None, y, x), ("cm", "cm", "cm"))
    return _Said()


def _of_own(about: Mapping[str, Any], z: float, y: float, x: float) -> _Said:
    """Return what this package wrote: sizes that are real whatever they are, origin, history."""
    oz, oy, ox = about["origin_nm"]
    return _Said((z, y, x), (oz, oy, ox), about, about.get("tilt_axis_angle_deg"))


def _with_units(stated: Sizes, units: tuple[Any, Any, Any]) -> _Said:
    z, y, x = (in_nm(size, unit) for size, unit in zip(stated, units, strict=True))
    return _scaled((z, y, x), stated)


def _scaled(sizes_nm: Sizes, stated: Sizes) -> _Said:
    """Return the sizes that somebody measured; say which count as none."""
    real = real_sizes(sizes_nm, stated)
    if real == sizes_nm:
        return _Said(sizes_nm)
    pixel = sizes_nm[1] if sizes_nm[2] is None else sizes_nm[2]
    return _Said(real, notes=(f"a pixel of {pixel:g} nm is a default and counts as none",))


def _per_unit(page: Any, name: str) -> float | None:
    entry = page.tags.get(name)
    if entry is None:
        return None
    pixels, units = entry.value
    return float(units / pixels) if pixels else None


def _ome(root: ElementTree.Element, tiff: tifffile.TiffFile, series: Any, images: int) -> _Said:
    alike = [one for one in tiff.series if _plane_shape(one) == _plane_shape(series)]
    described = pixels_of(root, _plane_shape(series))
    # images without planes are no series; which description is whose is not known then
    if len(described) != len(alike) and len(described) != 1:
        return _Said()
    pixels = described[alike.index(series)] if len(described) == len(alike) else described[0]
    times = plane_times(pixels, images) if images else None
    sizes_nm, stated = physical_sizes(pixels)
    for text in descriptions(root):
        if text.startswith(f'{{"{_OWN}"'):
            about = json.loads(text)[_OWN]
            oz, oy, ox = about["origin_nm"]
            return _Said(sizes_nm, (oz, oy, ox), about, about.get("tilt_axis_angle_deg"), times)
    return replace(_scaled(sizes_nm, stated), times_s=times)


def _lazy(series: Any) -> Any:
    # imported here: a second that only large compressed files need
    import dask.array as da
    import zarr

    stored: Any = zarr.open_array(series.aszarr(), mode="r")
    path = Path(series.keyframe.parent.filehandle.path)
    return da.from_array(GuardedArray(stored, path), chunks=stored.chunks)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
