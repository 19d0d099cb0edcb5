"""Base class of the Measure form: corrections by hand for scripts, and the objects that were
measured before.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from napari.layers import Labels, Layer

from napari_snpore.errors import InputError
from napari_snpore.measurement.corrections import Point
from napari_snpore.viewer.forms.form import MainButton
from napari_snpore.viewer.forms.step_form import InputLayers, LayerForm
from napari_snpore.viewer.measure.hand_control import HandControl
from napari_snpore.viewer.measure.object_panel import ObjectPanel
from napari_snpore.viewer.measure.steps import MeasuredLayer


@dataclass(frozen=True, eq=False)
class KnownObjects:
    """What is known of a layer of objects that was measured here."""

    measured: MeasuredLayer
    source: Labels
    corrections: tuple[Any, ...] = ()


class CorrectedForm(LayerForm):
    """A form that measures objects which can be corrected by hand.

    Parameters
    ----------
    viewer : Viewer or ViewerModel
    inputs : InputLayers
    main_button : MainButton
        As for :class:`~napari_snpore.viewer.forms.step_form.LayerForm`.
    """

    hand: HandControl
    objects: ObjectPanel

    def __init__(self, viewer: Any, inputs: InputLayers, main_button: MainButton) -> None:
        super().__init__(viewer, inputs, main_button)
        self._measured: MeasuredLayer | None = None
        self._made: Labels | None = None
        self._source: Layer | None = None
        self._known: weakref.WeakKeyDictionary[Labels, KnownObjects] = weakref.WeakKeyDictionary()

    def _gray_of_objects(self) -> Layer | None:
        """Return the grey volume whose values objects are measured with; None without one."""
        raise NotImplementedError

    def _required(self) -> MeasuredLayer:
        raise NotImplementedError

    def _show(self, layer: Layer) -> None:
        """Show the numbers of the measurement."""
        raise NotImplementedError

    @property
    def table(self) -> pd.DataFrame | None:
        """One row per object, of the last measurement; see ``measure_objects`` for its columns."""
        return None if self._measured is None else self._measured.table

    @property
    def measured(self) -> MeasuredLayer | None:
        """The last measurement, with the corrections by hand."""
        return self._measured

    def merge_objects(self, first: int, second: int) -> pd.DataFrame:
        """Make two objects one and return the table; see :meth:`undo`.

        Raises
        ------
        InputError
            There are no such objects.
        """
        return self._corrected(lambda: self.hand.merge(first, second))

    def split_object(self, label: int, line: tuple[Point, Point], *, axis: int = 0) -> pd.DataFrame:
        """Cut an object in two and return the table.

        Parameters
        ----------
        label : int
            Number of the object.
        line : ((z, y, x), (z, y, x))
            Two positions in voxels; the cut is the plane through them along ``axis``.
        axis : int
            Array axis of the viewing direction.

        Raises
        ------
        InputError
            There is no such object, or the line does not pass through it.
        """
        return self._corrected(lambda: self.hand.split(label, line, axis))

    def delete_object(self, label: int, into: str = "") -> pd.DataFrame:
        """Give the voxels of an object to another phase and return the table.

        Parameters
        ----------
        label : int
            Number of the object.
        into : str
            Name of the phase, or "exterior"; default: carbon for pores and tin.

        Raises
        ------
        InputError
            There is no such object or phase.
        """
        index = self.hand.panel.into.findText(into) if into else 0
        if index < 0:
            raise InputError(f"into is {into!r}; a phase or 'exterior' is needed.")
        number = int(self.hand.panel.into.itemData(index) or 0)
        return self._corrected(lambda: self.hand.delete(label, number))

    def undo(self) -> None:
        """Take the last correction by hand back."""
        self.hand.undo()

    def redo(self) -> None:
        """Make the correction again that was taken back."""
        self.hand.redo()

    def undo_paint(self) -> None:
        """Take the last stroke on the phases back."""
        if isinstance(self._source, Labels) and self._source in self._viewer.layers:
            self._source.undo()

    def follow_phases(self) -> pd.DataFrame | None:
        """Wait until the numbers are those of the phases as they are, and return the table."""
        self.hand.work.wait()
        return self.table

    def _corrected(self, act: Callable[[], None]) -> pd.DataFrame:
        problems: list[str] = []
        self.hand.work.failed.connect(problems.append)
        try:
            act()
            self.hand.work.wait()
        finally:
            self.hand.work.failed.disconnect(problems.append)
        if problems:
            raise InputError(problems[0])
        return self._required().table

    def _earlier_corrections(self, name: str, source: Layer) -> tuple[Any, ...]:
        """Return the corrections of objects of this name that were measured on the same phases."""
        for layer, known in self._known.items():
            if layer.name == name and known.source is source:
                return known.corrections
        return ()

    def _begin_corrections(
        self,
        source: Layer,
        measured: MeasuredLayer,
        made: Labels,
        corrections: tuple[Any, ...] = (),
    ) -> None:
        if isinstance(source, Labels):
            gray = self._gray_of_objects()
            self._known[made] = KnownObjects(measured, source, corrections)
            self.hand.begin(measured, source, made, gray, corrections)

    def _on_corrected(self, measured: MeasuredLayer) -> None:
        another = self._measured is None or self._measured.table is not measured.table
        self._measured = measured
        if self._made is None or not isinstance(self._source, Labels):
            return
        self._known[self._made] = KnownObjects(measured, self._source, self.hand.work.corrections)
        self._show(self._source)
        if another:
            self.objects.show_objects(self._made, measured.table)

    def _on_layer_shown(self, layer: Labels) -> None:
        """Take the measurement of objects that are shown again."""
        known = self._known.get(layer)
        if known is None or layer is self._made:
            return
        self._measured, self._source, self._made = known.measured, known.source, layer
        self._begin_corrections(known.source, known.measured, layer, known.corrections)
        self._show(known.source)
        self.hand.work.follow_soon()
