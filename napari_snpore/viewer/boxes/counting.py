"""Phase fractions of several layers in all boxes, counted in a worker whenever boxes or voxels
change.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from napari.layers import Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_snpore.errors import InputError
from napari_snpore.subvolume import NamedBox
from napari_snpore.viewer.boxes.fractions import box_fractions
from napari_snpore.viewer.boxes.label_layers import phase_scheme
from napari_snpore.viewer.edits.watch import edits_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import volume_from_layer
from napari_snpore.volume import Volume

_Names = tuple[str, ...] | InputError
"""Of the phases of a layer, or why it has none."""


@dataclass(frozen=True)
class CountedBoxes:
    """The shares of all boxes in all layers, the names of all phases, and a sentence for each layer
    that has none.
    """

    table: pd.DataFrame
    phases: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class _CountRequest:
    """What is counted: layers with their voxels, or the reason why they have none."""

    sources: tuple[tuple[Layer, str, Volume | InputError], ...]
    boxes: tuple[NamedBox, ...]
    known: dict[Layer, _Names]


class BoxCounting(QObject):
    """Counts what ``wanted`` names; changes of a layer that it has counted make it count again.

    Parameters
    ----------
    wanted : callable
        ``wanted()`` returns the layers of phases and the boxes.
    parent : QObject
        Without it nothing is counted.

    Signals
    -------
    counted : object
        ``CountedBoxes``, in the GUI thread; None where there is nothing to count.
    failed : str
        One sentence.
    """

    counted = Signal(object)
    failed = Signal(str)

    def __init__(
        self, wanted: Callable[[], tuple[Sequence[Layer], Sequence[NamedBox]]], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._wanted = wanted
        self._found: CountedBoxes | None = None
        self._names: weakref.WeakKeyDictionary[Layer, _Names] = weakref.WeakKeyDictionary()
        self._watched: weakref.WeakSet[Layer] = weakref.WeakSet()
        self._work = LatestTask(self)
        self._work.done.connect(self._on_done)
        self._work.failed.connect(self._on_failed)
        self._soon = QTimer(
            self
        )  # a result that is made again sets its voxels, its record and its place one by one
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._start)

    def ask(self) -> None:
        """Count in the next turn of the event loop."""
        self._soon.start()

    def result(self) -> CountedBoxes | None:
        """Return the shares of the boxes as they are now; the window stays alive meanwhile. For
        scripts.
        """
        if self._soon.isActive():
            self._soon.stop()
            self._start()
        self._work.wait()
        return self._found

    def drop(self) -> None:
        """Count no more."""
        self._soon.stop()
        self._work.drop()

    def _start(self) -> None:
        layers, boxes = self._wanted()
        for layer in layers:
            self._watch(layer)
        if not layers or not boxes:
            self._work.drop()
            self._found = None
            self.counted.emit(None)
            return
        known = {layer: self._names[layer] for layer in layers if layer in self._names}
        options = _CountRequest(
            tuple((layer, layer.name, _voxels(layer)) for layer in layers), tuple(boxes), known
        )
        self._work.ask(lambda should_stop: _count(options, should_stop))

    def _on_done(self, found: tuple[CountedBoxes, dict[Layer, _Names]]) -> None:
        if self._soon.isActive():
            return  # outdated: it is counted again
        self._found, names = found
        self._names.update(names)
        self.counted.emit(self._found)

    def _on_failed(self, words: str) -> None:
        self._found = None
        self.counted.emit(None)
        self.failed.emit(words)

    def _watch(self, layer: Layer) -> None:
        if layer in self._watched:
            return
        self._watched.add(layer)
        events = layer.events
        for emitter in (events.data, events.labels_update, events.paint):
            connect_while_alive(self, emitter, self._on_voxels)
        edits = edits_of(layer)
        if edits is not None:  # napari tells of no stroke that was undone
            edits.changed.connect(self._on_edited)
        # errors that were estimated come with the metadata
        for emitter in (events.scale, events.translate, events.units, events.metadata):
            connect_while_alive(self, emitter, self._on_place)

    def _on_voxels(self, event: Any) -> None:
        self._names.pop(event.source, None)
        self.ask()

    def _on_edited(self) -> None:
        self._names.clear()
        self.ask()

    def _on_place(self, event: Any) -> None:
        del event
        self.ask()


def _count(
    options: _CountRequest, should_stop: Callable[[], bool]
) -> tuple[CountedBoxes, dict[Layer, _Names]]:
    tables, refused, names = [], [], dict(options.known)
    phases: list[str] = []
    for layer, name, volume in options.sources:
        if layer not in names:
            names[layer] = _names(layer)
        called = names[layer]
        if isinstance(volume, InputError) or isinstance(called, InputError):
            refused.append(str(volume if isinstance(volume, InputError) else called))
            continue
        try:
            table = box_fractions(volume, name, called, options.boxes, should_stop)
        except InputError as problem:
            refused.append(f"'{name}' cannot be counted: {problem}")
            continue
        tables.append(table)
        phases += [*called, *(table["name"].dropna() if "name" in table else ())]
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return CountedBoxes(table, tuple(dict.fromkeys(phases)), tuple(refused)), names


def _names(layer: Layer) -> _Names:
    try:
        return phase_scheme(layer).names
    except InputError as error:
        return error


def _voxels(layer: Layer) -> Volume | InputError:
    try:
        return volume_from_layer(layer)
    except InputError as error:
        return error
