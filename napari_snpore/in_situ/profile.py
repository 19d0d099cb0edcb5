"""Grey-value profile across a fibre, averaged along a rectangle, in chosen frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from napari_snpore.errors import InputError
from napari_snpore.in_situ.across import sort_across
from napari_snpore.in_situ.diameter import checked_direction, common_direction
from napari_snpore.in_situ.frames import ImageSeries, series_of
from napari_snpore.in_situ.rectangle import Region, rectangle_of


def rectangle_profile(
    images: ImageSeries | ArrayLike,
    rectangle: Region,
    *,
    pixel_size_nm: float | None = None,
    times_s: ArrayLike | None = None,
    frames: Sequence[int] = (0, -1),
    along_deg: Literal["auto"] | float = "auto",
) -> pd.DataFrame:
    """Return mean grey values across the fibre, each a mean over the pixels of a rectangle along
    it.

    Parameters
    ----------
    images : ImageSeries, or array of shape (frame, y, x) or (y, x)
        Grey values.
    rectangle : Rectangle, corners in nm, or (slice, slice) in px
        What is averaged; it stays where it is in all frames. None is the whole image.
    pixel_size_nm : float
        Edge of a pixel; needed for an array.
    times_s : array-like, shape (frame,), optional
        Time of each frame.
    frames : sequence of int
        Which frames; negative numbers count from the last. Default the first and the last.
    along_deg : "auto" or float
        Direction of the fibre in degrees, as in
        :func:`~napari_snpore.in_situ.diameter.fibre_diameter`; the same for all frames.

    Returns
    -------
    DataFrame
        One row a frame and bin of one pixel: ``frame, time_s, position_nm`` (across the fibre from
        the image's centre, as ``center_nm`` of the diameters), ``intensity, intensity_error``
        (standard error of the mean), ``pixel_count, angle_deg``.

    Raises
    ------
    InputError
        A rectangle that reaches beyond the image, or a frame that is not there or holds NaN.
    """
    series = series_of(images, pixel_size_nm, times_s)
    box = rectangle_of(rectangle, series.shape, series.pixel_size_nm)
    chosen = _chosen(frames, len(series))
    angle = checked_direction(along_deg)
    for index in chosen:
        if not np.isfinite(series.frame(index)).all():
            raise InputError(f"Frame {index} holds NaN or infinite values; choose another one.")
    if angle is None:
        shown = ImageSeries(np.stack([series.frame(k) for k in chosen]), series.pixel_size_nm)
        angle = common_direction(shown, box)
    parts = []
    for index in chosen:
        found = sort_across(
            series.frame(index), box, pixel_size_nm=series.pixel_size_nm, angle_deg=angle
        )
        columns: dict[str, Any] = {
            "frame": index,
            "time_s": series.time(index),
            "position_nm": found.position_px * series.pixel_size_nm,
            "intensity": found.mean,
            "intensity_error": found.error,
            "pixel_count": found.pixels,
            "angle_deg": angle,
        }
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _chosen(frames: Sequence[int], count: int) -> list[int]:
    found: list[int] = []
    for frame in frames:
        if not -count <= frame < count:
            raise InputError(f"frames holds {frame}; the series has the frames 0 to {count - 1}.")
        if frame % count not in found:
            found.append(frame % count)
    if not found:
        raise InputError("frames is empty; one frame at least is needed.")
    return found
