"""Side files of a series: tilt angles (``.rawtlt``, ``.tlt``), SerialEM's ``.mdoc``, FEI's log
(``.txt``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import LARGEST_TEXT, guarded
from napari_snpore.files.mdoc import MDOC, read_mdoc
from napari_snpore.files.text_files import text_of
from napari_snpore.files.units import in_nm

_ANGLES = (".rawtlt", ".tlt")

_ALIGNED = re.compile(r"(?:_ali|_preali|_fixed)$", re.I)
"""Ends of the names that IMOD gives to the stacks it makes of ``a.mrc``; the angles are those of
``a``."""

_COMMENT = re.compile(r"(?:#|;(?!\s*[-+.\d])|!|%|//).*")
"""From here to the end of a line; a semicolon before a number separates numbers."""

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")


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


def side_files(path: Path, *, of: Literal["angles", "size"]) -> list[SideFile]:
    """Return the parsed side files of an image file that can give tilt angles (.rawtlt, .tlt,
    .mdoc) or a pixel size (.mdoc, .txt), in this order.

    Raises
    ------
    FileFormatError
        A side file is damaged.
    """
    wanted = (*_ANGLES, MDOC) if of == "angles" else (MDOC, ".txt")
    return [_parsed(suffix, place) for suffix, place in _places(path) if suffix in wanted]


def side_paths(path: Path) -> list[Path]:
    """Return the paths of the side files of an image file, without reading them."""
    return [place for _, place in _places(path)]


def read_angles(path: Path) -> NDArray[np.float64]:
    """Return the tilt angles (degrees) of a ``.tlt`` or ``.rawtlt`` file, one or several per line.

    Numbers are separated by blanks, commas or semicolons; comments (``#``, ``;``, ``!``, ``%``,
    ``//``) are passed over. A comma is a decimal one where every line holds one number with it.

    Raises
    ------
    FileFormatError
        The file holds no numbers, or something else.
    """
    text = text_of(path).replace("\u2212", "-")
    lines = [line for raw in text.splitlines() if (line := _COMMENT.sub("", raw).strip())]
    if len(lines) > 1 and all(_DECIMAL_COMMA.fullmatch(line) for line in lines):
        lines = [line.replace(",", ".") for line in lines]
    words = re.split(r"[\s,;]+", " ".join(lines).strip(" ,;"))
    if words == [""]:
        raise FileFormatError(f"{path} holds no tilt angles.")
    angles = np.empty(len(words))
    for k, word in enumerate(words):
        try:
            angles[k] = float(word)
        except ValueError:
            raise FileFormatError(
                f"{path} is not a file of tilt angles: it holds {word[:40]!r}, which is not a number."
            ) from None
    if not np.isfinite(angles).all():
        raise FileFormatError(f"{path} holds a tilt angle that is not finite.")
    return angles


def _parsed(suffix: str, path: Path) -> SideFile:
    with guarded(path):
        return _READERS[suffix](path)


def _angle_file(path: Path) -> SideFile:
    return SideFile(path, angles_deg=read_angles(path).tolist())


def _mdoc(path: Path) -> SideFile:
    content = read_mdoc(path)
    return SideFile(path, content.stack_angles_deg, content.pixel_size_nm)


def _fei_log(path: Path) -> SideFile:
    if path.is_file() and path.stat().st_size > LARGEST_TEXT:
        return SideFile(path)  # somebody's text beside the images, and no log
    size = re.search(r"Image pixel size \[(\S+?)\]:\s*([-+.\deE]+)", text_of(path))
    return SideFile(path, None, None if size is None else in_nm(size.group(2), size.group(1)))


def _places(path: Path) -> list[tuple[str, Path]]:
    """Return suffix and path of the side files that exist: ``a.mrc.tlt`` before ``a.tlt``, one per
    suffix; for ``a_ali.mrc`` also the angles of ``a``.
    """
    found = []
    stem = path.stem
    for suffix in _READERS:
        places = [path.with_name(path.name + suffix), path.with_suffix(suffix)]
        if suffix in _ANGLES and _ALIGNED.search(stem) and _ALIGNED.sub("", stem):
            places.append(path.with_name(_ALIGNED.sub("", stem) + suffix))
        for place in places:
            # what is there and cannot be read, such as a link that leads nowhere, is refused later
            if os.path.lexists(place) and not os.path.isdir(place) and place != path:
                found.append((suffix, place))
                break
    return found


_READERS: dict[str, Callable[[Path], SideFile]] = {
    ".rawtlt": _angle_file,
    ".tlt": _angle_file,
    MDOC: _mdoc,
    ".txt": _fei_log,
}
"""Reader by suffix, in the order in which sources are named."""
