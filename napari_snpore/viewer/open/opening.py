"""Opening of dropped or chosen paths in a window: read in a worker, with a question where files
give too little.

Paths that this plugin does not read go to napari's other readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from napari.errors import MultipleReaderError, NoAvailableReaderError, ReaderPluginError
from napari.utils.history import update_open_history

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.viewer.forms.path_dialogs import note_folder
from napari_snpore.viewer.open.missing_scale import ask
from napari_snpore.viewer.open.raw_question import ask_layout
from napari_snpore.viewer.open.recognize import are_read_here
from napari_snpore.viewer.open.steps import Outcome, read_paths
from napari_snpore.viewer.shared.layers import add_layer
from napari_snpore.viewer.window.manifest import find_window
from napari_snpore.viewer.window.opening import start_opening
from napari_snpore.viewer.window.window_work import refuse, start_shown

Run = Callable[[str, Callable[[Progress, ShouldStop], Any], Callable[[Any], None]], Any]
"""``run(what, work, done)``: runs ``work`` in a worker and passes its result to ``done``."""


def open_paths(
    viewer: Any, paths: Sequence[str], run: Run, refuse: Callable[[InputError], None]
) -> None:
    """Open paths in a window.

    Parameters
    ----------
    viewer : Viewer
        The window.
    paths : sequence of str
        Files and folders. Files of one image each that belong together become one series.
    run : callable
        Runs the reading in a worker; see :data:`Run`.
    refuse : callable
        Called with an error for each path that cannot be opened.
    """
    read_here: list[str] = []
    for path, known in zip(paths, are_read_here(paths), strict=True):
        if find_window(path) is not None:
            start_opening(viewer, path)
        elif known:
            read_here.append(path)
        else:
            _open_with_napari(viewer, path, refuse)
    if read_here:
        run(
            "Open",
            lambda progress, should_stop: read_paths(
                read_here, progress=progress, should_stop=should_stop
            ),
            lambda outcomes: _show(viewer, outcomes, refuse),
        )


def open_dropped(viewer: Any, paths: Sequence[str]) -> bool:
    """Open dropped paths; return False, and open none, where this plugin does not read one of
    them.
    """
    if not all(are_read_here(paths)):
        return False
    open_paths(viewer, paths, partial(start_shown, viewer), refuse)
    return True


def _show(viewer: Any, outcomes: Sequence[Outcome], refuse: Callable[[InputError], None]) -> None:
    for outcome in outcomes:
        layers = [add_layer(viewer, data) for data in outcome.layers]
        if layers:
            note_folder(viewer, layers, outcome.paths[0])
            update_open_history(outcome.paths[0])
        if outcome.question is not None:
            ask(viewer, outcome.question)
        if outcome.lacks_layout:
            ask_layout(viewer, outcome.paths[0])
        elif outcome.error is not None:
            refuse(outcome.error)


def _open_with_napari(viewer: Any, path: str, refuse: Callable[[InputError], None]) -> None:
    try:
        try:
            viewer.open(path, plugin=None)
        except (
            MultipleReaderError
        ):  # for this suffix napari knows two readers, this plugin's and its own
            viewer.open(path, plugin="napari")
        update_open_history(path)
    except (ReaderPluginError, NoAvailableReaderError, ValueError, OSError) as error:
        cause = getattr(error, "original_error", None) or error
        reason = " ".join(str(cause).split()) or type(cause).__name__
        refuse(InputError(f"{Path(path)} cannot be opened: {reason}"))
