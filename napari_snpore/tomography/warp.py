"""Resampling of tilt images by an alignment: shift, rotation by −φ and axis offset in one
interpolation.

The order is that of the definitions: ``shifts_px`` as ``scipy.ndimage.shift`` applies them to the
raw image, then a rotation about the centre of the image that brings the tilt axis onto image axis
y, then the offset of the axis subtracted across it. What is measured on the images, and why, does
not belong here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, run_blocks
from napari_snpore.errors import InputError


def axis_rotation(tilt_axis_angle_deg: float) -> NDArray[np.float64]:
    """Return the matrix whose columns are the image directions ``(dy, dx)`` along and across the
    tilt axis.

    ``matrix @ (along, across)`` is a vector of the raw image, ``matrix.T @ (dy, dx)`` its parts
    along and across.
    """
    angle = np.deg2rad(tilt_axis_angle_deg)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def aligned_shape(shape: tuple[int, int], tilt_axis_angle_deg: float) -> tuple[int, int]:
    """Return (y, x) of the aligned image: as the raw one, its sides exchanged for an axis nearer to
    the horizontal.
    """
    ny, nx = shape
    lies = (
        abs(np.sin(np.deg2rad(tilt_axis_angle_deg)))
        > abs(np.cos(np.deg2rad(tilt_axis_angle_deg))) + 1e-9
    )
    return (nx, ny) if lies else (ny, nx)


def warp_images(
    images: Any,
    shifts_px: NDArray[np.float64],
    tilt_axis_angle_deg: float,
    offset_px: float = 0.0,
    *,
    out: Any = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Any:
    """Resample every image once so that its tilt axis becomes image axis y and passes through the
    centre.

    Parameters
    ----------
    images : array, shape (tilt, y, x)
        Raw images of any real dtype; not changed.
    shifts_px : array, shape (tilt, 2)
        ``(dy, dx)`` in px of the raw image, applied first.
    tilt_axis_angle_deg : float
        φ in degrees.
    offset_px : float
        Place of the axis across it after the rotation, in px from the centre; subtracted.
    out : array-like, float32, optional
        Where the images go, one by one; of the shape of the result.

    Returns
    -------
    array, float32, shape (tilt, y, x)
        Of :func:`aligned_shape`, interpolated with cubic splines. Beyond the field of the raw image
        the nearest edge value is repeated: a rod that leaves the field continues, vacuum stays
        vacuum, and there is no step that a reconstruction would turn into streaks.
    """
    tilts, ny, nx = images.shape
    rows, columns = aligned_shape((ny, nx), tilt_axis_angle_deg)
    matrix = axis_rotation(tilt_axis_angle_deg)
    start = _start((ny, nx), (rows, columns), matrix, offset_px)
    if out is None:
        out = np.empty((tilts, rows, columns), dtype=np.float32)
    elif tuple(out.shape) != (tilts, rows, columns) or np.dtype(out.dtype) != np.float32:
        raise InputError(f"out needs shape {(tilts, rows, columns)} and type float32.")

    def warp_one(tilt: int) -> None:
        image = np.asarray(images[tilt], dtype=np.float32)
        out[tilt] = scipy.ndimage.affine_transform(
            image,
            matrix,
            offset=start - shifts_px[tilt],
            output_shape=(rows, columns),
            output=np.float32,
            mode="nearest",
        )

    run_blocks(warp_one, range(tilts), progress=progress, should_stop=should_stop)
    return out


def row_places(
    shape: tuple[int, ...], tilt_axis_angle_deg: float, offset_px: float, row: int
) -> NDArray[np.float64]:
    """Return where the pixels of one aligned row lie in a raw image before its shift: (2, x), in px
    (y, x).
    """
    rows, columns = aligned_shape((shape[0], shape[1]), tilt_axis_angle_deg)
    matrix = axis_rotation(tilt_axis_angle_deg)
    target = np.stack([np.full(columns, float(row)), np.arange(columns, dtype=np.float64)])
    places: NDArray[np.float64] = (
        matrix @ target + _start(shape, (rows, columns), matrix, offset_px)[:, None]
    )
    return places


def _start(
    raw: tuple[int, ...], aligned: tuple[int, int], matrix: NDArray[np.float64], offset_px: float
) -> NDArray[np.float64]:
    """Return where pixel (0, 0) of an aligned image lies in a raw one before its shift."""
    middle = np.array([(aligned[0] - 1) / 2, (aligned[1] - 1) / 2 - offset_px])
    start: NDArray[np.float64] = np.array([(raw[0] - 1) / 2, (raw[1] - 1) / 2]) - matrix @ middle
    return start
