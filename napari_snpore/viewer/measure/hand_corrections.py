"""Corrections by hand in the Measure form: objects merged, split and deleted, and numbers that
follow what is painted on the phases; all of it can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_snpore.errors import InputError
from napari_snpore.measurement.corrections import Point, Voxel, put_patches
from napari_snpore.segmentation.phase_edits import Changes
from napari_snpore.viewer.edits.watch import LayerEdits, edits_of
from napari_snpore.viewer.measure.hand_steps import (
    HandInput,
    HandResult,
    again,
    correct_objects,
    follow,
    measure_anew,
    with_pores,
)
from napari_snpore.viewer.measure.steps import MeasuredLayer
from napari_snpore.viewer.shared.latest_task import LatestTask
from napari_snpore.viewer.shared.layers import array_from_layer, volume_from_layer

_SOON_MS = 250
"""After the last stroke; painting goes on undisturbed."""

_MOST_DELETED = 20_000_000
"""Voxels of an object that can be deleted: napari keeps their places for its undo."""


@dataclass(frozen=True, eq=False)
class HandAct:
    """What was done, for undo: the objects before and after, or a deletion from the phases."""

    before: HandInput | None = None
    after: HandResult | None = None
    phases: Layer | None = None


class HandCorrections(QObject):
    """Corrects the objects of one measurement, and brings it up to its phases.

    Parameters
    ----------
    parent : QObject
        Without it nothing is done.

    Signals
    -------
    corrected : MeasuredLayer
        The measurement is another one; its labels hold the objects now.
    said : str
        What was done, in a sentence.
    failed : str
        Why nothing was done.
    outdated
        The phases were made again: the measurement is of older ones.
    followed
        The numbers are those of the phases as they are.
    """

    corrected = Signal(object)
    said = Signal(str)
    failed = Signal(str)
    outdated = Signal()
    followed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._measured: MeasuredLayer | None = None
        self._source: Labels | None = None
        self._gray: Layer | None = None
        self._edits: LayerEdits | None = None
        self._corrections: tuple[Any, ...] = ()
        self._seen: Changes = ()
        self._past: list[HandAct] = []
        self._future: list[HandAct] = []
        self._following = False
        self._done: Callable[[Any], Any] = self._take
        self._work = LatestTask(self)
        self._work.done.connect(self._on_done)
        self._work.failed.connect(self._on_failed)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SOON_MS)
        self._soon.timeout.connect(self._follow)

    @property
    def corrections(self) -> tuple[Any, ...]:
        """Corrections of objects that hold, as steps of the history."""
        return self._corrections

    @property
    def can_undo(self) -> bool:
        """Whether there is a correction to take back."""
        return bool(self._past)

    @property
    def has_paint(self) -> bool:
        """Whether the phases were painted on since they were made."""
        return self._edits is not None and bool(self._edits.changes)

    @property
    def can_redo(self) -> bool:
        """Whether there is a correction that was taken back."""
        return bool(self._future)

    def begin(
        self,
        measured: MeasuredLayer,
        source: Labels,
        gray: Layer | None,
        corrections: tuple[Any, ...] = (),
    ) -> None:
        """Take a measurement, the layer that was measured, and corrections that hold in it; what was
        done before cannot be undone any more.
        """
        self._work.drop()
        self._soon.stop()
        self._leave_phases()
        self._measured, self._source, self._gray = measured, source, gray
        self._corrections, self._following = corrections, False
        self._past, self._future = [], []
        self._edits = edits_of(source)
        self._seen = () if self._edits is None else self._edits.changes
        if self._edits is not None:
            self._edits.changed.connect(self.follow_soon)
            self._edits.made_again.connect(self._on_made_again)

    def _leave_phases(self) -> None:
        if self._edits is not None:
            self._edits.changed.disconnect(self.follow_soon)
            self._edits.made_again.disconnect(self._on_made_again)
        self._edits = None

    def _on_made_again(self) -> None:
        """Follow no more: these objects are of other phases."""
        self._leave_phases()
        self._soon.stop()
        self._work.drop()
        self._past, self._future = [], []
        self.outdated.emit()

    def correct_again(self, corrections: tuple[Any, ...]) -> None:
        """Make corrections of an earlier measurement again in this one."""
        if corrections and self._measured is not None:
            given = self._given()
            self._ask(lambda should_stop: again(given, corrections), self._take)

    def follow_soon(self) -> None:
        """Bring the numbers up to the phases, where these were corrected."""
        self._soon.start()

    def drop(self) -> None:
        """Stop, and follow no phases any more."""
        self._soon.stop()
        self._work.drop()

    def wait(self) -> None:
        """Return when the measurement is that of the phases as they are; for scripts."""
        if self._edits is not None:
            self._edits.settle()
        if self._soon.isActive():
            self._soon.stop()
            self._follow()
        self._work.wait()

    def merge(self, first: Voxel, second: Voxel) -> None:
        """Make the objects of two voxels one."""
        from napari_snpore.study.correcting import merge_two

        self._correct(lambda objects: merge_two(objects, first, second), "Merged")

    def split(self, voxel: Voxel, line: tuple[Point, Point], axis: int) -> None:
        """Cut the object of a voxel along a line."""
        from napari_snpore.study.correcting import split_one

        self._correct(lambda objects: split_one(objects, voxel, line, axis), "Split")

    def delete(self, label: int, into: int) -> None:
        """Give the voxels of an object to another phase; 0 is the exterior, or no object.

        Raises
        ------
        InputError
            There is no such object, or it is too large.
        """
        measured, source = self._required()
        if not 1 <= label <= len(measured.table):
            raise InputError("Click the object that is to be deleted first.")
        row = measured.table.iloc[label - 1]
        if int(row["voxel_count"]) > _MOST_DELETED:
            raise InputError(
                f"Object {label} has {int(row['voxel_count']):,} voxels; at most {_MOST_DELETED:,} can be deleted by hand."
            )
        low = [int(row[f"{axis}_min"]) for axis in "zyx"]
        high = [int(row[f"{axis}_max"]) + 1 for axis in "zyx"]
        part = np.asarray(measured.labels.data)[tuple(map(slice, low, high))]
        places = tuple(
            one + first for one, first in zip(np.nonzero(part == label), low, strict=True)
        )
        source.data_setitem(places, into)
        self._past.append(HandAct(phases=source))
        self._future.clear()
        if self._edits is None:
            self._anew()
        self.said.emit(f"Deleted object {label}: {len(places[0]):,} voxels.")

    def undo(self) -> None:
        """Take the last correction of objects back."""
        if not self._past:
            return
        act = self._past.pop()
        self._future.append(act)
        if isinstance(act.phases, Labels):
            act.phases.undo()
            self.said.emit("Took the deletion back.")
            if self._edits is None:
                self._anew()
            return
        assert act.before is not None
        assert act.after is not None
        self.said.emit("Took the correction back.")
        if act.after.measured is self._measured and act.after.change is not None:
            before, labels = act.before.measured, np.asarray(act.after.measured.labels.data)
            if before.labels.data is labels:
                put_patches(labels, act.after.change.patches, back=True)
            self._set(before, act.before.corrections)
            return
        given = replace(self._given(), corrections=self._corrections[:-1])
        self._ask(lambda should_stop: measure_anew(given, should_stop), self._take)

    def redo(self) -> None:
        """Take an undo back."""
        if not self._future:
            return
        act = self._future.pop()
        self._past.append(act)
        if isinstance(act.phases, Labels):
            act.phases.redo()
            if self._edits is None:
                self._anew()
            return
        assert act.before is not None
        assert act.after is not None
        if act.before.measured is self._measured:
            self._take(act.after)
            return
        given = replace(self._given(), corrections=act.after.corrections)
        self._ask(lambda should_stop: measure_anew(given, should_stop), self._take)

    def _required(self) -> tuple[MeasuredLayer, Labels]:
        if self._measured is None or self._source is None:
            raise InputError("Press Measure first.")
        return self._measured, self._source

    def _given(self) -> HandInput:
        measured, source = self._required()
        gray = None
        if self._gray is not None and "intensity_mean" in measured.table:
            gray = np.asarray(array_from_layer(self._gray))
        return HandInput(measured, volume_from_layer(source), gray, self._corrections)

    def _correct(self, act: Callable[[Any], Any], word: str) -> None:
        given = self._given()

        def done(result: HandResult) -> None:
            if given.measured is not self._measured:
                self.failed.emit("The objects changed meanwhile; try again.")
                return
            made = self._take(result)
            self._past.append(HandAct(given, made))
            self._future.clear()
            self.said.emit(f"{word} by hand: {len(made.measured.table):,} objects now.")

        self._ask(lambda should_stop: correct_objects(given, act), done)

    def _follow(self) -> None:
        """Bring the numbers up to the phases."""
        if self._edits is None or self._measured is None:
            return
        if self._work.busy and not self._following:  # a correction of objects is being made
            self._soon.start()
            return
        self._following = True
        given, boxes, now = self._given(), self._edits.boxes, self._edits.changes
        exterior = _of_exterior(now) != _of_exterior(self._seen)

        def done(result: HandResult) -> None:
            self._seen, self._following = now, False
            self._take(result)
            self.followed.emit()
            self.said.emit(
                "The numbers are those of the phases as they were made."
                if not now
                else "The numbers are those of the phases with the corrections by hand."
            )
            self._count_pores()

        self._ask(lambda should_stop: follow(given, boxes, exterior, should_stop), done)

    def _anew(self) -> None:
        given = self._given()
        self._ask(lambda should_stop: measure_anew(given, should_stop), self._take)

    def _count_pores(self) -> None:
        """Find dead pores, and the width of a network of pores, after all else."""
        given = self._given()
        if not given.measured.of_phase:
            return

        def done(measured: MeasuredLayer) -> None:
            if given.measured is self._measured:
                self._set(measured, self._corrections)

        self._ask(lambda should_stop: with_pores(given.measured, given.phases, should_stop), done)

    def _ask(self, work: Callable[[Callable[[], bool]], Any], done: Callable[[Any], Any]) -> None:
        self._done = done
        self._work.ask(work)

    def _on_done(self, result: Any) -> None:
        self._done(result)
        if self._following and not self._work.busy:  # it gave way to a correction of objects
            self._soon.start()

    def _on_failed(self, words: str) -> None:
        self._following = False
        self.failed.emit(words)

    def _take(self, result: HandResult) -> HandResult:
        """Put what came of a correction into the labels."""
        measured = result.measured
        if result.change is not None:
            labels = np.asarray(measured.labels.data)
            if not np.can_cast(result.change.dtype, labels.dtype):
                labels = labels.astype(result.change.dtype)
            put_patches(labels, result.change.patches)
            volume = replace(measured.labels, data=labels)
            found = replace(measured.measured, labels={measured.key: volume})
            measured = replace(measured, measured=found)
        self._set(measured, result.corrections)
        if result.lost:
            self.failed.emit(
                f"{result.lost} earlier {'correction' if result.lost == 1 else 'corrections'} of objects could not be kept: "
                "their voxels are of no object now."
            )
        return replace(result, measured=measured)

    def _set(self, measured: MeasuredLayer, corrections: tuple[Any, ...]) -> None:
        self._measured, self._corrections = measured, corrections
        self.corrected.emit(measured)


def _of_exterior(changes: Changes) -> Changes:
    return tuple(one for one in changes if 0 in one[:2])
