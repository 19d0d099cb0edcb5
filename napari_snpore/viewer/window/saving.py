"""File > IO Utilities > Save window …: a dialog for the folder, saving in a worker, and a
notification at the end.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import napari
from qtpy.QtWidgets import QFileDialog

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.path_dialogs import folder_of
from napari_snpore.viewer.shared.events import plain_viewer
from napari_snpore.viewer.shared.layers import stem_of
from napari_snpore.viewer.shared.worker import StepStatus
from napari_snpore.viewer.window.folder_dialog import ask_where_to_save
from napari_snpore.viewer.window.gather import window_state
from napari_snpore.viewer.window.meter import size_in_words
from napari_snpore.viewer.window.save import Saved, checked_place, write_window
from napari_snpore.viewer.window.window_work import notify, refuse, start_shown

_EMPTY = "There is no layer to save yet: open a file, or File > Open Sample."


def save_window_as(viewer: napari.Viewer) -> QFileDialog | None:
    """Open a dialog for a folder, then save the whole window there; does not block."""
    viewer = plain_viewer(viewer)
    if not viewer.layers:
        refuse(InputError(_EMPTY))
        return None
    return ask_where_to_save(
        f"{stem_of(viewer.layers[0].name)} window",
        partial(start_saving, viewer),
        beside=folder_of(viewer, viewer.layers[0]),
    )


def start_saving(viewer: Any, folder: str) -> StepStatus | None:
    """Save the window in a worker, with its progress at the bottom of the window; None if it is
    refused at once.
    """
    try:
        place = checked_place(folder)
        state = window_state(viewer)
    except InputError as error:
        refuse(error)
        return None

    def work(progress: Progress, should_stop: ShouldStop) -> Saved:
        return write_window(state, place, progress=progress, should_stop=should_stop)

    return start_shown(viewer, "Save window", work, _notify_saved)


def _notify_saved(saved: Saved) -> None:
    count = f"{saved.layer_count} layer{'' if saved.layer_count == 1 else 's'}"
    notify(f"Saved {count} ({size_in_words(saved.size_bytes)}) in {saved.folder}", saved.notes)
