"""Opening of a saved window: dropped on napari, from File > Open Folder, or from the menu of this
plugin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QFileDialog

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import Stopped
from napari_snpore.viewer.forms.path_dialogs import folder_of, note_folder
from napari_snpore.viewer.shared.events import calling_viewer, plain_viewer
from napari_snpore.viewer.shared.layers import LayerData
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.window.folder_dialog import ask_what_to_open
from napari_snpore.viewer.window.restore import read_window, restore_window
from napari_snpore.viewer.window.state import WindowState
from napari_snpore.viewer.window.window_work import notify, run_shown, start_shown


def read_layers(folder: str | Path) -> list[LayerData]:
    """Restore a saved window in the viewer that opens it, for the reader of the manifest.

    Returns
    -------
    list of layer data
        Empty if there is a viewer, which then has the layers already, because napari's readers
        cannot set a camera or a position; else the layers.

    Raises
    ------
    FileFormatError
        A file is missing or damaged.
    """
    viewer = calling_viewer()
    if viewer is None:
        return [(one.data, dict(one.settings), one.type_name) for one in read_window(folder).layers]
    try:
        state = run_shown(viewer, "Open window", _reading(folder))
    except Stopped as stopped:
        show_info(str(stopped))
        return []
    _restore(viewer, folder, state)
    return []


def open_window_from(viewer: napari.Viewer) -> QFileDialog:
    """Open a dialog for a folder with a saved window, then the window; does not block."""
    viewer = plain_viewer(viewer)
    beside = folder_of(viewer, viewer.layers.selection.active)
    return ask_what_to_open(partial(start_opening, viewer), beside=beside)


def start_opening(viewer: Any, folder: str) -> StepStatus:
    """Open a saved window in a worker, with its progress at the bottom of the window."""
    return start_shown(viewer, "Open window", _reading(folder), partial(_restore, viewer, folder))


def _reading(folder: str | Path) -> Callable[[Progress, ShouldStop], WindowState]:
    return lambda progress, should_stop: read_window(
        folder, progress=progress, should_stop=should_stop
    )


def _restore(viewer: Any, folder: str | Path, state: WindowState) -> None:
    restored = restore_window(viewer, state)
    place = Path(folder)
    note_folder(viewer, restored.layers, place if place.is_dir() else place.parent)
    if restored.notes:
        count = len(restored.layers)
        notify(f"Opened {count} layer{'' if count == 1 else 's'}.", restored.notes)
