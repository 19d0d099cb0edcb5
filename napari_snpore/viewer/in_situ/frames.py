"""Conversion between the frame that the slider shows and its time in a table."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Layer


def shown_frame(viewer: ViewerModel, images: Layer | None) -> int | None:
    """Return the frame of the images that the slider shows; None when the layer was removed."""
    if images is None or images not in viewer.layers or viewer.dims.ndim < images.ndim:
        return None
    frame = images.world_to_data(viewer.dims.point[-images.ndim :])[0]
    return int(np.clip(round(float(frame)), 0, len(images.data) - 1))


def show_frame(viewer: ViewerModel, images: Layer | None, frame: int) -> None:
    """Put the slider on a frame."""
    if images is not None and images in viewer.layers:
        world = images.data_to_world((frame, 0, 0))[0]
        viewer.dims.set_point(viewer.dims.ndim - images.ndim, world)


def time_of_frame(table: pd.DataFrame | None, frame: int | None) -> float | None:
    """Return the time of the last row that is not later than a frame, or its number where times are
    not known.
    """
    if table is None or frame is None:
        return None
    earlier = table[table["frame"] <= frame]
    if earlier.empty:
        return None
    row = earlier.iloc[int(earlier["frame"].to_numpy().argmax())]
    time = float(row["time_s"])
    return time if math.isfinite(time) else float(row["frame"])


def frame_at(table: pd.DataFrame, time: float) -> int:
    """Return the frame that was taken nearest to a time, or has the nearest number where times are
    not known.
    """
    known = table["time_s"] if table["time_s"].notna().any() else table["frame"]
    return int(table["frame"].iloc[int((known - time).abs().to_numpy().argmin())])
