"""Side files of a series: tilt angles (``.rawtlt``, ``.tlt``), SerialEM's ``.mdoc``, FEI's log
(``.txt``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.formats import SUFFIXES
from napari_snpore.files.guarded_reading import guarded
from napari_snpore.files.small_files import bounded_bytes
from napari_snpore.files.units import in_nm

MDOC = ".mdoc"
"""Suffix of SerialEM's side file, which users also open in place of the images."""

_DESCRIBED = (".mrc", ".st")
"""Suffixes of the images that ``a.mdoc`` describes."""

_DEFAULT_NM = 0.1
"""A pixel size of 1 Å is a default of many programs and counts as none."""


@dataclass(frozen=True)
class SideFile:
    """Content of one side file; None for what it does not contain.

    Parameters
    ----------
    path : Path
        The side file.
    angles_deg : sequence of float, optional
        Tilt angle of each image in degrees.
    pixel_size_nm : float, optional
        Pixel size in nm.
    """

    path: Path
    angles_deg: Sequence[float] | None = None
    pixel_size_nm: float | None = None


def side_files(path: Path) -> list[SideFile]:
    """Return the parsed side files of an image file, in the order .rawtlt, .tlt, .mdoc, .txt.

    Raises
    ------
    FileFormatError
        A side file is damaged.
    """
    return [_parsed(suffix, place) for suffix, place in _places(path)]


def side_paths(path: Path) -> list[Path]:
    """Return the paths of the side files of an image file, without reading them."""
    return [place for _, place in _places(path)]


def described_image(path: Path) -> Path:
    """Return the image file that a ``.mdoc`` file describes, and any other path as it is.

    ``a.mrc.mdoc`` describes ``a.mrc``, and ``a.mdoc`` describes ``a.mrc`` or ``a.st``.

    Raises
    ------
    FileFormatError
        The images are not beside the ``.mdoc`` file.
    """
    if path.suffix.lower() != MDOC:
        return path
    for place in (path.with_suffix(""), *(path.with_suffix(suffix) for suffix in _DESCRIBED)):
        if place.suffix.lower() in SUFFIXES and place.is_file():
            return place
    raise FileFormatError(f"{path} describes a series whose images are not beside it.")


def read_angles(path: Path) -> NDArray[np.float64]:
    """Return the tilt angles (degrees) of a ``.tlt`` or ``.rawtlt`` file, one or several per line.

    Raises
    ------
    FileFormatError
        The file holds no numbers, or something else.
    """
    words = text_of(path).split()
    try:
        angles = np.array([float(word) for word in words])
    except ValueError:
        raise FileFormatError(
            f"{path} is not a file of tilt angles: it holds something that is not a number."
        ) from None
    if len(angles) == 0 or not np.isfinite(angles).all():
        raise FileFormatError(f"{path} holds no tilt angles.")
    return angles


def text_of(path: Path) -> str:
    """Return the text of a side file, decoded as UTF-8 or, where that fails, as Latin-1, which
    microscopes write. One of more than 1 MB is refused unread.
    """
    raw = bounded_bytes(path, what="a side file")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _parsed(suffix: str, path: Path) -> SideFile:
    with guarded(path):
        return _READERS[suffix](path)


def _angle_file(path: Path) -> SideFile:
    return SideFile(path, angles_deg=read_angles(path).tolist())


def _mdoc(path: Path) -> SideFile:
    """Parse SerialEM's file: ``PixelSpacing`` in Å, one ``TiltAngle`` per ``[ZValue = k]`` section,
    in any order.
    """
    text = text_of(path)
    angles: dict[int, float] = {}
    for section, body in re.findall(r"\[ZValue\s*=\s*(\d+)\](.*?)(?=\n\[|\Z)", text, re.S):
        tilt = re.search(r"^TiltAngle\s*=\s*(\S+)", body, re.M)
        if tilt:
            angles[int(section)] = _number(tilt.group(1), path)
    spacing = re.search(r"^PixelSpacing\s*=\s*(\S+)", text, re.M)
    size = None if spacing is None else in_nm(_number(spacing.group(1), path), "Å")
    ordered = [angles[key] for key in sorted(angles)] or None
    return SideFile(
        path, ordered, None if size is not None and abs(size - _DEFAULT_NM) < 1e-9 else size
    )


def _fei_log(path: Path) -> SideFile:
    size = re.search(r"Image pixel size \[(\S+?)\]:\s*([-+.\deE]+)", text_of(path))
    return SideFile(path, None, None if size is None else in_nm(size.group(2), size.group(1)))


def _places(path: Path) -> list[tuple[str, Path]]:
    """Return suffix and path of the side files that exist: ``a.mrc.tlt`` before ``a.tlt``, one per
    suffix.
    """
    found = []
    for suffix in _READERS:
        for place in (path.with_name(path.name + suffix), path.with_suffix(suffix)):
            # what is there and cannot be read, such as a link that leads nowhere, is refused later
            if os.path.lexists(place) and not os.path.isdir(place) and place != path:
                found.append((suffix, place))
                break
    return found


def _number(word: str, path: Path) -> float:
    try:
        return float(word)
    except ValueError:
        raise FileFormatError(
            f"{path} is damaged: {word!r} stands where a number should."
        ) from None


_READERS: dict[str, Callable[[Path], SideFile]] = {
    ".rawtlt": _angle_file,
    ".tlt": _angle_file,
    MDOC: _mdoc,
    ".txt": _fei_log,
}
"""Reader by suffix, in the order in which sources are named."""
