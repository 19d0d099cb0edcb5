"""Metadata of OME-Zarr (NGFF to 0.5): which image of a folder, its axes, and its transformations.

A folder of ``bioformats2raw.layout`` 3 holds images in groups 0, 1, …; a plate holds them in its
wells. Scales and translations are lists, or arrays of their own that are named by their path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import reason_of
from napari_snpore.files.ome_xml import all_pixels, parsed_xml, physical_sizes
from napari_snpore.files.text_files import text_of
from napari_snpore.files.units import Sizes

_OLD_AXES = "tczyx"
"""Axes of versions before 0.3, which do not name them."""

_UNIFORM = ("scale", "translation", "identity")


_NEWEST = 0, 5
"""Version of the metadata (NGFF) that is read."""


@dataclass(frozen=True)
class ZarrImage:
    """One image of a folder.

    Parameters
    ----------
    group : zarr.Group
        The group that holds its arrays.
    about : mapping
        Its entry in ``multiscales``.
    name : str
        Path of the group inside the folder; empty where that is the image itself.
    """

    group: Any
    about: Mapping[str, Any]
    name: str = ""


@dataclass(frozen=True)
class ZarrAxis:
    """Name in lower case, unit, scale and position of the first voxel along one axis."""

    name: str
    unit: Any
    scale: float
    place: float


def find_images(group: Any, path: Path) -> list[ZarrImage]:
    """Return the images of a folder: the folder itself, or those in its groups.

    Raises
    ------
    FileFormatError
        The folder holds no image, or a plate.
    """
    attributes = dict(group.attrs)
    about: Any = attributes.get("ome", attributes)
    itself = _multiscales(group)
    _check_version(about, itself, path)
    if itself is not None:
        return [ZarrImage(group, itself)]
    if isinstance(about, Mapping) and ("plate" in about or "well" in about):
        raise FileFormatError(
            f"{path} is a plate of wells: open one image in it, such as {path / 'A' / '1' / '0'}."
        )
    inside = [(group[name], name) for name in _image_names(group, about)]
    if not inside:
        raise FileFormatError(f"{path} is a Zarr folder without OME-Zarr (multiscales) metadata.")
    return [ZarrImage(one, _multiscales(one) or {}, name) for one, name in inside]


def _check_version(about: Any, multiscales: Any, path: Path) -> None:
    """Refuse metadata newer than 0.5, whose axes and transformations mean something else."""
    for part in (about, multiscales):
        stated = part.get("version") if isinstance(part, Mapping) else None
        number = re.match(r"(\d+)\.(\d+)", str(stated))
        if number and tuple(map(int, number.groups())) > _NEWEST:
            raise FileFormatError(
                f"{path} is OME-Zarr (NGFF) {str(stated)[:20]}; versions to 0.5 are read: save it as 0.5."
            )


def holds_image(group: Any) -> bool:
    """Return whether a folder has the metadata of an image, or holds one in a group."""
    attributes = dict(group.attrs)
    about: Any = attributes.get("ome", attributes)
    return _multiscales(group) is not None or bool(_image_names(group, about))


def image_axes(image: ZarrImage, stored: Any, path: Path) -> list[ZarrAxis]:
    """Return the axes of an array in the order in which it is stored.

    Parameters
    ----------
    image : ZarrImage
        The image.
    stored : zarr.Array
        Its array of full resolution.
    path : Path
        The folder, for sentences.

    Raises
    ------
    FileFormatError
        Axes and array do not agree, or a transformation is no scale and no translation.
    """
    named: Any = image.about.get("axes")
    if named is None:
        named = list(_OLD_AXES[-stored.ndim :])
    entries = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in named]
    names = [str(axis.get("name", "")).lower() for axis in entries]
    if len(names) != stored.ndim or len(set(names)) < len(names):
        raise FileFormatError(
            f"{path} names the axes {', '.join(names) or 'none'} of an array of {stored.ndim} axes."
        )
    own = [str(name).lower() for name in getattr(stored.metadata, "dimension_names", None) or ()]
    if own != names and sorted(own) == sorted(names):
        raise FileFormatError(
            f"{path} names its axes {', '.join(names)}, and its array {', '.join(own)}: which order "
            "is right cannot be told; correct one of them in zarr.json."
        )
    scale, place = np.ones(stored.ndim), np.zeros(stored.ndim)
    level = image.about["datasets"][0]
    for step in [
        *(level.get("coordinateTransformations") or []),
        *(image.about.get("coordinateTransformations") or []),
    ]:
        kind = step.get("type") if isinstance(step, Mapping) else None
        if kind not in _UNIFORM:
            raise FileFormatError(
                f"{path} holds a transformation of type {kind}; scale and translation are read: "
                "resample the image along its axes first."
            )
        if kind == "scale":
            values = _values(image, step, kind, stored.ndim, path)
            scale, place = scale * values, place * values
        elif kind == "translation":
            place = place + _values(image, step, kind, stored.ndim, path)
    return [
        ZarrAxis(name, entry.get("unit"), float(size), float(start))
        for name, entry, size, start in zip(names, entries, scale, place, strict=True)
    ]


def xml_sizes(image: ZarrImage, path: Path, shape_yx: tuple[int, int]) -> tuple[Sizes, Sizes]:
    """Return the voxel size (z, y, x) in nm, and as stated, of the ``METADATA.ome.xml`` that
    bioformats2raw writes; None for all where there is none for an image of this size.
    """
    none = (None, None, None)
    place = path / "OME" / "METADATA.ome.xml"
    if not image.name.isdecimal() or not place.is_file():
        return none, none
    found = all_pixels(parsed_xml(text_of(place), place))
    number = int(image.name)
    if number < len(found):
        y, x = found[number].get("SizeY"), found[number].get("SizeX")
        if (y, x) == (str(shape_yx[0]), str(shape_yx[1])):
            return physical_sizes(found[number])
    return none, none


def _multiscales(group: Any) -> Mapping[str, Any] | None:
    attributes = dict(group.attrs)
    about: Any = attributes.get("ome", attributes)
    images = about.get("multiscales") if isinstance(about, Mapping) else None
    if not isinstance(images, Sequence) or not images or not isinstance(images[0], Mapping):
        return None
    datasets = images[0].get("datasets")
    if not isinstance(datasets, Sequence) or not datasets or not isinstance(datasets[0], Mapping):
        return None
    return images[0] if isinstance(datasets[0].get("path"), str) else None


def _image_names(group: Any, about: Any) -> list[str]:
    """Return the paths of the images of a ``bioformats2raw.layout`` folder, in their order."""
    if not isinstance(about, Mapping) or "bioformats2raw.layout" not in about:
        return []
    members = dict(group.groups())
    listed: Any = None
    if "OME" in members:
        inside = dict(members["OME"].attrs)
        listed = inside.get("ome", inside).get("series")
    if not isinstance(listed, Sequence) or isinstance(listed, str):
        listed = sorted((name for name in members if name.isdecimal()), key=int)
    return [
        name
        for name in map(str, listed)
        if name in group and hasattr(group[name], "groups") and _multiscales(group[name])
    ]


def _values(image: ZarrImage, step: Mapping[str, Any], kind: str, count: int, path: Path) -> Any:
    """Return the numbers of a transformation, from its list or from the array at its path."""
    try:
        if kind in step:
            values = np.asarray(step[kind], np.float64).reshape(-1)
        else:
            stored = image.group[str(step["path"])]
            if stored.size != count:
                raise FileFormatError(
                    f"{path} holds {stored.size} numbers at {step['path']}, the {kind} of {count} axes."
                )
            values = np.asarray(stored[...], np.float64).reshape(-1)
    except FileFormatError:
        raise
    except Exception as error:  # zarr raises many kinds
        raise FileFormatError(
            f"{path} holds a {kind} that cannot be read ({reason_of(error)})."
        ) from error
    if len(values) != count or not np.isfinite(values).all():
        raise FileFormatError(
            f"{path} holds a {kind} of {len(values)} numbers for {count} axes, or one not finite."
        )
    return values
