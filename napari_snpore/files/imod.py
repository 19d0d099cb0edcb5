"""IMOD's text files of an alignment: ``.xf`` transforms and ``.tlt`` angles.

A line of an ``.xf`` file holds A11 A12 A21 A22 DX DY for one image: a pixel (x, y) of the raw image
is moved to ``(A11 x + A12 y + DX, A21 x + A22 y + DY)`` of the aligned image, both relative to the
image center; y increases with the rows of the MRC file, which are the rows of the arrays here. So
``A = [[cos φ, -sin φ], [sin φ, cos φ]]`` for a tilt axis at φ, and (DX, DY) are the shifts rotated
by -φ, minus the offset of the axis in DX.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.guarded_reading import checked_path
from napari_snpore.files.text_files import text_of
from napari_snpore.tomography.warp import axis_rotation

if TYPE_CHECKING:
    from napari_snpore.tomography.alignment import Alignment

_SAME_DEG = 0.05
_SAME_SCALE = 0.002


def read_xf(path: str | Path) -> Alignment:
    """Read an ``.xf`` file as an alignment: one tilt axis, a shift per image, offset 0 (it is part
    of the shifts).

    Raises
    ------
    FileFormatError
        A line has other than six numbers, or images are stretched or rotated individually: an
        :class:`~napari_snpore.Alignment` has one rotation for all images.
    MissingFileError
        There is no such file.
    """
    path = checked_path(path)
    rows = [line.split() for line in text_of(path).splitlines() if line.strip()]
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError:
        values = np.empty(0)
    if values.ndim != 2 or values.shape[1] != 6 or not np.isfinite(values).all():
        raise FileFormatError(
            f"{path} is not an .xf file: each line needs six numbers, A11 A12 A21 A22 DX DY."
        )
    a11, a12, a21, a22, dx, dy = values.T
    turn = np.rad2deg(np.arctan2(a21 - a12, a11 + a22))
    mean = float(np.rad2deg(np.angle(np.exp(1j * np.deg2rad(turn)).mean())))
    apart = (turn - mean + 180) % 360 - 180
    angle = np.deg2rad(turn)
    rotation = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)])
    if (
        np.abs(apart).max() > _SAME_DEG
        or np.abs(rotation - [a11, a12, a21, a22]).max() > _SAME_SCALE
    ):
        raise FileFormatError(
            f"{path} turns or stretches its images each by itself; only one rotation for all images can be taken over."
        )
    shifts = np.stack([dy, dx], axis=1) @ axis_rotation(mean).T
    # the direction is kept over the whole turn: the opposite one would give the mirror volume of
    # IMOD's
    from napari_snpore.tomography.alignment import (
        Alignment,
    )  # with it come registration and half a second

    return Alignment(shifts, mean, 0.0, np.full(len(shifts), np.nan), method="IMOD .xf")


def write_xf(path: str | Path, alignment: Alignment) -> Path:
    """Write an alignment as an ``.xf`` file, atomically."""
    path = Path(path)
    cosine, sine = (
        np.cos(np.deg2rad(alignment.tilt_axis_angle_deg)),
        np.sin(np.deg2rad(alignment.tilt_axis_angle_deg)),
    )
    along, across = (alignment.shifts_px @ axis_rotation(alignment.tilt_axis_angle_deg)).T
    across = across - alignment.tilt_axis_offset_px
    lines = [
        f"{cosine:12.7f}{-sine:12.7f}{sine:12.7f}{cosine:12.7f}{dx:12.3f}{dy:12.3f}\n"
        for dy, dx in zip(along, across, strict=True)
    ]
    with atomic_path(path) as part:
        part.write_text("".join(lines), encoding="ascii")
    return path


def write_tlt(path: str | Path, angles_deg: ArrayLike) -> Path:
    """Write tilt angles (degrees) as a ``.tlt`` file, one per line, atomically."""
    angles = np.asarray(angles_deg, np.float64).reshape(-1)
    if not len(angles) or not np.isfinite(angles).all():
        raise InputError("angles_deg needs at least one finite angle.")
    with atomic_path(path) as part:
        part.write_text("".join(f"{angle:9.3f}\n" for angle in angles), encoding="ascii")
    return Path(path)
