"""OME-XML: sizes of voxels, times of planes, the files of a set, and metadata kept in another file.

Lengths without a unit are in µm by the schema; a length of exactly 1 without a unit is what programs
write where nobody measured one, and counts as none.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath
from xml.etree import ElementTree

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import bounded_bytes
from napari_snpore.files.times import checked_times, even_times, seconds_per
from napari_snpore.files.units import Sizes, in_nm

_LARGEST_COMPANION = 2**26
"""Most bytes of a file of metadata; that of a set of ten thousand planes holds some megabytes."""


def parsed_xml(text: str, path: Path) -> ElementTree.Element:
    """Return the root of OME-XML; refuse what is not XML in a sentence about ``path``."""
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise FileFormatError(f"{path} holds damaged OME metadata: {error}.") from error


def pixels_of(root: ElementTree.Element, shape_yx: tuple[int, int]) -> list[ElementTree.Element]:
    """Return the ``Pixels`` of all images of a size (y, x), in their order."""
    wanted = str(shape_yx[0]), str(shape_yx[1])
    return [node for node in all_pixels(root) if (node.get("SizeY"), node.get("SizeX")) == wanted]


def all_pixels(root: ElementTree.Element) -> list[ElementTree.Element]:
    """Return the ``Pixels`` of all images, in their order."""
    return [node for node in root.iter() if tag(node) == "Pixels"]


def physical_sizes(pixels: ElementTree.Element) -> tuple[Sizes, Sizes]:
    """Return the voxel size along ``(z, y, x)`` in nm, and the numbers as they are stated."""
    z, y, x = (_physical_size(pixels, axis) for axis in "ZYX")
    return (z[0], y[0], x[0]), (z[1], y[1], x[1])


def plane_times(pixels: ElementTree.Element, count: int) -> list[float] | None:
    """Return the times (s) of ``count`` images: those of the planes, or even steps."""
    try:
        planes = sorted(
            (int(node.get("TheT", 0)), node.get("DeltaT"), node.get("DeltaTUnit", "s"))
            for node in pixels
            if tag(node) == "Plane"
        )
        if len(planes) == count and all(time is not None for _, time, _ in planes):
            seconds = [float(time or 0) * (seconds_per(unit) or np.nan) for _, time, unit in planes]
            return checked_times(seconds, count)
    except ValueError:  # a plane without a readable number has no time
        return None
    return even_times(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), count)


def descriptions(root: ElementTree.Element) -> list[str]:
    """Return the texts of all ``Description`` elements."""
    return [node.text or "" for node in root.iter() if tag(node) == "Description"]


def master_of(root: ElementTree.Element, path: Path) -> Path | None:
    """Return the file that holds the metadata of a set, where ``path`` only points to it.

    Raises
    ------
    FileFormatError
        That file is not beside it.
    """
    for node in root.iter():
        if tag(node) == "BinaryOnly" and node.get("MetadataFile"):
            name = PureWindowsPath(node.get("MetadataFile", "")).name
            master = path.parent / name
            if not name or not master.is_file():
                raise FileFormatError(
                    f"{path} is one file of a set whose metadata are in {name or 'another'}, "
                    "which is not beside it: put all files of the set into one folder."
                )
            return None if master.samefile(path) else master
    return None


def companion_text(path: Path) -> str:
    """Return the XML of a file of metadata (``.companion.ome``)."""
    raw = bounded_bytes(path, _LARGEST_COMPANION, "a file of OME metadata")
    return raw.decode("utf-8-sig", "replace")


def check_set(root: ElementTree.Element, path: Path) -> list[Path]:
    """Return the other files that hold planes of the images; refuse a set that is not complete.

    Raises
    ------
    FileFormatError
        A file of the set is not beside ``path``: its planes would read as zeros.
    """
    own = root.get("UUID")  # a file that was renamed is known by it
    names = {
        path.name if node.text == own else node.get("FileName", "")
        for data in root.iter()
        if tag(data) == "TiffData"
        for node in data
        if tag(node) == "UUID" and node.get("FileName")
    }
    others = [path.parent / name for name in sorted(names) if name.lower() != path.name.lower()]
    missing = [place.name for place in others if not place.is_file()]
    if missing and len(names) > 1:  # with one name alone, it is this file before it was renamed
        raise FileFormatError(
            f"{path} is one of a set of {len(names)} files, and {_listed(missing)} not beside it: "
            "put all files of the set into one folder, under the names that they had."
        )
    return [place for place in others if place.is_file()]


def tag(node: ElementTree.Element) -> str:
    """Return the name of an XML element without its namespace."""
    return node.tag.rpartition("}")[2]


def _physical_size(pixels: ElementTree.Element, axis: str) -> tuple[float | None, float | None]:
    """Return a size in nm and the number as it is stated."""
    size, unit = pixels.get(f"PhysicalSize{axis}"), pixels.get(f"PhysicalSize{axis}Unit")
    length = in_nm(size, "µm" if unit is None else unit)
    if length is None or (unit is None and length == in_nm(1, "µm")):
        return None, None
    return length, float(size or 0)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'}"
