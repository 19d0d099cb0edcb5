"""What a format's reader hands out: the array and what the file itself says of scale, angles and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from napari_snpore.history import HistoryStep
from napari_snpore.volume import Triple


@dataclass(frozen=True, eq=False)
class ParsedFile:
    """Content of one file, nothing guessed.

    ``data`` is an array of two or three axes, lazy or memory-mapped where the format allows. ``spacing_nm`` is ``(z, y, x)``
    with None where the file says nothing; ``angles_deg``, ``tilt_axis_angle_deg`` and ``origin_nm`` are None likewise.
    """

    data: Any
    spacing_nm: tuple[float | None, float | None, float | None] = (None, None, None)
    angles_deg: Sequence[float] | None = None
    tilt_axis_angle_deg: float | None = None
    origin_nm: Triple | None = None
    history: tuple[HistoryStep, ...] = ()
