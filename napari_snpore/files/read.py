"""Reading of tilt series and volumes: parsed files and what the caller knows, checked against each
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import FileFormatError, InputError
from napari_snpore.files.formats import parse as parse  # one file as it is, beside the readers
from napari_snpore.files.image_input import ImageInput, existing_path, parse_input, pixel_size_of
from napari_snpore.files.image_stack import gap_in_numbers, stacked
from napari_snpore.files.raw import RawLayout, read_raw_as
from napari_snpore.files.scale import resolve_angles, resolve_spacing
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def read_tilt_series(
    path: str | Path | Sequence[str | Path],
    *,
    angles_deg: ArrayLike | None = None,
    pixel_size_nm: float | None = None,
    tilt_axis_angle_deg: float | None = None,
    image: str | None = None,
) -> TiltSeries:
    """Read a tilt series from a stack, from files of one image each, or from a folder of such
    files.

    Angles and pixel size come from the caller, else from a side file (``.tlt``, ``.rawtlt``,
    ``.mdoc``, FEI's ``.txt`` log) or from the file. A ``.tlt`` holds refined angles, which win over
    nominal ones; the history says where sources differ. Images of single files are put in the order
    of their angles.

    Parameters
    ----------
    path : path or sequence of paths
        What to read. A ``.mdoc`` stands for the file, or the files of one image each, that it
        describes. Files of a folder are taken in the order of the numbers in their names.
    angles_deg : array-like, shape (tilt,), optional
        Tilt angles in degrees, where no file has them, or instead of those in files.
    pixel_size_nm : float, optional
        Pixel size in nm, where no file has it, or instead of that in files.
    tilt_axis_angle_deg : float, optional
        Direction of the tilt axis in degrees from image y, if it is known.
    image : str, optional
        Which image of files that hold several, by the name of its detector, data set or volume.
        Else one is chosen, the same in every file; the history names it and the others.

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
        Two files contradict each other.
    """
    return tilt_series_of(
        parse_input(path, image=image, kind="tilt series"),
        angles_deg=angles_deg,
        pixel_size_nm=pixel_size_nm,
        tilt_axis_angle_deg=tilt_axis_angle_deg,
    )


def read_volume(
    path: str | Path | Sequence[str | Path],
    *,
    spacing: float | Sequence[float] | None = None,
    image: str | None = None,
    raw: RawLayout | None = None,
) -> Volume:
    """Read a 3D volume ``(z, y, x)`` with its voxel size in nm, from one file or from files of one
    slice each.

    Parameters
    ----------
    path : path or sequence of paths
        What to read. A folder of files of one image each (TIFF) is a stack of slices along z, in
        the order of the numbers in their names.
    spacing : float or (float, float, float), optional
        Voxel size in nm, where the file does not have it, or instead of that in the file.
    image : str, optional
        Which volume of a file that holds several, by the name of its data set, or ``"volume 2"``.
        Else one is chosen; the history names it and the others.
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
    """
    if raw is None:
        return volume_of(parse_input(path, image=image, kind="volume"), spacing=spacing)
    if not isinstance(path, (str, Path)):
        raise InputError("raw is the layout of one file; a list of files is given.")
    place = existing_path(path)
    return volume_of(ImageInput((place,), (read_raw_as(place, raw),)), spacing=spacing)


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
    axis_deg = parsed.tilt_axis_angle_deg if tilt_axis_angle_deg is None else tilt_axis_angle_deg
    tilts, angle_note = _angles(source, angles_deg)
    size, size_note = pixel_size_of(source, pixel_size_nm)
    history = (*parsed.history, source.read_step(angle_note, size_note).step)
    return TiltSeries(parsed.data, tilts, size, axis_deg or 0.0, history)


def volume_of(source: ImageInput, *, spacing: float | Sequence[float] | None = None) -> Volume:
    """Return the volume of parsed files; parameters and errors as in :func:`read_volume`."""
    if len(source.files) > 1:
        return _one_slice_per_file(source, spacing)
    path, parsed = source.paths[0], source.files[0]
    if parsed.data.ndim != 3:
        shape = tuple(parsed.data.shape)
        raise FileFormatError(
            f"{path} holds an array of shape {shape}; a volume has three axes (z, y, x)."
        )
    size, size_note = resolve_spacing(
        spacing, [("the file", parsed.spacing_nm)], name=str(path), notes=parsed.notes
    )
    history = (*parsed.history, source.read_step(size_note).step)
    return Volume(parsed.data, size, parsed.origin_nm or (0.0, 0.0, 0.0), history)


def _one_slice_per_file(source: ImageInput, spacing: float | Sequence[float] | None) -> Volume:
    images = source.images()
    sizes = [
        (path.name, file.spacing_nm) for path, file in zip(source.paths, source.files, strict=True)
    ]
    size, size_note = resolve_spacing(spacing, sizes, name=source.name, notes=images[0].notes)
    step = source.read_step(gap_in_numbers(source.paths), size_note).step
    origin = images[0].origin_nm or (0.0, 0.0, 0.0)
    return Volume(stacked([image.data for image in images]), size, origin, (step,))


def _one_image_per_tilt(
    source: ImageInput,
    angles_deg: ArrayLike | None,
    pixel_size_nm: float | None,
    tilt_axis_angle_deg: float | None,
) -> TiltSeries:
    images = source.images()
    tilts, angle_note = _angles(source, angles_deg)
    size, size_note = pixel_size_of(source, pixel_size_nm)
    order = np.argsort(tilts, kind="stable")
    step = source.read_step(angle_note, size_note, order=order).step
    stack = np.stack([np.asarray(images[number].data) for number in order])
    return TiltSeries(stack, tilts[order], size, tilt_axis_angle_deg or 0.0, (step,))


def _angles(source: ImageInput, given: ArrayLike | None) -> tuple[NDArray[np.float64], str | None]:
    """Return the tilt angles (degrees) of the caller, or of the files, and a note; side files that
    cannot be read do not matter to a caller who gives the angles.
    """
    count, name = source.image_count, source.name
    try:
        sources = source.angle_sources()
    except FileFormatError:
        if given is None:
            raise
        angles, _ = resolve_angles(given, [], count=count, name=name)
        return angles, "tilt angles by the caller; a side file cannot be read"
    return resolve_angles(given, sources, count=count, name=name)
