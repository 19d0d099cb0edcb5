"""Reader of the napari manifest: paths into layer data, with a question in the window where the
files give too little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from napari.utils.notifications import show_error

from napari_snpore.errors import InputError
from napari_snpore.files.formats import format_of
from napari_snpore.files.image_input import parse_input
from napari_snpore.files.mdoc import MDOC
from napari_snpore.viewer.edits.watch import watch_edits
from napari_snpore.viewer.open.missing_scale import ask
from napari_snpore.viewer.open.raw_question import ask_layout
from napari_snpore.viewer.open.recognize import is_read_here
from napari_snpore.viewer.open.steps import Outcome, layer_of, outcome_of, read_paths
from napari_snpore.viewer.shared.events import calling_viewer
from napari_snpore.viewer.window.manifest import find_window
from napari_snpore.viewer.window.opening import read_layers

ReaderFunction = Callable[[str | Sequence[str]], list[Any]]

NO_LAYERS_YET: list[Any] = [(None,)]
"""What a reader returns to napari when the layer is added later, after a question."""


def get_reader(path: str | Sequence[str]) -> ReaderFunction | None:
    """Return a reader for a path, or None for a path that this plugin does not read; quick, never
    raises.

    A list of paths is one series of one image per file. A TIFF stack without a voxel size is read
    too: napari lets the user choose among readers by the suffix alone, and whoever chooses this one
    is asked for the size.
    """
    try:
        if not isinstance(path, str):
            first = Path(path[0])
            known = format_of(first) is not None or first.suffix.lower() == MDOC
            return read if known and first.is_file() else None
        if find_window(path) is not None:
            return read_saved_window
        return read if is_read_here(path) else None
    except Exception:  # napari reports an error here as a fault of the plugin, whatever the path is
        return None


def read(path: str | Sequence[str]) -> list[Any]:
    """Return the layer data of a path; where size or angles are missing, open a question in the
    window and return none.

    Raises
    ------
    InputError
        The file cannot be used or lacks something, and there is no window to show it in.
    """
    outcome = _outcome(path)
    viewer = calling_viewer()
    if viewer is not None:
        watch_edits(viewer)
    if outcome.layers:
        return list(outcome.layers)
    if viewer is None:
        if (
            outcome.question is not None
        ):  # without the missing value this raises the sentence that names it
            return [layer_of(outcome.question.source, outcome.question.contents.kind)]
        raise outcome.error or InputError(f"{path} holds nothing that can be shown.")
    if outcome.question is not None:
        ask(viewer, outcome.question)
    elif outcome.lacks_layout:
        ask_layout(viewer, outcome.paths[0])
    else:
        show_error(str(outcome.error))  # raised, napari would show it with a traceback
    return NO_LAYERS_YET


def read_saved_window(path: str | Sequence[str]) -> list[Any]:
    """Restore a saved window: layers, position, cameras and widgets."""
    return read_layers(str(path)) or NO_LAYERS_YET


def _outcome(path: str | Sequence[str]) -> Outcome:
    if isinstance(path, str):
        return read_paths([path])[0]
    try:
        return outcome_of(parse_input(path))
    except InputError as error:
        return Outcome(tuple(path), error=error)
