"""Connects the corrections by hand with picture, table and form."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels, Layer
from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_snpore.errors import InputError
from napari_snpore.history import stored_history
from napari_snpore.viewer.measure.cut_line import CutLine
from napari_snpore.viewer.measure.hand_corrections import HandCorrections
from napari_snpore.viewer.measure.hand_panel import HandPanel
from napari_snpore.viewer.measure.object_panel import ObjectPanel
from napari_snpore.viewer.measure.picking import voxel_of
from napari_snpore.viewer.measure.steps import MeasuredLayer
from napari_snpore.viewer.shared.events import connect_while_alive
from napari_snpore.viewer.shared.layers import KEY, object_features, record_of
from napari_snpore.viewer.shared.worker import InUse
from napari_snpore.viewer.slices.clicks import slice_clicks

if TYPE_CHECKING:
    from napari_snpore.viewer.measure.widget import MeasureWidget


class HandControl(QObject):
    """The corrections by hand of a Measure form.

    Signals
    -------
    corrected : MeasuredLayer
        The objects and their table are others; the layer shows them.
    fresh
        The numbers are those of the phases as they are.
    """

    corrected = Signal(object)
    fresh = Signal()

    def __init__(self, form: MeasureWidget, viewer: Any, objects: ObjectPanel) -> None:
        super().__init__(form)
        self._form, self._viewer, self._objects = form, viewer, objects
        self.panel = HandPanel()
        self.work = HandCorrections(self)
        self._layer: Labels | None = None
        self._first: int | None = None
        self._line: CutLine | None = None
        self._bound: weakref.WeakSet[Labels] = weakref.WeakSet()
        self._connect()
        self._enable()

    def begin(
        self,
        measured: MeasuredLayer,
        source: Labels,
        layer: Labels,
        gray: Layer | None,
        corrections: tuple[Any, ...] = (),
    ) -> None:
        """Take a measurement, what was measured, and the layer of its objects."""
        self.panel.release()
        self._layer = layer
        self.work.begin(measured, source, gray, corrections)
        names = measured.options.names if measured.of_phase else ()
        self.panel.show_phases(names, measured.options.phase)
        for one in (layer, source):
            self._bind_undo(one)
        self._enable()
        self._show_words()

    def close(self) -> None:
        """Take no click and no line any more, and stop."""
        self.panel.release()
        self.work.drop()

    def merge(self, first: int, second: int) -> None:
        """Make two objects one, by their numbers."""
        self.work.merge(self._voxel(first), self._voxel(second))

    def split(self, label: int, line: Any, axis: int) -> None:
        """Cut an object along a line between two voxel positions, along an array axis."""
        self.work.split(self._voxel(label), line, axis)

    def delete(self, label: int, into: int) -> None:
        """Give an object to another phase, by its label; 0 is the exterior."""
        self.work.delete(label, into)
        self._enable()

    def undo(self) -> None:
        """Take the last correction of objects back; without one, the last stroke on the phases."""
        if self.work.can_undo:
            self.work.undo()
        else:
            self._form.undo_paint()
        self._enable()

    def redo(self) -> None:
        """Make the correction again that was taken back."""
        self.work.redo()
        self._enable()

    def _connect(self) -> None:
        self.work.corrected.connect(self._on_corrected)
        self.work.followed.connect(self.fresh)
        self.work.said.connect(self._say)
        self.work.said.connect(self._enable)
        self.work.failed.connect(self._on_failed)
        self.panel.wants_merge.connect(self._on_merge)
        self.panel.wants_split.connect(self._on_split)
        self.panel.wants_delete.connect(self._on_delete)
        self.panel.wants_undo.connect(self.undo)
        self.panel.wants_redo.connect(self.redo)
        self._objects.chosen.connect(self._on_chosen)
        connect_while_alive(self, self._viewer.dims.events.ndisplay, self._on_ndisplay)

    def _bind_undo(self, layer: Labels) -> None:
        """Let Ctrl+Z on the objects in the picture take back what the form did; on the phases it is
        napari's own.
        """
        if layer is not self._layer or layer in self._bound:
            return
        self._bound.add(layer)
        control = weakref.ref(self)  # the layer outlives the form
        keys: Any = layer

        def undo(_: Any) -> None:
            alive = control()
            if alive is not None and isalive(alive):
                alive.undo()

        def redo(_: Any) -> None:
            alive = control()
            if alive is not None and isalive(alive):
                alive.redo()

        keys.bind_key("Control-Z", undo, overwrite=True)
        keys.bind_key("Control-Shift-Z", redo, overwrite=True)

    def _voxel(self, label: int) -> tuple[int, int, int]:
        measured = self._form.measured
        if measured is None or self._layer is None or not 1 <= label <= len(measured.table):
            raise InputError(f"There is no object {label}; click one first.")
        return voxel_of(self._layer, measured.table.iloc[label - 1], label)

    def _say(self, words: str) -> None:
        layers = () if self._layer is None else (self._layer,)
        self._form.status.say(words, of=InUse(self._viewer, layers))

    def _on_failed(self, words: str) -> None:
        self._form.status.say(words, problem=True)

    def _on_merge(self, on: bool) -> None:
        if on:
            self.panel.split_button.setChecked(False)
            self._first = self._objects.chosen_object
            self._say(f"Object {self._first}: click the one that it is to be merged with.")
        self._enable()

    def _on_split(self, on: bool) -> None:
        if on and self._layer is not None:
            self.panel.merge_button.setChecked(False)
            label = self._objects.chosen_object
            self._say(f"Object {label}: draw a line across it in the slice.")
            self._line = CutLine(self._viewer, self._layer, self._on_line)
        elif self._line is not None:
            self._line.close()
            self._line = None
        self._enable()

    def _on_line(self, line: Any, axis: int) -> None:
        label = self._objects.chosen_object
        self.panel.release()
        self._try(lambda: self.split(label or 0, line, axis))

    def _on_delete(self, into: int) -> None:
        label = self._objects.chosen_object
        self._objects.choose(None)
        self._try(lambda: self.delete(label or 0, into))

    def _on_chosen(self, label: int) -> None:
        if self.panel.merge_button.isChecked() and label:
            first = self._first
            self.panel.release()
            self._try(lambda: self.merge(first or 0, label))
        self._enable()

    def _try(self, act: Any) -> None:
        try:
            act()
        except InputError as error:
            self._form.status.refuse(error)

    def _on_ndisplay(self, event: Any) -> None:
        del event
        self.panel.split_button.setChecked(False)
        self._enable()

    def _on_corrected(self, measured: MeasuredLayer) -> None:
        layer = self._layer
        if layer is None or layer not in self._viewer.layers:
            return
        before = self._form.measured
        if before is None or before.table is not measured.table:
            layer.features = object_features(measured.table)
            layer.data = np.asarray(measured.labels.data)
        layer.metadata = {
            **layer.metadata,
            KEY: {**record_of(layer), **stored_history(measured.labels.history)},
        }
        self.corrected.emit(measured)
        self._enable()
        self._show_words()

    def _enable(self, words: str = "") -> None:
        del words
        self.panel.show_state(
            chosen=self._objects.chosen_object is not None,
            can_undo=self.work.can_undo or self.work.has_paint,
            can_redo=self.work.can_redo,
            of_2d=self._viewer.dims.ndisplay == 2 or bool(slice_clicks(self._viewer).views),
        )

    def _show_words(self) -> None:
        measured = self._form.measured
        if measured is None:
            return
        from napari_snpore.study.edit_report import edit_statements
        from napari_snpore.study.report import html_of

        names = measured.options.names if measured.of_phase else None
        self.panel.words.show_lines(html_of(edit_statements(measured.labels.history, names)))
        self.panel.fit()
