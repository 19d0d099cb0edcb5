"""Reading of tilt series and volumes: parsed files and what the caller knows, checked against each
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from napari_snpore.errors import FileFormatError
from napari_snpore.files.formats import parse
from napari_snpore.files.image_input import ImageInput, existing_path, parse_input
from napari_snpore.files.raw import RawLayout, read_raw_as
from napari_snpore.files.scale import resolve_angles, resolve_pixel_size, resolve_spacing
from napari_snpore.history import ReadStep
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def read_tilt_series(
    path: str | Path | Sequence[str | Path],
    *,
    angles_deg: ArrayLike | None = None,
    pixel_size_nm: float | None = None,
    tilt_axis_angle_deg: float | None = None,
) -> TiltSeries:
    """Read a tilt series from a stack, from files of one image each, or from a folder of such
    files.

    Angles and pixel size come from the file, from a side file (``.rawtlt``, ``.tlt``, ``.mdoc``,
    FEI's ``.txt`` log), or from the caller. Images of single files are put in the order of their
    angles.

    Parameters
    ----------
    path : path or sequence of paths
        What to read. A ``.mdoc`` stands for the file that it describes. Files of a folder are taken
        in the order of the numbers in their names.
    angles_deg : array-like, shape (tilt,), optional
        Tilt angles in degrees, where no file has them.
    pixel_size_nm : float, optional
        Pixel size in nm, where no file has it.
    tilt_axis_angle_deg : float, optional
        Direction of the tilt axis in degrees from image y, if it is known.

    Returns
    -------
    TiltSeries
        Images ``(tilt, y, x)`` in the file's dtype, memory-mapped or lazy where the format allows.

    Raises
    ------
    FileFormatError, MissingFileError
        Unknown, damaged, truncated or missing file, or not a stack of grey images.
    MissingScaleError, MissingAnglesError
        No source has it, or the number of angles does not match.
    DisagreementError
        Two real sources contradict each other.
    """
    return tilt_series_of(
        parse_input(path),
        angles_deg=angles_deg,
        pixel_size_nm=pixel_size_nm,
        tilt_axis_angle_deg=tilt_axis_angle_deg,
    )


def read_volume(
    path: str | Path,
    *,
    spacing: float | Sequence[float] | None = None,
    raw: RawLayout | None = None,
) -> Volume:
    """Read a 3D volume ``(z, y, x)`` with its voxel size in nm.

    Parameters
    ----------
    path : path
        What to read.
    spacing : float or (float, float, float), optional
        Voxel size in nm, where the file does not have it.
    raw : RawLayout, optional
        Shape and type of raw voxels; the file may have any suffix then, and side files are not
        asked.

    Returns
    -------
    Volume
        Data in the file's dtype, memory-mapped or lazy where the format allows.

    Raises
    ------
    FileFormatError, MissingFileError
        Unknown, damaged, truncated or missing file, or not three axes.
    MissingScaleError
        The file has no voxel size and none is given.
    DisagreementError
        The file and the caller are more than 1 % apart.
    """
    path = existing_path(path)
    parsed = parse(path) if raw is None else read_raw_as(path, raw)
    return volume_of(ImageInput((path,), (parsed,)), spacing=spacing)


def tilt_series_of(
    source: ImageInput,
    *,
    angles_deg: ArrayLike | None = None,
    pixel_size_nm: float | None = None,
    tilt_axis_angle_deg: float | None = None,
) -> TiltSeries:
    """Return the tilt series of parsed files; parameters and errors as in
    :func:`read_tilt_series`.
    """
    if source.one_image_per_file:
        return _one_image_per_tilt(source, angles_deg, pixel_size_nm, tilt_axis_angle_deg)
    path, parsed = source.paths[0], source.files[0]
    if parsed.data.ndim != 3:
        shape = tuple(parsed.data.shape)
        raise FileFormatError(
            f"{path} holds an array of shape {shape}; a series has axes (tilt, y, x)."
        )
    sizes = source.pixel_size_sources()
    axis_deg = parsed.tilt_axis_angle_deg if tilt_axis_angle_deg is None else tilt_axis_angle_deg
    return TiltSeries(
        parsed.data,
        resolve_angles(
            angles_deg, source.angle_sources(), count=source.image_count, name=source.name
        ),
        resolve_pixel_size(pixel_size_nm, sizes, name=source.name),
        axis_deg or 0.0,
        (*parsed.history, ReadStep(path.name).step),
    )


def volume_of(source: ImageInput, *, spacing: float | Sequence[float] | None = None) -> Volume:
    """Return the volume of one parsed file; parameters and errors as in :func:`read_volume`."""
    path, parsed = source.paths[0], source.files[0]
    if parsed.data.ndim != 3:
        shape = tuple(parsed.data.shape)
        raise FileFormatError(
            f"{path} holds an array of shape {shape}; a volume has three axes (z, y, x)."
        )
    return Volume(
        parsed.data,
        resolve_spacing(spacing, [("the file", parsed.spacing_nm)], name=str(path)),
        parsed.origin_nm or (0.0, 0.0, 0.0),
        (*parsed.history, ReadStep(path.name).step),
    )


def _one_image_per_tilt(
    source: ImageInput,
    angles_deg: ArrayLike | None,
    pixel_size_nm: float | None,
    tilt_axis_angle_deg: float | None,
) -> TiltSeries:
    images = source.images()
    tilts = resolve_angles(angles_deg, source.angle_sources(), count=len(images), name=source.name)
    sizes = source.pixel_size_sources()
    order = np.argsort(tilts, kind="stable")
    return TiltSeries(
        np.stack([np.asarray(images[number].data) for number in order]),
        tilts[order],
        resolve_pixel_size(pixel_size_nm, sizes, name=source.name),
        tilt_axis_angle_deg or 0.0,
        (ReadStep(files=tuple(source.paths[number].name for number in order)).step,),
    )
