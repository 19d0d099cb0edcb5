"""Work of the Measure form in a thread: calls into the study, and what the form shows of the
result.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from napari_snpore.compute import Progress, ShouldStop
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.phases import PORE
from napari_snpore.subvolume import NamedBox
from napari_snpore.tomography.quality import resolution_guide_of
from napari_snpore.uncertainty.size_limit import SizeLimit, recorded_size_limit
from napari_snpore.viewer.measure.place_panel import PlaceOptions
from napari_snpore.volume import Volume


@dataclass(frozen=True)
class MeasureOptions:
    """Settings of the Measure form.

    Parameters
    ----------
    phase : int
        Label of the phase, 1..N; 0: every label is an object of its own.
    names : tuple of str
        Of all phases; empty where the labels are objects.
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
    boxes : tuple of NamedBox
        Of the window; fractions of those that lie in the volume are counted too.
    """

    phase: int
    names: tuple[str, ...] = ()
    separate_nm: float | None = None
    connectivity: int = 26
    min_voxels: int = RESOLVED_VOXELS
    limit_nm: float = SHORT_BELOW_NM
    place: PlaceOptions | None = None
    boxes: tuple[NamedBox, ...] = ()

    @property
    def name(self) -> str:
        """Name of the phase; that of given objects where the labels are objects."""
        return self.names[self.phase - 1] if self.phase else "labelled"


@dataclass(frozen=True, eq=False)
class MeasuredLayer:
    """Everything that one press of *Measure* finds.

    Parameters
    ----------
    options : MeasureOptions
        What was asked for.
    measured : MeasuredObjects or Measurement
        As the study returns it: the latter for a phase.
    key : str
        Name of the objects in ``measured``.
    crowther_nm : float or None
        D·Δθ of the reconstruction behind the phases (nm), where it is known.
    size_limit : SizeLimit or None
        Detection limit of the phase, where it is known.
    """

    options: MeasureOptions
    measured: Any
    key: str
    crowther_nm: float | None = None
    size_limit: SizeLimit | None = None

    @property
    def labels(self) -> Volume:
        """The objects, numbered 1..N."""
        labels: Volume = self.measured.labels[self.key]
        return labels

    @property
    def table(self) -> pd.DataFrame:
        """One row per object."""
        table: pd.DataFrame = self.measured.objects[self.key]
        return table

    @property
    def of_phase(self) -> bool:
        """Whether a phase was measured, so that there are fractions and dead pores."""
        return self.options.phase > 0

    @property
    def details(self) -> dict[str, pd.DataFrame]:
        """Tables of place and connection; empty where none were asked for."""
        return dict(self.measured.details) if self.of_phase else {}


def measure_layer(
    labels: Volume,
    options: MeasureOptions,
    intensity: NDArray[Any] | None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> MeasuredLayer:
    """Measure one phase of a volume of labels, or every label as an object.

    Raises
    ------
    InputError
        No voxel carries the phase, labels that are no phases, or a grey volume of another shape.
    """
    # the study brings in every step, which takes half a second: not when the form is opened
    from napari_snpore.study.measuring import (
        ObjectSource,
        boxes_inside,
        measure_labels,
        measure_phases,
    )
    from napari_snpore.study.provenance import Record
    from napari_snpore.study.recipe import MeasureSection, checked
    from napari_snpore.study.run_context import RunContext

    context = RunContext(Record("measure"), lambda name: nullcontext(progress), should_stop)
    place = options.place or PlaceOptions()
    connectivity = "pore_connectivity" if options.phase == PORE else "object_connectivity"
    section = checked(
        MeasureSection,
        **{connectivity: options.connectivity},
        separate_nm=options.separate_nm,
        min_voxels=options.min_voxels,
        limit_nm=options.limit_nm,
        details=options.place is not None,
        shell_nm=place.shell_nm,
        delta_nm=place.delta_nm,
        thickness=place.thickness,
        boxes=boxes_inside(labels, options.boxes)[0],
    )
    if not options.phase:
        objects = measure_labels(labels, section, intensity=intensity, context=context)
        return MeasuredLayer(options, objects, next(iter(objects.objects)))
    source = ObjectSource(options.name, options.separate_nm)
    measured = measure_phases(
        labels, section, sources=[source], names=options.names, intensity=intensity, context=context
    )
    limit = recorded_size_limit(labels.history, options.name)
    return MeasuredLayer(options, measured, source.name, _crowther(labels), limit)


def save_measured(measured: MeasuredLayer, folder: Path, keep: str = "") -> Path:
    """Write a measurement into a folder, with the files that ``snpore measure`` writes; an earlier
    result is replaced. ``keep``: conditions on objects that get a table of their own.

    Raises
    ------
    OutputError
        The folder holds other files, or cannot be written.
    """
    from napari_snpore.study.edit_report import edit_record
    from napari_snpore.study.measurement_files import (
        filter_text,
        write_filtered,
        write_measurement,
    )
    from napari_snpore.study.measurement_report import measurement_text
    from napari_snpore.study.output_folder import finish, output_folder
    from napari_snpore.study.provenance import Record, plain

    options, history = measured.options, measured.labels.history
    parameters = {
        "phase": options.name,
        "spacing_nm": measured.labels.spacing,
        "measure": measured.measured.section.model_dump(mode="json", exclude_none=True),
        "history": [{"name": step.name, **step.parameters} for step in history],
    }
    with output_folder(folder, command="measure") as part:
        write_measurement(part, measured.measured)
        results, text = edit_record(history), measurement_text(measured.measured)
        if keep:
            results["filtered"] = write_filtered(part, measured.measured, keep)
            text += f"\n{filter_text(results['filtered'])}\n"
        finish(
            part,
            Record("measure", parameters=plain(parameters), results=results),
            text,
            None,
        )
    return folder


def object_lines(measured: MeasuredLayer) -> list[str]:
    """Return how many objects there are and how long, as rich text."""
    from napari_snpore.study.measurement_report import object_statements
    from napari_snpore.study.report import html_of

    return html_of(object_statements(measured.measured, measured.key), headings=False)


def fraction_lines(measured: MeasuredLayer) -> list[str]:
    """Return the share of each phase and of dead pores, as rich text; empty for given objects."""
    if not measured.of_phase:
        return []
    from napari_snpore.study.measurement_report import (
        dead_pore_statements,
        whole_fraction_statement,
    )
    from napari_snpore.study.report import html_of

    found = measured.measured
    statements = [
        whole_fraction_statement(found.fractions),
        *dead_pore_statements(found.dead_pores, each_connectivity=False),
    ]
    return html_of(statements, headings=False)


def detail_lines(measured: MeasuredLayer) -> list[str]:
    """Return what the tables of place and connection say, as rich text."""
    if not measured.details:
        return []
    from napari_snpore.study.measurement_report import detail_statements
    from napari_snpore.study.report import html_of

    return html_of(detail_statements(measured.measured))


def _crowther(phases: Volume) -> float | None:
    """Return D·Δθ of the reconstruction that the phases come from; None where their history does
    not hold it.
    """
    guide = resolution_guide_of(phases.history)
    return None if guide is None else guide.crowther_nm
