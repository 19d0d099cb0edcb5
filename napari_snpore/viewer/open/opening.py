"""Paths into the layers of a window, as a drop or a dialog brings them: read in a thread, asked about where they say too little.

Several files of one image each are one series. What is not ours goes to the readers of others; what fails is said in one
sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari.errors import MultipleReaderError, NoAvailableReaderError, ReaderPluginError
from napari.utils.history import update_open_history

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError, MissingAnglesError, MissingScaleError
from napari_snpore.files import SUFFIXES
from napari_snpore.viewer.open.readers import Question, get_reader, layer_data, question_about
from napari_snpore.viewer.shared.layers import LayerData, add_layer
from napari_snpore.viewer.window.manifest import find_window

Run = Callable[[str, Callable[[Progress, ShouldStop], Any], Callable[[Any], None]], Any]
"""``run(what, work, done)``: does ``work`` in a thread and gives its result to ``done``."""

_ONE_IMAGE_EACH = (".dm3", ".dm4", ".mrc", ".tif", ".tiff", ".emd")
_FEWEST = {".tif": 3, ".tiff": 3}
"""Two TIFF files of one image are two pictures."""


@dataclass(frozen=True)
class Outcome:
    """What came of the paths of one layer: its data, a question, or the reason why not."""

    paths: tuple[str, ...]
    layers: tuple[LayerData, ...] = ()
    question: Question | None = None
    refusal: str = ""


def open_paths(viewer: Any, paths: Sequence[str], run: Run, refuse: Callable[[InputError], None]) -> None:
    """Open paths in a window.

    Parameters
    ----------
    viewer : Viewer
        The window.
    paths : sequence of str
        Files and folders.
    run : callable
        How ours are read; see :data:`Run`.
    refuse : callable
        Told of each path that cannot be opened.
    """
    ours: list[tuple[str, ...]] = []
    for group in grouped(paths):
        if len(group) == 1 and find_window(Path(group[0])) is not None:
            from napari_snpore.viewer.window.opening import start_opening

            start_opening(viewer, group[0])
        elif is_ours(group):
            ours.append(group)
        else:
            _open_by_others(viewer, group[0], refuse)
    if ours:
        run(
            "Open",
            lambda progress, should_stop: _read(ours, progress, should_stop),
            lambda found: _show(viewer, found, refuse),
        )


def grouped(paths: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the paths that belong together: files of one folder and suffix that hold one image each are one series."""
    groups: dict[Any, list[str]] = {}
    for path in paths:
        place = Path(path)
        together = place.suffix.lower() in _ONE_IMAGE_EACH and place.is_file()
        groups.setdefault((place.parent, place.suffix.lower()) if together else path, []).append(str(path))
    found: list[tuple[str, ...]] = []
    for group in groups.values():
        fewest = _FEWEST.get(Path(group[0]).suffix.lower(), 2)
        together = len(group) >= fewest and _is_one_image(Path(group[0]))
        found += [tuple(group)] if together else [(path,) for path in group]
    return found


def is_ours(group: Sequence[str]) -> bool:
    """Say whether the paths of one layer are read by us."""
    return len(group) > 1 or get_reader(group[0]) is not None


def _is_one_image(path: Path) -> bool:
    try:
        shape = SUFFIXES[path.suffix.lower()](path).data.shape
    except InputError:
        return False  # what is wrong with it is said when it is opened
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)


def _read(groups: Sequence[tuple[str, ...]], progress: Progress, should_stop: ShouldStop) -> list[Outcome]:
    found = []
    for done, group in enumerate(groups):
        progress(done, len(groups))
        check_stop(should_stop)
        found.append(_outcome(group))
    return found


def _outcome(group: tuple[str, ...]) -> Outcome:
    try:
        return Outcome(group, tuple(layer_data(group)))
    except (MissingScaleError, MissingAnglesError) as lacks:
        return Outcome(group, question=question_about(group, lacks))
    except (InputError, OSError) as error:
        return Outcome(group, refusal=str(error))


def _show(viewer: Any, outcomes: Sequence[Outcome], refuse: Callable[[InputError], None]) -> None:
    for outcome in outcomes:
        for data in outcome.layers:
            add_layer(viewer, data)
        if outcome.layers:
            update_open_history(outcome.paths[0])
        if outcome.question is not None:
            from napari_snpore.viewer.open.missing_scale import ask

            ask(viewer, outcome.paths, outcome.question)
        if outcome.refusal:
            refuse(InputError(outcome.refusal))


def _open_by_others(viewer: Any, path: str, refuse: Callable[[InputError], None]) -> None:
    try:
        try:
            viewer.open(path, plugin=None)
        except MultipleReaderError:  # by the suffix we are one of them: napari's own reader is the other
            viewer.open(path, plugin="napari")
        update_open_history(path)
    except (ReaderPluginError, NoAvailableReaderError, ValueError, OSError) as error:
        cause = getattr(error, "original_error", None) or error
        refuse(InputError(f"{path} cannot be opened: {' '.join(str(cause).split()) or type(cause).__name__}"))
