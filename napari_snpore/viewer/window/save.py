"""Writing of a window state into a folder, under another name first and then renamed, so that it is
complete or absent.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError, OutputError
from napari_snpore.files.atomic import making
from napari_snpore.outputs.own_files import unlisted_file
from napari_snpore.outputs.work_folder import clean_leftovers
from napari_snpore.viewer.window.array_files import FOLDER, write_array
from napari_snpore.viewer.window.gather import ON_A_GRID, window_state
from napari_snpore.viewer.window.manifest import is_window_folder, write_manifest
from napari_snpore.viewer.window.meter import Meter, size_in_words
from napari_snpore.viewer.window.packing import NotKeptError, Packer
from napari_snpore.viewer.window.state import LayerState, WindowState

VALUES = f"{FOLDER}/values.npz"
"""In a subfolder, because napari's own reader of folders takes the files directly in a folder for
images.
"""


@dataclass(frozen=True)
class Saved:
    """Summary of a saved window; ``notes`` names everything that differs from the window."""

    folder: Path
    layer_count: int
    size_bytes: int
    notes: tuple[str, ...]


def save_window(
    viewer: Any,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Saved:
    """Save the state of a viewer; parameters and errors as in :func:`write_window`."""
    return write_window(window_state(viewer), folder, progress=progress, should_stop=should_stop)


def write_window(
    state: WindowState,
    folder: str | Path,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Saved:
    """Write the state of a window into a folder; can run in a worker.

    Parameters
    ----------
    state : WindowState
        Returned by :func:`~napari_snpore.viewer.window.gather.window_state`.
    folder : path
        A new or empty folder, or one with a saved window, which is replaced once the new one is
        complete.
    progress, should_stop : callable, optional
        Progress counts MiB.

    Returns
    -------
    Saved
        Summary, with notes on what was not saved.

    Raises
    ------
    OutputError
        The folder holds something else, or cannot be written; no partial files remain.
    InputError
        The data of a layer cannot be read.
    Stopped
        The user cancelled; the folder is unchanged.
    """
    folder = checked_place(folder)
    arrays = {id(layer.data): layer.data for layer in state.layers if layer.type_name in ON_A_GRID}
    size = sum(_bytes(data) for data in arrays.values())
    _check_free_space(folder, size)
    meter = Meter(
        2 * size, progress, should_stop
    )  # each byte is written, and read again for its checksum
    packer = Packer()
    left = clean_leftovers(folder.parent)
    try:
        with making(folder) as work:
            _checked(work.target)  # again: now nobody else writes it
            part = work.new(work.target.name)
            content = _write(part, state, packer, meter)
            written = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
            work.move_in(work.target.name)
    except OutputError:
        # the partial files are removed by now; if the disk was full, say how much the window needs
        _check_free_space(folder, size + sum(array.nbytes for array in packer.arrays.values()))
        raise
    meter.finish()
    return Saved(folder, len(state.layers), written, (*left, *content["notes"]))


def _write(part: Path, state: WindowState, packer: Packer, meter: Meter) -> dict[str, Any]:
    """Write all files of a window into a new folder, and return the content of its manifest."""
    part.mkdir()
    files: dict[int, dict[str, Any]] = {}
    layers = [
        _pack_layer(part, k, layer, packer, files, meter) for k, layer in enumerate(state.layers, 1)
    ]
    window = {
        "view": state.view,
        "selected": list(state.selected),
        "active": state.active,
        "layout": state.layout,
    }
    content = {
        "layers": layers,
        "window": packer.pack(window, "the window"),
        "widgets": [
            {
                "name": one.display_name,
                "state": packer.pack(one.state, f"the widget {one.display_name}"),
            }
            for one in state.widgets
        ],
    }
    if packer.arrays:
        (part / FOLDER).mkdir(exist_ok=True)
        np.savez(part / VALUES, allow_pickle=False, **packer.arrays)
    content["notes"] = [*state.notes, *packer.notes]
    write_manifest(part, content, meter)
    return content


def checked_place(folder: str | Path) -> Path:
    """Return the folder to save to as an absolute path, if a window may be saved there.

    Raises
    ------
    OutputError
        The folder holds something else, or its name is not possible.
    """
    place = Path(folder).expanduser().absolute()
    try:
        return _checked(place)
    except OutputError:
        raise
    except (
        OSError
    ) as error:  # for example a name that is too long, or a folder without permission to list it
        raise OutputError(f"{place} cannot be saved to: {error.strerror or error}.") from error


def _checked(place: Path) -> Path:
    if place.is_dir():
        if not is_window_folder(place) and any(place.iterdir()):
            raise OutputError(
                f"{place} holds something other than a saved window; choose a new or an empty folder."
            )
        extra = unlisted_file(place)
        if extra is not None:
            raise OutputError(
                f"{place} holds {extra}, which is not part of the saved window; choose a new or an empty folder."
            )
    elif place.exists():
        raise OutputError(f"{place} is a file; choose a new or an empty folder.")
    return place


def _pack_layer(
    folder: Path,
    number: int,
    layer: LayerState,
    packer: Packer,
    files: dict[int, dict[str, Any]],
    meter: Meter,
) -> dict[str, Any]:
    """Write the array of a layer and return the rest as JSON; layers that share an array share its
    file.
    """
    where = f"the layer '{layer.name}'"
    if layer.type_name in ON_A_GRID:
        if id(layer.data) not in files:
            files[id(layer.data)] = write_array(folder, number, layer.data, layer.settings, meter)
        data: Any = files[id(layer.data)]
    else:
        try:
            data = packer.pack(layer.data, where)
        except NotKeptError as error:
            raise InputError(f"The data of {where} cannot be saved: {error}.") from error
    return {
        "name": layer.name,
        "type": layer.type_name,
        "data": data,
        "settings": packer.pack(layer.settings, where),
        "later": packer.pack(layer.later, where),
        "overlays": packer.pack(layer.overlays, where),
    }


def _bytes(data: Any) -> int:
    return int(np.prod(data.shape, dtype=np.int64)) * int(np.dtype(data.dtype).itemsize)


def _check_free_space(folder: Path, size: int) -> None:
    """Refuse to start writing where the disk has less free space than the arrays need."""
    parent = next((one for one in folder.parents if one.is_dir()), None)
    free = size if parent is None else shutil.disk_usage(parent).free
    if free < size:
        raise OutputError(
            f"{folder} cannot be written: the window needs {size_in_words(size)}, and {size_in_words(free)} are free there."
        )
