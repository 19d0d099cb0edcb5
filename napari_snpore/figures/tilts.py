"""Figures of a tilt series: a few images with their angles, and the sinogram of one row before and
after alignment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from napari_snpore.errors import InputError, MissingAnglesError, MissingScaleError
from napari_snpore.figures.numbers import length, plain_ticks
from napari_snpore.figures.page import (
    Box,
    axes_at,
    frame_image,
    heading_at,
    letter_panels,
    new_figure,
)
from napari_snpore.figures.scale_bar import add_scale_bar, scale_bar_apart
from napari_snpore.figures.style import PRINT, SINGLE_COLUMN_MM, FigureStyle
from napari_snpore.gray_limits import gray_limits
from napari_snpore.history import AlignStep, last_step
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.tomography.warp import axis_rotation

_TALLEST_MM = 90.0
_SMALL_MM = (14.0, 9.0)
_BAR_STRIP_MM = 7.0


def tilt_images(
    series: TiltSeries, *, indices: Sequence[int] | None = None, style: FigureStyle = PRINT
) -> Figure:
    """Draw a few images of a tilt series in one row, at one contrast, with their angles and a scale
    bar.

    Parameters
    ----------
    series : TiltSeries
        Images (tilt, y, x); only those drawn are read.
    indices : sequence of int, optional
        Which images; None takes both ends of the tilt range and the tilt nearest to 0° between
        them.
    style : FigureStyle
        Width, type and letters.

    Raises
    ------
    InputError
        No index, or one that the series does not have.
    """
    chosen = (
        _default_tilts(series.angles_deg) if indices is None else [int(index) for index in indices]
    )
    count = series.shape[0]
    if not chosen or not all(-count <= index < count for index in chosen):
        raise InputError(
            f"indices is {list(indices or [])}; image numbers from 0 to {count - 1} are needed."
        )
    images = [np.asarray(series.images[index], dtype=np.float32) for index in chosen]
    low, high = _contrast(images)
    with style.in_force():
        margin, gap, head = 1.0, 1.5, style.line_mm + 0.8
        _, down, right = series.shape
        wide = (style.width(SINGLE_COLUMN_MM) - 2 * margin - gap * (len(chosen) - 1)) / len(chosen)
        scale = min(wide / right, _TALLEST_MM / down)
        panel = Box(margin, margin + head, right * scale, down * scale)
        column = max(panel.width, 4.2 * style.line_mm)
        width = 2 * margin + len(chosen) * column + gap * (len(chosen) - 1)
        apart = panel.width < _SMALL_MM[0] or panel.height < _SMALL_MM[1]
        foot = panel.top + panel.height + margin
        figure = new_figure(
            style, width_mm=width, height_mm=foot + (_BAR_STRIP_MM if apart else 0.0)
        )
        for number, (index, image) in enumerate(zip(chosen, images, strict=True)):
            box = panel._replace(left=margin + number * (column + gap))
            axes = axes_at(figure, box)
            axes.imshow(image, cmap="gray", vmin=low, vmax=high, aspect="auto", gid="tilt-image")
            frame_image(axes)
            heading = angle_text(float(series.angles_deg[index]))
            heading_at(figure, box.left, box.top - 1.0, heading, index=number, style=style)
            if number == 0 and not apart:
                add_scale_bar(axes, style=style, nm_per_unit=series.pixel_size_nm)
        if apart:
            strip = Box(0.0, foot - margin, width, _BAR_STRIP_MM + margin)
            nm_per_mm = series.pixel_size_nm / scale
            scale_bar_apart(figure, strip, style=style, nm_per_mm=nm_per_mm, about_mm=_SMALL_MM[0])
        return figure


def sinogram(
    before: TiltSeries | ArrayLike,
    after: TiltSeries | ArrayLike,
    *,
    y: int | None = None,
    angles_deg: ArrayLike | None = None,
    pixel_size_nm: float | None = None,
    tilt_axis_angle_deg: float | None = None,
    style: FigureStyle = PRINT,
) -> Figure:
    """Draw the sinogram of one row across the tilt axis, raw and aligned.

    Parameters
    ----------
    before, after : TiltSeries or array
        Images (tilt, y, x), or a sinogram (tilt, across) of one's own making.
    y : int, optional
        Row of the aligned images; None is the middle. The raw images are read along the line that
        becomes this row.
    angles_deg, pixel_size_nm : optional
        Needed where they are not those of a TiltSeries.
    tilt_axis_angle_deg : float, optional
        Direction of the axis in ``before``, degrees; None takes what the history of ``after`` says,
        else that of ``before``.
    style : FigureStyle
        Width, type and letters.

    Raises
    ------
    InputError
        A row that is not there, or series of different numbers of tilts.
    MissingAnglesError, MissingScaleError
        No angles, or no pixel size.
    """
    angles, pixel = _angles_and_pixel(before, after, angles_deg, pixel_size_nm)
    raw_images, images = _array(before), _array(after)
    if len(raw_images) != len(angles) or len(images) != len(angles):
        raise MissingAnglesError(
            f"angles_deg has {len(angles)} tilt angles for {len(raw_images)} raw and {len(images)} aligned images."
        )
    axis = _axis_angle(before, after) if tilt_axis_angle_deg is None else float(tilt_axis_angle_deg)
    row = images.shape[1] // 2 if y is None else int(y)
    if images.ndim == 3 and not 0 <= row < images.shape[1]:
        raise InputError(
            f"y is {y}; a row from 0 to {images.shape[1] - 1} of the aligned images is needed."
        )
    aligned = images if images.ndim == 2 else np.asarray(images[:, row, :])
    along = row - (images.shape[1] - 1) / 2 if images.ndim == 3 else 0.0
    raw = (
        raw_images
        if raw_images.ndim == 2
        else _line(raw_images, along, axis, width=aligned.shape[1])
    )
    with style.in_force():
        figure = new_figure(
            style, width_mm=style.width(SINGLE_COLUMN_MM), height_mm=52, constrained=True
        )
        panels = figure.subplots(1, 2, sharey=True)
        low, high = _contrast([raw, aligned])
        where = f", y = {length(round(row * pixel, 1))}" if images.ndim == 3 else ""
        for axes, data, title in zip(
            panels, (raw, aligned), ("raw", f"aligned{where}"), strict=True
        ):
            _draw_sinogram(axes, data, angles, pixel, low=low, high=high)
            axes.set_title(title)
        panels[0].set_ylabel("Tilt (°)")
        figure.supxlabel("Across the tilt axis (nm)", fontsize=style.font_pt)
        letter_panels(panels, style)
        return figure


def angle_text(degrees: float) -> str:
    """Write a tilt angle with its sign and one decimal."""
    text = f"{degrees:+.1f}°".replace("-", "\N{MINUS SIGN}")
    return text[1:] if text[1:] == "0.0°" else text


def _default_tilts(angles_deg: NDArray[np.float64]) -> list[int]:
    ends = [int(np.argmin(angles_deg)), int(np.argmax(angles_deg))]
    chosen = [ends[0], int(np.argmin(np.abs(angles_deg))), ends[1]]
    return list(dict.fromkeys(chosen))


def _contrast(images: Sequence[NDArray[Any]]) -> tuple[float, float]:
    """Return grey limits that leave out 0.1 % at either end, from at most some 100,000 pixels an
    image.
    """
    samples = [
        image[:: max(image.shape[0] // 300, 1), :: max(image.shape[1] // 300, 1)].ravel()
        for image in images
    ]
    return gray_limits(samples)


def _array(series: TiltSeries | ArrayLike) -> Any:
    if isinstance(series, TiltSeries):
        return series.images
    found: Any = series if hasattr(series, "ndim") else np.asarray(series)
    if found.ndim not in (2, 3):
        raise InputError(
            f"A sinogram needs axes (tilt, y, x) or (tilt, across); this array has shape {found.shape}."
        )
    return found


def _angles_and_pixel(
    before: TiltSeries | ArrayLike,
    after: TiltSeries | ArrayLike,
    angles_deg: ArrayLike | None,
    pixel_size_nm: float | None,
) -> tuple[NDArray[np.float64], float]:
    known = next((series for series in (after, before) if isinstance(series, TiltSeries)), None)
    if angles_deg is None:
        if known is None:
            raise MissingAnglesError(
                "angles_deg is missing: plain arrays need the tilt angles in degrees."
            )
        angles_deg = known.angles_deg
    if pixel_size_nm is None:
        if known is None:
            raise MissingScaleError(
                "pixel_size_nm is missing: plain arrays need the pixel size in nm."
            )
        pixel_size_nm = known.pixel_size_nm
    return np.asarray(angles_deg, dtype=np.float64).reshape(-1), float(pixel_size_nm)


def _axis_angle(before: TiltSeries | ArrayLike, after: TiltSeries | ArrayLike) -> float:
    """Return the direction of the axis in the raw images: as the alignment found it, else as the
    raw series says.
    """
    if isinstance(after, TiltSeries):
        aligned = last_step(after.history, AlignStep)
        if aligned is not None:
            return aligned.axis_angle_deg
    return before.tilt_axis_angle_deg if isinstance(before, TiltSeries) else 0.0


def _line(images: Any, along: float, axis_deg: float, *, width: int) -> NDArray[np.float32]:
    """Read each image (y, x) along the line across the axis at a distance from its centre; one line
    (px) a tilt.
    """
    tilts, ny, nx = images.shape
    across = np.arange(width) - (width - 1) / 2
    offsets = axis_rotation(axis_deg) @ np.stack([np.full(width, along), across])
    places = offsets + np.array([[(ny - 1) / 2], [(nx - 1) / 2]])
    out = np.empty((tilts, width), dtype=np.float32)
    for tilt in range(tilts):
        ndimage.map_coordinates(
            np.asarray(images[tilt], dtype=np.float32),
            places,
            output=out[tilt],
            order=1,
            mode="nearest",
        )
    return out


def _draw_sinogram(
    axes: Axes,
    data: NDArray[Any],
    angles: NDArray[np.float64],
    pixel: float,
    *,
    low: float,
    high: float,
) -> None:
    order = np.argsort(angles, kind="stable")
    sorted_angles = angles[order]
    middles = (sorted_angles[1:] + sorted_angles[:-1]) / 2
    first, last = (
        (middles[0] - sorted_angles[0], sorted_angles[-1] - middles[-1])
        if len(middles)
        else (0.5, 0.5)
    )
    edges = np.concatenate(
        [[sorted_angles[0] - (first or 0.5)], middles, [sorted_angles[-1] + (last or 0.5)]]
    )
    width = data.shape[1]
    across = (np.arange(width + 1) - width / 2) * pixel
    axes.pcolormesh(
        across, edges, np.asarray(data)[order], cmap="gray", vmin=low, vmax=high, rasterized=True
    )
    for spine in axes.spines.values():
        spine.set_visible(True)
    plain_ticks(axes.xaxis, at_most=5)
    plain_ticks(axes.yaxis, at_most=7)
