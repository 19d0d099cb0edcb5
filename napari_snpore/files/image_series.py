"""Images in time: a stack or a folder of images, with pixel size and, where the file knows them, times.

Parsing is that of every other file; what is read here beside it is time: ImageJ's frame interval, OME's time increment, a
calibrated first axis in seconds (DM3/DM4, HSPY, EMD). Other formats hold none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np
import tifffile
from numpy.typing import ArrayLike, NDArray

from napari_snpore.errors import FileFormatError, InputError, MissingFileError
from napari_snpore.files.read import SUFFIXES, parse, square_pixel
from napari_snpore.files.scale import resolve_pixel_size
from napari_snpore.files.side_files import side_files
from napari_snpore.files.tiff import read_tiff
from napari_snpore.history import ReadStep
from napari_snpore.in_situ.frames import ImageSeries

Times = NDArray[np.floating[Any]] | None

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("ms", "msec"), 1e-3),
    **dict.fromkeys(("min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
}


def read_image_series(
    path: str | Path | Sequence[str | Path],
    *,
    pixel_size_nm: float | None = None,
    times_s: ArrayLike | None = None,
) -> ImageSeries:
    """Read images in time from one file, from one file a frame, or from a folder of such files.

    Files of a folder are put in the order of the numbers in their names.

    Parameters
    ----------
    path : path or sequence of paths
        What to read: any format that volumes and tilt series are read from.
    pixel_size_nm : float, optional
        Pixel size in nm, where no file has it.
    times_s : array-like, shape (frame,), optional
        Time of each frame, where the file does not say it, or instead of what it says.

    Returns
    -------
    ImageSeries
        Images ``(frame, y, x)`` in the file's dtype, memory-mapped or lazy where the format allows; ``times_s`` is None where
        nobody knows them.

    Raises
    ------
    FileFormatError, MissingFileError
        Unknown, damaged or truncated file, or not grey images of one size.
    MissingScaleError
        No source has the pixel size.
    DisagreementError
        Two real sources contradict each other.
    """
    paths = _paths(path)
    if len(paths) > 1:
        return _one_file_a_frame(paths, pixel_size_nm, times_s)
    one = paths[0]
    found = parse(one)
    if found.data.ndim not in (2, 3):
        raise FileFormatError(
            f"{one} holds an array of shape {tuple(found.data.shape)}; images (frame, y, x) or one image are needed."
        )
    sizes = [
        ("the file", square_pixel(found, one)),
        *((side.path.name, side.pixel_size_nm) for side in side_files(one)),
    ]
    count = found.data.shape[0] if found.data.ndim == 3 else 1
    times = _times(one, count) if times_s is None else times_s
    size = resolve_pixel_size(pixel_size_nm, sizes, name=str(one))
    history = (*found.history, ReadStep(one.name).step)
    return ImageSeries(found.data, size, None if times is None else np.asarray(times, np.float64), history)


def is_in_time(path: str | Path) -> bool:
    """Say whether a file holds several images whose first axis is time, with times; quick, never raises.

    A TIFF needs a pixel size as well: one without is left to whoever reads it.
    """
    path = Path(path)
    with contextlib.suppress(Exception):  # whatever it is, it is no series of images that says so
        if path.suffix.lower() in (".tif", ".tiff"):
            return _is_tiff_in_time(path)
        if path.suffix.lower() in _TIMES:
            data = SUFFIXES[path.suffix.lower()](path).data
            return data.ndim == 3 and _times(path, len(data)) is not None
    return False


def _is_tiff_in_time(path: Path) -> bool:
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        axes = [axis for axis, count in zip(series.axes, series.shape, strict=True) if count > 1]
        count = series.shape[series.axes.index("T")] if "T" in series.axes else 1
    if axes != ["T", "Y", "X"] or _times(path, count) is None:
        return False
    return read_tiff(path).spacing_nm[2] is not None


def _one_file_a_frame(paths: list[Path], pixel: float | None, times: ArrayLike | None) -> ImageSeries:
    images: list[NDArray[Any]] = []
    sizes: list[tuple[str, float | None]] = []
    for path in paths:
        found = parse(path)
        data = found.data[0] if found.data.ndim == 3 and found.data.shape[0] == 1 else found.data
        if data.ndim != 2:
            raise FileFormatError(f"{path} holds an array of shape {tuple(data.shape)}; one image a file is needed.")
        if images and data.shape != images[0].shape:
            raise FileFormatError(f"{path} is {data.shape} px large, {paths[0].name} is {images[0].shape}.")
        images.append(np.asarray(data))
        sizes.append((path.name, square_pixel(found, path)))
    name = f"{paths[0].parent} ({len(paths)} files)"
    size = resolve_pixel_size(pixel, sizes, name=name)
    history = (ReadStep(files=tuple(path.name for path in paths)).step,)
    return ImageSeries(np.stack(images), size, None if times is None else np.asarray(times, np.float64), history)


def _times(path: Path, count: int) -> Times:
    """Return the times that a file says, one a frame and rising; None otherwise."""
    reader = _TIMES.get(path.suffix.lower())
    if reader is None or count < 2:
        return None
    times: Times = None
    with contextlib.suppress(Exception):  # a file that is read but whose metadata are odd has no times, and that is all
        times = reader(path, count)
    if times is None or len(times) != count or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        return None
    return times


def _tiff_times(path: Path, count: int) -> Times:
    with tifffile.TiffFile(path) as tiff:
        about = tiff.imagej_metadata
        if about is not None:
            step = about.get("finterval")
            return None if step is None else float(step) * np.arange(count)
        if tiff.ome_metadata is None:
            return None
        root = ElementTree.fromstring(tiff.ome_metadata)
    pixels = next(node for node in root.iter() if node.tag.rpartition("}")[2] == "Pixels")
    planes = [node for node in pixels if node.tag.rpartition("}")[2] == "Plane"]
    said = sorted((int(plane.get("TheT", 0)), plane.get("DeltaT"), plane.get("DeltaTUnit", "s")) for plane in planes)
    if len(said) == count and all(time is not None for _, time, _ in said):
        return np.array([float(time or 0) * _SECONDS[unit] for _, time, unit in said])
    step = pixels.get("TimeIncrement")
    return None if step is None else float(step) * _SECONDS[pixels.get("TimeIncrementUnit", "s")] * np.arange(count)


def _dm_times(path: Path, count: int) -> Times:
    from nionswift_plugin.DM_IO import dm3_image_utils, parse_dm3  # a second of imports that only these files need

    with path.open("rb") as file:
        tags = dm3_image_utils.fix_strings(parse_dm3.dm_read_header(file))
    axes = tags["ImageList"][-1]["ImageData"]["Calibrations"]["Dimension"]
    slowest = axes[-1]
    return _even(slowest["Scale"], slowest["Units"], count)


def _hdf_times(path: Path, count: int) -> Times:
    with h5py.File(path, "r") as file:
        if "Experiments" in file:
            axis = next(iter(file["Experiments"].values()))["axis-0"].attrs
            return _even(axis["scale"], axis["units"], count)
        groups: list[h5py.Group] = []
        file.visititems(
            lambda _, item: groups.append(item) if "emd_group_type" in item.attrs and "dim1" in item else None
        )
        first = groups[0]["dim1"]
        factor = _factor(first.attrs["units"])
        values = np.asarray(first[()], np.float64).reshape(-1)
        if factor is None:
            return None
        return factor * (values if len(values) == count else (values[1] - values[0]) * np.arange(count))


def _even(step: Any, unit: Any, count: int) -> Times:
    factor = _factor(unit)
    return None if factor is None else float(step) * factor * np.arange(count)


def _factor(unit: Any) -> float | None:
    text = unit.decode("utf-8", "replace") if isinstance(unit, bytes) else str(unit)
    return _SECONDS.get(text.strip().strip("[]").lower())


_TIMES: dict[str, Callable[[Path, int], Times]] = {
    **dict.fromkeys((".tif", ".tiff"), _tiff_times),
    **dict.fromkeys((".dm3", ".dm4"), _dm_times),
    **dict.fromkeys((".emd", ".hspy"), _hdf_times),
}


def _paths(path: str | Path | Sequence[str | Path]) -> list[Path]:
    if not isinstance(path, (str, Path)):
        if len(path) == 0:
            raise InputError("path is an empty list; at least one file is needed.")
        return [_existing(one) for one in path]
    one = _existing(path)
    if not one.is_dir() or one.suffix.lower() == ".zarr":
        return [one]
    inside = [file for file in one.iterdir() if file.suffix.lower() in SUFFIXES]
    if not inside:
        raise FileFormatError(f"The folder {one} holds no file that is read.")
    return sorted(inside, key=number_in_name)


def _existing(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.exists():
        raise MissingFileError(f"There is no file {path}.")
    return path


def number_in_name(path: str | Path) -> list[tuple[int, str]]:
    """Return a key that puts ``frame2`` before ``frame10``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", Path(path).name.lower())]
