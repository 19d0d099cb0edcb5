"""Reading: the right parser by suffix, then what counts of its scale and angles."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.amira import read_amira
from napari_snpore.files.dm import read_dm
from napari_snpore.files.hdf import read_hdf
from napari_snpore.files.mrc import read_mrc
from napari_snpore.files.ome_zarr import is_ome_zarr, read_ome_zarr
from napari_snpore.files.parsed_file import ParsedFile
from napari_snpore.files.scale import resolve_angles, resolve_pixel_size, resolve_spacing
from napari_snpore.files.side_files import side_files
from napari_snpore.files.tiff import is_scaled_tiff, read_tiff
from napari_snpore.history import ReadStep
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def _read_npy(path: Path) -> ParsedFile:
    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise FileFormatError(f"{path} is not a readable NPY file of numbers.") from error
    return ParsedFile(data)


SUFFIXES: dict[str, Callable[[Path], ParsedFile]] = {
    **dict.fromkeys((".mrc", ".st", ".ali", ".rec", ".mrcs"), read_mrc),
    **dict.fromkeys((".dm3", ".dm4"), read_dm),
    **dict.fromkeys((".tif", ".tiff"), read_tiff),
    **dict.fromkeys((".emd", ".hspy"), read_hdf),
    ".zarr": read_ome_zarr,
    ".am": read_amira,
    ".npy": _read_npy,
}
"""Suffix and its reader; ``.ome.tif`` and ``.ome.zarr`` are found by their last part."""

_SERIES_SUFFIXES = (".st", ".ali", ".mrcs", ".dm3", ".dm4")


def read_tilt_series(
    path: str | Path | Sequence[str | Path],
    *,
    angles_deg: Any = None,
    pixel_size_nm: float | None = None,
    tilt_axis_angle_deg: float | None = None,
) -> TiltSeries:
    """Read a tilt series from one file, from one file a tilt, or from a folder of such files.

    Angles and pixel size come from the file, from a side file (``.rawtlt``, ``.tlt``, ``.mdoc``, FEI's ``.txt`` log), or from
    the caller. One file a tilt is put in the order of its angles.

    Parameters
    ----------
    path : path or sequence of paths
        What to read. A ``.mdoc`` stands for the file that it describes.
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
    FileFormatError
        Unknown, damaged or truncated file, or not a stack of grey images.
    MissingScaleError, MissingAnglesError
        No source has it, or the number of angles does not match.
    DisagreementError
        Two real sources contradict each other.
    """
    paths = _paths(path)
    if len(paths) == 1 and not _is_single_image(paths[0]):
        return _one_stack(paths[0], angles_deg, pixel_size_nm, tilt_axis_angle_deg)
    return _one_file_a_tilt(paths, angles_deg, pixel_size_nm, tilt_axis_angle_deg)


def read_volume(path: str | Path, *, spacing: float | Sequence[float] | None = None) -> Volume:
    """Read a 3D volume ``(z, y, x)`` with its voxel size in nm.

    Parameters
    ----------
    path : path
        What to read.
    spacing : float or (float, float, float), optional
        Voxel size in nm, where the file does not say it.

    Returns
    -------
    Volume
        Data in the file's dtype, memory-mapped or lazy where the format allows.

    Raises
    ------
    FileFormatError
        Unknown, damaged or truncated file, or not three axes.
    MissingScaleError
        The file has no voxel size and none is given.
    DisagreementError
        The file and the caller are more than 1 % apart.
    """
    path = _existing(path)
    found = parse(path)
    if found.data.ndim != 3:
        raise FileFormatError(
            f"{path} holds an array of shape {tuple(found.data.shape)}; a volume has three axes (z, y, x)."
        )
    voxel = resolve_spacing(spacing, [("the file", found.spacing_nm)], name=str(path))
    return Volume(
        found.data,
        voxel,
        found.origin_nm or (0.0, 0.0, 0.0),
        (*found.history, ReadStep(path.name).step),
    )


def describe(path: str | Path) -> Literal["tilt_series", "volume"] | None:
    """Say what a path seems to hold, from suffix, header and neighbours; None where it is not ours. Never raises, never loads."""
    with contextlib.suppress(Exception):
        path = Path(path)
        if path.suffix.lower() == ".mdoc":
            return "tilt_series" if path.with_suffix("").is_file() or path.with_suffix(".mrc").is_file() else None
        if path.suffix.lower() not in SUFFIXES or not path.exists():
            return None
        if path.suffix.lower() in _SERIES_SUFFIXES:
            return "tilt_series"
        if any(side.angles_deg is not None for side in side_files(path)):
            return "tilt_series"
        if path.suffix.lower() == ".mrc" and read_mrc(path).angles_deg is not None:
            return "tilt_series"
        if path.suffix.lower() == ".zarr" and not is_ome_zarr(path):
            return None
        if path.suffix.lower() in (".tif", ".tiff") and not is_scaled_tiff(path):
            return None
        return "volume"
    return None


def _one_stack(path: Path, angles: Any, pixel: float | None, axis: float | None) -> TiltSeries:
    found = parse(path)
    if found.data.ndim != 3:
        raise FileFormatError(
            f"{path} holds an array of shape {tuple(found.data.shape)}; a series has axes (tilt, y, x)."
        )
    sides = side_files(path)
    sources = [("the file", square_pixel(found, path)), *((side.path.name, side.pixel_size_nm) for side in sides)]
    tilts = [("the file", found.angles_deg), *((side.path.name, side.angles_deg) for side in sides)]
    return TiltSeries(
        found.data,
        resolve_angles(angles, tilts, count=found.data.shape[0], name=str(path)),
        resolve_pixel_size(pixel, sources, name=str(path)),
        axis if axis is not None else found.tilt_axis_angle_deg or 0.0,
        (*found.history, ReadStep(path.name).step),
    )


def _one_file_a_tilt(paths: list[Path], angles: Any, pixel: float | None, axis: float | None) -> TiltSeries:
    frames = [_parse_image(path) for path in paths]
    for path, frame in zip(paths, frames, strict=True):
        if frame.data.ndim != 2:
            raise FileFormatError(
                f"{path} holds an array of shape {tuple(frame.data.shape)}; one image a file is needed."
            )
        if frame.data.shape != frames[0].data.shape:
            raise FileFormatError(f"{path} is {frame.data.shape} px large, {paths[0].name} is {frames[0].data.shape}.")
    name = f"{paths[0].parent} ({len(paths)} files)"
    own = [frame.angles_deg[0] if frame.angles_deg else None for frame in frames]
    known = None if any(angle is None for angle in own) else [float(angle) for angle in own if angle is not None]
    tilts = resolve_angles(angles, [("the files", known)], count=len(paths), name=name)
    sizes = [(path.name, square_pixel(frame, path)) for path, frame in zip(paths, frames, strict=True)]
    order = np.argsort(tilts, kind="stable")
    return TiltSeries(
        np.stack([np.asarray(frames[k].data) for k in order]),
        tilts[order],
        resolve_pixel_size(pixel, sizes, name=name),
        axis or 0.0,
        (ReadStep(files=tuple(paths[k].name for k in order)).step,),
    )


def _parse_image(path: Path) -> ParsedFile:
    """Parse one file of one image; a single plane of known thickness is one as well."""
    found = parse(path)
    single = found.data.ndim == 3 and found.data.shape[0] == 1
    return replace(found, data=found.data[0]) if single else found


def parse(path: Path) -> ParsedFile:
    """Return what a file says, by the reader of its suffix; refuse what cannot be grey images."""
    reader = SUFFIXES.get(path.suffix.lower())
    if reader is None:
        known = " ".join(sorted(SUFFIXES))
        raise FileFormatError(f"{path} has a suffix that is not read; these are: {known}.")
    if path.is_dir() != (path.suffix.lower() == ".zarr"):
        raise FileFormatError(f"{path} is a {'folder' if path.is_dir() else 'file'}, which its suffix does not allow.")
    try:
        found = reader(path)
    except FileFormatError:
        raise
    except (OSError, EOFError) as error:
        raise FileFormatError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from error
    if 0 in found.data.shape:
        raise FileFormatError(f"{path} holds no image: its shape is {tuple(found.data.shape)}.")
    if found.data.dtype.kind not in "biuf":
        raise FileFormatError(f"{path} holds {found.data.dtype} values; real grey values are needed.")
    return found


def square_pixel(found: ParsedFile, path: Path) -> float | None:
    """Return the pixel size of images whose pixels are square; others are refused."""
    _, y, x = found.spacing_nm
    if y is not None and x is not None and abs(y - x) > 0.01 * min(y, x):
        raise FileFormatError(f"{path} has pixels of {y:.6g} × {x:.6g} nm (y, x); square pixels are needed.")
    return x if x is not None else y


def _paths(path: str | Path | Sequence[str | Path]) -> list[Path]:
    if isinstance(path, (str, Path)):
        one = _existing(path)
        if one.is_dir() and one.suffix.lower() != ".zarr":
            inside = sorted(file for file in one.iterdir() if file.suffix.lower() in SUFFIXES)
            if not inside:
                raise FileFormatError(f"The folder {one} holds no file that is read.")
            return inside
        return [described(one)]
    if len(path) == 0:
        raise InputError("path is an empty list; at least one file is needed.")
    return [described(_existing(one)) for one in path]


def described(path: Path) -> Path:
    """Return the image file that a ``.mdoc`` describes: ``a.mrc.mdoc`` or ``a.mdoc`` beside ``a.mrc`` or ``a.st``."""
    if path.suffix.lower() != ".mdoc":
        return path
    for place in (path.with_suffix(""), *(path.with_suffix(suffix) for suffix in (".mrc", ".st"))):
        if place.suffix.lower() in SUFFIXES and place.is_file():
            return place
    raise FileFormatError(f"{path} describes a series whose images are not beside it.")


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.exists():
        raise MissingFileError(f"There is no file {path}.")
    return path


def _is_single_image(path: Path) -> bool:
    """Say whether one file alone is a single image: then it is a series of one, and is refused later by who needs more."""
    return path.suffix.lower() in (".dm3", ".dm4") and read_dm(path).data.ndim == 2
