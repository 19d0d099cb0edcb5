"""Work of corrections by hand in a thread: objects that are merged or split, and a measurement that
follows its phases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_snpore.compute import ShouldStop
from napari_snpore.errors import InputError
from napari_snpore.history import HistoryStep, LabelStep
from napari_snpore.measurement.corrections import Box, ObjectsChange
from napari_snpore.segmentation.phases import EXTERIOR, PORE
from napari_snpore.viewer.measure.steps import MeasuredLayer, measure_layer
from napari_snpore.volume import Volume


@dataclass(frozen=True, eq=False)
class HandResult:
    """A measurement after a correction.

    Parameters
    ----------
    measured : MeasuredLayer
        Its labels are those from before until ``change`` is put into them, unless that is None.
    change : ObjectsChange or None
        None: no object changed, or all were found anew.
    corrections : tuple
        Of objects, that hold now.
    lost : int
        Corrections of objects that could not be kept.
    anew : bool
        Whether all objects were found anew.
    """

    measured: MeasuredLayer
    change: ObjectsChange | None
    corrections: tuple[Any, ...]
    lost: int = 0
    anew: bool = False


@dataclass(frozen=True, eq=False)
class HandInput:
    """What a correction works on.

    Parameters
    ----------
    measured : MeasuredLayer
        The measurement until now.
    phases : Volume
        The phases, or labels, as they are now.
    intensity : array or None
        Grey values of the objects.
    corrections : tuple
        Of objects, that hold.
    """

    measured: MeasuredLayer
    phases: Volume
    intensity: NDArray[Any] | None
    corrections: tuple[Any, ...]

    def objects(self) -> Any:
        """Return the objects for :mod:`napari_snpore.study.correcting`."""
        from napari_snpore.study.correcting import ObjectSet

        measured, options = self.measured, self.measured.options
        labels, table = measured.labels, measured.table
        first = (
            str(table["objects_from"].iloc[0])
            if len(table)
            else f"connected {options.connectivity}"
        )
        connected = options.phase > 0 and options.separate_nm is None
        return ObjectSet(
            labels=np.asarray(labels.data),
            spacing=labels.spacing,
            origin=labels.origin,
            table=table,
            section=measured.measured.section,
            objects_from=first.split(", ")[0],
            phases=np.asarray(self.phases.data) if options.phase else None,
            number=options.phase,
            connectivity=options.connectivity if connected else None,
            intensity=self.intensity,
            corrections=self.corrections,
        )


def correct_objects(given: HandInput, act: Callable[[Any], Any]) -> HandResult:
    """Merge or split: ``act(objects)`` returns an ``ObjectsUpdate`` of the study.

    Raises
    ------
    InputError
        As ``act`` does.
    """
    update = act(given.objects())
    return HandResult(
        _after(given, update.table, update.corrections, given.phases.history),
        update.change,
        update.corrections,
    )


def follow(
    given: HandInput, boxes: Sequence[Box], exterior: bool, should_stop: ShouldStop
) -> HandResult:
    """Bring a measurement up to phases that were corrected: objects, and all fractions.

    Parameters
    ----------
    given : HandInput
    boxes : sequence of three slices
        Boxes outside of which no voxel changed.
    exterior : bool
        Whether voxels became exterior or were: then depths and the box's fractions change as well.
    should_stop : callable
    """
    from napari_snpore.study.correcting import follow_phases
    from napari_snpore.study.measuring import regional_fractions

    objects = given.objects()
    if objects.connectivity is None or exterior:
        return measure_anew(given, should_stop)
    update = follow_phases(objects, boxes)
    table, corrections = given.measured.table, given.corrections
    if update is not None:
        if not len(update.table):
            raise InputError(f"No voxel of these phases is {given.measured.options.name} any more.")
        table, corrections = update.table, update.corrections
    made = _after(given, table, corrections, given.phases.history)
    found = made.measured
    labels = Volume(np.asarray(given.phases.data), given.phases.spacing, given.phases.origin)
    fractions = regional_fractions(labels, found.names, found.boxes)
    made = replace(made, measured=replace(found, fractions=fractions, details={}))
    return HandResult(
        made,
        None if update is None else update.change,
        corrections,
        0 if update is None else update.lost,
    )


def measure_anew(given: HandInput, should_stop: ShouldStop | None = None) -> HandResult:
    """Measure everything again, and make the corrections of objects again in what was found."""
    options = replace(given.measured.options, place=None)
    made = measure_layer(given.phases, options, given.intensity, None, should_stop)
    return again(replace(given, measured=made), given.corrections)


def again(given: HandInput, corrections: tuple[Any, ...]) -> HandResult:
    """Make corrections of objects again in a new measurement."""
    from napari_snpore.study.correcting import corrected_again

    start = replace(given, corrections=())
    if not corrections:
        return HandResult(given.measured, None, (), anew=True)
    objects, lost = corrected_again(start.objects(), corrections)
    labels = replace(given.measured.labels, data=objects.labels)
    found = given.measured.measured
    found = replace(found, labels={given.measured.key: labels})
    start = replace(start, measured=replace(given.measured, measured=found))
    made = _after(start, objects.table, objects.corrections, given.phases.history)
    return HandResult(made, None, objects.corrections, lost, anew=True)


def with_pores(measured: MeasuredLayer, phases: Volume, should_stop: ShouldStop) -> MeasuredLayer:
    """Return a measurement with the dead pores, and the width of a network of pores, of phases that
    were corrected.
    """
    from napari_snpore.measurement.dead_pores import dead_pores
    from napari_snpore.study.measuring import cut_axes_of
    from napari_snpore.study.network_width import network_width

    labels = np.asarray(phases.data).astype(np.uint8, copy=False)
    dead = None
    if not (labels != EXTERIOR).all():
        dead = dead_pores(
            Volume(labels, phases.spacing, phases.origin),
            cut_axes=cut_axes_of(phases),
            should_stop=should_stop,
        )
    widths = {}
    if measured.options.phase == PORE and measured.options.separate_nm is None:
        width = network_width(
            labels == PORE, measured.table, phases.spacing, should_stop=should_stop
        )
        widths = {} if width is None else {measured.key: width}
    return replace(measured, measured=replace(measured.measured, dead_pores=dead, widths=widths))


def _after(
    given: HandInput,
    table: Any,
    corrections: Sequence[Any],
    history: Sequence[HistoryStep],
) -> MeasuredLayer:
    """Return the measurement with another table, and with the corrections in its history."""
    from napari_snpore.measurement.sizes import size_summary

    measured, found = given.measured, given.measured.measured
    label = LabelStep(measured.options.name, len(table)).step
    steps = (*history, label, *(one.step for one in corrections))
    section = found.section
    found = replace(
        found,
        labels={measured.key: replace(measured.labels, history=steps)},
        objects={measured.key: table},
        sizes={
            measured.key: size_summary(
                table, limit_nm=section.limit_nm, min_voxels=section.min_voxels
            )
        },
        history=tuple(history),
    )
    return replace(measured, measured=found)
