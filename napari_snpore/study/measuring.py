"""Objects, volume fractions, dead pores and detail tables of a phase volume, or of objects that are
labelled already.

One implementation for ``snpore run``, ``snpore measure``, Python and the Measure form: same
columns, same values, same names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.blocks import voxelwise
from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.engines import anywhere, extremes, is_shared
from napari_snpore.errors import InputError
from napari_snpore.files.stored_array import StoredArray
from napari_snpore.history import (
    HistoryStep,
    LabelStep,
    recorded_cut_axes,
    recorded_phase_names,
)
from napari_snpore.measurement.correlation import correlation_bytes
from napari_snpore.measurement.dead_pores import DeadPores, dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.label_numbers import LARGEST_INDEX, renumbered
from napari_snpore.measurement.objects import (
    SizeSummary,
    label_objects,
    measure_objects,
    separate_objects,
    size_summary,
)
from napari_snpore.memory import NotEnoughMemoryError
from napari_snpore.segmentation.envelope import solid_radius
from napari_snpore.segmentation.phases import EXTERIOR, MOST_PHASES, PORE, PORE_C_SN
from napari_snpore.study.block_store import BlockStore
from napari_snpore.study.details import detail_tables
from napari_snpore.study.network_width import (
    NETWORK_SHARE,
    WIDTH_BYTES,
    NetworkWidth,
    network_share,
    network_width,
)
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasuredBox, MeasureSection, checked
from napari_snpore.study.run_context import RunContext
from napari_snpore.subvolume import (
    NamedBox,
    box_slices,
    center_and_edge_boxes,
    extract_subvolume,
)
from napari_snpore.volume import Triple, Volume

Box = tuple[Triple, float | Triple]
"""Center ``(z, y, x)`` in nm, and the edge of a cube or the edges (z, y, x) of a cuboid."""

GIVEN = "labelled"
"""Name of objects that were labelled elsewhere, in tables and file names."""

MEASURE_BYTES = 15.0
"""Bytes per voxel that a measurement takes at the highest, beside phases and grey values; measured at
256³."""

_THICKNESS_BYTES = 20.0  # more, for paths in double precision
_CUBE = 1e-6  # relative difference of edges that rounding leaves
_USUAL_CUBE = 0.6  # edge of the center and the edge cube over the fibre's radius


@dataclass(frozen=True)
class ObjectSource:
    """How the objects of one phase are found: connected components, or parts that a watershed cuts
    at necks.

    Parameters
    ----------
    phase : str
        Name of the phase.
    separate_nm : float or None
        Contrast of the watershed (nm); None: connected components.
    """

    phase: str
    separate_nm: float | None = None

    @property
    def name(self) -> str:
        """Name of these objects in tables and file names."""
        return self.phase if self.separate_nm is None else f"{self.phase}_separated"


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredObjects:
    """Labelled objects and their tables, each by name.

    Parameters
    ----------
    section : MeasureSection
        The options of the measurement.
    labels : mapping of str to Volume
        0 outside, objects 1..N without gaps.
    objects : mapping of str to DataFrame
        One row per object, in the columns of
        :func:`~napari_snpore.measurement.objects.measure_objects`.
    sizes : mapping of str to SizeSummary
        The sizes of each table in a few numbers.
    history : tuple of HistoryStep
        Of the phases or labels that were measured.
    """

    section: MeasureSection
    labels: Mapping[str, Volume]
    objects: Mapping[str, pd.DataFrame]
    sizes: Mapping[str, SizeSummary]
    history: tuple[HistoryStep, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Measurement(MeasuredObjects):
    """What is measured on a phase volume.

    Parameters
    ----------
    names : tuple of str
        Of the phases 1..N.
    fractions : DataFrame
        Volume fractions of the whole volume and of each box; ``region`` names which.
    dead_pores : DeadPores or None
        None without an exterior.
    boxes : mapping of str to (center, edge or edges)
        The cubes and cuboids of ``fractions``, in nm.
    details : mapping of str to DataFrame
        Tables of slices, shells, contacts, networks, structure and thickness, by file name; empty
        where they are not wanted.
    widths : mapping of str to NetworkWidth
        Local width of pores that are one network, by name of their objects.
    """

    names: tuple[str, ...]
    fractions: pd.DataFrame
    dead_pores: DeadPores | None
    boxes: Mapping[str, Box] = field(default_factory=dict)
    details: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    widths: Mapping[str, NetworkWidth] = field(default_factory=dict)


def measure_phases(
    phases: Volume,
    section: MeasureSection | None = None,
    *,
    sources: Sequence[ObjectSource] | None = None,
    names: Sequence[str] | None = None,
    intensity: Volume | NDArray[Any] | None = None,
    cut_axes: Sequence[int] | None = None,
    boxes: Mapping[str, Box] | None = None,
    context: RunContext | None = None,
) -> Measurement:
    """Measure a phase volume: fractions, dead pores, the objects of the chosen phases, and the
    detail tables.

    Parameters
    ----------
    phases : Volume of integers, shape (z, y, x)
        0 exterior, 1..N phases. The exterior decides what the denominators are and whether there
        are dead pores.
    section : MeasureSection, optional
        All options; see there.
    sources : sequence of ObjectSource, optional
        Whose objects are measured, and how they are found. Default: the connected components of
        ``section.phases`` and, with ``section.separate_nm``, the separated pores as well.
    names : sequence of str, optional
        Of the phases 1..N; default: those in the volume's history, else pore, C and Sn.
    intensity : Volume or array of real numbers, same shape, optional
        Grey values: adds ``intensity_mean`` and ``intensity_sum`` to the tables of objects.
    cut_axes : sequence of int, optional
        Array axes along which the fibre extends beyond the box; default: those in the volume's
        history, else y.
    boxes : mapping of str to (center, edge or edges), optional
        Cubes and cuboids (nm) whose fractions are counted as well; default: one cube at the center
        and one at the edge of the fibre, and those of ``section.boxes``, which take the place of a
        cube of the same name.
    context : RunContext, optional
        Receives progress and timings, and may stop the work.

    Returns
    -------
    Measurement

    Raises
    ------
    InputError
        Voxels that are no phases or all exterior, an unknown phase, a phase of ``sources`` without
        voxels, arrays of different shapes.
    """
    section, context = section or MeasureSection(), context or RunContext(Record("measure"))
    thick = _THICKNESS_BYTES if section.thickness or section.diffusivity else 0.0
    context.state_memory("Measuring", phases.shape, MEASURE_BYTES + thick)
    if (
        section.details and context.store is None
    ):  # not refused here: it is left out where the memory does not allow it
        needs = context.record.results["memory_bytes"]
        needs["two-point correlation"] = correlation_bytes(phases.shape, phases.spacing)
    phases = Volume(phase_labels(phases), phases.spacing, phases.origin, phases.history)
    labels: Any = phases.data
    names = phase_names_of(phases) if names is None else tuple(names)
    axes = cut_axes_of(phases) if cut_axes is None else tuple(cut_axes)
    chosen = _usual_sources(section, names) if sources is None else list(sources)
    numbers = {name: number for number, name in enumerate(names, 1)}
    for source in chosen:
        if source.phase not in numbers:
            raise InputError(
                f"measure.phases names {source.phase!r}; the phases are {', '.join(names)}."
            )
        number = numbers[source.phase]
        if sources is not None and not anywhere(_voxels_of(labels, number)):
            raise InputError(
                f"No voxel of these phases is {source.phase} (label {number}); there is nothing to measure."
            )
    if not anywhere(voxelwise(labels, lambda part: part != EXTERIOR)):
        raise InputError(
            "Every voxel is exterior: there is nothing to measure; lower the threshold."
        )
    has_exterior = anywhere(_voxels_of(labels, EXTERIOR))
    with context.step("fractions"):
        boxes = measured_boxes(phases, section) if boxes is None else boxes
        fractions = regional_fractions(phases, names, boxes)
    dead, dead_mask = None, None
    if has_exterior:
        kept: dict[int, Any] | None = None
        if context.store is not None:
            kept = {}
            if section.details:
                dead_mask = context.store.empty(phases.shape, np.bool_)
                kept[section.pore_connectivity] = dead_mask
        with context.step("dead pores") as watch:
            dead = dead_pores(phases, cut_axes=axes, out=kept, **watch)
    found: dict[str, Volume] = {}
    tables: dict[str, pd.DataFrame] = {}

    def measure(source: ObjectSource) -> None:
        with context.step(f"label {source.name}") as watch:
            found[source.name], objects_from = _labelled(
                phases, source, numbers[source.phase], section, context.store, **watch
            )
        tables[source.name] = _object_table(
            source.name,
            found[source.name],
            section,
            intensity=intensity,
            envelope=_body(labels) if has_exterior else None,
            objects_from=objects_from,
            context=context,
        )

    # the details look at the objects of the brightest phase alone: labels of others, two or four
    # bytes a voxel, are not held beside them
    for source in chosen:
        if source.phase == names[-1]:
            measure(source)
    details: dict[str, pd.DataFrame] = {}
    if section.details or section.thickness or section.diffusivity:
        with context.step("details") as watch:
            details = detail_tables(
                phases,
                names,
                section,
                radius_nm=fibre_radius(_body(labels), phases.spacing),
                cut_axes=axes,
                sources={source.name: source.phase for source in chosen},
                separated={
                    source.phase: source.separate_nm
                    for source in chosen
                    if source.separate_nm is not None
                },
                labels=found,
                objects=tables,
                dead=dead,
                dead_mask=dead_mask,
                boxes=boxes,
                store=context.store,
                **watch,
            )
    for source in chosen:
        if source.name not in found:
            measure(source)
    found = {source.name: found[source.name] for source in chosen}
    widths = {}
    if context.store is None:
        widths = _pore_widths(labels, phases.spacing, chosen, numbers, tables, context)
    tables = {source.name: tables[source.name] for source in chosen}
    return Measurement(
        section=section,
        labels=found,
        objects=tables,
        sizes=_sizes(tables, section),
        names=names,
        fractions=fractions,
        dead_pores=dead,
        boxes=boxes,
        details=details,
        widths=widths,
        history=tuple(phases.history),
    )


def _pore_widths(
    labels: NDArray[np.uint8],
    spacing: Triple,
    sources: Sequence[ObjectSource],
    numbers: Mapping[str, int],
    tables: Mapping[str, pd.DataFrame],
    context: RunContext,
) -> dict[str, NetworkWidth]:
    """Return the local width of pores whose connected objects are one network, where memory allows
    it.
    """
    widths = {}
    for source in sources:
        of_pores = numbers[source.phase] == PORE and source.separate_nm is None
        if not of_pores or network_share(tables[source.name]) <= NETWORK_SHARE:
            continue
        try:
            context.state_memory("The local width of pores", labels.shape, WIDTH_BYTES)
        except NotEnoughMemoryError:
            continue
        with context.step(f"local width {source.name}") as watch:
            found = network_width(labels == PORE, tables[source.name], spacing, **watch)
        if found is not None:
            widths[source.name] = found
            context.record.results["local_width"] = asdict(found)
    return widths


def _labelled(
    phases: Volume,
    source: ObjectSource,
    number: int,
    section: MeasureSection,
    store: BlockStore | None,
    *,
    progress: Progress | None,
    should_stop: ShouldStop | None,
) -> tuple[Volume, str]:
    """Return the objects of one phase, and how they were found in words."""
    mask = _voxels_of(phases.data, number)
    if source.separate_nm is None:
        connectivity = section.pore_connectivity if number == PORE else section.object_connectivity
        words = f"connected {connectivity}"
        if store is not None:
            return _labelled_on_disk(phases, mask, source, connectivity, store, should_stop), words
        objects = label_objects(mask, connectivity=connectivity)
    else:
        objects = separate_objects(
            mask,
            spacing=phases.spacing,
            contrast_nm=source.separate_nm,
            progress=progress,
            should_stop=should_stop,
        )
        words = f"separated h={source.separate_nm:g} nm"
    del mask
    return object_volume(phases, objects, phase=source.phase), words


def _labelled_on_disk(
    phases: Volume,
    mask: Any,
    source: ObjectSource,
    connectivity: int,
    store: BlockStore,
    should_stop: ShouldStop | None,
) -> Volume:
    """Return the connected objects of a mask as a volume of the result, which is completed."""
    name, counts = f"objects_{source.name}", []

    def new(count: int) -> StoredArray:
        counts.append(count)
        return store.result(name, phases.shape, np.min_scalar_type(count))

    made = label_objects(mask, connectivity=connectivity, out=new, should_stop=should_stop)
    volume = phases.after(LabelStep(source.phase, counts[0]), made)
    store.complete(name, volume)
    return volume


def _voxels_of(labels: Any, number: int) -> Any:
    """Return which voxels have a label; lazy where the labels are."""
    return voxelwise(labels, lambda part: part == number)


def _body(labels: Any) -> Any:
    return voxelwise(labels, lambda part: part != EXTERIOR)


def measure_labels(
    labels: Volume,
    section: MeasureSection | None = None,
    *,
    name: str = GIVEN,
    intensity: Volume | NDArray[Any] | None = None,
    context: RunContext | None = None,
) -> MeasuredObjects:
    """Measure objects that another program or plugin has labelled.

    Parameters
    ----------
    labels : Volume of integers, shape (z, y, x)
        0 outside, one number per object; gaps and large numbers are allowed.
    section : MeasureSection, optional
        Convention, directions, ``min_voxels`` and ``limit_nm`` are used.
    name : str
        Of the objects, in file names.
    intensity : Volume or array of real numbers, same shape, optional
        Grey values: adds ``intensity_mean`` and ``intensity_sum``.
    context : RunContext, optional
        Receives progress and timings, and may stop the work.

    Returns
    -------
    MeasuredObjects
        Objects are numbered 1..N in the order of their labels; the column ``given_label`` keeps the
        label of the input.

    Raises
    ------
    InputError
        Labels that are not integers, negative, or 0 everywhere; grey values of another shape.
    """
    section, context = section or MeasureSection(), context or RunContext(Record("measure"))
    context.state_memory("Measuring", labels.shape, MEASURE_BYTES)
    with context.step("number objects") as watch:
        numbered, given = _without_gaps(np.asarray(labels.data), watch["should_stop"])
        volume = object_volume(labels, numbered, phase=name)
    table = _object_table(
        name,
        volume,
        section,
        intensity=intensity,
        envelope=None,
        objects_from="given labels",
        context=context,
    )
    table["given_label"] = given
    tables = {name: table}
    return MeasuredObjects(
        section=section,
        labels={name: volume},
        objects=tables,
        sizes=_sizes(tables, section),
        history=tuple(labels.history),
    )


def object_volume(source: Volume, labels: NDArray[Any], *, phase: str) -> Volume:
    """Return object labels 1..N in the place of the volume that they were made from, in the
    smallest dtype that holds N.
    """
    count = int(labels.max(initial=0))
    return source.after(
        LabelStep(phase, count), labels.astype(np.min_scalar_type(count), copy=False)
    )


def phase_labels(phases: Volume) -> Any:
    """Return the labels of a phase volume, uint8; grey values and labels of many objects are refused.

    Those that several processes read stay on disk.
    """
    data = phases.data if is_shared(phases.data) else np.asarray(phases.data)
    if data.dtype.kind not in "ui":
        raise InputError(
            f"The volume does not hold phases: whole numbers from 0 (exterior) to {MOST_PHASES} are needed, "
            f"not {data.dtype}."
        )
    least, most = extremes(data)
    if least < 0 or most > MOST_PHASES:
        raise InputError(
            f"The volume does not hold phases: its labels go from {least} to {most}, those of phases from 0 (exterior) to "
            f"{MOST_PHASES}."
        )
    if is_shared(data) and data.dtype == np.uint8:
        return data
    return voxelwise(data, lambda part: part.astype(np.uint8, copy=False), np.uint8)


def phase_names_of(phases: Volume) -> tuple[str, ...]:
    """Return the names of the phases 1..N: those of the segmentation, else pore, C, Sn, or numbers
    for more than three.
    """
    count = extremes(phases.data)[1]
    usual = PORE_C_SN.names if count <= len(PORE_C_SN.names) else ()
    known = recorded_phase_names(phases.history) or usual
    return (*known, *(f"phase {number}" for number in range(len(known) + 1, count + 1)))


def cut_axes_of(phases: Volume) -> tuple[int, ...]:
    """Return the axes along which the fibre leaves the box, from the segmentation's history;
    default y.
    """
    return recorded_cut_axes(phases.history)


def subvolume_boxes(phases: Volume, section: MeasureSection) -> dict[str, Box]:
    """Place a cube at the center of the fibre and one at its edge, by the exterior; none without an
    exterior.

    Their edge, where ``section.subvolume_nm`` is unset, is 0.6 of the fibre's radius, or the
    shortest side of a box that is shorter; a body in which such cubes have no place gets none. An
    edge that is asked for and does not fit is refused.
    """
    body = _body(phases.data)
    solid = voxelwise(phases.data, lambda part: part > PORE)
    if not anywhere(_voxels_of(phases.data, EXTERIOR)) or not anywhere(solid):
        return {}
    size = section.subvolume_nm or min(
        _USUAL_CUBE * fibre_radius(solid, phases.spacing), *phases.size_nm
    )
    try:
        centers = center_and_edge_boxes(
            body, spacing=phases.spacing, origin=phases.origin, size_nm=size, fibre_axis=1
        )
    except InputError:
        if section.subvolume_nm is not None:
            raise
        return {}
    return {name: (center, size) for name, center in centers.items()}


def measured_boxes(phases: Volume, section: MeasureSection) -> dict[str, Box]:
    """Return the cubes that are placed by the exterior and the boxes of the section, which win over
    a cube of their name.

    Raises
    ------
    InputError
        A box that leaves the volume or holds no voxel; the sentence names it.
    """
    boxes = subvolume_boxes(phases, section)
    for entry in section.boxes:
        box = NamedBox(entry.name, entry.center_nm, entry.edges_nm)
        try:
            _check_inside(phases, box)
        except InputError as error:
            raise InputError(f"measure.boxes, {entry.name!r}: {error}") from error
        boxes[entry.name] = box_of(box)
    return boxes


def boxes_inside(volume: Volume, boxes: Iterable[NamedBox]) -> tuple[list[MeasuredBox], list[str]]:
    """Return those of some boxes in which the phases of a volume can be counted, as a recipe has
    them, and a sentence for each of the others.
    """
    inside, refused = [], []
    for box in boxes:
        try:
            _check_inside(volume, box)
            center, size = box.center_nm, box.size_nm
            inside.append(checked(MeasuredBox, name=box.name, center_nm=center, size_nm=size))
        except InputError as error:
            refused.append(f"The box '{box.name}' is left out: {error}")
    return inside, refused


def box_of(box: NamedBox) -> Box:
    """Return center and edge of a box that is a cube, center and edges of another one."""
    edge = box.size_nm[0]
    is_cube = max(box.size_nm) - min(box.size_nm) <= _CUBE * edge
    return box.center_nm, edge if is_cube else box.size_nm


def region_size(row: Mapping[Any, Any]) -> float | Triple | None:
    """Return the edge or the edges (nm) of the region of a row of fractions; None for the whole."""
    if math.isfinite(edge := float(row.get("region_size_nm", math.nan))):
        return edge
    z, y, x = (float(row.get(f"region_size_{axis}_nm", math.nan)) for axis in "zyx")
    return (z, y, x) if math.isfinite(z + y + x) else None


def _check_inside(volume: Volume, box: NamedBox) -> None:
    z, y, x = volume.shape
    box_slices((z, y, x), volume.spacing, volume.origin, box.center_nm, box.size_nm)


def fibre_radius(solid: Any, spacing: Triple) -> float:
    """Return the radius (nm) by which cubes and shells are placed: at least 4 voxels, so that they
    hold some.
    """
    return max(solid_radius(solid, spacing), 4 * max(spacing))


def regional_fractions(
    phases: Volume, names: Sequence[str], boxes: Mapping[str, Box]
) -> pd.DataFrame:
    """Return volume fractions of the whole and of each box, one below the other, with columns for
    the box.

    ``region`` names the box, ``region_size_nm`` (of a cube; else ``region_size_z_nm`` ...) and
    ``region_center_z_nm`` ... place it (NaN for the whole). The denominator is that of the whole
    volume also where a box holds no exterior.
    """
    parts: list[pd.DataFrame] = []
    for region, box in {"whole": None, **boxes}.items():
        part = (
            phases if box is None else extract_subvolume(phases, center_nm=box[0], size_nm=box[1])
        )
        table = volume_fractions(part, names=names)
        table["denominator"] = parts[0]["denominator"].iloc[0] if parts else table["denominator"]
        table.insert(0, "region", region)
        size = math.nan if box is None else box[1]
        table["region_size_nm"] = math.nan if isinstance(size, tuple) else size
        for axis, label in enumerate("zyx"):
            table[f"region_center_{label}_nm"] = math.nan if box is None else box[0][axis]
        for axis, label in enumerate("zyx"):
            edge = size[axis] if isinstance(size, tuple) else math.nan
            table[f"region_size_{label}_nm"] = edge
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _usual_sources(section: MeasureSection, names: Sequence[str]) -> list[ObjectSource]:
    """Return the connected components of the chosen phases and, where a contrast is given, the
    separated pores.
    """
    wanted = section.phases or list(dict.fromkeys((names[0], names[-1])))
    sources = []
    for name in wanted:
        sources.append(ObjectSource(name))
        if name == names[PORE - 1] and section.separate_nm is not None:
            sources.append(ObjectSource(name, section.separate_nm))
    return sources


def _object_table(
    name: str,
    labels: Volume,
    section: MeasureSection,
    *,
    intensity: Volume | NDArray[Any] | None,
    envelope: NDArray[np.bool_] | None,
    objects_from: str,
    context: RunContext,
) -> pd.DataFrame:
    with context.step(f"measure {name}") as watch:
        return measure_objects(
            labels,
            intensity=intensity,
            envelope=envelope,
            directions=section.directions,
            convention=section.convention,
            objects_from=objects_from,
            min_voxels=section.min_voxels,
            **watch,
        )


def _sizes(tables: Mapping[str, pd.DataFrame], section: MeasureSection) -> dict[str, SizeSummary]:
    return {
        name: size_summary(table, limit_nm=section.limit_nm, min_voxels=section.min_voxels)
        for name, table in tables.items()
    }


def _without_gaps(
    labels: NDArray[Any], should_stop: ShouldStop | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return labels 1..N in the order of the given ones, and the given label of each.

    ``[0, 7, 3, 7]`` becomes ``[0, 2, 1, 2]`` with ``[3, 7]``.
    """
    if labels.dtype.kind not in "iu":
        raise InputError(
            f"The labels are {labels.dtype}; whole numbers are needed, 0 outside and one per object "
            "(label_objects makes them from a mask)."
        )
    least, most = int(labels.min()), int(labels.max())
    if least < 0:
        raise InputError(f"The labels hold {least}; 0 is outside, objects are 1 and above.")
    if most == 0:
        raise InputError("The labels are 0 everywhere: there is no object to measure.")
    if most > LARGEST_INDEX:
        return renumbered(labels, should_stop=should_stop)
    there = np.zeros(most + 1, np.bool_)
    there[labels] = True
    there[0] = False
    given = np.flatnonzero(there)
    if len(given) == most:
        return labels, given.astype(np.int64)
    return np.cumsum(there, dtype=np.uint32)[labels], given.astype(np.int64)
