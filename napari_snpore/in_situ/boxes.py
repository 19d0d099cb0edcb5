"""Mean grey values in boxes that follow the drift of the specimen, in per cent of the first
frame.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.in_situ.fibre_drift import fibre_drift
from napari_snpore.in_situ.frames import FLOAT, ImageSeries, series_of
from napari_snpore.in_situ.rectangle import Rectangle, Region, rectangle_of

LEFT_THE_IMAGE = "the box has left the image"
_NOT_FINITE = "the image holds NaN or infinite values"


def box_intensities(
    images: ImageSeries | ArrayLike,
    boxes: Mapping[str, Region] | Sequence[Region],
    *,
    pixel_size_nm: float | None = None,
    times_s: ArrayLike | None = None,
    vacuum: Region = None,
    follow: bool = True,
    drift_nm: ArrayLike | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the mean grey value of boxes in each frame.

    Parameters
    ----------
    images : ImageSeries, or array of shape (frame, y, x)
        Grey values.
    boxes : mapping of str to region, or sequence of regions
        Drawn in the first frame: rectangles, corners in nm, or two slices in px; without names they
        are numbered from 1.
    pixel_size_nm : float
        Edge of a pixel; needed for an array.
    times_s : array-like, shape (frame,), optional
        Time of each frame.
    vacuum : region, optional
        A box beside the fibre whose mean is subtracted, frame by frame. It moves with the others;
        what of it leaves the image is left out.
    follow : bool
        Move the boxes with the fibre (:func:`~napari_snpore.in_situ.fibre_drift.fibre_drift`).
    drift_nm : array-like, shape (frame, 2), optional
        Drift ``(dy, dx)`` that is known already.
    progress, should_stop : callable, optional
        As in :func:`~napari_snpore.compute.run_blocks`.

    Returns
    -------
    DataFrame
        One row a box and frame: ``box, frame, time_s, intensity`` (vacuum subtracted),
        ``intensity_error`` (standard error of the mean, from the spread of the box's pixels, which
        holds the specimen's texture too), ``intensity_percent`` of the first frame,
        ``intensity_percent_error`` (of this frame's mean alone), ``vacuum, pixel_count`` (those at
        the rim in part), ``drift_y_nm, drift_x_nm, inside`` and ``reason``. A box that has left the
        image has NaN, and says so.

    Raises
    ------
    InputError
        No boxes, a box that reaches beyond the first frame, holds less than a pixel or is as dark
        as the vacuum, a first frame that is not finite.
    """
    series = series_of(images, pixel_size_nm, times_s)
    named = boxes if isinstance(boxes, Mapping) else {str(k): box for k, box in enumerate(boxes, 1)}
    if not named:
        raise InputError("There are no boxes to measure in; draw one at least.")
    shape, pixel = series.shape, series.pixel_size_nm
    placed = {str(name): rectangle_of(box, shape, pixel) for name, box in named.items()}
    ground = None if vacuum is None else rectangle_of(vacuum, shape, pixel)
    if not np.isfinite(series.frame(0)).all():
        raise InputError(
            "The first frame holds NaN or infinite values; per cent of it cannot be given."
        )
    drift, total = _drift(series, follow, drift_nm, progress, should_stop)
    done_before = total - len(series)

    def measure(index: int) -> list[dict[str, Any]]:
        return _frame_rows(series, index, placed, ground, drift[index])

    found = run_blocks(
        measure,
        range(len(series)),
        progress=None
        if progress is None
        else (lambda done, _: progress(done_before + done, total)),
        should_stop=should_stop,
    )
    table = pd.DataFrame([row for rows in found for row in rows])
    order = {name: k for k, name in enumerate(placed)}
    table = table.sort_values(
        ["box", "frame"], key=lambda column: column.map(order) if column.name == "box" else column
    )
    table = table.reset_index(drop=True)
    first = table[table["frame"] == 0].set_index("box")["intensity"]
    flat = [name for name, value in first.items() if not (math.isfinite(value) and value != 0)]
    if flat:
        raise InputError(
            f"Box {flat[0]} holds less than a pixel, or is as dark as the vacuum in the first frame: no per cent of it."
        )
    start = table["box"].map(first).astype(float)
    table.insert(5, "intensity_percent", 100 * (table["intensity"] / start))
    table.insert(6, "intensity_percent_error", 100 * table["intensity_error"] / start.abs())
    return table


def _drift(
    series: ImageSeries,
    follow: bool,
    drift_nm: ArrayLike | None,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[FLOAT, int]:
    """Return the drift of each frame, and how many steps the whole work has."""
    count = len(series)
    if drift_nm is not None:
        known = np.asarray(drift_nm, dtype=np.float64)
        if known.shape != (count, 2):
            raise InputError(
                f"drift_nm has shape {known.shape}; (frame, 2) is needed: ({count}, 2)."
            )
        return known, count
    if not follow:
        return np.zeros((count, 2)), count
    report = None if progress is None else (lambda done, _: progress(done, 2 * count))
    return fibre_drift(series, progress=report, should_stop=should_stop), 2 * count


def _frame_rows(
    series: ImageSeries,
    index: int,
    boxes: Mapping[str, Rectangle],
    ground: Rectangle | None,
    drift: FLOAT,
) -> list[dict[str, Any]]:
    image, pixel = series.frame(index), series.pixel_size_nm
    finite = bool(np.isfinite(image).all() and np.isfinite(drift).all())
    level, level_error = (0.0, 0.0) if ground is None else (math.nan, math.nan)
    if ground is not None and finite:
        level, level_error = _mean(*ground.moved(drift[0], drift[1]).covered(image, pixel))[:2]
    rows = []
    for name, box in boxes.items():
        moved = box.moved(drift[0], drift[1]) if finite else box
        inside = finite and moved.is_inside(series.shape, pixel)
        mean, error, area = (
            _mean(*moved.covered(image, pixel)) if inside else (math.nan, math.nan, 0.0)
        )
        reason = "" if inside else LEFT_THE_IMAGE if finite else _NOT_FINITE
        if inside and not math.isfinite(level):
            reason = "the vacuum box has left the image"
        rows.append(
            {
                "box": name,
                "frame": index,
                "time_s": series.time(index),
                "intensity": mean - level,
                "intensity_error": math.hypot(error, level_error),
                "vacuum": level if ground is not None else math.nan,
                "pixel_count": area,
                "drift_y_nm": float(drift[0]),
                "drift_x_nm": float(drift[1]),
                "inside": inside,
                "reason": reason,
            }
        )
    return rows


def _mean(values: FLOAT, share: FLOAT) -> tuple[float, float, float]:
    """Return the mean, its standard error and the number of pixels; NaN where they are less than
    one.
    """
    area = float(share.sum())
    if area < 1 - 1e-6:
        return math.nan, math.nan, area
    mean = float((share * values).sum()) / area
    if area < 2:
        return mean, math.nan, area
    spread = float((share * (values - mean) ** 2).sum()) / (area - 1)
    return mean, math.sqrt(spread * float((share**2).sum())) / area, area
