"""Writing of volumes, tilt images and tables; the suffix of a volume selects its format."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import DTypeLike

from napari_snpore.compute import Progress, ShouldStop, check_stop, share_of
from napari_snpore.errors import FileFormatError, OutputError
from napari_snpore.files.atomic import atomic_path
from napari_snpore.files.formats import WRITTEN, format_of
from napari_snpore.files.tiff import write_tiff
from napari_snpore.outputs.free_space import check_free_space
from napari_snpore.tomography.tilt_series import TiltSeries
from napari_snpore.volume import Volume


def write_volume(
    path: str | Path,
    volume: Volume,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Path:
    """Write a volume with its voxel size, as ``.tif`` (raw OME-TIFF), ``.imagej.tif`` (hyperstack for
    ImageJ), ``.ome.zarr``, ``.nrrd`` or ``.mrc``.

    All formats keep the origin and the history. Lazy data are computed in parts of few planes.

    Parameters
    ----------
    path : path
        File or folder to write; its suffix selects the format.
    volume : Volume
        Any dtype that the format holds. Values keep their dtype, except uint8 in MRC, which becomes
        int8 or uint16.
    overwrite : bool
        Whether an existing file is replaced.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`; counted and asked in planes.

    Returns
    -------
    Path
        The file or folder written.

    Raises
    ------
    OutputError
        The file exists, or cannot be written.
    FileFormatError
        The suffix is not written, or the format does not hold the dtype.
    Stopped
        ``should_stop`` returned true; nothing is written.
    """
    path = Path(path)
    one = format_of(path)
    if one is None or one.write is None or path.suffix.lower() not in WRITTEN:
        raise FileFormatError(
            f"{path} has a suffix that is not written; these are: {' '.join(WRITTEN)}."
        )
    passes = one.passes(volume)
    planes = _WatchedPlanes(volume.data, passes, progress, should_stop)
    return _write(path, one.write, replace(volume, data=planes), overwrite)


def write_volumes(
    volumes: Mapping[Path, Volume],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> None:
    """Write several volumes, as :func:`write_volume`, under one progress."""
    for number, (path, volume) in enumerate(volumes.items()):
        share = share_of(progress, number / len(volumes), (number + 1) / len(volumes))
        write_volume(path, volume, progress=share, should_stop=should_stop)


def write_images(path: str | Path, series: TiltSeries, *, overwrite: bool = False) -> Path:
    """Write the images of a tilt series as raw OME-TIFF with pixel size, tilt axis and history,
    without the angles.

    Raises
    ------
    OutputError
        The file exists, or cannot be written.
    FileFormatError
        Another suffix, or a dtype that TIFF does not hold.
    """
    path = Path(path)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise FileFormatError(
            f"{path} has a suffix that a tilt series is not written with; these are: .tif .tiff."
        )
    pixel = series.pixel_size_nm
    volume = Volume(series.images, (pixel, pixel, pixel), history=series.history)
    return _write(
        path, partial(write_tiff, tilt_axis_angle_deg=series.tilt_axis_angle_deg), volume, overwrite
    )


def least_bytes(path: str | Path, voxels: int, dtype: DTypeLike) -> int:
    """Return what a volume takes on disk at the least in the format of a suffix: its voxels, which
    all formats store as they are but OME-Zarr, whose chunks are compressed; 0 there.
    """
    one = format_of(Path(path))
    if one is None or one.is_folder:
        return 0
    return voxels * np.dtype(dtype).itemsize


class _WatchedPlanes:
    """The planes of a volume, as a writer asks for them, once or several times: the last one that was read
    is progress.
    """

    def __init__(
        self, data: Any, passes: int, progress: Progress | None, should_stop: ShouldStop | None
    ) -> None:
        self._data, self._progress, self._should_stop = data, progress, should_stop
        self._passes, self._before, self._read = passes, 0, 0
        self.shape, self.ndim, self.dtype = data.shape, 3, np.dtype(data.dtype)
        self.nbytes = math.prod(data.shape) * self.dtype.itemsize

    def __getitem__(self, planes: int | slice) -> Any:
        check_stop(self._should_stop)
        last = planes.stop if isinstance(planes, slice) else planes + 1
        if last <= self._read:  # from the first plane again
            self._before += self.shape[0]
        self._read = min(last, self.shape[0])
        found = self._data[planes]
        if self._progress is not None:
            self._progress(self._before + self._read, self._passes * self.shape[0])
        return found


def _write(
    path: Path, writer: Callable[[Path, Volume], None], volume: Volume, overwrite: bool
) -> Path:
    if path.exists() and not overwrite:
        raise OutputError(f"{path} is there already; overwrite=True replaces it.")
    needed = least_bytes(path, math.prod(volume.data.shape), volume.data.dtype)
    check_free_space(path.expanduser(), needed, str(path))
    with atomic_path(path) as part:
        try:
            writer(part, volume)
        except FileFormatError as error:
            raise FileFormatError(f"{path} cannot be written: {error}") from error
    return path


def write_table(path: str | Path, table: pd.DataFrame) -> Path:
    """Write a table as CSV (UTF-8, comma, full precision); an existing file is replaced.

    Truth values are written as 1 and 0, and as nothing where they are not known.
    """
    path = Path(path)
    with atomic_path(path) as part:
        plain = table.copy()
        for name in plain.select_dtypes("bool"):
            plain[name] = plain[name].astype("UInt8")
        plain.to_csv(part, index=False, encoding="utf-8", lineterminator="\n")
    return path
