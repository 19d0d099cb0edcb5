"""Files into layers. Sniffing is quick and never raises; what is missing is asked for in the window, never guessed.

A stack is a tilt series where it has angles, images in time where its first axis is time, a volume where it has a voxel size.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_snpore.errors import FileFormatError, InputError, MissingAnglesError, MissingScaleError
from napari_snpore.files import SUFFIXES, describe, read_tilt_series, read_volume
from napari_snpore.files.image_series import is_in_time, read_image_series
from napari_snpore.files.tiff import is_gray_stack
from napari_snpore.viewer.open.open_run import find_runs, runs_layers
from napari_snpore.viewer.shared.layers import LayerData, name_from_path, series_data, volume_data
from napari_snpore.viewer.window.manifest import find_window

ReaderFunction = Callable[[str | Sequence[str]], list[Any]]

NOTHING_YET: list[Any] = [(None,)]
"""What a reader hands to napari when the layer comes later, once a question is answered."""

Kind = Literal["tilt series", "images in time", "volume"]

_OURS_ALONE = (".mrc", ".rec", ".st", ".ali", ".mrcs", ".mdoc", ".dm3", ".dm4", ".emd", ".hspy", ".am")
_MAY_HOLD_ANGLES = (".emd", ".hspy", ".mrc", ".rec", ".tif", ".tiff")


def get_reader(path: str | Sequence[str]) -> ReaderFunction | None:
    """Return a reader for the path, or None to leave it to others; quick, never raises.

    A list of paths is one tilt series, one image a file. A folder is a saved window, a finished run, or a folder of tilts. A
    damaged file of a format that is ours alone is taken too: the reader says what is wrong with it. So is a TIFF stack without
    a voxel size: napari lets the user choose among readers by the suffix alone, and who chose us is asked for the size.
    """
    try:
        first = Path(path if isinstance(path, str) else path[0])
        if isinstance(path, str) and find_window(first) is not None:
            return read_saved_window
        if isinstance(path, str) and _is_folder(first):
            return read if find_runs(first) or _is_folder_of_tilts(first) else None
        return read if _is_ours(first, several=not isinstance(path, str)) else None
    except Exception:  # napari shows a failing sniff as a failing plugin; whatever it was, the path is not ours
        return None


def read(path: str | Sequence[str]) -> list[Any]:
    """Return the layer data of a path; where a size or angles are missing, ask in the window and return nothing yet.

    Raises
    ------
    InputError
        The file cannot be used, or something is missing, and there is no window to say so in.
    """
    paths = [path] if isinstance(path, str) else list(path)
    try:
        return layer_data(paths)
    except InputError as error:
        from napari import current_viewer

        viewer = current_viewer()
        if viewer is None:
            raise
        if isinstance(error, (MissingScaleError, MissingAnglesError)):
            from napari_snpore.viewer.open.missing_scale import ask

            ask(viewer, paths, question_about(paths, error))
        else:
            from napari.utils.notifications import show_error

            show_error(str(error))  # raised, it would come as napari's own words and a traceback
        return NOTHING_YET


def read_saved_window(path: str | Sequence[str]) -> list[Any]:
    """Bring back a saved window: layers, position, cameras and widgets."""
    from napari_snpore.viewer.window import read_layers

    return read_layers(str(path)) or NOTHING_YET


@dataclass(frozen=True)
class Question:
    """What a path most likely is, what else it may be, and how many images it has."""

    kind: Kind
    kinds: tuple[Kind, ...]
    count: int


def layer_data(
    paths: Sequence[str],
    *,
    spacing_nm: float | tuple[float, float, float] | None = None,
    angles_deg: Any = None,
    kind: Kind | None = None,
    times_s: Any = None,
) -> list[LayerData]:
    """Read paths into layer data, with what the caller knows of voxel size, angles and times.

    Parameters
    ----------
    paths : sequence of str
        One file or folder, or several files of one image each.
    spacing_nm : float or (float, float, float), optional
        Voxel or pixel size, where the file does not say it.
    angles_deg : array-like, optional
        Tilt angles; given, the file is read as a tilt series.
    kind : {"tilt series", "images in time", "volume"}, optional
        What it is; default what it says of itself.
    times_s : array-like, optional
        Time of each image, where it is images in time and the file does not know.
    """
    path = Path(paths[0])
    several = len(paths) > 1
    whole: Any = list(paths) if several else path
    name = name_from_path(path.parent if several else path)
    if kind == "images in time":
        return [_frames(whole, name, spacing_nm, times_s)]
    if several:
        return [_series(whole, name, spacing_nm, angles_deg)]
    if _is_folder(path):
        return runs_layers(path) if find_runs(path) else [_series(path, path.name, spacing_nm, angles_deg)]
    if kind != "volume":
        told = kind == "tilt series" or angles_deg is not None or describe(path) == "tilt_series"
        try:
            if told or path.suffix.lower() in _MAY_HOLD_ANGLES:
                return [_series(path, name, spacing_nm, angles_deg)]
        except (MissingAnglesError, FileFormatError):  # not a series
            if is_in_time(path):
                return [_frames(path, name, spacing_nm, times_s)]
            if told:
                raise
    return [volume_data(read_volume(path, spacing=spacing_nm), name)]


def question_about(paths: Sequence[str], lacks: InputError) -> Question:
    """Return what has to be asked about paths that say too little of themselves; ``lacks`` says what they did not say."""
    several = len(paths) > 1 or _is_folder(Path(paths[0]))
    kind: Kind = "tilt series" if several or isinstance(lacks, MissingAnglesError) else "volume"
    if several:
        return Question(kind, ("tilt series", "images in time"), _count(paths))
    return Question(kind, ("tilt series", "images in time", "volume"), _count(paths))


def _count(paths: Sequence[str]) -> int:
    path = Path(paths[0])
    if len(paths) > 1:
        return len(paths)
    if _is_folder(path):
        return sum(file.suffix.lower() in SUFFIXES for file in path.iterdir())
    with contextlib.suppress(InputError, KeyError):  # what is wrong with it is said when it is opened
        shape = SUFFIXES[path.suffix.lower()](path).data.shape
        return int(shape[0]) if len(shape) == 3 else 1
    return 0


def _frames(path: Any, name: str, pixel_size_nm: Any, times_s: Any) -> LayerData:
    from napari_snpore.viewer.in_situ.layers import frames_data

    size = None if pixel_size_nm is None else float(np.atleast_1d(pixel_size_nm)[-1])
    return frames_data(read_image_series(path, pixel_size_nm=size, times_s=times_s), name)


def _series(path: Any, name: str, pixel_size_nm: Any, angles_deg: Any) -> LayerData:
    size = None if pixel_size_nm is None else float(np.atleast_1d(pixel_size_nm)[-1])
    return series_data(read_tilt_series(path, pixel_size_nm=size, angles_deg=angles_deg), name)


def _is_ours(path: Path, *, several: bool) -> bool:
    suffix = path.suffix.lower()
    if suffix in _OURS_ALONE or several:
        return suffix in (*SUFFIXES, ".mdoc") and path.is_file()
    return describe(path) is not None or (suffix in (".tif", ".tiff") and is_gray_stack(path))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and path.suffix.lower() != ".zarr"


def _is_folder_of_tilts(folder: Path) -> bool:
    inside = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES]
    return len(inside) > 2 and len({file.suffix.lower() for file in inside}) == 1 and inside[0].suffix.lower() in (
        ".dm3", ".dm4", ".mrc", ".emd", ".tif", ".tiff"
    )  # fmt: skip
