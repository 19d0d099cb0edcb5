"""The command ``snpore measure``: tables of phases or of labelled objects, in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_snpore.cli.inputs import checked_connectivity, cut_axes_of, phase_labels, phase_number
from napari_snpore.cli.options import (
    ByBlocks,
    CutAxis,
    Image,
    MemoryLimit,
    NoCut,
    Output,
    Spacing,
    asked_for_blocks,
    memory_bytes,
)
from napari_snpore.cli.outputs import note
from napari_snpore.cli.progress import echo_apart, watched
from napari_snpore.cli.reading import echo_reading
from napari_snpore.files import read_volume
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.segmentation.phases import PORE
from napari_snpore.study.by_blocks import blocks_on_disk, plan_blocks, shared
from napari_snpore.study.edit_report import edit_record
from napari_snpore.study.measurement_files import (
    check_filter,
    filter_text,
    write_filtered,
    write_measurement,
)
from napari_snpore.study.measurement_report import measurement_text
from napari_snpore.study.measuring import (
    MEASURE_BYTES,
    MeasuredObjects,
    ObjectSource,
    measure_labels,
    measure_phases,
    phase_names_of,
)
from napari_snpore.study.measuring import cut_axes_of as noted_cut_axes
from napari_snpore.study.output_folder import finish, output_folder
from napari_snpore.study.provenance import Record
from napari_snpore.study.recipe import MeasureSection, Recipe, checked
from napari_snpore.study.run_context import RunContext


def measure(
    phases: Annotated[
        Path, typer.Argument(help="A volume of phase labels; with --objects, of object labels.")
    ],
    output: Output,
    objects: Annotated[
        bool,
        typer.Option(
            "--objects",
            help="Each label is an object, as another program numbered them; gaps and large numbers are fine.",
        ),
    ] = False,
    phase: Annotated[
        str,
        typer.Option(
            help="Phase whose objects are measured: a name (pore, C, Sn) or a label number."
        ),
    ] = "Sn",
    connectivity: Annotated[
        int | None,
        typer.Option(
            help="Number of neighbours of a voxel that connect: 6, 18 or 26; default: 6 for pores, else 26."
        ),
    ] = None,
    separate_nm: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Split objects by a watershed on the distance map with this contrast in nm; default: not split.",
        ),
    ] = None,
    intensity: Annotated[
        Path | None,
        typer.Option(
            help="Grey volume of the same shape, for intensity_mean and intensity_sum; default: none."
        ),
    ] = None,
    convention: Annotated[
        Literal["corners", "centers_plus_one"],
        typer.Option(
            help="Extent of an object for Feret diameters: of voxel corners, or of centres plus one voxel."
        ),
    ] = "corners",
    directions: Annotated[
        str, typer.Option(help="Feret diameters: exact, or the number of directions.")
    ] = "exact",
    min_voxels: Annotated[
        int, typer.Option(min=1, help="Least number of voxels of a resolved object.")
    ] = (RESOLVED_VOXELS),
    limit_nm: Annotated[
        float, typer.Option(min=0, help="Length in nm below which objects count as short.")
    ] = (SHORT_BELOW_NM),
    details: Annotated[
        bool,
        typer.Option(
            help="Tables of slices, shells, contacts, networks, neighbours, correlation, cubes, dead pores and probes as well."
        ),
    ] = True,
    shell_nm: Annotated[
        float | None,
        typer.Option(
            min=0, help="Thickness of a shell in nm; default: an eighth of the radius of the fibre."
        ),
    ] = None,
    delta_nm: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Blur of an edge in nm: a cluster without pore within this distance is encapsulated; default: 2 voxels.",
        ),
    ] = None,
    thickness: Annotated[
        bool,
        typer.Option(
            "--thickness",
            help="Local thickness, chords and tortuosity as well (slower); default: off.",
        ),
    ] = False,
    diffusivity: Annotated[
        bool,
        typer.Option(
            "--diffusivity",
            help="Effective diffusivity and tortuosity factor of the pores as well (slower); default: off.",
        ),
    ] = False,
    keep: Annotated[
        str,
        typer.Option(
            "--filter",
            help="Objects to write as a table of their own as well, such as 'length > 2, resolved, not touches_border'.",
        ),
    ] = "",
    cut_axis: CutAxis = None,
    no_cut: NoCut = False,
    spacing_nm: Spacing = None,
    image: Image = None,
    memory_limit_mb: MemoryLimit = None,
    blocks: ByBlocks = None,
) -> None:
    """Measure phases (fractions, dead pores, objects of one phase) or objects that are labelled
    already, into a folder.
    """
    how = checked(
        MeasureSection,
        separate_nm=separate_nm,
        convention=convention,
        directions=int(directions)
        if directions.isascii() and directions.isdecimal()
        else directions,
        min_voxels=min_voxels,
        limit_nm=limit_nm,
        details=details,
        shell_nm=shell_nm,
        delta_nm=delta_nm,
        thickness=thickness,
        diffusivity=diffusivity,
    )
    check_filter(keep)
    cut_axes = cut_axes_of(cut_axis, no_cut)
    inputs = [phases] if intensity is None else [phases, intensity]
    with (
        output_folder(output, command="measure", inputs=inputs) as folder,
        watched() as monitor,
    ):
        context = RunContext(
            Record("measure"), monitor, memory_limit=memory_bytes(memory_limit_mb), say=echo_apart
        )
        data = read_volume(phases, spacing=spacing_nm, image=image)
        gray = None if intensity is None else read_volume(intensity, spacing=data.spacing)
        plan = None
        if not objects:
            wanted = Recipe(
                input={"volume": str(phases), "spacing_nm": data.spacing, "image": image},
                measure=how,
                blocks=asked_for_blocks(blocks),
            )
            plan = plan_blocks(wanted, MEASURE_BYTES, context.memory_limit)
            data = shared(data, phases, plan, image)
            if gray is not None and intensity is not None:
                gray = shared(gray, intensity, plan)
        source: dict[str, Any] = {
            "objects" if objects else "phases": str(phases),
            "spacing_nm": data.spacing,
        }
        if image is not None:
            source["image"] = image
        measured: MeasuredObjects
        if objects:
            note(
                context,
                output,
                inputs,
                **source,
                intensity=intensity and str(intensity),
                measure=how,
            )
            measured = measure_labels(data, how, intensity=gray, context=context)
        else:
            labels = phase_labels(data, phases)
            names = phase_names_of(data)
            number = phase_number(phase, labels, names)
            neighbors = checked_connectivity(connectivity, number)
            how = how.model_copy(
                update={"pore_connectivity" if number == PORE else "object_connectivity": neighbors}
            )
            axes = noted_cut_axes(data) if cut_axes is None else tuple(cut_axes)
            note(
                context,
                output,
                inputs,
                **source,
                phase=names[number - 1],
                intensity=intensity and str(intensity),
                connectivity=neighbors,
                cut_axes=axes,
                measure=how,
            )
            with blocks_on_disk(plan, context, output, folder / "volumes") as work:
                measured = measure_phases(
                    data,
                    how,
                    sources=[ObjectSource(names[number - 1], separate_nm)],
                    names=names,
                    intensity=gray,
                    cut_axes=axes,
                    context=work,
                )
        context.record.results |= edit_record(measured.history)
        with context.step("write") as watch:
            write_measurement(folder, measured, suffix=".tif" if plan is None else None, **watch)
        text = measurement_text(measured)
        if keep.strip():
            context.record.results["filtered"] = write_filtered(folder, measured, keep)
            text += f"\n{filter_text(context.record.results['filtered'])}\n"
        finish(folder, context.record, text, None)
    echo_reading(data.history)
    typer.echo(text)
