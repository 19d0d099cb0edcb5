"""Reading of a saved window into a window state (in a worker), and restoring of a state in a viewer
(in the GUI thread).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import FileFormatError
from napari_snpore.files.guarded_reading import guarded, reason_of
from napari_snpore.viewer.shared.events import breathe, plain_viewer
from napari_snpore.viewer.shared.layers import add_layer
from napari_snpore.viewer.window.array_files import read_array
from napari_snpore.viewer.window.gather import ON_A_GRID, TYPES
from napari_snpore.viewer.window.layout import set_layout
from napari_snpore.viewer.window.manifest import (
    NAME,
    bytes_of,
    check_files,
    find_window,
    read_manifest,
)
from napari_snpore.viewer.window.meter import Meter
from napari_snpore.viewer.window.open_widgets import reopen_widgets
from napari_snpore.viewer.window.packing import unpack
from napari_snpore.viewer.window.save import VALUES
from napari_snpore.viewer.window.state import LayerState, WidgetState, WindowState
from napari_snpore.viewer.window.view import set_view


@dataclass(frozen=True)
class Restored:
    """The restored layers; ``notes`` names everything that could not be restored."""

    layers: tuple[Layer, ...]
    notes: tuple[str, ...]


def read_window(
    folder: str | Path, *, progress: Progress | None = None, should_stop: ShouldStop | None = None
) -> WindowState:
    """Read a saved window with all its arrays into memory; can run in a worker.

    Parameters
    ----------
    folder : path
        Folder written by :func:`~napari_snpore.viewer.window.save.save_window`, or the
        ``window.json`` in it.
    progress, should_stop : callable, optional
        Progress counts MiB.

    Returns
    -------
    WindowState
        Equal to the saved one; arrays have the same dtype and values.

    Raises
    ------
    FileFormatError
        There is no saved window, or one of its files is missing or damaged; the sentence names it.
    Stopped
        The user cancelled.
    """
    given = Path(folder).expanduser().absolute()
    folder = find_window(given) or given
    content = read_manifest(folder)
    try:
        with guarded(folder / NAME):
            meter = Meter(2 * bytes_of(content), progress, should_stop)
            check_files(folder, content, meter)
            state = _window(folder, content, _values(folder / VALUES), meter)
            _check_kinds(state)
    except FileFormatError as error:
        place = str(folder)
        raise (
            error if place in str(error) else FileFormatError(f"{folder / NAME} {error}.")
        ) from error
    meter.finish()
    return state


def restore_window(viewer: Any, state: WindowState) -> Restored:
    """Add the layers of a window to a viewer, then restore position, camera, overlays, selection
    and widgets.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
        Its own layers remain, below the new ones.
    state : WindowState
        Returned by :func:`read_window`.

    Returns
    -------
    Restored
        The new layers. One that napari refuses is left out and noted.
    """
    viewer = plain_viewer(viewer)
    notes: list[str] = []
    if state.view:
        viewer.dims.ndisplay = (
            2  # in 3D napari picks labels under the mouse, which fails before it has moved
        )
    made = []
    breathe(viewer)
    for layer in state.layers:  # the window is drawn between them: each takes a while
        made.append(_add(viewer, layer, notes))
        breathe(viewer)
    with _noted(notes, "selection of layers"):
        _select(viewer, state, made)
    with _noted(notes, "view"):
        set_view(viewer, state.view)
    by_name = {
        saved.name: layer
        for saved, layer in zip(state.layers, made, strict=True)
        if layer is not None
    }
    breathe(viewer)
    reopen_widgets(viewer, state.widgets, by_name, notes)
    with _noted(notes, "layout of the window"):
        set_layout(viewer, state.layout)
    return Restored(tuple(layer for layer in made if layer is not None), tuple(notes))


@contextmanager
def _noted(notes: list[str], what: str) -> Iterator[None]:
    """Note that a part of the window is not as it was, whatever napari raises: the layers stay."""
    try:
        yield
    except Exception as error:  # napari raises many kinds for a value that it does not take
        notes.append(f"The {what} could not be restored ({reason_of(error)}).")


def _values(path: Path) -> Mapping[str, NDArray[Any]]:
    """Return the arrays of an NPZ file, which is written without compression: a member that is
    larger than the file is refused before any memory is taken for it.
    """
    if not path.is_file():
        return {}
    with guarded(path):
        size = path.stat().st_size
        try:
            with zipfile.ZipFile(path) as archive:
                if any(one.file_size > size for one in archive.infolist()):
                    raise FileFormatError(f"{path} is damaged: a part of it is larger than it is.")
            with np.load(path, allow_pickle=False) as held:
                return {name: held[name] for name in held.files}
        except (zipfile.BadZipFile, ValueError, EOFError) as error:
            if isinstance(error, FileFormatError):
                raise
            raise FileFormatError(f"{path} is damaged or cut short.") from error


def _check_kinds(state: WindowState) -> None:
    """Refuse a window whose parts are not of the kinds that are restored."""
    parts: list[tuple[Any, type]] = [(state.view, Mapping), (state.layout, Mapping)]
    for layer in state.layers:
        parts += [(one, Mapping) for one in (layer.settings, layer.later, layer.overlays)]
    parts += [(widget.state, Mapping) for widget in state.widgets]
    if not all(isinstance(value, kind) for value, kind in parts):
        raise FileFormatError("is damaged: a part of it is of the wrong kind")


def _window(
    folder: Path, content: Mapping[str, Any], values: Mapping[str, NDArray[Any]], meter: Meter
) -> WindowState:
    arrays: dict[str, NDArray[Any]] = {}
    window = unpack(content["window"], values)
    return WindowState(
        tuple(
            _layer(folder, one, values, arrays, content["files"], meter)
            for one in content["layers"]
        ),
        window["view"],
        tuple(window["selected"]),
        window["active"],
        tuple(
            WidgetState(one["name"], unpack(one["state"], values))
            for one in content.get("widgets", ())
        ),
        window.get("layout", {}),
        tuple(content.get("notes", ())),
    )


def _layer(
    folder: Path,
    saved: Mapping[str, Any],
    values: Mapping[str, NDArray[Any]],
    arrays: dict[str, NDArray[Any]],
    files: Mapping[str, Any],
    meter: Meter,
) -> LayerState:
    if saved["type"] not in TYPES:
        raise FileFormatError(f"holds a layer of a type that is not known here ({saved['type']})")
    if saved["type"] in ON_A_GRID:
        name = saved["data"]["file"]
        if name not in files:
            raise FileFormatError(f"names {name}, but not its checksum")
        if name not in arrays:
            arrays[name] = read_array(folder, saved["data"], meter)
        data: Any = arrays[name]
    else:
        data = unpack(saved["data"], values)
    rest = (unpack(saved[key], values) for key in ("settings", "later", "overlays"))
    settings, later, overlays = rest
    return LayerState(data, settings, saved["type"], later, overlays)


def _add(viewer: Any, saved: LayerState, notes: list[str]) -> Layer | None:
    try:
        hidden = {**saved.settings, "visible": False}
        layer = add_layer(viewer, (saved.data, hidden, saved.type_name))
        breathe(viewer)  # slices take it when it is shown, one canvas after the other
        layer.visible = bool(saved.settings.get("visible", True))
    except Exception as error:  # another version of napari may refuse a keyword or a value
        notes.append(
            f"The layer '{saved.name}' could not be made again ({error}); it was left out."
        )
        return None
    try:
        for name, value in saved.later.items():
            if (
                getattr(layer, name) != value
            ):  # setting the same label again changes the selection of its colormap
                setattr(layer, name, value)
        for name, values in saved.overlays.items():
            getattr(layer, name).update(dict(values))
    except Exception as error:
        notes.append(f"The layer '{saved.name}' does not look quite as it did: {error}.")
    return layer


def _select(viewer: Any, state: WindowState, made: list[Layer | None]) -> None:
    selection = viewer.layers.selection
    chosen = {made[k] for k in state.selected if made[k] is not None}
    if made:
        selection.clear()
        selection.update(chosen)
        selection.active = None if state.active is None else made[state.active]
