"""Small text files beside a series: ``.tlt`` / ``.rawtlt`` angles, SerialEM ``.mdoc``, FEI's log (``.txt``)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_snpore.errors import FileFormatError
from napari_snpore.files.units import in_nm


@dataclass(frozen=True)
class SideFile:
    """What one side file says; None where it is silent."""

    path: Path
    angles_deg: Sequence[float] | None = None
    pixel_size_nm: float | None = None


def side_files(path: Path) -> list[SideFile]:
    """Return what the side files of a series say, in the order .rawtlt, .tlt, .mdoc, .txt."""
    found = []
    for suffix, read in ((".rawtlt", _angle_file), (".tlt", _angle_file), (".mdoc", _mdoc), (".txt", _fei_log)):
        for place in dict.fromkeys((path.with_name(path.name + suffix), path.with_suffix(suffix))):
            if place.is_file() and place != path:
                found.append(read(place))
                break
    return found


def read_angles(path: Path) -> NDArray[np.float64]:
    """Return the angles (degrees) of a ``.tlt`` or ``.rawtlt`` file: one number a line, or several."""
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
    """Return the text of a side file, UTF-8 or else Latin-1, as microscopes write it."""
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _angle_file(path: Path) -> SideFile:
    return SideFile(path, angles_deg=read_angles(path).tolist())


def _mdoc(path: Path) -> SideFile:
    """SerialEM: ``PixelSpacing`` in Å, one ``TiltAngle`` for each ``[ZValue = k]``; sections may stand in any order."""
    text = text_of(path)
    angles: dict[int, float] = {}
    for section, body in re.findall(r"\[ZValue\s*=\s*(\d+)\](.*?)(?=\n\[|\Z)", text, re.S):
        tilt = re.search(r"^TiltAngle\s*=\s*(\S+)", body, re.M)
        if tilt:
            angles[int(section)] = _number(tilt.group(1), path)
    spacing = re.search(r"^PixelSpacing\s*=\s*(\S+)", text, re.M)
    size = None if spacing is None else in_nm(_number(spacing.group(1), path), "Å")
    ordered = [angles[key] for key in sorted(angles)] or None
    return SideFile(path, ordered, None if size is not None and abs(size - 0.1) < 1e-9 else size)


def _fei_log(path: Path) -> SideFile:
    size = re.search(r"Image pixel size \[(\S+?)\]:\s*([-+.\deE]+)", text_of(path))
    return SideFile(path, None, None if size is None else in_nm(size.group(2), size.group(1)))


def _number(word: str, path: Path) -> float:
    try:
        return float(word)
    except ValueError:
        raise FileFormatError(f"{path} is damaged: {word!r} stands where a number should.") from None
