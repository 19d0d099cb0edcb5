"""The command ``snpore blur``: the blur of the images of a tilt series, found in the images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_snpore.cli.options import Image
from napari_snpore.cli.outputs import note
from napari_snpore.cli.progress import watched
from napari_snpore.cli.series_options import (
    Align,
    Angles,
    Background,
    BinFactor,
    Invert,
    LeaveOut,
    NormalizeMass,
    PixelSize,
    RepairPixels,
    Series,
    Thickness,
    TiltAxisAngle,
    Xf,
    series_sections,
)
from napari_snpore.files import write_table
from napari_snpore.study.output_folder import finish, output_folder
from napari_snpore.study.pipeline import input_paths
from napari_snpore.study.provenance import Record, plain
from napari_snpore.study.quality_report import blur_table, found_blur_statements
from napari_snpore.study.recipe import Recipe
from napari_snpore.study.report import text_of
from napari_snpore.study.run_context import RunContext
from napari_snpore.study.tomogram import obtain_blur


def blur(
    series: Series,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the result.")],
    phases: Annotated[
        int, typer.Option(min=2, max=5, help="Number of phases, vacuum included.")
    ] = 3,
    thickness_px: Thickness = None,
    pixel_size_nm: PixelSize = None,
    angles: Angles = None,
    tilt_axis_angle_deg: TiltAxisAngle = None,
    align: Align = True,
    background: Background = "auto",
    leave_out: LeaveOut = None,
    repair_pixels: RepairPixels = False,
    invert: Invert = False,
    bin_factor: BinFactor = 1,
    normalize_mass: NormalizeMass = False,
    xf: Xf = None,
    image: Image = None,
) -> None:
    """Find the blur of the images of a tilt series; write its curve (blur.csv, blur.png) into a
    folder.
    """
    # matplotlib takes half a second to load: not for ``snpore --help``
    from napari_snpore.figures import blur_curve_plot, save_figure

    source, prepare, alignment = series_sections(
        series,
        angles=angles,
        pixel_size_nm=pixel_size_nm,
        tilt_axis_angle_deg=tilt_axis_angle_deg,
        align=align,
        xf=xf,
        leave_out=leave_out,
        repair_pixels=repair_pixels,
        invert=invert,
        bin_factor=bin_factor,
        background=background,
        normalize_mass=normalize_mass,
        image=image,
    )
    inputs = input_paths(Recipe(input=source, align=alignment))
    with output_folder(output, command="blur", inputs=inputs) as folder, watched() as monitor:
        record = Record("blur")
        context = RunContext(record, monitor)
        note(
            context,
            output,
            inputs,
            input=source,
            prepare=prepare,
            align=alignment,
            phases=phases,
            thickness_px=thickness_px,
        )
        found = obtain_blur(
            source, prepare, alignment, phases=phases, thickness_px=thickness_px, context=context
        )
        record.results["blur"] = plain(found)
        write_table(folder / "blur.csv", blur_table(found))
        save_figure(blur_curve_plot(found), folder / "blur", formats=("png",))
        text = text_of(found_blur_statements(found))
        finish(folder, record, f"{text}\n", None)
    typer.echo(text)
