"""The command ``snpore reconstruct``: alignment and reconstruction of a tilt series."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from napari_snpore.cli.inputs import parse_blur, parse_weight
from napari_snpore.cli.options import Image, Output, Overwrite
from napari_snpore.cli.outputs import note, recorded
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
from napari_snpore.files import write_volume
from napari_snpore.files.write import least_bytes
from napari_snpore.scratch import scratch_beside
from napari_snpore.study.pipeline import input_paths
from napari_snpore.study.quality_report import quality_record
from napari_snpore.study.recipe import (
    DEFAULT_METHOD,
    Recipe,
    ReconstructSection,
    checked,
)
from napari_snpore.study.report import text_of
from napari_snpore.study.summary import tomogram_statements
from napari_snpore.study.tomogram import obtain_volume
from napari_snpore.tomography.options import Filter, Stop
from napari_snpore.tomography.options import Method as ReconstructMethod
from napari_snpore.tomography.reconstruction import Backend


def reconstruct(
    series: Series,
    output: Output,
    method: Annotated[
        ReconstructMethod, typer.Option(help="Reconstruction method.")
    ] = DEFAULT_METHOD,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Number of iterations; default: TV at most 300, SIRT 50, CGLS 20, DART 20; WBP has none.",
        ),
    ] = None,
    stop: Annotated[
        Stop | None,
        typer.Option(
            help="SIRT, CGLS: stop after all iterations, or at the noise level of the images; default: iterations."
        ),
    ] = None,
    filter_name: Annotated[
        Filter | None, typer.Option("--filter", help="WBP: frequency filter; default: ram-lak.")
    ] = None,
    tv_weight: Annotated[
        str | None,
        typer.Option(
            help="TV: weight in grey units, or auto: as held-out tilts say, where they gain by it; default: from the noise."
        ),
    ] = None,
    blur: Annotated[
        str | None,
        typer.Option(
            help="TV: blur of the images in the model, σ in px: auto (found in the images), none, or a value; default: auto."
        ),
    ] = None,
    reweight: Annotated[
        bool | None,
        typer.Option(
            "--reweight/--no-reweight",
            help="TV: lower the weight at edges, so that thin walls keep their grey value; default: on.",
        ),
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="TV: converged where the mean change of a voxel in one iteration is this share of its mean; default: 0.001.",
        ),
    ] = None,
    gray_level: Annotated[
        list[float] | None,
        typer.Option(
            help="DART: one grey level, vacuum first; repeat per level; default: found in the data."
        ),
    ] = None,
    backend: Annotated[
        Backend,
        typer.Option(
            help="SIRT, WBP: on a CUDA device by ASTRA, or on the CPU; auto: CUDA if available."
        ),
    ] = "auto",
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
    memory_limit_mb: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Memory limit of arrays in MB; larger ones are temporary files; default: none.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Align and reconstruct a tilt series into a volume (.tif, .ome.zarr, .mrc) with a JSON record
    beside it.
    """
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
    options = {
        "iterations": iterations,
        "filter": filter_name,
        "stop": stop,
        "weight": None if tv_weight is None else parse_weight(tv_weight),
        "blur_px": None if blur is None else parse_blur(blur),
        "reweight": reweight,
        "tolerance": tolerance,
        "gray_levels": gray_level or None,
    }
    how = checked(
        ReconstructSection,
        method=method,
        thickness_px=thickness_px,
        backend=backend,
        **{method: {name: value for name, value in options.items() if value is not None}},
    )
    inputs = input_paths(Recipe(input=source, align=alignment))
    with recorded("reconstruct", output, overwrite=overwrite, inputs=inputs) as (context, part):
        note(
            context,
            output.parent,
            inputs,
            input=source,
            prepare=prepare,
            align=alignment,
            reconstruct=how,
        )
        with scratch_beside(
            part, None if memory_limit_mb is None else memory_limit_mb * 1_000_000
        ) as scratch:
            context = replace(
                context, output=part, output_bytes_per_voxel=least_bytes(part, 1, np.float32)
            )
            tomogram = obtain_volume(
                source, prepare, alignment, how, context=context, scratch=scratch
            )
            with context.step("write") as watch:
                write_volume(part, tomogram.volume, **watch)
        context.record.results["quality"] = quality_record(tomogram)
    typer.echo(text_of(tomogram_statements(tomogram)))
