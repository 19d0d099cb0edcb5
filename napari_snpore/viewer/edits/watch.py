"""Watches the phases of a window for corrections by hand, and keeps them in the history of the
layer.

napari tells what a stroke overwrote, but not that one was undone: then it only draws the layer
again. So the touched voxels are compared with what they were whenever the layer is drawn.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal

from napari_snpore.history import EditByHandStep, all_steps, stored_history
from napari_snpore.segmentation.phase_edits import Box, Changes, PhaseEdits, edit_step
from napari_snpore.viewer.edits.strokes import strokes_of
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import KEY, kind_of, record_of, steps_of

_AT_ONCE_BYTES = 4 << 20
"""Touched blocks that are compared in the GUI thread, in about a millisecond; more in a worker."""

_SOON_MS = 60


class LayerEdits(QObject):
    """Corrections by hand of one layer of phases.

    Signals
    -------
    changed
        The corrections changed, and the history of the layer with them.
    made_again
        A step of the program made other phases, in which nothing is corrected yet.
    """

    changed = Signal()
    made_again = Signal()

    def __init__(self, layer: Labels) -> None:
        super().__init__()
        self._layer = weakref.ref(layer)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._compare_soon)
        self._work = LatestTask(self)
        self._work.done.connect(self._take)
        self._begin(layer)
        connect_while_alive(self, layer.events.paint, self._on_paint)
        connect_while_alive(self, layer.events.labels_update, self._on_painted)
        connect_while_alive(self, layer.events.set_data, self._on_drawn)
        connect_while_alive(self, layer.events.data, self._on_data)
        connect_while_alive(self, layer.events.metadata, self._on_metadata)

    @property
    def changes(self) -> Changes:
        """(label before, label now, voxels) of all corrections since the phases were made or
        opened.
        """
        return self._changes

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Boxes outside of which no voxel was corrected."""
        return self._edits.boxes

    def settle(self) -> None:
        """Compare at once; for scripts, and before the layer is written."""
        self._soon.stop()
        self._work.wait()
        layer = self._layer()
        if layer is not None and self._edits.nbytes:
            self._take(self._edits.changes(self._data))

    def _begin(self, layer: Labels) -> None:
        """Count from the phases as they are now: they were just made, or opened."""
        self._made = record_of(layer)
        self._written: Any = self._made
        self._data = layer.data
        self._edits = PhaseEdits(np.shape(layer.data))
        self._changes: Changes = ()

    def _on_paint(self, event: Any) -> None:
        layer = self._layer()
        if layer is not None:
            # napari emits some strokes before they reach the voxels
            self._edits.note(np.asarray(layer.data), strokes_of(layer, event.value))
            self._soon.start()

    def _on_painted(self, event: Any) -> None:
        del event
        if self._edits.nbytes:
            self._compare()

    def _on_drawn(self, event: Any) -> None:
        del event
        if self._edits.nbytes:  # nothing was touched: drawn because a slider moved
            self._soon.start()

    def _on_data(self, event: Any) -> None:
        """Other voxels were given to the layer: a result that was made again brings its record, in
        a moment.
        """
        del event
        layer = self._layer()
        if layer is not None and layer.data is not self._data:
            self._soon.start()

    def _on_metadata(self, event: Any) -> None:
        del event
        layer = self._layer()
        if layer is None or record_of(layer) is self._written:
            return
        self._begin(layer)
        self._work.drop()
        self.made_again.emit()

    def _compare_soon(self) -> None:
        layer = self._layer()
        if layer is None:
            return
        if layer.data is not self._data:
            before, now = np.asarray(self._data), layer.data
            self._data = now
            if np.shape(before) != np.shape(now):
                self._begin(layer)
                return
            edits = self._edits

            def replaced(should_stop: Any) -> Changes:
                del should_stop
                edits.note_replaced(before, np.asarray(now))
                return edits.changes(np.asarray(now))

            self._work.ask(replaced)
            return
        self._compare()

    def _compare(self) -> None:
        layer, edits = self._layer(), self._edits
        if layer is None:
            return
        data = np.asarray(layer.data)
        if edits.nbytes <= _AT_ONCE_BYTES and not self._work.busy:
            self._take(edits.changes(data))
        else:
            self._work.ask(lambda should_stop: edits.changes(data))

    def _take(self, changes: Changes) -> None:
        """Keep the corrections in the history of the layer, as one step of its own."""
        layer = self._layer()
        if layer is None or changes == self._changes:
            return
        self._changes = changes
        step = edit_step(changes)
        history = steps_of(self._made) + (() if step is None else (step.step,))
        self._written = {**self._made, **stored_history(history)}
        layer.metadata = {**layer.metadata, KEY: self._written}
        self._written = record_of(layer)
        self.changed.emit()


_EDITS: weakref.WeakKeyDictionary[Layer, LayerEdits] = weakref.WeakKeyDictionary()
_WATCHED: weakref.WeakKeyDictionary[Any, bool] = weakref.WeakKeyDictionary()


def watch_edits(viewer: Any) -> None:
    """Keep the corrections of all phases of a window, those that come later too; once is enough."""
    if viewer in _WATCHED:
        return
    _WATCHED[viewer] = True
    viewer.layers.events.inserted.connect(_on_inserted)
    for layer in viewer.layers:
        edits_of(layer)
        _say_of_objects(layer)


def edits_of(layer: Layer | None) -> LayerEdits | None:
    """Return the corrections of a layer; None where it holds no phases of the program, or levels of
    them, on which napari does not paint.
    """
    if not isinstance(layer, Labels) or kind_of(layer) != "phases" or np.ndim(layer.data) != 3:
        return None
    if layer.multiscale:
        return None
    if layer not in _EDITS:
        _EDITS[layer] = LayerEdits(layer)
    return _EDITS[layer]


def hand_edits(layer: Layer | None) -> tuple[EditByHandStep, ...]:
    """Return the corrections by hand in the history of a layer, oldest first."""
    return all_steps(steps_of(record_of(layer)), EditByHandStep)


def _on_inserted(event: Any) -> None:
    edits_of(event.value)
    _say_of_objects(event.value)


def _say_of_objects(layer: Layer) -> None:
    """Say once that strokes on a layer of objects change nothing else."""
    if not isinstance(layer, Labels) or kind_of(layer) != "objects":
        return

    def say(event: Any) -> None:
        painted = event.source
        painted.events.paint.disconnect(say)
        show_warning(
            f"Strokes on '{painted.name}' change neither phases nor numbers, and its table is of the objects before. Paint "
            "on the phases, or use Corrections by hand in the Measure form; undo takes the stroke back."
        )

    layer.events.paint.connect(say)
