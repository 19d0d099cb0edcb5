"""Phases that lie in memory as the result of one fibre of a state: their numbers with the errors that
their history keeps, their objects, and the conditions that have to be alike in a comparison.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from napari_snpore import __version__
from napari_snpore.comparison.state_result import StateResult
from napari_snpore.compute import Progress, ShouldStop, share_of
from napari_snpore.history import (
    HistoryStep,
    PolishStep,
    ReconstructStep,
    SegmentStep,
    last_step,
)
from napari_snpore.measurement.objects import label_objects
from napari_snpore.measurement.profiles import radial_profile, slice_fractions
from napari_snpore.segmentation.phases import EXTERIOR
from napari_snpore.segmentation.rule_names import rule_name
from napari_snpore.study.details import SHELLS
from napari_snpore.study.edit_report import EDITED, is_edited_by_hand
from napari_snpore.study.measuring import (
    Measurement,
    ObjectSource,
    cut_axes_of,
    fibre_radius,
    measure_phases,
    object_volume,
    phase_names_of,
)
from napari_snpore.study.numbers import measured_numbers, numbers_table
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasureSection
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.run_errors import RunErrors, recorded_errors
from napari_snpore.study.states.state_result import TABLE_FILES
from napari_snpore.study.structure import structure_tables
from napari_snpore.volume import Volume

NOT_ESTIMATED = "errors not estimated"
"""Why numbers have no interval where the history of their phases keeps none."""

_MEASURED, _WITH_PROFILE = 0.6, 0.7  # shares of the work that end before profile and structure


def state_of_phases(
    name: str,
    phases: Volume,
    *,
    names: Sequence[str] | None = None,
    objects: Mapping[str, pd.DataFrame] | None = None,
    labels: Mapping[str, Volume] | None = None,
    section: MeasureSection | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> StateResult:
    """Return the result of one fibre from its phases, as a finished run of it would say it.

    Parameters
    ----------
    name : str
        Of the fibre.
    phases : Volume of integers, shape (z, y, x)
        0 exterior, 1..N phases. Errors that were estimated are in the history.
    names : sequence of str, optional
        Of the phases; default: those in the history, else pore, C and Sn.
    objects : mapping of str to DataFrame, optional
        Tables of objects by phase that were measured already, as
        :func:`~napari_snpore.measurement.objects.measure_objects` returns them; those of the darkest
        and the brightest phase are measured where they are not given.
    labels : mapping of str to Volume, optional
        The objects of these tables by phase, 0 outside; neighbours are looked for among those of the
        brightest phase, by default among its connected components.
    section : MeasureSection, optional
        Options of what is measured here.
    progress, should_stop : callable, optional
        See :mod:`napari_snpore.compute`.

    Returns
    -------
    StateResult
        Numbers that were measured anew have no interval, and ``calibrated`` says so. Those of a
        history that keeps errors are the ones that the errors belong to.

    Raises
    ------
    InputError
        Voxels that are no phases, or all exterior.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.full((4, 4, 4), 2, np.uint8)
    >>> labels[:2] = 1
    >>> found = state_of_phases("block", Volume(labels, (1.0, 1.0, 1.0)), names=("void", "solid"))
    >>> found.numbers.loc[found.numbers["quantity"] == "void fraction, whole", "value"].tolist()
    [50.0]
    """
    section = section or MeasureSection()
    given = dict(objects or {})
    measured = _measured(
        phases, names, given, section, share_of(progress, 0.0, _MEASURED), should_stop
    )
    names = measured.names
    tables = {**{phase: given[phase] for phase in names if phase in given}, **measured.objects}
    measured = replace(measured, objects={name: tables[name] for name in names if name in tables})
    history = tuple(phases.history)
    errors = recorded_errors(history)
    profile = _profile(phases, names, measured, section, should_stop)
    slabs = slice_fractions(phases, axis=1, names=names, should_stop=should_stop)
    if progress is not None:
        progress(round(100 * _WITH_PROFILE), 100)
    structure = _structure(
        phases,
        names,
        {**measured.labels, **(labels or {})},
        section,
        share_of(progress, _WITH_PROFILE, 1.0),
        should_stop,
    )
    return StateResult(
        name=name,
        numbers=_numbers(measured, history, errors),
        objects=measured.objects,
        profile=profile,
        tables={"slabs": slabs, **_dead_table(measured), **structure},
        conditions=conditions_of_phases(phases, len(names), section),
        notes=_notes(errors),
    )


def _measured(
    phases: Volume,
    names: Sequence[str] | None,
    given: Mapping[str, pd.DataFrame],
    section: MeasureSection,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> Measurement:
    """Measure what is not given: fractions, dead pores, objects of the darkest and the brightest
    phase.
    """
    known = phase_names_of(phases) if names is None else tuple(names)
    wanted = section.phases or dict.fromkeys((known[0], known[-1]))
    labels = set(np.unique(phases.data).tolist())
    missing = [
        ObjectSource(phase)
        for phase in wanted
        if phase not in given and known.index(phase) + 1 in labels
    ]
    context = RunContext(
        Record("compare"), lambda step: nullcontext(progress), should_stop=should_stop
    )
    without = dict.fromkeys(("details", "thickness", "diffusivity"), False)
    plain = section.model_copy(update=without)
    return measure_phases(phases, plain, sources=missing, names=known, context=context)


def _numbers(
    measured: Measurement, history: Sequence[HistoryStep], errors: RunErrors | None
) -> pd.DataFrame:
    """Return the table that the history keeps with its errors, else the values without an
    interval.
    """
    if errors is not None and not errors.edited:
        return errors.numbers
    reason = EDITED if is_edited_by_hand(history) else NOT_ESTIMATED
    return numbers_table(measured_numbers(measured), None, reason)


def _profile(
    phases: Volume,
    names: Sequence[str],
    measured: Measurement,
    section: MeasureSection,
    should_stop: ShouldStop | None,
) -> pd.DataFrame | None:
    """Return the radial profile; None without an exterior, for there is no surface then."""
    inside = np.asarray(phases.data) != EXTERIOR
    if inside.all():
        return None
    radius_nm = fibre_radius(inside, phases.spacing)
    return radial_profile(
        phases,
        shell_nm=section.shell_nm or radius_nm / SHELLS,
        objects=measured.objects.get(names[-1]),
        cut_axes=cut_axes_of(phases),
        names=names,
        should_stop=should_stop,
    )


def _structure(
    phases: Volume,
    names: Sequence[str],
    labels: Mapping[str, Volume],
    section: MeasureSection,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> dict[str, pd.DataFrame]:
    """Return the tables of structure that a run of these phases writes, by the names that a comparison
    knows them under.
    """
    brightest = names[-1]
    found = {name: labels[name] for name in (brightest,) if name in labels}
    mask = np.asarray(phases.data) == len(names)
    if not found and mask.any():
        objects = label_objects(mask, connectivity=section.object_connectivity)
        found[brightest] = object_volume(phases, objects, phase=brightest)
    del mask
    made = structure_tables(
        phases,
        names,
        found,
        cut_axes=cut_axes_of(phases),
        progress=progress,
        should_stop=should_stop,
    )
    return {what: made[file] for what, file in TABLE_FILES.items() if file in made}


def _dead_table(measured: Measurement) -> dict[str, pd.DataFrame]:
    return {} if measured.dead_pores is None else {"dead pores": measured.dead_pores.table}


def conditions_of_phases(
    phases: Volume, count: int, section: MeasureSection | None = None
) -> dict[str, Any]:
    """Return what has to be alike in a comparison, from the history of phases; what it does not say
    is left out. See :class:`~napari_snpore.comparison.state_result.StateResult`.
    """
    history, section = tuple(phases.history), section or MeasureSection()
    found: dict[str, Any] = {
        "voxel_nm": tuple(map(float, phases.spacing)),
        "edited_by_hand": is_edited_by_hand(history),
        "version": __version__,
    }
    for name in (
        "convention",
        "min_voxels",
        "limit_nm",
        "pore_connectivity",
        "object_connectivity",
    ):
        found[name] = getattr(section, name)
    made, cut = last_step(history, ReconstructStep), last_step(history, SegmentStep)
    polished = last_step(history, PolishStep)
    if made is not None:
        found |= {
            "tilts": made.tilts,
            "tilt_step_deg": made.tilt_step_deg,
            "thickness_nm": made.thickness_nm,
            "method": made.method,
            "blur_px": made.blur_px,
        }
    if cut is not None:
        found |= {
            "thresholds": tuple(cut.thresholds),
            "threshold_rule": rule_name(cut.method, count),
        }
    levels = () if polished is None else polished.levels
    if len(levels) > 3 and levels[-2] > levels[0]:
        vacuum, carbon = levels[0], levels[-2]
        found["contrast"] = levels[-1] / carbon if carbon else None
        if cut is not None:
            found["thresholds_calibrated"] = tuple(
                (value - vacuum) / (carbon - vacuum) for value in cut.thresholds
            )
    return {name: value for name, value in found.items() if value is not None}


def _notes(errors: RunErrors | None) -> tuple[str, ...]:
    if errors is None:
        return ()
    return tuple(dict.fromkeys(note for note in (errors.reason, *errors.notes) if note))
