"""What the Measure widget has computed in a thread, and how its numbers are worded; no window here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop, check_stop
from napari_snpore.errors import InputError
from napari_snpore.history import recorded_cut_axes
from napari_snpore.measurement.dead_pores import DeadPores, dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.objects import (
    SizeSummary,
    label_objects,
    measure_objects,
    separate_objects,
    size_summary,
)
from napari_snpore.segmentation.envelope import half_radius
from napari_snpore.segmentation.phases import EXTERIOR, PORE
from napari_snpore.tomography.quality import resolution_guide_of
from napari_snpore.viewer.forms.form import caveat, number, percent
from napari_snpore.viewer.measure.place_panel import PlaceOptions
from napari_snpore.volume import Volume

_ONE_NETWORK = 0.5
"""Share of a phase's volume in one object from which the phase is called a network."""


@dataclass(frozen=True)
class MeasureOptions:
    """What the user asks for.

    Parameters
    ----------
    phase : int
        Label of the phase, 1..N.
    names : tuple of str
        Of all phases.
    separate_nm : float or None
        Contrast of the watershed (nm); None: connected components.
    connectivity : 6, 18 or 26
        Of connected components.
    min_voxels : int
        The fewest voxels of a resolved object.
    limit_nm : float
        Objects below this length count as short.
    place : PlaceOptions, optional
        Shells, contacts and networks; None: left out.
    """

    phase: int
    names: tuple[str, ...]
    separate_nm: float | None = None
    connectivity: int = 26
    min_voxels: int = 64
    limit_nm: float = 2.0
    place: PlaceOptions | None = None

    @property
    def name(self) -> str:
        """Name of the phase."""
        return self.names[self.phase - 1]

    @property
    def objects_from(self) -> str:
        """What made the objects, as the tables name it."""
        return f"connected {self.connectivity}" if self.separate_nm is None else f"separated h={self.separate_nm:g} nm"


@dataclass(frozen=True, eq=False)
class MeasuredPhase:
    """Everything that one press of *Measure* finds."""

    options: MeasureOptions
    labels: Volume
    table: pd.DataFrame
    sizes: SizeSummary
    fractions: pd.DataFrame
    dead: DeadPores | None
    crowther_nm: float | None = None
    details: dict[str, pd.DataFrame] = field(default_factory=dict)
    detail_lines: tuple[str, ...] = ()


def measure_phase(
    phases: Volume, options: MeasureOptions, intensity: NDArray[Any] | None, progress: Progress, should_stop: ShouldStop
) -> MeasuredPhase:
    """Label and measure the objects of one phase, and count fractions and dead pores.

    Raises
    ------
    InputError
        No voxel carries the phase, or a grey volume of another shape.
    """
    labels = np.asarray(phases.data)
    from napari_snpore.study.pipeline import label_volume  # the study brings in every step: half a second

    mask = labels == options.phase
    if not mask.any():
        raise InputError(
            f"No voxel of these phases is {options.name} (label {options.phase}); there is nothing to measure."
        )
    if intensity is not None and intensity.shape != labels.shape:
        raise InputError(f"The grey volume has shape {intensity.shape}, the phases have {labels.shape}.")
    if options.separate_nm is None:
        objects = label_objects(mask, connectivity=options.connectivity)
    else:
        objects = separate_objects(mask, spacing=phases.spacing, contrast_nm=options.separate_nm)
    check_stop(should_stop)
    envelope = labels != EXTERIOR
    has_exterior = not envelope.all()
    volume = label_volume(phases, objects, options.name)
    table = measure_objects(
        volume,
        intensity=intensity,
        envelope=envelope if has_exterior else None,
        objects_from=options.objects_from,
        min_voxels=options.min_voxels,
        progress=progress,
        should_stop=should_stop,
    )
    sizes = size_summary(table, limit_nm=options.limit_nm, min_voxels=options.min_voxels)
    fractions = volume_fractions(phases, names=options.names)
    check_stop(should_stop)
    dead = (
        dead_pores(phases, cut_axes=recorded_cut_axes(phases.history))
        if has_exterior and (labels == PORE).any()
        else None
    )
    radius_nm = _radius(envelope, phases) if has_exterior else None
    guide = resolution_guide_of(phases.history)
    crowther = None if guide is None else float(guide["crowther_nm"])
    found = MeasuredPhase(options, volume, table, sizes, fractions, dead, crowther)
    if options.place is None:
        return found
    check_stop(should_stop)
    details, lines = _place(phases, options, options.place, radius_nm, objects, table, dead, fractions)
    return replace(found, details=details, detail_lines=tuple(lines))


def _radius(envelope: NDArray[np.bool_], phases: Volume) -> float:
    return 2 * half_radius(envelope, phases.spacing)


def _place(
    phases: Volume,
    options: MeasureOptions,
    place: PlaceOptions,
    radius_nm: float | None,
    objects: NDArray[Any],
    table: pd.DataFrame,
    dead: DeadPores | None,
    fractions: pd.DataFrame,
) -> tuple[dict[str, pd.DataFrame], list[str]]:
    """Return the tables that a run writes too, and their sentences."""
    from napari_snpore.study.detail_report import detail_lines
    from napari_snpore.study.details import detail_tables
    from napari_snpore.study.recipe import MeasureSection

    section = MeasureSection(
        shell_nm=place.shell_nm, delta_nm=place.delta_nm, thickness=place.thickness, min_voxels=options.min_voxels
    )
    details = detail_tables(
        phases,
        options.names,
        section,
        radius_nm=radius_nm or min(phases.size_nm) / 2,
        cut_axes=recorded_cut_axes(phases.history),
        labels={options.name: objects},
        objects={options.name: table},
        dead=dead,
    )
    lines = detail_lines(details, fractions.assign(region="whole"), options.names, section)
    return details, [re.sub(r"^(\S.*?)\s{2,}", r"<b>\1</b>: ", line) for line in lines]


def object_lines(measured: MeasuredPhase) -> list[str]:
    """Say how many objects there are and how long, with what the numbers leave out."""
    sizes, options = measured.sizes, measured.options
    inside = sizes.count - sizes.cut_by_box
    noun = "object" if sizes.count == 1 else "objects"
    cut = "none cut by the box"
    if sizes.cut_by_box:
        cut = f"{sizes.cut_by_box:,} cut by the box and left out below"
    if not inside:
        cut = "all cut by the box: their sizes say nothing"
    lines = [f"<b>{sizes.count:,} {options.name} {noun}</b> ({options.objects_from}), {cut}"]
    if inside:
        lines += [
            f"length <b>{number(sizes.median_length_nm)} nm</b> (median, n = {inside:,}, Feret, voxel corners)",
            f"shorter than {sizes.limit_nm:g} nm: <b>{percent(sizes.share_below_limit_by_number)}</b> by number, "
            f"{percent(sizes.share_below_limit_by_volume)} by volume",
        ]
    if inside and sizes.unresolved_share > 0:
        sentence = f"{percent(sizes.unresolved_share)} of them hold fewer than {sizes.min_voxels} voxels: not resolved."
        if sizes.resolved_count:
            sentence += (
                f" Resolved ones alone: median {number(sizes.resolved_median_length_nm)} nm, "
                f"{percent(sizes.resolved_share_below_limit_by_number)} shorter than "
                f"{sizes.limit_nm:g} nm (n = {sizes.resolved_count:,})."
            )
        lines.append(caveat(sentence))
    volumes = measured.table["volume_nm3"].to_numpy(np.float64)
    largest = float(volumes.max() / volumes.sum())
    if options.separate_nm is None and largest > _ONE_NETWORK and sizes.count > 1:
        lines.append(
            caveat(
                f"One object holds {percent(largest)} of the {options.name}: a connected network is one object until it is "
                "separated."
            )
        )
    return lines


def fraction_lines(measured: MeasuredPhase) -> list[str]:
    """Say the share of each phase, and how much of the pores is closed."""
    table = measured.fractions
    shares = "&nbsp;&nbsp; ".join(
        f"{row['name']} <b>{row['fraction_percent']:.1f} %</b>" for row in table.to_dict("records")
    )
    of_envelope = table["denominator"].iloc[0] == "envelope"
    lines = [f"{shares} of the {'envelope' if of_envelope else 'whole box'}"]
    if measured.dead is None:
        lines.append(caveat("No exterior in these phases: vacuum counts as pore, and dead pores cannot be told."))
        return lines
    rows = {int(row["connectivity"]): row for row in measured.dead.table.to_dict("records")}
    upper, lower = rows[6], rows[26]
    lines.append(
        f"dead pores <b>{100 * upper['dead_share_of_pore']:.3g} %</b> of the pore volume at connectivity 6 (upper bound), "
        f"{100 * lower['dead_share_of_pore']:.3g} % at 26 (lower bound)"
    )
    if upper["open_to_cut_voxel_count"]:
        lines.append(
            caveat(f"{upper['open_to_cut_voxel_count']:,} pore voxels reach only a cut face: not counted as dead.")
        )
    return lines
