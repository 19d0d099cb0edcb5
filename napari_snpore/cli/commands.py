"""The commands of ``snpore``: each turns its options into the sections of a recipe and runs the same steps as the viewer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from napari_snpore.cli.figure_command import figure
from napari_snpore.cli.inputs import (
    checked_connectivity,
    cut_axes_of,
    parse_angles,
    parse_specks,
    phase_labels,
    phase_number,
)
from napari_snpore.cli.outputs import note, recorded
from napari_snpore.cli.progress import watched
from napari_snpore.errors import InputError, MissingFileError
from napari_snpore.files import read_volume, write_volume
from napari_snpore.measurement.fractions import volume_fractions
from napari_snpore.measurement.sizes import RESOLVED_VOXELS, SHORT_BELOW_NM
from napari_snpore.phantom import make_phantom, simulate_tilt_series
from napari_snpore.scratch import scratch_beside
from napari_snpore.segmentation.occlusion import DIRECTIONS, OCCLUSION_THRESHOLD
from napari_snpore.segmentation.phases import PORE
from napari_snpore.segmentation.thresholds import Method as ThresholdMethod
from napari_snpore.study.demo import ANGLES_DEG, DOSE, run_demo
from napari_snpore.study.measurement_files import write_measurement
from napari_snpore.study.measurement_report import measurement_text
from napari_snpore.study.measuring import (
    MeasuredObjects,
    ObjectSource,
    measure_labels,
    measure_phases,
    phase_names_of,
)
from napari_snpore.study.measuring import cut_axes_of as noted_cut_axes
from napari_snpore.study.phantom_files import write_phantom, write_tilts
from napari_snpore.study.pipeline import finish, input_paths, output_folder, run_study
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
from napari_snpore.study.report import text_of
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.segmenting import find_phases
from napari_snpore.study.summary import segmentation_text, tomogram_statements
from napari_snpore.study.tomogram import obtain_volume
from napari_snpore.tomography.options import Filter, Stop
from napari_snpore.tomography.options import Method as ReconstructMethod
from napari_snpore.tomography.reconstruction import Backend

Output = Annotated[Path, typer.Option("--output", "-o", help="File or folder of the result.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output.")]
Spacing = Annotated[
    float | None, typer.Option("--spacing-nm", min=0, help="Edge of a voxel in nm; default: from the file.")
]

CutAxis = Annotated[
    list[int] | None,
    typer.Option(help="Axis along which the body goes on (0 z, 1 y, 2 x); once for each; default 1, or as segmented."),
]
NoCut = Annotated[bool, typer.Option("--no-cut", help="The whole body lies in the box.")]

_USUAL_CUT = [1]  # a fibre along y


def demo(output: Output = Path("demo_output")) -> None:
    """Reconstruct, segment and measure the shipped needle series and the pristine phantom, with tables and figures."""
    with watched() as monitor:
        text = run_demo(output, monitor=monitor)
    typer.echo(text)
    typer.echo(f"Results: {output}")


def run(
    recipe: Annotated[Path, typer.Argument(help="A recipe (.toml), or a tilt series, which is run with all defaults.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder of the results; default: RECIPE_results beside the recipe."),
    ] = None,
) -> None:
    """Run all steps of a recipe into one folder: align, reconstruct, segment, measure, draw."""
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
    series: Annotated[list[Path], typer.Argument(help="A tilt series: one file, or one file per tilt.")],
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
        float | None, typer.Option(min=0, help="TV: weight in grey units; default: from the noise.")
    ] = None,
    gray_level: Annotated[
        list[float] | None,
        typer.Option(help="DART: one grey level, vacuum first; repeat per level; default: found in the data."),
    ] = None,
    backend: Annotated[
        Backend, typer.Option(help="SIRT, WBP: on a CUDA device by ASTRA, or on the CPU; auto: CUDA if available.")
    ] = "auto",
    thickness_px: Annotated[
        int | None,
        typer.Option(min=1, help="Thickness of the volume along the beam in voxels; default: the image width."),
    ] = None,
    pixel_size_nm: Annotated[
        float | None, typer.Option(min=0, help="Pixel size in nm; default: from the file.")
    ] = None,
    angles: Annotated[
        str | None,
        typer.Option(
            help="Tilt angles in degrees: a .tlt/.rawtlt file, START:STOP:STEP, or a list with commas; default: from the file."
        ),
    ] = None,
    tilt_axis_angle_deg: Annotated[
        float | None,
        typer.Option(help="Direction of the tilt axis in degrees from image y; default: found in the images."),
    ] = None,
    align: Annotated[bool, typer.Option(help="Align the series; --no-align: it is aligned already.")] = True,
    background: Annotated[
        str,
        typer.Option(help="Vacuum level to subtract, in grey units: auto (found per image), none, or a value."),
    ] = "auto",
    leave_out: Annotated[
        list[int] | None, typer.Option(help="Number of a tilt to leave out, from 0; repeat per tilt; default: none.")
    ] = None,
    repair_pixels: Annotated[
        bool, typer.Option("--repair-pixels", help="Replace hot and dead pixels; default: off.")
    ] = False,
    bin_factor: Annotated[int, typer.Option("--bin", min=1, help="Binning: average squares with this edge in px.")] = 1,
    normalize_mass: Annotated[
        bool, typer.Option("--normalize-mass", help="Scale every image to the median sum of grey values; default: off.")
    ] = False,
    xf: Annotated[Path | None, typer.Option(help="Alignment by IMOD (.xf); default: aligned by this program.")] = None,
    memory_limit_mb: Annotated[
        int | None,
        typer.Option(min=1, help="Memory limit of arrays in MB; larger ones are temporary files; default: none."),
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
    typer.echo(text_of(tomogram_statements(tomogram)))


def segment(
    volume: Annotated[Path, typer.Argument(help="A reconstructed volume.")],
    output: Output,
    thresholds: Annotated[
        list[float] | None,
        typer.Option(
            "--threshold", "-t", help="One threshold in grey units; repeat for t1, t2, ...; default: suggested."
        ),
    ] = None,
    phases: Annotated[int, typer.Option(min=2, max=5, help="Number of phases if thresholds are suggested.")] = 3,
    method: Annotated[ThresholdMethod, typer.Option(help="Method by which thresholds are suggested.")] = "haadf",
    calibrated: Annotated[
        bool,
        typer.Option("--calibrated", help="Thresholds in units of vacuum = 0, carbon = 1; default: raw grey values."),
    ] = False,
    smooth: Annotated[
        Literal["none", "gaussian", "median", "nl_means", "tv"],
        typer.Option(help="Smoothing before the thresholds are applied."),
    ] = "none",
    smooth_strength: Annotated[
        float, typer.Option(min=0, help="In voxels (gaussian, median), or in units of the noise (nl_means, tv).")
    ] = 1.0,
    majority: Annotated[int, typer.Option(min=0, max=5, help="Radius of the majority filter in voxels; 0: none.")] = 0,
    fill: Annotated[
        list[str] | None, typer.Option(help="Phase whose holes are filled; repeat per phase; default: none.")
    ] = None,
    specks: Annotated[
        list[str] | None,
        typer.Option(help="PHASE:VOXELS, such as Sn:8: smaller objects get the surrounding phase; default: none."),
    ] = None,
    envelope: Annotated[bool, typer.Option(help="Separate vacuum from pore by ambient occlusion.")] = True,
    ray_length_nm: Annotated[
        float | None,
        typer.Option(min=0, help="Ray length of the occlusion in nm; default: half the radius of the body."),
    ] = None,
    occlusion_threshold: Annotated[float, typer.Option(help="τ: occlusion from which void is pore, 0 to 1.")] = (
        OCCLUSION_THRESHOLD
    ),
    directions: Annotated[int, typer.Option(min=8, help="Number of ray directions of the occlusion.")] = DIRECTIONS,
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
    axes = cut_axes_of(cut_axis, no_cut)
    around = checked(
        EnvelopeSection,
        enabled=envelope,
        ray_length_nm=ray_length_nm,
        occlusion_threshold=occlusion_threshold,
        directions=directions,
        cut_axes=_USUAL_CUT if axes is None else axes,
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
    typer.echo(segmentation_text(found, fractions))


def measure(
    phases: Annotated[Path, typer.Argument(help="A volume of phase labels; with --objects, of object labels.")],
    output: Output,
    objects: Annotated[
        bool,
        typer.Option(
            "--objects",
            help="Each label is an object, as another program numbered them; gaps and large numbers are fine.",
        ),
    ] = False,
    phase: Annotated[str, typer.Option(help="Phase whose objects are measured: pore, C, Sn, or a label.")] = "Sn",
    connectivity: Annotated[int | None, typer.Option(help="6, 18 or 26; default 6 for pores, 26 else.")] = None,
    separate_nm: Annotated[
        float | None, typer.Option(min=0, help="Split objects by a watershed of this contrast (nm).")
    ] = None,
    intensity: Annotated[
        Path | None,
        typer.Option(help="Grey volume of the same shape, for intensity_mean and intensity_sum; default: none."),
    ] = None,
    convention: Annotated[
        Literal["corners", "centers_plus_one"],
        typer.Option(help="Extent of an object for Feret diameters: of voxel corners, or of centres plus one voxel."),
    ] = "corners",
    directions: Annotated[str, typer.Option(help="Feret diameters: exact, or the number of directions.")] = "exact",
    min_voxels: Annotated[int, typer.Option(min=1, help="Least number of voxels of a resolved object.")] = (
        RESOLVED_VOXELS
    ),
    limit_nm: Annotated[float, typer.Option(min=0, help="Length in nm below which objects count as short.")] = (
        SHORT_BELOW_NM
    ),
    details: Annotated[
        bool, typer.Option(help="Tables of slices, shells, contacts, networks, dead pores and probe radii as well.")
    ] = True,
    shell_nm: Annotated[
        float | None, typer.Option(min=0, help="Thickness of a shell in nm; default: 1/8 of the radius.")
    ] = None,
    delta_nm: Annotated[
        float | None, typer.Option(min=0, help="Blur of an edge: a cluster without pore within it is encapsulated.")
    ] = None,
    thickness: Annotated[
        bool, typer.Option("--thickness", help="Local thickness, chords and tortuosity as well (slower); default: off.")
    ] = False,
    cut_axis: CutAxis = None,
    no_cut: NoCut = False,
    spacing_nm: Spacing = None,
) -> None:
    """Measure phases (fractions, dead pores, objects of one phase) or objects that are labelled already, into a folder."""
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
        context = RunContext(Record("measure"), monitor)
        data = read_volume(phases, spacing=spacing_nm)
        gray = None if intensity is None else read_volume(intensity, spacing=data.spacing)
        told: dict[str, Any] = {"objects" if objects else "phases": str(phases), "spacing_nm": data.spacing}
        measured: MeasuredObjects
        if objects:
            note(context, _files(phases, intensity), **told, intensity=intensity and str(intensity), measure=how)
            measured = measure_labels(data, how, intensity=gray, context=context)
        else:
            labels = phase_labels(data, phases)
            names = phase_names_of(data)
            number = phase_number(phase, labels, names)
            neighbors = checked_connectivity(connectivity, number)
            how = how.model_copy(update={"pore_connectivity" if number == PORE else "object_connectivity": neighbors})
            axes = noted_cut_axes(data) if cut_axes is None else tuple(cut_axes)
            note(
                context,
                _files(phases, intensity),
                **told,
                phase=names[number - 1],
                intensity=intensity and str(intensity),
                connectivity=neighbors,
                cut_axes=axes,
                measure=how,
            )
            measured = measure_phases(
                data,
                how,
                sources=[ObjectSource(names[number - 1], separate_nm)],
                names=names,
                intensity=gray,
                cut_axes=axes,
                context=context,
            )
        write_measurement(folder, measured)
        text = measurement_text(measured)
        finish(folder, context.record, text, None)
    typer.echo(text)


def _files(*paths: Path | None) -> list[Path]:
    return [path for path in paths if path is not None]


def phantom(
    state: Annotated[Literal["pristine", "sodiated", "desodiated"], typer.Argument(help="State of the fibre.")],
    output: Output,
    shape: Annotated[tuple[int, int, int], typer.Option(help="Number of voxels along z, y, x.")] = (176, 176, 176),
    spacing_nm: Annotated[float, typer.Option(min=0, help="Edge of a voxel in nm.")] = 0.15,
    seed: Annotated[int, typer.Option(help="Seed: the same seed gives the same fibre, bit for bit.")] = 0,
    easy: Annotated[
        bool, typer.Option("--easy", help="Grey values of pore, C, Sn are 0, 1, 2; default: 0, 1, 12.")
    ] = False,
    tilts: Annotated[
        bool, typer.Option("--tilts", help="Write the tilt series as well: 70 images, 2° steps; default: off.")
    ] = False,
    dose: Annotated[float, typer.Option(min=0, help="Electrons per pixel over the fibre at tilt 0.")] = DOSE,
) -> None:
    """Simulate a fibre with known truth: grey volume, phases, truth tables, and its tilt series on request."""
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
    for command in (demo, run, reconstruct, segment, measure, figure, phantom, view):
        app.command()(command)
