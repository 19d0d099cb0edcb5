"""The content of one image file as its format's reader returns it: array, scale, tilt angles, times
and position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from napari_snpore.history import HistoryStep
from napari_snpore.volume import Triple

Kind = Literal["tilt series", "images in time", "volume"]
"""What an array of three axes can be: its first axis is tilt, time or z."""

KINDS: tuple[Kind, ...] = get_args(Kind)

AxisSizes = tuple[float | None, float | None, float | None]
"""Sizes in nm along ``(z, y, x)``; None for an axis whose size is not known."""


@dataclass(frozen=True, eq=False)
class ParsedFile:
    """Content of one file. Values that the file does not contain are None, never a guess.

    Parameters
    ----------
    data : array, shape (z, y, x) or (y, x)
        Grey values of any real dtype, lazy or memory-mapped where the format allows.
    spacing_nm : (float or None, float or None, float or None)
        Voxel size along ``(z, y, x)`` in nm.
    angles_deg : sequence of float, optional
        Tilt angle of each image in degrees.
    tilt_axis_angle_deg : float, optional
        Direction of the tilt axis in degrees from image y.
    origin_nm : (float, float, float), optional
        Position of the first voxel along ``(z, y, x)`` in nm.
    history : sequence of HistoryStep
        Steps that the file records, oldest first.
    times_s : sequence of float, optional
        Time of each image in s, rising.
    first_axis_is_time : bool
        Whether the file names time as its first axis.
    notes : sequence of str
        What the reader chose or left out, for the history and for sentences: which of several
        images it took, which size it counts as none.
    image : str, optional
        Name of the image in a file that can hold several.
    other_images : sequence of str
        Names of the others that can be taken instead.
    image_is_channel : bool
        Whether the name is that of a detector, which must be the same in all files of a series.
    levels : sequence of array
        Coarser copies of ``data`` that the file holds, finest first, lazy: for display, never for
        measurement.
    """

    data: Any
    spacing_nm: AxisSizes = (None, None, None)
    angles_deg: Sequence[float] | None = None
    tilt_axis_angle_deg: float | None = None
    origin_nm: Triple | None = None
    history: tuple[HistoryStep, ...] = ()
    times_s: Sequence[float] | None = None
    first_axis_is_time: bool = False
    notes: tuple[str, ...] = ()
    image: str | None = None
    other_images: tuple[str, ...] = ()
    image_is_channel: bool = False
    levels: tuple[Any, ...] = ()

    @property
    def image_count(self) -> int:
        """Number of planes along the first axis; 1 for a single image."""
        return int(self.data.shape[0]) if self.data.ndim == 3 else 1

    @property
    def is_single_image(self) -> bool:
        """Whether the file holds one image, with or without a first axis of length 1."""
        shape = self.data.shape
        return len(shape) == 2 or (len(shape) == 3 and int(shape[0]) == 1)
