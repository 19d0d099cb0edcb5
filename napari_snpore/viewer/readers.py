"""Files into layers. Sniffing is quick and never raises; what is missing is asked for in the window, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari_snpore.errors import FileFormatError, InputError, MissingAnglesError, MissingScaleError
from napari_snpore.files import SUFFIXES, describe, read_tilt_series, read_volume
from napari_snpore.viewer.layers import LayerData, name_from_path, series_data, volume_data
from napari_snpore.viewer.open_run import find_runs, runs_layers
from napari_snpore.viewer.window_state.manifest import find_window

ReaderFunction = Callable[[str | Sequence[str]], list[Any]]

NOTHING_YET: list[Any] = [(None,)]
"""What a reader hands to napari when the layer comes later, once a question is answered."""

_MAY_HOLD_ANGLES = (".emd", ".hspy", ".mrc", ".rec", ".tif", ".tiff")


def get_reader(path: str | Sequence[str]) -> ReaderFunction | None:
    """Return a reader for the path, or None to leave it to others; quick, never raises.

    A list of paths is one tilt series, one image a file. A folder is a saved window, a finished run, or a folder of tilts.
    """
    try:
        first = Path(path if isinstance(path, str) else path[0])
        if isinstance(path, str) and find_window(first) is not None:
            return read_saved_window
        if isinstance(path, str) and first.is_dir() and first.suffix.lower() != ".zarr":
            return read if find_runs(first) or _is_folder_of_tilts(first) else None
        return read if describe(first) is not None else None
    except Exception:  # napari shows a failing sniff as a failing plugin; whatever it was, the path is not ours
        return None


def read(path: str | Sequence[str]) -> list[Any]:
    """Return the layer data of a path; where a size or angles are missing, ask in the window and return nothing yet.

    Raises
    ------
    InputError
        The file cannot be used, or something is missing and there is no window to ask in.
    """
    paths = [path] if isinstance(path, str) else list(path)
    try:
        return layer_data(paths)
    except (MissingScaleError, MissingAnglesError):
        from napari import current_viewer

        viewer = current_viewer()
        if viewer is None:
            raise
        from napari_snpore.viewer.widgets.missing_scale import ask

        ask(viewer, paths)
        return NOTHING_YET


def read_saved_window(path: str | Sequence[str]) -> list[Any]:
    """Bring back a saved window: layers, position, cameras and widgets."""
    from napari_snpore.viewer.window_state import read_layers

    return read_layers(str(path)) or NOTHING_YET


def layer_data(
    paths: Sequence[str],
    *,
    spacing_nm: float | tuple[float, float, float] | None = None,
    angles_deg: Any = None,
) -> list[LayerData]:
    """Read paths into layer data, with what the caller knows of voxel size and angles.

    Parameters
    ----------
    paths : sequence of str
        One file or folder, or several files of one tilt each.
    spacing_nm : float or (float, float, float), optional
        Voxel or pixel size, where the file does not say it.
    angles_deg : array-like, optional
        Tilt angles; given, the file is read as a tilt series.
    """
    if len(paths) > 1:
        return [_series(list(paths), name_from_path(Path(paths[0]).parent), spacing_nm, angles_deg)]
    path = Path(paths[0])
    if path.is_dir() and path.suffix.lower() != ".zarr":
        if find_runs(path):
            return runs_layers(path)
        return [_series(path, path.name, spacing_nm, angles_deg)]
    kind = describe(path)
    if kind == "tilt_series" or angles_deg is not None:
        return [_series(path, name_from_path(path), spacing_nm, angles_deg)]
    if path.suffix.lower() in _MAY_HOLD_ANGLES:
        try:
            return [_series(path, name_from_path(path), spacing_nm, None)]
        except (MissingAnglesError, FileFormatError):
            pass  # not a series: the volume reader says what is wrong, if anything is
    return [volume_data(read_volume(path, spacing=spacing_nm), name_from_path(path))]


def images_without_angles(paths: Sequence[str]) -> int | None:
    """Return the number of images of a path whose tilt angles are missing; None where angles are not what it lacks."""
    try:
        layer_data(paths, spacing_nm=1.0)
    except MissingAnglesError:
        if len(paths) > 1:
            return len(paths)
        path = Path(paths[0])
        if path.is_dir():
            return sum(file.suffix.lower() in SUFFIXES for file in path.iterdir())
        return len(SUFFIXES[path.suffix.lower()](path).data)
    except InputError:
        return None
    return None


def _series(path: Any, name: str, pixel_size_nm: Any, angles_deg: Any) -> LayerData:
    size = pixel_size_nm if pixel_size_nm is None or isinstance(pixel_size_nm, (int, float)) else pixel_size_nm[-1]
    return series_data(read_tilt_series(path, pixel_size_nm=size, angles_deg=angles_deg), name)


def _is_folder_of_tilts(folder: Path) -> bool:
    inside = [file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES]
    return len(inside) > 2 and len({file.suffix.lower() for file in inside}) == 1 and inside[0].suffix.lower() in (
        ".dm3", ".dm4", ".mrc", ".emd", ".tif", ".tiff"
    )  # fmt: skip
