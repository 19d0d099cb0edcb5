"""SerialEM's ``.mdoc``: pixel size, tilt angles, and the files that hold the images.

A section ``[ZValue = k]`` describes image k of a stack, or the file named by ``SubFramePath``; a
section ``[FrameSet = k]``, in a ``.mdoc`` of its own beside each file, describes that one file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from napari_snpore.errors import FileFormatError
from napari_snpore.files.formats import SUFFIXES
from napari_snpore.files.text_files import number_of, text_of
from napari_snpore.files.units import in_nm

MDOC = ".mdoc"
"""Suffix of SerialEM's side file, which users also open in place of the images."""

_STACKS = (".mrc", ".st", ".mrcs", ".ali")
"""Suffixes of the stack that ``a.mdoc`` describes."""

_DEFAULT_NM = 0.1
"""A pixel size of 1 Å is a default of many programs and counts as none."""

_SECTION = re.compile(r"^\[(\w+)[^\S\n]*=[^\S\n]*([^\]\r\n]*)\]", re.M)

_LARGEST_NUMBER = 6
"""Most digits of the number of a section."""


@dataclass(frozen=True)
class Mdoc:
    """Content of one ``.mdoc``, its sections in the order of their numbers.

    Parameters
    ----------
    path : Path
        The file.
    pixel_size_nm : float, optional
        Pixel size in nm.
    angles_deg : sequence of (float or None)
        Tilt angle of each section in degrees.
    frames : sequence of (str or None)
        Name of the file of each section, without its folder.
    image_file : str, optional
        Name of the stack, without its folder.
    """

    path: Path
    pixel_size_nm: float | None
    angles_deg: tuple[float | None, ...]
    frames: tuple[str | None, ...]
    image_file: str | None = None

    @property
    def stack_angles_deg(self) -> list[float] | None:
        """Tilt angles (degrees) of the images of a stack; None where there are none."""
        known = [angle for angle in self.angles_deg if angle is not None]
        return known or None

    def image_paths(self) -> list[Path | None]:
        """Return the file of each section that names one, where it lies beside the ``.mdoc``; None
        for one that does not.
        """
        return [_beside(self.path, name) for name in self.frames if name is not None]

    def angles_of(self, paths: Sequence[Path]) -> list[float] | None:
        """Return the tilt angles (degrees) of files by their names; None unless all are named."""
        known = {
            _key(name): angle
            for name, angle in zip(self.frames, self.angles_deg, strict=True)
            if name is not None and angle is not None
        }
        found = [known.get(_key(path.name)) for path in paths]
        angles = [angle for angle in found if angle is not None]
        return angles if len(angles) == len(paths) else None


def read_mdoc(path: Path) -> Mdoc:
    """Parse a ``.mdoc``: ``PixelSpacing`` in Å, one ``TiltAngle`` per section, in any order.

    Raises
    ------
    FileFormatError
        A value is no number.
    """
    text = text_of(path)
    sections: dict[int, tuple[float | None, str | None]] = {}
    parts = _SECTION.split(text)
    for kind, number, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        if kind not in ("ZValue", "FrameSet") or not _is_number(number):
            continue
        tilt, frame = _value(body, "TiltAngle"), _value(body, "SubFramePath")
        sections[int(number)] = (
            None if tilt is None else number_of(tilt.split()[0], path),
            None if frame is None else _name_of(frame),
        )
    spacing, stack = _value(text, "PixelSpacing"), _value(text, "ImageFile")
    size = None if spacing is None else in_nm(number_of(spacing.split()[0], path), "Å")
    ordered = [sections[key] for key in sorted(sections)]
    return Mdoc(
        path,
        None if size is None or abs(size - _DEFAULT_NM) < 1e-9 else size,
        tuple(angle for angle, _ in ordered),
        tuple(frame for _, frame in ordered),
        None if stack is None else _name_of(stack),
    )


def described_images(path: Path) -> list[Path]:
    """Return the files that a ``.mdoc`` file describes, and any other path as it is.

    ``a.mrc.mdoc`` describes ``a.mrc``; ``a.mdoc`` describes ``a.mrc``, ``a.st`` or the stack that
    it names; where there is no stack, the files of one image each that its sections name.

    Raises
    ------
    FileFormatError
        The images, or some of them, are not beside the ``.mdoc`` file.
    """
    if path.suffix.lower() != MDOC:
        return [path]
    for place in (path.with_suffix(""), *(path.with_suffix(suffix) for suffix in _STACKS)):
        if place.suffix.lower() in SUFFIXES and place.is_file():
            return [place]
    content = read_mdoc(path)
    if content.image_file is not None and (stack := _beside(path, content.image_file)):
        return [stack]
    named = [name for name in content.frames if name is not None]
    if not named:
        raise FileFormatError(f"{path} describes a series whose images are not beside it.")
    places = content.image_paths()
    missing = [name for name, place in zip(named, places, strict=True) if place is None]
    if missing:
        raise FileFormatError(
            f"{path} names {len(named)} images, and {len(missing)} of them, such as {missing[0]}, "
            "are not beside it: put them there, or open the images or their folder instead."
        )
    return [place for place in places if place is not None]


def series_of_frames(folder: Path) -> Mdoc | None:
    """Return the ``.mdoc`` of a folder that names the files of a series of one image each; None
    where there is none.

    Raises
    ------
    FileFormatError
        Several ``.mdoc`` files describe series of that folder.
    """
    found = []
    for place in sorted(folder.glob("*.mdoc")):
        content = read_mdoc(place)
        if sum(one is not None for one in content.image_paths()) > 1:
            found.append(content)
    if len(found) > 1:
        names = ", ".join(one.path.name for one in found[:4])
        raise FileFormatError(
            f"{folder} holds {len(found)} series ({names}): open the .mdoc file of one of them."
        )
    return found[0] if found else None


def frame_angles(paths: Sequence[Path], mdoc: Mdoc | None = None) -> Mdoc | None:
    """Return a ``.mdoc`` that gives the tilt angle of each of several files, in their order.

    It is one that names them all, or the content of those beside each (``a.tif.mdoc``); None where
    there is none.
    """
    folders = {path.parent for path in paths}
    if len(folders) > 1 or not paths:
        return None
    candidates = (
        [mdoc]
        if mdoc is not None
        else [read_mdoc(place) for place in sorted(folders.pop().glob("*.mdoc"))]
    )
    for one in candidates:
        angles = one.angles_of(paths)
        if angles is not None:
            names = tuple(path.name for path in paths)
            return Mdoc(one.path, one.pixel_size_nm, tuple(angles), names)
    own = [path.with_name(path.name + MDOC) for path in paths]
    if not all(place.is_file() for place in own):
        own = [path.with_suffix(MDOC) for path in paths]
        if not all(place.is_file() for place in own):
            return None
    contents = [read_mdoc(place) for place in own]
    if any(one.stack_angles_deg is None or len(one.angles_deg) != 1 for one in contents):
        return None
    return Mdoc(
        own[0],
        contents[0].pixel_size_nm,
        tuple(one.angles_deg[0] for one in contents),
        tuple(path.name for path in paths),
    )


def _is_number(word: str) -> bool:
    return word.isascii() and word.strip().isdecimal() and len(word) <= _LARGEST_NUMBER


def _beside(mdoc: Path, name: str) -> Path | None:
    """Return the file of a name beside a ``.mdoc``, also with another suffix that is read: frames
    are often converted.
    """
    place = mdoc.with_name(name)
    if place.is_file() and place.suffix.lower() in SUFFIXES:
        return place
    for suffix in SUFFIXES:
        converted = mdoc.with_name(f"{PureWindowsPath(name).stem}{suffix}")
        if converted.is_file():
            return converted
    return None


def _name_of(path: str) -> str | None:
    """Return the name at the end of a path of any system; None where it ends with a folder."""
    name = PureWindowsPath(path).name
    return name if name.strip(". ") and "\0" not in name else None


def _key(name: str) -> str:
    """Return what two names of one image have in common: a file that was converted has another
    suffix.
    """
    return PureWindowsPath(name).stem.lower()


def _value(text: str, key: str) -> str | None:
    found = re.search(rf"^{key}[^\S\n]*=[^\S\n]*(\S[^\r\n]*)", text, re.M)
    return found.group(1).strip() if found else None
