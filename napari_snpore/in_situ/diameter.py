"""Diameter of a fibre in each frame: direction, profile across it and fit; one row per frame."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError
from napari_snpore.in_situ.across import sort_across
from napari_snpore.in_situ.axis import axis_scores, best_direction, refine_direction
from napari_snpore.in_situ.chord_fit import ChordFit, fit_chord
from napari_snpore.in_situ.frames import ImageSeries, series_of
from napari_snpore.in_situ.rectangle import Rectangle, Region, directions, rectangle_of

_STRETCHES = 16
_SHORTEST_STRETCH_PX = 2
_NOT_FINITE = "the image holds NaN or infinite values"


def fibre_diameter(
    images: ImageSeries | ArrayLike,
    *,
    pixel_size_nm: float | None = None,
    times_s: ArrayLike | None = None,
    along_deg: Literal["auto"] | float = "auto",
    region: Region = None,
    background: Literal["constant", "linear"] = "constant",
    half_height: bool = False,
    average: int = 1,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> pd.DataFrame:
    """Return the diameter of one fibre in each frame, with its error.

    The grey values are averaged along the fibre, and the chord of a circle, ``2·sqrt(R² − x²)``,
    blurred by a Gaussian, plus background is fitted to this profile; the diameter is 2R. Each frame
    is fitted on its own: the fibre may drift and turn.

    The error is that of one frame by itself, with noise, uneven filling along the fibre and misfit
    in it. Structure that stays the same shifts all frames alike, so that differences between frames
    are often known better than that.

    Parameters
    ----------
    images : ImageSeries, or array of shape (frame, y, x) or (y, x)
        Grey values, about proportional to thickness (HAADF); a dark fibre on bright ground is
        fitted as well.
    pixel_size_nm : float
        Edge of a pixel; needed for an array.
    times_s : array-like, shape (frame,), optional
        Time of each frame.
    along_deg : "auto" or float
        Direction of the fibre in the image, in degrees: ``(dy, dx) = (cos φ, sin φ)``, 0 along y.
        It is kept for all frames; ``"auto"`` finds it in all of them together and then follows it
        in each within 6°.
    region : Rectangle, corners in nm, or (slice, slice) in px, optional
        Region to measure: one fibre with background on both sides. Default the whole image.
    background : {"constant", "linear"}
        Of the profile.
    half_height : bool
        Add ``half_height_width_nm``, which reads 0.866 of the diameter of a solid cylinder.
    average : int
        So many successive frames are averaged before they are fitted; the last ones may be fewer.
    progress, should_stop : callable, optional
        As in :func:`~napari_snpore.compute.run_blocks`.

    Returns
    -------
    DataFrame
        One row a frame, or group of frames: ``frame`` (the first of them), ``time_s`` (their mean;
        NaN where unknown), ``diameter_nm, diameter_error_nm`` (one standard error), ``center_nm``
        (of the axis from the image's centre, across the fibre, positive towards ``(dy, dx) = (−sin
        φ, cos φ)``), ``angle_deg`` (near that of the series, so that it may pass 90), ``blur_nm``
        (standard deviation; a bent fibre is blurred too), ``background, amplitude`` (grey value at
        the axis above it, unblurred), ``residual_percent`` (root mean square, of the amplitude),
        ``fitted, frames_averaged, reason`` (why not). A frame that cannot be fitted has NaN.

    Raises
    ------
    InputError
        Images, region or direction that cannot be used.
    MissingScaleError
        No pixel size.
    Stopped
        ``should_stop`` asked for it.

    Examples
    --------
    >>> x = np.arange(100) - 49.5
    >>> image = np.tile(2 * np.sqrt(np.maximum(20.0**2 - x**2, 0)), (60, 1))
    >>> round(float(fibre_diameter(image, pixel_size_nm=0.5)["diameter_nm"].iloc[0]), 1)
    20.0
    """
    series = series_of(images, pixel_size_nm, times_s)
    pixel = series.pixel_size_nm
    rectangle = rectangle_of(region, series.shape, pixel)
    if background not in ("constant", "linear"):
        raise InputError(f"background is {background!r}; 'constant' and 'linear' exist.")
    fixed = checked_direction(along_deg)
    if average != int(average) or average < 1:
        raise InputError(f"average is {average}; a whole number of frames, 1 or more, is needed.")
    groups = [
        range(start, min(start + int(average), len(series)))
        for start in range(0, len(series), int(average))
    ]
    total = len(series) * (fixed is None) + len(groups)
    near = 0.0
    if fixed is None:
        report = None if progress is None else (lambda done, _: progress(done, total))
        near = _common_direction(series, rectangle, report, should_stop)
    done_before = total - len(groups)

    def measure(group: range) -> tuple[float, ChordFit]:
        image = (
            np.mean([series.frame(index) for index in group], axis=0)
            if len(group) > 1
            else series.frame(group[0])
        )
        if not np.isfinite(image).all():
            return math.nan, ChordFit(reason=_NOT_FINITE)
        angle = (
            fixed
            if fixed is not None
            else refine_direction(image, rectangle, pixel_size_nm=pixel, near_deg=near)
        )
        stretches = _stretches(rectangle, angle, pixel)
        across = sort_across(
            image, rectangle, pixel_size_nm=pixel, angle_deg=angle, stretches=stretches
        )
        return angle, fit_chord(across, tilted_background=background == "linear")

    found = run_blocks(
        measure,
        groups,
        progress=None
        if progress is None
        else (lambda done, _: progress(done_before + done, total)),
        should_stop=should_stop,
    )
    rows = [
        _row(series, group, angle, fit, half_height)
        for group, (angle, fit) in zip(groups, found, strict=True)
    ]
    return pd.DataFrame(rows)


def common_direction(
    images: ImageSeries | ArrayLike, region: Region, *, pixel_size_nm: float | None = None
) -> float:
    """Return the direction (degrees) of the fibre that the images of a series show together, fitted
    in the first of them.
    """
    series = series_of(images, pixel_size_nm, None)
    pixel = series.pixel_size_nm
    rectangle = rectangle_of(region, series.shape, pixel)
    near = _common_direction(series, rectangle, None, None)
    return refine_direction(series.frame(0), rectangle, pixel_size_nm=pixel, near_deg=near)


def _common_direction(
    series: ImageSeries,
    rectangle: Rectangle,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> float:
    def score(index: int) -> Any:
        image = series.frame(index)
        if not np.isfinite(image).all():
            return None
        return axis_scores(image, rectangle, pixel_size_nm=series.pixel_size_nm)

    scores = run_blocks(score, range(len(series)), progress=progress, should_stop=should_stop)
    known = [one for one in scores if one is not None]
    return best_direction(np.sum(known, axis=0)) if known else 0.0


def _stretches(rectangle: Rectangle, angle: float, pixel: float) -> int:
    """Return in how many parts along the fibre the pixels are kept apart: 16, fewer where the
    rectangle is short.
    """
    places = rectangle.corners_nm @ directions(angle)[0] / pixel
    return max(1, min(_STRETCHES, int((places.max() - places.min()) / _SHORTEST_STRETCH_PX)))


def checked_direction(along_deg: Any) -> float | None:
    """Return a direction in (−90, 90] degrees, None for "auto"."""
    if isinstance(along_deg, str) and along_deg == "auto":
        return None
    try:
        angle = float(along_deg)
    except (TypeError, ValueError):
        angle = math.nan
    if not math.isfinite(angle):
        raise InputError(f"along_deg is {along_deg!r}; 'auto' or a direction in degrees is needed.")
    return 90.0 - (90.0 - angle) % 180.0


def _row(
    series: ImageSeries, group: range, angle: float, fit: ChordFit, half_height: bool
) -> dict[str, Any]:
    pixel = series.pixel_size_nm
    fitted = not fit.reason
    row: dict[str, Any] = {
        "frame": group[0],
        "time_s": math.fsum(series.time(index) for index in group) / len(group),
        "diameter_nm": 2 * fit.radius * pixel,
        "diameter_error_nm": 2 * fit.radius_error * pixel,
        "center_nm": fit.center * pixel,
        "angle_deg": angle if fitted else math.nan,
        "blur_nm": fit.blur * pixel,
        "background": fit.background,
        "amplitude": fit.amplitude,
        "residual_percent": 100 * fit.residual,
        "fitted": fitted,
        "frames_averaged": len(group),
        "reason": fit.reason,
    }
    if half_height:
        row["half_height_width_nm"] = fit.half_height_width * pixel
    return row
