"""The commands of ``snpore``: each turns its options into the sections of a recipe and runs the same steps as the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from napari_snpore.cli.inputs import (
    checked_connectivity,
    cut_axes_of,
    parse_angles,
    parse_specks,
    phase_labels,
    phase_names,
    phase_number,
)
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.cli.progress import watched
from napari_snpore.errors import InputError, MissingFileError
from napari_snpore.files import read_volume, write_table, write_volume
from napari_snpore.measurement.dead_pores import dead_pores
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.objects import label_objects, measure_objects, separate_objects, size_summary
from napari_snpore.phantom import make_phantom, simulate_tilt_series
from napari_snpore.scratch import scratch_beside
from napari_snpore.segmentation.envelope import half_radius
from napari_snpore.segmentation.thresholds import Method as ThresholdMethod
from napari_snpore.study.demo import ANGLES_DEG, DOSE, run_demo
from napari_snpore.study.detail_report import detail_lines
from napari_snpore.study.details import detail_tables
from napari_snpore.study.phantom_files import write_phantom, write_tilts
from napari_snpore.study.pipeline import finish, input_paths, label_volume, output_folder, run_study
from napari_snpore.study.provenance import Record, plain
from napari_snpore.study.quality_report import quality_record
from napari_snpore.study.recipe import (
    AlignSection,
    CleanupSection,
    EnvelopeSection,
    InputSection,
    MeasureSection,
    PrepareSection,
    Recipe,
    ReconstructSection,
    ThresholdSection,
    checked,
    read_recipe,
)
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.summary import object_lines, segmentation_lines, tomogram_lines
from napari_snpore.study.tomogram import obtain_volume
from napari_snpore.tomography.options import Filter, Stop
from napari_snpore.tomography.options import Method as ReconstructMethod
from napari_snpore.tomography.reconstruction import Backend
from napari_snpore.volume import Volume

Output = Annotated[Path, typer.Option("--output", "-o", help="Where the result goes.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there already.")]
Spacing = Annotated[
    float | None, typer.Option("--spacing-nm", min=0, help="Edge of a voxel in nm, where the file does not say it.")
]

CutAxis = Annotated[
    list[int] | None, typer.Option(help="Axis along which the body goes on (0 z, 1 y, 2 x); once for each; default 1.")
]
NoCut = Annotated[bool, typer.Option("--no-cut", help="The whole body lies in the box.")]


def demo(output: Output = Path("demo_output")) -> None:
    """Run the real needle and the pristine phantom, from tilts to tables and figures, on data that ships with the program."""
    with watched() as monitor:
        text = run_demo(output, monitor=monitor)
    typer.echo(text)
    typer.echo(f"Results: {output}")


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe (TOML), or a tilt series to run with all defaults.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the results; default: beside the recipe.")
    ] = None,
) -> None:
    """Run all steps of a recipe: align, reconstruct, segment, measure, draw; one folder comes out."""
    steps = (
        read_recipe(recipe)
        if recipe.suffix.lower() == ".toml"
        else Recipe(name=recipe.stem, input=InputSection(tilt_series=str(recipe)))
    )
    out = output or recipe.with_name(f"{recipe.stem}_results")
    with watched() as monitor:
        result = run_study(steps, out, monitor=monitor)
    typer.echo(result.summary)
    typer.echo(f"Results: {out}")


def reconstruct(
    series: Annotated[list[Path], typer.Argument(help="A tilt series: one file, or one file a tilt.")],
    output: Output,
    method: Annotated[ReconstructMethod, typer.Option(help="Reconstruction method.")] = "sirt",
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Iterations; default: SIRT 50, CGLS 20, TV 150, DART 20.")
    ] = None,
    stop: Annotated[
        Stop | None,
        typer.Option(help="SIRT, CGLS: after all iterations, or at the noise level; default: iterations."),
    ] = None,
    filter_name: Annotated[Filter | None, typer.Option("--filter", help="Filter of WBP; default ram-lak.")] = None,
    tv_weight: Annotated[
        float | None, typer.Option(min=0, help="Weight of TV in grey units; default: from the noise.")
    ] = None,
    gray_level: Annotated[
        list[float] | None, typer.Option(help="A grey level of DART, vacuum first; once for each; default: found.")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="SIRT and WBP on a CUDA device by ASTRA, or on the CPU.")] = "auto",
    thickness_px: Annotated[
        int | None, typer.Option(min=1, help="Voxels along the beam; default: the image width.")
    ] = None,
    pixel_size_nm: Annotated[
        float | None, typer.Option(min=0, help="Pixel size in nm, where the file lacks it.")
    ] = None,
    angles: Annotated[
        str | None,
        typer.Option(help="Tilt angles in degrees: a .tlt/.rawtlt file, START:STOP:STEP, or a list with commas."),
    ] = None,
    tilt_axis_angle_deg: Annotated[
        float | None,
        typer.Option(help="Direction of the tilt axis, degrees from image y; default: found from the data."),
    ] = None,
    align: Annotated[bool, typer.Option(help="Align the series first; --no-align for an aligned one.")] = True,
    background: Annotated[
        str,
        typer.Option(help="Vacuum level that is subtracted first: auto (found in each image), none, or a grey value."),
    ] = "auto",
    leave_out: Annotated[list[int] | None, typer.Option(help="A tilt to leave out, from 0; once for each.")] = None,
    repair_pixels: Annotated[bool, typer.Option("--repair-pixels", help="Replace hot and dead pixels.")] = False,
    bin_factor: Annotated[int, typer.Option("--bin", min=1, help="Average squares of so many px.")] = 1,
    normalize_mass: Annotated[
        bool, typer.Option("--normalize-mass", help="Scale every image to the median mass.")
    ] = False,
    xf: Annotated[Path | None, typer.Option(help="An alignment made by IMOD, instead of our own.")] = None,
    memory_limit_mb: Annotated[
        int | None,
        typer.Option(min=1, help="Keep arrays within so many MB; larger ones lie on disk beside the output meanwhile."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Align and reconstruct a tilt series into a volume (.tif, .ome.zarr, .mrc) with a JSON record beside it."""
    source = checked(
        InputSection,
        tilt_series=[str(path) for path in series] if len(series) > 1 else str(series[0]),
        angles_deg=None if angles is None else parse_angles(angles),
        pixel_size_nm=pixel_size_nm,
        tilt_axis_angle_deg=None if align else tilt_axis_angle_deg,
    )
    alignment = AlignSection(enabled=align, tilt_axis_angle_deg=tilt_axis_angle_deg, xf=None if xf is None else str(xf))
    prepare = checked(
        PrepareSection,
        leave_out=leave_out or [],
        repair_pixels=repair_pixels,
        bin=bin_factor,
        background=background,
        normalize_mass=normalize_mass,
    )
    options = {
        "iterations": iterations,
        "filter": filter_name,
        "stop": stop,
        "weight": tv_weight,
        "gray_levels": gray_level or None,
    }
    how = checked(
        ReconstructSection,
        method=method,
        thickness_px=thickness_px,
        backend=backend,
        **{method: {name: value for name, value in options.items() if value is not None}},
    )
    with recorded("reconstruct", output, overwrite=overwrite) as context:
        note(
            context,
            input_paths(Recipe(input=source, align=alignment)),
            input=source,
            prepare=prepare,
            align=alignment,
            reconstruct=how,
        )
        with scratch_beside(output, None if memory_limit_mb is None else memory_limit_mb * 1_000_000) as scratch:
            tomogram = obtain_volume(source, prepare, alignment, how, context=context, scratch=scratch)
            write_volume(output, tomogram.volume, overwrite=overwrite)
        context.record.results["quality"] = quality_record(tomogram)
    typer.echo("\n".join(tomogram_lines(tomogram)))


def segment(
    volume: Annotated[Path, typer.Argument(help="A reconstructed volume.")],
    output: Output,
    thresholds: Annotated[
        list[float] | None,
        typer.Option("--threshold", "-t", help="A threshold in grey units; once for each (t1, t2, ...)."),
    ] = None,
    phases: Annotated[int, typer.Option(min=2, max=5, help="Number of phases where thresholds are suggested.")] = 3,
    method: Annotated[ThresholdMethod, typer.Option(help="How thresholds are suggested.")] = "haadf",
    calibrated: Annotated[
        bool, typer.Option("--calibrated", help="Thresholds count in units of vacuum 0 and carbon 1, both found.")
    ] = False,
    smooth: Annotated[
        Literal["none", "gaussian", "median", "nl_means", "tv"], typer.Option(help="Smoothing before the thresholds.")
    ] = "none",
    smooth_strength: Annotated[
        float, typer.Option(min=0, help="Voxels (gaussian, median), or times the noise (nl_means, tv).")
    ] = 1.0,
    majority: Annotated[int, typer.Option(min=0, max=5, help="Radius (voxels) of a majority filter; 0: none.")] = 0,
    fill: Annotated[list[str] | None, typer.Option(help="A phase whose holes are filled; once for each.")] = None,
    specks: Annotated[
        list[str] | None, typer.Option(help="PHASE:VOXELS, such as Sn:8: smaller objects join what is around them.")
    ] = None,
    envelope: Annotated[bool, typer.Option(help="Tell vacuum from pore by ambient occlusion.")] = True,
    ray_length_nm: Annotated[float | None, typer.Option(min=0, help="Ray length of the occlusion in nm.")] = None,
    occlusion_threshold: Annotated[float, typer.Option(help="τ of the occlusion, between 0 and 1.")] = 0.5,
    directions: Annotated[int, typer.Option(min=8, help="Directions of the occlusion.")] = 128,
    cut_axis: CutAxis = None,
    no_cut: NoCut = False,
    spacing_nm: Spacing = None,
    overwrite: Overwrite = False,
) -> None:
    """Threshold a volume into phases: 0 exterior, 1 pore, 2 C, 3 Sn (or 1..N for other materials)."""
    source = checked(InputSection, volume=str(volume), spacing_nm=spacing_nm)
    how = checked(ThresholdSection, values=thresholds or None, phases=phases, method=method, calibrated=calibrated)
    cleanup = checked(
        CleanupSection,
        smooth=smooth,
        smooth_strength=smooth_strength,
        majority_radius=majority,
        fill=fill or [],
        specks=parse_specks(specks or []),
    )
    around = checked(
        EnvelopeSection,
        enabled=envelope,
        ray_length_nm=ray_length_nm,
        occlusion_threshold=occlusion_threshold,
        directions=directions,
        cut_axes=cut_axes_of(cut_axis, no_cut),
    )
    with recorded("segment", output, overwrite=overwrite) as context:
        note(context, [volume], input=source, threshold=how, cleanup=cleanup, envelope=around)
        data = read_volume(volume, spacing=spacing_nm)
        found = find_phases(data, how, around, cleanup, context=context)
        write_volume(output, found.phases, overwrite=overwrite)
        fractions = volume_fractions(found.phases.data, spacing=data.spacing, names=found.scheme.names)
        context.record.results.update(
            plain({"thresholds": found.thresholds, "fractions": fractions.to_dict("records")})
        )
    typer.echo("\n".join(segmentation_lines(found, fractions)))


def measure(
    phases: Annotated[Path, typer.Argument(help="A volume of phase labels.")],
    output: Output,
    phase: Annotated[str, typer.Option(help="Phase whose objects are measured: pore, C, Sn, or a label.")] = "Sn",
    connectivity: Annotated[int | None, typer.Option(help="6, 18 or 26; default 6 for pores, 26 else.")] = None,
    separate_nm: Annotated[
        float | None, typer.Option(min=0, help="Split objects by a watershed of this contrast (nm).")
    ] = None,
    intensity: Annotated[Path | None, typer.Option(help="Grey volume of the same shape, for mean and sum.")] = None,
    convention: Annotated[
        Literal["corners", "centers_plus_one"], typer.Option(help="What a Feret diameter spans.")
    ] = "corners",
    directions: Annotated[str, typer.Option(help="Feret diameters: exact, or over so many directions.")] = "exact",
    min_voxels: Annotated[int, typer.Option(min=1, help="Objects below are marked as unresolved.")] = 64,
    limit_nm: Annotated[float, typer.Option(min=0, help="Length (nm) below which objects count as small.")] = 2.0,
    details: Annotated[
        bool, typer.Option(help="Also tables of slices, shells, contacts, networks, each dead pore, probe radii.")
    ] = True,
    shell_nm: Annotated[
        float | None, typer.Option(min=0, help="Thickness of a shell; default: 1/8 of the radius.")
    ] = None,
    delta_nm: Annotated[
        float | None, typer.Option(min=0, help="Blur of an edge: a cluster without pore within it is encapsulated.")
    ] = None,
    thickness: Annotated[
        bool, typer.Option("--thickness", help="Also local thickness, chords and tortuosity; takes longer.")
    ] = False,
    cut_axis: CutAxis = None,
    no_cut: NoCut = False,
    spacing_nm: Spacing = None,
) -> None:
    """Measure a volume of phases: fractions, dead pores and the table of one phase's objects, into a folder."""
    how = checked(
        MeasureSection,
        separate_nm=separate_nm,
        convention=convention,
        directions=int(directions) if directions.isascii() and directions.isdecimal() else directions,
        min_voxels=min_voxels,
        limit_nm=limit_nm,
        details=details,
        shell_nm=shell_nm,
        delta_nm=delta_nm,
        thickness=thickness,
    )
    cut_axes = cut_axes_of(cut_axis, no_cut)
    with output_folder(output) as folder, watched() as monitor:
        record = Record("measure")
        context = RunContext(record, monitor)
        data = read_volume(phases, spacing=spacing_nm)
        labels = phase_labels(data, phases)
        names = phase_names(data)
        number = phase_number(phase, labels, names)
        name = names[number - 1] if number <= len(names) else phase
        mask = labels == number
        neighbors = checked_connectivity(connectivity, number)
        note(
            context,
            [path for path in (phases, intensity) if path is not None],
            phases=str(phases),
            phase=name,
            intensity=None if intensity is None else str(intensity),
            spacing_nm=data.spacing,
            connectivity=neighbors,
            cut_axes=cut_axes,
            measure=how,
        )
        with context.step(f"label {name}"):
            if separate_nm is None:
                made_by, objects = f"connected {neighbors}", label_objects(mask, connectivity=neighbors)
            else:
                made_by = f"separated h={separate_nm:g} nm"
                objects = separate_objects(mask, spacing=data.spacing, contrast_nm=separate_nm)
        gray = None if intensity is None else np.asarray(read_volume(intensity, spacing=data.spacing).data)
        with context.step(f"measure {name}") as watch:
            table = measure_objects(
                Volume(objects, data.spacing, data.origin),
                intensity=gray,
                envelope=labels > 0 if (labels == 0).any() else None,
                directions=how.directions,
                convention=how.convention,
                objects_from=made_by,
                min_voxels=how.min_voxels,
                **watch,
            )
        write_table(folder / "tables" / f"objects_{name}.csv", table)
        write_table(folder / "tables" / "fractions.csv", volume_fractions(labels, spacing=data.spacing, names=names))
        dead = dead_pores(labels, spacing=data.spacing, cut_axes=tuple(cut_axes))
        write_table(folder / "tables" / "dead_pores.csv", dead.table)
        with context.step("details"):
            tables = detail_tables(
                Volume(labels, data.spacing, data.origin),
                names,
                how.model_copy(update={"separate_nm": None}),
                radius_nm=2 * half_radius(labels > 0, data.spacing),
                cut_axes=tuple(cut_axes),
                labels={name: objects},
                objects={name: table},
                dead=dead if (labels == 0).any() else None,
            )
        for key, one in tables.items():
            write_table(folder / "tables" / f"{key}.csv", one)
        write_volume(folder / "volumes" / f"objects_{name}.tif", label_volume(data, objects, name))
        sizes = size_summary(table, limit_nm=how.limit_nm, min_voxels=how.min_voxels)
        fractions = volume_fractions(labels, spacing=data.spacing, names=names).assign(region="whole")
        text = "\n".join([*object_lines(name, table, sizes), *detail_lines(tables, fractions, names, how)])
        finish(folder, record, text + "\n", None)
    typer.echo(text)


def phantom(
    state: Annotated[Literal["pristine", "sodiated", "desodiated"], typer.Argument(help="State of the fibre.")],
    output: Output,
    shape: Annotated[tuple[int, int, int], typer.Option(help="Voxels along z, y, x.")] = (176, 176, 176),
    spacing_nm: Annotated[float, typer.Option(min=0, help="Edge of a voxel in nm.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Same seed, same fibre, bit for bit.")] = 0,
    easy: Annotated[bool, typer.Option("--easy", help="Grey values 0, 1, 2 instead of 0, 1, 12.")] = False,
    tilts: Annotated[bool, typer.Option("--tilts", help="Also write its tilt series, 70 images at 2° steps.")] = False,
    dose: Annotated[
        float, typer.Option(min=0, help="Dose of the tilt series; see the documentation of the phantom.")
    ] = DOSE,
) -> None:
    """Make a fibre with known truth: grey volume, phases, truth tables, and its tilt series if wanted."""
    with output_folder(output) as folder, watched() as monitor:
        record = Record("phantom", seed=seed)
        context = RunContext(record, monitor)
        note(
            context,
            [],
            state=state,
            shape=shape,
            spacing_nm=spacing_nm,
            seed=seed,
            easy=easy,
            dose=dose if tilts else None,
        )
        with context.step("phantom"):
            made = make_phantom(state, shape=shape, spacing=spacing_nm, seed=seed, easy=easy)
        with context.step("write"):
            write_phantom(folder, made)
        if tilts:
            with context.step("tilts"):
                series = simulate_tilt_series(made, angles_deg=ANGLES_DEG, dose=dose, seed=seed)
                write_tilts(folder / "tilts.tif", series)
        shares = ", ".join(
            f"{row['name']} {row['fraction_percent']:.1f} %" for row in made.fractions.to_dict("records")
        )
        text = f"{state} phantom, seed {seed}: {shares}"
        finish(folder, record, f"{text} of the envelope (planted truth)\n", None)
    typer.echo(text)


def view(
    path: Annotated[list[Path], typer.Argument(help="The folder of a finished run, or files that napari can open.")],
) -> None:
    """Open a finished run, or files, in napari."""
    for one in path:
        if not one.exists():
            raise MissingFileError(f"There is no {one}.")
    try:
        from napari_snpore.viewer.open.open_run import launch
    except ImportError as error:
        raise InputError("The viewer needs a Qt binding: pip install 'napari-snpore[gui]'.") from error
    launch(path)


def register(app: typer.Typer) -> None:
    """Give the commands to the application, in the order of the work."""
    for command in (demo, run, reconstruct, segment, measure, phantom, view):
        app.command()(command)
